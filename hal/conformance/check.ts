/**
 * How a check is written and run. It needs nothing but the HAL, so that it runs on a device.
 *
 * A check is a generator: it calls the port, yields what it waits for, and goes on from within the callback that
 * brought it, which is what firmware does. Failures are thrown, as sentences.
 */

import { errnoOf } from '../errno.ts';
import type { Hal } from '../hal.ts';
import type { Storage } from '../storage.ts';

/** A port, and where others reach it. */
export interface Subject {
  readonly hal: Hal;
  /** Its IPv4 address as the other side must write it; `127.0.0.1` when there is one port and its loopback. */
  readonly address: string;
  /** Its IPv6 address. Where one of the two has none, the checks of IPv6 are left out. */
  readonly address6?: string;
  /** The storage as the next boot would find it; without this, whether `commit` makes durable is not checked. */
  readonly reopenStorage?: () => Storage;
}

export interface Check {
  readonly name: string;
  /** Runs the check. `done` gets undefined, or in one sentence what is wrong. It uses the alarm of the clock. */
  run(done: (failure: string | undefined) => void): void;
}

export interface Definition {
  readonly name: string;
  readonly steps: (stage: Stage) => Steps;
  /** The check uses the alarm itself, so that there is none to give it up: if it never ends, an alarm never came. */
  readonly ownAlarm?: true;
}

export interface Wait {
  readonly what: string;
  readonly met: () => boolean;
  /** When to try `met` again though nothing was called back. */
  readonly alarmMs: number;
  /** When to give up. */
  readonly deadlineMs: number;
}

export type Steps<Result = void> = Generator<Wait, Result, void>;

/** How long a check waits for what must come, on the HAL's clock. */
const PATIENCE_MS = 20_000;

/** How long after a check an event that must not come is still waited for. */
const SETTLE_MS = 5;

/** What a check has at hand. */
export class Stage {
  readonly tested: Subject;
  readonly peer: Subject;
  /** What the check opened: closed when it is over. */
  readonly cleanups: (() => void)[] = [];
  /** The first rule that was broken in a callback. */
  violation: string | undefined;
  readonly #step: () => void;
  readonly #calls: string[] = [];

  constructor(tested: Subject, peer: Subject, step: () => void) {
    this.tested = tested;
    this.peer = peer;
    this.#step = step;
  }

  /** Waits until `met`, which is tried again after each event, and only then: an event that is missing is found. */
  *until(what: string, met: () => boolean): Steps {
    const deadlineMs = this.tested.hal.clock.now() + PATIENCE_MS;
    if (!met()) yield { what, met, alarmMs: deadlineMs, deadlineMs };
  }

  /** Waits until `met`, which is tried every few milliseconds: for what no event tells. */
  *poll(what: string, met: () => boolean): Steps {
    const { clock } = this.tested.hal;
    const deadlineMs = clock.now() + PATIENCE_MS;
    while (!met()) {
      expect(clock.now() < deadlineMs, `waited in vain for ${what}`);
      yield* this.pause(5);
    }
  }

  *pause(delayMs: number): Steps {
    const { clock } = this.tested.hal;
    const alarmMs = clock.now() + delayMs;
    yield { what: 'the alarm', met: () => clock.now() >= alarmMs, alarmMs, deadlineMs: alarmMs + PATIENCE_MS };
  }

  /** Calls the port: what comes back before it returns is against the rules. */
  call<Result>(name: string, body: () => Result): Result {
    this.#calls.push(name);
    try {
      return body();
    } finally {
      this.#calls.pop();
    }
  }

  /** The port has called back. */
  event(name: string, closed: boolean): void {
    const call = this.#calls.at(-1);
    if (closed) this.violation ??= `${name} was called back after close()`;
    else if (call !== undefined) this.violation ??= `${name} was called back from within ${call}`;
    if (call === undefined) this.#step();
  }
}

export function expect(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}

export function expectEqual<Value>(actual: Value, wanted: Value, what: string): void {
  expect(Object.is(actual, wanted), `${what} is ${String(actual)}, but must be ${String(wanted)}`);
}

/** The result of a call that gives a count, in words. */
export function worded(result: number): string {
  return result < 0 ? errnoOf(result) : String(result);
}

export function expectResult(actual: number, wanted: number, what: string): void {
  expect(actual === wanted, `${what} gave ${worded(actual)}, but must give ${worded(wanted)}`);
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function checkOf(definition: Definition, tested: Subject, peer: Subject): Check {
  return { name: definition.name, run: (done) => run(definition, tested, peer, done) };
}

function run(
  definition: Definition,
  tested: Subject,
  peer: Subject,
  done: (failure: string | undefined) => void,
): void {
  const { clock } = tested.hal;
  const stage = new Stage(tested, peer, step);
  const steps = definition.steps(stage);
  let wait: Wait | undefined;
  let stepping = false;
  let over = false;

  function step(): void {
    if (stepping || over) return;
    stepping = true;
    try {
      advance();
    } catch (error) {
      finish(sentenceOf(error));
    }
    stepping = false;
  }

  function advance(): void {
    for (;;) {
      if (wait !== undefined) {
        expect(clock.now() < wait.deadlineMs, `waited in vain for ${wait.what}`);
        if (!wait.met()) return;
      }
      const next = steps.next();
      if (next.done === true) {
        finish(undefined);
        return;
      }
      wait = next.value;
      if (definition.ownAlarm !== true) clock.setAlarm(wait.alarmMs, step);
    }
  }

  function finish(failure: string | undefined): void {
    over = true;
    let verdict = failure;
    for (const cleanup of stage.cleanups) {
      try {
        cleanup();
      } catch (error) {
        verdict ??= sentenceOf(error);
      }
    }
    clock.setAlarm(clock.now() + SETTLE_MS, () => done(verdict ?? stage.violation));
  }

  step();
}
