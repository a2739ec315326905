/**
 * The server finds the silent when its liveness policies say, answers, pushes, converses, and tells who went offline
 * and why.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../hal/clock.ts';
import { describeEvent } from '../../../sim/server/events.ts';
import { startServer } from '../../../sim/server/server.ts';
import { Loopback } from '../../support/loopback.ts';
import { Bench } from './bench.ts';

const BEAT_BYTES = [0, 0, 0, 0, 0, 0, 0, 0];
const OTHER_HI = [1, 0, 0, 0, 2, 0, 0, 0, 72, 105];

describe('the heartbeat service', () => {
  it('keeps who beats every 3 s, and closes who fell silent at the scan 15 to 18 s after the last beat', () => {
    const bench = new Bench({});
    const healthy = bench.client().beatEvery(3000);
    const pulled = bench.client();
    // Arrives at 2,005 ms: counted at the scans of 3, 6, 9, 12 and 15 s; 18 s finds the count at 5.
    bench.world.at(2004, () => pulled.beat());
    bench.world.advance(18_000 - bench.world.now - 1);
    expect(bench.offline()).toEqual([]);
    bench.world.advance(1);
    expect(bench.offline()).toEqual([[2, 18_000, 'silent for 16.0 s']]);
    bench.world.advance(60_000);
    expect([pulled.ending, healthy.ending, bench.offline().length]).toEqual(['closed', undefined, 1]);
  });

  it('drops a client whose data goes on but whose beats stopped', () => {
    const bench = new Bench({});
    const client = bench.client();
    client.beat();
    for (let atMs = 1000; atMs < 18_000; atMs += 1000) bench.world.at(atMs, () => client.send(...OTHER_HI));
    bench.world.advance(20_000);
    expect(bench.offline()).toEqual([[1, 18_000, 'silent for 18.0 s']]);
    expect(bench.server.statistics).toMatchObject({ beats: 1, dataFrames: 17, dataBytes: 34 });
  });

  it('has its numbers as settings', () => {
    const bench = new Bench({ liveness: { policy: 'missed-beats', scanIntervalMs: 100, missedLimit: 2 } });
    bench.client().beat();
    bench.world.advance(1000);
    expect(bench.offline()).toEqual([[1, 300, 'silent for 0.3 s']]);
  });

  it('loses nobody to a cable that is back in time, and tells a ghost from a device that came back', () => {
    const bench = new Bench({});
    const device = bench.world.host('10.0.0.3', 'dev-1');
    const before = bench.client(device).beatEvery(3000);
    bench.world.advance(10_000);
    device.cable = 'out';
    bench.world.advance(10_000);
    device.cable = 'in';
    bench.world.advance(11_000);
    expect(bench.offline()).toEqual([]);
    expect(bench.server.statistics.beats).toBe(before.beatsSent);
    device.vanish();
    device.boot();
    bench.client(device).beatEvery(3000);
    expect(bench.server.clients().map(({ client }) => client)).toEqual([1, 2]);
    bench.world.advance(20_000);
    expect(bench.server.clients().map(({ client }) => client)).toEqual([2]);
  });
});

describe('the idle policy', () => {
  const liveness = { policy: 'idle', checkIntervalMs: 5000, idleMs: 10_000 } as const;

  it('closes at the first check with 10 s of idleness, and any byte prevents it', () => {
    const bench = new Bench({ liveness, limits: { firstFrameMs: 0 } });
    const drips = bench.client();
    bench.client();
    // The first byte of a head every 9 s: never a whole frame, and still a sign of life under this policy.
    for (let atMs = 9000; atMs <= 54_000; atMs += 9000) bench.world.at(atMs, () => drips.send(0));
    bench.world.advance(14_999 - bench.world.now);
    expect(bench.offline()).toEqual([]);
    bench.world.advance(1);
    // The second connected at 3 ms: at the check of 10 s it had been idle for 9.997 s.
    expect(bench.offline()).toEqual([[2, 15_000, 'silent for 15.0 s']]);
    bench.world.advance(45_000 - 1);
    expect(bench.offline()).toHaveLength(1);
    bench.world.advance(10_000);
    expect(bench.offline().at(1)).toEqual([1, 65_000, 'silent for 11.0 s']);
  });
});

describe('answers and pushes', () => {
  it('sends each beat back as it is, and nothing for data', () => {
    const bench = new Bench({ protocol: { kind: 'heartbeat', answerBeats: true } });
    const client = bench.client();
    client.send(...BEAT_BYTES, ...OTHER_HI, ...BEAT_BYTES);
    bench.world.advance(2);
    expect(client.received).toEqual([...BEAT_BYTES, ...BEAT_BYTES]);
  });

  it('answers nothing when told so', () => {
    const bench = new Bench({ protocol: { kind: 'heartbeat', answerBeats: false } });
    const client = bench.client().beatEvery(3000);
    bench.world.advance(60_000);
    expect(client.received).toEqual([]);
    expect(bench.server.statistics.beats).toBe(20);
  });

  it('pushes on demand to one and to all', () => {
    const bench = new Bench({});
    const [one, two] = [bench.client(), bench.client()];
    expect(bench.server.push(two.id, Uint8Array.of(72, 105))).toBe(1);
    expect(bench.server.push('all', Uint8Array.of())).toBe(2);
    expect(bench.server.push(99, Uint8Array.of())).toBe(0);
    bench.world.advance(1);
    expect(one.received).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    expect(two.received).toEqual([...OTHER_HI, 1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('pushes to each client at the interval since that client came', () => {
    const bench = new Bench({
      protocol: { kind: 'heartbeat', answerBeats: false, push: { intervalMs: 1000, dataBytes: 3 } },
    });
    const first = bench.client();
    bench.world.advance(500);
    const second = bench.client();
    bench.world.until(() => first.received.length > 0, 5000);
    // Accepted at 1 ms, sent at 1,001 ms, there one later.
    expect(bench.world.now).toBe(1002);
    expect(first.received).toEqual([1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]);
    expect(second.received).toEqual([]);
    bench.world.until(() => second.received.length > 0, 5000);
    expect(bench.world.now).toBe(1504);
    bench.world.advance(2000);
    expect([first.received.length, second.received.length]).toEqual([33, 33]);
    first.socket.close();
    bench.world.advance(2000);
    expect(bench.server.statistics.pushes).toBe(3 + 5);
  });
});

describe('the echo service', () => {
  const LINE = 'are you there?\n';
  const echo = { protocol: { kind: 'echo', lineIntervalMs: 1000 }, liveness: { policy: 'none' } } as const;

  it('sends a line at once and at the interval, and accepts upper case in any pieces', () => {
    const bench = new Bench(echo);
    const client = bench.client();
    const text = () => new TextDecoder().decode(Uint8Array.from(client.received));
    expect(text()).toBe(LINE);
    client.text('ARE YOU');
    bench.world.advance(500);
    client.text(' THERE?\n');
    bench.world.advance(499);
    expect(text()).toBe(LINE);
    bench.world.advance(1);
    expect(text()).toBe(LINE + LINE);
    expect(bench.server.statistics).toMatchObject({ beats: 1, unanswered: 0 });
  });

  it('tells once that a line was not answered in time, waits, and goes on when the answer comes', () => {
    const bench = new Bench({ ...echo, limits: { firstFrameMs: 0 } });
    const client = bench.client();
    bench.world.advance(998);
    expect(bench.events.map(({ kind }) => kind)).toEqual(['listening', 'online']);
    bench.world.advance(1);
    expect(bench.events.at(-1)).toEqual({ kind: 'unanswered', atMs: 1001, client: 1, waitedMs: 1000 });
    bench.world.advance(10_000);
    expect(bench.events).toHaveLength(3);
    expect(client.received).toHaveLength(LINE.length);
    client.text(LINE.toUpperCase());
    bench.world.advance(1001);
    expect(client.received).toHaveLength(2 * LINE.length);
    expect(bench.server.clients()).toHaveLength(1);
    bench.world.advance(2000);
    expect(bench.server.statistics.unanswered).toBe(2);
  });

  it.each([
    ['Are you there?\n', 'bad frame: byte 2 of the answer is 0x72 \'r\', must be 0x52 \'R\''],
    ['ARE YOU THERE?\nA', 'bad frame: text came that no line asked for'],
  ])('closes who answers %j', (answer, why) => {
    const bench = new Bench(echo);
    bench.client().text(answer);
    bench.world.advance(1);
    expect(bench.offline()).toEqual([[1, 3, why]]);
  });

  it('finds the dead by TCP keepalive, 12 s after they were heard last', () => {
    const bench = new Bench({
      ...echo,
      protocol: { kind: 'echo', lineIntervalMs: 60_000 },
      keepAlive: { idle: 3, interval: 3, count: 3 },
    });
    const device = bench.world.host('10.0.0.3', 'dev-1');
    bench.client(device).text('ARE YOU THERE?\n');
    bench.world.advance(1);
    device.cable = 'out';
    bench.world.advance(11_999);
    expect(bench.offline()).toEqual([]);
    bench.world.advance(1);
    expect(bench.offline()).toEqual([[1, 12_003, 'ETIMEDOUT']]);
  });

  it('has no frames to push in', () => {
    expect(() => new Bench(echo).server.push('all', new Uint8Array(1))).toThrow('echo has no message to push data in');
  });
});

describe('events', () => {
  it('tells who came, who went, after how long and why', () => {
    const bench = new Bench({ beatEvents: true });
    const [closes, resets, cut] = [bench.client(), bench.client(), bench.client()];
    for (const client of [closes, resets, cut]) client.beat();
    bench.world.advance(1000);
    closes.socket.close();
    resets.socket.abort();
    cut.send(0, 0, 0);
    cut.socket.close();
    bench.world.advance(1);
    const port = (client: typeof closes) => client.socket.local?.port;
    expect(bench.events.map((event) => `${event.atMs} ${describeEvent(event)}`)).toEqual([
      '0 listening on 10.0.0.2:39002',
      `1 client 1 (10.0.0.1:${port(closes)}) online`,
      `3 client 2 (10.0.0.1:${port(resets)}) online`,
      `5 client 3 (10.0.0.1:${port(cut)}) online`,
      '7 client 1 beat',
      '7 client 2 beat',
      '7 client 3 beat',
      `1007 client 1 (10.0.0.1:${port(closes)}) offline after 1.0 s: it closed the connection (last heard 1.0 s ago)`,
      `1007 client 2 (10.0.0.1:${port(resets)}) offline after 1.0 s: ECONNRESET (last heard 1.0 s ago)`,
      `1007 client 3 (10.0.0.1:${port(cut)}) offline after 1.0 s: it closed the connection in the middle of a frame (last heard 1.0 s ago)`,
    ]);
  });

  it('keeps quiet about beats unless asked', () => {
    const bench = new Bench({});
    bench.client().beatEvery(3000);
    bench.world.advance(60_000);
    expect(bench.events.map(({ kind }) => kind)).toEqual(['listening', 'online']);
  });

  it('says that the port is taken', () => {
    const bench = new Bench({});
    const told: string[] = [];
    startServer(bench.serverHost.hal, { local: { address: '10.0.0.2', port: 39_002 } }, (event) =>
      told.push(describeEvent(event)),
    );
    bench.world.advance(0);
    expect(told).toEqual(['cannot listen on 10.0.0.2:39002: EADDRINUSE']);
  });
});

it('lists its clients', () => {
  const bench = new Bench({});
  const [one, two] = [bench.client(), bench.client()];
  one.beat();
  bench.world.advance(1000);
  two.beat();
  bench.world.advance(100);
  expect(bench.server.clients()).toEqual([
    { client: 1, peer: one.socket.local, onlineMs: 1103, silentMs: 1099, beats: 1 },
    { client: 2, peer: two.socket.local, onlineMs: 1101, silentMs: 99, beats: 1 },
  ]);
});

it('stops: every client is closed, and nobody else is let in', () => {
  const bench = new Bench({});
  const clients = bench.clients(3);
  bench.server.stop();
  bench.server.stop();
  bench.world.advance(1);
  expect(clients.map(({ ending }) => ending)).toEqual(['closed', 'closed', 'closed']);
  expect(bench.offline().map(([, , why]) => why)).toEqual(Array(3).fill('the server was stopped'));
  expect(bench.client().ending).toBe('ECONNREFUSED');
});

it.each(['listening', 'online', 'beat', 'offline'] as const)(
  'may be stopped from within an event (%s); then nobody comes online any more, and no alarm is left',
  (type) => {
    const world = new Loopback();
    const { clock, network } = world.host('10.0.0.2').hal;
    let armed = false;
    const watched: Clock = {
      now: () => clock.now(),
      setAlarm: (atMs, isr) => {
        armed = true;
        clock.setAlarm(atMs, () => {
          armed = false;
          isr();
        });
      },
      clearAlarm: () => {
        armed = false;
        clock.clearAlarm();
      },
    };
    const told: string[] = [];
    let stopped = false;
    const server = startServer(
      { clock: watched, network },
      { local: { address: '10.0.0.2', port: 7 }, beatEvents: true },
      (event) => {
        told.push(event.kind);
        if (stopped) expect(event.kind).toBe('offline');
        if (event.kind !== type || stopped) return;
        stopped = true;
        server.stop();
        expect(armed).toBe(false);
      },
    );
    expect(armed).toBe(true);
    for (let i = 1; i <= 3; i++) {
      const beats = new Uint8Array(type === 'offline' ? 0 : 80);
      const socket = world.host(`10.0.1.${i}`).hal.network.openStream({
        readable() {
          /* - */
        },
        writable() {
          socket.write(beats);
        },
        ended() {
          /* - */
        },
      });
      socket.connect({ address: '10.0.0.2', port: 7 });
    }
    world.advance(60_000);
    expect([stopped, armed, server.clients()]).toEqual([true, false, []]);
    expect(told.filter((other) => other === 'online').length).toBe(told.filter((other) => other === 'offline').length);
  },
);

it('has nothing more to do with a client that is lost while it is welcomed', () => {
  const bench = new Bench({
    protocol: { kind: 'heartbeat', answerBeats: true, push: { intervalMs: 100, dataBytes: 1 } },
  });
  bench.onEvent = (event) => { if (event.kind === 'online') bench.server.push(event.client, new Uint8Array(200_000)); };
  bench.client();
  expect(bench.offline()).toEqual([[1, 1, 'it does not read: 134472 bytes wait for it']]);
  bench.world.advance(1000);
  expect(bench.server.statistics.pushes).toBe(1);
});

it('keeps nothing of clients that came and went', () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this engine cannot be told to collect garbage');
  const bench = new Bench({ liveness: { policy: 'none' } });
  const heapBytesAfter = (connections: number): number => {
    for (let i = 0; i < connections; i++) {
      const client = bench.client();
      client.beat();
      bench.world.advance(1);
      client.socket.close();
    }
    // Longer than any timer of the loopback's TCP, which holds on to its sockets until then.
    bench.world.advance(1_000_000);
    bench.events.length = 0;
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapBytesAfter(2000);
  expect((heapBytesAfter(10_000) - before) / 10_000).toBeLessThan(100);
  expect(bench.server.statistics.accepted).toBe(12_000);
});

describe('settings', () => {
  it.each([
    [{ limits: { maxConnections: 0 } }, 'limits.maxConnections is 0, must be a whole number of at least 1'],
    [{ limits: { maxFrameBurst: 0 } }, 'limits.maxFrameBurst is 0, must be a whole number of at least 1'],
    [{ local: { address: '127.0.0.1', port: 65_536 } }, 'local.port is 65536, must be a whole number from 0 to 65535'],
    [
      { liveness: { policy: 'missed-beats', scanIntervalMs: NaN, missedLimit: 5 } },
      'liveness.scanIntervalMs is NaN, must be a whole number of at least 1',
    ],
    [
      { liveness: { policy: 'idle', checkIntervalMs: 1, idleMs: 0.5 } },
      'liveness.idleMs is 0.5, must be a whole number of at least 1',
    ],
    [
      { protocol: { kind: 'echo', lineIntervalMs: 0 } },
      'protocol.lineIntervalMs is 0, must be a whole number of at least 1',
    ],
    [
      { keepAlive: { idle: 3, interval: 0, count: 3 } },
      'keepAlive.interval is 0, must be a whole number of at least 1',
    ],
  ] as const)("refuses %j with the field's name and what it must be", (options, sentence) => {
    expect(() =>
      startServer(new Loopback().host('10.0.0.2').hal, options, () => {
        /* none */
      }),
    ).toThrow(sentence);
  });
});
