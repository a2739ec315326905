/**
 * The client of the framed protocol logs in, asks when it has written nothing, and gives up when it has read nothing.
 */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../../firmware/config.ts';
import { encodeFramed } from '../../../../firmware/protocols/framed/frame.ts';
import { connected, type Peer, servers } from '../../rig.ts';

function framed(settings: Partial<Extract<FirmwareConfig, { protocol: 'framed' }>> = {}): FirmwareConfig {
  return { protocol: 'framed', servers, loginName: 'dev', retry: { fixedMs: 1000 }, ...settings };
}

const ACCEPTED = encodeFramed('LOGIN_RESP', Uint8Array.of(0));
const HEARTBEAT_REQ = encodeFramed('HEARTBEAT_REQ');
const HEARTBEAT_RESP = encodeFramed('HEARTBEAT_RESP');
const LOGIN = [...encodeFramed('LOGIN_REQ', new TextEncoder().encode('dev'))];

/** The types of the frames that came, each with when. */
function frames(peer: Peer): [atMs: number, type: number | undefined][] {
  return peer.last.arrivals.map(({ atMs, bytes }) => [atMs, bytes[8]]);
}

/** A server that accepts, and answers questions as long as `answers`. */
function serving(config: FirmwareConfig = framed(), answers: (atMs: number) => boolean = () => true) {
  const made = connected(config);
  made.peer.onBytes = (bytes, served) => {
    if (bytes[8] === 3) served.send(ACCEPTED);
    if (bytes[8] === 5 && answers(made.world.now)) served.send(HEARTBEAT_RESP);
  };
  return made;
}

it('logs in with its name, and asks when it has written nothing for the writer\'s time', () => {
  const { world, peer, device } = serving();
  world.advance(16_000);
  expect(peer.last.received.slice(0, LOGIN.length)).toEqual(LOGIN);
  // Connected at 2 ms, and each frame takes 1 ms.
  expect(frames(peer)).toEqual([[3, 3], [5003, 5], [10_003, 5], [15_003, 5]]);
  expect(device.all('served').map(({ afterMs }) => afterMs)).toEqual([2, 2, 2, 2]);
  expect(device.times('beat-sent')).toEqual([5002, 10_002, 15_002]);
});

describe('data', () => {
  it('that the client writes is a sign of life, so it asks no question meanwhile', () => {
    const { world, peer, device } = serving(framed({ dataIntervalMs: 2000, dataBytes: 3 }));
    world.advance(9000);
    expect(frames(peer).map(([, type]) => type)).toEqual([3, 2, 2, 2, 2]);
    expect(device.last('data-sent').bytes).toBe(3);
    expect(device.all('beat-sent')).toEqual([]);
  });

  it('that the server pushes is reported whole, in any pieces', () => {
    const { world, peer, device } = serving();
    world.advance(10);
    const pushed = [...encodeFramed('DATA', new Uint8Array(5)), ...encodeFramed('DATA')];
    for (const byte of pushed) {
      peer.last.send([byte]);
      world.advance(1);
    }
    world.advance(5);
    expect(device.all('data-received').map(({ bytes }) => bytes)).toEqual([5, 0]);
  });
});

describe('the connection is given up', () => {
  it('when the login has no answer in time', () => {
    const { world, device } = connected(framed());
    world.advance(5_100);
    expect(device.all('lost')).toMatchObject([
      { by: 'no-answer', atMs: 5002, detail: 'the login was not answered within 5000 ms' },
    ]);
  });

  it('when the login is refused', () => {
    const { world, peer, device } = connected(framed());
    peer.onBytes = (_, served) => served.send(encodeFramed('LOGIN_RESP', Uint8Array.of(7)));
    world.advance(100);
    expect(device.last('lost')).toMatchObject({ by: 'refused', detail: 'the login was refused with 7' });
  });

  it('when nothing was read for the reader\'s time, to the millisecond, and unanswered questions are counted', () => {
    const { world, device } = serving(framed(), (atMs) => atMs < 6000);
    world.advance(21_000);
    // The last answer came at 5004 ms.
    expect(device.all('lost')).toMatchObject([
      { by: 'missed-beats', atMs: 20_004, detail: 'nothing came for 15000 ms' },
    ]);
    expect(device.all('beat-missed').map(({ missed }) => missed)).toEqual([1, 2]);
  });

  it('not by silence, where the reader\'s time is off', () => {
    const { world, device } = serving(framed({ readerIdleMs: 0 }), () => false);
    world.advance(600_000);
    expect(device.all('lost')).toEqual([]);
  });

  it('when the bytes are no frame, and the message shows them', () => {
    const { world, peer, device } = connected(framed());
    peer.onAccept = undefined;
    peer.last.send(new TextEncoder().encode('220 mail.example ready\r\n'));
    world.advance(100);
    expect(device.last('lost').by).toBe('bad-frame');
    expect(device.last('lost').detail).toContain('the first bytes that came are "220 mail.example ready\\r\\n"');
  });
});

it('answers the server\'s questions', () => {
  const { world, peer } = serving();
  world.advance(100);
  peer.last.send([...HEARTBEAT_REQ, ...HEARTBEAT_REQ]);
  world.advance(10);
  expect(peer.last.received.slice(LOGIN.length)).toEqual([...HEARTBEAT_RESP, ...HEARTBEAT_RESP]);
});

it('gives up a server that keeps asking, and reads no answer', () => {
  const { world, peer, device } = connected(framed(), { bufferBytes: 64 });
  peer.last.send(ACCEPTED);
  world.advance(5);
  peer.reads = false;
  const ask = (): void => {
    if (device.all('lost').length === 0) {
      peer.last.send(HEARTBEAT_REQ);
      world.at(world.now + 2, ask);
    }
  };
  ask();
  world.advance(2000);
  expect(device.last('lost')).toMatchObject({ by: 'not-reading' });
});

it('logs in again on each connection', () => {
  const { world, peer, device } = serving();
  world.advance(1000);
  peer.last.socket.close();
  world.advance(3000);
  expect(peer.connections).toHaveLength(2);
  expect(peer.last.received.slice(0, LOGIN.length)).toEqual(LOGIN);
  expect(device.all('served').length).toBe(2);
});
