/**
 * Events that firmware reports: one closed union, the device's part of the trace from which every report is made. An
 * event carries no time; the listener stamps it.
 */

import type { Errno } from '../hal/errno.ts';
import type { SocketAddress } from '../hal/network.ts';
import type { ResetReason } from '../hal/system.ts';

/**
 * Why a connection is over, as the device knows it: the peer's FIN; an errno; as many unanswered beats as the limit
 * allows; a frame that was not taken in time; bytes that are no frame; a login that was not answered in time, or
 * refused; the server's word that this is the end; or that the device has done what it had to do.
 */
export type LossReason =
  | Errno | 'closed' | 'missed-beats' | 'not-reading' | 'bad-frame' | 'no-answer' | 'refused' | 'disconnected'
  | 'finished';

/**
 * Why a call has failed: its answer did not come in time, or was not an answer to it; the peer has `refused` it; or its
 * connection is over, or cannot be had, for this reason.
 */
export type CallFailure = 'timeout' | 'wrong-answer' | LossReason;

export type DeviceEvent =
  /** The firmware has started. `boots` counts its starts, so that a restart can be told from a reconnect. */
  | { readonly kind: 'boot'; readonly boots: number; readonly resetReason: ResetReason }
  | { readonly kind: 'connecting'; readonly server: string }
  | { readonly kind: 'connect-failed'; readonly server: string; readonly errno: Errno }
  | { readonly kind: 'connected'; readonly server: string; readonly local: SocketAddress | undefined }
  | { readonly kind: 'beat-sent' }
  /**
   * The device has been served: a beat was answered, the peer's application has acknowledged data, a text was given
   * back. It answers what was sent `afterMs` ago. Without `afterMs`: nobody answers in this protocol, and what was sent
   * is only assumed to have come.
   */
  | { readonly kind: 'served'; readonly afterMs?: number }
  /** At the time of a beat, the one before is still unanswered; `missed` counts how many are. */
  | { readonly kind: 'beat-missed'; readonly missed: number }
  /** A call has no answer, or one that says no; `afterMs`: since it was made. */
  | { readonly kind: 'call-failed'; readonly by: CallFailure; readonly afterMs: number }
  /** An answer came that no call waits for any more, and was dropped; since its start the firmware has had so many. */
  | { readonly kind: 'late-answer'; readonly lateAnswers: number }
  /** Peers: another peer has left a ping unanswered for this time, and is reported to the monitor. */
  | { readonly kind: 'peer-silent'; readonly peer: string; readonly silentMs: number }
  /**
   * The client, which finds its beat period by itself, tries this one from now on; `settled`: it keeps it, as the
   * longest that is safe.
   */
  | { readonly kind: 'beat-period'; readonly periodMs: number; readonly settled: boolean }
  /** A data frame, without its head; or as many bytes as an echo gave back. */
  | { readonly kind: 'data-sent'; readonly bytes: number }
  /** A data frame, complete, without its head; or as many bytes as one read gave to an echo. */
  | { readonly kind: 'data-received'; readonly bytes: number }
  /** The peer's application answers for a message from now on. No two messages of a device have the same name. */
  | { readonly kind: 'acknowledged'; readonly message: string }
  /** A message to a topic that the device has subscribed to, with what it says, cut short. */
  | { readonly kind: 'message'; readonly topic: string; readonly text: string; readonly retained: boolean }
  /** The connection is over after `afterMs`; `detail` is a sentence where the reason alone does not say enough. */
  | {
      readonly kind: 'lost';
      readonly server: string;
      readonly by: LossReason;
      readonly afterMs: number;
      readonly detail?: string;
    }
  | { readonly kind: 'backing-off'; readonly delayMs: number }
  /** The carrier has changed; or the firmware has started without one. */
  | { readonly kind: 'carrier'; readonly up: boolean };

/** Takes the events as they happen. It MUST NOT block, nor call the firmware. */
export type EventListener = (event: DeviceEvent) => void;
