/** The UDP heartbeat's sender beats at its period to whom it was told, whether anybody listens or not. */

import { expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../../firmware/config.ts';
import { failure } from '../../../../hal/errno.ts';
import type { Hal } from '../../../../hal/hal.ts';
import { Device, SERVER, servers } from '../../rig.ts';
import { Loopback, type LoopbackHost } from '../../../support/loopback.ts';

function config(settings: Partial<Extract<FirmwareConfig, { protocol: 'udp-heartbeat' }>> = {}): FirmwareConfig {
  return { protocol: 'udp-heartbeat', servers, ...settings };
}

/** Returns the texts that arrive at the server's port, each with its time and its sender's port. */
function receiver(world: Loopback, host: LoopbackHost): [atMs: number, text: string, port: number | undefined][] {
  const received: [number, string, number | undefined][] = [];
  const [server] = servers;
  const socket = host.hal.network.openDatagram({ address: SERVER, port: server?.port ?? 0 }, {
    bound() {},
    readable() {
      const into = new Uint8Array(100);
      for (let count = socket.receive(into); count >= 0; count = socket.receive(into)) {
        received.push([world.now, new TextDecoder().decode(into.subarray(0, count)), socket.sender?.port]);
      }
    },
    ended() {},
  });
  return received;
}

it('sends the text at once, and then every 5 s, without drift, from one port', () => {
  const world = new Loopback();
  const received = receiver(world, world.host(SERVER));
  const device = new Device(world, config());
  world.advance(3_600_000 + 10);
  const firstMs = received[0]?.[0] ?? 0;
  expect(received.slice(0, 3).map(([atMs, text]) => [atMs - firstMs, text])).toEqual([
    [0, 'heartbeat'], [5000, 'heartbeat'], [10_000, 'heartbeat'],
  ]);
  expect(received).toHaveLength(721);
  expect(new Set(received.map(([, , port]) => port)).size).toBe(1);
  expect(device.all('connected')).toHaveLength(1);
  expect(device.times('served')).toEqual(device.times('beat-sent'));
  // Nobody answers: it is assumed.
  expect(device.last('served')).not.toHaveProperty('afterMs');
});

it('numbers its beats if the setting says so, from 0 at each start', () => {
  const world = new Loopback();
  const received = receiver(world, world.host(SERVER));
  const device = new Device(world, config({ numbered: true, beatIntervalMs: 1000 }));
  world.advance(2500);
  device.host.boot();
  world.advance(1500);
  expect(received.map(([, text]) => text)).toEqual([
    'heartbeat 0', 'heartbeat 1', 'heartbeat 2', 'heartbeat 0', 'heartbeat 1',
  ]);
});

it('does not notice that no server is there', () => {
  const world = new Loopback();
  world.host(SERVER);
  const device = new Device(world, config());
  world.advance(59_000);
  expect(device.all('beat-sent')).toHaveLength(12);
  expect(device.all('lost')).toEqual([]);
});

it('reports an error of its own network, and tries the next server', () => {
  const world = new Loopback();
  const refusing = (hal: Hal): Hal => ({
    ...hal,
    network: {
      ...hal.network,
      openDatagram(local, handler) {
        const socket = hal.network.openDatagram(local, handler);
        return Object.assign(socket, { sendTo: () => failure('ENETUNREACH') });
      },
    },
  });
  const device = new Device(world, config({
    servers: [...servers, { host: '10.0.0.3', port: 1 }], retry: { fixedMs: 1000 },
  }), {}, refusing);
  world.advance(3000);
  expect(device.all('lost').slice(0, 2)).toMatchObject([
    { server: '10.0.0.2:39002', by: 'ENETUNREACH' }, { server: '10.0.0.3:1', by: 'ENETUNREACH' },
  ]);
  expect(device.all('beat-sent')).toEqual([]);
});

it('reports a name that cannot be looked up', () => {
  const world = new Loopback();
  const nowhere = [{ host: 'nowhere.example', port: 1 }];
  const device = new Device(world, config({ servers: nowhere, retry: { fixedMs: 500 } }));
  world.advance(1200);
  expect(device.all('connect-failed').length).toBeGreaterThanOrEqual(2);
  expect(device.last('connect-failed')).toMatchObject({ errno: 'EAI_NONAME' });
});
