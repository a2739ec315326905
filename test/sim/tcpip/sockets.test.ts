/** The HAL's sockets on this stack, beyond what every port must do (hal/conformance). */

import { describe, expect, it } from 'vitest';
import type { ListeningSocket } from '../../../hal/network.ts';
import { Rig } from './rig.ts';

describe('options', () => {
  const impossible = [
    { idle: 0, interval: 1, count: 1 },
    { idle: 1, interval: 1.5, count: 1 },
    { idle: 1, interval: 1, count: 128 },
  ];

  it.each(impossible)('keepalive that cannot be is refused before the connection as after it: %o', (keepAlive) => {
    const rig = new Rig('linux');
    const user = rig.connected(undefined, (socket) => {
      expect(socket.setKeepAlive({ idle: 3, interval: 3, count: 3 })).toBe('full');
      expect(socket.setKeepAlive(keepAlive)).toBe('none');
    });
    expect(user.socket?.setKeepAlive(keepAlive)).toBe('none');
    // The earlier keepalive setting still holds.
    rig.run(4000);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
  });

  it('keepalive that was set and turned off before the connection is off', () => {
    const rig = new Rig('linux');
    rig.connected(undefined, (socket) => {
      socket.setKeepAlive({ idle: 3, interval: 3, count: 3 });
      expect(socket.setKeepAlive('off')).toBe('full');
    });
    rig.run(60_000);
    expect(rig.sent()).toEqual([]);
  });

  it('a user timeout is 2^31 - 1 ms at most', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    expect(user.socket?.setUserTimeout(2 ** 31)).toBe(false);
    expect(user.socket?.setUserTimeout(2 ** 31 - 1)).toBe(true);
    user.write(1);
    rig.run(600_000);
    expect(user.told).toEqual([]);
  });
});

describe('a port', () => {
  function listenOn(rig: Rig, port: number): { listener: ListeningSocket; told: string[] } {
    const told: string[] = [];
    const listener: ListeningSocket = rig.network.listen({ address: '0.0.0.0', port }, 4, {
      listening: () => told.push('listening'),
      incoming: () => void listener.accept({ readable() {}, writable() {}, ended() {} }),
      ended: (reason) => told.push(reason),
    });
    rig.run(0);
    return { listener, told };
  }

  it('can be listened on again while connections live that were accepted there', () => {
    const rig = new Rig('linux');
    const port = 39_002;
    const { listener } = listenOn(rig, port);
    rig.peer('S 0', { destinationPort: port });
    rig.peer('. 1 ack 1', { destinationPort: port });
    listener.close();
    expect(rig.state).toBe('ESTABLISHED');
    expect(listenOn(rig, port).told).toEqual(['listening']);
  });

  it('cannot be listened on while a connection has it that was opened from here', () => {
    const rig = new Rig('linux');
    const port = rig.connected().socket?.local?.port ?? 0;
    expect(listenOn(rig, port).told).toEqual(['EADDRINUSE']);
  });
});

describe('the carrier', () => {
  it('while the firmware hangs, one interrupt waits, after any number of changes, for the handler of that time', () => {
    const rig = new Rig('linux');
    const told: string[] = [];
    rig.network.link.watch((carrier) => told.push(`first ${carrier}`));
    rig.link.pull();
    expect(told).toEqual(['first false']);
    rig.interrupts.hold();
    for (let times = 0; times < 5; times++) {
      rig.link.plug();
      rig.link.pull();
    }
    rig.network.link.watch((carrier) => told.push(`second ${carrier}`));
    rig.interrupts.release();
    expect(told).toEqual(['first false', 'second false']);
  });
});
