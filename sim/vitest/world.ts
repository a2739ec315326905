/** The subject of `expect(...)`: a world in which time can pass, its devices, and the sentences for anything else. */

import { Bench } from '../bench/bench.ts';
import { Device } from '../device.ts';
import { Simulation } from '../simulation.ts';
import type { Testbed } from '../testbed.ts';
import { describeWrongDuration, formatSeconds, parseDuration } from '../time/duration.ts';

export interface World {
  readonly testbed: Testbed;
  /** Undefined over real sockets, where not all chance follows from it. */
  readonly seed: number | undefined;
  /** Lets time pass until `condition` is true or `endMs` has come. Returns whether it is true. */
  reach(condition: () => boolean, endMs: number): Promise<boolean>;
  /** Lets happen what is due now: the handlers of a server in this process, say, after its connection has ended. */
  settle(): Promise<unknown>;
}

/** Throws a TypeError for what is none. */
export function worldOf(received: unknown, matcher: string): World {
  if (received instanceof Simulation) {
    return {
      testbed: received.testbed,
      seed: received.realTime === undefined ? received.seed : undefined,
      reach: (condition, endMs) => received.reach(condition, endMs),
      settle: async () => received.realTime ?? received.runFor(0),
    };
  }
  if (received instanceof Bench) {
    return {
      testbed: received,
      seed: undefined,
      reach: (condition, endMs) => received.reach(condition, endMs),
      // A turn of Node's event loop, which calls the handlers of closed sockets last of all.
      settle: () => received.runFor('1ms'),
    };
  }
  throw new TypeError(
    `${matcher} is asked of a world, a Simulation or a Bench, as in expect(sim).${matcher}(...), not of ${describeValue(received)}`,
  );
}

/**
 * The name of a device of this world. Throws a TypeError for what is no device, and a RangeError for one that is not of
 * this world.
 */
export function deviceName({ testbed }: World, device: unknown, matcher: string): string {
  if (typeof device === 'string') {
    if (testbed.board(device) !== undefined) return device;
    const names = testbed.boards.map(({ name }) => name);
    const [first, last] = [names[0], names.at(-1)];
    const there =
      first === undefined
        ? 'there is none yet'
        : first === last
          ? `there is ${first}`
          : `there are ${first} to ${last}`;
    throw new RangeError(`no device is called '${device}'; ${there}`);
  }
  if (!(device instanceof Device)) {
    throw new TypeError(
      `${matcher} is about a device, as addDevice gives it, or its name, not about ${describeValue(device)}`,
    );
  }
  if (testbed.board(device.name) === device.board) return device.name;
  throw new RangeError(
    `${device.name} is no device of this world: it is one of another world, or the board of a server`,
  );
}

/** A matcher's `within`, in ms. Throws a RangeError for what is no duration. */
export function withinMs(within: unknown): number {
  const text = typeof within === 'number' ? `${within}ms` : String(within);
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new RangeError(`within must be ${describeWrongDuration(text)}, not ${describeValue(within)}`);
  }
  return ms;
}

/** Lets time pass until `condition` holds, or `endMs` has come. Rejects when the run is stopped before. */
export async function pass(
  { reach, settle, testbed }: World, condition: () => boolean, endMs: number,
): Promise<void> {
  if (await reach(condition, endMs)) {
    await settle();
    return;
  }
  if (!isLater(endMs, testbed.agenda.now())) return;
  throw new Error(
    `the run was stopped at ${formatSeconds(testbed.agenda.now())}, before what was expected by ${formatSeconds(endMs)} could be seen`,
  );
}

/** Returns whether the first time is later by a microsecond or more: rounding errors of sums are smaller. */
export function isLater(oneMs: number, otherMs: number): boolean {
  return Math.round(oneMs * 1000) > Math.round(otherMs * 1000);
}

export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `a ${name}` : 'an object';
}
