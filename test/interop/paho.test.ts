/** Paho, whose C and Python libraries Debian has: our policy of its name against it, and it against our broker. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Life, nextLookMs, PING_POLICIES } from '../../firmware/protocols/mqtt/ping-policy.ts';
import { killAll, cablepull } from '../sim/command/cablepull.ts';
import { Program } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-paho-'));
const client = join(folder, 'paho-c');
const source = fileURLToPath(new URL('paho-c.c', import.meta.url));
let missing: string | undefined;

beforeAll(() => {
  const { status, stderr } = spawnSync('cc', ['-Wall', '-o', client, source, '-lpaho-mqtt3a'], { encoding: 'utf8' });
  if (status !== 0) missing = `Paho's C library is not installed: apt-get install libpaho-mqtt-dev (${stderr})`;
});
afterAll(() => rmSync(folder, { recursive: true }));

let programs: Program[] = [];
let servers: Server[] = [];
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.kill()));
  for (const server of servers.splice(0)) server.close();
  await killAll();
});

function start(command: string, ...args: readonly string[]): Program {
  const program = new Program(command, args);
  programs = [...programs, program];
  return program;
}

/** Times of pings and of the end, in ms since CONNACK. */
interface Heard {
  readonly pingsMs: readonly number[];
  readonly closedMs: number;
}

/** A broker that answers CONNECT and so many pings, and then nothing, as behind a pulled cable. */
function brokerThatFallsSilent(
  answeredPings: number,
): Promise<{ readonly port: number; readonly heard: Promise<Heard> }> {
  return new Promise((ready) => {
    const heard = new Promise<Heard>((resolve) => {
      const server = createServer((socket) => {
        const pingsMs: number[] = [];
        let connackMs = 0;
        const take = (type: number): void => {
          if (type === 1) {
            connackMs = performance.now();
            socket.write(Uint8Array.of(0x20, 2, 0, 0));
          } else if (type === 12) {
            pingsMs.push(performance.now() - connackMs);
            if (pingsMs.length <= answeredPings) socket.write(Uint8Array.of(0xd0, 0));
          }
        };
        eachPacket(socket, take);
        socket.on('error', () => undefined);
        socket.on('close', () => resolve({ pingsMs, closedMs: performance.now() - connackMs }));
      });
      servers = [...servers, server];
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address === 'object' && address !== null) ready({ port: address.port, heard });
      });
    });
  });
}

/** Calls `take` with the type of each packet. All packets are shorter than 128 bytes. */
function eachPacket(socket: Socket, take: (type: number) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    for (;;) {
      const [head, length] = bytes;
      if (head === undefined || length === undefined || bytes.length < 2 + length) return;
      bytes = bytes.subarray(2 + length);
      take(head >> 4);
    }
  });
}

/** Returns the times of our policy for the same server. With `publishEveryMs` 0, nothing is published. */
function ours(keepAliveMs: number, answeredPings: number, publishEveryMs: number): Heard {
  const policy = PING_POLICIES['paho-c'];
  const pingsMs: number[] = [];
  let life: Life = {
    connectedMs: 0, sentMs: 0, otherSentMs: 0, receivedMs: 0, answeredMs: 0, pongMs: 0, pingMs: undefined,
  };
  for (;;) {
    const dueMs = nextLookMs(policy, life, keepAliveMs);
    const nextPublishMs = publishEveryMs === 0 ? Infinity : life.otherSentMs + publishEveryMs;
    if (nextPublishMs < dueMs) {
      life = { ...life, sentMs: nextPublishMs, otherSentMs: nextPublishMs };
    } else if (life.pingMs !== undefined) {
      return { pingsMs, closedMs: dueMs };
    } else {
      pingsMs.push(dueMs);
      const isAnswered = pingsMs.length <= answeredPings;
      life = isAnswered
        ? { ...life, sentMs: dueMs, receivedMs: dueMs, answeredMs: dueMs, pongMs: dueMs }
        : { ...life, sentMs: dueMs, pingMs: dueMs };
    }
  }
}

/** A turn of paho's loop takes some milliseconds more than 1.1 s, and a busy machine adds to each. */
const TURN_LATE_MS = 40;
const LATE_MS = 400;
const PATIENCE = { timeout: 30_000 };

describe("Paho's C library pings, and gives a silent server up, when our policy of its name does", () => {
  beforeEach((context) => context.skip(missing !== undefined, missing));

  it.each([
    [1, 2, 0], [2, 1, 0], [2, 1, 500], [3, 0, 700],
  ])('keep alive %i s, %i pings answered, a message every %i ms', async (keepAliveS, answeredPings, everyMs) => {
    const { port, heard } = await brokerThatFallsSilent(answeredPings);
    start(client, `tcp://127.0.0.1:${port}`, String(keepAliveS), String(everyMs));
    const { pingsMs, closedMs } = await heard;
    const expected = ours(keepAliveS * 1000, answeredPings, everyMs);
    expect(pingsMs).toHaveLength(expected.pingsMs.length);
    for (const [i, ms] of [...pingsMs, closedMs].entries()) {
      const ourMs = [...expected.pingsMs, expected.closedMs][i] ?? 0;
      expect(ms, `${i}: ours ${ourMs} ms`).toBeGreaterThan(ourMs - 60);
      expect(ms, `${i}: ours ${ourMs} ms`).toBeLessThan(ourMs + (ourMs / 1100) * TURN_LATE_MS + LATE_MS);
    }
  }, 30_000);
});

describe("Paho's Python library as a client of our broker", () => {
  const script = fileURLToPath(new URL('paho-client.py', import.meta.url));
  // Debian's libraries are its own Python's.
  const python = ['/usr/bin/python3', 'python3'].find((name) => {
    return spawnSync(name, ['-c', 'import paho.mqtt.client']).status === 0;
  });

  const CLAIM = '%s: each QoS, keep alive, and its will when it hangs';
  it.for(['3.1.1', '5.0'])(CLAIM, PATIENCE, async (version, context) => {
    if (python === undefined) {
      context.skip("Paho's Python library is not installed: apt-get install python3-paho-mqtt");
      return;
    }
    const broker = cablepull('serve', '--protocol', 'mqtt', '--port', '0');
    const port = Number((await broker.line(/listening/)).replace(/.*:/, ''));
    const client = start(python, script, String(port), 'a', version, '1');
    const other = start(python, script, String(port), 'b', version, '60');
    for (const one of [client, other]) {
      for (const qos of [0, 1, 2]) await one.line(new RegExp(`^py/[ab] m${qos} qos${qos}$`));
      for (const mid of [2, 3, 4]) await one.line(new RegExp(`^published ${mid}$`));
    }
    await client.line(/PINGRESP/);
    client.child.kill('SIGSTOP');
    await other.line(/^py\/will a is gone qos1$/);
    await broker.line(/offline after .*: silent for /);
  });
});
