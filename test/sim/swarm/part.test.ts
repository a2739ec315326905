/** Parts add up to the whole, in any order, and parts that do not fit together are refused. */

import { beforeAll, describe, expect, it } from 'vitest';
import {
  mergeParts,
  type NamedPart,
  type Part,
  partText,
  readPart,
  runCount,
  runsOf,
} from '../../../sim/swarm/part.ts';
import { failureText, type Swarm, swarmJson, swarmText } from '../../../sim/swarm/swarm-text.ts';
import { runOf } from '../../../sim/swarm/swarm.ts';
import {
  addTallies,
  type Failure,
  NO_TALLY,
  quantileOf,
  SHRUNK_MAX,
  type Tally,
  tallyOf,
} from '../../../sim/swarm/tally.ts';

const SWARM: Swarm = { seed: 3, runs: 20, forMs: 360_000, plan: [] };
const repeat = (index: number): string => `again ${index}`;
const one: Tally[] = [];

beforeAll(async () => {
  for (let index = 0; index < SWARM.runs; index++) one.push(tallyOf(await runOf(SWARM, index)));
});

const sum = (tallies: readonly Tally[]): Tally => tallies.reduce(addTallies, NO_TALLY);

function part(number: number, count: number): NamedPart {
  return {
    name: `part${number}.json`,
    part: {
      swarm: SWARM,
      shard: { number, count },
      tally: sum([...runsOf(SWARM, { number, count })].flatMap((index) => one[index] ?? [])),
    },
  };
}

describe('parts', () => {
  it.each([1, 2, 3, 16, 25])('%i of them have each run once', (count) => {
    const shards = Array.from({ length: count }, (_, i) => ({ number: i + 1, count }));
    expect(shards.flatMap((shard) => [...runsOf(SWARM, shard)]).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    for (const shard of shards) expect(runCount(SWARM, shard)).toBe([...runsOf(SWARM, shard)].length);
    expect([...runsOf({ runs: 40 }, { number: 3, count: 16 })]).toEqual([2, 18, 34]);
  });

  it.each([1, 3, 16, 25])('%i of them, written, read, and put together in another order, are the whole', (count) => {
    const parts = Array.from({ length: count }, (_, i) => part(i + 1, count))
      .toReversed()
      .map(({ name, part: written }): NamedPart => {
        const read = readPart(partText(written));
        if (typeof read === 'string') throw new Error(read);
        return { name, part: read };
      });
    const merged = mergeParts(parts);
    if (typeof merged === 'string') throw new Error(merged);
    expect(merged.missing).toEqual([]);
    expect(swarmText(merged.swarm, merged.tally, repeat)).toEqual(swarmText(SWARM, sum(one), repeat));
    expect(JSON.stringify(swarmJson(merged.swarm, merged.tally, repeat))).toBe(
      JSON.stringify(swarmJson(SWARM, sum(one), repeat)),
    );
  });

  it('that are missing are named, and the report is of those that are there', () => {
    const merged = mergeParts([part(1, 4), part(3, 4)]);
    expect(merged).toMatchObject({ missing: ['2/4', '4/4'], tally: { runs: 10 } });
    if (typeof merged !== 'string') {
      expect(swarmText(SWARM, merged.tally, repeat)[0]).toMatch(/^10 of 20 runs of 6m, seed 3: /);
    }
  });

  const other = (named: NamedPart, swarm: Partial<Swarm>): NamedPart => ({
    ...named,
    part: { ...named.part, swarm: { ...SWARM, ...swarm } },
  });

  it.each<[string, () => NamedPart[], string]>([
    [
      'twice the same',
      () => [part(1, 2), { ...part(1, 2), name: 'copy.json' }],
      'copy.json and part1.json are the same part, 1/2: give each once',
    ],
    [
      'another seed',
      () => [part(1, 2), other(part(2, 2), { seed: 4 })],
      'part2.json is of another swarm than part1.json: its seed is 4, not 3',
    ],
    [
      'more runs',
      () => [part(1, 2), other(part(2, 2), { runs: 21 })],
      'part2.json is of another swarm than part1.json: its runs is 21, not 20',
    ],
    [
      'longer runs',
      () => [part(1, 2), other(part(2, 2), { forMs: 400_000 })],
      'part2.json is of another swarm than part1.json: its length of a run in ms is 400000, not 360000',
    ],
    [
      'another plan',
      () => [part(1, 2), other(part(2, 2), { plan: ['reset on dev-1 at 1m'] })],
      'part2.json is of another swarm than part1.json: its plan is reset on dev-1 at 1m, not drawn',
    ],
    [
      'parts of another number',
      () => [part(1, 2), part(2, 3)],
      'part2.json is of another swarm than part1.json: its number of parts is 3, not 2',
    ],
    ['none', () => [], 'there is no part'],
  ])('that do not fit together: %s', (_, parts, sentence) => expect(mergeParts(parts())).toBe(sentence));
});

describe('a file that is no part', () => {
  const written = (change: (part: Part) => object): string =>
    JSON.stringify({ ...JSON.parse(partText(part(1, 2).part)), ...change(part(1, 2).part) });

  it.each<[string, () => string, string]>([
    [
      'torn',
      () => partText(part(1, 2).part).slice(0, 100),
      'it is no JSON, or not all of it is there: it must be what cablepull swarm --out or cablepull run --out has written',
    ],
    ['a list', () => '[]', 'the file must be an object'],
    ['something else', () => '{"a":1}', 'it is no part of a swarm or of a run: it must be what cablepull swarm --out or cablepull run --out has written'],
    [
      'of a later version',
      () => written(() => ({ version: 2 })),
      'it has version 2 of the format; this cablepull reads version 1',
    ],
    ['without a swarm', () => written(() => ({ swarm: 3 })), 'swarm must be an object'],
    [
      'with a seed that is none',
      () => written(({ swarm }) => ({ swarm: { ...swarm, seed: -1 } })),
      'seed must be a whole number of at least 0',
    ],
    [
      'with a plan that is none',
      () => written(({ swarm }) => ({ swarm: { ...swarm, plan: 'x' } })),
      'plan must be a list',
    ],
    [
      'with a line that is none',
      () => written(({ swarm }) => ({ swarm: { ...swarm, plan: [1] } })),
      'a line of plan must be a text',
    ],
    [
      'of a shard that is none',
      () => written(() => ({ shard: { number: 3, count: 2 } })),
      'shard: there is no part 3 of 2',
    ],
    [
      'not whole',
      () => written(({ tally }) => ({ tally: { ...tally, runs: 9 } })),
      'tally: part 1/2 has 10 runs, not 9',
    ],
    [
      'with times that are none',
      () => written(({ tally }) => ({ tally: { ...tally, server: { counts: [1], never: 0 } } })),
      'server: each of counts must be a time in ms and how often it was',
    ],
    [
      'with an invariant that is none',
      () =>
        written(({ tally }) => ({
          tally: { ...tally, failures: [{ index: 1, violations: [{ invariant: 'x', sentence: '' }] }] },
        })),
      "there is no invariant 'x'; there are silence, patience, ghost, back, stream, session, room, calm, protocol, "
      + 'sequence, memory, verdict, account, peers, message, will, crash, leak, loop, exception',
    ],
  ])('%s', (_, text, sentence) => expect(readPart(text())).toBe(sentence));
});

describe('failures', () => {
  const failing = (index: number, shrunk = true): Tally => {
    const failure: Failure = {
      index,
      violations: [{ invariant: 'back', sentence: `late ${index}` }],
      ...(shrunk && { shrunk: { devices: ['dev-1'], plan: [`reset on dev-1 at ${index}s`] } }),
    };
    return { ...NO_TALLY, runs: 1, failures: [failure] };
  };

  it('are in the order of the runs, and only the first of all are shrunk, even if a part shrank more', () => {
    const odd = sum([11, 9, 7, 5, 3, 1].map((index) => failing(index)));
    const even = sum([2, 4, 6].map((index) => failing(index)));
    const { failures } = addTallies(odd, even);
    expect(failures.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7, 9, 11]);
    expect(failures.filter(({ shrunk }) => shrunk !== undefined)).toHaveLength(SHRUNK_MAX);
    expect(failures[SHRUNK_MAX]?.shrunk).toBeUndefined();
  });

  it('are printed with what repeats them, twenty at most', () => {
    const lines = swarmText(
      { ...SWARM, runs: 25 },
      sum(Array.from({ length: 25 }, (_, i) => failing(i))),
      (index, shrunk) => `again ${index} ${shrunk?.plan.join() ?? ''}`,
    );
    expect(lines.slice(lines.indexOf('run 0'), lines.indexOf('run 1'))).toEqual([
      'run 0',
      '  back: late 0',
      '  to repeat: again 0 ',
      '  it takes no more than dev-1 and',
      '    reset on dev-1 at 0s',
      '  to repeat: again 0 reset on dev-1 at 0s',
      '',
    ]);
    expect(lines).toContain('25 runs FAILED');
    const withoutFault = { index: 3, violations: [], shrunk: { devices: ['dev-1'], plan: [] } };
    expect(failureText(withoutFault, () => 'again')).toEqual(
      ['run 3', '  to repeat: again', '  it takes no more than dev-1 and no fault', '  to repeat: again'],
    );
    expect(lines.at(-1)).toBe('and 5 more: 20, 21, 22, 23, 24');
  });
});

it('quantiles are by the nearest rank, as of the times one by one', () => {
  const times = { counts: [[1, 50], [2, 49], [9, 1]], never: 3 } as const;
  expect([0.5, 0.51, 0.99, 1].map((share) => quantileOf(times, share))).toEqual([1, 2, 2, 9]);
  expect(quantileOf({ counts: [], never: 3 }, 0.5)).toBeUndefined();
});
