/**
 * The keepalive of a device whose cable is out: the host's own is not cut off, and would find nothing. It is kept as
 * Linux keeps it: TCP_KEEPIDLE after the last word of the far end the first probe, then one every TCP_KEEPINTVL; given
 * up when TCP_KEEPCNT of them have no answer (RFC 1122, 4.2.3.6).
 */

import type { KeepAlive } from '../../hal/network.ts';

export class KeepAliveProbes {
  readonly #keepAlive: KeepAlive;
  #heardAtMs: number;
  #unanswered = 0;
  #nextAtMs = 0;

  /** `heardAtMs`: from when idle time counts, since the far end was there. */
  constructor(keepAlive: KeepAlive, heardAtMs: number) {
    this.#keepAlive = keepAlive;
    this.#heardAtMs = heardAtMs;
  }

  /** Probes went that have no answer yet. */
  get isWaiting(): boolean {
    return this.#unanswered > 0;
  }

  /** True if the allowed number of probes has no answer. */
  get isExhausted(): boolean {
    return this.#unanswered >= this.#keepAlive.count;
  }

  /** The far end was heard, or has acknowledged something. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#unanswered = 0;
  }

  /** Returns the time of the next probe, or of giving up after the last, for a device that was cut off at `cutAtMs`. */
  nextAtMs(cutAtMs: number, nowMs: number): number {
    if (this.#unanswered === 0) {
      // Until then probes were answered, and the answers count as heard.
      const idleMs = this.#keepAlive.idle * 1000;
      const answered = Math.max(Math.floor((cutAtMs - this.#heardAtMs) / idleMs), 0);
      this.#nextAtMs = Math.max(this.#heardAtMs + (answered + 1) * idleMs, nowMs);
    }
    return this.#nextAtMs;
  }

  /** A probe goes, and nothing will answer it. */
  send(): void {
    this.#unanswered++;
    this.#nextAtMs += this.#keepAlive.interval * 1000;
  }
}
