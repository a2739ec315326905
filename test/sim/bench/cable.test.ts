/**
 * A pulled cable: silence, and afterwards everything as hardware would have it. In virtual time; one way takes 1 ms.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../../hal/errno.ts';
import { Probe, Rig, SERVER, pattern } from './rig.ts';

let rig: Rig;
let probes: Probe[];

beforeEach(() => {
  rig = new Rig();
  probes = [];
});

afterEach(() => {
  expect(rig.leaks).toEqual([]);
  expect(probes.flatMap(({ violations }) => violations)).toEqual([]);
  expect(rig.stop()).toBe(0);
});

function connect(): ReturnType<Rig['connect']> {
  const pair = rig.connect();
  probes.push(pair[0]);
  return pair;
}

function stream(): Probe {
  const probe = rig.stream();
  probes.push(probe);
  return probe;
}

const advance = (ms: number) => rig.world.advance(ms);
const pull = () => rig.board.cable.pull();
const plug = () => rig.board.cable.plug();
const now = () => rig.world.now;

describe('connecting', () => {
  it('waits for the cable', () => {
    pull();
    const probe = stream();
    expect(probe.socket.connect(SERVER)).toBe(0);
    expect(probe.socket.connect(SERVER)).toBe(failure('EALREADY'));
    advance(1000);
    expect(rig.accepted).toHaveLength(0);
    plug();
    advance(2);
    expect(probe.events).toEqual([[1002, 'writable']]);
    expect(probe.socket.remote).toEqual(SERVER);
  });

  it('gives up after 127 s without one, and then it is over', () => {
    pull();
    const probe = stream();
    probe.socket.connect(SERVER);
    advance(126_999);
    expect(probe.events).toEqual([]);
    advance(1);
    expect(probe.events).toEqual([[127_000, 'ETIMEDOUT']]);
    plug();
    advance(1000);
    expect(rig.accepted).toHaveLength(0);
    expect(probe.socket.connect(SERVER)).toBeLessThan(0);
    expect(probe.socket.write(pattern(1))).toBe(failure('ETIMEDOUT'));
  });

  it('forgets a socket that was closed while it waited', () => {
    pull();
    const probe = stream();
    probe.socket.connect(SERVER);
    probe.close();
    expect(rig.openSockets).toBe(0);
    plug();
    advance(1000);
    expect(rig.accepted).toHaveLength(0);
  });

  it('tells of an address that cannot be when it finds out', () => {
    pull();
    const probe = stream();
    probe.socket.connect({ address: SERVER.address, port: 70_000 });
    plug();
    expect(probe.events).toEqual([[0, 'EINVAL']]);
  });

  it('hears of a connection that was made meanwhile only when the cable is back', () => {
    const probe = stream();
    probe.socket.connect(SERVER);
    pull();
    advance(500);
    expect(rig.accepted).toHaveLength(1);
    rig.far.push(1, 2, 3);
    advance(500);
    expect(probe.events).toEqual([]);
    expect(probe.socket.remote).toBeUndefined();
    expect(probe.socket.read(new Uint8Array(1))).toBe(failure('ENOTCONN'));
    plug();
    expect(probe.events[0]).toEqual([1000, 'writable']);
    expect(probe.readAll()).toEqual([[1, 2, 3], 'EAGAIN']);
  });

  it('hears of a refusal only when the cable is back', () => {
    const probe = stream();
    probe.socket.connect({ address: SERVER.address, port: 1 });
    pull();
    advance(500);
    expect(probe.events).toEqual([]);
    plug();
    expect(probe.events).toEqual([[500, 'ECONNREFUSED']]);
    expect(rig.hungUps()).toEqual([]);
  });

  it('leaves to the far end a connection that the device forgot unheard; it is reset when the cable is back', () => {
    const probe = stream();
    probe.socket.connect(SERVER);
    pull();
    advance(500);
    probe.close();
    advance(500);
    expect(rig.far.over).toBeUndefined();
    plug();
    advance(1);
    expect(rig.far.over).toEqual({ atMs: 1001, reason: 'ECONNRESET' });
  });
});

describe('data', () => {
  it('waits in the device, 5760 bytes of it, and flows when the cable is back, in order', () => {
    const [probe, far] = connect();
    probe.socket.write(pattern(100));
    advance(1);
    pull();
    expect(probe.socket.write(pattern(5000, 100))).toBe(5000);
    expect(probe.socket.write(pattern(1000, 5100))).toBe(760);
    expect(probe.socket.write(pattern(240, 5860))).toBe(failure('EAGAIN'));
    expect(probe.socket.write(new Uint8Array(0))).toBe(0);
    advance(60_000);
    expect(far.received).toHaveLength(100);
    const told = probe.events.length;
    plug();
    expect(probe.events.slice(told)).toContainEqual([now(), 'writable']);
    expect(probe.socket.write(pattern(240, 5860))).toBe(240);
    advance(1);
    expect(far.received).toEqual([...pattern(6100)]);
  });

  it('goes on to wait when the cable comes out again before it was plugged for long', () => {
    const [probe, far] = connect();
    pull();
    probe.socket.write(pattern(10));
    plug();
    pull();
    probe.socket.write(pattern(10, 10));
    advance(1000);
    expect(far.received).toEqual([...pattern(10)]);
    plug();
    advance(1);
    expect(far.received).toEqual([...pattern(20)]);
  });

  it('from the far end is not read, and comes in order when the cable is back', () => {
    const [probe, far] = connect();
    far.push(1);
    advance(1);
    expect(probe.readAll()).toEqual([[1], 'EAGAIN']);
    const told = probe.events.length;
    pull();
    far.push(2, 3);
    advance(1000);
    far.push(4);
    advance(1000);
    expect(probe.events.slice(told)).toEqual([]);
    expect(probe.readAll()).toEqual([[], 'EAGAIN']);
    plug();
    expect(probe.events.slice(told)).toContainEqual([now(), 'readable']);
    expect(probe.readAll()).toEqual([[2, 3, 4], 'EAGAIN']);
  });

  it('from a far end that pushes endlessly is held back, not kept', () => {
    const [, far] = connect();
    pull();
    let pushed = 0;
    for (let i = 0; i < 1000; i++) {
      pushed += Math.max(far.socket.write(pattern(1000)), 0);
      advance(1);
    }
    expect(pushed).toBe(rig.world.options.bufferBytes);
  });

  it('that the far end does not take holds the firmware back, before, during and after', () => {
    const room = 8192;
    rig = new Rig({ bufferBytes: room });
    rig.serverReads = false;
    const [probe, far] = connect();
    expect(probe.socket.write(pattern(20_000))).toBe(room);
    pull();
    advance(10);
    // The far end makes room while the cable is out: the host would tell, but a device cannot know.
    far.read();
    advance(10);
    expect(probe.events).toEqual([[2, 'writable']]);
    plug();
    expect(probe.toldAt('writable')).toBe(now());
    expect(probe.socket.write(pattern(20_000, room))).toBe(room);
    pull();
    expect(probe.socket.write(pattern(20_000, 2 * room))).toBe(5760);
    plug();
    advance(10);
    // The host has no room for what the device kept: the rest waits on.
    expect(probe.socket.write(pattern(1))).toBe(failure('EAGAIN'));
    const fullMs = now();
    rig.serverReads = true;
    far.read();
    advance(10);
    expect(probe.toldAt('writable')).toBeGreaterThan(fullMs);
    expect(probe.socket.write(pattern(240, 2 * room + 5760))).toBe(240);
    advance(10);
    expect(far.received).toEqual([...pattern(2 * room + 6000)]);
  });
});

describe('the far end hangs up', () => {
  it('by FIN: the bench sees it at once, the firmware when the cable is back, after the bytes before it', () => {
    const [probe, far] = connect();
    pull();
    far.push(1, 2);
    far.socket.close();
    advance(1000);
    expect(rig.hungUps()).toEqual([[3, 'closed']]);
    expect(probe.saw('closed')).toBe(false);
    expect(probe.readAll()).toEqual([[], 'EAGAIN']);
    plug();
    expect(probe.events.slice(-3)).toEqual([[1002, 'writable'], [1002, 'readable'], [1002, 'closed']]);
    expect(probe.readAll()).toEqual([[1, 2], 0]);
    probe.close();
    advance(1);
    expect(rig.openSockets).toBe(0);
  });

  it('by FIN: what the device still had to say meets a reset, if nobody is there', () => {
    const [probe, far] = connect();
    pull();
    far.socket.close();
    probe.socket.write(pattern(10));
    advance(1000);
    plug();
    expect(probe.saw('closed')).toBe(true);
    advance(2);
    expect(probe.socket.write(pattern(1))).toBe(failure('ECONNRESET'));
    // The end was told; there is no second.
    expect(probe.saw('ECONNRESET')).toBe(false);
  });

  it('by FIN of one direction only: the other stays open', () => {
    const [probe, far] = connect();
    pull();
    far.socket.shutdown();
    probe.socket.write(pattern(10));
    advance(1000);
    plug();
    probe.socket.write(pattern(10, 10));
    advance(1);
    expect(far.received).toEqual([...pattern(20)]);
    pull();
    expect(probe.socket.read(new Uint8Array(1))).toBe(0);
  });

  it('by a reset that is lost: the next write finds it', () => {
    const [probe, far] = connect();
    far.push(1);
    advance(1);
    pull();
    far.socket.abort();
    advance(1000);
    expect(rig.hungUps()).toEqual([[4, 'ECONNRESET']]);
    plug();
    advance(1000);
    expect(probe.readAll()).toEqual([[1], 'EAGAIN']);
    expect(probe.saw('ECONNRESET')).toBe(false);
    expect(probe.socket.write(pattern(1))).toBe(1);
    advance(0);
    expect(probe.toldAt('ECONNRESET')).toBe(now());
    expect(probe.readAll()).toEqual([[], 'ECONNRESET']);
    expect(probe.socket.write(pattern(1))).toBe(failure('ECONNRESET'));
  });

  it('by a reset that is lost: what was written meanwhile finds it, as soon as the cable is back', () => {
    const [probe, far] = connect();
    pull();
    probe.socket.write(pattern(1));
    far.socket.abort();
    advance(1000);
    expect(probe.saw('ECONNRESET')).toBe(false);
    plug();
    expect(probe.toldAt('ECONNRESET')).toBe(1002);
  });

  it('by a reset that is lost: so does a FIN', () => {
    const [probe, far] = connect();
    pull();
    far.socket.abort();
    advance(1000);
    plug();
    expect(probe.socket.shutdown()).toBe(0);
    advance(0);
    expect(probe.toldAt('ECONNRESET')).toBe(1002);
  });

  it('by a reset that is lost: the next keepalive probe finds it', () => {
    const [probe, far] = connect();
    probe.socket.setKeepAlive({ idle: 3, interval: 2, count: 5 });
    advance(998);
    pull();
    far.socket.abort();
    advance(4500);
    plug();
    // Probes went at 3002 and 5002, unanswered; the next goes at 7002.
    advance(1501);
    expect(probe.saw('ECONNRESET')).toBe(false);
    advance(1);
    expect(probe.toldAt('ECONNRESET')).toBe(7002);
  });

  it('by a reset that is lost: the first probe finds it, if none went before', () => {
    const [probe, far] = connect();
    probe.socket.setKeepAlive({ idle: 3, interval: 2, count: 5 });
    pull();
    far.socket.abort();
    advance(1000);
    plug();
    advance(1999);
    expect(probe.saw('ECONNRESET')).toBe(false);
    advance(1);
    expect(probe.toldAt('ECONNRESET')).toBe(3002);
  });
});

describe('the firmware ends', () => {
  it('by close: what it wrote, and then its FIN, go when the cable is back', () => {
    const [probe, far] = connect();
    pull();
    probe.socket.write(pattern(100));
    probe.close();
    advance(30_000);
    expect([far.received, far.over]).toEqual([[], undefined]);
    plug();
    advance(1);
    expect(far.received).toEqual([...pattern(100)]);
    expect(far.over).toEqual({ atMs: now(), reason: 'closed' });
  });

  it('by close, before the far end: the same', () => {
    const [probe, far] = connect();
    pull();
    probe.socket.write(pattern(100));
    probe.close();
    far.socket.shutdown();
    advance(1000);
    expect(rig.hungUps()).toEqual([[3, 'closed']]);
    expect([far.received, far.over]).toEqual([[], undefined]);
    plug();
    advance(1);
    expect(far.received).toEqual([...pattern(100)]);
    expect(far.over?.reason).toBe('closed');
    expect(rig.openSockets).toBe(0);
  });

  it('by close, after the far end: the same', () => {
    const [probe, far] = connect();
    pull();
    far.socket.shutdown();
    advance(10);
    probe.socket.write(pattern(100));
    probe.close();
    advance(10);
    expect([far.received, far.over]).toEqual([[], undefined]);
    plug();
    advance(1);
    expect(far.received).toEqual([...pattern(100)]);
    expect(far.over?.reason).toBe('closed');
    expect(rig.openSockets).toBe(0);
  });

  it('by shutdown: its FIN goes after what it wrote, and the other direction stays open', () => {
    const [probe, far] = connect();
    pull();
    probe.socket.write(pattern(100));
    expect(probe.socket.shutdown()).toBe(0);
    expect(probe.socket.shutdown()).toBe(0);
    expect(probe.socket.write(pattern(1))).toBe(failure('EPIPE'));
    advance(1000);
    expect([far.received, far.over]).toEqual([[], undefined]);
    plug();
    expect(probe.socket.write(pattern(1))).toBe(failure('EPIPE'));
    advance(1);
    expect(far.received).toEqual([...pattern(100)]);
    expect(far.over?.reason).toBe('closed');
    far.push(7);
    advance(1);
    expect(probe.readAll()).toEqual([[7], 'EAGAIN']);
  });

  it('by shutdown with nothing written: its FIN goes when the cable is back', () => {
    const [probe, far] = connect();
    pull();
    probe.socket.shutdown();
    advance(1000);
    expect(far.over).toBeUndefined();
    plug();
    advance(1);
    expect(far.over?.reason).toBe('closed');
  });

  it('by abort: its reset is lost, and the far end gets one when it speaks and the cable is back', () => {
    const [probe, far] = connect();
    pull();
    probe.abort();
    advance(1000);
    expect(far.over).toBeUndefined();
    plug();
    advance(1000);
    expect(far.over).toBeUndefined();
    far.push(1);
    advance(2);
    expect(far.over).toEqual({ atMs: now(), reason: 'ECONNRESET' });
    expect(rig.hungUps()).toEqual([[now() - 1, 'ECONNRESET']]);
  });

  it('by abort: a far end that spoke meanwhile says it again, and gets the reset as soon as the cable is back', () => {
    const [probe, far] = connect();
    pull();
    probe.abort();
    far.push(1);
    advance(1000);
    expect(far.over).toBeUndefined();
    plug();
    advance(1);
    expect(far.over?.reason).toBe('ECONNRESET');
  });
});

describe('the carrier', () => {
  it('is told at every change, and no change is told twice', () => {
    const told: [number, boolean][] = [];
    rig.hal.network.link.watch((carrier) => told.push([now(), carrier]));
    pull();
    pull();
    expect(rig.hal.network.link.carrier).toBe(false);
    advance(5);
    plug();
    plug();
    expect(rig.hal.network.link.carrier).toBe(true);
    expect(told).toEqual([[0, false], [5, true]]);
  });
});

describe('a look-up', () => {
  const names: [number, unknown][] = [];
  const ask = (name: string) => rig.hal.network.lookup(name, (result) => names.push([now(), result]));
  beforeEach(() => {
    names.length = 0;
    rig.world.names.set('server.test', ['10.0.0.2']);
  });

  it('waits for the cable; an address does not', () => {
    pull();
    ask('server.test');
    ask('10.0.0.2');
    advance(1000);
    expect(names).toEqual([[0, ['10.0.0.2']]]);
    plug();
    advance(0);
    expect(names[1]).toEqual([1000, ['10.0.0.2']]);
  });

  it('whose answer would have come while the cable was out is asked again', () => {
    ask('server.test');
    pull();
    advance(1000);
    expect(names).toEqual([]);
    plug();
    advance(0);
    expect(names).toEqual([[1000, ['10.0.0.2']]]);
  });

  it('that was cancelled is not answered, at any stage', () => {
    pull();
    const waiting = ask('server.test');
    waiting.cancel();
    plug();
    const asked = ask('server.test');
    asked.cancel();
    const lost = ask('server.test');
    pull();
    advance(0);
    lost.cancel();
    plug();
    const held = ask('server.test');
    rig.board.hang();
    advance(0);
    held.cancel();
    rig.board.unhang();
    advance(1000);
    expect(names).toEqual([]);
  });
});

it('a listening socket is refused, but not once it is closed', () => {
  const ends: string[] = [];
  const { network } = rig.hal;
  expect(network.capabilities).toMatchObject({ listen: false, datagram: true, carrier: true });
  for (const isClosed of [false, true]) {
    const listener = network.listen({ address: '0.0.0.0', port: 0 }, 1, {
      listening() {},
      incoming() {},
      ended: (reason) => ends.push(`listen ${reason}`),
    });
    expect(ends).toEqual([]);
    if (isClosed) listener.close();
    advance(0);
    expect(ends.splice(0)).toEqual(isClosed ? [] : ['listen EOPNOTSUPP']);
  }
});
