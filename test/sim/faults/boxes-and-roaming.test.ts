/**
 * Boxes on the way that reset connections, or drop large packets; stacks that do not answer probes; and hosts that
 * change their address.
 */

import { describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import type { ProfileName } from '../../../sim/tcpip/profile.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

interface Options {
  readonly beatMs?: number;
  readonly profile?: ProfileName;
  readonly nat?: 'rst-at-expiry';
  readonly keepAlive?: { readonly idle: number; readonly interval: number; readonly count: number };
  readonly dataBytes?: number;
}

interface World {
  readonly sim: Simulation;
  readonly device: ReturnType<Simulation['addDevice']>;
  readonly of: (kind: TraceEvent['kind']) => TraceEvent[];
}

function world({ beatMs = 10_000, profile = 'linux', nat, keepAlive, dataBytes = 0 }: Options = {}): World {
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed: 1, onTrace: (event) => trace.push(event) });
  sim.addServer(referenceServer({ liveness: { policy: 'none' }, ...(keepAlive && { keepAlive }) }));
  const box = nat && sim.addNat({ idleTimeout: '5s', onExpired: nat });
  const data = dataBytes === 0 ? {} : { dataIntervalMs: 1000, dataBytes };
  const device = sim.addDevice({
    ...(box && { nat: box }),
    profile,
    firmware: heartbeatFirmware({ beatIntervalMs: beatMs, missedLimit: 3, ...data }),
    link: { delay: '20ms' },
  });
  return { sim, device, of: (kind) => trace.filter((event) => event.kind === kind) };
}

/** The last beat is at 0 s, and its answer arrives 40 ms later. */
const EXPIRY_MS = 5040;

describe("a box that resets both ends when a connection has been idle, as Azure's load balancer", () => {
  it.each(['NAT box', 'fault'])('%s: both ends learn of it at that time, and not at the next beat', async (way) => {
    const { sim, of } = world(way === 'fault' ? {} : { nat: 'rst-at-expiry' });
    if (way === 'fault') sim.schedule('idle-reset 5s on dev-1 at 20ms for 9s');
    await sim.runFor('9s');
    expect(of('forgotten')).toHaveLength(1);
    const [lost] = of('lost');
    const [offline] = of('offline');
    expect(lost).toMatchObject({ by: 'ECONNRESET' });
    expect(offline).toMatchObject({ reason: { kind: 'error', errno: 'ECONNRESET' } });
    for (const event of [lost, offline]) {
      expect(event?.atMs).toBeGreaterThan(EXPIRY_MS - 100);
      expect(event?.atMs).toBeLessThan(EXPIRY_MS + 200);
    }
  });

  it('the server learns of it although the device has no power any more', async () => {
    const { sim, device, of } = world();
    sim.schedule('idle-reset 5s on dev-1 at 20ms for 9s');
    await sim.runFor('1s');
    device.power.cut();
    await sim.runFor('8s');
    expect(of('offline')).toMatchObject([{ reason: { kind: 'error', errno: 'ECONNRESET' } }]);
  });

  it('leaves a device alone that beats more often', async () => {
    const { sim, of } = world({ beatMs: 2000 });
    sim.schedule('idle-reset 5s on dev-1 at 1s for 1m');
    await sim.runFor('2m');
    expect(of('lost')).toEqual([]);
  });
});

it('mtu-blackhole: larger packets are lost, and small beats pass until the stack has something to retransmit', async () => {
  const { sim, of } = world({ beatMs: 1000, dataBytes: 900 });
  await sim.runFor('10s');
  expect(sim.fabric.drops['too-big']).toBe(0);
  sim.schedule('mtu-blackhole 500 on dev-1 at 10s for 30s');
  await sim.runFor('2s');
  const dropped = sim.fabric.drops['too-big'];
  expect(dropped).toBeGreaterThan(0);
  await sim.runFor('1m');
  // The device does not learn the MTU, so it sent the same segment again.
  expect(sim.fabric.drops['too-big']).toBeGreaterThan(dropped);
  expect(of('healed')).toHaveLength(1);
  expect(of('served').at(-1)?.atMs).toBeGreaterThan(sim.nowMs - 5000);
});

describe('a stack that does not answer probes without data (RFC 1122 4.2.3.6)', () => {
  const keepAlive = { idle: 3, interval: 3, count: 3 };

  it('is dropped by keepalive, although it is well', async () => {
    const { sim, of } = world({ beatMs: 60_000, keepAlive });
    await sim.runFor('30s');
    expect(of('offline')).toEqual([]);
    sim.schedule('deaf-to-probes on dev-1 at 30s for 20s');
    await sim.runFor('20s');
    expect(of('offline')).toMatchObject([{ reason: { kind: 'error', errno: 'ETIMEDOUT' } }]);
  });

  it('answers data, so that beats keep its connection', async () => {
    const { sim, of } = world({ beatMs: 2000, keepAlive });
    sim.schedule('deaf-to-probes on dev-1 at 5s for 1m');
    await sim.runFor('1m');
    expect(of('offline')).toEqual([]);
  });
});

describe('a device that roams', () => {
  it('linux: the old connection is mute and a ghost, and the device comes back from another address', async () => {
    const { sim, device, of } = world({ beatMs: 1000 });
    await sim.runFor('10s');
    device.interface.changeAddress();
    await sim.runFor('30s');
    expect(of('fault')).toMatchObject([{ fault: 'roam', host: 'dev-1' }]);
    expect(of('lost')).toMatchObject([{ by: 'missed-beats' }]);
    const peers = of('online').map((event) => ('peer' in event ? event.peer : undefined));
    expect(peers).toMatchObject([{ address: '10.0.0.2' }, { address: '10.0.0.3' }]);
    // The server has not learned that the first connection is over.
    const ghosts = sim.netstat().filter(({ host, remote }) => host === 'server' && remote.address === '10.0.0.2');
    expect(ghosts.map(({ state }) => state)).toEqual(['ESTABLISHED']);
  });

  it.each([
    // core/tcp.c, tcp_netif_ip_addr_changed: ERR_ABRT.
    ['lwip', 'ECONNABORTED', 10],
    // FreeRTOS_TCP_Transmission_IPv4.c: the device continues from its new address, from which the server knows no
    // connection.
    ['freertos-tcp', 'ENOTCONN', 1100],
    ['w5500', 'ECONNRESET', 1100],
  ] as const)('%s: is told %s within %i ms', async (profile, errno, withinMs) => {
    const { sim, device, of } = world({ beatMs: 1000, profile });
    await sim.runFor('10s');
    device.interface.changeAddress();
    await sim.runFor('5s');
    expect(of('lost')).toMatchObject([{ by: errno }]);
    expect(of('lost')[0]?.atMs).toBeLessThan(10_000 + withinMs);
    expect(of('online')).toHaveLength(2);
    expect(sim.netstat().filter(({ host }) => host === 'server')).toHaveLength(2);
  });

  it('behind a NAT box, has another connection in the box, too', async () => {
    const trace: TraceEvent[] = [];
    const sim = new Simulation({ seed: 1, onTrace: (event) => trace.push(event) });
    sim.addServer(referenceServer());
    const nat = sim.addNat({});
    sim.addDevice({ nat, firmware: heartbeatFirmware({ beatIntervalMs: 1000, missedLimit: 3 }) });
    sim.schedule('roam on dev-1 at 10s every 30s');
    await sim.runFor('100s');
    expect(trace.filter(({ kind }) => kind === 'online')).toHaveLength(4);
  });

  it('a server keeps its name, so devices find it again', async () => {
    const { sim, of } = world({ beatMs: 1000 });
    sim.schedule('roam on server at 10s');
    await sim.runFor('1m');
    expect(of('online')).toHaveLength(2);
    expect(of('served').at(-1)?.atMs).toBeGreaterThan(55_000);
  });
});
