/** `cablepull run` without a server: in virtual time, on the simulated network. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../../sim/command/fleet.ts';
import { Progress } from '../../../sim/command/progress.ts';
import type { Terminal } from '../../../sim/command/terminal.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import type { Program } from '../../support/process.ts';
import { cablepull, CLI, ended, killAll } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-simulated-'));

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(killAll);

const PULL = ['--fault', 'cable-pull on dev-7 at 1m for 30s'];

it("begins with the run's settings and ends with the verdicts, on a network of its own", async () => {
  const { status, stdout, stderr } = await ended('run', '--devices', '100', '--for', '10m', '--seed', '3', ...PULL);
  expect(stderr.split('\n').slice(0, 2)).toEqual([
    '100 devices (heartbeat) against our own server on a simulated network (20ms and 1% loss each way), for 10m, seed 3',
    'faults: cable-pull on dev-7 at 1m for 30s',
  ]);
  expect(stdout).toMatch(/^ended after 600\.0 s: 100 of 100 devices connected, /);
  expect(stdout).toMatch(/^cable-pull on dev-7 at 1m for 30s {2}1\d\.\d s by missed-beats {2}1\d\.\d s by silent /m);
  expect(stdout).toContain('Tier T3 (cable-pull):');
  expect(stdout).not.toContain('Tier T0');
  expect(status).toBe(0);
});

describe('the log', () => {
  it('has the first five events of a kind in a second, and the number of the others', async () => {
    const { stderr } = await ended('run', '--devices', '50', '--for', '5s');
    const of = (pattern: RegExp): number => stderr.match(pattern)?.length ?? 0;
    expect(of(/^ +0\.0 s {2}dev-\d+ +boot 1 \(power-on\)$/gm)).toBe(5);
    expect(stderr).toMatch(/^ +1\.0 s {2}45 more {3}booted$/m);
    for (const [line, more] of [
      [/^ +\d\.\d s {2}dev-\d+ +connected to server:39002 /gm, /^ +1\.\d s {2}(\d+) more {3}connected$/m],
      [/^ +\d\.\d s {2}server +client \d+ .* online$/gm, /^ +1\.\d s {2}(\d+) more {3}clients online$/m],
    ] as const) {
      const [, others] = more.exec(stderr) ?? [];
      expect(of(line) + Number(others)).toBe(50);
    }
    const times = Array.from(stderr.matchAll(/^ +(\d+\.\d) s {2}/gm), ([, time]) => Number(time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('has the first five devices of a fault on many at once, and the number of the others', async () => {
    const faults = ['--fault', 'cable-pull on dev-* at 1m for 9s', '--fault', 'power-loss on server at 1m for 1s'];
    const { stderr } = await ended('run', '--devices', '50', '--for', '75s', ...faults);
    const of = (pattern: RegExp): number => stderr.match(pattern)?.length ?? 0;
    for (const what of ['FAULT', 'healed']) {
      expect(of(new RegExp(`^.* dev-\\d+ +${what} cable-pull on dev-\\* at 1m for 9s$`, 'gm'))).toBe(5);
      expect(of(new RegExp(`^.* 45 more {3}${what} cable-pull on dev-\\* at 1m for 9s$`, 'gm'))).toBe(1);
      expect(of(new RegExp(`^.* server {4}${what} power-loss on server at 1m for 1s$`, 'gm'))).toBe(1);
    }
    expect(of(/^ +60\.0 s {2}dev-\d+ +carrier down$/gm)).toBe(5);
    expect(stderr).toMatch(/^ +61\.0 s {2}45 more {3}carriers up or down$/m);
    expect(stderr).toMatch(/^ +6\d\.\d s {2}\d+ more {3,}with beats unanswered$/m);
    const times = Array.from(stderr.matchAll(/^ +(\d+\.\d) s {2}/gm), ([, time]) => Number(time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('has every event of a small fleet', async () => {
    const { stderr } = await ended('run', '--devices', '10', '--for', '5s');
    expect(stderr.match(/^ +0\.0 s {2}dev-\d+ +boot 1 \(power-on\)$/gm)).toHaveLength(10);
    expect(stderr).not.toContain(' more ');
  });
});

it('peers: prints the peers that were marked down, their reporters, and the times', async () => {
  const fault = ['--fault', 'power-loss on dev-3 at 30s'];
  const { status, stdout, stderr } = await ended('run', '--protocol', 'peers', '--devices', '12', ...fault);
  expect(status).toBe(0);
  expect(stderr).toMatch(/^ +4\d\.\d s {2}dev-\d+ +has not heard dev-3 for 20\.0 s$/m);
  expect(stderr).toMatch(/^ +\d\d\.\d s {2}server +client 3 \(10\.0\.0\.4:\d+\) offline after .*: reported by dev-\d+, dev-\d+ /m);
  expect(stdout).toMatch(/^power-loss on dev-3 at 30s {2}was off +[12]\d\.\d s by reported /m);
  expect(stdout).toContain('0 false alarms');
});

describe('the same seed', () => {
  it.each([[[]], [['--json']], [['--json', '--netstat']]])(
    'gives the same bytes, and another one others: %j',
    async (options) => {
      const args = ['run', '--devices', '30', '--for', '5m', ...PULL, ...options];
      const [first, second, other] = await Promise.all([ended(...args), ended(...args), ended(...args, '--seed', '2')]);
      expect(first.stdout.length).toBeGreaterThan(100);
      expect(second.stdout).toBe(first.stdout);
      expect(other.stdout).not.toBe(first.stdout);
    },
  );

  it('gives the same capture under any file name, and the capture has the command line in it', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    await Promise.all([ended('run', '--for', '2m', '--pcap', one), ended('run', `--pcap=${two}`, '--for', '2m')]);
    const text = readFileSync(one, 'latin1');
    expect(text).toContain('cablepull run --for 2m --seed 1');
    expect(text.length).toBeGreaterThan(10_000);
    expect(readFileSync(two, 'latin1')).toBe(text);
  });
});

it('ends a minute after the last fault, or after a minute', async () => {
  const [withFault, without] = await Promise.all([ended('run', '--devices', '7', ...PULL), ended('run')]);
  expect(withFault.stdout).toMatch(/^ended after 150\.0 s/);
  expect(without.stdout).toMatch(/^ended after 60\.0 s: 5 of 5/);
});

it('tests keepalive at both ends against each fault', async () => {
  const { stdout } = await ended(
    'run',
    '--devices',
    '3',
    '--beat',
    '10m',
    '--keepalive',
    '3/3/3',
    '--for',
    '20m',
    '--fault',
    'cable-pull on dev-1 at 1m for 30s',
    '--fault',
    'power-loss on dev-2 at 1m for 1s',
    '--fault',
    'hang on dev-3 at 1m for 5m',
  );
  const server = (fault: string): string | undefined =>
    stdout
      .split('\n')
      .find((line) => line.startsWith(fault))
      ?.split(/ {2,}/)[2];
  expect(server('cable-pull')).toMatch(/^(9|1[0-2])\.\d s by ETIMEDOUT$/);
  expect(server('power-loss')).toMatch(/^[0-6]\.\d s by ECONNRESET$/);
  // A stack that lives answers the probes.
  expect(server('hang')).toBe('survived');
});

it('without answers, a connection has survived when the server receives a beat, not when the device sends one', async () => {
  // The device sends the beat that follows the plug. The server drops the connection before TCP retransmits that beat.
  const { stdout } = await ended(
    'run',
    '--devices',
    '1',
    '--no-answers',
    '--keepalive',
    '3/3/3',
    '--fault',
    'cable-pull on dev-1 at 62s for 8s',
  );
  expect(stdout).toMatch(/^cable-pull on dev-1 at 62s for 8s {2}.* {2}\d+\.\d s by ETIMEDOUT /m);
  expect(stdout).toContain('0 false alarms');
  const short = await ended(
    'run',
    '--devices',
    '1',
    '--no-answers',
    '--keepalive',
    '3/3/3',
    '--fault',
    'cable-pull on dev-1 at 62s for 1s',
  );
  expect(short.stdout).toMatch(/^cable-pull on dev-1 at 62s for 1s {2}survived {8,}survived /m);
});

describe('an expectation that is not met', () => {
  const LINE = `run --devices 8 --for 3m ${PULL.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')} --expect 'server notices within 2s'`;

  it('prints the line that repeats it, exit status 1', async () => {
    const { status, stdout } = await ended(
      'run',
      '--devices',
      '8',
      '--for',
      '3m',
      ...PULL,
      '--expect',
      'server notices within 2s',
    );
    expect(stdout).toMatch(/^NOT AS EXPECTED: cable-pull on dev-7 /m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`to repeat: cablepull ${LINE} --seed 1`);
    expect(status).toBe(1);
  });

  it('the report of --json has that line, too', async () => {
    const { stdout } = await ended(
      'run',
      '--devices',
      '8',
      '--for',
      '3m',
      ...PULL,
      '--expect',
      'server notices within 2s',
      '--seed',
      '9',
      '--json',
    );
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      kind: 'report', repeat: `cablepull ${LINE} --seed 9 --json`, verdicts: [{ fault: 'cable-pull', tier: 'T3' }],
    });
  });
});

it('--netstat: each connection at both ends, with the timers that run', async () => {
  const [text, json] = await Promise.all([
    ended('run', '--devices', '2', '--keepalive', '3/3/3', '--netstat'),
    ended('run', '--devices', '2', '--netstat', '--json'),
  ]);
  const [, table = ''] = text.stdout.split('\n\n');
  expect(
    table
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/)[3]?.replace(/\d+$/, '')),
  ).toEqual(['Local', 'server:', 'server:', 'dev-1:', 'dev-2:']);
  expect(table).toMatch(/^tcp +0 +0 {2}dev-2:\d+ +server:39002 +ESTABLISHED +keepalive \([0-3]\.\d\d\/0\/0\)$/m);
  const lines = json.stdout.trimEnd().split('\n').slice(-2).map((line): unknown => JSON.parse(line));
  expect(lines).toMatchObject([
    {
      kind: 'netstat',
      atMs: 60_000,
      connections: [{ host: 'server', peer: 'dev-1' }, {}, { host: 'dev-1', peer: 'server' }, {}],
    },
    { kind: 'report' },
  ]);
});

describe('a capture that cannot be written any more', () => {
  const FULL = /^cablepull: --pcap: cannot write \/dev\/full: ENOSPC: no space left on device$/mg;

  it.each([
    ['in the middle', '300', '10m'],
    ['at the end', '2', '10s'],
  ])('%s: prints one sentence and the report, exit status 1', async (_, devices, forTime) => {
    const args = ['run', '--devices', devices, '--for', forTime];
    const [{ status, stdout, stderr }, without] = await Promise.all([
      ended(...args, '--pcap', '/dev/full'),
      ended(...args),
    ]);
    expect(stderr.match(FULL)).toHaveLength(1);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toMatch(/^ended after /);
    expect(stdout).toBe(without.stdout);
    expect(status).toBe(1);
  });

  it('longer than a file may be: leaves no half of the capture, and prints the report', () => {
    const file = join(folder, 'limited');
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit -f 100; exec '${process.execPath}' '${CLI}' run --devices 100 --for 1h --pcap '${file}'`],
      { encoding: 'utf8' },
    );
    expect(stderr).toContain(`cablepull: --pcap: cannot write ${file}: EFBIG: file too large\n`);
    expect(stdout).toMatch(/^ended after 3600\.0 s/);
    expect(readdirSync(folder).filter((name) => name.startsWith('limited'))).toEqual([]);
    expect(status).toBe(1);
  });
});

it('shows its progress, and ends at Ctrl-C with the results so far, exit status 130', async () => {
  const program = cablepull('run', '--devices', '300', '--for', '10d');
  await new Promise<void>((resolve) => {
    let log = '';
    program.child.stderr.on('data', (chunk: Uint8Array) => {
      log += String(chunk);
      if (/^\d+\.\d s of 864000\.0 s: 300 of 300 devices connected, [\d.]+ x real time$/m.test(log)) resolve();
    });
  });
  const atMs = performance.now();
  program.child.kill('SIGINT');
  const { status, stdout } = await program.ended();
  expect(performance.now() - atMs).toBeLessThan(2000);
  expect(stdout).toMatch(/^stopped after \d+\.\d s: 300 of 300 devices connected, /);
  expect(status).toBe(130);
});

describe('a reader that is slower than virtual time', () => {
  /** Starts a run that prints a lot. Nothing of its output is read until the test asks for it. */
  function unread(): Program {
    const program = cablepull('run', '--json', '--devices', '300', '--for', '10h');
    program.child.stdout.pause();
    return program;
  }

  /** Returns the processor time of the run, in clock ticks: its utime (proc(5), /proc/pid/stat). */
  function ticks({ child }: Program): number {
    return Number(readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[13]);
  }

  /** Waits until the run uses no more processor time. */
  async function waits(program: Program): Promise<void> {
    for (let before = -1; before !== ticks(program) || before < 10; ) {
      before = ticks(program);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  it.runIf(process.platform === 'linux')('holds the run up', async () => {
    const program = unread();
    await waits(program);
    const [, residentPages] = readFileSync(`/proc/${program.child.pid}/statm`, 'utf8').split(' ');
    // The whole output would be some gigabytes.
    expect(Number(residentPages) * 4096).toBeLessThan(300e6);
    // This is far more than the pipe can hold.
    let bytes = 0;
    await new Promise<void>((resolve) => {
      program.child.stdout.on('data', (chunk: Uint8Array) => {
        bytes += chunk.length;
        if (bytes > 10e6) resolve();
      });
      program.child.stdout.resume();
    });
  });

  it.runIf(process.platform === 'linux')('that goes away ends the run quietly', async () => {
    const program = unread();
    await waits(program);
    program.child.stdout.destroy();
    const { stderr } = await program.ended();
    expect(stderr).not.toMatch(/EPIPE|^ {4}at /m);
  });

  it.runIf(process.platform === 'linux')(
    'is not waited for after Ctrl-C: the report comes when it reads on',
    async () => {
      const program = unread();
      await waits(program);
      program.child.kill('SIGINT');
      program.child.stdout.resume();
      const { status, stdout } = await program.ended();
      expect(stdout).toMatch(/\n\{"kind":"report".*"interrupted":true.*\n$/);
      expect(status).toBe(130);
    },
  );
});

it('ends at SIGTERM like at Ctrl-C, exit status 143', async () => {
  const program = cablepull('run', '--devices', '2', '--for', '1000d', '--json');
  await program.line(/"kind":"beat-sent"/);
  const { status, stdout } = await program.kill('SIGTERM');
  expect(stdout).toMatch(/"kind":"report".*"interrupted":true.*\n$/);
  expect(status).toBe(143);
});

describe('the line at the end', () => {
  it('counts the devices that a run was too short to switch on, 1 ms apart', async () => {
    const [some, all] = await Promise.all([
      ended('run', '--devices', '100', '--for', '60ms'),
      ended('run', '--devices', '100', '--for', '99ms'),
    ]);
    // dev-1 is switched on at 0 ms.
    expect(some.stdout).toMatch(/^ended after 0\.1 s: \d+ of 100 devices connected, .*, 39 not switched on yet$/m);
    expect(all.stdout).not.toContain('not switched on');
  });

  it('counts the texts that echo devices got', async () => {
    const { stdout } = await ended('run', '--protocol', 'echo', '--devices', '2', '--beat', '3s', '--for', '31s');
    expect(stdout).toMatch(
      /^ended after 31\.0 s: 2 of 2 devices connected, 2 connections made, 22 messages received, 22 sent$/m,
    );
  });

  it('has no hint at --no-answers, which is for servers that are not ours', async () => {
    const { stdout } = await ended('run', '--devices', '1', '--beat', '10ms', '--missed-limit', '1', '--for', '1s');
    expect(stdout).toContain('by missed-beats');
    expect(stdout).not.toContain('--no-answers');
  });
});

it('in a large fleet, a line of the plan with random times is printed three times', async () => {
  const { stderr } = await ended(
    'run',
    '--devices',
    '60',
    '--for',
    '5m',
    '--fault',
    'cable-pull on dev-* at 10s..3m for 5s',
    '--fault',
    'reset on dev-* at 4m',
  );
  const lines = (words: string) =>
    stderr
      .split('\n')
      .filter((line) => line.includes(words))
      .map((line) => line.endsWith('  (later times are not shown)'));
  expect(lines('FAULT cable-pull')).toEqual([false, false, true]);
  expect(lines('healed cable-pull')).toEqual([false, false, true]);
  expect(stderr).toMatch(/^ +240\.0 s {2}60 devices {2}FAULT reset on dev-\* at 4m$/m);
});

describe('progress', () => {
  function watch(isInteractive: boolean, json = false) {
    const clock = new ManualClock();
    const shown: string[] = [];
    const terminal: Terminal = {
      isInteractive,
      rows: 24,
      columns: 60,
      print() {},
      flush() {},
      printJson: () => {},
      whenRead: (then) => then(),
      log: (line) => shown.push(`line ${line}`),
      draw: (lines) => shown.push(`drawn ${lines.join('\n')}`),
      onInterrupt: () => () => {},
      onReaderGone: () => {},
    };
    const progress = new Progress(terminal, new Fleet(3, 1), clock, { forMs: 3_600_000, json });
    /** Returns the text that is shown after so much real time and so much virtual time. */
    return (realMs: number, virtualMs: number): string[] => {
      clock.advance(realMs);
      progress.turn(virtualMs);
      return shown.splice(0);
    };
  }

  it('is a line after a second, then every five, with the speed since the previous line', () => {
    const after = watch(false);
    expect(after(999, 100_000)).toEqual([]);
    expect(after(1, 300_000)).toEqual(['line 300.0 s of 3600.0 s: 0 of 3 devices connected, 300 x real time']);
    expect(after(4999, 300_000)).toEqual([]);
    expect(after(1, 310_000)).toEqual(['line 310.0 s of 3600.0 s: 0 of 3 devices connected, 2.0 x real time']);
  });

  it('is drawn four times a second on a terminal, no wider than the terminal', () => {
    const after = watch(true);
    expect(after(999, 100_000)).toEqual([]);
    expect(after(1, 300_000)).toEqual(['drawn 300.0 s of 3600.0 s: 0 of 3 devices connected, 300 x real t']);
    expect(after(249, 400_000)).toEqual([]);
    expect(after(1, 400_000)).toHaveLength(1);
  });

  it('is not drawn between the objects of --json', () => {
    const after = watch(true, true);
    expect(after(1000, 1000)[0]).toMatch(/^line /);
  });
});
