/**
 * Verdicts: for each fault and each device that it touches, who noticed, after how long, and why. Verdicts follow from
 * the trace alone (judge.ts), so a stored trace gives the same ones. sessions/sessions.ts defines sessions, ghosts and
 * overlap.
 *
 * - The connection of a verdict is the one that the device had when the fault came. A device without a connection, or
 *   with one that the server had given up before, has a verdict without a connection; so has a reset, a hang or a crash
 *   of a device without power. A fault on a server touches every device that has a connection to it, or had its last
 *   one there.
 * - A fault cuts, harms or is latent (faults/kind.ts). A fault that only harms leaves nothing to notice: an end that
 *   gives up, and was not cut off meanwhile, raises a false alarm. A latent fault has no verdict by itself: each
 *   connection that a box then forgets has one, from that moment.
 * - The device noticed when its firmware reported that connection lost; or, after a hang, when its watchdog reset it.
 *   Firmware that is off, dead or hung cannot notice. This fault may have stopped it; or another fault that was there
 *   when this one came, or came at the same instant, unless the firmware continued with that connection before the
 *   heal; or a fault that stopped the firmware before it had noticed.
 * - The server noticed when it took that connection offline, or, if it is not ours to ask, when its end of the
 *   connection was gone. A server of ours that is stopped, hung or without power, or was so before it had noticed,
 *   notices nothing. A foreign server that dies cannot be told from one that closes, so its death counts as noticing,
 *   `by closed` or `by ECONNRESET`.
 * - The fault was healed when its time was over and so was the time of all other faults that cut the device off (not of
 *   a fault on a server that the device has left for another), including those that came before service was back. A
 *   fault that only harms is healed when its own time is over. A reset is over at once, and so is a box's forgetting. A
 *   fault that stopped the firmware is over, too, when the device boots; one that stopped a server's program, when the
 *   server listens again.
 * - Service is back at the first sign of service from the device after that. A device that had never been connected
 *   when the fault came is not asked, because service that was not there cannot come back. After a momentary fault, a
 *   sign counts only if it belongs to something that was sent after the fault (sessions.ts). Where nobody answers, a
 *   beat that the server reports is the sign; if the server reports none, a beat that is sent, but after a momentary
 *   fault only over another connection.
 * - The connection survived if that sign came over it: then nobody had to notice. A device that is cut again before
 *   anyone noticed has a verdict for each cut, over the one connection.
 * - A verdict has the ghost of its connection from the fault on; if the connection survived, up to the heal. A fault
 *   that only harms has none: an end that gives up under it is to blame. The sum of a trace has the ghosts of all
 *   connections, with a fault and without, and no moment of a connection twice.
 * - A false alarm: an end gives up a connection by its own judgement (beats missed, silence, TCP's timeouts), although
 *   no fault that cuts has touched it, or all such faults were survived. What the other end then sees is no second
 *   false alarm. Nor is it a false alarm to give up what the other end has left, or a connection that the stack of a
 *   server under a fault has answered and its program never accepted.
 */

import type { FaultKind } from '../faults/kinds/index.ts';
import type { Effect, FirmwareState, Side, Tier } from '../faults/kind.ts';
import type { Peak } from './peak.ts';

export interface Noticed {
  readonly afterMs: number;
  /** An errno, a FIN (`closed`), missed beats, ... */
  readonly by: string;
}

export interface Verdict {
  readonly fault: FaultKind;
  readonly effect: Exclude<Effect, 'latent'>;
  /** Tier of the fault: how true to life it was. The verdict says nothing about what that tier does not test. */
  readonly tier: Tier;
  /** The line of the plan. */
  readonly text: string;
  /** The side of the fault; if it was on a server, `device` is one of the devices that it touched. */
  readonly on: Side;
  readonly device: string;
  readonly atMs: number;
  /** Planned length; undefined: for good, or until somebody ended it. */
  readonly forMs: number | undefined;
  /**
   * True if its own time was over at the end, even if other faults went on; always false if it was for good and
   * nothing ended it.
   */
  readonly isOver: boolean;
  /** Time from the fault to the heal; undefined: not yet, or never. */
  readonly healedAfterMs: number | undefined;
  /** True if the device had a connection when the fault came. */
  readonly wasConnected: boolean;
  /** True if the device had ever been connected by then. */
  readonly hadService: boolean;
  /**
   * State of the firmware during the fault, by this fault or another. Firmware that was not `running` could not notice.
   */
  readonly firmware: FirmwareState;
  /** State of the server's program during the fault. */
  readonly server: FirmwareState;
  /** Undefined if the device did not notice, or could not. */
  readonly deviceNoticed: Noticed | undefined;
  readonly serverNoticed: Noticed | undefined;
  /**
   * Notice of the server's own program, found in its log lines (`--offline-log`); undefined if the run does not look
   * for such lines. `serverNoticed` is then its kernel's, and the user waits for the later of the two.
   */
  readonly log: { readonly noticed: Noticed | undefined } | undefined;
  readonly survived: boolean;
  readonly ghostMs: number;
  /** Time from the heal to the first sign of service; undefined: not yet, or no heal, or no service before. */
  readonly backAfterMs: number | undefined;
}

/** Returns when all of the server had noticed: its kernel, and, if its program is asked too, its program. */
export function allOfServerNoticed({ serverNoticed, log }: Verdict): Noticed | undefined {
  if (log === undefined || serverNoticed === undefined || log.noticed === undefined) {
    return log === undefined ? serverNoticed : undefined;
  }
  return serverNoticed.afterMs > log.noticed.afterMs ? serverNoticed : log.noticed;
}

/** Reasons by which an end gives up although it has seen nothing of the other end. */
export const GIVING_UP: ReadonlySet<string> = new Set([
  'missed-beats',
  'silent',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'not-reading',
  'no-first-frame',
  'reported',
  'no-answer',
]);

/** An end gave up what was alive. */
export interface FalseAlarm {
  readonly atMs: number;
  readonly device: string;
  readonly side: Side;
  readonly by: string;
}

/**
 * `packets`: IPv4 packets, whole, of all hosts. `payload`: what devices wrote and read, as nobody sees packets over
 * real sockets.
 */
export interface Traffic {
  readonly bytes: number;
  readonly counted: 'packets' | 'payload';
}

/** Findings of a trace. */
export interface Findings {
  readonly endMs: number;
  readonly verdicts: readonly Verdict[];
  /** Lines of the plan of latent faults that came to nothing. */
  readonly spared: readonly string[];
  /** Number of devices that the trace names. */
  readonly devices: number;
  readonly falseAlarms: readonly FalseAlarm[];
  readonly overlappingSessions: number;
  /** Connections that devices lost though no fault had touched them, by reason. */
  readonly unexplainedLosses: ReadonlyMap<string, number>;
  /** Length of the ghosts of all connections, with a fault and without; no moment of a connection counts twice. */
  readonly ghostMs: number;
  /** The second with most connections made by devices that had been connected before; undefined: there was none. */
  readonly peakReconnects: Peak | undefined;
  /** Traffic; undefined if the trace has no end. */
  readonly traffic: Traffic | undefined;
}
