/** What one client, and all of them together, may cost the server (S14). */

export interface Limits {
  /** Who comes beyond it is reset at once. Default 20000. */
  readonly maxConnections: number;
  /** How long a client may take until its first valid frame; 0 = for ever. Default 10000. */
  readonly firstFrameMs: number;
  /** The longest data of one frame. Default 65536. */
  readonly maxDataBytes: number;
  /**
   * Frames of any type within one second of a client: with room for what a pulled cable held back and lets
   * through at once. Default 100.
   */
  readonly maxFramesPerSecond: number;
  /** What may wait, beyond the connection's own buffers, for a client that does not read. Default 65536. */
  readonly maxQueuedBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxConnections: 20_000,
  firstFrameMs: 10_000,
  maxDataBytes: 65_536,
  maxFramesPerSecond: 100,
  maxQueuedBytes: 65_536,
};

/** Counts frames in windows of one second that begin with a frame: no timer, two numbers a client. */
export class FrameRate {
  #windowStartMs = -Infinity;
  #frames = 0;

  /** Counts one frame; gives how many there were in the window it falls into. */
  count(nowMs: number): number {
    if (nowMs - this.#windowStartMs >= 1000) {
      this.#windowStartMs = nowMs;
      this.#frames = 0;
    }
    return ++this.#frames;
  }
}
