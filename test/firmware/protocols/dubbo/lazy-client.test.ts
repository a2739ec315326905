/**
 * Calls over lazy connections: opened by the first call, one for each peer, answers matched by number, beats only where
 * nothing was read, and an end for every call.
 */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../../firmware/config.ts';
import { DUBBO_STATUS, encodeDubbo, HESSIAN_2 } from '../../../../firmware/protocols/dubbo/frame.ts';
import { HESSIAN_NULL } from '../../../../firmware/protocols/dubbo/invocation.ts';
import { type CallOutcome, LazyClient, type LazyConfig } from '../../../../firmware/protocols/dubbo/lazy-client.ts';
import type { DeviceProtocol } from '../../../../firmware/protocols/protocol.ts';
import type { Kernel } from '../../../../firmware/rtos/kernel.ts';
import { CONNECTION_DEFAULTS, connectionRules } from '../../../../firmware/tasks/connection.ts';
import { Peer, PORT, rig, SERVER, type Served, servers } from '../../rig.ts';

const beatIntervalMs = 3000;

/** Plan of one task of a device: the task waits, calls, and writes down the result. */
interface Plan {
  readonly atMs: number;
  readonly says: number;
  readonly timeoutMs?: number;
  readonly port?: number;
}

interface Result {
  readonly says: number;
  readonly atMs: number;
  readonly outcome: CallOutcome;
}

/** A device with a task for each plan; all share one client. */
function device(plans: readonly Plan[], settings: Partial<LazyConfig> = {}) {
  const results: Result[] = [];
  let client: LazyClient | undefined;
  const protocol: DeviceProtocol<LazyConfig> = {
    name: 'calls',
    defaults: {
      ...CONNECTION_DEFAULTS, retry: { fixedMs: 1000 }, beatIntervalMs, missedLimit: 3, maxBodyBytes: 100, ...settings,
    },
    rules: (hz) => ({ ...connectionRules(hz), beatIntervalMs() {}, missedLimit() {}, maxBodyBytes() {} }),
    start(os, hal, config, onEvent) {
      const made = new LazyClient(os, hal, config, onEvent);
      client = made;
      for (const { atMs, says, timeoutMs = 1000, port = PORT } of plans) {
        os.createTask(function* caller(kernel: Kernel) {
          yield* kernel.delay(kernel.msToTicks(atMs));
          const outcome = yield* made.call({ host: SERVER, port }, Uint8Array.of(says), timeoutMs);
          results.push({ says, atMs: hal.clock.now(), outcome });
        }, `caller-${says}`, 2);
      }
    },
  };
  const config: FirmwareConfig = { protocol, servers };
  const made = rig(config);
  return { ...made, results, late: (port = PORT) => client?.connectionTo({ host: SERVER, port }).lateAnswers };
}

/** The requests that came over a connection: when, what they say, and their numbers. */
function requests(served: Served): { atMs: number; id: bigint; isBeat: boolean; says: number | undefined }[] {
  const bytes = Uint8Array.from(served.received);
  const found = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const head = new DataView(bytes.buffer, at);
    const length = head.getUint32(12);
    const isBeat = (head.getUint8(2) & 0x20) !== 0;
    let come = 0;
    const atMs = served.arrivals.find((arrival) => (come += arrival.bytes.length) > at)?.atMs ?? NaN;
    found.push({ atMs, id: head.getBigUint64(4), isBeat, says: bytes[at + 16] });
    at += 16 + length;
  }
  return found;
}

const RESPONSE = { kind: 'response', serialization: HESSIAN_2 } as const;

function respond(served: Served, id: bigint, says: number, status: number = DUBBO_STATUS.OK): void {
  served.send(encodeDubbo({ ...RESPONSE, id, status, isEvent: false }, Uint8Array.of(says)));
}

function answerBeats(peer: Peer, until = Infinity): void {
  peer.onBytes = (bytes, served) => {
    if ((bytes[2] ?? 0) !== 0xe2 || peer.world.now > until) return;
    const id = new DataView(Uint8Array.from(bytes).buffer).getBigUint64(4);
    served.send(encodeDubbo({ ...RESPONSE, id, status: DUBBO_STATUS.OK, isEvent: true }, HESSIAN_NULL));
  };
}

const answered = (says: number): unknown => ({ kind: 'answered', body: Uint8Array.of(says) });

it('no connection is made before the first call; all tasks share it, and each gets its own answer', () => {
  const { world, server, start, results } = device([
    { atMs: 5000, says: 1 }, { atMs: 5000, says: 2 }, { atMs: 5000, says: 3 }, { atMs: 5100, says: 4 },
  ]);
  const peer = new Peer(server);
  const dev = start();
  world.advance(4999);
  expect(peer.connections.length).toBe(0);
  world.advance(200);
  expect(peer.connections.map(({ acceptedAtMs }) => acceptedAtMs)).toEqual([5001]);
  const came = requests(peer.last);
  expect(came.map(({ says }) => says)).toEqual([1, 2, 3, 4]);
  // The answers come in the other order, and say whose they are.
  for (const { id, says = 0 } of came.toReversed()) respond(peer.last, id, says + 10);
  world.advance(10);
  const outcomes = results.map(({ says, outcome }) => [says, outcome]).sort();
  expect(outcomes).toEqual([1, 2, 3, 4].map((n) => [n, answered(n + 10)]));
  expect(dev.all('connected').length).toBe(1);
});

it('two peers are two connections, each opened by the first call to it', () => {
  const other = PORT + 1;
  const { world, server, start, results } = device([
    { atMs: 0, says: 1 }, { atMs: 3000, says: 2, port: other },
    { atMs: 3500, says: 3 }, { atMs: 3600, says: 4, port: other },
  ], { beatIntervalMs: 60_000 });
  const [one, two] = [new Peer(server), new Peer(server, other)];
  for (const peer of [one, two]) {
    peer.onBytes = (_, served) => {
      const { id, says = 0 } = requests(served).at(-1) ?? { id: 0n };
      respond(served, id, says);
    };
  }
  start();
  world.advance(2999);
  expect([one.connections.length, two.connections.length]).toEqual([1, 0]);
  world.advance(1000);
  expect([one.connections.length, two.connections.length]).toEqual([1, 1]);
  expect(requests(one.last).map(({ says }) => says)).toEqual([1, 3]);
  expect(requests(two.last).map(({ says }) => says)).toEqual([2, 4]);
  expect(results.map(({ says, outcome }) => [says, outcome])).toEqual([1, 2, 3, 4].map((n) => [n, answered(n)]));
});

describe('a call ends', () => {
  it('after its time; a later answer is dropped and counted, and disturbs no other call', () => {
    const plans = [{ atMs: 0, says: 1, timeoutMs: 500 }, { atMs: 600, says: 2 }];
    const { world, server, start, results, late } = device(plans);
    const peer = new Peer(server);
    const dev = start();
    world.advance(499);
    expect(results).toEqual([]);
    world.advance(2);
    expect(results).toEqual([{ says: 1, atMs: 500, outcome: { kind: 'failed', by: 'timeout' } }]);
    world.advance(200);
    const [first, second] = requests(peer.last);
    respond(peer.last, first?.id ?? 0n, 1);
    respond(peer.last, second?.id ?? 0n, 2);
    world.advance(10);
    expect(results[1]?.outcome).toEqual(answered(2));
    expect([late(), dev.all('late-answer').map(({ lateAnswers }) => lateAnswers)]).toEqual([1, [1]]);
  });

  it('after its time, and is not sent any more if it has not begun to be sent', () => {
    const { world, server, start, results } = device([{ atMs: 0, says: 1, timeoutMs: 1 }, { atMs: 0, says: 2 }]);
    const peer = new Peer(server);
    start();
    world.advance(20);
    // Connected at 2 ms.
    expect(results).toEqual([{ says: 1, atMs: 1, outcome: { kind: 'failed', by: 'timeout' } }]);
    expect(requests(peer.last).map(({ says }) => says)).toEqual([2]);
  });

  it('with the status of the peer that refuses it', () => {
    const { world, server, start, results } = device([{ atMs: 0, says: 1 }]);
    const peer = new Peer(server);
    start();
    world.advance(10);
    respond(peer.last, requests(peer.last)[0]?.id ?? 0n, 0, DUBBO_STATUS.SERVICE_ERROR);
    world.advance(5);
    expect(results.map(({ outcome }) => outcome)).toEqual([{ kind: 'refused', status: 70 }]);
  });

  it.each([
    ['closes', 'closed', (served: Served) => served.socket.close()],
    ['resets', 'ECONNRESET', (served: Served) => served.socket.abort()],
    ['says what is no frame', 'bad-frame', (served: Served) => served.send([1])],
  ])('at once, with all calls in flight, when the peer %s', (_, by, ends) => {
    const { world, server, start, results } = device([{ atMs: 0, says: 1 }, { atMs: 5, says: 2, timeoutMs: 60_000 }]);
    const peer = new Peer(server);
    start();
    world.advance(100);
    ends(peer.last);
    world.advance(2);
    expect(results.map(({ says, outcome }) => [says, outcome])).toEqual([1, 2].map((n) => [n, { kind: 'failed', by }]));
    expect(results.every(({ atMs }) => atMs <= 102)).toBe(true);
  });

  it('when the peer cannot be reached, also at once while it is known to be down', () => {
    const plans = [{ atMs: 0, says: 1 }, { atMs: 500, says: 2 }, { atMs: 4000, says: 3 }];
    const { world, server, start, results } = device(plans);
    start();
    world.advance(600);
    expect(results).toEqual([
      { says: 1, atMs: 2, outcome: { kind: 'failed', by: 'ECONNREFUSED' } },
      { says: 2, atMs: 500, outcome: { kind: 'failed', by: 'ECONNREFUSED' } },
    ]);
    // The client opens the connection again without a call.
    const peer = new Peer(server);
    world.advance(3000);
    expect(peer.connections.length).toBe(1);
    world.advance(600);
    expect(requests(peer.last).filter(({ isBeat }) => !isBeat).map(({ says }) => says)).toEqual([3]);
  });
});

describe('a beat', () => {
  it('is sent when nothing was read for its period, and again each time', () => {
    const { world, server, start } = device([{ atMs: 0, says: 1 }, { atMs: 5000, says: 2 }]);
    const peer = new Peer(server);
    answerBeats(peer);
    const dev = start();
    world.advance(10_100);
    // Connected at 2 ms; what is read sets the time of the next one.
    expect(requests(peer.last).map(({ atMs, isBeat }) => [atMs, isBeat])).toEqual([
      [3, false], [3003, true], [5001, false], [6005, true], [9007, true],
    ]);
    expect(dev.all('served').map(({ afterMs }) => afterMs)).toEqual([2, 2, 2]);
  });

  it('is not sent while answers come', () => {
    const { world, server, start } = device([0, 1, 2, 3, 4].map((n) => ({ atMs: n * 2900, says: n })));
    const peer = new Peer(server);
    peer.onBytes = (_, served) => respond(served, requests(served).at(-1)?.id ?? 0n, 1);
    start();
    world.advance(14_000);
    expect(requests(peer.last).some(({ isBeat }) => isBeat)).toBe(false);
  });

  it('of the peer is answered with its own bytes; its calls are refused', () => {
    const { world, server, start } = device([{ atMs: 0, says: 1 }]);
    const peer = new Peer(server);
    start();
    world.advance(10);
    const before = peer.last.received.length;
    const asks = { kind: 'request', id: 77n, wantsResponse: true, isEvent: true, serialization: 6 } as const;
    peer.last.send(encodeDubbo(asks, Uint8Array.of(0x6e)));
    peer.last.send(encodeDubbo({ ...asks, wantsResponse: false }, Uint8Array.of(0x52)));
    peer.last.send(encodeDubbo({ ...asks, id: 78n, isEvent: false }, Uint8Array.of(1)));
    world.advance(5);
    expect(peer.last.received.slice(before, before + 17)).toEqual([
      0xda, 0xbb, 0x26, 20, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1, 0x6e,
    ]);
    expect(peer.last.received.slice(before + 17, before + 29)).toEqual([0xda, 0xbb, 0x02, 70, 0, 0, 0, 0, 0, 0, 0, 78]);
  });
});

describe('silence', () => {
  it('of three beats ends the connection, not sooner, with its calls in flight, and the client opens it again', () => {
    const { world, server, start, results } = device([{ atMs: 0, says: 1 }, { atMs: 100, says: 2, timeoutMs: 60_000 }]);
    const peer = new Peer(server);
    const dev = start();
    world.advance(9001);
    expect(dev.all('lost')).toEqual([]);
    expect(dev.times('beat-missed')).toEqual([6002]);
    world.advance(2);
    expect(dev.all('lost')).toMatchObject([{ by: 'missed-beats', atMs: 9002, detail: 'nothing came for 9000 ms' }]);
    expect(results.map(({ says, outcome }) => [says, outcome])).toEqual([
      [1, { kind: 'failed', by: 'timeout' }], [2, { kind: 'failed', by: 'missed-beats' }],
    ]);
    world.advance(1100);
    expect(peer.connections.length).toBe(2);
  });

  it('is broken by any byte', () => {
    const { world, server, start } = device([{ atMs: 0, says: 1 }]);
    const peer = new Peer(server);
    const dev = start();
    world.advance(8900);
    peer.last.send([0xda]);
    world.advance(8900);
    expect(dev.all('lost')).toEqual([]);
  });
});

it('a peer that keeps asking and reads nothing is given up', () => {
  const { world, server, start } = device([{ atMs: 0, says: 1 }]);
  const peer = new Peer(server);
  const dev = start();
  world.advance(10);
  peer.reads = false;
  const asks = { kind: 'request', id: 1n, wantsResponse: true, isEvent: true, serialization: HESSIAN_2 } as const;
  const ask = encodeDubbo(asks, new Uint8Array(90));
  for (let i = 0; i < 2000 && dev.all('lost').length === 0; i++) {
    peer.last.send(ask);
    world.advance(1);
  }
  expect(dev.all('lost')).toMatchObject([{ by: 'not-reading' }]);
});
