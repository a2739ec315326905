/**
 * Reports about Linux when a peer was dead, gone, or not there: one test a report, whose address stands in it. The
 * table is README.md.
 */

import { describe, expect, it } from 'vitest';
import { blackhole } from '../../../sim/link/rules/blackhole.ts';
import { mtuBlackhole } from '../../../sim/link/rules/mtu-blackhole.ts';
import { connected, linux, World } from './hosts.ts';

const NOWHERE = '10.99.0.1';

describe('a connect that nobody answers', () => {
  // https://blog.cloudflare.com/when-tcp-sockets-refuse-to-die/
  it('sends SYN again after 1, 3, 7, 15, 31 and 64 s, and is ETIMEDOUT after 130 s (before Linux 6.5)', async () => {
    const client = new World().machine('client', linux({ synLinearTimeouts: 0 }));
    const connection = client.connect(NOWHERE);
    await client.world.run(140);
    const seenS = [0, 1.028, 3.044, 7.236, 15.427, 31.56, 64.324];
    expect(client.sent.map(({ flags }) => flags)).toEqual(seenS.map(() => 'S'));
    // A timer is late by up to an eighth of what it is set for.
    client.sent.forEach(({ atS }, i) => expect(Math.abs(atS - (seenS[i] ?? 0))).toBeLessThanOrEqual(atS / 16));
    expect(connection.reason).toBe('ETIMEDOUT');
    expect(Math.abs((connection.endedS ?? 0) - 130)).toBeLessThan(4);
  });

  // https://github.com/SciQLop/speasy/pull/344
  it('is ETIMEDOUT after 135.5 s, give or take the lateness of timers (Linux 6.5 and later)', async () => {
    const client = new World().machine('client');
    const connection = client.connect(NOWHERE);
    await client.world.run(200);
    expect(connection.reason).toBe('ETIMEDOUT');
    expect(Math.abs((connection.endedS ?? 0) - 135.5)).toBeLessThan(5);
  });

  // https://github.com/cloudnative-pg/cloudnative-pg/issues/6398
  it('takes longer than the 120 s of a test that waits for a reconnect', async () => {
    const client = new World().machine('client', linux({ synLinearTimeouts: 0 }));
    const connection = client.connect(NOWHERE);
    await client.world.run(126.9);
    expect(connection.reason).toBeUndefined();
    await client.world.run(10);
    expect(connection.reason).toBe('ETIMEDOUT');
  });
});

describe('a peer that is gone without a word', () => {
  it.each([
    // https://github.com/redis/ioredis/issues/559
    // https://github.com/redis/ioredis/issues/1932
    ['ioredis: 15 min until the connection of a dead master is given up', 15 * 60],
    // https://github.com/grpc/grpc-java/issues/7587
    // https://github.com/istio/istio/issues/33466
    ['gRPC: 15 min of failing calls after a node is gone', 15 * 60],
    // https://github.com/grpc/grpc-go/issues/7542
    ['gRPC: calls go through again after about 1000 s', 1000],
  ])('%s', async (_, seenS) => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const [connection] = await connected(client, server);
    server.device.power.cut();
    const sinceS = world.nowS;
    connection.write(60);
    await world.run(1100);
    expect(connection.reason).toBe('ETIMEDOUT');
    const afterS = (connection.endedS ?? 0) - sinceS;
    expect(afterS).toBeGreaterThanOrEqual(924.6);
    expect(Math.abs(afterS - seenS)).toBeLessThan(seenS / 12);
  });

  // https://github.com/pgbouncer/pgbouncer/issues/138
  it('pgbouncer: TCP keepalive does not end a connection with unacknowledged data; tcp_retries2 does', async () => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    connection.socket?.setKeepAlive({ idle: 10, interval: 5, count: 3 });
    client.device.cable.pull();
    connection.write(60);
    await world.run(900);
    expect(connection.reason).toBeUndefined();
    await world.run(200);
    expect(connection.reason).toBe('ETIMEDOUT');
  });

  // https://github.com/mqttjs/MQTT.js/issues/661
  it('MQTT.js: without keepalive no end is reported for 20 min, with any tcp_keepalive_time', async () => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    client.device.cable.pull();
    await world.run(1200);
    expect(connection.reason).toBeUndefined();
  });

  // https://github.com/kubernetes/kubernetes/issues/47201
  it('Kubernetes: connections to a master whose VM has disappeared stay ESTABLISHED', async () => {
    const world = new World();
    const server = world.machine('server');
    const client = world.machine('client');
    const [connection] = await connected(client, server);
    server.device.power.cut();
    await world.run(86_400);
    expect(connection.reason).toBeUndefined();
    expect(client.states).toEqual(['ESTABLISHED']);
  });

  // https://github.com/nodejs/node-v0.x-archive/issues/21079
  it('Node: setKeepAlive(true, 10000) asks after 10 s, and every 10 s while it is answered', async () => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    connection.socket?.setKeepAlive({ idle: 10, interval: 1, count: 10 });
    const sinceS = world.nowS;
    client.sent.length = 0;
    await world.run(35);
    const times = client.sent.map(({ atS }) => atS - sinceS);
    expect(times).toHaveLength(3);
    times.forEach((atS, i) => expect(Math.abs(atS - 10 * (i + 1))).toBeLessThan(1));
  });
});

describe('TCP_USER_TIMEOUT', () => {
  it.each([
    // https://github.com/FreeRDP/FreeRDP/pull/3015
    ['FreeRDP: of 4 s, with keepalive 5/2/3, ends a connection that has lost one probe', 4000, 'ETIMEDOUT'],
    ['FreeRDP: of 9 s does not', 9000, undefined],
  ] as const)('%s', async (_, userTimeoutMs, reason) => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    connection.socket?.setKeepAlive({ idle: 5, interval: 2, count: 3 });
    connection.socket?.setUserTimeout(userTimeoutMs);
    client.sent.length = 0;
    while (client.sent.length === 0) await world.run(0.01);
    await world.run(4.5);
    const undo = world.sim.cable('client').install('tx', blackhole());
    while (client.sent.length === 1) await world.run(0.01);
    undo();
    await world.run(60);
    expect(connection.reason).toBe(reason);
  });

  it.each([
    // https://github.com/grobian/carbon-c-relay/pull/284
    ['carbon-c-relay: without it, unacknowledged data is sent again for about 15 min', 0, 924, 1000],
    ['carbon-c-relay: of 10 s ends it after 10 s', 10_000, 10, 12],
  ])('%s', async (_, userTimeoutMs, fromS, toS) => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    connection.socket?.setUserTimeout(userTimeoutMs);
    client.device.cable.pull();
    const sinceS = world.nowS;
    connection.write(100);
    await world.run(1100);
    expect(connection.reason).toBe('ETIMEDOUT');
    expect((connection.endedS ?? 0) - sinceS).toBeGreaterThan(fromS);
    expect((connection.endedS ?? 0) - sinceS).toBeLessThan(toS);
  });
});

describe('a living peer', () => {
  // https://github.com/zonyitoo/memcached-rs/pull/7
  it.each([
    ['memcached: the second of two small writes waits 40 ms for a delayed ACK', false, 0.04],
    ['memcached: with TCP_NODELAY it does not', true, 0],
  ])('%s', async (_, noDelay, seenS) => {
    const world = new World();
    const client = world.machine('client');
    const [connection, answers] = await connected(client, world.machine('server'));
    connection.socket?.setNoDelay(noDelay);
    for (let i = 0; i < 20; i++) {
      connection.write(30);
      await world.run(0.005);
      answers.write(30);
      await world.run(0.1);
    }
    client.sent.length = 0;
    connection.write(30);
    connection.write(8);
    await world.run(1);
    const [first, second] = client.sent.filter(({ bytes }) => bytes > 0);
    expect(second?.bytes).toBe(8);
    expect(Math.abs((second?.atS ?? 0) - (first?.atS ?? 0) - seenS)).toBeLessThan(0.008);
  });

  // https://github.com/oven-sh/bun/issues/27351
  // https://github.com/pypi/support/issues/75
  it('behind a path that drops what is larger than 1450 bytes: connects, asks, and waits for the answer forever', async () => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    world.sim.cable('server').install('tx', mtuBlackhole(1450));
    const [connection, answers] = await connected(client, server);
    connection.write(517);
    await world.run(1);
    expect(answers.bytes).toBe(517);
    answers.write(4096);
    await world.run(600);
    expect(connection.bytes).toBe(0);
    expect(connection.reason).toBeUndefined();
    await world.run(600);
    expect(answers.reason).toBe('ETIMEDOUT');
    expect(connection.reason).toBeUndefined();
  });
});

describe('keepalive', () => {
  // https://github.com/ray-project/ray/pull/65424
  it('Ray: of 30 s with 9 probes declares a dead peer after 300 s', async () => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const [connection] = await connected(client, server);
    connection.socket?.setKeepAlive({ idle: 30, interval: 30, count: 9 });
    server.device.power.cut();
    const sinceS = world.nowS;
    await world.run(400);
    expect(connection.reason).toBe('ETIMEDOUT');
    expect(Math.abs((connection.endedS ?? 0) - sinceS - 300)).toBeLessThan(20);
  });
});

describe('after a close', () => {
  // https://github.com/farhadi/node-smpp/issues/205
  it('node-smpp: FIN_WAIT2 of a socket that its program still has is not ended by tcp_fin_timeout', async () => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    connection.socket?.shutdown();
    await world.run(3600);
    expect(client.states).toEqual(['FIN-WAIT-2']);
  });

  // https://github.com/tinyproxy/tinyproxy/pull/600
  it('tinyproxy: FIN_WAIT2 of a closed socket is over after 60 s', async () => {
    const world = new World();
    const client = world.machine('client');
    const [connection] = await connected(client, world.machine('server'));
    connection.socket?.close();
    await world.run(59);
    expect(client.states).toEqual(['FIN-WAIT-2']);
    await world.run(6);
    expect(client.states).toEqual([]);
  });

  // https://github.com/redis/ioredis/pull/1318
  it('ioredis: the end of a socket to a paused container does not come, for its kernel acknowledges', async () => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const [connection] = await connected(client, server);
    server.device.hang();
    connection.write(20);
    connection.socket?.shutdown();
    await world.run(7200);
    expect(connection.reason).toBeUndefined();
    expect(client.states).toEqual(['FIN-WAIT-2']);
  });
});

describe('a client that crashed', () => {
  // https://github.com/nicolasff/webdis/issues/54
  it('webdis: the connection is ESTABLISHED for 20 h, and nothing is sent', async () => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const [connection, accepted] = await connected(client, server);
    connection.write(256);
    await world.run(0.2);
    accepted.write(266);
    await world.run(1);
    client.device.power.cut();
    server.sent.length = 0;
    await world.run(20 * 3600);
    expect(server.states).toEqual(['ESTABLISHED']);
    expect(server.sent).toEqual([]);
  });
});

describe('a client that was power-cycled', () => {
  // https://github.com/zephyrproject-rtos/zephyr/issues/63966
  it('takes the same port: the old ACK is answered by RST, and the next SYN is accepted', async () => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const listening = server.listen();
    client.connect(server, { localPort: 40_000 });
    await world.run(5);
    client.device.power.cut();
    await world.run(5);
    client.device.power.restore();
    client.sent.length = 0;
    client.received.length = 0;
    const again = client.connect(server, { localPort: 40_000 });
    await world.run(3);
    expect(client.sent.map(({ flags }) => flags)).toEqual(['S', 'R', 'S', '.']);
    expect(client.received.map(({ flags }) => flags)).toEqual(['.', 'S.']);
    expect(again.connectedS).toBeDefined();
    expect(listening.accepted.map(({ reason }) => reason)).toEqual(['ECONNRESET', undefined]);
  });

  // The same report, its second capture.
  it('takes another port: the keepalive of the old connection is answered by RST', async () => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const [, old] = await connected(client, server);
    old.socket?.setKeepAlive({ idle: 30, interval: 5, count: 3 });
    client.device.power.cut();
    await world.run(5);
    client.device.power.restore();
    const again = client.connect(server);
    await world.run(1);
    expect(again.connectedS).toBeDefined();
    expect(old.reason).toBeUndefined();
    await world.run(30);
    expect(old.reason).toBe('ECONNRESET');
  });
});

describe('a server that closes what is idle', () => {
  // https://github.com/nodejs/node/issues/17749
  it.each([
    ['node: mostly FIN is answered by FIN', false, ['F.', '.'], ['.', 'F.']],
    ['node: a request that crosses it is answered by RST', true, ['F.', 'R', 'R'], ['P.', '.']],
  ] as const)('%s', async (_, crosses, fromServer, fromClient) => {
    const world = new World();
    const client = world.machine('client');
    const server = world.machine('server');
    const [connection, accepted] = await connected(client, server);
    connection.write(1000);
    await world.run(0.1);
    accepted.write(200);
    await world.run(5);
    server.sent.length = 0;
    client.sent.length = 0;
    accepted.socket?.close();
    if (crosses) connection.write(1000);
    await world.run(0.02);
    connection.socket?.close();
    await world.run(1);
    const flagsOf = (seen: readonly { flags: string }[]): string[] => seen.map(({ flags }) => flags);
    expect(flagsOf(server.sent)).toEqual(fromServer);
    expect(flagsOf(client.sent)).toEqual(fromClient);
  });
});
