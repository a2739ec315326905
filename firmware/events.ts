/**
 * What firmware tells of itself: one closed union, the device's part of the trace from which every report is made.
 * An event carries no time; whoever listens stamps it.
 */

import type { Errno } from '../hal/errno.ts';
import type { SocketAddress } from '../hal/network.ts';
import type { ResetReason } from '../hal/system.ts';

/**
 * Why a connection is over, as the device knows it: the peer's FIN; an errno; as many unanswered beats as the limit allows; or
 * bytes that are no frame.
 */
export type LossReason = Errno | 'closed' | 'missed-beats' | 'bad-frame';

export type DeviceEvent =
  /** The firmware has started. `boots` counts its starts, so that a restart can be told from a reconnect. */
  | { readonly kind: 'boot'; readonly boots: number; readonly resetReason: ResetReason }
  | { readonly kind: 'connecting'; readonly server: string }
  | { readonly kind: 'connect-failed'; readonly server: string; readonly errno: Errno }
  | { readonly kind: 'connected'; readonly server: string; readonly local: SocketAddress | undefined }
  | { readonly kind: 'beat-sent' }
  | { readonly kind: 'beat-answered'; readonly afterMs: number }
  /** At the time of a beat, the one before is still unanswered; `missed` counts how many are. */
  | { readonly kind: 'beat-missed'; readonly missed: number }
  | { readonly kind: 'data-sent'; readonly bytes: number }
  | { readonly kind: 'data-received'; readonly bytes: number }
  /** The connection is over after `afterMs`; `detail` is a sentence where the reason alone does not say enough. */
  | { readonly kind: 'lost'; readonly server: string; readonly by: LossReason; readonly afterMs: number; readonly detail?: string }
  | { readonly kind: 'backing-off'; readonly delayMs: number }
  | { readonly kind: 'carrier'; readonly up: boolean };

/** Takes the events as they happen. It MUST NOT block, nor call the firmware. */
export type EventListener = (event: DeviceEvent) => void;
