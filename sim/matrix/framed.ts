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
    'Each end reads nothing for 15 s. A device without a reader idle time is left to TCP, which gives up what it has '
    + 'sent in vain.',
  ),
  usual('power', 'As with the cable, for the server.'),
  usual(
    'power and reboot',
    'The device logs in anew. A server that asks has a reset for an answer; one that waits has a ghost for 15 s.',
  ),
  usual('hang', 'Questions are acknowledged by the stack, and answered by nobody: the reader is idle.'),
  usual(
    'server power',
    'The other way round: a reader idle time on the device finds it, a writer idle time alone does not.',
  ),
  usual(
    'server hang',
    "The server's stack acknowledges each question: without a reader idle time the device asks for ever.",
  ),
];
