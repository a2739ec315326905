/** The alarms of many devices in one process. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { nodeClock } from '../../hal/node/index.ts';

test('none of the alarms of a thousand devices comes early, twice, or after it was cleared', async () => {
  const rangAfterMs: number[] = [];
  await new Promise<void>((done) => {
    for (let device = 0; device < 1000; device += 1) {
      const clock = nodeClock();
      // Every alarm is armed twice, and every third is cleared, so that the heap is stirred.
      clock.setAlarm(clock.now() + Math.random() * 60, () => expect.unreachable('an alarm that was replaced'));
      const atMs = clock.now() + Math.random() * 50;
      clock.setAlarm(atMs, () => {
        rangAfterMs.push(clock.now() - atMs);
        if (rangAfterMs.length === 666) done();
      });
      if (device % 3 === 0) clock.clearAlarm();
    }
  });
  expect(Math.min(...rangAfterMs)).toBeGreaterThanOrEqual(0);
  await new Promise(setImmediate);
  expect(rangAfterMs).toHaveLength(666);
});

test('alarms of a thousand devices that are due at once come in the order of their times', async () => {
  const ranks: number[] = [];
  await new Promise<void>((done) => {
    for (let device = 0; device < 1000; device += 1) {
      // The alarms are seconds apart, which no delay of this process makes up for. 389 is coprime to 1000: each rank
      // comes once.
      const rank = (device * 389) % 1000;
      nodeClock().setAlarm((rank - 1000) * 1000, () => {
        if (ranks.push(rank) === 1000) done();
      });
    }
  });
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
});

test('a device whose alarm is always in the past does not starve the process or the other devices', async () => {
  const busy = nodeClock();
  let rangCount = 0;
  const again = () => {
    rangCount += 1;
    busy.setAlarm(0, again);
  };
  again();
  const other = nodeClock();
  await new Promise<void>((done) => other.setAlarm(other.now() + 5, done));
  await new Promise(setImmediate);
  busy.clearAlarm();
  expect(rangCount).toBeGreaterThan(2);
});

test('an alarm may clear or put off the alarms of other devices that are due at the same moment', async () => {
  const [first, cleared, putOff, last] = [nodeClock(), nodeClock(), nodeClock(), nodeClock()];
  const came: string[] = [];
  const laterMs = putOff.now() + 15;
  const putOffCame = new Promise<void>((done) => {
    first.setAlarm(-4, () => {
      cleared.clearAlarm();
      putOff.setAlarm(laterMs, () => {
        expect(putOff.now()).toBeGreaterThanOrEqual(laterMs);
        came.push('put off');
        done();
      });
    });
  });
  cleared.setAlarm(-3, () => came.push('cleared'));
  putOff.setAlarm(-2, () => came.push('too early'));
  await new Promise<void>((done) => last.setAlarm(-1, done));
  expect(came).toEqual([]);
  await putOffCame;
  expect(came).toEqual(['put off']);
});

test('a time that is no number is refused', () => {
  expect(() => nodeClock().setAlarm(NaN, () => {})).toThrow('not a number');
});

test(
  'an exception in one device leaves the others their alarms; without alarms the process ends',
  { timeout: 30_000 },
  () => {
    const program = `
    import { nodeClock } from '${new URL('../../hal/node/index.ts', import.meta.url).href}';
    process.on('uncaughtException', (error) => console.log(error.message));
    const [a, b, c, d] = [nodeClock(), nodeClock(), nodeClock(), nodeClock()];
    a.setAlarm(-4, () => console.log('a'));
    b.setAlarm(-3, () => { throw new Error('b fails'); });
    c.setAlarm(-2, () => console.log('c'));
    d.setAlarm(3_600_000, () => {});
    setTimeout(() => d.clearAlarm(), 20);
  `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const printed = execFileSync(process.execPath, args, { timeout: 25_000 });
    expect(String(printed).trim().split('\n')).toEqual(['a', 'b fails', 'c']);
  },
);
