/** Over real sockets: a flood of garbage from another process, and no healthy client loses a beat. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BEAT } from '../../../firmware/protocols/heartbeat/frame.ts';
import { nodeClock, nodeNetwork } from '../../../hal/node/index.ts';
import { describeReason, type ServerEvent } from '../../../sim/server/events.ts';
import { startServer, type ReferenceServer } from '../../../sim/server/server.ts';

const HEALTHY = 50;
const BEAT_INTERVAL_MS = 100;
const EACH_KIND = 100;
/** Number of file descriptors that this machine gives a process. `unlimited` is not a number, and counts as enough. */
const DESCRIPTORS = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })) || 20_000;
const LEAST_DESCRIPTORS = 2000;
/** Ten thousand where there are descriptors for them; a thousand are for everything else. */
const SILENT = Math.min(10_000, DESCRIPTORS - 1000);
const CLAIM =
  DESCRIPTORS < LEAST_DESCRIPTORS
    ? `NOT TESTED, a process has ${DESCRIPTORS} file descriptors here and a flood takes ${LEAST_DESCRIPTORS} (ulimit -n)`
    : `closes ${SILENT} silent connections and ${5 * EACH_KIND} bad ones for the right reason, and hears every beat of ${HEALTHY} healthy clients`;

/**
 * The attacker is a process of its own, in plain JavaScript: the server's descriptors are its own, and nothing of ours
 * helps it.
 */
const ATTACK = `
  const { connect } = require('node:net');
  const { randomBytes } = require('node:crypto');
  const [port, silent, each] = process.argv.slice(1).map(Number);
  const head = (type, length) => {
    const b = Buffer.alloc(8);
    b.writeInt32LE(type, 0);
    b.writeInt32LE(length, 4);
    return b;
  };
  const attacks = [
    ...Array.from({ length: each }, () => [
      randomBytes(1000), head(1, 0x7fffffff), head(1, -1), head(1, 100).subarray(0, 5), Buffer.alloc(8 * 101),
    ]).flat(),
    ...Array(silent).fill(Buffer.alloc(0)),
  ];
  // Sixteen at a time connect, so that the backlog is not what is tested.
  const next = () => {
    const bytes = attacks.pop();
    if (bytes === undefined) return;
    const socket = connect(port, '127.0.0.1', () => { socket.write(bytes); next(); });
    socket.on('error', () => {}).resume();
  };
  for (let i = 0; i < 16; i++) next();
`;

type Offline = ServerEvent & { readonly kind: 'offline' };
const offline: Offline[] = [];
let mostOnline = 0;
let server: ReferenceServer;
let attacker: ChildProcess | undefined;
let beating: NodeJS.Timeout | undefined;
const sockets: Socket[] = [];

/** Resolves as soon as `condition` holds, which is looked at after each event of the server. */
const waiting = new Set<() => void>();
function when(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!condition()) return;
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
}

function online(): number {
  return server.statistics.accepted - offline.length;
}

beforeAll(async () => {
  const options = {
    local: { address: '127.0.0.1', port: 0 },
    liveness: { policy: 'missed-beats', scanIntervalMs: 300, missedLimit: 5 },
    limits: { firstFrameMs: 5000, maxFrameBurst: 100 },
  } as const;
  server = startServer({ clock: nodeClock(), network: nodeNetwork() }, options, (event) => {
    if (event.kind === 'offline') offline.push(event);
    mostOnline = Math.max(mostOnline, online());
    for (const look of waiting) look();
  });
  await when(() => server.local !== undefined);
});

afterAll(() => {
  clearInterval(beating);
  attacker?.kill();
  for (const socket of sockets) socket.destroy();
  server.stop();
});

it.skipIf(DESCRIPTORS < LEAST_DESCRIPTORS)(CLAIM, async () => {
  const port = server.local?.port ?? 0;
  const healthy = Array.from({ length: HEALTHY }, () => {
    const client = { socket: connect(port, '127.0.0.1'), sent: 0, answeredBytes: 0 };
    client.socket.on('data', (data) => { client.answeredBytes += data.length; });
    sockets.push(client.socket);
    return client;
  });
  // A client that beats, but does not read.
  const slow = connect(port, '127.0.0.1');
  sockets.push(slow);
  slow.pause();
  slow.on('error', () => { /* the server resets it */ });
  beating = setInterval(() => {
    for (const client of healthy) {
      client.socket.write(BEAT);
      client.sent++;
    }
    // Or it would be silent first, where half of the attack takes long to arrive.
    if (slow.writable) slow.write(BEAT);
  }, BEAT_INTERVAL_MS);
  await when(() => online() === HEALTHY + 1);
  const isHealthy = new Set(healthy.map(({ socket }) => socket.localPort));

  attacker = spawn(process.execPath, ['-e', ATTACK, String(port), String(SILENT), String(EACH_KIND)], {
    stdio: 'inherit',
  });
  await when(() => server.statistics.accepted > SILENT / 2);
  const slowId = server.clients().find(({ peer }) => peer.port === slow.localPort)?.client ?? 0;
  const data = new Uint8Array(60_000);
  for (let i = 0; i < 1000 && server.push(slowId, data) === 1; i++) { /* until the server has had enough */ }
  await when(() => offline.length === SILENT + 5 * EACH_KIND + 1);

  // All of them, where they can connect within the five seconds after which the first are closed.
  expect(mostOnline).toBeGreaterThan(SILENT / 2);
  const counts = new Map<string, number>();
  for (const { peer, reason } of offline) {
    expect(isHealthy.has(peer.port)).toBe(false);
    const why = describeReason(reason)
      .replace(/type is -?\d+/, 'type is random')
      .replace(/within .* s/, 'within x s')
      .replace(/\d+ bytes/, 'n bytes');
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  expect(Object.fromEntries(counts)).toEqual({
    'no valid frame within x s': SILENT + EACH_KIND,
    'bad frame: frame 1: type is random, must be 0 (HEART) or 1 (OTHER)': EACH_KIND,
    'bad frame: frame 1: length is 2147483647, must be 0 to 65536': EACH_KIND,
    'bad frame: frame 1: length is -1, must be 0 to 65536': EACH_KIND,
    'flood: more than 100 frames beyond 100 a second': EACH_KIND,
    'it does not read: n bytes wait for it': 1,
  });

  clearInterval(beating);
  await Promise.all(healthy.map((client) => new Promise<void>((resolve) => {
    const look = () => { if (client.answeredBytes === client.sent * BEAT.length) resolve(); };
    client.socket.on('data', look);
    look();
  })));
  const beatsByPort = new Map(server.clients().map(({ peer, beats }) => [peer.port, beats]));
  expect(beatsByPort).toEqual(new Map(healthy.map(({ socket, sent }) => [socket.localPort, sent])));
}, 30_000);
