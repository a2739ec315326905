/** The matrix of Dubbo: beats and calls on a connection that both ends give up when it is idle. */

import type { ProtocolSettingsOf } from '../../firmware/index.ts';
import { firmware, referenceServer, SIMULATED_SERVERS } from '../programs.ts';
import type { MatrixFault } from './matrix.ts';
import type { ProtocolPolicy } from './policy.ts';
import { usualFaultsAt } from './usual-faults.ts';

const HOUR_MS = 3_600_000;

/** Dubbo's own beats of 60 s, and shorter ones, with calls that are rarer and more frequent. */
export const DUBBO_POLICIES: readonly ProtocolPolicy[] = [
  policy('beats 60 s x 3', { beatIntervalMs: 60_000, callIntervalMs: HOUR_MS }),
  policy('60 s, calls 10 s', { beatIntervalMs: 60_000, callIntervalMs: 10_000 }),
  policy('beats 5 s x 3', { beatIntervalMs: 5000, callIntervalMs: HOUR_MS }),
  policy('no beats, calls 10 s', { beatIntervalMs: 12 * HOUR_MS, callIntervalMs: 10_000 }),
];

function policy(
  name: string, device: Pick<ProtocolSettingsOf<'dubbo'>, 'beatIntervalMs' | 'callIntervalMs'>,
): ProtocolPolicy {
  return {
    name,
    device: firmware({ protocol: 'dubbo', servers: SIMULATED_SERVERS, ...device }),
    server: referenceServer({ protocol: { kind: 'dubbo', allIdleMs: 3 * device.beatIntervalMs } }),
  };
}

const usual = usualFaultsAt('10m');

export const DUBBO_FAULTS: readonly MatrixFault[] = [
  usual(
    'cable',
    'Both ends count from the last byte that they have read. A call that times out ends no connection: without beats '
    + 'the device is left to TCP, and the server, which waits, to nothing.',
  ),
  usual('power', 'As with the cable, for the server.'),
  usual(
    'power and reboot',
    'The device calls at once over a new connection. The server writes nothing to the old one, and has a ghost; '
    + 'unless an answer was under way, which is sent again and has a reset for an answer.',
  ),
  usual('hang', 'Neither calls nor beats come from a hung firmware: the connection is idle.'),
  usual(
    'server power',
    'Calls fail one by one from the first on; the connection is given up when nothing was read for three beats.',
  ),
  usual('server hang', "The server's stack acknowledges calls and beats alike: only beats without an answer tell."),
];
