/** Reports about boxes on the way that forget idle connections: one test a report, whose address stands in it. */

import { describe, expect, it } from 'vitest';
import type { SimulatedNatOptions } from '../../../sim/link/nat-options.ts';
import { connected, type Connection, type Machine, World } from './hosts.ts';

interface Path {
  readonly world: World;
  readonly client: Machine;
  readonly server: Machine;
  /** The two ends of the connection. */
  readonly inside: Connection;
  readonly outside: Connection;
}

/** A connection through a box, over which a few bytes have gone. */
async function through(box: SimulatedNatOptions): Promise<Path> {
  const world = new World();
  const client = world.machine('client', 'linux', { nat: world.sim.addNat(box) });
  const server = world.machine('server');
  const [inside, outside] = await connected(client, server);
  inside.write(100);
  await world.run(0.5);
  outside.write(100);
  await world.run(0.5);
  expect(inside.bytes).toBe(100);
  return { world, client, server, inside, outside };
}

describe('a box that answers by RST once it has forgotten', () => {
  // https://github.com/cloudnativelabs/kube-router/issues/521
  it('IPVS, 900 s: nothing is told after 15 min, and the next write is reset; the server sees no RST', async () => {
    const { world, server, inside, outside } = await through({ idleTimeout: '900s', onExpired: 'rst' });
    await world.run(1000);
    expect(inside.reason).toBeUndefined();
    server.received.length = 0;
    inside.write(10);
    await world.run(1);
    expect(inside.reason).toBe('ECONNRESET');
    expect(outside.reason).toBeUndefined();
    expect(server.received).toEqual([]);
  });

  it.each([
    // https://github.com/kubernetes/kops/pull/6889
    // https://github.com/easzlab/kubeasz/pull/688
    ['IPVS: the kernel\'s own 7200 s of keepalive are too late, and find a reset', 7200, 'ECONNRESET'],
    ['IPVS: keepalive of less than 900 s holds it', 600, undefined],
  ] as const)('%s', async (_, idle, reason) => {
    const { world, inside } = await through({ idleTimeout: '900s', onExpired: 'rst' });
    inside.socket?.setKeepAlive({ idle, interval: 75, count: 9 });
    await world.run(7100);
    expect(inside.reason).toBeUndefined();
    await world.run(400);
    inside.write(10);
    await world.run(1);
    expect(inside.reason).toBe(reason);
  });

  it.each([
    // https://github.com/istio/istio/issues/16572
    ['NLB, 350 s: a request each 360 s is reset', 360, 'ECONNRESET'],
    ['NLB, 350 s: one each 340 s is not', 340, undefined],
  ] as const)('%s', async (_, everyS, reason) => {
    const { world, inside } = await through({ idleTimeout: '350s', onExpired: 'rst' });
    await world.run(everyS);
    inside.write(100);
    await world.run(1);
    expect(inside.reason).toBe(reason);
  });

  // https://github.com/kubernetes/ingress-nginx/issues/5695
  it('NLB: at the expiry nobody is told, the client learns at its next packet', async () => {
    const { world, client, inside } = await through({ idleTimeout: '350s', onExpired: 'rst' });
    client.received.length = 0;
    await world.run(3600);
    expect(inside.reason).toBeUndefined();
    expect(client.received).toEqual([]);
    inside.write(1);
    await world.run(1);
    expect(client.received.map(({ flags }) => flags)).toEqual(['R']);
    expect(inside.reason).toBe('ECONNRESET');
  });

  // https://github.com/encode/httpx/issues/2975
  it('AWS NAT gateway: who waits for an answer that takes longer than 350 s waits forever', async () => {
    const { world, server, inside, outside } = await through({ idleTimeout: '350s', onExpired: 'rst-inside' });
    await world.run(600);
    server.received.length = 0;
    outside.write(100);
    await world.run(1200);
    expect(inside.reason).toBeUndefined();
    expect(inside.bytes).toBe(100);
    // Only what is inside is reset: the server sends again until it gives up.
    expect(server.received).toEqual([]);
    expect(outside.reason).toBe('ETIMEDOUT');
  });

  // https://github.com/chime/terraform-aws-alternat/issues/62
  it('AWS NAT gateway: with tcp_keepalive_time 7200 a stuck reader is reset after 2 h', async () => {
    const { world, inside } = await through({ idleTimeout: '350s', onExpired: 'rst-inside' });
    inside.socket?.setKeepAlive({ idle: 7200, interval: 75, count: 9 });
    await world.run(7190);
    expect(inside.reason).toBeUndefined();
    await world.run(60);
    expect(inside.reason).toBe('ECONNRESET');
  });

  // The same report. https://ubercloud.com.au/blog/network-address-translation-part-2-the-conntrack-tool
  it('a Linux box that masquerades instead: keepalive after 2 h takes the connection up again, and it stays open', async () => {
    const { world, inside, outside } = await through({ idleTimeout: '350s', onExpired: 'picked-up' });
    inside.socket?.setKeepAlive({ idle: 7200, interval: 75, count: 9 });
    await world.run(86_400);
    expect([inside.reason, outside.reason]).toEqual([undefined, undefined]);
    inside.write(10);
    await world.run(1);
    expect(outside.bytes).toBe(110);
  });

  // https://github.com/haproxy/haproxy/issues/2135
  it('Azure load balancer, 15 min: a reused connection is reset after application data was sent on it', async () => {
    const { world, client, inside } = await through({ idleTimeout: '15m', onExpired: 'rst' });
    await world.run(1000);
    client.sent.length = 0;
    client.received.length = 0;
    inside.write(500);
    await world.run(1);
    expect(client.sent.map(({ flags }) => flags)).toEqual(['P.']);
    expect(client.received.map(({ flags }) => flags)).toEqual(['R']);
  });
});

describe('a box that resets at the expiry', () => {
  // https://github.com/cloudfoundry/diego-ssh/issues/24
  it('ELB, 400 s: when the timeout is reached, both ends are reset', async () => {
    const { world, inside, outside } = await through({ idleTimeout: '400s', onExpired: 'rst-at-expiry' });
    await world.run(398);
    expect(inside.reason).toBeUndefined();
    await world.run(3);
    expect([inside.reason, outside.reason]).toEqual(['ECONNRESET', 'ECONNRESET']);
  });
});

describe('a box that says nothing', () => {
  it.each([
    // https://github.com/alanxz/rabbitmq-c/issues/411
    ['conntrack, 24 h: a reader is not told that its entry is gone', undefined, 100],
    ['conntrack, 24 h: with keepalive the entry lives', 7200, 200],
  ] as const)('%s', async (_, idle, bytes) => {
    const { world, inside, outside } = await through({ idleTimeout: '24h' });
    if (idle !== undefined) inside.socket?.setKeepAlive({ idle, interval: 75, count: 9 });
    await world.run(86_500);
    outside.write(100);
    await world.run(600);
    expect(inside.reason).toBeUndefined();
    expect(inside.bytes).toBe(bytes);
  });

  // https://github.com/cockroachdb/cockroach/issues/13823
  it('CockroachDB: a statement on a connection that was idle blocks for 15 min, then another one serves it', async () => {
    const { world, client, server, inside } = await through({ idleTimeout: '5m' });
    await world.run(600);
    const sinceS = world.nowS;
    inside.write(100);
    await world.run(1100);
    expect(inside.reason).toBe('ETIMEDOUT');
    expect(Math.abs((inside.endedS ?? 0) - sinceS - 15 * 60)).toBeLessThan(75);
    const again = client.connect(server);
    await world.run(1);
    expect(again.connectedS).toBeDefined();
  });

  // https://github.com/npgsql/npgsql/issues/1555
  it('firewall, 30 min: the answer to a query of 2 h does not arrive; the server times out, the client waits', async () => {
    const { world, inside, outside } = await through({ idleTimeout: '30m' });
    await world.run(7200);
    outside.write(1000);
    await world.run(1100);
    expect(outside.reason).toBe('ETIMEDOUT');
    expect(inside.reason).toBeUndefined();
    expect(inside.bytes).toBe(100);
  });
});

describe('conntrack and connections of which one side has closed', () => {
  // https://github.com/kubernetes/kubernetes/issues/32551
  it.each([
    ['after 60 s the pod\'s own close does not reach the server', '60s', []],
    ['with an hour it does', '1h', ['F.']],
  ] as const)('Kubernetes: the server has closed, and %s', async (_, transitoryTimeout, received) => {
    const { world, server, inside, outside } = await through({ idleTimeout: '24h', transitoryTimeout });
    outside.socket?.shutdown();
    await world.run(70);
    server.received.length = 0;
    inside.socket?.close();
    await world.run(10);
    expect(server.received.map(({ flags }) => flags)).toEqual(received);
    expect(server.states).toEqual(received.length === 0 ? ['FIN-WAIT-2'] : ['TIME-WAIT']);
  });

  // https://github.com/linkerd/linkerd2/issues/4276
  it.each([
    ['60 s: an answer that takes longer is lost', '60s', 100],
    ['an hour: it arrives', '1h', 1100],
  ] as const)('linkerd: a request that ends with FIN, and conntrack has %s', async (_, transitoryTimeout, bytes) => {
    const { world, inside, outside } = await through({ idleTimeout: '24h', transitoryTimeout });
    inside.socket?.shutdown();
    await world.run(70);
    outside.write(1000);
    await world.run(30);
    expect(inside.bytes).toBe(bytes);
  });
});
