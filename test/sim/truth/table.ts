/** Scenarios for which the data needs additions, and the result of each: the table in README.md. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare, compareProbes, EXACT } from './compare.ts';
import type { Scenario, Truth } from './data.ts';
import { isArpDynamic, replay, type Special } from './replay.ts';
import { WHEEL_US_MAX } from './world.ts';

const FILES = ['kernel-truth.json', 'kernel-truth-2.json'];

export interface Row extends Special {
  /** Reason why the result differs. Only the packets after the closing of the window are compared. */
  readonly differs?: string;
  /**
   * Reason why all is equal on a fresh machine, within the lateness of its timers, but on no machine as late as in all
   * runs.
   */
  readonly later?: string;
}

const CLOSED_WINDOW = {
  clientBufferBytes: 8192,
  differs:
    'Filling the window: Linux counts a segment in the receive buffer by the memory it takes (skb->truesize) and not by its bytes, so the ' +
    'window closes after 14,896 bytes in pieces of 1000, 3000 and 1448, and the round trips until then make the RTO 220 ms; here buffers ' +
    'count bytes, it closes after 8,192, and the RTO is 204 ms. How much fits into the send buffer differs for the same reason. The probes ' +
    'are equal in number, order, flags, numbers and unanswered ones, and in time when it is measured in RTOs; so is the end.',
} as const;

/** Additions to the data, if its words leave something open. A scenario without a row needs none. */
const ROWS: Readonly<Record<string, Row>> = {
  K22: CLOSED_WINDOW,
  K22b: CLOSED_WINDOW,
  // A side that answers a request has read it.
  K23h: { readQuietly: ['server'] },
  K23i: { readQuietly: ['server'] },
  // Both writes leave at once: Nagle is off, though its options do not say so.
  X01: { later: 'The timeout of the second loss is one or two jiffies later in all runs.' },
  X41: { later: 'The loss probe is one jiffy later in all runs.' },
  K29k: { options: { noDelay: true } },
  K25L: { later: 'The first timeout is one jiffy later in all runs.' },
};

export function rowOf({ id }: Scenario): Row {
  return ROWS[id] ?? {};
}

export function truth(): readonly Scenario[] {
  return FILES.flatMap((name) => {
    const read: Truth = JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
    return read.scenarios;
  });
}

/** Coarser than the data's own spread; the odd step tries slots of all sizes soon. */
const WHEELS = 2048;
const WHEEL_STEP = 597;

/**
 * Looks for machines, told apart by when they were switched on, on which everything comes within the times of the runs.
 * Gives what is different on the one that is nearest; nothing: there is one.
 */
export function exactly(scenario: Scenario): readonly string[] {
  let best: readonly string[] | undefined;
  for (let i = 0; i < WHEELS; i++) {
    const wheelUs = Math.floor((((i * WHEEL_STEP) % WHEELS) * WHEEL_US_MAX) / WHEELS);
    const found = compare(scenario, replay(scenario, { ...rowOf(scenario), ...arpFacts(scenario, i), wheelUs }), EXACT);
    if (best === undefined || found.length < best.length) best = found;
    if (best.length === 0) break;
  }
  return best ?? [];
}

/**
 * Compares a fresh machine, where no timer is later than necessary. Everything must come at most the timer's lateness
 * before the earliest run, and not after the latest.
 */
export function withLateness(scenario: Scenario): readonly string[] {
  const count = isArpDynamic(scenario) ? PASTS : 1;
  const found = Array.from({ length: count }, (_, i) =>
    compare(scenario, replay(scenario, { ...rowOf(scenario), ...arpFacts(scenario, i) })),
  );
  return found.reduce((best, other) => (other.length < best.length ? other : best));
}

/** Number of seeds for neighbour entries that are tried, each with the two hosts acquainted, and not. */
const CHANCES = 8;
const PASTS = 2 * CHANCES;

/**
 * Returns a guess at facts about neighbour entries that the data does not contain: how long they are valid, which is
 * random, and whether the server has asked for the client before. It may have, when both hosts were on the network for
 * a while.
 */
function arpFacts(scenario: Scenario, i: number): Pick<Special, 'seed' | 'areAcquainted'> {
  if (!isArpDynamic(scenario)) return {};
  return { seed: 1 + (i % CHANCES), areAcquainted: Math.floor(i / CHANCES) % 2 === 1 };
}

/** Compares the probes alone, for a scenario that differs as a whole. */
export function ofProbes(scenario: Scenario): readonly string[] {
  return compareProbes(scenario, replay(scenario, rowOf(scenario)));
}

/** The table of README.md. */
export function table(outcomes: ReadonlyMap<string, string>): string {
  const lines = truth().map(({ id, title }) => `| ${id} | ${title} | ${outcomes.get(id) ?? ''} |`);
  return ['| | scenario | outcome |', '|---|---|---|', ...lines].join('\n');
}

export const README = fileURLToPath(new URL('README.md', import.meta.url));
