/**
 * `cablepull/vitest`: matchers that tell who noticed a fault, over real sockets as on the simulated network. To import
 * it is to have them.
 *
 *     device.cable.pull();
 *     await expect(sim).toNotice(device, { by: 'server', within: '15s' });
 *     device.cable.plug();
 *     await expect(sim).toRecover(device, { within: '10s' });
 *     await expect(sim).toMeet('server notices within 15s');
 *
 * The words mean what they mean in verdicts (verdict/verdict.ts).
 */

import { chai, expect } from 'vitest';
import type { Device } from '../device.ts';
import type { Side } from '../faults/kind.ts';
import { type Duration, formatDuration } from '../time/duration.ts';
import { type Expectation, formatExpectation, judgeExpectation, parseExpectation } from '../verdict/expectation.ts';
import { allOfServerNoticed, type Noticed, type Verdict } from '../verdict/verdict.ts';
import { type Cut, exactly, heal, isWithin, latestCut, noticed } from './cut.ts';
import { repeatLine, type RunningTest } from './repeat.ts';
import { explainTimeout } from './test-timeout.ts';
import { type TimeLimit, timeLine } from './time-line.ts';
import { describeValue, deviceName, pass, withinMs, type World, worldOf } from './world.ts';

export interface NoticeOptions {
  /** The end that is to notice. */
  readonly by: Side;
  /** Longest time after the fault. */
  readonly within: Duration;
}

export interface RecoverOptions {
  /** Longest time after the heal. */
  readonly within: Duration;
}

declare module 'vitest' {
  // Not `Matchers`, which vitest has from 3.2 on, and which would put these beside `expect.anything()` as well.
  interface Assertion<T> {
    /**
     * Expects that one end notices the last fault that cut the device, in time. The subject is a Simulation or a Bench;
     * the device is one of its devices or its name. Time passes until the end has noticed, until the connection has
     * survived, or until `within` after the fault is over; with `.not`, too, so that a test can check both sides of a
     * deadline one after the other. It fails, with `.not`, too, if no fault cut the device or the fault found it
     * without a connection. Resolves to the time and the way in which the end noticed; undefined with `.not`.
     */
    toNotice(device: Device | string, options: NoticeOptions): Promise<Noticed | undefined>;
    /**
     * Expects that service is back in time after the heal of the last fault that cut the device. Time passes until
     * service is back: first until the heal, as long as the plan says (or `within`, if no plan says), then no more than
     * `within`. It fails, with `.not`, too, if the fault is not healed or the device was never connected. Resolves to
     * the time after the heal, in ms; undefined with `.not`.
     */
    toRecover(device: Device | string, options: RecoverOptions): Promise<number | undefined>;
    /**
     * Expects that everything so far was as expected, in the words of `cablepull run --expect`: `server notices within
     * 15s`, `server p99 within 20s`, `service back after hang within 10s`, `no false alarms`, `ghosts below 60s`. No
     * time passes. An expectation about times fails, with `.not`, too, if no fault put it to the test.
     */
    toMeet(expectation: string): Promise<void>;
  }
}

const WAS_NOT_CONNECTED =
  'there was no connection then, or the server had given it up before: there was nothing to notice';
const HAD_NO_SERVICE = 'the device had never been connected by then: there was no service that could come back';
const AS_EXPECTED = 'all faults were as expected; expected: not that ';
const HOW_TO_HEAL = 'plug the cable in (device.cable.plug()), or say in the plan how long the fault lasts (for 30s)';

const LET_PASS = "await sim.runFor('2m')";

/** Sentences of failures that a message has room for. */
const SENTENCES_MAX = 5;

expect.extend({
  async toNotice(received: unknown, device: unknown, options: unknown) {
    const world = worldOf(received, 'toNotice');
    const cut = latestCut(world, deviceName(world, device, 'toNotice'));
    const { by, within } = fieldsOf(options, "toNotice(device, { by: 'server', within: '15s' })");
    if (by !== 'server' && by !== 'device') {
      throw new RangeError(`by must be 'server' or 'device', not ${describeValue(by)}`);
    }
    const limitMs = withinMs(within);
    const how = (verdict: Verdict) => (by === 'server' ? allOfServerNoticed(verdict) : verdict.deviceNoticed);
    const { wasConnected, atMs } = cut.verdict();
    if (!wasConnected) return untestable(world, this, cut.verdict(), WAS_NOT_CONNECTED);

    const limit = formatDuration(limitMs);
    const deadline: TimeLimit = { atMs: atMs + limitMs, text: `${limit} after the fault` };
    const isSettled = (verdict: Verdict): boolean => verdict.survived || how(verdict) !== undefined;
    const expected = `expected: that the ${by} ${this.isNot ? 'does not notice' : 'notices'} within ${limit}`;
    const told = (): string => {
      const now = cut.verdict();
      return message(world, this, now, `${noticed(now, by, world.testbed.agenda.now())}; ${expected}`, deadline);
    };
    await explainTimeout(this, told, () => pass(world, () => isSettled(cut.verdict()), deadline.atMs));
    return { pass: isWithin(how(cut.verdict())?.afterMs, limitMs), message: told };
  },

  async toRecover(received: unknown, device: unknown, options: unknown) {
    const world = worldOf(received, 'toRecover');
    const cut = latestCut(world, deviceName(world, device, 'toRecover'));
    const limitMs = withinMs(fieldsOf(options, "toRecover(device, { within: '10s' })").within);
    if (!cut.verdict().hadService) return untestable(world, this, cut.verdict(), HAD_NO_SERVICE);
    const notHealed = (): string => {
      const why = `not healed by ${exactly(world.testbed.agenda.now())}: ${HOW_TO_HEAL}`;
      return message(world, this, cut.verdict(), why, undefined);
    };
    await explainTimeout(this, notHealed, () => heal(world, cut, limitMs));
    const { atMs, healedAfterMs } = cut.verdict();
    if (healedAfterMs === undefined) {
      return { pass: this.isNot, message: notHealed };
    }

    const limit = formatDuration(limitMs);
    const healedMs = atMs + healedAfterMs;
    const deadline: TimeLimit = { atMs: healedMs + limitMs, text: `${limit} after the heal` };
    const expected = `expected: that it is ${this.isNot ? 'not ' : ''}back within ${limit}`;
    const told = (): string => {
      const { backAfterMs } = cut.verdict();
      const happened =
        backAfterMs === undefined
          ? `is not back ${exactly(world.testbed.agenda.now() - healedMs)}`
          : `was back ${exactly(backAfterMs)}`;
      return message(world, this, cut.verdict(), `service ${happened} after the heal; ${expected}`, deadline);
    };
    await explainTimeout(this, told, () => {
      return pass(world, () => cut.verdict().backAfterMs !== undefined, deadline.atMs);
    });
    return { pass: isWithin(cut.verdict().backAfterMs, limitMs), message: told };
  },

  async toMeet(received: unknown, text: unknown) {
    const world = worldOf(received, 'toMeet');
    const expectation =
      typeof text === 'string'
        ? parseExpectation(text)
        : `toMeet takes a text such as 'server notices within 15s', not ${describeValue(text)}`;
    if (typeof expectation === 'string') throw new RangeError(expectation);
    const nowMs = world.testbed.agenda.now();
    const findings = world.testbed.witness.judge.findings(nowMs);
    const { verdicts } = findings;
    const { failures, isTested } = judgeExpectation(expectation, findings);
    if (!isTested) {
      const why = `${formatExpectation(expectation)}: ${
        verdicts.length === 0
          ? `no fault has come by ${exactly(nowMs)}: toMeet lets no time pass, so let it pass before, as in ${LET_PASS}`
          : `none of ${verdicts.length} faults put it to the test`
      }`;
      return { pass: this.isNot, message: () => [why, '', repeatLine(world, this)].join('\n') };
    }
    return {
      pass: failures.length === 0,
      message: () => {
        if (failures.length === 0) {
          return [AS_EXPECTED + formatExpectation(expectation), '', repeatLine(world, this)].join('\n');
        }
        const told = failures.slice(0, SENTENCES_MAX).map(({ sentence }) => sentence);
        if (failures.length > SENTENCES_MAX) told.push(`and ${failures.length - SENTENCES_MAX} more`);
        const { device, atMs } = failures.find((failure) => failure.device !== undefined) ?? {};
        const worst = verdicts.find((verdict) => verdict.device === device && verdict.atMs === atMs);
        const rest =
          worst === undefined
            ? ['', repeatLine(world, this)]
            : around(world, this, worst, deadlineOf(expectation, worst));
        return [...told, ...rest].join('\n');
      },
    };
  },
});

// `expect.extend` gives nothing back: what has passed gives its time here.
chai.use(({ Assertion }, { flag, overwriteMethod }) => {
  const gives = (matcher: 'toNotice' | 'toRecover', value: (cut: Cut, options: unknown) => unknown): void => {
    overwriteMethod(Assertion.prototype, matcher, (matched: (...args: unknown[]) => Promise<void>) => {
      return async function (this: object, device: unknown, options: unknown) {
        await matched.call(this, device, options);
        if (flag(this, 'negate') === true) return undefined;
        const world = worldOf(flag(this, 'object'), matcher);
        return value(latestCut(world, deviceName(world, device, matcher)), options);
      };
    });
  };
  gives('toNotice', (cut, options) => {
    const { by } = fieldsOf(options, 'toNotice');
    return by === 'server' ? allOfServerNoticed(cut.verdict()) : cut.verdict().deviceNoticed;
  });
  gives('toRecover', (cut) => cut.verdict().backAfterMs);
});

/** Fails, with `.not` as without, because nothing was put to the test. */
function untestable(world: World, test: RunningTest & { readonly isNot: boolean }, verdict: Verdict, why: string) {
  return { pass: test.isNot, message: () => message(world, test, verdict, why, undefined) };
}

/** Returns the message: what happened to the device, the time line around it, and how to repeat it. */
function message(
  world: World,
  test: RunningTest,
  verdict: Verdict,
  sentence: string,
  deadline: TimeLimit | undefined,
): string {
  return [`${verdict.text}, ${verdict.device}: ${sentence}`, ...around(world, test, verdict, deadline)].join('\n');
}

function around(world: World, test: RunningTest, verdict: Verdict, deadline: TimeLimit | undefined): string[] {
  return ['', ...timeLine(world, verdict, deadline), '', repeatLine(world, test)];
}

function deadlineOf(
  expectation: Expectation,
  { atMs, healedAfterMs }: Verdict,
): TimeLimit | undefined {
  if (expectation.kind !== 'times') return undefined;
  const { subject, withinMs: limitMs } = expectation;
  const limit = formatDuration(limitMs);
  if (subject !== 'service') return { atMs: atMs + limitMs, text: `${limit} after the fault` };
  return healedAfterMs === undefined
    ? undefined
    : { atMs: atMs + healedAfterMs + limitMs, text: `${limit} after the heal` };
}

/** Reads options as they may come from JavaScript, where no type says what options there are. */
function fieldsOf(options: unknown, example: string): { readonly by?: unknown; readonly within?: unknown } {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`there must be options, as in ${example}, not ${describeValue(options)}`);
  }
  return options;
}
