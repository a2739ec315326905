/** The part of a swarm that one of several processes has done, as a file; and how parts are put together. */

import { isProtocolName } from '../../firmware/index.ts';
import { INVARIANTS, type Violation } from './invariants.ts';
import type { Swarm, SwarmProgram } from './swarm-text.ts';
import { addTallies, type Failure, faultCounts, NO_TALLY, type Tally, type TimeCounts } from './tally.ts';

export const PART_FORMAT = 'cablepull-swarm-part';
export const PART_VERSION = 1;

/** Part `number` of `count`, from 1: does the runs i with i % count = number - 1. */
export interface Shard {
  readonly number: number;
  readonly count: number;
}

export interface Part {
  readonly swarm: Swarm;
  readonly shard: Shard;
  readonly tally: Tally;
}

/** The indices of the runs that a part does. */
export function* runsOf({ runs }: Pick<Swarm, 'runs'>, { number, count }: Shard): Generator<number, void> {
  for (let index = number - 1; index < runs; index += count) yield index;
}

/** Returns the number of runs in this shard. */
export function runCount({ runs }: Pick<Swarm, 'runs'>, { number, count }: Shard): number {
  return Math.max(Math.ceil((runs - number + 1) / count), 0);
}

export function partText({ swarm, shard, tally }: Part): string {
  return `${JSON.stringify({ format: PART_FORMAT, version: PART_VERSION, swarm, shard, tally })}\n`;
}

/** The merged results of parts. */
export interface Merged {
  readonly swarm: Swarm;
  readonly tally: Tally;
  /** The shards that are not there, as `3/16`. */
  readonly missing: readonly string[];
}

/** A part, and what it is called: the name of its file. */
export interface NamedPart {
  readonly name: string;
  readonly part: Part;
}

/** All of them together; or a sentence for what does not fit together. At least one. */
export function mergeParts(parts: readonly NamedPart[]): Merged | string {
  const [first] = parts;
  if (first === undefined) return 'there is no part';
  const { swarm, shard: { count } } = first.part;
  for (const { name, part } of parts) {
    const other = difference(first.part, part);
    if (other !== undefined) return `${name} is of another swarm than ${first.name}: ${other}`;
  }
  const twins = twinOf(parts);
  if (twins !== undefined) return twins;
  return {
    swarm,
    tally: parts.reduce((tally, { part }) => addTallies(tally, part.tally), NO_TALLY),
    missing: missingParts(parts, count),
  };
}

/** The part of a run or a swarm, and the file that it is in. */
interface NamedShard {
  readonly name: string;
  readonly part: { readonly shard: Shard };
}

/** A sentence where two files are the same part; undefined where none are. */
export function twinOf(parts: readonly NamedShard[]): string | undefined {
  const names = new Map<number, string>();
  for (const { name, part: { shard: { number, count } } } of parts) {
    const twin = names.get(number);
    if (twin !== undefined) return `${name} and ${twin} are the same part, ${number}/${count}: give each once`;
    names.set(number, name);
  }
  return undefined;
}

/** The shards that are not there, as `3/16`. */
export function missingParts(parts: readonly NamedShard[], count: number): readonly string[] {
  const there = new Set(parts.map(({ part }) => part.shard.number));
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  return numbers.filter((number) => !there.has(number)).map((number) => `${number}/${count}`);
}

function difference(one: Part, other: Part): string | undefined {
  const facts = ({ swarm: { seed, runs, forMs, plan, program }, shard }: Part): [string, string][] => [
    ['seed', String(seed)],
    ['runs', String(runs)],
    ['length of a run in ms', String(forMs)],
    ['plan', plan.join('; ') || 'drawn'],
    ['program', program === undefined ? 'ours' : JSON.stringify(program)],
    ['number of parts', String(shard.count)],
  ];
  const others = facts(other);
  for (const [i, [what, value]] of facts(one).entries()) {
    const [, otherValue] = others[i] ?? [];
    if (otherValue !== value) return `its ${what} is ${otherValue ?? 'none'}, not ${value}`;
  }
  return undefined;
}

// ---- reading ----

const MUST_BE = 'it must be what cablepull swarm --out or cablepull run --out has written';

/** A part; or a sentence for what is wrong with the text. */
export function readPart(text: string): Part | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `it is no JSON, or not all of it is there: ${MUST_BE}`;
  }
  try {
    return readWhole(record(value, 'the file'));
  } catch (error) {
    if (error instanceof PartError) return error.message;
    throw error;
  }
}

/** Never seen outside. */
class PartError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function readWhole(fields: Fields): Part {
  if (fields['format'] !== PART_FORMAT) {
    throw new PartError(`it is no part of a swarm or of a run: ${MUST_BE}`);
  }
  if (fields['version'] !== PART_VERSION) {
    const version = String(fields['version']);
    throw new PartError(`it has version ${version} of the format; this cablepull reads version ${PART_VERSION}`);
  }
  const swarm = record(fields['swarm'], 'swarm');
  const shard = record(fields['shard'], 'shard');
  const part: Part = {
    swarm: {
      seed: count(swarm, 'seed'), runs: count(swarm, 'runs'), forMs: count(swarm, 'forMs'),
      plan: list(swarm, 'plan').map((line) => text(line, 'a line of plan')),
      ...(swarm['program'] !== undefined && { program: readProgram(record(swarm['program'], 'program')) }),
    },
    shard: { number: count(shard, 'number'), count: count(shard, 'count') },
    tally: readTally(record(fields['tally'], 'tally')),
  };
  const { number, count: parts } = part.shard;
  if (number < 1 || number > parts) throw new PartError(`shard: there is no part ${number} of ${parts}`);
  const runs = runCount(part.swarm, part.shard);
  if (part.tally.runs !== runs) {
    throw new PartError(`tally: part ${number}/${parts} has ${runs} runs, not ${part.tally.runs}`);
  }
  return part;
}

function readProgram(fields: Fields): SwarmProgram {
  const { port, offlineLog } = fields;
  const protocol = text(fields['protocol'], 'protocol');
  if (!isProtocolName(protocol)) throw new PartError(`there is no protocol '${protocol}'`);
  return {
    file: text(fields['file'], 'file'),
    args: list(fields, 'args').map((word) => text(word, 'a word of args')),
    ...(port !== undefined && { port: count(fields, 'port') }),
    protocol,
    ghostsWithinMs: count(fields, 'ghostsWithinMs'),
    ...(offlineLog !== undefined && { offlineLog: text(offlineLog, 'offlineLog') }),
  };
}

function readTally(fields: Fields): Tally {
  const faults = record(fields['faults'], 'faults');
  return {
    runs: count(fields, 'runs'),
    devices: count(fields, 'devices'),
    deviceMs: count(fields, 'deviceMs'),
    faults: faultCounts((kind) => count(faults, kind)),
    cuts: count(fields, 'cuts'),
    survived: count(fields, 'survived'),
    server: readTimes(fields, 'server'),
    device: readTimes(fields, 'device'),
    back: readTimes(fields, 'back'),
    ghostMs: count(fields, 'ghostMs'),
    falseAlarms: count(fields, 'falseAlarms'),
    overlappingSessions: count(fields, 'overlappingSessions'),
    failures: list(fields, 'failures').map((one) => readFailure(record(one, 'a failure'))),
  };
}

function readTimes(fields: Fields, name: string): TimeCounts {
  const times = record(fields[name], name);
  const counts = list(times, 'counts').map((pair): readonly [number, number] => {
    const [ms, often] = Array.isArray(pair) ? pair : [];
    if (typeof ms !== 'number' || typeof often !== 'number') {
      throw new PartError(`${name}: each of counts must be a time in ms and how often it was`);
    }
    return [ms, often];
  });
  return { counts, never: count(times, 'never') };
}

function readFailure(fields: Fields): Failure {
  const failure = {
    index: count(fields, 'index'),
    violations: list(fields, 'violations').map((one) => readViolation(record(one, 'a violation'))),
  };
  if (fields['shrunk'] === undefined) return failure;
  const shrunk = record(fields['shrunk'], 'shrunk');
  const texts = (name: string): string[] => list(shrunk, name).map((one) => text(one, `one of ${name}`));
  return { ...failure, shrunk: { devices: texts('devices'), plan: texts('plan') } };
}

function readViolation(fields: Fields): Violation {
  const name = text(fields['invariant'], 'invariant');
  const invariant = INVARIANTS.find((one) => one === name);
  if (invariant === undefined) {
    throw new PartError(`there is no invariant '${name}'; there are ${INVARIANTS.join(', ')}`);
  }
  return { invariant, sentence: text(fields['sentence'], 'sentence') };
}

function record(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PartError(`${what} must be an object`);
  }
  return { ...value };
}

function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new PartError(`${name} must be a list`);
  return value;
}

function count(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new PartError(`${name} must be a whole number of at least 0`);
  }
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new PartError(`${what} must be a text`);
  return value;
}
