/** The echo task comes back by itself each time, leaves no socket behind, and gives back what it is sent. */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../../firmware/config.ts';
import { connected, Peer, PORT, rig, servers, SERVER, text } from '../../rig.ts';

const ECHO: FirmwareConfig = { protocol: 'echo', servers };

describe('the conversation', () => {
  it('sends the text back in upper case, in any pieces, and changes no byte but a to z', () => {
    const { world, peer } = connected(ECHO);
    world.advance(10);
    peer.last.send(text('h'));
    peer.last.send(text('el'));
    world.advance(5);
    peer.last.send(text('lo, Wörld! @[`{ 09\n'));
    world.advance(5);
    peer.last.send(Uint8Array.from({ length: 256 }, (_, i) => i));
    world.advance(10);

    const everyByte = Array.from({ length: 256 }, (_, i) => (i >= 0x61 && i <= 0x7a ? i - 32 : i));
    expect(peer.last.received).toEqual([...text('HELLO, WöRLD! @[`{ 09\n'), ...everyByte]);
  });

  it('is served when it has sent a text back', () => {
    const { world, peer, device } = connected(ECHO);
    world.advance(10);
    expect(device.all('served')).toEqual([]);
    peer.last.send(text('hello'));
    world.advance(10);
    expect(device.all('served')).toEqual([{ kind: 'served', afterMs: 0, atMs: device.last('data-sent').atMs }]);
  });

  it('loses nothing when the server reads slowly', () => {
    const { world, peer } = connected(ECHO, { bufferBytes: 100 });
    peer.reads = false;
    world.advance(5);
    const sent = Array.from({ length: 1000 }, (_, i) => 0x61 + (i % 26));
    for (let at = 0; at < sent.length; at += 50) {
      world.at(world.now + 10 + at, () => peer.last.send(sent.slice(at, at + 50)));
      world.at(world.now + 500 + at, () => peer.last.read(50));
    }
    world.advance(5000);
    expect(peer.last.received).toEqual(sent.map((byte) => byte - 32));
  });
});

describe('coming back', () => {
  it('tries again exactly 100 ms after it was refused, and leaves no socket open', () => {
    const { world, start } = rig(ECHO);
    const device = start();
    world.advance(1000);
    // One round trip of 2 ms until the refusal, then the 100 ms.
    expect(device.times('connecting')).toEqual([0, 102, 204, 306, 408, 510, 612, 714, 816, 918]);
    expect(device.times('connect-failed')).toEqual([2, 104, 206, 308, 410, 512, 614, 716, 818, 920]);
    expect(device.last('connect-failed').errno).toBe('ECONNREFUSED');
    expect(device.open.size).toBe(0);
  });

  it('comes back at once when a connection that has lasted is lost, after 100 ms when it has not', () => {
    const { world, peer, device } = connected({ ...ECHO, stableMs: 10_000 });
    // `connected` at 2 ms; the FIN needs 1 ms.
    world.advance(9_998);
    expect(world.now).toBe(10_000);
    world.at(10_000, () => peer.last.socket.close());
    world.advance(150);
    expect(device.last('lost')).toMatchObject({ by: 'closed', afterMs: 9_999, atMs: 10_001 });
    expect(device.times('connecting').at(-1)).toBe(10_101);

    const sinceMs = device.last('connected').atMs;
    world.at(sinceMs + 9_999, () => peer.last.socket.close());
    world.advance(10_000);
    expect(device.last('lost')).toMatchObject({ by: 'closed', afterMs: 10_000 });
    expect(device.times('connecting').at(-1)).toBe(device.last('lost').atMs);
  });

  it('closes its socket on every restart, and is not driven round in circles by a server that hangs up at once', () => {
    const { world, server, start } = rig(ECHO);
    const peer = new Peer(server);
    peer.onAccept = (served) => served.socket.shutdown();
    const device = start();
    world.advance(10_000);
    // 2 ms to connect, at which the FIN is there as well, and 100 ms.
    expect(peer.connections.length).toBe(99);
    expect(device.open.size).toBeLessThanOrEqual(1);
    expect(device.all('lost').every(({ by }) => by === 'closed')).toBe(true);
    // The server was told that the other end is closed as well.
    expect(peer.connections.slice(0, -1).every(({ over }) => over?.reason === 'closed')).toBe(true);
  });

  it('tells a reset from a hang-up', () => {
    const { world, peer, device } = connected(ECHO);
    world.advance(10);
    peer.last.socket.abort();
    world.advance(10);
    expect(device.last('lost').by).toBe('ECONNRESET');
  });
});

describe('cable and power', () => {
  it('sets keepalive 3/3/3: with the cable out it notices after 12 s and not before, and comes back by itself', () => {
    const { world, server, peer, device } = connected(ECHO);
    expect(device.keepAlives).toEqual([{ idle: 3, interval: 3, count: 3 }]);
    const heardMs = device.last('connected').atMs;
    device.host.cable = 'out';
    world.advance(heardMs + 11_999 - world.now);
    expect(device.all('lost')).toEqual([]);
    world.advance(1);
    expect(device.last('lost')).toMatchObject({ by: 'ETIMEDOUT', afterMs: 12_000 });
    expect(device.times('carrier')).toEqual([heardMs]);
    expect(device.open.size).toBe(1);
    expect(server.cable).toBe('in');

    world.advance(60_000);
    device.host.cable = 'in';
    world.until(() => device.all('connected').length === 2, 15_000);
    peer.last.send(text('back'));
    world.advance(10);
    expect(peer.last.received).toEqual(text('BACK'));
  });

  it('does the same with the server\'s cable, whose link state it cannot see', () => {
    const { world, server, device } = connected(ECHO);
    server.cable = 'out';
    world.advance(12_100);
    expect(device.last('lost').by).toBe('ETIMEDOUT');
    server.cable = 'in';
    world.until(() => device.all('connected').length === 2, 15_000);
    expect(device.all('carrier')).toEqual([]);
  });

  it('does not notice a cable that is back in time', () => {
    const { world, device } = connected(ECHO);
    device.host.cable = 'out';
    world.advance(11_000);
    device.host.cable = 'in';
    world.advance(60_000);
    expect(device.all('lost')).toEqual([]);
  });

  it('comes back when its power does, as a restart and not as a reconnect', () => {
    const { world, peer, device } = connected(ECHO);
    device.host.vanish();
    world.advance(5000);
    expect(device.all('lost')).toEqual([]);
    device.host.boot('power-on');
    world.until(() => device.all('connected').length === 2, 1000);
    expect(device.all('boot').map(({ boots }) => boots)).toEqual([1, 2]);
    peer.last.send(text('again'));
    world.advance(10);
    expect(peer.last.received).toEqual(text('AGAIN'));
  });

  it('finds a server that lost power after 12 s, and one that is back by its reset', () => {
    const { world, server, device } = connected(ECHO);
    server.onBoot = () => { new Peer(server); };
    server.vanish();
    world.advance(12_100);
    expect(device.last('lost').by).toBe('ETIMEDOUT');
    server.boot();
    world.until(() => device.all('connected').length === 2, 15_000);

    server.vanish();
    server.boot();
    const bootedMs = world.now;
    world.until(() => device.all('lost').length === 2, 12_000);
    // The first probe comes 3 s after the connection was made.
    expect(device.last('lost')).toMatchObject({ by: 'ECONNRESET' });
    expect(device.last('lost').atMs - bootedMs).toBeLessThanOrEqual(3002);
    world.until(() => device.all('connected').length === 3, 1000);
  });
});

describe('a port that lacks something', () => {
  it.each([
    ['none', 'keepalive 3/3/3 cannot be had: this port has no keepalive'],
    ['idle', "keepalive 3/3/3 cannot be had: this port sets the idle time only, the rest is the platform's"],
  ] as const)('says so once, not at every connection (keepalive: %s)', (keepAlive, sentence) => {
    const { world, peer, device } = connected(ECHO, {}, { keepAlive });
    for (let i = 0; i < 3; i++) {
      world.advance(200);
      peer.last.socket.close();
    }
    world.advance(200);
    expect(device.all('connected').length).toBe(4);
    expect(device.host.lines.filter((line) => line.includes('keepalive'))).toEqual([sentence]);
  });

  it('notices nothing without keepalive, and works all the same', () => {
    const { world, peer, device } = connected(
      ECHO,
      {},
      { keepAlive: 'none', halfClose: false, reset: false, userTimeout: false },
    );
    device.host.cable = 'out';
    world.advance(3_600_000);
    expect(device.all('lost')).toEqual([]);
    device.host.cable = 'in';
    peer.last.send(text('still here'));
    world.advance(10);
    expect(peer.last.received).toEqual(text('STILL HERE'));
  });

  it('reports failures as EIO if the port cannot tell reasons, and says so once', () => {
    const { world, start } = rig({ ...ECHO, userTimeoutMs: 5000 }, {}, { errorReason: false, userTimeout: false });
    const device = start();
    world.advance(500);
    expect(device.all('connect-failed').map(({ errno }) => errno)).toEqual(['EIO', 'EIO', 'EIO', 'EIO', 'EIO']);
    expect(device.host.lines).toEqual([
      'a user timeout of 5000 ms cannot be had: this port has none',
      'this port cannot tell why a connection failed: every failure is EIO',
    ]);
  });

  it('has no event but `connected` if nothing happens', () => {
    const { device } = connected(ECHO);
    expect(device.host.lines).toEqual([`connected to ${SERVER}:${PORT}`]);
  });
});
