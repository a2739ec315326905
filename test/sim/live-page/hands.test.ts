/** Faults by hand on a live page: they become a plan, and that plan repeats the run, event by event. */

import { describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer, Simulation } from '../../../sim/index.ts';
import { Hands, nextMoment } from '../../../sim/live-page/hands.ts';
import { RecordedPlan } from '../../../sim/live-page/recorded-plan.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

interface World {
  readonly sim: Simulation;
  readonly hands: Hands;
  readonly plan: RecordedPlan;
  readonly events: TraceEvent[];
}

function world(seed: number): World {
  const events: TraceEvent[] = [];
  const sessions = new Sessions();
  const plan = new RecordedPlan();
  const onTrace = (event: TraceEvent): void => {
    events.push(event);
    sessions.add(event);
    plan.add(event);
  };
  const sim = new Simulation({ seed, onTrace });
  sim.addServer(referenceServer());
  for (const name of ['dev-1', 'dev-2', 'dev-3']) {
    sim.addDevice({ name, firmware: heartbeatFirmware(), link: { delay: '20ms', loss: '1%' } });
  }
  return { sim, hands: new Hands(sim.testbed, sessions), plan, events };
}

/** All but what a fault says of itself: a plan knows beforehand how long the fault lasts. */
function others(events: readonly TraceEvent[]): readonly TraceEvent[] {
  return events.filter(({ source }) => source !== 'fault');
}

describe('a plan of what was done by hand', () => {
  it.each([1, 2, 3, 4, 5])('repeats the run event by event (seed %i)', async (seed) => {
    const live = world(seed);
    // Pieces of virtual time as a live run has them, and something done between them.
    await live.sim.runFor('9.96s');
    live.hands.begin('cable-pull', undefined, ['dev-1', 'server']);
    await live.sim.runFor('40ms');
    live.hands.begin('loss', '30%', ['dev-2', 'dev-3']);
    await live.sim.runFor('12.04s');
    live.hands.heal('cable-pull', ['server']);
    live.hands.heal('loss', ['dev-3']);
    live.hands.begin('reset', undefined, ['dev-3']);
    await live.sim.runFor('20s');
    live.hands.heal('cable-pull', ['dev-1', 'dev-2']);
    live.hands.begin('power-loss', undefined, ['dev-2']);
    await live.sim.runFor('18s');
    expect(live.plan.size).toBe(6);

    const repeated = world(seed);
    repeated.sim.schedule(live.plan.lines().join('\n'));
    await repeated.sim.runFor('60.04s');
    expect(others(repeated.events)).toEqual(others(live.events));
    expect(repeated.plan.lines()).toEqual(live.plan.lines());
  });

  it('says how long each fault lasted, and nothing of that where the fault went on to the end', async () => {
    const { sim, hands, plan } = world(1);
    await sim.runFor('5s');
    hands.begin('hang', undefined, ['dev-1', 'dev-2']);
    await sim.runFor('2s');
    hands.heal('hang', ['dev-1']);
    await sim.runFor('1s');
    const [first, second] = plan.lines();
    expect(first).toMatch(/^hang on dev-1 at 5\.000001s for 2(\.00000\d)?s$/);
    expect(second).toBe('hang on dev-2 at 5.000001s');
  });
});

describe('a fault by hand', () => {
  it('begins a microsecond later, and not before', async () => {
    const { sim, hands, events } = world(1);
    await sim.runFor('5s');
    hands.begin('power-loss', undefined, ['dev-1']);
    const faults = (): TraceEvent[] => events.filter(({ kind }) => kind === 'fault');
    expect(faults()).toHaveLength(0);
    await sim.runFor(0.001);
    expect(faults()).toMatchObject([{ fault: 'power-loss', host: 'dev-1', atMs: 5000.001 }]);
  });

  it('heals what a plan began, and the plan leaves it at that', async () => {
    const { sim, hands, events } = world(1);
    sim.schedule('cable-pull on dev-1 at 1s for 10s');
    await sim.runFor('3s');
    hands.heal('cable-pull', ['dev-1']);
    await sim.runFor('20s');
    expect(events.filter(({ kind }) => kind === 'healed')).toMatchObject([{ atMs: expect.closeTo(3000, 0) }]);
  });

  it('is refused whole where one of its lines cannot be', async () => {
    const { sim, hands, events } = world(1);
    await sim.runFor('1s');
    expect(() => hands.begin('loss', '200%', ['dev-1'])).toThrow(/loss 200%: expected a share of packets/);
    expect(() => hands.begin('hang', undefined, ['dev-1', 'dev-9'])).toThrow(/no device is called 'dev-9'/);
    await sim.runFor('1s');
    expect(events.filter(({ kind }) => kind === 'fault')).toEqual([]);
  });
});

it('takes moments at which no timer of whole milliseconds rings', () => {
  expect(nextMoment(5000)).toBe(5000.001);
  expect(nextMoment(5000.998)).toBe(5000.999);
  expect(nextMoment(5000.999)).toBe(5001.001);
});
