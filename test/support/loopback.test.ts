/** The loopback HAL does what the contract and TCP say, to the millisecond. */

import { describe, expect, it } from 'vitest';
import { errnoOf, failure, type Errno } from '../../hal/errno.ts';
import type { StreamHandler, StreamSocket } from '../../hal/network.ts';
import { Loopback, type LoopbackHost, type LoopbackOptions } from './loopback.ts';

/** A handler that notes what it is told, and when. */
class Notes implements StreamHandler {
  readonly told: string[] = [];
  readonly #world: Loopback;
  constructor(world: Loopback) { this.#world = world; }
  readable(): void { this.told.push(`${this.#world.now} readable`); }
  writable(): void { this.told.push(`${this.#world.now} writable`); }
  ended(reason: Errno | 'closed'): void { this.told.push(`${this.#world.now} ${reason}`); }
}

interface Pair {
  readonly world: Loopback;
  readonly device: LoopbackHost;
  readonly server: LoopbackHost;
  readonly client: StreamSocket;
  readonly clientNotes: string[];
  readonly served: StreamSocket;
  readonly servedNotes: string[];
}

/** Two hosts with one connection between them, made at 2 ms. */
function pair(options?: LoopbackOptions): Pair {
  const world = new Loopback(options);
  const device = world.host('10.0.0.1', 'dev-1');
  const server = world.host('10.0.0.2', 'server');
  const servedNotes = new Notes(world);
  const clientNotes = new Notes(world);
  let served: StreamSocket | undefined;
  const listener = server.hal.network.listen({ address: '0.0.0.0', port: 7 }, 8, {
    listening() { /* at once */ },
    incoming() { served = listener.accept(servedNotes); },
    ended(reason) { throw new Error(reason); },
  });
  const client = device.hal.network.openStream(clientNotes);
  client.connect({ address: '10.0.0.2', port: 7 });
  world.advance(2);
  if (served === undefined) throw new Error('the connection was not accepted');
  expect(clientNotes.told.splice(0)).toEqual(['2 writable']);
  return { world, device, server, client, clientNotes: clientNotes.told, served, servedNotes: servedNotes.told };
}

const bytes = (text: string) => new TextEncoder().encode(text);
function readText(socket: StreamSocket): string {
  const into = new Uint8Array(100);
  const count = socket.read(into);
  return count < 0 ? errnoOf(count) : new TextDecoder().decode(into.subarray(0, count));
}

describe('time', () => {
  it('runs what is due in order of time, then of insertion, and nothing that is not', () => {
    const world = new Loopback();
    const ran: string[] = [];
    world.at(5, () => ran.push('5 first'));
    world.at(6, () => ran.push('6'));
    world.at(5, () => ran.push('5 second'));
    world.at(2, () => { ran.push('2'); world.at(0, () => ran.push('late, so now')); });
    world.advance(5);
    expect(ran).toEqual(['2', 'late, so now', '5 first', '5 second']);
    expect(world.now).toBe(5);
    expect(world.until(() => ran.includes('6'), 1)).toBe(6);
    expect(() => world.until(() => false, 10)).toThrow('still not so after 10 ms');
  });

  it('keeps that order among many events', () => {
    const world = new Loopback();
    const { random } = world.host('10.0.0.1').hal;
    const planned = Array.from({ length: 1000 }, (_, order) => ({ atMs: random.uint32() % 50, order }));
    const ran: typeof planned = [];
    for (const event of planned) world.at(event.atMs, () => ran.push(event));
    world.advance(50);
    expect(ran).toEqual(planned.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order));
  });

  it('has one alarm, which a new one replaces, never called from within the call', () => {
    const world = new Loopback();
    const { clock } = world.host('10.0.0.1').hal;
    const rang: number[] = [];
    clock.setAlarm(10, () => rang.push(-1));
    clock.setAlarm(-5, () => { rang.push(clock.now()); clock.setAlarm(30, () => rang.push(clock.now())); });
    expect(rang).toEqual([]);
    world.advance(29);
    expect(rang).toEqual([0]);
    world.advance(1);
    expect(rang).toEqual([0, 30]);
    clock.setAlarm(40, () => rang.push(-1));
    clock.clearAlarm();
    world.advance(100);
    expect(rang).toEqual([0, 30]);
  });
});

describe('a connection', () => {
  it('carries bytes in order, in any pieces', () => {
    const { world, client, served, servedNotes } = pair();
    client.write(bytes('he'));
    client.write(bytes('llo'));
    expect(served.read(new Uint8Array(9))).toBe(failure('EAGAIN'));
    world.advance(1);
    expect(servedNotes).toEqual(['3 readable', '3 readable']);
    const into = new Uint8Array(3);
    expect(served.read(into)).toBe(3);
    expect(new TextDecoder().decode(into)).toBe('hel');
    expect(readText(served)).toBe('lo');
    expect(readText(served)).toBe('EAGAIN');
  });

  it('knows both ends', () => {
    const { client, served } = pair();
    expect(client.remote).toEqual({ address: '10.0.0.2', port: 7 });
    expect(served.local).toEqual(client.remote);
    expect(served.remote).toEqual(client.local);
  });

  it('to a port where nobody listens is refused after one round trip', () => {
    const { world, device } = pair();
    const notes = new Notes(world);
    device.hal.network.openStream(notes).connect({ address: '10.0.0.2', port: 8 });
    world.advance(2);
    expect(notes.told).toEqual(['4 ECONNREFUSED']);
  });

  it('into a black hole times out, and not before', () => {
    const { world, device } = pair({ connectTimeoutMs: 5000 });
    const notes = new Notes(world);
    device.hal.network.openStream(notes).connect({ address: '10.9.9.9', port: 7 });
    world.advance(4999);
    expect(notes.told).toEqual([]);
    world.advance(1);
    expect(notes.told).toEqual(['5002 ETIMEDOUT']);
  });

  it('beyond the backlog is turned away', () => {
    const world = new Loopback();
    const server = world.host('10.0.0.2');
    server.hal.network.listen({ address: '10.0.0.2', port: 7 }, 2, {
      listening() {
        /* - */
      },
      incoming() {
        /* leaves it waiting */
      },
      ended() {
        /* - */
      },
    });
    const outcomes = [1, 2, 3].map((n) => {
      const notes = new Notes(world);
      world.host(`10.0.1.${n}`).hal.network.openStream(notes).connect({ address: '10.0.0.2', port: 7 });
      return notes.told;
    });
    world.advance(10);
    expect(outcomes).toEqual([['2 writable'], ['2 writable'], ['2 ECONNREFUSED']]);
  });

  it('holds a writer back at the bound, and tells it when there is room again', () => {
    const { world, client, clientNotes, served } = pair({ bufferBytes: 100 });
    expect(client.write(new Uint8Array(80))).toBe(80);
    expect(client.write(new Uint8Array(80))).toBe(20);
    expect(client.write(new Uint8Array(80))).toBe(failure('EAGAIN'));
    world.advance(1000);
    expect(clientNotes).toEqual([]);
    expect(served.read(new Uint8Array(49))).toBe(49);
    world.advance(1);
    expect(clientNotes).toEqual([]);
    expect(served.read(new Uint8Array(1))).toBe(1);
    world.advance(1);
    expect(clientNotes).toEqual(['1004 writable']);
    expect(client.write(new Uint8Array(80))).toBe(50);
  });

  it('ends with FIN after all data, and the other direction stays open', () => {
    const { world, client, clientNotes, served, servedNotes } = pair();
    client.write(bytes('last words'));
    client.shutdown();
    expect(client.write(bytes('more'))).toBe(failure('EPIPE'));
    world.advance(1);
    expect(servedNotes).toEqual(['3 readable', '3 readable', '3 closed']);
    expect(readText(served)).toBe('last words');
    expect(readText(served)).toBe('');
    expect(served.write(bytes('answer'))).toBe(6);
    served.close();
    world.advance(1);
    expect(readText(client)).toBe('answer');
    expect(readText(client)).toBe('');
    expect(clientNotes).toEqual(['4 readable', '4 readable', '4 closed']);
  });

  it('aborted is a reset for the peer, who can still read what came before', () => {
    const { world, client, served, servedNotes } = pair();
    client.write(bytes('x'));
    client.abort();
    client.close();
    world.advance(1);
    expect(servedNotes).toEqual(['3 readable', '3 ECONNRESET']);
    expect(readText(served)).toBe('x');
    expect(readText(served)).toBe('ECONNRESET');
    expect(served.write(bytes('y'))).toBe(failure('ECONNRESET'));
  });

  it('closed with unread data is a reset, as a kernel does it', () => {
    const { world, client, clientNotes, served } = pair();
    client.write(bytes('never read'));
    world.advance(1);
    served.close();
    world.advance(1);
    expect(clientNotes).toEqual(['4 ECONNRESET']);
  });

  it('calls nothing back after close, not even what was on its way; bytes for it are answered with a reset', () => {
    const { world, client, clientNotes, served, servedNotes } = pair();
    served.write(bytes('on its way'));
    client.close();
    world.advance(1);
    expect(clientNotes).toEqual([]);
    expect(servedNotes).toEqual(['3 readable', '3 closed']);
    world.advance(1);
    expect(servedNotes).toHaveLength(2);
    expect(served.write(bytes('y'))).toBe(failure('ECONNRESET'));
  });
});

describe('a pulled cable', () => {
  it('is told to the near end as carrier, to the far end as nothing; what waits flows when it is back', () => {
    const { world, device, client, clientNotes, served, servedNotes } = pair();
    const carrier: string[] = [];
    device.hal.network.link.watch((up) => carrier.push(`${world.now} ${up}`));
    device.cable = 'out';
    client.write(bytes('up'));
    served.write(bytes('down'));
    world.advance(1000);
    expect(device.hal.network.link.carrier).toBe(false);
    expect([clientNotes, servedNotes]).toEqual([[], []]);
    device.cable = 'in';
    world.advance(1);
    expect(carrier).toEqual(['2 false', '1002 true']);
    expect([readText(client), readText(served)]).toEqual(['down', 'up']);
  });

  it('is found by keepalive 3 s, 3 s, 3 after 12 s, not a millisecond earlier', () => {
    const { world, device, client, served, servedNotes } = pair();
    expect(served.setKeepAlive({ idle: 3, interval: 3, count: 3 })).toBe('full');
    client.write(bytes('the last that is heard, at 3 ms'));
    world.advance(1);
    device.cable = 'out';
    world.advance(11_999);
    expect(servedNotes).toEqual(['3 readable']);
    world.advance(1);
    expect(servedNotes).toEqual(['3 readable', '12003 ETIMEDOUT']);
  });

  it('that never was is never found', () => {
    const { world, served, servedNotes } = pair();
    served.setKeepAlive({ idle: 3, interval: 3, count: 3 });
    world.advance(100_000);
    expect(servedNotes).toEqual([]);
  });

  it('put back between two probes is not noticed at all', () => {
    const { world, device, served, servedNotes } = pair();
    served.setKeepAlive({ idle: 3, interval: 3, count: 3 });
    device.cable = 'out';
    world.advance(11_900);
    device.cable = 'in';
    world.advance(100_000);
    expect(servedNotes).toEqual([]);
  });

  it('with data outstanding is found by the user timeout, and by keepalive never (RFC 1122 4.2.3.6)', () => {
    const { world, device, served, servedNotes } = pair();
    served.setKeepAlive({ idle: 3, interval: 3, count: 3 });
    served.setUserTimeout(20_000);
    device.cable = 'out';
    served.write(bytes('unacknowledged'));
    world.advance(19_999);
    expect(servedNotes).toEqual([]);
    world.advance(1);
    expect(servedNotes).toEqual(['20002 ETIMEDOUT']);
  });
});

describe('a power cut', () => {
  it('is silent, and after the next boot old connections are answered with a reset', () => {
    const { world, device, client, served, servedNotes } = pair();
    let rang = false;
    device.hal.clock.setAlarm(100, () => { rang = true; });
    device.vanish();
    client.write(bytes('from beyond'));
    client.close();
    served.write(bytes('anybody?'));
    world.advance(10_000);
    expect([servedNotes, rang]).toEqual([[], false]);
    device.boot('brown-out');
    world.advance(10_000);
    expect(servedNotes).toEqual([]);
    served.write(bytes('anybody?'));
    world.advance(2);
    expect(servedNotes).toEqual(['20004 ECONNRESET']);
  });

  it('keeps what was committed, starts the clock at 0, and tells the reason', () => {
    const world = new Loopback();
    const device = world.host('10.0.0.1');
    const first = device.hal;
    first.storage.set('kept', bytes('1'));
    expect(first.storage.commit()).toBe(0);
    first.storage.set('kept', bytes('2'));
    first.storage.set('lost', bytes('2'));
    expect(first.storage.get('kept')).toEqual(bytes('2'));
    world.advance(500);
    device.vanish();
    device.boot('brown-out');
    expect(device.hal.storage.get('kept')).toEqual(bytes('1'));
    expect(device.hal.storage.get('lost')).toBeUndefined();
    expect(device.hal.clock.now()).toBe(0);
    expect(device.hal.system.resetReason).toBe('brown-out');
  });
});

describe('the system', () => {
  it('records restarts and panics, and boots again with their reason', () => {
    const world = new Loopback();
    const device = world.host('10.0.0.1');
    const boots: string[] = [];
    device.onBoot = (hal) => boots.push(`${world.now} ${hal.system.resetReason}`);
    world.advance(10);
    device.hal.system.restart('software');
    expect(boots).toEqual([]);
    world.advance(10);
    const panic = { task: 'beat', reason: 'out of cheese', stack: '' };
    device.hal.system.panic(panic);
    world.advance(10);
    expect(boots).toEqual(['10 software', '20 panic']);
    expect(device.resets).toEqual([{ atMs: 10, reason: 'software' }, { atMs: 20, reason: 'panic', panic }]);
  });

  it('has a watchdog that bites when it was not armed again in time', () => {
    const world = new Loopback();
    const device = world.host('10.0.0.1');
    device.hal.system.armWatchdog(100);
    world.advance(99);
    device.hal.system.armWatchdog(100);
    world.advance(99);
    expect(device.resets).toEqual([]);
    world.advance(1);
    expect(device.resets).toEqual([{ atMs: 199, reason: 'watchdog' }]);
  });

  it('has random numbers that repeat with the seed and differ between devices', () => {
    const draw = (seed: number, id: string) => new Loopback({ seed }).host('10.0.0.1', id).hal.random.uint32();
    expect(draw(1, 'a')).toBe(draw(1, 'a'));
    expect(draw(1, 'a')).not.toBe(draw(2, 'a'));
    expect(draw(1, 'a')).not.toBe(draw(1, 'b'));
  });
});

describe('datagrams and names', () => {
  it('sends datagrams to the socket that is bound, and loses the rest', () => {
    const world = new Loopback();
    const [one, two] = [world.host('10.0.0.1'), world.host('10.0.0.2')];
    let count = 0;
    const receiver = two.hal.network.openDatagram(
      { address: '0.0.0.0', port: 9 },
      {
        bound() {
          /* - */
        },
        readable() {
          count++;
        },
        ended() {
          /* - */
        },
      },
    );
    const sender = one.hal.network.openDatagram(
      { address: '0.0.0.0', port: 0 },
      {
        bound() {
          /* - */
        },
        readable() {
          /* - */
        },
        ended() {
          /* - */
        },
      },
    );
    world.advance(1);
    expect(sender.sendTo(bytes('heartbeat'), { address: '10.0.0.2', port: 9 })).toBe(9);
    sender.sendTo(bytes('lost'), { address: '10.0.0.2', port: 10 });
    world.advance(1);
    const into = new Uint8Array(5);
    expect([count, receiver.receive(into), receiver.receive(into)]).toEqual([1, 5, failure('EAGAIN')]);
    expect(receiver.sender).toEqual({ address: '10.0.0.1', port: sender.local?.port });
  });

  it('looks names up from its table', () => {
    const world = new Loopback();
    const { network } = world.host('10.0.0.1').hal;
    world.names.set('server.test', ['10.0.0.2', '10.0.0.3']);
    const found: unknown[] = [];
    network.lookup('server.test', (result) => found.push(result));
    network.lookup('nobody.test', (result) => found.push(result));
    network.lookup('2001:db8::1', (result) => found.push(result));
    network.lookup('server.test', () => found.push('cancelled')).cancel();
    expect(found).toEqual([]);
    world.advance(1);
    expect(found).toEqual([['10.0.0.2', '10.0.0.3'], 'EAI_NONAME', ['2001:db8::1']]);
  });
});
