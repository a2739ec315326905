/**
 * What a verdict says: for each fault, and each device that it touches, who noticed, after how long, and by what.
 * Verdicts follow from the trace alone (judge.ts), so that a stored trace gives the same ones. Sessions, ghosts, and
 * when sessions overlap, are told of in sessions/sessions.ts.
 *
 * - The connection in question is the one that the device had when the fault came. A device that had none, or one that
 *   the server had given up before, has a verdict without it; and so has a reset, a hang or a crash of a device without
 *   power. A fault on a server touches every device that has a connection to it, or had its last.
 * - A fault cuts, harms or is latent (faults/kind.ts). Where it only harms there is nothing to notice: who gives up,
 *   and was not cut off meanwhile, raises a false alarm. A latent one has no verdict by itself: each connection that a
 *   box then forgets has one, from that moment.
 * - The device noticed when its firmware reported that connection lost; or, after a hang, when its watchdog reset it. A
 *   firmware that is off, dead or hung cannot notice. It is so by the fault itself; or by another that was there when
 *   the fault came, or came at the same instant, unless the firmware went on with that connection before the heal; or
 *   by one that put an end to the firmware before it had noticed.
 * - The server noticed when it took that connection off line, or, where it is not ours to ask, when its end of it was
 *   gone. A server of ours that is stopped, hung, or without power, or was so before it had noticed, notices nothing;
 *   one that is not ours and dies cannot be told from one that closes, so that its death counts as noticing, `by
 *   closed` or `by ECONNRESET`.
 * - The fault was healed when its time was over and so was that of all others that cut the device off (not of one on a
 *   server that the device has left for another), those too that came before service was back; one that only harms when
 *   its own was. A reset is over at once, and so is a box's forgetting; whatever stopped the firmware is over, too,
 *   when the device boots, and what stopped a server's program when that listens anew.
 * - Service is back at the first sign of service from the device after that. What was not there cannot come back: a
 *   device that had never been connected when the fault came is not asked. After what is over at once, a sign counts
 *   only if it is of what was sent after it (sessions.ts). Where nobody answers, a beat that the server tells of is the
 *   sign; where it does not tell, one that is sent, but after what is over at once only over another connection.
 * - The connection survived if that sign came over it: then nobody had to notice. A device cut again before anyone
 *   noticed has a verdict for each cut, over the one connection.
 * - A verdict has the ghost of its connection from the fault on; and where the connection survived, up to the heal. A
 *   fault that only harms has none: who gives up under it is to blame. The sum of a trace has the ghosts of all
 *   connections, with a fault and without, and no moment of a connection twice.
 * - A false alarm: an end gives up a connection by its own judgement (beats missed, silence, TCP's time-outs), and no
 *   fault that cuts has touched it, or all of these were survived. What the other end then sees of it is none. Nor is
 *   it one to give up what the other end has left, or a connection that the stack of a server under a fault has
 *   answered, and its program never took.
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
  /** How true to life the fault was; what is not put to the test at that tier must not be read from this. */
  readonly tier: Tier;
  /** The line of the plan. */
  readonly text: string;
  /** What the fault was on; where it was a server, `device` is one of those that it touched. */
  readonly on: Side;
  readonly device: string;
  readonly atMs: number;
  /** How long it was to last; undefined: for good, or until somebody ended it. */
  readonly forMs: number | undefined;
  /**
   * Whether its own time was over at the end, whatever else the device was under; never true where it was for good and
   * nothing ended it.
   */
  readonly isOver: boolean;
  /** Undefined: not yet, or never. */
  readonly healedAfterMs: number | undefined;
  /** Whether the device had a connection when the fault came. */
  readonly wasConnected: boolean;
  /** Whether the device had ever been connected by then. */
  readonly hadService: boolean;
  /**
   * What the firmware was while the fault lasted, by this fault or by another; one that was not `running` could not
   * notice.
   */
  readonly firmware: FirmwareState;
  /** The same of the server's program. */
  readonly server: FirmwareState;
  /** Undefined: it did not, or could not. */
  readonly deviceNoticed: Noticed | undefined;
  readonly serverNoticed: Noticed | undefined;
  /**
   * Where the run looks for what the server's own program says of it (`--offline-log`): when it said so, if it has.
   * `serverNoticed` then is its kernel's, and the user waits for the later of the two.
   */
  readonly log: { readonly noticed: Noticed | undefined } | undefined;
  readonly survived: boolean;
  readonly ghostMs: number;
  /** After the heal; undefined: not yet, or there was none, or no service before. */
  readonly backAfterMs: number | undefined;
}

/** When all of the server had noticed: its kernel, and, where its program is asked, too, that. */
export function allOfServerNoticed({ serverNoticed, log }: Verdict): Noticed | undefined {
  if (log === undefined || serverNoticed === undefined || log.noticed === undefined) {
    return log === undefined ? serverNoticed : undefined;
  }
  return serverNoticed.afterMs > log.noticed.afterMs ? serverNoticed : log.noticed;
}

/** By what an end gives up that has seen nothing of the other. */
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

/** What a trace comes to. */
export interface Findings {
  readonly endMs: number;
  readonly verdicts: readonly Verdict[];
  /** Lines of the plan of latent faults that came to nothing. */
  readonly spared: readonly string[];
  /** As many as the trace speaks of. */
  readonly devices: number;
  readonly falseAlarms: readonly FalseAlarm[];
  readonly overlappingSessions: number;
  /** Connections that devices lost though no fault had touched them, by reason. */
  readonly unexplainedLosses: ReadonlyMap<string, number>;
  /** Of all connections, with a fault and without; no moment of a connection counts twice. */
  readonly ghostMs: number;
  /** The second with most connections made by devices that had been connected before; undefined: there was none. */
  readonly peakReconnects: Peak | undefined;
  /** What was sent; undefined where the trace does not come to its end. */
  readonly traffic: Traffic | undefined;
}
