/** `tune` tries policies that can meet the limit, keeps those that no other beats, and says what hours cannot show. */

import { describe, expect, it } from 'vitest';
import { type Candidate, candidateName, candidatesFor, optionsOf } from '../../../sim/tune/candidates.ts';
import { frontPlot, frontTable, letter } from '../../../sim/tune/tune-text.ts';
import { alarmRate, frontOf, type Measurements, type Point, poissonUpper, tune } from '../../../sim/tune/tune.ts';

const BEATS: Candidate = { kind: 'beats', intervalMs: 5000, missedLimit: 2 };

function point(figures: Partial<Point>): Point {
  const alarms = alarmRate({ falseAlarms: 0, bytesADay: 0, deviceHours: 100 });
  const timesMs = { serverP99Ms: 20_000, deviceP99Ms: 20_000, hangP99Ms: 20_000 };
  return { candidate: BEATS, ...timesMs, bytesADay: 1e6, alarms, isWatched: true, ...figures };
}

describe('the candidates', () => {
  it.each([5, 30, 120, 3600])('notice within %i s where no packet is lost, and no two are alike', (seconds) => {
    const candidates = candidatesFor(seconds * 1000);
    expect(candidates.length).toBeGreaterThan(10);
    expect(new Set(candidates.map(candidateName)).size).toBe(candidates.length);
    for (const one of candidates) {
      if (one.kind === 'beats') expect(one.intervalMs * (one.missedLimit + 1)).toBeLessThanOrEqual(seconds * 1000);
      else expect(one.keepAlive.idle + one.keepAlive.interval * one.keepAlive.count).toBeLessThan(seconds);
    }
  });

  it('are options of run', () => {
    const keepAlive = { idle: 20, interval: 1, count: 9 };
    expect(optionsOf(BEATS)).toEqual(['--beat', '5s', '--missed-limit', '2']);
    expect(optionsOf({ kind: 'keepalive', keepAlive })).toEqual(['--beat', '24d', '--keepalive', '20/1/9']);
    expect(candidateName({ ...BEATS, kind: 'both', keepAlive })).toBe('beats 5 s x 2 + keepalive 20/1/9');
  });
});

describe('the front', () => {
  it('has who is better in anything, and not who is as good in all and better in nothing', () => {
    const quiet = point({ bytesADay: 1e5 });
    const quick = point({ serverP99Ms: 10_000 });
    const seesHangs = point({ hangP99Ms: 5000 });
    const sure = point({ alarms: alarmRate({ falseAlarms: 0, bytesADay: 0, deviceHours: 100 }), bytesADay: 1e5 });
    const worse = point({ bytesADay: 2e6 });
    expect(frontOf([worse, quick, quiet, seesHangs])).toEqual([quiet, quick, seesHangs]);
    // Two that are alike are both there: neither beats the other.
    expect(frontOf([quiet, sure])).toHaveLength(2);
  });

  it('does not tell apart times that differ by less than a hundredth', () => {
    const front = frontOf([point({ serverP99Ms: 19_990, bytesADay: 2e6 }), point({ serverP99Ms: 20_000 })]);
    expect(front.map(({ bytesADay }) => bytesADay)).toEqual([1e6]);
  });

  it('counts a hang that is never noticed as the slowest', () => {
    expect(frontOf([point({ hangP99Ms: undefined }), point({})])).toHaveLength(1);
  });
});

describe('the rate of false alarms', () => {
  // The exact upper limits of a Poisson mean at 95%, one-sided: half of chi-squared with 2(n + 1) degrees of freedom.
  const LIMITS = [[0, 2.9957], [1, 4.7439], [2, 6.2958], [10, 16.962], [100, 118.08]] as const;

  it.each(LIMITS)('of %i seen is at most %d', (seen, most) => {
    expect(poissonUpper(seen)).toBeCloseTo(most, 2);
  });

  it('stays a number for as many as a bad policy has', () => {
    expect(poissonUpper(5000)).toBeGreaterThan(5000);
    expect(poissonUpper(5000)).toBeLessThan(5200);
  });

  it('is of a device in a year', () => {
    const { aYear, mostAYear } = alarmRate({ falseAlarms: 1, bytesADay: 0, deviceHours: 8760 });
    expect(aYear).toBe(1);
    expect(mostAYear).toBeCloseTo(4.74, 2);
  });
});

describe('a search', () => {
  const measurements = (onLong: (candidate: Candidate) => number): Measurements & { readonly long: Candidate[] } => {
    const long: Candidate[] = [];
    return {
      long,
      detection: async (one) => ({ serverP99Ms: one.kind === 'beats' ? one.intervalMs * 2 : 29_000, deviceP99Ms: 1 }),
      quiet: async (one, isLong) => {
        if (isLong) long.push(one);
        const bytesADay = one.kind === 'beats' ? 1e10 / one.intervalMs : 1e6;
        return { bytesADay, falseAlarms: isLong ? onLong(one) : 0, deviceHours: isLong ? 1000 : 10 };
      },
      onProgress: () => {},
    };
  };

  it('watches for long only who is on the front', async () => {
    const measure = measurements(() => 0);
    const budget = { detectMs: 30_000, bytesADay: undefined, falseAlarmsAYear: 1 };
    const { tried, front } = await tune(budget, measure);
    expect(measure.long.length).toBeLessThan(tried.length);
    expect(measure.long).toHaveLength(front.length);
  });

  it('drops who gave up a live connection in the long run', async () => {
    const budget = { detectMs: 30_000, bytesADay: undefined, falseAlarmsAYear: 1 };
    const { front } = await tune(budget, measurements(({ kind }) => (kind === 'beats' ? 1 : 0)));
    expect(front.map(({ candidate }) => candidate.kind)).not.toContain('beats');
  });

  it.each([
    ['in the short runs', 5, false],
    ['in the long runs', 500, true],
  ])('that is ended %s has the front of what is done', async (_, runsMax, isLongAllowed) => {
    const measure = measurements(() => 0);
    let runs = 0;
    const budget = { detectMs: 30_000, bytesADay: undefined, falseAlarmsAYear: 1 };
    const found = await tune(budget, {
      ...measure,
      detection: async (one, fault) => (++runs > runsMax ? undefined : measure.detection(one, fault)),
      quiet: async (one, isLong) => {
        return ++runs > runsMax || measure.long.length === 1 ? undefined : measure.quiet(one, isLong);
      },
    });
    expect(found.isComplete).toBe(false);
    expect(found.tried.length === found.candidates).toBe(isLongAllowed);
    expect(found.front.length).toBeGreaterThan(0);
    expect(found.front.filter(({ isWatched }) => isWatched)).toHaveLength(isLongAllowed ? 1 : 0);
  });

  it('finds nobody where the traffic allowed is too little', async () => {
    const budget = { detectMs: 30_000, bytesADay: 10, falseAlarmsAYear: 1 };
    expect((await tune(budget, measurements(() => 0))).front).toEqual([]);
  });
});

describe('the text', () => {
  it('plots each policy of the table by its letter', () => {
    const front = [point({ bytesADay: 1e5, serverP99Ms: 30_000 }), point({ bytesADay: 1e7, serverP99Ms: 3000 })];
    expect(frontTable(front)).toMatch(/^a +beats 5 s x 2 +30\.0 s/m);
    const rows = frontPlot(front, 30_000).split('\n');
    expect(rows[1]).toMatch(/^ +30\.0 s \|a$/);
    expect(rows.findIndex((row) => /\| +b$/.test(row))).toBeGreaterThan(10);
    expect([letter(0), letter(25), letter(26)]).toEqual(['a', 'z', 'aa']);
  });
});
