/** Reports from a stored trace: the same verdicts and the same page as the run itself. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cablepull, ended, killAll } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-report-'));
const trace = join(folder, 'trace.ndjson');
const RUN = [
  'run',
  '--devices',
  '12',
  '--for',
  '5m',
  '--seed',
  '4',
  '--fault',
  'power-loss on dev-* at 10s..1m for 5s..30s',
  '--fault',
  'hang on server at 2m for 30s',
  '--fault',
  'nat-timeout 1m on dev-3 from 0s',
  '--fault',
  'loss 20% on dev-5..7 from 3m for 30s',
];
/** The table, the summary, the tiers. */
const findings = (stdout: string): string =>
  stdout.slice(stdout.indexOf('\nfault '), stdout.lastIndexOf('that is what --server is for.\n'));

let text = '';
let stored = '';

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

beforeAll(async () => {
  const [plain, json] = await Promise.all([
    ended(...RUN, '--report', join(folder, 'run.html')),
    ended(...RUN, '--json'),
  ]);
  text = plain.stdout;
  stored = json.stdout;
  writeFileSync(trace, stored);
});

afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

it('a stored trace gives the output of its run', async () => {
  const { status, stdout, stderr } = await ended('report', trace);
  expect(stdout).toMatch(/^12 devices, 300\.0 s, seed 4, simulated network\n/);
  expect(findings(stdout)).toBe(findings(text));
  expect(findings(stdout).length).toBeGreaterThan(500);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('a stored trace gives the page of its run, except for the line that repeats it', async () => {
  await ended('report', trace, '--html', join(folder, 'trace.html'));
  const [ofRun, ofTrace] = ['run.html', 'trace.html'].map((name) =>
    readFileSync(join(folder, name), 'utf8').replace(' --json', ''),
  );
  expect(ofTrace).toBe(ofRun);
  expect(ofRun).toContain('cablepull run --devices 12 --for 5m');
});

it('--json gives the report of the run again', async () => {
  const { stdout } = await ended('report', trace, '--json');
  const [again, first] = [stdout, stored.trimEnd().split('\n').at(-1) ?? ''].map((line): unknown => JSON.parse(line));
  const { verdicts, summary, falseAlarms } = Object(first);
  expect(verdicts.length).toBeGreaterThan(20);
  expect(again).toMatchObject({ kind: 'report', notes: [], verdicts, summary, falseAlarms, endMs: 300_000 });
});

describe('expectations of a stored trace', () => {
  it('that are met give exit status 0', async () => {
    const { status, stdout } = await ended('report', trace, '--expect', 'server notices within 2m');
    expect(stdout).toMatch(/\nas expected: server notices within 2m\n$/);
    expect(status).toBe(0);
  });

  it('that are not met give the worst cases, the line that repeats the run, and exit status 1', async () => {
    const { status, stdout } = await ended('report', trace, '--expect', 'server notices within 1s');
    expect(stdout.match(/^NOT AS EXPECTED: /gm)).toHaveLength(5);
    expect(stdout).toMatch(/^ {2}and \d+ more that are not as expected: server notices within 1s$/m);
    expect(stdout).toMatch(/\nto repeat: cablepull run --devices 12 --for 5m --seed 4 .* --json\n$/);
    expect(status).toBe(1);
  });
});

it('writes JUnit and Markdown for CI jobs, and compares two traces', async () => {
  const [xml, md] = [join(folder, 'out.xml'), join(folder, 'out.md')];
  const expectations = ['--expect', 'server p99 within 1s', '--expect', 'no overlapping sessions'];
  const { status } = await ended('report', trace, ...expectations, '--junit', xml, '--markdown', md);
  expect(status).toBe(1);
  expect(readFileSync(xml, 'utf8')).toMatch(
    /<testcase classname="cablepull" name="server p99 within 1s"><failure message="server p99 of \d+ times is /,
  );
  const summary = readFileSync(md, 'utf8');
  expect(summary).toMatch(/^### Cablepull: 12 devices, 300\.0 s\n\n- ❌ server p99 within 1s\n/);
  // Several commands of a job share one summary, and the tests of the last one replace the others.
  const tests = readFileSync(xml, 'utf8');
  await ended('report', trace, ...expectations, '--junit', xml, '--markdown', md);
  expect(readFileSync(md, 'utf8')).toBe(`${summary}\n\n${summary}`);
  expect(readFileSync(xml, 'utf8')).toBe(tests);

  const same = await ended('compare', trace, trace, '--tolerance', '0%');
  expect(same).toMatchObject({ status: 0, stderr: '' });
  expect(same.stdout).toMatch(/^server noticed, p99 +[\d.]+ s +[\d.]+ s +=$/m);
  expect(await ended('compare', trace)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('compare takes two traces, not 1'),
  });
});

describe('a trace that is cut off', () => {
  it('is reported up to its last whole line', async () => {
    const lines = stored.split('\n');
    const cut = file('cut.ndjson', `${lines.slice(0, 900).join('\n')}\n${lines[900]?.slice(0, 20)}`);
    const { status, stdout, stderr } = await ended('report', cut);
    expect(stderr).toMatch(
      new RegExp(`^${cut}: the trace is cut off in line 901: it was read up to line 900, at \\d+\\.\\d s\n$`),
    );
    expect(stdout).toMatch(/^12 devices, \d+\.\d s, seed 4, simulated network\n\nfault /);
    expect(stdout).not.toContain('a device a day');
    expect(status).toBe(0);
  });

  it('says so on its page', async () => {
    const cut = file('killed.ndjson', `${stored.split('\n').slice(0, 900).join('\n')}\n`);
    const { stderr } = await ended('report', cut, '--html', join(folder, 'cut.html'));
    expect(stderr).toMatch(/: the trace .*\n$/);
    expect(readFileSync(join(folder, 'cut.html'), 'utf8')).toMatch(/<p class="note">the trace /);
  });
});

describe('a file that is no trace is refused in one sentence', () => {
  it.each<[string, (lines: readonly string[]) => string, RegExp]>([
    ['nothing', () => '', /^cablepull: \S+bad\.ndjson, .*empty.*\n$/],
    ['another file', () => 'hello\n', /^cablepull: \S+bad\.ndjson, line 1: this is no trace of cablepull: .*\n$/],
    [
      'a trace of a later version',
      ([start = '', ...rest]) => [start.replace('"version":2', '"version":3'), ...rest].join('\n'),
      /line 1: this trace is of version 3, newer than this cablepull, which reads version 2\n$/,
    ],
    [
      'a trace of version 1',
      ([start = '', ...rest]) => [start.replace('"version":2', '"version":1'), ...rest].join('\n'),
      /line 1: this trace is of version 1, older than this cablepull, which reads version 2\n$/,
    ],
    [
      'a wrong field',
      (lines) => lines.with(20, (lines[20] ?? '').replace(/"atMs":[\d.]+/, '"atMs":"soon"')).join('\n'),
      /line 21: 'atMs' must be .*, not "soon"\n$/,
    ],
    [
      'half a line in the middle',
      (lines) => lines.with(20, '{"source":').join('\n'),
      /line 21: this is not JSON, or not all of it\n$/,
    ],
  ])('%s', async (_, make, sentence) => {
    const { status, stdout, stderr } = await ended('report', file('bad.ndjson', make(stored.split('\n'))));
    expect(stderr).toMatch(sentence);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it.each<[string, readonly string[], number, RegExp]>([
    [
      'a file that is not there',
      ['/nowhere/trace.ndjson'],
      2,
      /^cablepull: cannot read \/nowhere\/trace\.ndjson: ENOENT: no such file or directory\n$/,
    ],
    ['a folder', ['/'], 2, /^cablepull: cannot read \/: EISDIR: illegal operation on a directory\n$/],
    [
      'no file',
      [],
      2,
      /^cablepull: report needs the file of a trace, as in: cablepull report trace\.ndjson \(see cablepull report --help\)\n$/,
    ],
    ['two files', ['a', 'b'], 2, /^cablepull: report takes one trace, not 2\n$/],
    [
      'a page in place of the trace',
      ['a', '--html', './a'],
      2,
      /^cablepull: the trace and --html name the same file, .\/a: they must be different files\n$/,
    ],
    [
      'an expectation that is none',
      ['a', '--expect', 'peace'],
      2,
      /^cablepull: --expect: 'peace' is no expectation: it must be such as /,
    ],
    ['a page without a name', ['a', '--html='], 2, /^cablepull: --html must be the name of a file, not ''\n$/],
    [
      'an option that is none',
      ['a', '--pcap', 'b'],
      2,
      /^cablepull: unknown option '--pcap' \(see cablepull report --help\)\n$/,
    ],
  ])('%s', async (_, args, status, sentence) => {
    const got = await ended('report', ...args);
    expect(got.stderr).toMatch(sentence);
    expect(got).toMatchObject({ status, stdout: '' });
  });

  it('a page that cannot be written is refused at once, not after the work', async () => {
    const { status, stdout, stderr } = await ended('report', trace, '--html', '/nowhere/out.html');
    expect(stderr).toBe('cablepull: --html: cannot write /nowhere/out.html: ENOENT: no such file or directory\n');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(await ended('run', '--for', '1000d', '--report', '/nowhere/out.html')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--report: cannot write /nowhere/out.html: '),
    });
  });

  it('an old page stays if the new one cannot be made', async () => {
    const old = file('old.html', 'what was there');
    await ended('report', '/nowhere/trace.ndjson', '--html', old);
    expect(readFileSync(old, 'utf8')).toBe('what was there');
    await ended('report', trace, '--html', old);
    expect(readFileSync(old, 'utf8')).toMatch(/^<!DOCTYPE html>[^]*<\/html>\n$/);
  });

  it('without room for the page, the rest is printed, exit status 1', async () => {
    const { status, stdout, stderr } = await ended('report', trace, '--html', '/dev/full');
    expect(stderr).toBe('cablepull: --html: cannot write /dev/full: ENOSPC: no space left on device\n');
    expect(findings(stdout)).toBe(findings(text));
    expect(status).toBe(1);
  });
});

it('ends quietly without a reader', async () => {
  const program = cablepull('report', trace);
  program.child.stdout.destroy();
  const { stderr } = await program.ended();
  expect(stderr).toBe('');
});
