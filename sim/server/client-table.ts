/**
 * The clients of a server: which of them were heard, and which have been silent for too long. Pure: time is an
 * argument.
 *
 * Two deadlines apply to a client, one after the other: until its first valid frame only the time allowed for that
 * frame, afterwards only the silence policy. Both lists are sorted by time, so the entry that is due next is first, and
 * nothing here looks at a client that is in order.
 */

import { LinkedList, ListNode } from './linked-list.ts';

/** The rule by which a client counts as gone although its connection exists. */
export type Liveness =
  /**
   * A beat sets a client's count to 0; a scan every `scanIntervalMs` adds 1, and drops a client whose count has
   * already reached `missedLimit`: found within `missedLimit` to `missedLimit` + 1 intervals after the last beat.
   * Only beats count, and no other frames: a client whose beats stop while its data goes on is dropped.
   */
  | { readonly policy: 'missed-beats'; readonly scanIntervalMs: number; readonly missedLimit: number }
  /**
   * A scan every `checkIntervalMs` drops from whom no byte came for `idleMs` or longer: found within
   * `checkIntervalMs` of that.
   */
  | { readonly policy: 'idle'; readonly checkIntervalMs: number; readonly idleMs: number }
  /** Never: TCP must find out. */
  | { readonly policy: 'none' };

/** A deadline this late means that the process stood still: frames that clients sent meanwhile are still to be read. */
export const STALL_MS = 1000;

/** Base of the clients of a table: each is its own row, since there are 100,000 of them. */
export class Row<Client extends Row<Client>> extends ListNode<Client> {
  /** Number of scans up to the last sign of life. */
  sinceScan = 0;
}

export class ClientTable<Client extends Row<Client>> {
  readonly #liveness: Liveness;
  readonly #firstFrameMs: number;
  readonly #scanIntervalMs: number;
  /** Without a valid frame yet, in the order in which they came. */
  readonly #unproven = new LinkedList<Client>();
  /** The others, in the order of the last sign of life. */
  readonly #heard = new LinkedList<Client>();
  #scans = 0;
  #nextScanMs: number;
  #notBeforeMs = 0;

  /**
   * `firstFrameMs` 0: no limit, and the silence policy holds from the start. The first scan is one interval
   * after `nowMs`.
   */
  constructor(liveness: Liveness, firstFrameMs: number, nowMs: number) {
    this.#liveness = liveness;
    this.#firstFrameMs = firstFrameMs;
    this.#scanIntervalMs = scanIntervalMs(liveness);
    this.#nextScanMs = nowMs + this.#scanIntervalMs;
  }

  add(client: Client, nowMs: number): void {
    if (this.#firstFrameMs === 0) this.#hear(client, nowMs);
    else this.#unproven.append(client, nowMs);
  }

  /** Bytes of any kind came. */
  bytes(client: Client, nowMs: number): void {
    if (this.#liveness.policy !== 'missed-beats' && client.list === this.#heard) this.#hear(client, nowMs);
  }

  /** A valid frame came. */
  frame(client: Client, nowMs: number): void {
    if (client.list === this.#unproven) this.#hear(client, nowMs);
  }

  /** A beat came: a valid frame that is a sign of life under every policy. */
  beat(client: Client, nowMs: number): void {
    this.#hear(client, nowMs);
  }

  remove(client: Client): void {
    client.list?.remove(client);
  }

  /** Returns all clients, in the order of the two lists. */
  all(): Client[] {
    return [...this.#unproven.all(), ...this.#heard.all()];
  }

  /** Returns the time at which `expire` has work to do next; Infinity if there is none. */
  nextDueMs(): number {
    const oldest = this.#unproven.first;
    const firstFrameDueMs = oldest === undefined ? Infinity : oldest.sinceMs + this.#firstFrameMs;
    return Math.max(this.#notBeforeMs, Math.min(this.#nextScanMs, firstFrameDueMs));
  }

  /** Takes everyone out whose time is up, and hands them over. */
  expire(nowMs: number, drop: (client: Client, why: 'silent' | 'no-first-frame', sinceMs: number) => void): void {
    if (nowMs - this.nextDueMs() > STALL_MS) {
      this.#notBeforeMs = nowMs + STALL_MS;
      return;
    }
    for (let client = this.#unproven.first; client !== undefined; client = this.#unproven.first) {
      // The very sum that nextDueMs gives: a difference may be rounded to just below, and the alarm rings again and
      // again.
      if (nowMs < client.sinceMs + this.#firstFrameMs) break;
      this.#unproven.remove(client);
      drop(client, 'no-first-frame', client.sinceMs);
    }
    if (nowMs >= this.#nextScanMs) this.#scan(nowMs, drop);
  }

  #hear(client: Client, nowMs: number): void {
    client.sinceScan = this.#scans;
    this.#heard.append(client, nowMs);
  }

  #scan(nowMs: number, drop: (client: Client, why: 'silent', sinceMs: number) => void): void {
    // A late scan is not made up for by two in a row, between which nobody could have been heard.
    this.#nextScanMs += this.#scanIntervalMs;
    if (this.#nextScanMs <= nowMs) this.#nextScanMs = nowMs + this.#scanIntervalMs;
    for (
      let client = this.#heard.first;
      client !== undefined && this.#isSilent(client, nowMs);
      client = this.#heard.first
    ) {
      this.#heard.remove(client);
      drop(client, 'silent', client.sinceMs);
    }
    this.#scans++;
  }

  #isSilent(client: Client, nowMs: number): boolean {
    switch (this.#liveness.policy) {
      case 'missed-beats': return this.#scans - client.sinceScan >= this.#liveness.missedLimit;
      case 'idle': return nowMs - client.sinceMs >= this.#liveness.idleMs;
      case 'none': return false;
    }
  }
}

function scanIntervalMs(liveness: Liveness): number {
  switch (liveness.policy) {
    case 'missed-beats': return liveness.scanIntervalMs;
    case 'idle': return liveness.checkIntervalMs;
    case 'none': return Infinity;
  }
}
