/** `cablepull swarm --program`: the user's own server under random fleets. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, it } from 'vitest';
import { ended, killAll } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-swarm-program-'));

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(killAll);

function program(name: string): string {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

/** A server with what it does to each socket. */
function made(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, `import net from 'node:net';\nnet.createServer((socket) => {\n${text}\n}).listen(80);\n`);
  return file;
}

const DROPS = 'socket.setTimeout(15_000, () => socket.destroy()); socket.pipe(socket);';
const HANDLES_ERRORS = "socket.on('error', () => {});";

it('a correct server passes, and the same seed gives the same report with any number of threads', async () => {
  const run = (jobs: string) => ended('swarm', '--program', program('echo.mjs'), '--runs', '12', '--jobs', jobs);
  const [one, other] = await Promise.all([run('1'), run('2')]);
  expect(one.stdout).toMatch(/^12 runs of 10m, seed 1: \d+ devices/);
  expect(one.stdout).toMatch(/^every invariant held in every run$/m);
  expect(one.status).toBe(0);
  expect(other.stdout).toBe(one.stdout);
});

it.each([
  ['mqtt', 'mqtt.mjs', []],
  ['udp-heartbeat', 'datagrams.mjs', ['--offline-log', 'gone: (\\S+)']],
])('devices speak %s', async (protocol, name, options) => {
  const { status, stdout } = await ended(
    ...['swarm', '--program', program(name), '--protocol', protocol, '--runs', '6', ...options],
  );
  expect(stdout).toMatch(/^every invariant held in every run$/m);
  expect(status).toBe(0);
});

it('a server that crashes is found, with its own stack, and the run that was found repeats it', async () => {
  // A reset causes an 'error' event, for which the program has no listener.
  const file = made('crashes.mjs', `${DROPS}`);
  const { status, stdout } = await ended('swarm', '--program', file, '--runs', '4', '--fault', 'reset on dev-1 at 1m');
  expect(stdout).toMatch(/^ {2}crash: the program ended by itself at \d+\.\d s: Error: read ECONNRESET$/m);
  expect(status).toBe(1);
  const [, least = ''] = /it takes no more than .*\n.*\n +to repeat: cablepull swarm (.*)$/m.exec(stdout) ?? [];
  const words = Array.from(least.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain = '']) => quoted ?? plain);
  const again = await ended('swarm', ...words);
  expect(again.stdout).toMatch(/^ {2}crash: the program ended by itself at \d+\.\d s: Error: read ECONNRESET$/m);
  expect(again.status).toBe(1);
});

it('a server that never drops a ghost is found', async () => {
  const file = made('ghosts.mjs', `socket.pipe(socket); ${HANDLES_ERRORS}`);
  const { status, stdout } = await ended('swarm', '--program', file, '--run', '1', '--ghosts-within', '1m');
  expect(stdout).toMatch(/^ {2}ghost: the server had dev-1 online for \d+\.\d s from \d+\.\d s on, a ghost: 1m are allowed$/m);
  expect(status).toBe(1);
});

it('a server that leaves a timer for each client is found', async () => {
  const file = made('leaks.mjs', `${DROPS} ${HANDLES_ERRORS} setInterval(() => {}, 5000);`);
  const { status, stdout } = await ended('swarm', '--program', file, '--run', '0');
  expect(stdout).toMatch(/^ {2}leak: .* the program has \d+ timers more than when it began to listen, after \d+ clients$/m);
  expect(status).toBe(1);
});

it("one run alone prints its scenario and the program's output", async () => {
  const { stdout, stderr } = await ended('swarm', '--program', program('echo.mjs'), '--run', '3');
  expect(stdout).toMatch(/^heartbeat against .*echo\.mjs$/m);
  expect(stderr).toMatch(/^ +0\.0 s {2}server \| listens, with 0 sessions$/m);
});

it.each([
  [['--program', 'nowhere.mjs'], 2, '--program: there is no file nowhere.mjs'],
  [['--ghosts-within', '1m'], 2, '--ghosts-within needs --program'],
  [['--program', program('echo.mjs'), '--protocol', 'morse'], 2, "--protocol must be heartbeat or"],
  [['--program', program('datagrams.mjs')], 1, 'the program does not listen within 1m of virtual time; it has UDP port 5000'],
])('%j: refused before any run', async (options, expected, sentence) => {
  const { status, stderr } = await ended('swarm', ...options);
  expect(stderr).toContain(sentence);
  expect(status).toBe(expected);
});
