/**
 * The stream of bytes arrives whole and in order over every kind of link, or the connection reports an error. Each case
 * follows from its seed alone. A failing case names its seed, and `CASE=<seed>` runs it alone.
 */

import { describe, expect, it } from 'vitest';
import type { Hal } from '../../../hal/hal.ts';
import type { Cable } from '../../../sim/link/cable.ts';
import type { Rule } from '../../../sim/link/rule.ts';
import { bandwidth } from '../../../sim/link/rules/bandwidth.ts';
import { blackhole } from '../../../sim/link/rules/blackhole.ts';
import { burstLoss } from '../../../sim/link/rules/burst-loss.ts';
import { corrupt } from '../../../sim/link/rules/corrupt.ts';
import { duplicate } from '../../../sim/link/rules/duplicate.ts';
import { jitter } from '../../../sim/link/rules/jitter.ts';
import { latency } from '../../../sim/link/rules/latency.ts';
import { loss } from '../../../sim/link/rules/loss.ts';
import { reorder } from '../../../sim/link/rules/reorder.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { PROFILE_NAMES, type Profile } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { Seeded } from '../../support/seeded.ts';
import { type Manners, problemOf, Talker } from './conversation.ts';
import { checkStack } from './invariants.ts';
import { ofConnections, watchHandles, watchPackets, watchQueues } from './ledger.ts';

const SECOND_US = 1_000_000;
/** All faults are over at this time. */
const FAULTS_END_US = 40 * SECOND_US;
/**
 * At this time all that can still arrive has arrived. FreeRTOS+TCP doubles its timeout without limit: after an outage
 * of 40 s the next try may be another 40 s off, and each of a few segments may have to wait so.
 */
const END_US = 3600 * SECOND_US;
/**
 * Events of one instant: where no time passes on the way, all may be said at one, a byte a segment. Two ends that
 * answer each other without end do more.
 */
function eventsAtOnceMax(a: Manners, b: Manners): number {
  return 2000 + 10 * (a.bytes + b.bytes);
}

const RULES: readonly ((random: Seeded) => Rule)[] = [
  (random) => loss((1 + random.below(30)) / 100),
  () => burstLoss({ goodToBad: 0.02, badToGood: 0.2, lossInGood: 0, lossInBad: 0.9 }),
  (random) => duplicate((1 + random.below(50)) / 100),
  (random) => reorder((1 + random.below(40)) / 100, 1 + random.below(300)),
  () => corrupt(0.1),
  (random) => jitter(random.below(200)),
  (random) => latency(random.below(500)),
  (random) => bandwidth(20_000 + random.below(500_000)),
  () => blackhole(),
];

/**
 * Returns a profile that can deliver every stream. FreeRTOS+TCP cannot: it answers FIN by a FIN that it never sends
 * again, does not probe a closed window, and stops to retransmit. It is tested without these habits.
 */
function wholeOf(profile: Profile): Profile {
  if (profile.fin === 'linux') return profile;
  const retransmission = { ...profile.retransmission, waitMaxMs: Infinity };
  return { ...profile, retransmission, fin: 'linux', persist: { kind: 'doubling' }, smallWindow: 'half' };
}

/** A stack as it is, or with buffers too small for anything to go smoothly. */
function profileOf(random: Seeded): Profile {
  const profile = wholeOf(PROFILES[random.pick(PROFILE_NAMES)]);
  if (!random.chance(3)) return profile;
  return {
    ...profile,
    sendBufferBytes: 1 + random.below(3000),
    // At least one unit of a scaled window, or it could say nothing but 0.
    windowScale: profile.windowScale < 0 ? -1 : random.below(4),
    receiveBufferBytes: 8 + random.below(3000),
    mssBytes: 1 + random.below(1460),
  };
}

function mannersOf(random: Seeded): Manners {
  const sizes = [0, 1, 10, 500, 5000, 30_000];
  const pauseMaxMs = random.pick([0, 0, 5, 500]);
  // An end that read one byte twice a second would take all day.
  const leastBytes = pauseMaxMs > 100 ? 100 : 1;
  return {
    bytes: random.pick(sizes) * (1 + random.below(3)),
    writeMax: leastBytes + random.pick([1, 50, 3000]) + random.below(10),
    readMax: leastBytes + random.pick([1, 50, 3000]) + random.below(10),
    pauseMaxMs,
    noDelay: random.chance(2),
    keepAlive: random.chance(2) ? 'off' : { idle: 3, interval: 3, count: 3 },
  };
}

/** Rules and pulled cables, from random times to random times. */
function plan(sim: Simulation, random: Seeded): void {
  for (let count = random.below(6); count > 0; count--) {
    const name = random.pick(['a', 'b']);
    const fromUs = random.below(FAULTS_END_US / 2) * (random.chance(2) ? 1 : 0);
    const toUs = fromUs + random.below(FAULTS_END_US / 2);
    const link = sim.host(name)?.link;
    if (link === undefined) throw new Error(`no host ${name}`);
    if (random.chance(5)) {
      sim.engine.at(fromUs, () => link.pull(), 'the plan');
      sim.engine.at(toUs, () => link.plug(), 'the plan');
    } else {
      putOn(sim, link, random, fromUs, toUs);
    }
  }
}

function putOn(sim: Simulation, link: Cable, random: Seeded, fromUs: number, toUs: number): void {
  const rule = random.pick(RULES)(random);
  const direction = random.pick(['tx', 'rx', 'both'] as const);
  sim.engine.at(fromUs, () => sim.engine.at(toUs, link.install(direction, rule), 'the plan'), 'the plan');
}

interface Case {
  readonly a: Talker;
  readonly b: Talker;
  readonly events: number;
  /** The world is as if nobody had ever spoken. */
  readonly leftovers: string;
}

function run(seed: number): Case {
  const random = new Seeded(seed);
  const sim = new Simulation({ seed });
  const packets = watchPackets(sim.fabric.pool);
  const handles = watchHandles(sim.engine);
  const hals: Hal[] = [];
  for (const name of ['a', 'b']) {
    const queueBytes = random.pick([2000, 20_000, 200_000]);
    sim.addDevice({
      name,
      profile: profileOf(random),
      link: { delay: random.pick([0, 1, 20]), queueBytes },
      firmware: (hal) => void hals.push(hal),
    });
  }
  const pool = sim.host('a')?.world.queues;
  const queues = pool === undefined ? undefined : watchQueues(pool);
  const [halA, halB] = hals;
  if (halA === undefined || halB === undefined) throw new Error('two boards');
  const manners = [mannersOf(random), mannersOf(random)] as const;
  const a = new Talker('a', halA, [1, 2], manners[0], new Seeded(seed + 1));
  const b = new Talker('b', halB, [2, 1], manners[1], new Seeded(seed + 2));
  b.listen();
  plan(sim, random);
  a.connect('10.0.0.2');

  const stacks = ['a', 'b'].map((name) => sim.host(name)?.stack);
  let events = 0;
  let atOnce = 0;
  let lastUs = -1;
  const step = (endUs: number): boolean => {
    if (sim.engine.runSome(endUs, 1) !== 'more') return false;
    events++;
    atOnce = sim.engine.nowUs === lastUs ? atOnce + 1 : 0;
    lastUs = sim.engine.nowUs;
    if (atOnce > eventsAtOnceMax(...manners)) throw new Error(`no end at ${lastUs / SECOND_US} s`);
    for (const stack of stacks) if (stack !== undefined) checkStack(stack);
    const problem = problemOf(a, b);
    if (problem !== undefined) throw new Error(`at ${lastUs / SECOND_US} s: ${problem}`);
    return true;
  };
  const isOver = (): boolean => a.isOver && b.isOver && stacks.every((stack) => stack?.connections.size === 0);
  while (step(END_US) && !(sim.engine.nowUs > FAULTS_END_US && isOver()));
  const left = stacks
    .flatMap((stack) => stack?.connections.all() ?? [])
    .map((tcb) => `${tcb.describe()} ${tcb.state} ${tcb.timer}`);
  const leftovers = `connections: ${left.join(', ')}; packets: ${packets.size}; queues: ${queues?.size ?? -1}; places: ${ofConnections(handles).join(', ')}`;
  return { a, b, events, leftovers };
}

/**
 * Returns the rule that is broken at the end, or undefined. Either all bytes have arrived, or an end was told of an
 * error.
 */
function problem(seed: number): string | undefined {
  const { a, b, leftovers } = run(seed);
  if (a.errno !== undefined || b.errno !== undefined) return undefined;
  const ends = [a, b].map(({ name, written, received, sawEnd, isShutDown }) => {
    return `${name} wrote ${written}${isShutDown ? ' and shut down' : ''}, read ${received}${sawEnd ? ' and the end' : ''}`;
  });
  const isWhole =
    a.sawEnd && b.sawEnd && a.isShutDown && b.isShutDown && a.received === b.written && b.received === a.written;
  if (!isWhole) return `nobody was told: ${ends.join('; ')}; ${leftovers}`;
  return leftovers === 'connections: ; packets: 0; queues: 0; places: ' ? undefined : `left over: ${leftovers}`;
}

const only = process.env['CASE'];
const COUNT = Number(process.env['CASES'] ?? 250);
const FIRST = 1000;

describe('two ends and a link that does its worst', () => {
  it('deliver every byte, or report an error', () => {
    const seeds = only === undefined ? Array.from({ length: COUNT }, (_, i) => FIRST + i) : [Number(only)];
    const problems: string[] = [];
    for (const seed of seeds) {
      try {
        const found = problem(seed);
        if (found !== undefined) problems.push(`CASE=${seed}: ${found}`);
      } catch (error) {
        problems.push(`CASE=${seed}: ${error instanceof Error ? error.message : String(error)}`);
        if (only !== undefined) throw error;
      }
    }
    expect(problems).toEqual([]);
  }, 120_000);
});
