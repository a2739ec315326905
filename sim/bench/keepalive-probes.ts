/**
 * The keepalive of a device whose cable is out: the host's own is not cut off, and would find nothing. It is kept as
 * Linux keeps it: TCP_KEEPIDLE after the last word of the far end the first probe, then one every TCP_KEEPINTVL; given
 * up when TCP_KEEPCNT of them have no answer (RFC 1122, 4.2.3.6).
 */

import type { KeepAlive } from '../../hal/network.ts';

export class KeepAliveProbes {
  #keepAlive: KeepAlive | 'off' = 'off';
  #heardAtMs = 0;
  #unanswered = 0;
  #nextAtMs = 0;

  get isOn(): boolean {
    return this.#keepAlive !== 'off';
  }

  /** Probes went that have no answer yet. */
  get isWaiting(): boolean {
    return this.#unanswered > 0;
  }

  /** As many as may be have no answer. */
  get isExhausted(): boolean {
    return this.#keepAlive !== 'off' && this.#unanswered >= this.#keepAlive.count;
  }

  set(keepAlive: KeepAlive | 'off'): void {
    this.#keepAlive = keepAlive;
    this.#unanswered = 0;
  }

  /** The far end was heard, or has acknowledged something. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#unanswered = 0;
  }

  /** When the next probe goes, or the last is given up, for a device that was cut off at `cutAtMs`. */
  nextAtMs(cutAtMs: number, nowMs: number): number {
    if (this.#keepAlive !== 'off' && this.#unanswered === 0) {
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
    if (this.#keepAlive !== 'off') this.#nextAtMs += this.#keepAlive.interval * 1000;
  }
}
