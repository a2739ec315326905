/** The least that fails: of what was made up, where the least is known; and of a world that is broken on purpose. */

import { describe, expect, it } from 'vitest';
import { formatFault } from '../../../sim/faults/fault.ts';
import { parsePlan } from '../../../sim/faults/plan.ts';
import { lateDevices } from '../../../sim/swarm/invariants.ts';
import { observe } from '../../../sim/swarm/run.ts';
import { drawScenario, type Scenario } from '../../../sim/swarm/scenario.ts';
import { repetitionOf, shrink, TRIES_MAX } from '../../../sim/swarm/shrink.ts';

function scenario(...lines: readonly string[]): Scenario {
  const plan = parsePlan(lines.join('\n'));
  if ('message' in plan) throw new Error(plan.message);
  const [fleet] = Array.from({ length: 200 }, (_, i) => drawScenario(1, i, 600_000)).filter(
    ({ devices, server, policy: { speaks } }) => {
      return devices.length === 8 && server.profile === 'linux' && speaks.kind === 'heartbeat';
    },
  );
  if (fleet === undefined) throw new Error('no fleet of eight that beats to Linux');
  return { ...fleet, plan };
}

const EIGHT = [
  'cable-pull on dev-1 at 12.3s for 4.5s',
  'loss 10% on dev-* at 30s..1m for 10s',
  'crash on server at 71.7s for 5s',
  'hang on dev-3 at 99s for 10s',
  'reset on dev-4 at 2m',
  'power-loss on dev-5..7 at 83.4s..2m for 17.2s..31s every 4m',
  'latency 300ms on dev-8 at 10s for 20s',
  'reorder 3% on server at 10s for 30s',
];

/** The lines of the least one, and its devices. */
async function least(
  of: Scenario,
  fails: (one: Scenario) => boolean,
): Promise<{ devices: readonly string[]; plan: readonly string[] }> {
  return repetitionOf((await shrink(of, async (one) => fails(one))).scenario);
}

describe('shrinking', () => {
  it('finds the one fault that it takes, on one device, at a round time', async () => {
    const found = await least(
      scenario(...EIGHT),
      ({ plan, devices }) =>
        plan.some(({ kind }) => kind === 'power-loss') && devices.some(({ name }) => name === 'dev-6'),
    );
    expect(found).toEqual({ devices: ['dev-6'], plan: ['power-loss on dev-6 at 1m for 10s'] });
  });

  it('finds two that it takes together, far apart in the plan', async () => {
    const found = await least(scenario(...EIGHT), ({ plan }) =>
      ['cable-pull', 'reorder'].every((wanted) => plan.some(({ kind }) => kind === wanted)),
    );
    expect(found).toEqual({
      devices: ['dev-1'],
      plan: ['cable-pull on dev-1 at 10s for 4s', 'reorder 3% on server at 10s for 30s'],
    });
  });

  it('keeps the times that matter', async () => {
    const found = await least(scenario(...EIGHT), ({ plan }) =>
      plan.some(({ kind, for: length }) => kind === 'cable-pull' && length !== undefined && length.toMs > 4200),
    );
    expect(found.plan).toEqual(['cable-pull on dev-1 at 10s for 4.5s']);
  });

  it('leaves what cannot be less as it is, and a fault in any case', async () => {
    const whole = scenario(...EIGHT);
    expect(repetitionOf((await shrink(whole, async () => false)).scenario)).toEqual(repetitionOf(whole));
    expect((await least(whole, () => true)).plan).toHaveLength(1);
  });

  it('leaves devices out of a plan without faults, too', async () => {
    const found = await least(scenario(), ({ devices }) => devices.some(({ name }) => name === 'dev-6'));
    expect(found).toEqual({ devices: ['dev-6'], plan: [] });
  });

  it('comes to the same each time, and asks no more than so often', async () => {
    const fails = ({ plan }: Scenario): boolean => plan.map(formatFault).join('').length % 3 !== 0;
    expect(await least(scenario(...EIGHT), fails)).toEqual(await least(scenario(...EIGHT), fails));
    let calls = 0;
    const { tries } = await shrink(scenario(...EIGHT), async () => ++calls % 7 === 0, 20);
    expect({ calls, tries }).toEqual({ calls: 20, tries: 20 });
    expect(TRIES_MAX).toBeGreaterThan(100);
  });

  it('of real runs, that are promised to be back sooner than a back-off may take', async () => {
    const plan = [
      'reorder 5% on dev-* at 20s for 30s',
      'power-loss on server at 83s..2m for 1m..71.3s',
      'hang on dev-2 at 1m for 3s',
    ];
    const drawn = scenario(...plan);
    const retry = { baseMs: 60_000, capMs: 60_000 };
    const broken = { ...drawn, policy: { ...drawn.policy, retry }, calmMs: 60_000 };
    const isLate = async (one: Scenario): Promise<boolean> => {
      const policy = { ...one.policy, retry: { baseMs: 1, capMs: 1 }, connectTimeoutMs: 1, beatIntervalMs: 1 };
      return lateDevices({ ...(await observe(one)), scenario: { ...one, policy } }).length > 0;
    };
    expect(await isLate(broken)).toBe(true);
    const found = await shrink(broken, isLate, 60);
    expect(await isLate(found.scenario)).toBe(true);
    expect(found.scenario.devices).toHaveLength(1);
    expect(found.scenario.plan).toMatchObject([{ kind: 'power-loss', target: 'server' }]);
  });
});
