/** Ctrl-C and SIGTERM end a run whose program is in an endless loop, in which Node hears no signal. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { type Ended, Program } from '../../support/process.ts';
import { CLI } from '../command/cablepull.ts';
import { NODES } from './support/nodes.ts';

const SERVER = fileURLToPath(new URL('programs/endless.mjs', import.meta.url));

let run: Program | undefined;

afterEach(async () => {
  await run?.kill();
});

/** Starts a command with the server, and waits until the server is in its loop. */
async function looping(where: string, node = process.execPath, command = 'run'): Promise<Program> {
  const program = new Program(node, [CLI, command, '--program', `${SERVER} ${where}`]);
  run = program;
  await new Promise<void>((resolve, reject) => {
    let log = '';
    program.child.stderr.on('data', (chunk: Uint8Array) => {
      log += String(chunk);
      if (log.includes('in the loop')) resolve();
    });
    void program.ended().then(() => reject(new Error(log)));
  });
  return program;
}

/** Returns what was written after the program's last line. */
function lastLines({ stderr }: Ended): string[] {
  return stderr.split('in the loop\n').at(-1)?.trimEnd().split('\n') ?? [];
}

const BY_SIGINT = 'cablepull: ended by SIGINT, without a report: the program of server has not given back control';

for (const { version, node } of NODES) {
  it(`by Node ${version}: one Ctrl-C, with where the program is`, async () => {
    const end = await (await looping('handler', node)).kill('SIGINT');
    expect(lastLines(end)).toEqual([
      BY_SIGINT,
      expect.stringMatching(/^ +at spin \(.*\/programs\/endless\.mjs:\d+:/),
      expect.stringMatching(/^ +at Object\.handler \(.*\/programs\/endless\.mjs:/),
      expect.stringMatching(/^ +at Socket\.<anonymous> \(.*\/programs\/endless\.mjs:/),
    ]);
    expect(end.status).toBe(130);
  });
}

it('at the top level of its file, and in microtasks that follow one another', async () => {
  for (const where of ['top', 'microtasks']) {
    const end = await (await looping(where)).kill('SIGINT');
    expect(lastLines(end)[0]).toBe(BY_SIGINT);
    expect(end.status).toBe(130);
  }
});

it('at once with the second Ctrl-C', async () => {
  const program = await looping('handler');
  const atMs = performance.now();
  program.child.kill('SIGINT');
  // The watching thread hears two of a kind that come together as one.
  const again = setInterval(() => program.child.kill('SIGINT'), 100);
  const { status } = await program.ended();
  clearInterval(again);
  // One signal alone would take 2 s.
  expect(performance.now() - atMs).toBeLessThan(1900);
  expect(status).toBe(130);
});

it('with SIGTERM by its exit status, 143', async () => {
  const { status, stderr } = await (await looping('handler')).kill('SIGTERM');
  expect(stderr).toContain('ended by SIGTERM, without a report: the program of server');
  expect(status).toBe(143);
});

it('by force where Node itself waits', async () => {
  const fifo = join(mkdtempSync(join(tmpdir(), 'cablepull-endless-')), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const end = await (await looping(`pipe ${fifo}`)).kill('SIGINT');
  expect(lastLines(end)).toEqual([
    'cablepull: ended by force at SIGINT: a program waits in a call of Node that cannot be interrupted',
  ]);
  expect(end.status).toBe(null);
});
