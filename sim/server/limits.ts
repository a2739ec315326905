/** Limits of what one client, and all clients together, may cost the server. */

export interface Limits {
  /** Connections beyond this number are reset at once. Default 20000. */
  readonly maxConnections: number;
  /** Time that a client has for its first valid frame; 0: no limit. Default 10000. */
  readonly firstFrameMs: number;
  /** The longest data of one frame. Default 65536. */
  readonly maxDataBytes: number;
  /** Frames of any type that a client may send in each second on average. Default 100. */
  readonly maxFramesPerSecond: number;
  /**
   * Number of frames by which a client may exceed that rate, or send at once: the frames that a pulled cable held back
   * arrive together. Default 3000, which is enough for a cable that was out for 30 s, even for a client that beats at
   * the full rate.
   */
  readonly maxFrameBurst: number;
  /** Bytes that may wait, beyond the connection's own buffers, for a client that does not read. Default 65536. */
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
 * A leaky bucket (ITU-T I.371 annex A): each frame adds 1, and the allowed rate drains it. Returns by how many frames a
 * client exceeds `framesPerSecond` with one more frame, if the excess was `ahead` at the last frame, `elapsedMs` ago.
 * It needs no timer, and two numbers for each client.
 */
export function framesAhead(ahead: number, elapsedMs: number, framesPerSecond: number): number {
  return Math.max(0, ahead - (elapsedMs * framesPerSecond) / 1000) + 1;
}
