/** The screen of a terminal during and after `cablepull run`: a pseudo-terminal, and a screen that obeys it. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { jsonLine, rowsTaken, visible } from '../../../sim/command/terminal.ts';
import { readText } from '../../support/files.ts';
import { Program } from '../../support/process.ts';

const CLI = fileURLToPath(new URL('../../../dist/sim/cli.js', import.meta.url));
const TERMINAL = new URL('../../../dist/sim/command/terminal.js', import.meta.url).href;

it('control characters from files and traces do not reach the terminal', () => {
  expect(visible('a\u001b[2Jb\u0007c\u009bd\te\nf')).toBe('a\u241b[2Jb\u2407c\u2421d\te\nf');
  expect(visible('\u001b[8mhidden\u001b[31mred')).toBe('\u241b[8mhidden\u241b[31mred');
  expect(visible('äΩ 汉')).toBe('äΩ 汉');
  expect(jsonLine({ text: '\u001b[8m\u009b8m' })).toBe('{"text":"\\u001b[8m\\u009b8m"}');
});

it('control characters from a plan or a trace do not reach a pipe either', () => {
  const hidden = '\u001b[8mhidden';
  const run = (...args: readonly string[]): { stdout: string; stderr: string } => {
    return spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout: LIMIT_MS });
  };
  const refused = run('run', '--fault', `hang on ${hidden} at 1s`);
  expect(refused.stderr).toContain('\u241b[8mhidden');
  const folder = mkdtempSync(join(tmpdir(), 'cablepull-escapes-'));
  const trace = join(folder, 'trace.ndjson');
  const { stdout } = run('run', '--for', '1m', '--json', '--fault', 'hang on dev-1 at 10s');
  const lines = stdout.trimEnd().split('\n').slice(0, -1);
  writeFileSync(trace, `${lines.join('\n').replaceAll('hang on dev-1', `\\u001b[8mhidden`)}\n`);
  const report = run('report', trace);
  rmSync(folder, { recursive: true });
  expect(report.stdout).toContain('\u241b[8mhidden');
  expect(report.stdout + refused.stderr).not.toContain('\u001b');
});

/** Far longer than any wait should take, so that only an event that never comes fails. */
const LIMIT_MS = 20_000;

/**
 * Runs a shell command on a pseudo-terminal of 80x24, passes on what is printed there, and obeys the lines it reads:
 * `type HEX`, `resize COLUMNS`, `signal NUMBER`, `hang-up`. Ends with the status of the command.
 */
const PSEUDO_TERMINAL = `
import fcntl, os, pty, select, signal, struct, sys, termios
def resize(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
pid, master = pty.fork()
if pid == 0:
    resize(0, 80)
    os.execvp('sh', ['sh', '-c', sys.argv[1]])
orders, sources = b'', [master, 0]
while master in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b''
        if not data:
            sources.remove(source)
        elif source == master:
            os.write(1, data)
        else:
            *lines, orders = (orders + data).split(b'\\n')
            for word, _, value in (line.decode().partition(' ') for line in lines):
                if word == 'type': os.write(master, bytes.fromhex(value))
                elif word == 'resize': resize(master, int(value))
                elif word == 'signal': os.kill(pid, int(value))
                elif word == 'hang-up': sources.remove(master)
os.close(master)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
`;

/**
 * A screen that knows the control sequences that are used here, and throws at any other. A resize joins the rows of a
 * folded line.
 */
class Screen {
  columns = 80;
  hasCursor = true;
  colours = 0;
  #rows: { text: string; isFolded: boolean }[] = [{ text: '', isFolded: false }];
  #row = 0;
  #column = 0;

  get text(): string {
    return this.#rows.map((row) => row.text.trimEnd()).join('\n').trimEnd();
  }

  /** The lines as they were written, whether folded or not. */
  get lines(): readonly string[] {
    return this.#rows.map(({ text, isFolded }) => `${text}${isFolded ? '' : '\n'}`).join('').trimEnd().split('\n');
  }

  feed(output: string): void {
    for (const [piece, parameter = '', command] of output.matchAll(/\u001b\[([?\d;]*)([A-Za-z])|[^]/gu)) {
      if (command !== undefined) this.#obey(parameter, command);
      else if (piece === '\r') this.#column = 0;
      else if (piece === '\n') this.#down(false);
      else if (piece < ' ') throw new Error(`a character that nobody meant to print: ${JSON.stringify(piece)}`);
      else this.#put(piece);
    }
  }

  resize(columns: number): void {
    this.columns = columns;
    const isLast = this.#row === this.#rows.length - 1;
    if (!isLast || this.#column > 0) {
      throw new Error('this screen can be resized only while the cursor is below all text');
    }
    this.#rows = [...this.lines, ''].flatMap((line) => {
      const parts = line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? [''];
      return parts.map((text, i) => ({ text, isFolded: i < parts.length - 1 }));
    });
    this.#row = this.#rows.length - 1;
  }

  #obey(parameter: string, command: string): void {
    const sequence = `${parameter}${command}`;
    if (/^\d*A$/.test(sequence)) this.#row = Math.max(this.#row - Number(parameter || 1), 0);
    else if (/^0?J$/.test(sequence)) {
      this.#rows.length = this.#row + 1;
      this.#current().text = this.#current().text.slice(0, this.#column);
      this.#current().isFolded = false;
    } else if (sequence === '?25l') this.hasCursor = false;
    else if (sequence === '?25h') this.hasCursor = true;
    else if (command === 'm') this.colours++;
    else throw new Error(`a sequence this screen does not know: ${sequence}`);
  }

  #put(character: string): void {
    if (this.#column === this.columns) {
      this.#down(true);
      this.#column = 0;
    }
    const { text } = this.#current();
    this.#current().text = text.slice(0, this.#column).padEnd(this.#column) + character + text.slice(this.#column + 1);
    this.#column++;
  }

  #down(isFolded: boolean): void {
    this.#current().isFolded = isFolded;
    this.#row++;
    this.#current();
  }

  #current(): { text: string; isFolded: boolean } {
    return (this.#rows[this.#row] ??= { text: '', isFolded: false });
  }
}

/** These runs take long enough to be looked at, so they use real sockets. */
const serving = new Program(process.execPath, [CLI, 'serve', '--port', '0']);
const port = (await serving.line(/listening on 127.0.0.1:\d+$/)).replace(/.*:/, '');

let open: { kill(): void }[] = [];
const folder = mkdtempSync(join(tmpdir(), 'cablepull-terminal-'));

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await serving.kill();
});

afterEach(() => {
  for (const session of open) session.kill();
  open = [];
});

/** A command on a pseudo-terminal, and the screen that shows it. */
class Session {
  readonly screen = new Screen();
  /** All output so far. */
  output = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number>;
  #wake: () => void = () => {};

  constructor(command: string, env: Readonly<Record<string, string>> = {}) {
    const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
    this.#child = spawn('python3', ['-c', PSEUDO_TERMINAL, command], { env: { ...inherited, TERM: 'xterm', ...env } });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.screen.feed(text);
      this.#wake();
    });
    this.#ended = once(this.#child, 'close').then(([status]) => {
      this.#wake();
      return Number(status);
    });
    open.push(this);
  }

  order(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Waits until the screen matches the pattern. */
  shows(pattern: RegExp): Promise<void> {
    return this.#until(pattern, () => this.screen.text);
  }

  /** Waits until the output matches the pattern, although the screen may not show it any more. */
  printed(pattern: RegExp): Promise<void> {
    return this.#until(pattern, () => this.output);
  }

  async #until(pattern: RegExp, text: () => string): Promise<void> {
    const limit = AbortSignal.timeout(LIMIT_MS);
    limit.addEventListener('abort', () => this.#wake());
    while (!pattern.test(text())) {
      if (limit.aborted || this.#child.exitCode !== null) {
        throw new Error(`${String(pattern)} was never shown, but:\n${this.screen.text}`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  ended(): Promise<number> {
    return this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function cablepull(args: string, env: Readonly<Record<string, string>> = {}): Session {
  return new Session(`exec '${process.execPath}' '${CLI}' ${args}`, env);
}

const RUN = `run --server 127.0.0.1:${port} --devices 3 --beat 200ms`;
/** The head of the table and the rows of its three devices. */
const TABLE = /^device +state +for .*\n(-.*\n)?dev-1 +connected .*\ndev-2 +connected .*\ndev-3 +connected /m;

describe('rows taken by lines', () => {
  it.each<[readonly string[], number, number]>([
    [[], 80, 0],
    [[''], 80, 1],
    [['x'.repeat(80)], 80, 1],
    [['x'.repeat(81)], 80, 2],
    [['x'.repeat(80), '', 'xyz'], 40, 4],
    [['xyz'], 1, 3],
  ])('%j at %d columns: %d', (lines, columns, rows) => {
    expect(rowsTaken(lines, columns)).toBe(rows);
  });
});

/**
 * Expects the screen after the end of a run: the log and below it the report, no line of the table, and nothing
 * appended to a line.
 */
function expectClean({ screen }: Session, report: RegExp): void {
  const { lines } = screen;
  expect(lines.at(-1)).toMatch(report);
  expect(lines.slice(1, -1).filter((line) => !/^ +\d+\.\d s {2}(server|dev-\d) /.test(line))).toEqual([]);
  expect(screen.hasCursor).toBe(true);
}

const ENDED = /^ended after 2\.\d s: 3 of 3 devices connected.*$/;
const STOPPED = /^stopped after \d+\.\d s: 3 of 3 devices connected.*$/;

describe('cablepull run on a terminal', () => {
  it('draws a table without a cursor, and leaves the log, the report and the cursor', async () => {
    const session = cablepull(`${RUN} --for 2s`);
    await session.shows(TABLE);
    expect(session.screen.hasCursor).toBe(false);
    expect(await session.ended()).toBe(0);
    expectClean(session, ENDED);
    expect(session.screen.colours).toBeGreaterThan(0);
  });

  it('colours the log even if the results go to a file', async () => {
    const session = cablepull(`${RUN} --for 1s >'${join(folder, 'coloured.txt')}'`);
    expect(await session.ended()).toBe(0);
    expect(session.screen.colours).toBeGreaterThan(0);
  });

  it('NO_COLOR: draws the table without colours', async () => {
    const session = cablepull(`${RUN} --for 60s`, { NO_COLOR: '1' });
    await session.shows(TABLE);
    session.order('type 03');
    await session.ended();
    expectClean(session, STOPPED);
    expect(session.screen.colours).toBe(0);
  });

  it('TERM=dumb: prints lines without any escape sequence', async () => {
    const session = cablepull(`${RUN} --for 1s`, { TERM: 'dumb' });
    expect(await session.ended()).toBe(0);
    expect(session.screen.text).toMatch(/^ended after 1\.\d s: 3 of 3/m);
    expect(session.output).not.toContain('\u001b');
  });

  it('--json: prints objects without a table between them', async () => {
    const session = cablepull(`${RUN} --for 1s --json`);
    expect(await session.ended()).toBe(0);
    expect(session.output).toContain('"kind":"report"');
    expect(session.output).not.toContain('\u001b');
  });

  it('the next drawing removes characters that were typed meanwhile', async () => {
    const session = cablepull(`${RUN} --for 60s`);
    await session.shows(TABLE);
    session.order(`type ${Buffer.from('typed').toString('hex')}`);
    await session.printed(/typed[^]*\u001b\[\d+A/);
    session.order('signal 15');
    expect(await session.ended()).toBe(143);
    expectClean(session, STOPPED);
  });

  it('Ctrl-C: prints the report, and no ^C', async () => {
    const session = cablepull(`${RUN} --for 60s`);
    await session.shows(TABLE);
    session.order('type 03');
    expect(await session.ended()).toBe(130);
    expect(session.output).toContain('^C');
    expectClean(session, STOPPED);
  });

  it('Ctrl-C without a table: prints no ^C either', async () => {
    const session = cablepull('serve --port 0');
    await session.shows(/listening on/);
    session.order('type 03');
    await session.ended();
    expect(session.output).toContain('^C');
    expect(session.screen.text).toMatch(/^stopped after [^^]*$/m);
  });

  it('Ctrl-Z: gives the screen back while the process is stopped', async () => {
    // Job control is the shell's: the process has to have a group of its own, below a shell that waits.
    const session = new Session(
      `set -m; '${process.execPath}' '${CLI}' ${RUN} --for 60s; echo; echo given back; read line; fg; echo; echo given again; read line`,
    );
    await session.shows(TABLE);
    session.order('type 1a');
    await session.shows(/^given back/m);
    expect(session.screen.text).not.toMatch(TABLE);
    expect(session.screen.hasCursor).toBe(true);
    session.order('type 0a');
    await session.shows(TABLE);
    expect(session.screen.hasCursor).toBe(false);
    // The second Ctrl-Z must work like the first.
    session.order('type 1a');
    await session.shows(/^given again/m);
    expect(session.screen.text).not.toMatch(TABLE);
    expect(session.screen.hasCursor).toBe(true);
  });

  it('Ctrl-\\: ends at once, and the cursor is shown', async () => {
    const session = cablepull(`${RUN} --for 60s`);
    await session.shows(TABLE);
    session.order('type 1c');
    expect(await session.ended()).toBe(128 + 3);
    expect(session.screen.text).not.toMatch(TABLE);
    expect(session.screen.hasCursor).toBe(true);
  });

  it('a terminal that hangs up ends the run, and its report is written', async () => {
    const file = join(folder, 'report.txt');
    const session = cablepull(`${RUN} --for 60s >'${file}'`);
    await session.shows(TABLE);
    session.order('hang-up');
    expect(await session.ended()).toBe(128 + 1);
    expect(readFileSync(file, 'utf8').trimEnd()).toMatch(STOPPED);
  });
});

describe('a simulated run on a terminal', () => {
  const PROGRESS = /^\d+\.\d s of 864000\.0 s: 300 of 300 devices connected, [\d.]+ x real time$/m;

  it('draws one line without a cursor, again and again, and leaves the report and the cursor', async () => {
    const session = cablepull('run --devices 300 --for 10d --fault "cable-pull on dev-7 at 10s for 1s"');
    await session.shows(PROGRESS);
    const { text } = session.screen;
    await session.shows(new RegExp(`^(?![^]*${text.split('\n').at(-1)?.slice(0, 12)})[^]*${PROGRESS.source}`, 'm'));
    expect(session.screen.hasCursor).toBe(false);
    expect(session.screen.text.match(/ x real time/g)).toHaveLength(1);
    session.order('type 03');
    expect(await session.ended()).toBe(130);
    expect(session.screen.text).toMatch(
      /FAULT cable-pull on dev-7 .*\n.*healed cable-pull on dev-7 .*\nstopped after \d+\.\d s: 300 of 300 devices connected/,
    );
    expect(session.screen.text).not.toContain('x real time');
    expect(session.screen.hasCursor).toBe(true);
  });

  it('that takes less than a second draws no progress', async () => {
    const session = cablepull('run --devices 2 --for 10s');
    expect(await session.ended()).toBe(0);
    expect(session.output).not.toContain('x real time');
  });
});

describe('the terminal', () => {
  /** A script that has a `terminal`, and runs until it ends itself. */
  function script(text: string, redirection = ''): Session {
    const source = `const { processTerminal } = await import('${TERMINAL}'); const terminal = processTerminal(); setInterval(() => {}, 1000); ${text}`;
    return new Session(`exec '${process.execPath}' --input-type=module -e "$SCRIPT" ${redirection}`, {
      SCRIPT: source,
    });
  }

  it('puts results and log above the drawn lines', async () => {
    const session = script(
      `process.on('SIGTERM', () => process.exit(3)); terminal.draw(['one', 'two']); terminal.print('result'); terminal.log('log');`,
    );
    await session.shows(/^result\nlog\none\ntwo$/);
    session.order('signal 15');
    expect(await session.ended()).toBe(3);
    expect(session.screen.text).toBe('result\nlog');
    expect(session.screen.hasCursor).toBe(true);
  });

  it('removes the drawn lines even if a narrower screen has folded them', async () => {
    const session = script(`
      terminal.log('above');
      terminal.draw(['x'.repeat(79), 'y'.repeat(41), 'z']);
      process.on('SIGWINCH', () => { terminal.draw(['columns: ' + terminal.columns]); process.kill(process.pid); });`);
    await session.shows(/^z$/m);
    session.screen.resize(40);
    expect(session.screen.text).toBe(`above\n${'x'.repeat(40)}\n${'x'.repeat(39)}\n${'y'.repeat(40)}\ny\nz`);
    session.order('resize 40');
    await session.ended();
    expect(session.screen.text).toBe('above\ncolumns: 40');
  });

  it('shows the cursor again if the program throws', async () => {
    const session = script(`terminal.draw(['drawn']); setTimeout(() => { throw new Error('broken down'); });`);
    expect(await session.ended()).toBe(1);
    expect(session.screen.text).not.toMatch(/^drawn$/m);
    expect(session.screen.text).toMatch(/^Error: broken down$/m);
    expect(session.screen.hasCursor).toBe(true);
  });
});

describe('output that cannot be written', () => {
  function shell(command: string): { status: number | null; stderr: string } {
    return spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: LIMIT_MS });
  }

  it.each(['--help', `${RUN} --for 2s`, `${RUN} --for 20s --json`])(
    '%s on a full disk: one sentence, exit status 1',
    (args) => {
      const { status, stderr } = shell(`exec '${process.execPath}' '${CLI}' ${args} >/dev/full`);
      expect(
        stderr
          .trimEnd()
          .split('\n')
          .filter((line) => !/^(3 devices| )/.test(line)),
      ).toEqual([expect.stringMatching(/^cablepull: cannot write: ENOSPC: /)]);
      expect(status).toBe(1);
    },
  );

  it.each([
    ['0', '--for 2s'],
    ['1', '--for 1s --fault "hang on dev-1 at 300ms" --expect "server notices within 10ms"'],
  ])('without a reader: ends quietly, with exit status %s for %s', (status, args) => {
    const { stderr } = shell(`{ '${process.execPath}' '${CLI}' ${RUN} ${args}; echo "status $?" >&2; } | true`);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`status ${status}`);
    expect(stderr).not.toMatch(/EPIPE|^ {4}at /m);
  });

  it('with a reader of one line only: the run continues for its page and its expectation', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cablepull-unread-'));
    const page = join(folder, 'page.html');
    writeFileSync(page, 'what was there before');
    const run = `run --devices 20 --for 1h --json --report '${page}' --fault "hang on dev-1 at 10s"`;
    const command = (expected: string): string => `'${process.execPath}' '${CLI}' ${run} --expect "${expected}"`;
    const of = (expected: string): string => shell(`{ ${command(expected)}; echo "status $?" >&2; } | head -1`).stderr;
    expect(of('server notices within 10ms')).toMatch(/status 1\n$/);
    expect(readText(page)).toMatch(/<\/html>\n$/);
    expect(of('server notices within 1m')).toMatch(/status 0\n$/);
    rmSync(folder, { recursive: true });
  });

  it('without a reader, a run of unlimited length ends', () => {
    const { stderr } = shell(`'${process.execPath}' '${CLI}' ${RUN} --json | head -1`);
    expect(stderr).not.toMatch(/EPIPE|^ {4}at /m);
  });

  it.each(['>/dev/full', '>&-', '| true'])('a log that cannot be written (2%s) takes nothing of the results', (to) => {
    const run = `'${process.execPath}' '${CLI}' run --devices 3 --for 1h --fault "hang on dev-1 at 10s"`;
    const command = to === '| true' ? `{ ${run} 2>&1 >&3 | true; } 3>&1` : `${run} 2${to}`;
    const { stdout, status } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: LIMIT_MS });
    expect(stdout).toMatch(/^ended after 3600\.0 s: /);
    expect(stdout).toMatch(/^hang on dev-1 at 10s/m);
    expect(status).toBe(0);
  });
});
