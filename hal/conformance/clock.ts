/** Checks of the clock. */

import { expect } from './check.ts';
import type { Definition, Stage } from './check.ts';

/** An alarm that is later than this counts as lost. */
const LATE_MS = 5_000;

/** Arms the alarm; gives what tells when it came, on the HAL's clock. */
function arm(stage: Stage, delayMs: number): { atMs: number; rangAtMs: number[] } {
  const { clock } = stage.tested.hal;
  const alarm = { atMs: clock.now() + delayMs, rangAtMs: new Array<number>() };
  stage.call('setAlarm()', () =>
    clock.setAlarm(alarm.atMs, () => {
      alarm.rangAtMs.push(clock.now());
      stage.event('the alarm', false);
    }),
  );
  return alarm;
}

export const clockChecks: readonly Definition[] = [
  {
    name: 'clock: an alarm comes once, at its time or later, never before',
    ownAlarm: true,
    *steps(stage) {
      // Fractions of a millisecond, because timers that count whole ones are where alarms come early.
      for (const delayMs of [20, 0.3, 1.1, 2.5, 3.9, 5.7, 7.999, 10.001]) {
        const alarm = arm(stage, delayMs);
        yield* stage.until('the alarm', () => alarm.rangAtMs.length > 0);
        const rangAtMs = alarm.rangAtMs[0] ?? NaN;
        expect(rangAtMs >= alarm.atMs, `an alarm of ${delayMs} ms came ${alarm.atMs - rangAtMs} ms early`);
        expect(rangAtMs < alarm.atMs + LATE_MS, `an alarm of ${delayMs} ms came ${rangAtMs - alarm.atMs} ms late`);
        const later = arm(stage, 15);
        yield* stage.until('the next alarm', () => later.rangAtMs.length > 0);
        expect(alarm.rangAtMs.length === 1, 'an alarm came more than once');
      }
    },
  },
  {
    name: 'clock: now never goes back, and goes on',
    *steps(stage) {
      const { clock } = stage.tested.hal;
      const startMs = clock.now();
      expect(startMs >= 0, `now is ${startMs} ms, but counts from power-on`);
      let lastMs = startMs;
      for (let round = 0; round < 20; round += 1) {
        for (let i = 0; i < 50; i += 1) {
          const nowMs = clock.now();
          expect(nowMs >= lastMs, `now went back from ${lastMs} to ${nowMs} ms`);
          lastMs = nowMs;
        }
        yield* stage.pause(1);
      }
      expect(clock.now() >= startMs + 20, 'now did not go on with the alarms');
    },
  },
  {
    name: 'clock: an alarm in the past comes soon, but not from within setAlarm',
    ownAlarm: true,
    *steps(stage) {
      for (const delayMs of [0, -1, -1000]) {
        const alarm = arm(stage, delayMs);
        yield* stage.until('the alarm', () => alarm.rangAtMs.length > 0);
        expect((alarm.rangAtMs[0] ?? NaN) < alarm.atMs - delayMs + LATE_MS, 'an alarm in the past came late');
      }
    },
  },
  {
    name: 'clock: arming again replaces the alarm, for later and for sooner',
    ownAlarm: true,
    *steps(stage) {
      for (const [firstMs, secondMs] of [[5, 20], [60_000, 10]] as const) {
        const first = arm(stage, firstMs);
        const second = arm(stage, secondMs);
        yield* stage.until('the second alarm', () => second.rangAtMs.length > 0);
        expect(first.rangAtMs.length === 0, 'an alarm came that had been replaced');
        expect((second.rangAtMs[0] ?? NaN) >= second.atMs, 'an alarm that replaced another came early');
        const later = arm(stage, 20);
        yield* stage.until('the next alarm', () => later.rangAtMs.length > 0);
        expect(first.rangAtMs.length === 0 && second.rangAtMs.length === 1, 'an alarm came that was not armed');
      }
    },
  },
  {
    name: 'clock: a cleared alarm does not come, and clearing without an alarm does nothing',
    ownAlarm: true,
    *steps(stage) {
      const { clock } = stage.tested.hal;
      clock.clearAlarm();
      const cleared = [arm(stage, 5)];
      clock.clearAlarm();
      clock.clearAlarm();
      cleared.push(arm(stage, -1));
      clock.clearAlarm();
      // With one clock, only another alarm can tell that time has passed, and it would replace one that still waits.
      const other = stage.peer.hal.clock;
      let isOver = false;
      other.setAlarm(other.now() + 20, () => {
        isOver = true;
        stage.event('the alarm of the peer', false);
      });
      yield* stage.until('the next alarm', () => isOver);
      expect(cleared.every(({ rangAtMs }) => rangAtMs.length === 0), 'an alarm came that had been cleared');
    },
  },
];
