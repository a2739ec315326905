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
    'Each end counts from the last byte that it has read. A call that times out does not end the connection. Without '
    + 'beats, only TCP retransmission ends it on the device, and nothing ends it on the server, which only waits.',
  ),
  usual('power', 'For the server this is the same as a pulled cable.'),
  usual(
    'power and reboot',
    'The device calls at once over a new connection. The server writes nothing to the old connection and has a ghost '
    + 'there, unless an answer was in flight: that answer is retransmitted and gets a reset.',
  ),
  usual('hang', 'A hung firmware sends neither calls nor beats: the connection is idle.'),
  usual(
    'server power',
    'Every call fails; the device gives up the connection when it has read nothing for three beats.',
  ),
  usual(
    'server hang',
    "The server's stack acknowledges calls and beats alike: only the missing answers to beats show the hang.",
  ),
];
