/**
 * Limits of the server: it closes the client that breaks one, for the right reason, and no healthy client loses a beat.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { framesAhead } from '../../../sim/server/limits.ts';
import { Bench, type Client } from './bench.ts';

const HEALTHY = 20;

describe('with healthy clients around', () => {
  let bench: Bench;
  let healthy: Client[];

  beforeEach(() => {
    bench = new Bench({});
    healthy = bench.clients(HEALTHY);
    for (const client of healthy) client.beatEvery(3000);
  });

  afterEach(() => {
    bench.world.advance(1);
    const beats = bench.server.clients().filter(({ client }) => client <= HEALTHY).map((row) => row.beats);
    expect(beats).toEqual(healthy.map(({ beatsSent }) => beatsSent));
    expect(healthy.map(({ received }) => received.length)).toEqual(beats.map((count) => count * 8));
    expect(beats[0]).toBeGreaterThanOrEqual(4);
  });

  it('random bytes end their own connection, with the field that is wrong', () => {
    const random = bench.serverHost.hal.random;
    const bad = bench.clients(200);
    for (const client of bad) {
      for (let i = 0; i < 10; i++) {
        client.send(...Array.from({ length: 1 + random.uint32() % 50 }, () => random.uint32() & 0xff));
      }
    }
    bench.world.advance(12_000);
    const reasons = bench.offline();
    expect(reasons.map(([client]) => client)).toEqual(bad.map(({ id }) => id));
    for (const [, , why] of reasons) {
      expect(why).toMatch(/^bad frame: frame 1: type is -?\d+, must be 0 \(HEART\) or 1 \(OTHER\)$/);
    }
    expect(bad.every(({ ending }) => ending === 'ECONNRESET')).toBe(true);
  });

  it('half frames are cut off when the first frame is due, and by the silence policy after it', () => {
    const [never, halfHead, halfData, later] = bench.clients(4);
    halfHead?.send(0, 0, 0, 0, 0);
    halfData?.send(1, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3);
    later?.beat();
    later?.send(1, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3);
    bench.world.advance(9998);
    expect(bench.offline()).toEqual([]);
    bench.world.advance(1);
    const why = 'no valid frame within 10.0 s';
    expect(bench.offline()).toEqual([never, halfHead, halfData].map((client) => [client?.id, 10_003, why]));
    bench.world.advance(8000);
    expect(bench.offline().at(3)).toEqual([later?.id, 18_000, 'silent for 18.0 s']);
  });

  it.each([
    ['huge', [1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f], 'bad frame: frame 1: length is 2147483647, must be 0 to 65536'],
    ['one too large', [1, 0, 0, 0, 1, 0, 1, 0], 'bad frame: frame 1: length is 65537, must be 0 to 65536'],
    ['negative', [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 'bad frame: frame 1: length is -1, must be 0 to 65536'],
    ['a beat with data', [0, 0, 0, 0, 1, 0, 0, 0], 'bad frame: frame 1: length is 1, must be 0 with type 0 (HEART)'],
  ])('a length that is wrong (%s) ends the connection at once', (_, head, why) => {
    const client = bench.client();
    client.send(...head);
    bench.world.advance(12_000);
    expect(bench.offline()).toEqual([[client.id, 5, why]]);
  });

  it('ten thousand silent connections are gone when their time is up', () => {
    const silent = bench.clients(10_000);
    expect(bench.server.clients()).toHaveLength(10_000 + HEALTHY);
    // The first were accepted at 3 ms, the last, a thousand a millisecond, at 12 ms.
    bench.world.advance(10_002 - bench.world.now);
    expect(bench.offline()).toHaveLength(0);
    bench.world.advance(1);
    expect(bench.offline()).toHaveLength(1000);
    bench.world.advance(9);
    expect(bench.server.clients()).toHaveLength(HEALTHY);
    expect(bench.server.statistics.offline['no-first-frame']).toBe(10_000);
    bench.world.advance(1);
    expect(silent.every(({ ending }) => ending === 'ECONNRESET')).toBe(true);
  });

  it('a beat flood is cut off at the burst, and later at what the rate has made good of it: not one beat earlier', () => {
    const [allowed, later, flood] = bench.clients(3);
    if (allowed === undefined || later === undefined || flood === undefined) throw new Error('there are three');
    for (const client of [allowed, later]) for (let i = 0; i < 3000; i++) client.beat();
    for (let i = 0; i < 3001; i++) flood.beat();
    bench.world.advance(1000);
    for (let i = 0; i < 100; i++) allowed.beat();
    for (let i = 0; i < 101; i++) later.beat();
    bench.world.advance(11_000);
    const why = 'flood: more than 3000 frames beyond 100 a second';
    expect(bench.offline()).toEqual([
      [flood.id, 5, why],
      [later.id, 1005, why],
    ]);
    expect(bench.server.clients().find(({ client }) => client === allowed.id)?.beats).toBe(3100);
  });

  it('a steady flood is cut off when it has used up its burst', () => {
    const flood = bench.client();
    flood.beatEvery(1);
    bench.world.advance(12_000);
    // Each beat of a millisecond but the first puts it 0.9 further ahead; the first arrives at 5 ms.
    expect(bench.offline()).toEqual([
      [flood.id, 5 + Math.ceil(2999 / 0.9), 'flood: more than 3000 frames beyond 100 a second'],
    ]);
  });

  it('a reader that is slow is told apart from one that is dead, and closed when too much waits for it', () => {
    const slow = bench.client();
    slow.reads = false;
    slow.beatEvery(3000);
    const data = new Uint8Array(10_000);
    for (let i = 0; i < 13; i++) bench.server.push(slow.id, data);
    // 65,536 bytes are in the connection, and 65,536 may wait: 13 frames of 10,008 and a beat's answer are less.
    bench.world.advance(1000);
    expect(bench.offline()).toEqual([]);
    bench.server.push(slow.id, data);
    expect(bench.offline()).toEqual([[slow.id, 1004, 'it does not read: 74584 bytes wait for it']]);
    bench.world.advance(12_000);
  });

  it('a reader that was slow gets everything, in order', () => {
    const slow = bench.client();
    for (const round of [1, 2, 3, 4]) {
      slow.beat();
      slow.reads = false;
      for (let i = 1; i <= 9; i++) bench.server.push(slow.id, new Uint8Array(10_000).fill(i * round));
      bench.world.advance(1);
      slow.reads = true;
      slow.readable();
      bench.world.advance(5999);
      const expected = Array.from({ length: 9 }, (_, i) => [
        1,
        0,
        0,
        0,
        0x10,
        0x27,
        0,
        0,
        ...Array<number>(10_000).fill((i + 1) * round),
      ]).flat();
      expect(slow.received.splice(0)).toEqual([...expected, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  it('a reader that is always behind, but never too far, stays', () => {
    const slow = bench.client();
    slow.beatEvery(3000);
    slow.reads = false;
    for (let i = 0; i < 12; i++) bench.server.push(slow.id, new Uint8Array(10_000));
    bench.world.advance(1);
    for (let i = 0; i < 12; i++) {
      for (let count = 0; count < 4; count++) slow.socket.read(new Uint8Array(10_008));
      bench.world.advance(1000);
      for (let count = 0; count < 4; count++) bench.server.push(slow.id, new Uint8Array(10_000));
    }
    bench.world.advance(1);
    expect(bench.offline()).toEqual([]);
  });
});

describe('a cable that was out, whose held frames come through at once', () => {
  it.each([
    { intervalMs: 20, outMs: 3000, flood: false },
    { intervalMs: 10, outMs: 29_900, flood: false },
    { intervalMs: 10, outMs: 30_100, flood: true },
  ])('for $outMs ms from a client that beats every $intervalMs ms: flood $flood', ({ intervalMs, outMs, flood }) => {
    const bench = new Bench({ liveness: { policy: 'none' } });
    const device = bench.world.host('10.0.0.3', 'dev-1');
    const client = bench.client(device);
    client.beatEvery(intervalMs);
    bench.world.advance(1000);
    device.cable = 'out';
    bench.world.advance(outMs);
    device.cable = 'in';
    bench.world.advance(60_001);
    expect(bench.offline().length).toBe(flood ? 1 : 0);
    if (!flood) expect(bench.server.statistics.beats).toBe(client.beatsSent);
  });
});

it('a client at its rate is never ahead, and one above it more and more', () => {
  let atRate = 0;
  for (let atMs = 0; atMs <= 1_000_000; atMs += 250) {
    atRate = framesAhead(atRate, 250, 4);
    expect(atRate).toBe(1);
  }
  let above = 0;
  expect([125, 125, 125, 125, 9625].map((elapsedMs) => (above = framesAhead(above, elapsedMs, 4)))).toEqual([
    1, 1.5, 2, 2.5, 1,
  ]);
});

it('turns away who comes beyond the limit on connections, and lets the next in when somebody has gone', () => {
  const bench = new Bench({ limits: { maxConnections: 2 } });
  const [one, two, three] = bench.clients(3);
  expect(bench.events.at(-1)).toEqual({ kind: 'refused', atMs: 1, peer: three?.socket.local, maxConnections: 2 });
  expect([one?.ending, two?.ending, three?.ending]).toEqual([undefined, undefined, 'ECONNRESET']);
  one?.socket.close();
  bench.world.advance(1);
  expect(bench.client().ending).toBeUndefined();
  expect(bench.server.statistics).toMatchObject({ accepted: 3, refused: 1 });
});

it('stands up to every way to cut a stream of good and bad frames, byte by byte', () => {
  const stream = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 2, 0, 0, 0, 0, 0, 0, 0];
  for (let cut = 0; cut < stream.length; cut++) {
    const bench = new Bench({});
    const client = bench.client();
    client.send(...stream.slice(0, cut));
    bench.world.advance(10);
    client.send(...stream.slice(cut));
    bench.world.advance(10);
    expect(bench.offline().map(([, , why]) => why)).toEqual([
      'bad frame: frame 3: type is 2, must be 0 (HEART) or 1 (OTHER)',
    ]);
    expect(bench.server.statistics).toMatchObject({ beats: 1, dataFrames: 1, dataBytes: 1 });
  }
});

it('carries ten thousand clients that beat', () => {
  const bench = new Bench({});
  const clients = bench.clients(10_000);
  clients.forEach((client, i) => client.beatEvery(3000, bench.world.now + (i * 3000) / clients.length));
  bench.world.advance(20_000);
  expect(bench.offline()).toEqual([]);
  expect(bench.server.clients().every(({ beats, silentMs }) => beats >= 6 && silentMs <= 3001)).toBe(true);
});
