/** Expectations of a user: reading them, and judging verdicts by them, on both sides of the deadline. */

import { describe, expect, it } from 'vitest';
import {
  type Expectation, EXPECTATION_EXAMPLES, formatExpectation, type Judged, judgeExpectation, type Judgement,
  parseExpectation,
} from '../../../sim/verdict/expectation.ts';
import { table } from '../../../sim/text.ts';
import { tierNotes, verdictTable } from '../../../sim/verdict/findings-text.ts';
import type { Verdict } from '../../../sim/verdict/verdict.ts';

const noticed = (afterMs: number, by = 'silent') => ({ afterMs, by });

const PULLED: Verdict = {
  fault: 'cable-pull',
  effect: 'cuts',
  tier: 'T0',
  text: 'cable-pull on dev-1 at 10s for 30s',
  on: 'device',
  device: 'dev-1',
  atMs: 10_000,
  forMs: 30_000,
  isOver: true,
  healedAfterMs: 30_000,
  wasConnected: true,
  hadService: true,
  firmware: 'running',
  server: 'running',
  deviceNoticed: noticed(12_000, 'ETIMEDOUT'),
  serverNoticed: noticed(15_000),
  log: undefined,
  survived: false,
  ghostMs: 15_000,
  backAfterMs: 1500,
};
const OFF: Verdict = {
  ...PULLED,
  fault: 'power-loss',
  text: 'power-loss on dev-1 at 10s for 30s',
  firmware: 'off',
  deviceNoticed: undefined,
};
const SURVIVED: Verdict = {
  ...PULLED,
  healedAfterMs: 1000,
  deviceNoticed: undefined,
  serverNoticed: undefined,
  survived: true,
  ghostMs: 1000,
  backAfterMs: 100,
};
const UNCONNECTED: Verdict = { ...OFF, wasConnected: false, serverNoticed: undefined, ghostMs: 0 };
const NEVER_CONNECTED: Verdict = { ...UNCONNECTED, hadService: false, backAfterMs: undefined };
const END_MS = 60_000;
const QUIET: Judged = { verdicts: [], endMs: END_MS, falseAlarms: [], overlappingSessions: 0, ghostMs: 0 };

function judged(text: string, ...verdicts: Verdict[]): Judgement {
  const expectation = parseExpectation(text);
  if (typeof expectation === 'string') throw new Error(expectation);
  return judgeExpectation(expectation, { ...QUIET, verdicts });
}

function failed(text: string, ...verdicts: Verdict[]): readonly string[] {
  return judged(text, ...verdicts).failures.map(({ sentence }) => sentence);
}

function times(subject: 'server' | 'device' | 'service', withinMs: number): Expectation {
  return { kind: 'times', subject, percentile: undefined, fault: undefined, withinMs };
}

it.each(EXPECTATION_EXAMPLES)('%s reads as it is written', (text) => {
  const expectation = parseExpectation(text);
  const read = typeof expectation === 'string' ? expectation : formatExpectation(expectation);
  expect(read).toBe(text.replace('60s', '1m'));
});

it.each([
  ['server notices within 15s', times('server', 15_000)],
  ['device notices within 0.5s', times('device', 500)],
  ['service back within 2h', times('service', 7_200_000)],
  ['server notices cable-pull within 15s', { ...times('server', 15_000), fault: 'cable-pull' }],
  ['service back after hang within 10s', { ...times('service', 10_000), fault: 'hang' }],
  ['server p99 within 20s', { ...times('server', 20_000), percentile: 99 }],
  ['service p99.9 after crash within 2s', { ...times('service', 2000), percentile: 99.9, fault: 'crash' }],
  ['no false alarms', { kind: 'none', of: 'false alarms' }],
  ['no overlapping sessions', { kind: 'none', of: 'overlapping sessions' }],
  ['ghosts below 60s', { kind: 'ghosts', belowMs: 60_000 }],
  ['ghosts below ten', "'ghosts below ten' must end with a duration such as 500ms, 30s, 1.5m, 2h or 1d"],
  ['server back within 10s', "'server back within 10s' must begin with 'server notices'"],
  ['service back hang within 10s', "'service back hang within 10s' must begin with 'service back after hang'"],
  ['server p0 within 10s', "'server p0 within 10s': a percentile is above 0 and at most 100"],
  ['server notices flood within 10s', expect.stringMatching(/: there is no fault flood; there are cable-pull, /)],
  [
    'server wakes within 15s',
    expect.stringMatching(/^'server wakes within 15s' is no expectation: it must be such as 'server notices within 15s', /),
  ],
  [
    'server notices in 15s',
    expect.stringMatching(/^'server notices in 15s' is no expectation: it must be such as 'server notices within 15s', /),
  ],
  [
    '',
    expect.stringMatching(/^'' is no expectation: it must be such as 'server notices within 15s', /),
  ],
  [
    'server notices within 15',
    "'server notices within 15' must end with a duration such as 500ms, 30s, 1.5m, 2h or 1d",
  ],
  [
    'server notices within 99999d',
    "'server notices within 99999d' must end with a duration of at most 13031d (35 years)",
  ],
  [
    'server notices within',
    expect.stringMatching(/^'server notices within' is no expectation: it must be such as 'server notices within 15s', /),
  ],
])("'%s'", (text, expectation) => {
  expect(parseExpectation(text)).toEqual(expectation);
});

describe('an expectation', () => {
  it('is met at its deadline, and not a moment after', () => {
    expect(failed('server notices within 15s', PULLED)).toEqual([]);
    expect(failed('server notices within 14.999s', PULLED)).toEqual([
      'cable-pull on dev-1 at 10s for 30s, dev-1: the server noticed after 15.0 s by silent (limit: 14.999s)',
    ]);
    expect(failed('device notices within 12s', PULLED)).toEqual([]);
    expect(failed('device notices within 11.999s', PULLED)).toHaveLength(1);
    expect(failed('service back within 1.5s', PULLED)).toEqual([]);
    expect(failed('service back within 1.499s', PULLED)).toEqual([
      'cable-pull on dev-1 at 10s for 30s, dev-1: service was back 1.5 s after the heal (limit: 1.499s)',
    ]);
  });

  it('is not met by what had not come when the run ended', () => {
    expect(failed('server notices within 1h', { ...PULLED, serverNoticed: undefined })).toEqual([
      'cable-pull on dev-1 at 10s for 30s, dev-1: the server had not noticed when the run ended 50.0 s later (limit: 1h)',
    ]);
    expect(failed('service back within 1h', { ...PULLED, backAfterMs: undefined })).toEqual([
      'cable-pull on dev-1 at 10s for 30s, dev-1: service was not back when the run ended 20.0 s after the heal (limit: 1h)',
    ]);
    expect(failed('service back within 1h', { ...PULLED, healedAfterMs: undefined, backAfterMs: undefined })).toEqual([
      'cable-pull on dev-1 at 10s for 30s, dev-1: the run ended before the fault was healed, and service could not be back (limit: 1h)',
    ]);
  });

  it('leaves open what came so late that the run ended before its time was up, on both sides of that time', () => {
    const late = { ...PULLED, atMs: 45_000, serverNoticed: undefined };
    expect(judged('server notices within 15s', PULLED, late)).toEqual({
      failures: [
        {
          sentence:
            'cable-pull on dev-1 at 10s for 30s, dev-1: the server had not noticed when the run ended 15.0 s later (limit: 15s)',
          device: 'dev-1',
          atMs: 45_000,
        },
      ],
      tooLate: 0,
      isTested: true,
    });
    expect(judged('server notices within 15s', PULLED, { ...late, atMs: 45_000.001 })).toEqual({
      failures: [],
      tooLate: 1,
      isTested: true,
    });
    expect(
      judged('service back within 2s', PULLED, { ...PULLED, healedAfterMs: undefined, backAfterMs: undefined }),
    ).toEqual({ failures: [], tooLate: 1, isTested: true });
  });

  it('names the worst first', () => {
    const after = (afterMs: number | undefined, device: string) => ({
      ...PULLED,
      device,
      serverNoticed: afterMs === undefined ? undefined : noticed(afterMs),
    });
    const sentences = failed(
      'server notices within 1s',
      after(3000, 'a'),
      after(9000, 'b'),
      after(undefined, 'c'),
      after(5000, 'd'),
    );
    expect(sentences.map((sentence) => /, ([a-d]): /.exec(sentence)?.[1])).toEqual(['c', 'b', 'd', 'a']);
  });

  it('asks nothing of a fault that only harms', () => {
    expect(
      failed('server notices within 15s', PULLED, { ...PULLED, effect: 'harms', serverNoticed: undefined }),
    ).toEqual([]);
  });

  it('asks nothing of who has nothing to notice, or cannot', () => {
    expect(
      failed('server notices within 1s', { ...PULLED, serverNoticed: noticed(500) }, SURVIVED, UNCONNECTED),
    ).toEqual([]);
    expect(
      failed(
        'device notices within 12s',
        PULLED,
        SURVIVED,
        UNCONNECTED,
        OFF,
        { ...OFF, fault: 'hang', firmware: 'hung' },
        { ...OFF, fault: 'crash', firmware: 'dead' },
        { ...PULLED, firmware: 'off', deviceNoticed: undefined },
      ),
    ).toEqual([]);
    expect(failed('service back within 2s', PULLED, NEVER_CONNECTED)).toEqual([]);
    expect(
      failed('service back within 2s', PULLED, {
        ...OFF,
        forMs: undefined,
        healedAfterMs: undefined,
        backAfterMs: undefined,
      }),
    ).toEqual([]);
  });

  it('is held against what a device noticed although the fault had stopped its firmware: by its watchdog, or when it went on', () => {
    for (const by of ['watchdog', 'closed']) {
      const hung: Verdict = {
        ...OFF,
        fault: 'hang',
        firmware: 'hung',
        text: 'hang on dev-1 at 10s',
        deviceNoticed: noticed(8000, by),
      };
      expect(failed('device notices within 8s', hung)).toEqual([]);
      expect(failed('device notices within 7.999s', hung)).toEqual([
        `hang on dev-1 at 10s, dev-1: the device noticed after 8.0 s by ${by} (limit: 7.999s)`,
      ]);
    }
  });

  it('that nothing put to the test is not met', () => {
    expect(failed('server notices within 15s')).toEqual(['server notices within 15s: no fault put it to the test']);
    expect(failed('server notices within 15s', SURVIVED, UNCONNECTED)).toHaveLength(1);
    expect(failed('device notices within 15s', OFF)).toHaveLength(1);
    expect(failed('service back within 15s', NEVER_CONNECTED)).toHaveLength(1);
  });

  it('of a kind of fault asks nothing of the others', () => {
    const slow = { ...PULLED, fault: 'crash', serverNoticed: noticed(30_000) } as const;
    expect(failed('server notices cable-pull within 15s', PULLED, slow)).toEqual([]);
    expect(failed('server notices crash within 15s', PULLED, slow)).toHaveLength(1);
    expect(failed('service back after hang within 15s', PULLED)).toEqual([
      'service back after hang within 15s: no fault put it to the test',
    ]);
  });

  it('of a percentile lets so many be late, and not one more', () => {
    const all = (late: number): Verdict[] => {
      return Array.from({ length: 100 }, (_, i) => ({ ...PULLED, serverNoticed: noticed(i < late ? 30_000 : 10_000) }));
    };
    expect(failed('server p99 within 10s', ...all(1))).toEqual([]);
    expect(failed('server p99 within 10s', ...all(2))).toEqual([
      'server p99 of 100 times is 30.0 s (limit: 10s)',
      ...Array<string>(2).fill(
        'cable-pull on dev-1 at 10s for 30s, dev-1: the server noticed after 30.0 s by silent (limit: 10s)',
      ),
    ]);
    const never = all(0).map((verdict, i) => (i < 2 ? { ...verdict, serverNoticed: undefined } : verdict));
    expect(failed('server p99 within 10s', ...never)[0]).toBe(
      'server p99 of 100 times is not by the end of the run (limit: 10s)',
    );
    expect(failed('server p98 within 10s', ...never)).toEqual([]);
  });

  it('of the whole run: false alarms, overlapping sessions, ghosts', () => {
    const held = (text: string, run: Partial<Judged>): readonly string[] => {
      const expectation = parseExpectation(text);
      if (typeof expectation === 'string') throw new Error(expectation);
      return judgeExpectation(expectation, { ...QUIET, ...run }).failures.map(({ sentence }) => sentence);
    };
    const falseAlarms = [{ atMs: 61_000, device: 'dev-2', side: 'server', by: 'silent' }] as const;
    expect(held('no false alarms', {})).toEqual([]);
    expect(held('no false alarms', { falseAlarms })).toEqual([
      'false alarm of dev-2 at 61.0 s: the server gave up a connection that was alive, by silent',
    ]);
    expect(held('no overlapping sessions', {})).toEqual([]);
    expect(held('no overlapping sessions', { overlappingSessions: 2 })).toEqual([
      'a device was online twice, 2 times',
    ]);
    expect(held('ghosts below 60s', { ghostMs: 59_999 })).toEqual([]);
    expect(held('ghosts below 60s', { ghostMs: 60_000 })).toEqual([
      'the server believed in ghosts for 60.0 s in all (limit: below 1m)',
    ]);
  });

  it('speaks of every fault that is not as expected', () => {
    expect(failed('server notices within 1s', PULLED, { ...OFF, device: 'dev-2' })).toHaveLength(2);
  });
});

describe('the table', () => {
  const rows = (...verdicts: Verdict[]) =>
    verdictTable(verdicts, END_MS)
      .split('\n')
      .map((line) => line.split(/ {2,}/))
      .slice(1);

  it('says who noticed, after how long, by what, or why not', () => {
    const never = { ...PULLED, deviceNoticed: undefined, serverNoticed: undefined, backAfterMs: undefined };
    const star = {
      ...PULLED,
      text: 'hang on dev-* at 10s',
      device: 'dev-2',
      fault: 'hang',
      firmware: 'hung',
      isOver: false,
      forMs: undefined,
      healedAfterMs: undefined,
      deviceNoticed: undefined,
    } as const;
    expect(
      rows(
        PULLED,
        SURVIVED,
        never,
        OFF,
        { ...OFF, fault: 'crash', firmware: 'dead' },
        UNCONNECTED,
        NEVER_CONNECTED,
        star,
      ),
    ).toEqual([
      [PULLED.text, '12.0 s by ETIMEDOUT', '15.0 s by silent', '15.0 s', '1.5 s'],
      [PULLED.text, 'survived', 'survived', '1.0 s', '0.1 s'],
      [PULLED.text, 'not by the end (50.0 s)', 'not by the end (50.0 s)', '15.0 s', 'not by the end (20.0 s)'],
      [OFF.text, 'was off', '15.0 s by silent', '15.0 s', '1.5 s'],
      [OFF.text, 'was dead', '15.0 s by silent', '15.0 s', '1.5 s'],
      [OFF.text, 'was not connected', '-', '-', '1.5 s'],
      [OFF.text, 'was not connected', '-', '-', '-'],
      ['hang on dev-* at 10s (dev-2)', 'hung', '15.0 s by silent', '15.0 s', 'not healed'],
    ]);
  });

  it('says which device and which time it was, where the line of the plan does not', () => {
    const of = (device: string, atMs: number) => ({
      ...PULLED,
      text: 'cable-pull on dev-1..2 at 10s for 1s every 1m',
      device,
      atMs,
    });
    expect(
      rows(of('dev-1', 10_000), of('dev-2', 10_000), of('dev-2', 70_000)).map(([text]) =>
        text?.replace(/.*every 1m/, ''),
      ),
    ).toEqual([' (dev-1)', ' (dev-2, 10.0 s)', ' (dev-2, 70.0 s)']);
    expect(
      rows(
        { ...of('dev-1', 10_000), text: 'reset on dev-1 at 10s every 1m' },
        { ...of('dev-1', 70_000), text: 'reset on dev-1 at 10s every 1m' },
      ).map(([text]) => text),
    ).toEqual(['reset on dev-1 at 10s every 1m (10.0 s)', 'reset on dev-1 at 10s every 1m (70.0 s)']);
  });

  it('says of a fault that lasts beyond the end that it does, and not so of one that is over while another keeps the device', () => {
    const cutShort = { ...PULLED, isOver: false, healedAfterMs: undefined, backAfterMs: undefined };
    expect(rows(cutShort, { ...cutShort, isOver: true }).map((cells) => cells.at(-1))).toEqual([
      'not over at the end',
      'not healed',
    ]);
  });

  it('has one row for a fault on more than eight devices: each thing that happened with its count, median and worst time', () => {
    const pulled = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        ...PULLED,
        text: 'cable-pull on * at 10s',
        device: `dev-${i}`,
        serverNoticed: noticed(10_000 + i * 1000),
      }));
    expect(rows(...pulled(8))).toHaveLength(8);
    const survivor = {
      ...SURVIVED,
      text: 'cable-pull on * at 10s',
      device: 'dev-9',
      isOver: false,
      forMs: undefined,
      healedAfterMs: undefined,
    };
    expect(rows(...pulled(9), survivor)).toEqual([
      [
        'cable-pull on * at 10s (10 devices)',
        '9: median 12.0 s, worst 12.0 s by ETIMEDOUT',
        '9: median 14.0 s, worst 18.0 s by silent',
        'median 15.0 s, worst 15.0 s',
        '9: median 1.5 s, worst 1.5 s',
      ],
      ['', '1: survived', '1: survived', '1: not healed'],
    ]);
  });

  it('folds its cells where its lines would be wider than 200 columns, and loses no word', () => {
    const text = 'hang on dev-1..30 at 10s..2m for 5s..1m every 10m';
    const many = Array.from({ length: 20 }, (_, i) => ({
      ...PULLED,
      text,
      device: `dev-${i}`,
      deviceNoticed: { afterMs: 10_000 + i * 1000, by: i < 10 ? 'a very long reason' : 'another very long reason' },
      serverNoticed: { afterMs: 10_000 + i * 1000, by: i < 10 ? 'a very long reason' : 'another very long reason' },
      ghostMs: 20_000 + i * 1000,
    }));
    const lines = verdictTable(many, END_MS).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(180);
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'fault', 'hang on dev-1..30 at 10s..2m for', '', '', '',
    ]);
    expect(lines[1]).toContain('10: median 14.0 s, worst 19.0 s');
    expect(lines[2]).toMatch(/^ {2}5s\.\.1m every 10m \(20 devices\) +by a very long reason +by a very long reason$/);
    expect(lines[4]).toMatch(/^ +by another very long reason +by another very long reason$/);
    // A narrower table has one line for each thing that happened.
    const few = many.slice(0, 8).map((one) => ({ ...one, text: 'hang on * at 1s' }));
    expect(verdictTable(few, END_MS).split('\n')).toHaveLength(9);
  });

  it('is followed by what each tier in it tests and does not test, and by no other tier', () => {
    const [crash, reset] = [{ ...OFF, fault: 'crash', tier: 'T1' }, { ...PULLED, fault: 'reset', tier: 'T1' }] as const;
    const t0 = [
      'Tier T0 (cable-pull, power-loss):',
      "  real sockets that fall silent. The host's kernel keeps acknowledging, so this tests the server's beats, and not",
      '  its TCP keepalive. What a device notices by itself is tested.',
    ];
    const t1 = (kinds: string) => [
      `Tier T1 (${kinds}):`,
      '  a real FIN or RST, which tells the server at once. This does not test how long the server believes in a device',
      '  that falls silent, by beats or by TCP keepalive.',
    ];
    expect(tierNotes([OFF, PULLED, PULLED])).toEqual(t0);
    expect(tierNotes([crash])).toEqual(t1('crash'));
    expect(tierNotes([reset, PULLED, crash, OFF])).toEqual([...t0, ...t1('crash, reset')]);
    expect(tierNotes([])).toEqual([]);
  });

  it('stands in columns, without blanks at the ends of lines', () => {
    expect(table([['a', 'bb', 'c'], ['aaa', 'b', ''], ['a']])).toBe('a    bb  c\naaa  b\na');
  });
});
