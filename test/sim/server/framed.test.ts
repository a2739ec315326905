/**
 * The framed service answers logins and questions, drops the silent by its idle timers, and pushes to who has logged
 * in.
 */

import { describe, expect, it } from 'vitest';
import { encodeFramed } from '../../../firmware/protocols/framed/frame.ts';
import { Bench, type Client } from './bench.ts';

const LOGIN = [...encodeFramed('LOGIN_REQ', new TextEncoder().encode('dev'))];
const ACCEPTED = [...encodeFramed('LOGIN_RESP', Uint8Array.of(0))];
const ASK = [...encodeFramed('HEARTBEAT_REQ')];
const ANSWER = [...encodeFramed('HEARTBEAT_RESP')];

function served(service: object = {}): { readonly bench: Bench; readonly client: Client } {
  const bench = new Bench({ protocol: { kind: 'framed', ...service } });
  return { bench, client: bench.client() };
}

describe('a client', () => {
  it('that logs in is accepted, and has its questions answered', () => {
    const { bench, client } = served();
    client.send(...LOGIN, ...ASK, ...ASK);
    bench.world.advance(5);
    expect(client.received).toEqual([...ACCEPTED, ...ANSWER, ...ANSWER]);
    // The login is a beat as well.
    expect(bench.server.clients()).toMatchObject([{ beats: 3 }]);
  });

  it.each([
    ['asks before its login', ASK, 'bad frame: frame 1: HEARTBEAT_REQ before the login'],
    [
      'sends data before its login',
      [...encodeFramed('DATA', new Uint8Array(2))],
      'bad frame: frame 1: DATA before the login',
    ],
    ['logs in twice', [...LOGIN, ...LOGIN], 'bad frame: frame 2: a second login'],
    ['answers a login', ACCEPTED, 'bad frame: frame 1: an answer to a login from a client'],
  ])('that %s is dropped', (_, bytes, why) => {
    const { bench, client } = served();
    client.send(...bytes);
    bench.world.advance(5);
    expect(bench.offline().map(([, , sentence]) => sentence.replace(/;.*/, ''))).toEqual([why]);
    expect(client.ending).toBe('ECONNRESET');
  });

  it('that never logs in is dropped by the server\'s limit, also when it says half a login', () => {
    const { bench, client } = served();
    client.send(...LOGIN.slice(0, 5));
    bench.world.advance(20_000);
    expect(bench.offline().map(([, , why]) => why)).toEqual(['no valid frame within 10.0 s']);
  });
});

describe('the reader', () => {
  it('that was idle for its time drops the client, not sooner; any byte counts', () => {
    const { bench, client } = served({ readerIdleMs: 15_000 });
    client.send(...LOGIN);
    bench.world.at(10_000, () => client.send(...ASK.slice(0, 3)));
    bench.world.advance(40_000);
    // The bytes came at 10.001 s.
    expect(bench.offline().map(([, atMs, why]) => [atMs, why])).toEqual([[25_001, 'silent for 15.0 s']]);
    expect(client.ending).toBe('closed');
  });

  it('with 0 drops nobody', () => {
    const { bench, client } = served({ readerIdleMs: 0 });
    client.send(...LOGIN);
    bench.world.advance(3_600_000);
    expect(bench.offline()).toEqual([]);
  });
});

describe('the writer', () => {
  it('that was idle for its time asks, and again each time; what it writes counts', () => {
    const { bench, client } = served({ readerIdleMs: 0, writerIdleMs: 1000 });
    client.send(...LOGIN);
    bench.world.at(1500, () => client.send(...ASK));
    bench.world.advance(3600);
    // The server accepted at 3 ms, asked at 1003, answered at 1501, and asked at 2501 and 3501.
    expect(client.received).toEqual([...ACCEPTED, ...ASK, ...ANSWER, ...ASK, ...ASK]);
  });
});

it('all idle asks when neither was active', () => {
  const { bench, client } = served({ readerIdleMs: 0, allIdleMs: 1000 });
  client.send(...LOGIN);
  bench.world.at(800, () => client.send(...ANSWER));
  bench.world.advance(1700);
  expect(client.received).toEqual(ACCEPTED);
  bench.world.advance(200);
  expect(client.received).toEqual([...ACCEPTED, ...ASK]);
});

it('pushes data at its interval, and what it is told to, to who has logged in', () => {
  const { bench, client } = served({ push: { intervalMs: 1000, dataBytes: 2 } });
  const mute = bench.client();
  client.send(...LOGIN);
  bench.world.advance(2100);
  const pushed = [...encodeFramed('DATA', new Uint8Array(2))];
  expect(client.received).toEqual([...ACCEPTED, ...pushed, ...pushed]);
  expect(mute.received).toEqual([]);
  bench.server.push(1, Uint8Array.of(5));
  bench.world.advance(2);
  expect(client.received.slice(-10)).toEqual([...encodeFramed('DATA', Uint8Array.of(5))]);
});

it('refuses periods that cannot be', () => {
  expect(() => served({ readerIdleMs: -1 })).toThrow(
    'protocol.readerIdleMs is -1, must be a whole number of at least 0',
  );
  expect(() => served({ push: { intervalMs: 0, dataBytes: 1 } })).toThrow(
    'protocol.push.intervalMs is 0, must be a whole number of at least 1',
  );
});
