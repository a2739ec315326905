/**
 * A trace that was printed is read again: each line as it was written, or with a sentence that says what is wrong with
 * it, and where.
 */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERRNO } from '../../../hal/errno.ts';
import { FAULT_KINDS, FAULTS } from '../../../sim/faults/kinds/index.ts';
import { NETWORKS, TIERS } from '../../../sim/faults/kind.ts';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { Judge } from '../../../sim/verdict/judge.ts';
import { EVENT_FIELDS, isObject, REASON_FIELDS } from '../../../sim/trace/trace-fields.ts';
import { parseTraceLine, TraceReader, type TraceFileEnd } from '../../../sim/trace/trace-file.ts';
import { describeTraceEvent, type TraceEvent } from '../../../sim/trace/trace.ts';
import { check } from '../../support/check.ts';
import { readText } from '../../support/files.ts';
import { Seeded } from '../../support/seeded.ts';

const DOCUMENT = readText(fileURLToPath(new URL('../../../sim/trace/TRACE.md', import.meta.url)));

type Json = Readonly<Record<string, unknown>>;

function objectOf(line: string): Json {
  const value: unknown = JSON.parse(line);
  if (!isObject(value)) throw new Error(`no object: ${line}`);
  return value;
}

interface Section {
  readonly source: string;
  readonly kind: string;
  /** The section about the event, the preamble of its source, and the general part. */
  readonly text: string;
  readonly examples: readonly string[];
}

/** Returns the events that TRACE.md describes. */
function documented(): Section[] {
  const [general = '', ...sources] = DOCUMENT.split(/^## (?=`)/m);
  return sources.flatMap((part) => {
    const [preamble = '', ...kinds] = part.split(/^### /m);
    return kinds.map((text) => ({
      source: word(preamble),
      kind: word(text),
      text: [general, preamble, text].join('\n'),
      examples: blocks(text, 'json').flatMap((block) => block.trim().split('\n')),
    }));
  });
}

function word(text: string): string {
  return /^`([^`]+)`/.exec(text)?.[1] ?? '';
}

function blocks(text: string, language: string): string[] {
  return Array.from(
    text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm')),
    ([, block]) => block ?? '',
  );
}

const SECTIONS = documented();
const EXAMPLES = SECTIONS.flatMap(({ examples }) => examples);
const TRACE = blocks(DOCUMENT, 'ndjson')[0] ?? '';

/** All kinds of events. */
const KINDS = Object.entries(EVENT_FIELDS).flatMap(([source, kinds]) =>
  Object.entries(kinds).map(([kind, fields]) => ({ source, kind, fields: Object.keys(fields) })),
);

function read(text: string): TraceFileEnd & { readonly got: readonly TraceEvent[] } {
  return readPieces([text]);
}

function readPieces(pieces: Iterable<string>): TraceFileEnd & { readonly got: readonly TraceEvent[] } {
  const got: TraceEvent[] = [];
  const reader = new TraceReader((event) => got.push(event));
  for (const piece of pieces) reader.add(piece);
  return { ...reader.end(), got };
}

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
const START =
  '{"source":"run","kind":"start","format":"cablepull-trace","version":2,"network":"simulated","seed":1,"atMs":0}';
const END = '{"source":"run","kind":"end","interrupted":false,"bytes":0,"atMs":9000}';
const beat = (atMs: number): string => JSON.stringify({ source: 'device', device: 'dev-1', kind: 'beat-sent', atMs });

describe('a line', () => {
  it.each(EXAMPLES)('is read as it stands: %s', (line) => {
    const event = parseTraceLine(line);
    expect(event).toEqual(JSON.parse(line));
    expect(JSON.stringify(event)).toBe(line);
  });

  it('may have fields that are not known, which stay', () => {
    const line = '{"source":"device","device":"dev-1","kind":"beat-sent","atMs":1,"mood":"good"}';
    expect(JSON.stringify(parseTraceLine(line))).toBe(line);
  });

  it.each(KINDS)('$kind of $source has an example with each of its fields', ({ source, kind, fields }) => {
    const examples = SECTIONS.filter((section) => section.source === source && section.kind === kind).flatMap(
      (section) => section.examples,
    );
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(JSON.parse(example)).toMatchObject({ source, kind });
    expect(fields.filter((field) => !examples.some((example) => Object.hasOwn(objectOf(example), field)))).toEqual([]);
  });

  it.each([
    ['{"sour', 'this is not JSON, or not all of it'],
    ['', 'this is not JSON, or not all of it'],
    ['5', 'this must be a JSON object, not 5'],
    ['[{}]', 'this must be a JSON object, not a list'],
    ['null', 'this must be a JSON object, not null'],
    ['{"kind":"boot"}', "'source' is missing: it must be one of run, device, bench, process, link, fault, server"],
    ['{"source":7,"kind":"boot"}', "'source' must be one of run, device, bench, process, link, fault, server, not 7"],
    ['{"source":"device"}', "'kind' is missing: it must be the name of an event"],
    ['{"source":"run","kind":null}', "'kind' must be the name of an event, not null"],
    [
      '{"source":"device","device":"dev-1","kind":"beat-sent","atMs":"x"}',
      '\'atMs\' must be a number of milliseconds, 0 or more, not "x"',
    ],
    [
      '{"source":"device","device":"dev-1","kind":"beat-sent","atMs":-1}',
      "'atMs' must be a number of milliseconds, 0 or more, not -1",
    ],
    [
      '{"source":"device","device":"dev-1","kind":"beat-sent","atMs":1e999}',
      "'atMs' must be a number of milliseconds, 0 or more, not Infinity",
    ],
    [
      '{"source":"device","device":"","kind":"beat-sent","atMs":1}',
      '\'device\' must be a text that is not empty, not ""',
    ],
    ['{"source":"device","device":"dev-1","kind":"carrier","up":1,"atMs":1}', "'up' must be true or false, not 1"],
    [
      '{"source":"device","device":"dev-1","kind":"beat-missed","missed":0,"atMs":1}',
      "'missed' must be a whole number of at least 1, not 0",
    ],
    [
      '{"source":"device","device":"dev-1","kind":"data-sent","bytes":1.5,"atMs":1}',
      "'bytes' must be a whole number of at least 0, not 1.5",
    ],
    [
      '{"source":"device","device":"dev-1","kind":"lost","server":"s:1","afterMs":1,"by":"boredom","atMs":1}',
      "'by' must be 'closed', 'missed-beats', 'not-reading', 'bad-frame', 'no-answer', 'refused', 'disconnected', " +
        `'finished' or an errno such as ETIMEDOUT, not "boredom"`,
    ],
    [
      '{"source":"device","device":"dev-1","kind":"connect-failed","server":"s:1","errno":"EWHAT","atMs":1}',
      '\'errno\' must be an errno such as ETIMEDOUT, not "EWHAT"',
    ],
    [
      '{"source":"bench","device":"dev-1","kind":"hung-up","local":{"address":"::1","port":70000},"by":"closed","atMs":1}',
      "'local.port' must be a whole number from 0 to 65535, not 70000",
    ],
    [
      '{"source":"server","server":"s","kind":"online","client":1,"peer":"10.0.0.1:1","atMs":1}',
      '\'peer\' must be an object with address and port, not "10.0.0.1:1"',
    ],
    [
      '{"source":"server","server":"s","kind":"online","client":1,"atMs":1}',
      "'peer' is missing: it must be an object with address and port",
    ],
    [
      '{"source":"link","kind":"forgotten","at":"nat-1","ends":[{"address":"::1","port":1}],"idleMs":1,"atMs":1}',
      "'ends' must be a list of two, not a list",
    ],
    [
      `{"source":"device","device":"dev-1","kind":"beat-sent","atMs":"${'x'.repeat(100)}"}`,
      `'atMs' must be a number of milliseconds, 0 or more, not "${'x'.repeat(40)}..."`,
    ],
    [
      '{"source":"device","device":"dev-1","kind":"beat-sent","atMs":"\\u001b[2J\u009b2J\u202e"}',
      '\'atMs\' must be a number of milliseconds, 0 or more, not "\\u001b[2J\\u009b2J\\u202e"',
    ],
  ])('that is wrong says what would be right: %s', (line, sentence) => {
    expect(parseTraceLine(line)).toBe(sentence);
  });

  it('of a fault has the argument that its kind must have, and no other', () => {
    const line = (fault: string, argument?: string): string =>
      JSON.stringify({
        source: 'fault',
        id: 1,
        fault,
        argument,
        host: 'dev-1',
        on: 'device',
        tier: 'T3',
        text: 'x',
        kind: 'fault',
        atMs: 1,
      });
    expect(parseTraceLine(line('loss', '10%'))).toHaveProperty('argument', '10%');
    expect(parseTraceLine(line('loss'))).toBe(
      "'argument' is missing: it must be a share of packets such as 10%, above 0% and at most 100%",
    );
    expect(parseTraceLine(line('loss', 'much'))).toBe(
      '\'argument\' must be a share of packets such as 10%, above 0% and at most 100%, not "much"',
    );
    expect(parseTraceLine(line('hang'))).toHaveProperty('fault', 'hang');
    expect(parseTraceLine(line('hang', '10%'))).toBe("'argument' cannot be there: 'hang' has none");
    expect(parseTraceLine(line('nat-timeout'))).toHaveProperty('fault', 'nat-timeout');
    expect(parseTraceLine(line('nat-timeout', '5m'))).toHaveProperty('argument', '5m');
  });

  it('that a later version wrote is no error: an event that is not known is passed over', () => {
    expect(parseTraceLine('{"source":"device","device":"dev-1","kind":"dreaming","atMs":1}')).toEqual({
      source: undefined,
      unknown: '"dreaming" of the source "device"',
    });
    expect(parseTraceLine('{"source":"moon","kind":"boot","atMs":1}')).toEqual({
      source: undefined,
      unknown: '"boot" of the source "moon"',
    });
    // These words are properties of every object.
    expect(parseTraceLine('{"source":"constructor","kind":"name","atMs":1}')).toHaveProperty('source', undefined);
    expect(parseTraceLine('{"source":"device","kind":"toString","atMs":1}')).toHaveProperty('source', undefined);
  });

  it('that the command prints after the trace is no event', () => {
    expect(parseTraceLine('{"kind":"report","endMs":1}')).toEqual({ source: undefined, unknown: undefined });
    expect(parseTraceLine('{"kind":"netstat","atMs":1,"connections":[]}')).toEqual({
      source: undefined,
      unknown: undefined,
    });
  });
});

describe('each field', () => {
  interface Place {
    /** Name of the field in messages. */
    readonly name: string;
    readonly value: unknown;
    /** Returns the line with another value in this place; with undefined, the line without the field. */
    readonly lineWith: (other: unknown) => string;
  }

  /** Every value in a line, at any depth. */
  function places(value: unknown, name = '', lineWith: Place['lineWith'] = JSON.stringify): Place[] {
    const here = name === '' ? [] : [{ name, value, lineWith }];
    if (Array.isArray(value)) {
      const items: readonly unknown[] = value;
      return [
        ...here,
        ...items.flatMap((item, i) => places(item, `${name}[${i}]`, (other) => lineWith(items.with(i, other)))),
      ];
    }
    if (!isObject(value)) return here;
    return [...here, ...Object.entries(value).flatMap(([key, item]) => {
      return places(item, name === '' ? key : `${name}.${key}`, (other) => lineWith({ ...value, [key]: other }));
    })];
  }

  /** Returns values that no field of this type can have. */
  function wrongFor(name: string, value: unknown): unknown[] {
    const others = [null, [], [1, 2, 3], {}, true, 'no such word', -1].filter(
      (other) => typeof other !== typeof value || typeof value === 'object',
    );
    if (typeof value === 'number') return [...others, -1, Number.MAX_VALUE * 2, ...(/Ms$/.test(name) ? [] : [0.5])];
    const isText =
      typeof value === 'string' &&
      /(^|\.)(source|kind|device|server|line|reason|stack|task|detail|repeat|offlineLog|text|host|nat|at|address|topic|message|peer|why|by\[\d\])$/.test(
        name,
      );
    return typeof value === 'string' && (!isText || name === 'reason.kind') ? [...others, 'no such word', ''] : others;
  }

  const OPTIONAL = [
    'start repeat',
    'start offlineLog',
    'connected local',
    'served afterMs',
    'lost detail',
    'hung-up local',
    'fault forMs',
    'fault why',
    'healed forMs',
  ];

  it.each(EXAMPLES)('that is wrong, or missing, is named: %s', (line) => {
    const event = objectOf(line);
    for (const { name, value, lineWith } of places(event)) {
      for (const wrong of wrongFor(name, value)) {
        const sentence = parseTraceLine(lineWith(wrong));
        // An empty object is reported by its first missing field.
        check(
          typeof sentence === 'string' && sentence.startsWith(`'${name}`),
          `of ${name} ${JSON.stringify(wrong)} it is said: ${JSON.stringify(sentence)}`,
        );
      }
      // An element of a list cannot be missing: JSON has null in its place.
      if (name.endsWith(']')) continue;
      const without = parseTraceLine(lineWith(undefined));
      if (OPTIONAL.includes(`${String(event['kind'])} ${name}`)) {
        expect(without).toMatchObject({ source: event['source'] });
      }
      else expect(without).toMatch(`'${name}' is missing: it must be `);
    }
  });

  it('is held against its type by the compiler: not a word less, or more', () => {
    // @ts-expect-error a word is missing
    const narrow = (narrower: FieldCheck<'up'>): FieldCheck<'up' | 'down'> => narrower;
    // @ts-expect-error a word too many
    const wide = (wider: FieldCheck<string>): FieldCheck<'up'> => wider;
    expect([narrow, wide]).toHaveLength(2);
  });
});

describe('a file', () => {
  it('is read event by event, as the document has it', () => {
    const { got, ...end } = read(TRACE);
    expect(end).toEqual({ error: undefined, notes: [], isTruncated: false, events: 7, skipped: 0 });
    expect(got.map((event) => JSON.stringify(event))).toEqual(TRACE.trim().split('\n'));
  });

  it('of a run gives the verdicts of the run', async () => {
    let text = '';
    const sim = new Simulation({ seed: 1, onTrace: (event) => { text += `${JSON.stringify(event)}\n`; } });
    sim.addServer(referenceServer({ beatEvents: true }));
    const nat = sim.addNat({ idleTimeout: '5m' });
    for (let i = 0; i < 10; i++) {
      sim.addDevice({
        firmware: heartbeatFirmware({ dataIntervalMs: 5000, dataBytes: 64 }),
        link: { delay: '7ms' },
        ...(i < 3 && { nat }),
      });
    }
    sim.schedule(
      [
        'cable-pull on dev-1 at 10s for 1m',
        'power-loss on dev-2 at 10s..30s for 5s every 1m',
        'hang on dev-3 at 20s for 50s',
        'crash on dev-4 at 20s for 5s',
        'reset on dev-5 at 20s every 50s',
        'one-way tx on dev-6 at 20s for 40s',
        'loss 30% on dev-7 at 5s',
        'latency 1.5s on dev-8 at 5s for 1m',
        'nat-timeout on dev-9 at 30s',
        'nat-timeout 1s on dev-10 at 30s',
        'power-loss on server at 2m for 5s',
      ].join('\n'),
    );
    await sim.runFor('4m');
    sim.testbed.traceEnd();
    const sessions = new Sessions();
    const again = new Judge(sessions);
    const reader = new TraceReader((event) => sessions.add(event));
    reader.add(text);
    expect(reader.end()).toMatchObject({ error: undefined, isTruncated: false, notes: [] });
    expect(again.findings().verdicts.length).toBeGreaterThan(10);
    expect(again.findings()).toEqual(sim.testbed.witness.judge.findings(sim.nowMs));
  });

  it('may come in pieces of any length', () => {
    const whole = read(TRACE);
    for (let length = 1; length < 200; length++) {
      const pieces = Array.from({ length: Math.ceil(TRACE.length / length) }, (_, i) =>
        TRACE.slice(i * length, (i + 1) * length),
      );
      expect(readPieces(pieces)).toEqual(whole);
    }
  });

  it('is handed over as it comes, not at its end', () => {
    const got: TraceEvent[] = [];
    const reader = new TraceReader((event) => got.push(event));
    reader.add(`${START}\n${beat(1)}`);
    expect(got.length).toBe(1);
    reader.add('\n');
    expect(got.length).toBe(2);
  });

  it('may have a byte order mark, CR LF, empty lines, no last newline, and the results of the run', () => {
    const want = read(lines(START, beat(1), END));
    expect(want).toMatchObject({ error: undefined, isTruncated: false, notes: [], events: 3 });
    expect(read(`\uFEFF${START}\r\n${beat(1)}\r\n${END}\r\n`)).toEqual(want);
    expect(readPieces(['\uFEFF', `${START}\n\n${beat(1)}\n`, END])).toEqual(want);
    expect(
      read(lines('', START, beat(1), END, '{"kind":"netstat","atMs":1,"connections":[]}', '{"kind":"report"}')),
    ).toEqual(want);
  });

  it.each([
    ['nothing', '', 'the file is empty: a trace has at least its first line'],
    ['a byte order mark', '\uFEFF', 'the file is empty: a trace has at least its first line'],
    ['another text', 'hello\nworld\n', 'line 1: this is no trace of cablepull: this is not JSON, or not all of it'],
    ['a text of one line', 'hello', 'line 1: this is no trace of cablepull: this is not JSON, or not all of it'],
    [
      'other JSON',
      '{"name":"cablepull"}\n',
      "line 1: this is no trace of cablepull: 'source' is missing: it must be one of run, device, bench, process, link, fault, server",
    ],
    [
      'the last lines of a trace',
      lines(beat(1), END),
      "line 1: this is no trace of cablepull, or not its beginning: the first must be the event 'start' of the source 'run'",
    ],
    [
      'results alone',
      '{"kind":"report"}\n',
      "line 1: this is no trace of cablepull, or not its beginning: the first must be the event 'start' of the source 'run'",
    ],
    [
      'another format',
      START.replace('cablepull-trace', 'pcap'),
      "line 1: this is no trace of cablepull: 'format' must be 'cablepull-trace', not \"pcap\"",
    ],
    [
      'a newer version',
      START.replace('"version":2', '"version":3').replace('simulated', 'quantum'),
      'line 1: this trace is of version 3, newer than this cablepull, which reads version 2',
    ],
    [
      'an older version',
      START.replace('"version":2', '"version":1').replace('simulated', 'quantum'),
      'line 1: this trace is of version 1, older than this cablepull, which reads version 2',
    ],
    [
      'no version',
      START.replace('"version":2', '"version":"1"'),
      'line 1: \'version\' must be a whole number of at least 1, not "1"',
    ],
    [
      'another network',
      START.replace('simulated', 'quantum'),
      "line 1: 'network' must be 'real', 'simulated' or 'gateway', not \"quantum\"",
    ],
    [
      'a wrong line',
      lines(START, beat(1), '{"source":"device"}', beat(2)),
      "line 3: 'kind' is missing: it must be the name of an event",
    ],
    [
      'a line that is cut, among others',
      `${lines(START, beat(1))}${beat(2).slice(0, 20)}\n${lines(beat(3))}`,
      'line 3: this is not JSON, or not all of it',
    ],
    [
      'a last line that is whole, and wrong',
      `${lines(START)}{"source":"device"}`,
      "line 2: 'kind' is missing: it must be the name of an event",
    ],
    ['a time that goes back', lines(START, beat(2), beat(1.5)), "line 3: 'atMs' is 1.5 after 2: time cannot go back"],
    ['two traces', lines(START, beat(1), END, START), 'line 4: another trace begins here: a file holds one'],
    [
      'two traces, the first cut off',
      lines(START, beat(1), START),
      'line 3: another trace begins here: a file holds one',
    ],
    [
      'more than its end',
      lines(START, END, beat(9001)),
      "line 3: an event comes after the run's end: a file holds one trace",
    ],
  ])('with %s is an error, with its line', (_, text, error) => {
    expect(read(text)).toMatchObject({ error, isTruncated: false });
  });

  it('is read no further than an error, and what came before stands', () => {
    const reader = new TraceReader((event) => expect(event.atMs).toBeLessThan(5));
    reader.add(lines(START, beat(1), '{}', beat(6)));
    expect(reader.error).toMatch(/^line 3: /);
    reader.add(lines(beat(7)));
    expect(reader.end()).toMatchObject({ events: 2, error: reader.error });
  });

  it('whose times are the same is in order', () => {
    expect(read(lines(START, beat(1), beat(1)))).toMatchObject({ error: undefined, events: 3 });
  });

  it('of a run that was killed is cut off, and stands', () => {
    expect(read(lines(START, beat(1), beat(2500)))).toMatchObject({
      error: undefined,
      isTruncated: true,
      events: 3,
      notes: ['the trace is cut off before the end of the run: it was read up to line 3, at 2.5 s'],
    });
    expect(read(`${lines(START, beat(2500))}{"source":"dev`)).toMatchObject({
      error: undefined,
      isTruncated: true,
      events: 2,
      notes: ['the trace is cut off in line 3: it was read up to line 2, at 2.5 s'],
    });
  });

  it('whose results are cut off has lost nothing of the trace', () => {
    expect(read(`${lines(START, END)}{"kind":"rep`)).toMatchObject({
      error: undefined,
      isTruncated: false,
      notes: ['line 3, after the end of the trace, is cut off'],
    });
  });

  it('with events of a later version tells how many were skipped', () => {
    const dream = '{"source":"device","device":"dev-1","kind":"dreaming","atMs":1}';
    expect(read(lines(START, dream, END))).toMatchObject({
      error: undefined,
      events: 2,
      skipped: 1,
      notes: [
        '1 event was skipped that this cablepull does not know: first "dreaming" of the source "device", in line 2',
      ],
    });
    expect(read(lines(START, dream, dream, END)).notes).toEqual([
      '2 events were skipped that this cablepull does not know: first "dreaming" of the source "device", in line 2',
    ]);
  });

  it('cut off at any byte gives a prefix of its events', () => {
    const text = TRACE.replaceAll('dev-1', 'Gerät-1');
    const whole = read(text).got;
    const bytes = new TextEncoder().encode(text);
    const newlines = [...bytes.entries()].filter(([, byte]) => byte === 0x0a).map(([i]) => i);
    for (let length = 0; length < bytes.length; length++) {
      const { got, error, isTruncated } = read(new TextDecoder().decode(bytes.subarray(0, length)));
      // A line is whole before its newline is there.
      const wholeLines = newlines.filter((at) => at <= length).length;
      check(
        got.length === wholeLines && got.every((event, i) => JSON.stringify(event) === JSON.stringify(whole[i])),
        `${length} bytes hold ${wholeLines} events, not ${got.length}`,
      );
      check((error === undefined) === wholeLines > 0, `${length} bytes: ${error}`);
      check(isTruncated === (wholeLines > 0 && wholeLines < whole.length), `${length} bytes: cut off`);
    }
  });

  it('with a line that has no end is not kept in memory', () => {
    const reader = new TraceReader(() => {});
    reader.add(lines(START));
    const piece = 'x'.repeat(2 ** 24);
    for (let i = 0; i < 17; i++) reader.add(piece);
    expect(reader.error).toBe('line 2: this is longer than 268435456 characters, as no line of a trace is');
  });
});

describe('any line', () => {
  const TOKENS = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '0',
    '-',
    '1e999',
    'null',
    'true',
    '\\u0000',
    '\n',
    '\r',
    '\uFEFF',
    '"source"',
    '"kind"',
    '"__proto__"',
    '"boot"',
    'é',
    '\ud800',
  ];

  function mutate(text: string, random: Seeded): string {
    let mutated = text;
    for (let times = 1 + random.below(3); times > 0; times--) {
      const at = random.below(mutated.length + 1);
      const until = random.chance(2) ? at : at + random.below(20);
      mutated = mutated.slice(0, at) + (random.chance(4) ? '' : random.pick(TOKENS)) + mutated.slice(until);
    }
    return mutated;
  }

  it('is read, or refused in a sentence, and every event that was read has a text', () => {
    const random = new Seeded(1);
    let read = 0;
    for (let i = 0; i < 20_000; i++) {
      const line = mutate(random.pick(EXAMPLES), random);
      const event = parseTraceLine(line);
      if (typeof event === 'string') {
        check(/^('|this )/.test(event) && !event.includes('\n'), `${line} gives ${event}`);
      } else if (event.source !== undefined) {
        read++;
        describeTraceEvent(event);
      }
    }
    expect(read).toBeGreaterThan(1000);
  });

  it('values that belong to other fields are read, or refused', () => {
    const random = new Seeded(2);
    const values = EXAMPLES.flatMap((line) => Object.values(objectOf(line)));
    for (let i = 0; i < 20_000; i++) {
      const event = objectOf(random.pick(EXAMPLES));
      const parsed = parseTraceLine(
        JSON.stringify({ ...event, [random.pick(Object.keys(event))]: random.pick(values) }),
      );
      if (typeof parsed !== 'string' && parsed.source !== undefined) {
        describeTraceEvent(parsed);
        if (parsed.source === 'fault') FAULTS[parsed.fault].effect(parsed.argument);
      }
    }
  });

  it('a whole file ends with all its events, with an error, or cut off', () => {
    const random = new Seeded(3);
    for (let i = 0; i < 5000; i++) {
      const { got, events, error, isTruncated } = read(mutate(TRACE, random));
      check(
        got.length === events && (error !== undefined ? !isTruncated : isTruncated || events > 1),
        `after mutation ${i}`,
      );
    }
  });

  it('depth is no danger', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(parseTraceLine(`{"source":"device","device":"dev-1","kind":"beat-sent","atMs":${deep}}`)).toBe(
      "'atMs' must be a number of milliseconds, 0 or more, not a list",
    );
  });
});

describe('TRACE.md', () => {
  it('tells of every event, and of none that is not there', () => {
    const name = ({ source, kind }: { readonly source: string; readonly kind: string }): string => `${source} ${kind}`;
    expect(SECTIONS.map(name).toSorted()).toEqual(KINDS.map(name).toSorted());
  });

  it.each(KINDS)('names each field of $kind of $source', ({ source, kind, fields }) => {
    const text =
      SECTIONS.find((section) => section.source === source && section.kind === kind)?.text.replaceAll(
        /^```[\s\S]*?^```/gm,
        '',
      ) ?? '';
    expect(['source', 'kind', ...fields].filter((field) => !text.includes(`\`${field}\``))).toEqual([]);
  });

  it('names each reason to go offline, with its fields, and has an example of it', () => {
    const offline = SECTIONS.find(({ kind }) => kind === 'offline');
    for (const [reason, fields] of Object.entries(REASON_FIELDS)) {
      const line = new RegExp(`^ {2}- \`${reason}\`: .*$`, 'm').exec(offline?.text ?? '')?.[0] ?? '';
      expect([reason, ...Object.keys(fields)].filter((field) => !line.includes(`\`${field}\``))).toEqual([]);
      expect(offline?.examples.filter((example) => example.includes(`{"kind":"${reason}"`)).length).toBe(1);
    }
  });

  it('names every word that a field can have', () => {
    const words = [...Object.keys(ERRNO), ...FAULT_KINDS, ...TIERS, ...NETWORKS];
    expect(words.filter((one) => !DOCUMENT.includes(`\`${one}\``))).toEqual([]);
  });
});
