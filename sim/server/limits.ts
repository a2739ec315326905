/** What one client, and all of them together, may cost the server. */

export interface Limits {
  /** Who comes beyond it is reset at once. Default 20000. */
  readonly maxConnections: number;
  /** How long a client may take until its first valid frame; 0 = for ever. Default 10000. */
  readonly firstFrameMs: number;
  /** The longest data of one frame. Default 65536. */
  readonly maxDataBytes: number;
  /** Frames of any type that a client may send a second for ever. Default 100. */
  readonly maxFramesPerSecond: number;
  /**
   * How many frames it may be ahead of that rate, or send at once: what a pulled cable held back comes through all
   * together. Default 3000: room for a cable that was out for 30 s, even for a client that beats at the full rate.
   */
  readonly maxFrameBurst: number;
  /** What may wait, beyond the connection's own buffers, for a client that does not read. Default 65536. */
  readonly maxQueuedBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxConnections: 20_000,
  firstFrameMs: 10_000,
  maxDataBytes: 65_536,
  maxFramesPerSecond: 100,
  maxFrameBurst: 3000,
  maxQueuedBytes: 65_536,
};

/**
 * A leaky bucket (ITU-T I.371 annex A): each frame adds 1, and the allowed rate drains it. Gives how many frames a
 * client is ahead of `framesPerSecond` with one more, that was `ahead` when the last one came `elapsedMs` ago. No
 * timer, two numbers a client.
 */
export function framesAhead(ahead: number, elapsedMs: number, framesPerSecond: number): number {
  return Math.max(0, ahead - (elapsedMs * framesPerSecond) / 1000) + 1;
}
