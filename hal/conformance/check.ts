/**
 * The framework of the checks: their type, their helpers and their runner. It needs nothing but the HAL, so that it
 * runs on a device.
 *
 * A check is a generator. It calls the port, yields the condition that it waits for, and continues inside the callback
 * that fulfilled the condition, as firmware does. A failure is thrown as a sentence. The reason why a check does not
 * apply to a port is thrown too.
 */

import { errnoOf } from '../errno.ts';
import type { Hal } from '../hal.ts';
import type { Storage } from '../storage.ts';

/** A port, and where others reach it. */
export interface Subject {
  readonly hal: Hal;
  /**
   * The port's IPv4 address as the other side must write it; `127.0.0.1` if there is one port and it uses its loopback.
   */
  readonly address: string;
  /** The port's IPv6 address. If either port has none, the IPv6 checks are skipped. */
  readonly address6?: string;
  /** The storage as the next boot would find it; without this, whether `commit` makes durable is not checked. */
  readonly reopenStorage?: () => Storage;
}

/** The outcome of a check. `why` is a sentence: the fault, or the reason why the check does not apply to this port. */
export type CheckResult =
  | { readonly kind: 'ok' }
  | { readonly kind: 'skip'; readonly why: string }
  | { readonly kind: 'fail'; readonly why: string };

export interface Check {
  readonly name: string;
  /** Runs the check, and calls `done` once, when it has ended. It uses the alarm of the clock. */
  run(done: (result: CheckResult) => void): void;
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
  /** Time at which `met` is tried again even if no callback came. */
  readonly alarmMs: number;
  /** Time at which the check gives up. */
  readonly deadlineMs: number;
}

export type Steps<Result = void> = Generator<Wait, Result, void>;

/** Longest wait for something that must happen, on the HAL's clock. */
const PATIENCE_MS = 10_000;

/** Each wait in vain halves the patience of the checks that follow, down to this: a broken port is not waited out. */
const PATIENCE_MIN_MS = 250;

/** The waiting times of the checks of one run. */
export class Patience {
  #ms = PATIENCE_MS;

  get ms(): number {
    return this.#ms;
  }

  /** Something was waited for in vain. */
  wane(): void {
    this.#ms = Math.max(this.#ms / 2, PATIENCE_MIN_MS);
  }
}

/** Thrown by a check that does not apply to the port. */
class Skip extends Error {}

/** Ends the check: it does not apply, and `why` says so in a sentence. */
export function skip(why: string): never {
  throw new Skip(why);
}

/** Ends the check with `why`, unless it applies. */
export function skipUnless(applies: boolean, why: string): void {
  if (!applies) skip(why);
}

/** Time for which a check watches for an event that must not come. */
const SETTLE_MS = 5;

/** The tools that a check works with. */
export class Stage {
  readonly tested: Subject;
  readonly peer: Subject;
  /** Closes what the check opened. Called when the check is over. */
  readonly cleanups: (() => void)[] = [];
  /** The first rule that was broken in a callback. */
  violation: string | undefined;
  readonly #patience: Patience;
  readonly #step: () => void;
  readonly #calls: string[] = [];

  constructor(tested: Subject, peer: Subject, patience: Patience, step: () => void) {
    this.tested = tested;
    this.peer = peer;
    this.#patience = patience;
    this.#step = step;
  }

  /** Waits until `met`, which is tried again after each event, and only then: an event that is missing is found. */
  *until(what: string, met: () => boolean): Steps {
    const deadlineMs = this.tested.hal.clock.now() + this.#patience.ms;
    if (!met()) yield { what, met, alarmMs: deadlineMs, deadlineMs };
  }

  /** Waits until `met`, which is tried every few milliseconds: for what no event tells. */
  *poll(what: string, met: () => boolean): Steps {
    const { clock } = this.tested.hal;
    const deadlineMs = clock.now() + this.#patience.ms;
    while (!met()) {
      if (clock.now() >= deadlineMs) inVain(what, this.#patience);
      yield* this.pause(5);
    }
  }

  *pause(delayMs: number): Steps {
    const { clock } = this.tested.hal;
    const alarmMs = clock.now() + delayMs;
    yield { what: 'the alarm', met: () => clock.now() >= alarmMs, alarmMs, deadlineMs: alarmMs + this.#patience.ms };
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

function inVain(what: string, patience: Patience): never {
  const waitedMs = patience.ms;
  patience.wane();
  throw new Error(`waited ${waitedMs / 1000} s in vain for ${what}`);
}

export function expect(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}

export function expectEqual<Value>(actual: Value, wanted: Value, what: string): void {
  expect(Object.is(actual, wanted), `${what} is ${inWords(actual)}, but must be ${inWords(wanted)}`);
}

/** A value as a sentence names it. */
export function inWords(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return 'an object';
  }
}

/** The result of a call that gives a count, in words. */
export function worded(result: number): string {
  return result < 0 ? errnoOf(result) : String(result);
}

export function expectResult(actual: number, wanted: number, what: string): void {
  expect(actual === wanted, `${what} gave ${worded(actual)}, but must give ${worded(wanted)}`);
}

/** Turns a value that the check or the port threw into a result. */
function resultOf(error: unknown): CheckResult {
  if (error instanceof Skip) return { kind: 'skip', why: error.message };
  return { kind: 'fail', why: error instanceof Error ? error.message : `the port threw ${inWords(error)}` };
}

export function checkOf(definition: Definition, tested: Subject, peer: Subject, patience: Patience): Check {
  return { name: definition.name, run: (done) => run(definition, tested, peer, patience, done) };
}

function run(
  definition: Definition,
  tested: Subject,
  peer: Subject,
  patience: Patience,
  done: (result: CheckResult) => void,
): void {
  const { clock } = tested.hal;
  const stage = new Stage(tested, peer, patience, step);
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
      finish(resultOf(error));
    }
    stepping = false;
  }

  function ring(): void {
    step();
    if (over || wait === undefined) return;
    // An alarm that rings early is found by a check of the clock, and must not end the others: it is armed again, later
    // by as much as it was early.
    const earlyMs = wait.alarmMs - clock.now();
    if (earlyMs > 0) arm(wait.alarmMs + earlyMs);
  }

  function arm(atMs: number): void {
    if (definition.ownAlarm !== true) clock.setAlarm(atMs, ring);
  }

  function advance(): void {
    for (;;) {
      if (wait !== undefined) {
        if (clock.now() >= wait.deadlineMs) inVain(wait.what, patience);
        if (!wait.met()) return;
      }
      const next = steps.next();
      if (next.done === true) {
        finish({ kind: 'ok' });
        return;
      }
      wait = next.value;
      arm(wait.alarmMs);
    }
  }

  function finish(result: CheckResult): void {
    over = true;
    let final = result;
    for (const cleanup of stage.cleanups) {
      try {
        cleanup();
      } catch (error) {
        if (final.kind !== 'fail') final = resultOf(error);
      }
    }
    clock.setAlarm(clock.now() + SETTLE_MS, () => {
      const { violation } = stage;
      done(final.kind === 'fail' || violation === undefined ? final : { kind: 'fail', why: violation });
    });
  }

  step();
}
