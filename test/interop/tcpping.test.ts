/** `cablepull tcpping` against servers that are not ours: one that listens, one that does not, and one that is full. */

import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { cablepull, ended, killAll } from '../sim/command/cablepull.ts';
import { Program } from '../support/process.ts';

let programs: Program[] = [];

afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.kill()));
  await killAll();
});

function python(name: string, ...args: readonly string[]): Program {
  const program = new Program('python3', [fileURLToPath(new URL(name, import.meta.url)), ...args]);
  programs = [...programs, program];
  return program;
}

it('tells how long each handshake took, and of all of them, and the server has them all', { timeout: 60_000 }, async () => {
  const server = python('plain-server.py', '0');
  const port = await server.port();
  const { status, stdout } = await ended('tcpping', `127.0.0.1:${port}`, '-c', '3', '-i', '50ms');
  expect(stdout).toMatch(new RegExp([
    `^TCPPING 127.0.0.1:${port}`,
    ...[1, 2, 3].map((seq) => `connected to 127.0.0.1:${port}: seq=${seq} time=\\d+\\.\\d{3} ms`),
    '',
    `--- 127.0.0.1:${port} tcpping statistics ---`,
    '3 attempts, 3 connected, 0% failed, time \\d+ ms',
    'rtt min/avg/max/mdev = [\\d.]+/[\\d.]+/[\\d.]+/[\\d.]+ ms\n$',
  ].join('\n')));
  expect(status).toBe(0);
  expect(server.lines.filter((line) => line.startsWith('accepted'))).toHaveLength(3);
});

it('ends with status 1 where nobody listens', { timeout: 60_000 }, async () => {
  const server = python('plain-server.py', '0');
  const port = await server.port();
  await server.kill();
  const { status, stdout } = await ended('tcpping', `localhost:${port}`, '--count', '2', '--interval', '50ms');
  expect(stdout).toMatch(/^refused by .*: seq=2 time=[\d.]+ ms \(nothing listens on that port\)$/m);
  expect(stdout).toMatch(/^2 attempts, 0 connected, 2 refused, 100% failed, time \d+ ms$/m);
  expect(status).toBe(1);
});

it('tells a path that swallows packets from a port that refuses', { timeout: 60_000 }, async () => {
  const server = python('full-server.py');
  const args = ['-c', '4', '-i', '50ms', '-W', '300ms', '--json'];
  const { status, stdout } = await ended('tcpping', `127.0.0.1:${await server.port()}`, ...args);
  const lines = stdout.trim().split('\n').map((line): unknown => JSON.parse(line));
  // The first clients stay in the queue, even after they have closed.
  expect(lines[0]).toMatchObject({ kind: 'attempt', number: 1, outcome: 'connected' });
  expect(lines[3]).toMatchObject({ kind: 'attempt', number: 4, outcome: 'ETIMEDOUT' });
  expect(lines[4]).toMatchObject({ kind: 'statistics', attempts: 4 });
  expect(status).toBe(0);
});

it('goes on until Ctrl-C, and has its statistics then', { timeout: 60_000 }, async () => {
  const server = python('plain-server.py', '0');
  const program = cablepull('tcpping', `127.0.0.1:${await server.port()}`, '-i', '50ms');
  await program.line(/seq=3 /);
  program.child.kill('SIGINT');
  const { status, stdout } = await program.ended();
  expect(stdout).toMatch(/^\d+ attempts, \d+ connected, 0% failed/m);
  expect(status).toBe(0);
});

it.each([
  [[], 'tcpping needs HOST:PORT'],
  [['127.0.0.1'], "tcpping must be host:port, as in 127.0.0.1:39002 or [::1]:39002, not '127.0.0.1'"],
  [['127.0.0.1:1', '127.0.0.1:2'], 'tcpping takes one HOST:PORT'],
  [['127.0.0.1:1', '-c', '0'], '--count must be a whole number from 1'],
  [['127.0.0.1:1', '-x'], "unknown option '-x'"],
  [['no-such-host.invalid:1'], /^cablepull: tcpping: (the name no-such-host\.invalid was not found \(EAI_NONAME\)|no name server could look up no-such-host\.invalid \(EAI_FAIL\)): /],
])('wrong usage is a sentence, and status 2: %j', async (args, sentence) => {
  const { status, stderr } = await ended('tcpping', ...args);
  if (typeof sentence === 'string') expect(stderr).toContain(sentence);
  else expect(stderr).toMatch(sentence);
  expect(status).toBe(2);
});
