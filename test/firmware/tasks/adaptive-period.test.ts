/**
 * The search for the longest safe beat period, against boxes that are a number: what it tries, keeps, and remembers.
 */

import { describe, expect, it } from 'vitest';
import {
  ADAPTIVE_PERIOD_DEFAULTS,
  type AdaptivePeriod,
  PeriodSearch,
} from '../../../firmware/tasks/adaptive-period.ts';

const { minMs, maxMs, stepMs, marginMs } = ADAPTIVE_PERIOD_DEFAULTS;
const WEEK_MS = 7 * 86_400_000;

/** A client whose beats are answered as long as they come within the timeout of its network's box. */
class Client {
  readonly told: { readonly periodMs: number; readonly settled: boolean }[] = [];
  readonly #search: PeriodSearch;
  nowMs = 0;
  connections = 0;
  network = 'home';

  constructor(settings: AdaptivePeriod = ADAPTIVE_PERIOD_DEFAULTS) {
    this.#search = new PeriodSearch(settings, (periodMs, settled) => this.told.push({ periodMs, settled }));
  }

  get periodMs(): number {
    return this.#search.periodMs;
  }

  connect(): void {
    this.connections++;
    this.#search.connected(this.network, this.nowMs);
    this.beat(Infinity);
  }

  /** One beat, a period after the last answer; `data`: something else went over the connection meanwhile. */
  beat(timeoutMs: number, data = false): void {
    if (data) this.#search.traffic();
    const { periodMs } = this.#search;
    this.nowMs += this.connections === 0 ? 0 : periodMs;
    this.#search.sent();
    if (periodMs < timeoutMs) this.#search.answered(this.nowMs);
    else this.connect();
  }

  /** Beats until the period has settled, or up to the limit. */
  settle(timeoutMs: number, forMs = 14 * 86_400_000): number {
    if (this.connections === 0) this.connect();
    const endMs = this.nowMs + forMs;
    const before = this.told.length;
    while (this.nowMs < endMs && !this.told.slice(before).some(({ settled }) => settled)) this.beat(timeoutMs);
    return this.told.at(-1)?.periodMs ?? NaN;
  }
}

describe('behind a box', () => {
  const timeouts = Array.from({ length: 1741 }, (_, i) => 60_000 + 1000 * i);

  it('with any timeout from 60 s to 30 min, the search ends within a step below it, and costs at most six connections', () => {
    for (const timeoutMs of timeouts) {
      const client = new Client();
      const periodMs = client.settle(timeoutMs);
      expect(client.told.at(-1)).toEqual({ periodMs, settled: true });
      expect(periodMs).toBeLessThan(timeoutMs);
      expect(timeoutMs - periodMs).toBeLessThanOrEqual(stepMs);
      // The client keeps its margin, except at the shortest period.
      if (periodMs > minMs) expect(timeoutMs - periodMs).toBeGreaterThanOrEqual(marginMs);
      expect(client.connections).toBeLessThanOrEqual(1 + 6);
    }
  });

  it('that never forgets, the search ends a margin below the longest period that it may try', () => {
    expect(new Client().settle(Infinity)).toBe(maxMs - marginMs);
  });

  it('that forgets before the shortest period, the client stays at the shortest, and does not settle', () => {
    const client = new Client();
    client.settle(20_000, 86_400_000);
    expect(client.periodMs).toBe(minMs);
    expect(client.told).toEqual([{ periodMs: minMs + stepMs, settled: false }]);
  });

  it('the client tries a period that failed once again, and takes two failures in a row for proof', () => {
    const client = new Client();
    client.connect();
    while (client.told.at(-1)?.periodMs !== 330_000) client.beat(Infinity);
    for (let i = 0; i < 4; i++) client.beat(Infinity);
    client.beat(100_000);
    expect(client.told.at(-1)).toEqual({ periodMs: 330_000, settled: false });
    // Three beats at the shortest period before the next try, on the new connection.
    for (let i = 0; i < 3; i++) {
      expect(client.periodMs).toBe(minMs);
      client.beat(Infinity);
    }
    expect(client.periodMs).toBe(330_000);
    client.beat(100_000);
    expect(client.told.at(-1)).toEqual({ periodMs: 310_000, settled: false });
  });

  it('a beat proves nothing when other traffic kept the box awake', () => {
    const client = new Client();
    client.connect();
    for (let i = 0; i < 100; i++) client.beat(Infinity, true);
    expect(client.periodMs).toBe(minMs);
  });
});

describe('a change of network', () => {
  it('to a box that forgets earlier: two lost connections, and a search from the start', () => {
    const client = new Client();
    expect(client.settle(1_200_000)).toBe(1_170_000);
    const { connections } = client;
    const toldBefore = client.told.length;
    expect(client.settle(300_000)).toBe(270_000);
    expect(client.told[toldBefore]).toEqual({ periodMs: minMs + stepMs, settled: false });
    expect(client.connections - connections).toBeLessThanOrEqual(2 + 6);
  });

  it('to a box that forgets later: the client searches again after a week, and not before', () => {
    const client = new Client();
    expect(client.settle(300_000)).toBe(270_000);
    const { length } = client.told;
    const settledMs = client.nowMs;
    while (client.nowMs + 270_000 < settledMs + WEEK_MS) client.beat(1_200_000);
    expect(client.told.length).toBe(length);
    expect(client.settle(1_200_000)).toBe(1_170_000);
  });

  it('to another address: the client searches there, and returns to the period that it knew, without a loss', () => {
    const client = new Client();
    expect(client.settle(300_000)).toBe(270_000);
    client.network = 'road';
    client.connect();
    expect(client.told.at(-1)).toEqual({ periodMs: minMs + stepMs, settled: false });
    expect(client.settle(1_200_000)).toBe(1_170_000);
    client.network = 'home';
    const { connections } = client;
    client.connect();
    expect(client.told.at(-1)).toEqual({ periodMs: 270_000, settled: true });
    for (let i = 0; i < 100; i++) client.beat(300_000);
    expect(client.connections).toBe(connections + 1);
  });

  it('a beat that was lost with the old network is not held against the new one, nor against the old', () => {
    const client = new Client();
    client.settle(300_000);
    for (const network of ['road', 'home', 'road', 'home', 'road', 'home']) {
      for (let i = 0; i < 4; i++) client.beat(300_000);
      client.network = network;
      client.beat(0);
    }
    expect(client.told.at(-1)).toEqual({ periodMs: 270_000, settled: true });
  });

  it('the client remembers twenty networks and no more', () => {
    const client = new Client();
    expect(client.settle(300_000)).toBe(270_000);
    for (let i = 0; i < 19; i++) {
      client.network = `road ${i}`;
      client.connect();
    }
    client.network = 'home';
    client.connect();
    expect(client.told.at(-1)?.settled).toBe(true);
    for (let i = 0; i < 20; i++) {
      client.network = `sea ${i}`;
      client.connect();
    }
    client.network = 'home';
    client.connect();
    expect(client.told.at(-1)?.settled).toBe(false);
  });
});
