/** The live table of a run in real time: what it shows of a fleet, on screens of any size. */

import { expect, it } from 'vitest';
import type { DeviceRow } from '../../../sim/command/fleet.ts';
import { liveLines } from '../../../sim/command/live.ts';
import { rowsTaken } from '../../../sim/command/terminal.ts';

function device(name: string, more: Partial<DeviceRow> = {}): DeviceRow {
  return {
    name, state: 'connected', sinceMs: 0, connections: 1, failures: 0, beats: 12, answers: 12, received: 0, sent: 0,
    hasBeenOn: true, faults: new Map(), last: '', ...more,
  };
}

const FLEET = Array.from({ length: 200 }, (_, i) => {
  if (i === 150) return device('dev-151', { faults: new Map([['cable-pull', 1]]) });
  if (i === 160) return device('dev-161', { state: 'connecting', last: 'lost by ETIMEDOUT' });
  if (i === 170) return device('dev-171', { connections: 2 });
  return device(`dev-${i + 1}`);
});

it('shows the devices in trouble first, and the number of devices that are not shown', () => {
  const lines = liveLines('the sum', FLEET, 60_000, { rows: 24, columns: 80 });
  expect(lines[0]).toBe('the sum');
  expect(lines[1]).toMatch(/^device +state +for +beats +answers/);
  expect(lines.slice(2, 6).map((line) => line.split(' ')[0])).toEqual(['dev-151', 'dev-161', 'dev-171', 'dev-1']);
  expect(lines.at(-1)).toBe('and 192 more');
});

it('shows all devices of a small fleet, in their order, and no number of others', () => {
  const lines = liveLines('the sum', FLEET.slice(148, 153), 60_000, { rows: 24, columns: 80 });
  expect(lines.slice(2).map((line) => line.split(' ')[0])).toEqual([
    'dev-149', 'dev-150', 'dev-151', 'dev-152', 'dev-153',
  ]);
});

it.each([[24, 80], [24, 20], [10, 200], [50, 132]])(
  'on %d rows of %d columns can be erased also when the screen has become half as wide',
  (rows, columns) => {
    const lines = liveLines('s'.repeat(300), FLEET, 60_000, { rows, columns });
    expect(rowsTaken(lines, columns)).toBe(lines.length);
    expect(rowsTaken(lines, Math.ceil(columns / 2))).toBeLessThan(rows);
  },
);
