/** The Dubbo service answers beats and `$echo`, each with its number, and drops who is idle for three beats. */

import { describe, expect, it } from 'vitest';
import { DUBBO_STATUS, type DubboMessage, encodeDubbo, HESSIAN_2 } from '../../../firmware/protocols/dubbo/frame.ts';
import {
  encodeEchoCall, encodeEchoResult, encodeErrorText, HESSIAN_NULL,
} from '../../../firmware/protocols/dubbo/invocation.ts';
import { firmware, Simulation } from '../../../sim/index.ts';
import { referenceServer } from '../../../sim/programs.ts';
import { Bench, type Client } from './bench.ts';

function served(service: object = {}): { readonly bench: Bench; readonly client: Client } {
  const bench = new Bench({ protocol: { kind: 'dubbo', ...service } });
  return { bench, client: bench.client() };
}

function request(id: bigint, over: Partial<DubboMessage & { kind: 'request' }> = {}): DubboMessage {
  return { kind: 'request', id, wantsResponse: true, isEvent: false, serialization: HESSIAN_2, ...over };
}

function answer(id: bigint, body: Uint8Array, status: number = DUBBO_STATUS.OK, over = {}): number[] {
  return [...encodeDubbo({ kind: 'response', id, status, isEvent: false, serialization: HESSIAN_2, ...over }, body)];
}

const call = (id: bigint, text: string): Uint8Array => encodeDubbo(request(id), encodeEchoCall('a.B', text));
const echo = (text: string): Uint8Array => encodeEchoResult(encodeErrorText(text));
const BEAT = encodeDubbo(request(9n, { isEvent: true }), HESSIAN_NULL);

describe('a client', () => {
  it('has its calls and beats answered', () => {
    const { bench, client } = served();
    client.send(...call(1n, 'one'), ...BEAT, ...call(2n ** 63n, 'two'));
    bench.world.advance(5);
    expect(client.received).toEqual([
      ...answer(1n, echo('one')),
      ...answer(9n, HESSIAN_NULL, DUBBO_STATUS.OK, { isEvent: true }),
      ...answer(2n ** 63n, echo('two')),
    ]);
    expect(bench.server.clients()).toMatchObject([{ beats: 3 }]);
  });

  it('has its answers when they are done, in any order', () => {
    const { bench, client } = served({ workMs: [200, 0, 100] });
    client.send(...call(1n, 'a'), ...call(2n, 'b'), ...call(3n, 'c'));
    bench.world.advance(150);
    expect(client.received).toEqual([...answer(2n, echo('b')), ...answer(3n, echo('c'))]);
    bench.world.advance(100);
    expect(client.received.slice(-answer(1n, echo('a')).length)).toEqual(answer(1n, echo('a')));
  });

  it('has a beat in another serialization answered in that; and neither a one-way request nor a response', () => {
    const { bench, client } = served();
    client.send(...encodeDubbo(request(5n, { isEvent: true, serialization: 6 }), Uint8Array.of(0x6e)));
    client.send(...encodeDubbo(request(6n, { wantsResponse: false }), HESSIAN_NULL), ...answer(7n, HESSIAN_NULL));
    bench.world.advance(5);
    expect(client.received).toEqual(
      answer(5n, Uint8Array.of(0x6e), DUBBO_STATUS.OK, { isEvent: true, serialization: 6 }),
    );
  });

  it.each([
    [
      'in another serialization', encodeDubbo(request(1n, { serialization: 6 }), HESSIAN_NULL), 40,
      'serialization 6 is not spoken here, only 2 (Hessian 2)',
    ],
    ['that is none', encodeDubbo(request(1n), Uint8Array.of(0x4e)), 40, 'that is no call in Hessian 2'],
    ['of another method', call(1n, 'x').with(33, 0x21), 70, 'only $echo of a string is answered here'],
  ])('is refused a call %s', (_, bytes, status, why) => {
    const { bench, client } = served();
    client.send(...bytes);
    bench.world.advance(5);
    expect(client.received).toEqual(answer(1n, encodeErrorText(why), status));
  });

  it('that speaks another protocol is dropped', () => {
    const { bench, client } = served();
    client.send(1);
    bench.world.advance(5);
    expect(bench.offline().map(([, , why]) => why)).toEqual([
      'bad frame: frame 1: byte 1 of the magic is 0x01, must be 0xda; the first bytes that came are 01',
    ]);
  });
});

describe('idleness', () => {
  it('of the whole time ends the connection, not sooner, with any traffic before', () => {
    const { bench, client } = served({ allIdleMs: 9000 });
    const mute = bench.client();
    client.send(...BEAT);
    bench.world.advance(20_000);
    // The client is connected at 2 ms, its beat comes and is answered at 5 ms; the other is connected at 4 ms.
    expect(bench.offline().map(([id, atMs, why]) => [id, atMs, why])).toEqual([
      [2, 9003, 'silent for 9.0 s'], [1, 9005, 'silent for 9.0 s'],
    ]);
    expect([client.ending, mute.ending]).toEqual(['closed', 'closed']);
  });

  it('is broken by what is written as well', () => {
    const { bench, client } = served({ allIdleMs: 9000, workMs: [8000] });
    client.send(...call(1n, 'x'));
    bench.world.advance(16_000);
    expect(bench.offline()).toEqual([]);
    bench.world.advance(2000);
    expect(bench.offline().length).toBe(1);
  });

  it('of 0 is never over', () => {
    const { bench } = served({ allIdleMs: 0 });
    bench.world.advance(3_600_000);
    expect(bench.offline()).toEqual([]);
  });
});

it('refuses settings that cannot be', () => {
  expect(() => served({ allIdleMs: -1 })).toThrow('protocol.allIdleMs is -1, must be a whole number of at least 0');
  expect(() => served({ workMs: [] })).toThrow('protocol.workMs.length is 0, must be a whole number of at least 1');
  expect(() => served({ workMs: [0, -5] })).toThrow('protocol.workMs[1] is -5, must be a whole number of at least 0');
});

it('a cable that is pulled is noticed by both ends within their three beats, and calls fail meanwhile', async () => {
  const failed: string[] = [];
  const sim = new Simulation({
    seed: 1, onTrace: (event) => void (event.kind === 'call-failed' && failed.push(event.by)),
  });
  const service = { kind: 'dubbo', allIdleMs: 9000 } as const;
  sim.addServer(referenceServer({ protocol: service }));
  const device = sim.addDevice({
    firmware: firmware({
      protocol: 'dubbo', servers: [{ host: 'server', port: 39_002 }], beatIntervalMs: 3000, callIntervalMs: 2000,
    }),
  });
  await sim.runFor('31s');
  expect(failed).toEqual([]);
  device.cable.pull();
  await sim.runFor('20s');
  device.cable.plug();
  await sim.runFor('30s');
  const [verdict] = sim.testbed.witness.judge.findings().verdicts;
  expect(verdict).toMatchObject({
    deviceNoticed: { by: 'missed-beats', afterMs: 8000 },
    serverNoticed: { by: 'silent', afterMs: 8000 },
  });
  // The calls of 32, 34 and 36 s had no answer in time; that of 38 s was in flight when the device gave up, at 39 s.
  expect(failed.slice(0, 4)).toEqual(['timeout', 'timeout', 'timeout', 'missed-beats']);
});
