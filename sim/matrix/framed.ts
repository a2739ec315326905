/** The matrix of the framed protocol: which idle timers, on which end, find which fault. */

import type { IdlePeriods } from '../../firmware/tasks/idle-timers.ts';
import { firmware, referenceServer, SIMULATED_SERVERS } from '../programs.ts';
import type { MatrixFault } from './matrix.ts';
import type { ProtocolPolicy } from './policy.ts';
import { usualFaultsAt } from './usual-faults.ts';

/** Netty's IdleStateHandler on either end: reader, writer and all-idle time. */
export const FRAMED_POLICIES: readonly ProtocolPolicy[] = [
  policy('device asks', { readerIdleMs: 15_000, writerIdleMs: 5000 }, { readerIdleMs: 15_000 }),
  policy('all-idle', { readerIdleMs: 15_000, allIdleMs: 5000 }, { readerIdleMs: 15_000 }),
  policy('server asks', { readerIdleMs: 15_000 }, { readerIdleMs: 15_000, writerIdleMs: 5000 }),
  policy('server alone', { writerIdleMs: 5000 }, { readerIdleMs: 15_000 }),
];

function policy(name: string, device: Partial<IdlePeriods>, server: Partial<IdlePeriods>): ProtocolPolicy {
  const off: IdlePeriods = { readerIdleMs: 0, writerIdleMs: 0, allIdleMs: 0 };
  return {
    name,
    device: firmware({ protocol: 'framed', servers: SIMULATED_SERVERS, ...off, ...device }),
    server: referenceServer({ protocol: { kind: 'framed', ...off, ...server } }),
  };
}

const usual = usualFaultsAt('10m');

export const FRAMED_FAULTS: readonly MatrixFault[] = [
  usual(
    'cable',
    'Each end reads nothing for 15 s. On a device without a reader idle time, only TCP retransmission ends the '
    + 'connection.',
  ),
  usual('power', 'For the server this is the same as a pulled cable.'),
  usual(
    'power and reboot',
    'The device logs in again over a new connection. A server that sends a question gets a reset; a server that only '
    + 'waits has a ghost for 15 s.',
  ),
  usual('hang', "The hung firmware's stack acknowledges each question, but nobody answers: the server's reader is idle."),
  usual(
    'server power',
    'Now the server is dead: a reader idle time on the device finds this, a writer idle time alone does not.',
  ),
  usual(
    'server hang',
    "The server's stack acknowledges each question, so a device without a reader idle time never stops asking.",
  ),
];
