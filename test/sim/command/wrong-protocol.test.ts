/**
 * Devices that speak another protocol than their server: the run says so, shows the server's words, and fails.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { Program } from '../../support/process.ts';

const CLI = fileURLToPath(new URL('../../../dist/sim/cli.js', import.meta.url));

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** A server that greets, or says nothing. */
async function greeting(text: string): Promise<string> {
  server = createServer((socket) => socket.on('error', () => {}).end(text));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it has no port');
  return `127.0.0.1:${address.port}`;
}

async function lastWords(protocol: string, address: string): Promise<{ status: number | null; words: string }> {
  const args = ['run', '--protocol', protocol, '--server', address, '--devices', '2', '--for', '1s'];
  const { status, stderr } = await new Program(process.execPath, [CLI, ...args]).ended();
  return { status, words: stderr.trim().split('\n').at(-1) ?? '' };
}

it.each([
  ['heartbeat', 'frame 1: type is 540029490, must be 0 (HEART) or 1 (OTHER)'],
  ['mqtt', 'packet 1 (PUBLISH): the first packet must be CONNACK [MQTT-3.2.0-1]'],
])('%s against a mail server', async (protocol, reason) => {
  const { status, words } = await lastWords(protocol, await greeting('220 mail.example ESMTP ready\r\n'));
  expect(words).toMatch(/^cablepull: no device was ever served: \d+ connections? lost, the last by bad-frame: /);
  expect(words).toContain(`${reason}; the first bytes that came are "220 mail.example ESMTP r"...`);
  expect(words).toContain(`does the server speak the protocol ${protocol}?`);
  expect(status).toBe(1);
});

it('a server that hangs up without a word', async () => {
  const { status, words } = await lastWords('mqtt', await greeting(''));
  expect(words).toMatch(/no device was ever served: \d+ connections lost, the last by closed/);
  expect(status).toBe(1);
});
