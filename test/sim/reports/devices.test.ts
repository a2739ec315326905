/** Reports about the stacks of devices: one test a report, whose address stands in it. */

import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { connected, World } from './hosts.ts';

/** An address that no host has, on the same local network. */
const NEIGHBOUR = '10.0.0.77';

describe('lwIP', () => {
  it.each([
    // https://github.com/espressif/arduino-esp32/issues/2348
    ['a host that is off: fails after 20 s with 113, which is newlib\'s ECONNABORTED', false, 20],
    // https://github.com/espressif/esp-idf/issues/13168
    ['a neighbour that is off: 113, and with lwIP 2.1 and later after 30 s, as a SYN that waits for ARP does not count',
      true, 30.5],
  ] as const)('ESP32: connect to %s', async (_, arp, seenS) => {
    const world = new World({ arp });
    const device = world.machine('device', 'lwip');
    const connection = device.connect(NEIGHBOUR);
    await world.run(60);
    expect(connection.reason).toBe('ECONNABORTED');
    expect(Math.abs((connection.endedS ?? 0) - seenS)).toBeLessThan(2.1);
  });

  it.each([
    // https://github.com/alejoseb/Modbus-STM32-HAL-FreeRTOS/issues/80
    ['Modbus on STM32: after 5 pulled cables nobody can connect, though ping is answered', 5],
    ['Modbus on STM32: with MEMP_NUM_TCP_PCB 10, after 10', 10],
    // https://github.com/ssilverman/QNEthernet/issues/15
    ['QNEthernet: after 7 the SYN is dropped for want of a PCB', 7],
  ])('%s', async (_, socketsMax) => {
    const world = new World();
    const server = world.machine('server', { ...PROFILES.lwip, socketsMax });
    const client = world.machine('client');
    const listening = server.listen(5000, 20);
    for (let i = 0; i < socketsMax; i++) {
      const connection = client.connect(server);
      await world.run(1);
      expect(connection.connectedS).toBeDefined();
      connection.write(12);
      await world.run(1);
      // The client gives up while the cable is out, so the server does not hear of it.
      server.device.cable.pull();
      connection.socket?.abort();
      await world.run(1);
      server.device.cable.plug();
    }
    client.received.length = 0;
    const next = client.connect(server);
    await world.run(30);
    expect(next.connectedS).toBeUndefined();
    expect(client.received).toEqual([]);
    expect(listening.accepted.map(({ reason }) => reason)).toEqual(listening.accepted.map(() => undefined));
  });
});

describe('lwIP as a server', () => {
  // https://github.com/stm32duino/LwIP/issues/9
  it('STM32Ethernet, whose connections have TCP_PRIO_MIN: the 11th ends one of the 10', async () => {
    const world = new World();
    const server = world.machine('server', { ...PROFILES.lwip, socketsMax: 10, fullTable: 'lwip-low-priority' });
    const client = world.machine('client');
    const listening = server.listen(5000, 20);
    const connections = [];
    for (let i = 0; i < 11; i++) {
      connections.push(client.connect(server));
      await world.run(1);
    }
    expect(connections.map(({ connectedS }) => connectedS !== undefined)).toEqual(connections.map(() => true));
    const reasons = connections.map(({ reason }) => reason);
    expect(reasons).toEqual(['ECONNRESET', ...reasons.slice(1).map(() => undefined)]);
    expect(listening.accepted[0]?.reason).toBe('ECONNABORTED');
  });

  // https://github.com/espressif/esp-idf/issues/8299
  // https://github.com/espressif/arduino-esp32/issues/1267
  // https://github.com/espressif/esp-idf/issues/6394
  it('ESP32: a port whose connections the device has closed can be listened on again after 120 s', async () => {
    const world = new World();
    const server = world.machine('server', 'lwip');
    const client = world.machine('client');
    const listening = server.listen();
    const connection = client.connect(server);
    await world.run(1);
    listening.last.socket?.close();
    await world.run(0.1);
    connection.socket?.close();
    listening.close();
    await world.run(1);
    expect(server.states).toEqual(['TIME-WAIT']);
    const again = server.listen();
    await world.run(110);
    expect(again.outcome).toBe('EADDRINUSE');
    await world.run(11);
    const last = server.listen();
    await world.run(1);
    expect(last.outcome).toBe('listening');
  });

  // https://github.com/micropython/micropython/issues/15844
  it('MicroPython: a client that takes the same port while the server is in TIME-WAIT gets ACKs, and no answer to its RST', async () => {
    const world = new World();
    const server = world.machine('server', 'lwip');
    const client = world.machine('client');
    const listening = server.listen();
    const connection = client.connect(server, { localPort: 40_000 });
    await world.run(1);
    listening.last.socket?.close();
    await world.run(0.1);
    connection.socket?.close();
    await world.run(1);
    // The port is free at once, because this end did not close first.
    client.sent.length = 0;
    client.received.length = 0;
    const again = client.connect(server, { localPort: 40_000 });
    await world.run(60);
    expect(again.connectedS).toBeUndefined();
    expect(new Set(client.received.map(({ flags }) => flags))).toEqual(new Set(['.']));
    expect(client.sent.slice(0, 4).map(({ flags }) => flags)).toEqual(['S', 'R', 'S', 'R']);
    expect(server.states).toEqual(['TIME-WAIT']);
    again.socket?.abort();
    await world.run(70);
    const last = client.connect(server, { localPort: 40_000 });
    await world.run(1);
    expect(last.connectedS).toBeDefined();
  });

  // https://github.com/micropython/micropython/issues/4590
  it('MicroPython: what nobody acknowledges is sent again 12 times, and is kept for more than half an hour', async () => {
    const world = new World();
    const server = world.machine('server', 'lwip');
    const client = world.machine('client');
    const [, connection] = await connected(client, server);
    client.device.power.cut();
    server.sent.length = 0;
    const sinceS = world.nowS;
    connection.write(100);
    await world.run(5000);
    expect(connection.reason).toBe('ECONNABORTED');
    expect(server.sent.filter(({ bytes }) => bytes > 0)).toHaveLength(1 + 12);
    expect((connection.endedS ?? 0) - sinceS).toBeGreaterThan(1800);
  });
});

describe('lwIP as a client that asks again and again', () => {
  it.each([
    // https://github.com/eModbus/eModbus/issues/395
    ['eModbus: about 20 min until a PLC that was unplugged is connected to again', 1, 20],
    // https://github.com/knolleary/pubsubclient/issues/712
    ['PubSubClient on ESP32, a message each 3 s: connected is true for 25 min after the broker has gone', 120, 25],
  ])('%s', async (_, delayMs, seenMin) => {
    const world = new World();
    const server = world.machine('server');
    const device = world.machine('device', 'lwip', { link: { delay: `${delayMs}ms` } });
    const [connection] = await connected(device, server);
    const ask = async (seconds: number): Promise<void> => {
      // The timer of a loop is a little late.
      for (let s = 0; s < seconds && connection.reason === undefined; s += 3.07) {
        connection.write(50);
        await world.run(3.07);
      }
    };
    // A round trip of 240 ms is none or one of the slow timer's ticks: by the last of them it is 19, 25 or 32 min.
    await ask(612);
    server.device.cable.pull();
    const sinceS = world.nowS;
    await ask(7200);
    expect(connection.reason).toBe('ECONNABORTED');
    expect(Math.abs(((connection.endedS ?? 0) - sinceS) / 60 - seenMin)).toBeLessThan(2);
  });

  // https://github.com/Mellanox/libxlio/issues/599
  it('libxlio: a connect to an address at which nobody is fails after 18 s', async () => {
    const world = new World();
    const device = world.machine('device', 'lwip');
    const connection = device.connect(NEIGHBOUR);
    await world.run(60);
    expect(Math.abs((connection.endedS ?? 0) - 18)).toBeLessThan(1);
  });

  // https://github.com/ssilverman/QNEthernet/issues/15
  it('QNEthernet: what is closed while the cable is out stays in FIN_WAIT_1, and takes a PCB, until it is given up', async () => {
    const world = new World();
    const device = world.machine('device', { ...PROFILES.lwip, socketsMax: 8 });
    const client = world.machine('client');
    const listening = device.listen(5000, 20);
    for (let i = 0; i < 8; i++) {
      client.connect(device);
      await world.run(0.5);
    }
    device.device.cable.pull();
    for (const { socket } of listening.accepted) socket?.close();
    await world.run(60);
    expect(device.states).toEqual(new Array(8).fill('FIN-WAIT-1'));
    // The clients are gone, but one that has another address.
    client.device.cable.pull();
    const other = world.machine('other');
    device.device.cable.plug();
    await world.run(1);
    const next = other.connect(device);
    await world.run(20);
    expect(next.connectedS).toBeUndefined();
    await world.run(3600);
    expect(device.states).toEqual([]);
  });
});

describe('FreeRTOS+TCP', () => {
  // https://github.com/FreeRTOS/FreeRTOS-Plus-TCP/issues/1216
  it.each([
    ['looks at its sockets each second', 1000, 14.5, 1.5],
    ['looks at them each 20 s, as is the default', 20_000, 70, 3],
  ])('with keepalive of 1 s and a stack that %s, FreeRTOS_recv ends after a pulled cable', async (_, ms, seenS, moreS) => {
    const world = new World();
    const server = world.machine('server');
    // tcpMAXIMUM_TCP_WAKEUP_TIME_MS, of which the report does not tell.
    const profile = PROFILES['freertos-tcp'];
    const { looks } = profile.keepAlive;
    if (looks === undefined) throw new Error('FreeRTOS+TCP looks');
    const device = world.machine('device', {
      ...profile,
      keepAlive: { ...profile.keepAlive, looks: { ...looks, everyMs: ms } },
    });
    const [connection] = await connected(device, server);
    connection.socket?.setKeepAlive({ idle: 1, interval: 1, count: 4 });
    await world.run(30);
    device.device.cable.pull();
    const sinceS = world.nowS;
    await world.run(120);
    expect(connection.reason).toBe('ENOTCONN');
    expect(Math.abs((connection.endedS ?? 0) - sinceS - seenS)).toBeLessThan(moreS);
  });

  // https://github.com/eclipse-zenoh/zenoh-pico/pull/1288
  it('zenoh: where a router disappears without FIN, the send buffer fills up, and no error comes', async () => {
    const world = new World();
    const server = world.machine('server');
    const device = world.machine('device', 'freertos-tcp');
    const [connection] = await connected(device, server);
    server.device.power.cut();
    for (let i = 0; i < 3600; i++) {
      connection.write(100);
      await world.run(1);
    }
    expect(connection.write(100)).toBe('EAGAIN');
    expect(connection.reason).toBeUndefined();
  });

  // https://github.com/FreeRTOS/FreeRTOS-Plus-TCP/issues/700
  it('a listener whose backlog is taken answers SYN by RST, which a client on Linux obeys', async () => {
    const world = new World();
    const server = world.machine('server', 'freertos-tcp');
    const client = world.machine('client');
    server.listen(5000, 2);
    for (let i = 0; i < 2; i++) client.connect(server);
    await world.run(1);
    const next = client.connect(server);
    await world.run(1);
    expect(next.reason).toBe('ECONNREFUSED');
  });
});

describe('FreeRTOS+TCP as a sender', () => {
  // https://github.com/FreeRTOS/FreeRTOS-Plus-TCP/pull/387
  it('sends again what a peer acknowledges after 200 ms, as its SRTT may be 50 ms', async () => {
    const world = new World();
    const server = world.machine('server', { ...PROFILES.lwip, delayedAck: { kind: 'delay', delayMs: 200 } });
    const device = world.machine('device', 'freertos-tcp');
    const [connection, far] = await connected(device, server);
    // Answers, which carry their ACKs: the SRTT falls.
    for (let i = 0; i < 100; i++) {
      connection.write(20);
      await world.run(0.005);
      far.write(20);
      await world.run(0.5);
    }
    device.sent.length = 0;
    const sinceS = world.nowS;
    connection.write(20);
    await world.run(0.5);
    const times = device.sent.filter(({ bytes }) => bytes > 0).map(({ atS }) => atS - sinceS);
    expect(times).toHaveLength(2);
    expect(times[1]).toBeGreaterThan(0.09);
    expect(times[1]).toBeLessThan(0.2);
  });
});

describe('W5500', () => {
  // https://github.com/RT-Thread-packages/wiznet/pull/72
  // https://github.com/micropython/micropython/issues/4484
  it('CLOSE without DISCON: nothing is sent, and the peer goes on waiting', async () => {
    const world = new World();
    const server = world.machine('server', 'w5500');
    const client = world.machine('client');
    const [connection, accepted] = await connected(client, server);
    server.sent.length = 0;
    accepted.socket?.abort();
    await world.run(3600);
    expect(server.sent).toEqual([]);
    expect(connection.reason).toBeUndefined();
    expect(client.states).toEqual(['ESTABLISHED']);
  });

  // https://forum.wiznet.io/t/topic/4208
  it.each([
    ['keepalive finds a peer that is off', 20, 'ETIMEDOUT'],
    ['but not before data has gone over the connection', 0, undefined],
  ] as const)('%s', async (_, bytes, reason) => {
    const world = new World();
    const server = world.machine('server');
    const device = world.machine('device', 'w5500');
    const [connection] = await connected(device, server);
    connection.socket?.setKeepAlive({ idle: 10, interval: 10, count: 1 });
    if (bytes > 0) connection.write(bytes);
    await world.run(1);
    server.device.power.cut();
    await world.run(3600);
    expect(connection.reason).toBe(reason);
  });

  // http://topic.alibabacloud.com/a/use-and-usage-of-w5500-keep-alive-xinhua-dragon-electronics_8_8_31574913.html
  it.each([
    ['a server of one socket: the FIN is lost at a pulled cable, and nobody can connect', undefined, 'ECONNREFUSED'],
    ['with keepalive the socket is free again', 5, undefined],
  ] as const)('%s', async (_, idle, reason) => {
    const world = new World();
    const server = world.machine('server', { ...PROFILES.w5500, socketsMax: 1 });
    const client = world.machine('client');
    const [connection, old] = await connected(client, server);
    if (idle !== undefined) old.socket?.setKeepAlive({ idle, interval: idle, count: 1 });
    connection.write(9);
    await world.run(0.1);
    old.write(9);
    await world.run(0.1);
    server.device.cable.pull();
    connection.socket?.close();
    await world.run(60);
    server.device.cable.plug();
    await world.run(60);
    const next = client.connect(server);
    await world.run(1);
    expect(next.reason).toBe(reason);
  });
});
