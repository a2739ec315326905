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

/** A client's row. */
export class Entry<Client> extends ListNode<Entry<Client>> {
  readonly client: Client;
  /** Number of scans up to the last sign of life. */
  sinceScan = 0;

  constructor(client: Client) {
    super();
    this.client = client;
  }
}

export class ClientTable<Client> {
  readonly #liveness: Liveness;
  readonly #firstFrameMs: number;
  readonly #scanIntervalMs: number;
  /** Without a valid frame yet, in the order in which they came. */
  readonly #unproven = new LinkedList<Entry<Client>>();
  /** The others, in the order of the last sign of life. */
  readonly #heard = new LinkedList<Entry<Client>>();
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

  add(client: Client, nowMs: number): Entry<Client> {
    const entry = new Entry(client);
    if (this.#firstFrameMs === 0) this.#hear(entry, nowMs);
    else this.#unproven.append(entry, nowMs);
    return entry;
  }

  /** Bytes came, whatever they are. */
  bytes(entry: Entry<Client>, nowMs: number): void {
    if (this.#liveness.policy !== 'missed-beats' && entry.list === this.#heard) this.#hear(entry, nowMs);
  }

  /** A valid frame came. */
  frame(entry: Entry<Client>, nowMs: number): void {
    if (entry.list === this.#unproven) this.#hear(entry, nowMs);
  }

  /** A beat came: a valid frame that is a sign of life under every policy. */
  beat(entry: Entry<Client>, nowMs: number): void {
    this.#hear(entry, nowMs);
  }

  remove(entry: Entry<Client>): void {
    entry.list?.remove(entry);
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
    for (let entry = this.#unproven.first; entry !== undefined; entry = this.#unproven.first) {
      // The very sum that nextDueMs gives: a difference may be rounded to just below, and the alarm rings again and
      // again.
      if (nowMs < entry.sinceMs + this.#firstFrameMs) break;
      this.#unproven.remove(entry);
      drop(entry.client, 'no-first-frame', entry.sinceMs);
    }
    if (nowMs >= this.#nextScanMs) this.#scan(nowMs, drop);
  }

  #hear(entry: Entry<Client>, nowMs: number): void {
    entry.sinceScan = this.#scans;
    this.#heard.append(entry, nowMs);
  }

  #scan(nowMs: number, drop: (client: Client, why: 'silent', sinceMs: number) => void): void {
    // A late scan is not made up for by two in a row, between which nobody could have been heard.
    this.#nextScanMs += this.#scanIntervalMs;
    if (this.#nextScanMs <= nowMs) this.#nextScanMs = nowMs + this.#scanIntervalMs;
    for (
      let entry = this.#heard.first;
      entry !== undefined && this.#isSilent(entry, nowMs);
      entry = this.#heard.first
    ) {
      this.#heard.remove(entry);
      drop(entry.client, 'silent', entry.sinceMs);
    }
    this.#scans++;
  }

  #isSilent(entry: Entry<Client>, nowMs: number): boolean {
    switch (this.#liveness.policy) {
      case 'missed-beats': return this.#scans - entry.sinceScan >= this.#liveness.missedLimit;
      case 'idle': return nowMs - entry.sinceMs >= this.#liveness.idleMs;
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
