/** The MQTT client: what it sends and when, and how it reacts to a broker, byte by byte. */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../../firmware/index.ts';
import { MqttDecoder } from '../../../../firmware/protocols/mqtt/decoder.ts';
import { encode } from '../../../../firmware/protocols/mqtt/encode.ts';
import type { Packet, PublishPacket, Version } from '../../../../firmware/protocols/mqtt/packet.ts';
import type { LoopbackOptions } from '../../../support/loopback.ts';
import { Seeded } from '../../../support/seeded.ts';
import { Peer, rig, type Served, servers } from '../../rig.ts';

type Config = Omit<Extract<FirmwareConfig, { readonly protocol: 'mqtt' }>, 'protocol' | 'servers'>;

/**
 * A device, and a broker by hand: `answer` says what it says to each packet; undefined is CONNACK, PINGRESP and PUBACK.
 */
function talk(
  config: Config, answer?: (packet: Packet, served: Served) => readonly Packet[] | undefined, options?: LoopbackOptions,
) {
  const version: Version = config.version === '5.0' ? 5 : 4;
  const { world, server, start } = rig({ protocol: 'mqtt', servers, ...config }, options);
  const peer = new Peer(server);
  const heard: Packet[] = [];
  const decoders = new Map<Served, MqttDecoder>();
  peer.onBytes = (bytes, served) => {
    const decoder = decoders.get(served) ?? new MqttDecoder('server', version, 100_000);
    decoders.set(served, decoder);
    const refusal = decoder.decode(Uint8Array.from(bytes), (packet) => {
      heard.push(packet);
      for (const reply of answer?.(packet, served) ?? usual(packet)) served.send(encode(reply, version));
    });
    if (refusal !== undefined) throw new Error(refusal.reason);
  };
  const device = start();
  const of = <T extends Packet['type']>(type: T) =>
    heard.filter((packet): packet is Packet & { readonly type: T } => packet.type === type);
  return { world, peer, device, heard, of };
}

function usual(packet: Packet): readonly Packet[] {
  switch (packet.type) {
    case 'CONNECT': return [{ type: 'CONNACK', sessionPresent: !packet.cleanStart, reasonCode: 0, properties: {} }];
    case 'PINGREQ': return [{ type: 'PINGRESP' }];
    case 'PUBLISH': return packet.qos === 0 ? [] : [{
      type: packet.qos === 1 ? 'PUBACK' : 'PUBREC', packetId: packet.packetId, reasonCode: 0, properties: {},
    }];
    case 'PUBREL': return [{ type: 'PUBCOMP', packetId: packet.packetId, reasonCode: 0, properties: {} }];
    default: return [];
  }
}

const connack = (fields: Partial<Extract<Packet, { type: 'CONNACK' }>> = {}): Packet =>
  ({ type: 'CONNACK', sessionPresent: false, reasonCode: 0, properties: {}, ...fields });

describe('CONNECT', () => {
  it("has the client's name, its keep alive, its will, and its login", () => {
    const { world, of } = talk({
      version: '5.0', keepAliveS: 17, username: 'u', password: 'p', sessionExpiryS: 99,
      will: { topic: 'gone/%c', text: 'x', qos: 2, retain: true, delayS: 4 },
    });
    world.advance(100);
    expect(of('CONNECT')).toMatchObject([{
      clientId: 'dev-1', cleanStart: true, keepAliveSeconds: 17, username: 'u', password: new TextEncoder().encode('p'),
      properties: { sessionExpiryInterval: 99, receiveMaximum: 20 },
      will: { topic: 'gone/dev-1', qos: 2, retain: true, properties: { willDelayInterval: 4 } },
    }]);
  });

  it('asks for a clean session after each start, and for the kept session after each loss', () => {
    const { world, peer, of, device } = talk({});
    world.advance(1000);
    peer.last.socket.close();
    world.advance(20_000);
    device.host.vanish();
    device.host.boot();
    world.advance(20_000);
    expect(of('CONNECT').map(({ cleanStart }) => cleanStart)).toEqual([true, false, true]);
  });

  it('is given up without CONNACK within 10 s', () => {
    const { world, device } = talk({}, () => []);
    world.advance(9_000);
    expect(device.all('lost')).toEqual([]);
    world.advance(1_100);
    expect(device.all('lost')).toMatchObject([{ by: 'no-answer', detail: 'no CONNACK within 10000 ms' }]);
    expect(device.all('served')).toEqual([]);
  });

  it.each([
    ['3.1.1', 5, 'CONNACK: not authorized (0x05)'],
    ['5.0', 0x87, 'CONNACK: not authorized (0x87)'],
  ] as const)('%s: a refusal is reported with its reason', (version, reasonCode, detail) => {
    const { world, device } = talk({ version }, () => [connack({ reasonCode })]);
    world.advance(100);
    expect(device.all('lost')[0]).toMatchObject({ by: 'refused', detail });
  });

  it('a session that the client does not know ends the connection', () => {
    const { world, device } = talk({ version: '5.0' }, () => [connack({ sessionPresent: true })]);
    world.advance(100);
    expect(device.all('lost')[0]?.detail).toContain('session present');
  });
});

describe('keep alive', () => {
  it('PINGREQ every 60 s when nothing else is sent, and PINGRESP shows service', () => {
    const { world, of, device } = talk({ subscribe: '' });
    world.advance(3_600_500);
    expect(of('PINGREQ').length).toBe(60);
    // CONNACK is one, too.
    expect(device.all('served').length).toBe(61);
    expect(device.all('lost')).toEqual([]);
  });

  it("5.0: the server's keep alive is used in place of its own", () => {
    const { world, of } = talk({ version: '5.0', subscribe: '' }, (packet) => (
      packet.type === 'CONNECT' ? [connack({ properties: { serverKeepAlive: 7 } })] : undefined
    ));
    world.advance(70_500);
    expect(of('PINGREQ').length).toBe(10);
  });

  it('0 is off', () => {
    const { world, of } = talk({ keepAliveS: 0 });
    world.advance(86_400_000);
    expect(of('PINGREQ')).toEqual([]);
  });

  it('without PINGRESP it gives up after K / 2 more', () => {
    const deaf = (packet: Packet): [] | undefined => (packet.type === 'PINGREQ' ? [] : undefined);
    const { world, device } = talk({ keepAliveS: 10, subscribe: '' }, deaf);
    world.advance(14_900);
    expect(device.all('lost')).toEqual([]);
    world.advance(200);
    expect(device.all('lost')).toMatchObject([{ by: 'missed-beats', detail: 'no PINGRESP within 5000 ms (spec)' }]);
  });
});

describe('messages', () => {
  it('5.0: no more messages are in flight than the server takes at once', () => {
    const { world, of } = talk({ version: '5.0', publishIntervalMs: 10, publishQos: 1 }, (packet) => {
      if (packet.type === 'CONNECT') return [connack({ properties: { receiveMaximum: 3 } })];
      return packet.type === 'PUBLISH' ? [] : undefined;
    });
    world.advance(1000);
    expect(of('PUBLISH').length).toBe(3);
  });

  it('a message that is not acknowledged is sent again after a loss: with DUP in a kept session, as new in a fresh one', () => {
    for (const sessionPresent of [true, false]) {
      let connections = 0;
      const { world, peer, of, device } = talk({ publishIntervalMs: 100, publishQos: 1 }, (packet) => {
        if (packet.type === 'CONNECT') return [connack({ sessionPresent: sessionPresent && ++connections > 1 })];
        return packet.type === 'PUBLISH' && peer.connections.length === 1 ? [] : undefined;
      });
      world.advance(250);
      peer.last.socket.close();
      world.advance(10_000);
      const [first, second, third, again] = of('PUBLISH');
      expect([first?.dup, second?.dup, third?.dup]).toEqual([false, false, false]);
      expect(again).toEqual({ ...first, dup: sessionPresent });
      const acknowledged = device.all('acknowledged').map(({ message }) => message);
      expect(acknowledged.slice(0, 4)).toEqual(['dev-1 1-1', 'dev-1 1-2', 'dev-1 1-3', 'dev-1 1-4']);
    }
  });

  it('a message of QoS 2 is delivered once, even if it arrives several times', () => {
    const message: PublishPacket = {
      type: 'PUBLISH', topic: 'cablepull/dev-1/command', payload: new TextEncoder().encode('do'), qos: 2, retain: false,
      dup: false, packetId: 9, properties: {},
    };
    const { world, of, device, peer } = talk({}, (packet) => (
      packet.type === 'SUBSCRIBE' ? [message, { ...message, dup: true }] : undefined
    ));
    world.advance(100);
    expect(device.all('message')).toMatchObject([{ topic: 'cablepull/dev-1/command', text: 'do' }]);
    expect(of('PUBREC').length).toBe(2);
    expect(of('PUBLISH').map(({ topic }) => topic)).toEqual(['cablepull/dev-1/answer']);
    peer.last.send(encode({ type: 'PUBREL', packetId: 9, reasonCode: 0, properties: {} }, 4));
    peer.last.send(encode(message, 4));
    world.advance(100);
    expect(of('PUBCOMP').length).toBe(1);
    expect(device.all('message').length).toBe(2);
  });

  it('a broker that reads nothing is given up like one that answers nothing', () => {
    const config = { publishIntervalMs: 10, publishQos: 0, publishBytes: 500, keepAliveS: 0 } as const;
    const { world, peer, device } = talk(config, undefined, { bufferBytes: 4096 });
    world.advance(50);
    peer.reads = false;
    world.advance(25_000);
    expect(device.all('lost')).toMatchObject([{ by: 'not-reading' }]);
  });
});

it('sends DISCONNECT before it sleeps, and returns afterwards, which is no loss', () => {
  const { world, of, device, peer } = talk({ awakeMs: 10_000, asleepMs: 30_000, publishIntervalMs: 3000 });
  world.advance(9_900);
  expect(of('DISCONNECT')).toEqual([]);
  world.advance(200);
  expect(of('DISCONNECT').length).toBe(1);
  expect(peer.last.over).toMatchObject({ reason: 'closed' });
  expect(device.all('lost')).toMatchObject([{ by: 'finished' }]);
  world.advance(29_000);
  expect(peer.connections.length).toBe(1);
  world.advance(2_000);
  expect(peer.connections.length).toBe(2);
  expect(of('CONNECT').map(({ cleanStart }) => cleanStart)).toEqual([true, false]);
});

it('survives any bytes of a broker: it loses the connection with a reason, and connects again', () => {
  const dice = new Seeded(3);
  const { world, device } = talk({ retry: { fixedMs: 10 } }, (packet, served) => {
    if (dice.chance(3)) served.send(Array.from({ length: 1 + dice.below(40) }, () => dice.below(256)));
    if (dice.chance(10)) served.socket.abort();
    if (dice.chance(4)) return [{ type: 'PINGRESP' }];
    return packet.type === 'CONNECT' && dice.chance(2) ? [connack()] : undefined;
  });
  world.advance(3_600_000);
  expect(device.all('boot').length).toBe(1);
  expect(device.all('lost').length).toBeGreaterThan(40);
  const reasons = new Set(device.all('lost').map(({ by }) => by));
  for (const by of ['bad-frame', 'no-answer', 'ECONNRESET'] as const) expect(reasons).toContain(by);
});
