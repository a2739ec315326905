/** Appointments: in the order of time, then as they were made, on a clock with one alarm. */

import { beforeEach, expect, it } from 'vitest';
import { Agenda } from '../../../sim/time/agenda.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let clock: ManualClock;
let agenda: Agenda;
let kept: [number, string][];

beforeEach(() => {
  clock = new ManualClock();
  agenda = new Agenda(clock);
  kept = [];
});

const at = (atMs: number, what: string) => agenda.at(atMs, () => kept.push([clock.now(), what]));

it('keeps them in the order of time, and of one time in the order they were made', () => {
  at(30, 'c');
  at(10, 'a');
  at(20, 'b 1');
  at(20, 'b 2');
  agenda.after(5, () => kept.push([clock.now(), 'after']));
  clock.advance(20);
  expect(kept).toEqual([[5, 'after'], [10, 'a'], [20, 'b 1'], [20, 'b 2']]);
  clock.advance(9.999);
  expect(kept).toHaveLength(4);
  clock.advance(0.001);
  expect(kept.at(-1)).toEqual([30, 'c']);
  expect(clock.alarmMs).toBeUndefined();
});

it('forgets one that is cancelled, before and in its turn, and cancelling it late does nothing', () => {
  const cancel = at(10, 'cancelled');
  at(10, 'kept');
  let cancelLater: () => void = () => {};
  agenda.at(15, () => cancelLater());
  cancelLater = at(15, 'cancelled in its turn');
  cancel();
  clock.advance(20);
  cancel();
  at(25, 'another');
  cancel();
  clock.advance(20);
  expect(kept).toEqual([[10, 'kept'], [25, 'another']]);
});

it('takes those that are made while others are kept, also for now and for the past', () => {
  agenda.at(10, () => {
    at(10, 'now');
    at(3, 'past');
    at(11, 'soon');
  });
  at(10, 'made before');
  clock.advance(20);
  expect(kept).toEqual([[10, 'past'], [10, 'made before'], [10, 'now'], [11, 'soon']]);
});

it('keeps what is left when one throws', () => {
  agenda.at(10, () => {
    throw new Error('in vain');
  });
  at(10, 'same time');
  at(20, 'later');
  expect(() => clock.advance(100)).toThrow('in vain');
  clock.advance(100);
  expect(kept.map(([, what]) => what)).toEqual(['same time', 'later']);
});

it('forgets everything when it is cleared, and arms no alarm', () => {
  at(10, 'a');
  at(20, 'b');
  agenda.clear();
  expect(clock.alarmMs).toBeUndefined();
  at(30, 'c');
  clock.advance(100);
  expect(kept).toEqual([[30, 'c']]);
});
