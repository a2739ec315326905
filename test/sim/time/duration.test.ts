/** Durations as people write them. */

import { expect, it } from 'vitest';
import { describeWrongDuration, formatDuration, formatSeconds, parseDuration } from '../../../sim/time/duration.ts';
import { Seeded } from '../../support/seeded.ts';

it.each([
  ['0s', 0], ['500ms', 500], ['0.5ms', 0.5], ['12s', 12_000], ['1.5m', 90_000], ['2h', 7_200_000], ['1d', 86_400_000],
  ['007s', 7000], ['0.001ms', 0.001], ['0.333h', 1_198_800], ['1.1m', 66_000], ['13031d', 1_125_878_400_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each([
  '',
  '10',
  's',
  '1 s',
  ' 1s',
  '1s ',
  '-1s',
  '+1s',
  '1.s',
  '.5s',
  '1e3s',
  '1,5s',
  '1S',
  '1min',
  '1s2ms',
  'Infinitys',
  'NaNs',
  '٣s',
  '1s\n',
  `${'9'.repeat(400)}d`,
  '13032d',
])("'%s' is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

it('that is one but too long is told so, up to what can be read', () => {
  expect(describeWrongDuration('13032d')).toBe('a duration of at most 13031d (35 years)');
  expect(describeWrongDuration('-1s')).toBe('a duration such as 500ms, 30s, 1.5m, 2h or 1d');
});

it.each([
  [0, '0s'],
  [1, '1ms'],
  [500, '0.5s'],
  [1000, '1s'],
  [1234, '1.234s'],
  [60_000, '1m'],
  [90_000, '90s'],
  [5_400_000, '90m'],
  [3_600_000, '1h'],
  [86_400_000, '1d'],
  [0.1 + 0.2, '0.3ms'],
])('%d ms is printed as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it('is read as it was printed, to the microsecond, up to 35 years', () => {
  for (let seed = 1; seed <= 20_000; seed++) {
    const random = new Seeded(seed);
    const us = Math.floor(random.below(2 ** 32) * 2 ** (random.below(51) - 32));
    const text = formatDuration(us / 1000);
    expect(parseDuration(text), `seed ${seed}: ${us} us, ${text}`).toBe(us / 1000);
  }
});

it('stands in tables in seconds with one digit', () => {
  expect([0, 49, 50, 12_000, 3_600_000].map(formatSeconds)).toEqual(['0.0 s', '0.0 s', '0.1 s', '12.0 s', '3600.0 s']);
});
