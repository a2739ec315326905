/**
 * The MQTT codec writes and reads what the standards say, in any pieces of the stream, and refuses the rest by rule.
 */

import { describe, expect, it } from 'vitest';
import { firstBytes } from '../../../../firmware/protocols/first-bytes.ts';
import { MqttDecoder, type ReceivingEnd } from '../../../../firmware/protocols/mqtt/decoder.ts';
import { encode } from '../../../../firmware/protocols/mqtt/encode.ts';
import { NO_PROPERTIES, type Packet, type Refusal, type Version } from '../../../../firmware/protocols/mqtt/packet.ts';
import { topicFilterProblem, topicMatches, topicNameProblem } from '../../../../firmware/protocols/mqtt/topic.ts';
import { decodeUtf8, encodeUtf8 } from '../../../../firmware/protocols/mqtt/utf8.ts';
import { check } from '../../../support/check.ts';
import { Seeded } from '../../../support/seeded.ts';

const MAX_PACKET_BYTES = 4096;
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

function listenerOf({ type }: Packet): ReceivingEnd {
  return ['CONNACK', 'SUBACK', 'UNSUBACK', 'PINGRESP'].includes(type) ? 'client' : 'server';
}

/** A packet that may stand first, so that others can follow. */
function opening(listener: ReceivingEnd, version: Version): Uint8Array {
  return listener === 'server'
    ? encode(
      { type: 'CONNECT', version, clientId: 'a', cleanStart: true, keepAliveSeconds: 0, properties: {} }, version,
    )
    : encode({ type: 'CONNACK', sessionPresent: false, reasonCode: 0, properties: {} }, version);
}

/** Decodes a stream. Returns the result without the packet that opens the stream. */
function decoded(
  listener: ReceivingEnd, version: Version, pieces: readonly Uint8Array[],
): { packets: Packet[]; refusal: Refusal | undefined } {
  const decoder = new MqttDecoder(listener, version, MAX_PACKET_BYTES);
  const packets: Packet[] = [];
  decoder.decode(opening(listener, version), () => {});
  let refusal: Refusal | undefined;
  for (const piece of pieces) refusal = decoder.decode(piece, (packet) => packets.push(packet));
  return { packets, refusal };
}

/** Packets with every property of 5.0, once each. `properties` are dropped for 3.1.1, which has none. */
const PACKETS: readonly Packet[] = [
  {
    type: 'PUBLISH', topic: 'a/b/ü€😀', payload: text('1'), qos: 1, retain: true, dup: true, packetId: 0x1234,
    properties: {
      payloadFormatIndicator: 1, messageExpiryInterval: 4_294_967_295, contentType: 'text/plain', responseTopic: 'r',
      correlationData: Uint8Array.of(0, 255), subscriptionIdentifiers: [1, 268_435_455], topicAlias: 65_535,
      userProperties: [['a', 'b'], ['a', 'c']],
    },
  },
  {
    type: 'PUBLISH', topic: 't', payload: new Uint8Array(0), qos: 0, retain: false, dup: false, packetId: 0,
    properties: {},
  },
  {
    type: 'PUBLISH', topic: 't', payload: new Uint8Array(300), qos: 2, retain: false, dup: false, packetId: 1,
    properties: {},
  },
  { type: 'PUBACK', packetId: 1, reasonCode: 0, properties: {} },
  { type: 'PUBREC', packetId: 65_535, reasonCode: 0x97, properties: { reasonString: 'full' } },
  { type: 'PUBREL', packetId: 7, reasonCode: 0x92, properties: {} },
  { type: 'PUBCOMP', packetId: 8, reasonCode: 0, properties: { userProperties: [['k', '']] } },
  {
    type: 'SUBSCRIBE', packetId: 3, properties: { subscriptionIdentifiers: [9] },
    subscriptions: [
      { filter: 'a/+/#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
      { filter: '#', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ],
  },
  { type: 'SUBACK', packetId: 3, reasonCodes: [0, 1, 2, 0x80], properties: { reasonString: 'so' } },
  { type: 'UNSUBSCRIBE', packetId: 4, filters: ['a/+', 'b'], properties: { userProperties: [['x', 'y']] } },
  { type: 'UNSUBACK', packetId: 4, reasonCodes: [0, 0x11], properties: {} },
  { type: 'PINGREQ' },
  { type: 'PINGRESP' },
  { type: 'DISCONNECT', reasonCode: 0x8e, properties: { serverReference: 'other', sessionExpiryInterval: 3 } },
  { type: 'DISCONNECT', reasonCode: 0, properties: {} },
  { type: 'AUTH', reasonCode: 0x18, properties: { authenticationMethod: 'm', authenticationData: Uint8Array.of(1) } },
];

const CONNECTS: readonly Packet[] = [
  {
    type: 'CONNECT', version: 5, clientId: 'dev-1', cleanStart: false, keepAliveSeconds: 65_535, username: 'u',
    password: text('p'),
    will: { topic: 'w', payload: text('gone'), qos: 2, retain: true, properties: { willDelayInterval: 5 } },
    properties: {
      sessionExpiryInterval: 60, receiveMaximum: 1, maximumPacketSize: 100, topicAliasMaximum: 2,
      requestResponseInformation: 1, requestProblemInformation: 0,
    },
  },
  {
    type: 'CONNACK', sessionPresent: true, reasonCode: 0,
    properties: {
      assignedClientIdentifier: 'x', serverKeepAlive: 10, responseInformation: 'i', maximumQos: 1, retainAvailable: 0,
      wildcardSubscriptionAvailable: 1, subscriptionIdentifierAvailable: 0, sharedSubscriptionAvailable: 0,
    },
  },
];

/** Returns the packet without the parts that 3.1.1 does not have. */
function plain(packet: Packet): Packet {
  if (packet.type === 'PINGREQ' || packet.type === 'PINGRESP') return packet;
  const bare = { ...packet, properties: NO_PROPERTIES };
  switch (bare.type) {
    case 'PUBACK': case 'PUBREC': case 'PUBREL': case 'PUBCOMP': case 'DISCONNECT': case 'AUTH':
      return { ...bare, reasonCode: 0 };
    case 'UNSUBACK': return { ...bare, reasonCodes: [] };
    case 'CONNECT':
      return { ...bare, version: 4, ...(bare.will && { will: { ...bare.will, properties: NO_PROPERTIES } }) };
    case 'SUBSCRIBE':
      return {
        ...bare,
        subscriptions: bare.subscriptions.map(({ filter, qos }) => (
          { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }
        )),
      };
    default: return bare;
  }
}

describe('a packet that was written is read again', () => {
  for (const version of [4, 5] as const) {
    for (const packet of PACKETS.filter(({ type }) => version === 5 || type !== 'AUTH')) {
      it(`${packet.type} in version ${version}, whole, glued and byte by byte`, () => {
        const expected = version === 5 ? packet : plain(packet);
        const listener = listenerOf(packet);
        const bytes = encode(expected, version);
        expect(decoded(listener, version, [bytes])).toEqual({ packets: [expected], refusal: undefined });
        const glued = Uint8Array.from([...bytes, ...bytes, ...bytes]);
        expect(decoded(listener, version, [glued]).packets).toEqual([expected, expected, expected]);
        expect(decoded(listener, version, Array.from(glued, (byte) => Uint8Array.of(byte))).packets)
          .toEqual([expected, expected, expected]);
      });
    }
    for (const packet of CONNECTS) {
      it(`${packet.type} in version ${version}`, () => {
        const sent = version === 5 ? packet : plain(packet);
        const decoder = new MqttDecoder(listenerOf(packet), version, MAX_PACKET_BYTES);
        const packets: Packet[] = [];
        for (const byte of encode(sent, version)) decoder.decode(Uint8Array.of(byte), (found) => packets.push(found));
        expect(packets).toEqual([sent]);
        expect(decoder.version).toBe(version);
      });
    }
  }

  it('has the bytes that the standard prints', () => {
    // 3.1.1, figures 3.8, 3.24 and 3.36.
    expect([...encode({ type: 'CONNACK', sessionPresent: false, reasonCode: 0, properties: {} }, 4)])
      .toEqual([0x20, 2, 0, 0]);
    expect([...encode({ type: 'PINGREQ' }, 4)]).toEqual([0xc0, 0]);
    expect([...encode({ type: 'DISCONNECT', reasonCode: 0, properties: {} }, 5)]).toEqual([0xe0, 0]);
    expect([...encode({
      type: 'CONNECT', version: 4, clientId: 'a', cleanStart: true, keepAliveSeconds: 10, properties: {},
    }, 4)]).toEqual([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 1, 0x61]);
  });
});

describe('a wrong packet is refused, with the rule', () => {
  const refused = (listener: ReceivingEnd, version: Version, ...bytes: number[]): string =>
    decoded(listener, version, [Uint8Array.from(bytes)]).refusal?.reason ?? 'accepted';
  const first = (listener: ReceivingEnd, bytes: Uint8Array): string =>
    new MqttDecoder(listener, 4, MAX_PACKET_BYTES).decode(bytes, () => {})?.reason ?? 'accepted';
  const connect = (change: (bytes: number[]) => void): string => {
    const bytes = [0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 1, 0x61];
    change(bytes);
    return first('server', Uint8Array.from(bytes));
  };

  it.each([
    ['server', 4, [0x32, 7, 0, 1, 0x61, 0, 0, 0, 0], 'MQTT-2.3.1-1'],
    ['server', 4, [0x36, 5, 0, 1, 0x61, 0, 1], 'MQTT-3.3.1-4'],
    ['server', 4, [0x38, 3, 0, 1, 0x61], 'MQTT-3.3.1-2'],
    ['server', 4, [0x30, 3, 0, 1, 0x23], 'MQTT-3.3.2-2'],
    ['server', 4, [0x30, 2, 0, 0], 'MQTT-4.7.3-1'],
    ['server', 4, [0x30, 3, 0, 2, 0x61], 'ends within the topic name'],
    ['server', 4, [0x30, 4, 0, 2, 0xc0, 0x80], 'MQTT-1.5.3-1'],
    ['server', 4, [0x30, 5, 0, 3, 0xed, 0xa0, 0x80], 'MQTT-1.5.3-1'],
    ['server', 4, [0x30, 3, 0, 1, 0], 'MQTT-1.5.3-1'],
    ['server', 4, [0x60, 2, 0, 1], 'MQTT-2.2.2-2'],
    ['server', 4, [0x80, 6, 0, 1, 0, 1, 0x61, 0], 'MQTT-2.2.2-2'],
    ['server', 4, [0x82, 2, 0, 1], 'MQTT-3.8.3-3'],
    ['server', 4, [0x82, 6, 0, 1, 0, 1, 0x61, 3], 'MQTT-3-8.3-4'],
    ['server', 4, [0x82, 6, 0, 1, 0, 1, 0x61, 4], 'MQTT-3-8.3-4'],
    ['server', 4, [0x82, 8, 0, 1, 0, 3, 0x61, 0x23, 0x61, 0], 'MQTT-4.7.1-2'],
    ['server', 4, [0x82, 7, 0, 1, 0, 2, 0x61, 0x2b, 0], 'MQTT-4.7.1-3'],
    ['server', 4, [0xa2, 2, 0, 1], 'MQTT-3.10.3-2'],
    ['server', 4, [0xe0, 1, 0], 'behind its last field'],
    ['server', 4, [0xc1, 0], 'MQTT-2.2.2-2'],
    ['server', 4, [0xd0, 0], 'only a server sends PINGRESP'],
    ['client', 4, [0xc0, 0], 'only a client sends PINGREQ'],
    ['client', 4, [0x90, 3, 0, 1, 3], 'MQTT-3.9.3-2'],
    ['server', 4, [0xf0, 0], 'reserved in 3.1.1'],
    ['server', 5, [0x00, 0], 'packet type 0 is reserved'],
    ['server', 4, [0xc0, 0x80, 0x80, 0x80, 0x80, 1], 'more than four bytes'],
    ['server', 4, [0xc0, 0x80, 0x00], 'MQTT-1.5.5-1'],
    ['server', 4, [0x30, 0xff, 0xff, 0xff, 0x7f], '268435460 bytes, at most 4096'],
    ['server', 5, [0x30, 7, 0, 1, 0x61, 3, 0x23, 0, 0], 'MQTT-3.3.2-8'],
    ['server', 5, [0x30, 6, 0, 1, 0x61, 2, 0x01, 2], 'payloadFormatIndicator must not be 2'],
    ['server', 5, [0x30, 8, 0, 1, 0x61, 4, 0x01, 1, 0x01, 1], 'stands twice'],
    ['server', 5, [0x30, 6, 0, 1, 0x61, 2, 0x7f, 2], 'property 0x7f does not belong into PUBLISH'],
    ['server', 5, [0x30, 9, 0, 1, 0x61, 5, 0x11, 0, 0, 0, 1], 'property 0x11 does not belong into PUBLISH'],
    ['server', 5, [0x30, 4, 0, 1, 0x61, 9], 'ends within the properties'],
    ['server', 5, [0x82, 9, 0, 1, 0, 0, 3, 0x61, 0x2f, 0x62, 0x30], 'retain handling is 3'],
  ] as const)('%s, version %i: %j', (listener, version, bytes, rule) => {
    expect(refused(listener, version, ...bytes)).toContain(rule);
  });

  it('in CONNECT, and in the first packet', () => {
    expect(connect(() => {})).toBe('accepted');
    expect(connect((bytes) => { bytes[4] = 0x6d; })).toContain('MQTT-3.1.2-1]');
    expect(connect((bytes) => { bytes[8] = 3; })).toContain('the protocol level is 3, must be 4 (3.1.1) or 5 (5.0)');
    expect(connect((bytes) => { bytes[9] = 3; })).toContain('MQTT-3.1.2-3]');
    expect(connect((bytes) => { bytes[9] = 0x0a; })).toContain('MQTT-3.1.2-11]');
    expect(connect((bytes) => { bytes[9] = 0x22; })).toContain('MQTT-3.1.2-11]');
    expect(connect((bytes) => { bytes[9] = 0x1e; })).toContain('MQTT-3.1.2-14]');
    expect(connect((bytes) => { bytes[9] = 0x42; })).toContain('MQTT-3.1.2-22]');
    expect(first('server', Uint8Array.of(0xc0, 0))).toContain('[MQTT-3.1.0-1]; the first bytes that came are c0 00');
    expect(refused('server', 4, ...opening('server', 4))).toContain('MQTT-3.1.0-2');
    expect(first('client', text('HTTP/1.1 400 Bad Request\r\n\r\n')))
      .toContain('the first bytes that came are "HTTP/1.1 400 Bad Request"...');
    expect(firstBytes(Uint8Array.of(0, 1, 2))).toBe('00 01 02');
  });

  it('nothing is read after a wrong packet', () => {
    const decoder = new MqttDecoder('server', 4, MAX_PACKET_BYTES);
    const refusal = decoder.decode(Uint8Array.of(0xc0, 0), () => {});
    expect(decoder.decode(opening('server', 4), () => expect.unreachable())).toBe(refusal);
    decoder.reset();
    expect(decoder.decode(opening('server', 4), () => {})).toBeUndefined();
  });
});

it('holds little more of a packet in pieces than the bytes that have come', () => {
  const decoder = new MqttDecoder('server', 4, 100_000_000);
  decoder.decode(opening('server', 4), () => {});
  decoder.decode(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x07, 0, 1, 0x61), () => {});
  expect(decoder.partial).toBe(true);
  expect(decoder.heldBytes).toBeLessThanOrEqual(256);
  decoder.decode(new Uint8Array(1000), () => {});
  expect(decoder.heldBytes).toBeLessThanOrEqual(2 * 1003);
});

/**
 * 400,000 inputs take 2 to 3 s. `MQTT_FUZZ_INPUTS=1000000` asks for more. Half of the inputs are packets with a few
 * bytes changed, the other half is noise behind a right opening.
 */
it('never throws, hangs or holds too much, for any bytes', () => {
  const inputs = Number(process.env['MQTT_FUZZ_INPUTS'] ?? 400_000);
  const dice = new Seeded(1);
  const samples = ([4, 5] as const).flatMap((version) => [...PACKETS, ...CONNECTS].map((packet) => (
    { version, listener: listenerOf(packet), bytes: encode(version === 5 ? packet : plain(packet), version) }
  )));
  let accepted = 0;
  let refusals = 0;
  for (let i = 0; i < inputs; i++) {
    const { version, listener, bytes: sample } = dice.pick(samples);
    const isNoise = dice.chance(2);
    const bytes = isNoise ? Uint8Array.from({ length: dice.below(64) }, () => dice.below(256)) : sample.slice();
    if (!isNoise) for (let n = dice.below(4); n > 0; n--) bytes[dice.below(bytes.length)] = dice.below(256);
    const decoder = new MqttDecoder(listener, version, MAX_PACKET_BYTES);
    if (dice.below(8) > 0) decoder.decode(opening(listener, version), () => {});
    let refusal: Refusal | undefined;
    for (let at = 0; at < bytes.length;) {
      const end = dice.chance(2) ? bytes.length : at + 1 + dice.below(bytes.length - at);
      refusal = decoder.decode(bytes.subarray(at, end), (packet) => {
        accepted++;
        // Every packet that was accepted can be encoded again.
        if (packet.type !== 'PUBLISH' || packet.topic !== '') encode(packet, decoder.version);
      });
      at = end;
    }
    if (refusal !== undefined) refusals++;
    check(decoder.heldBytes <= MAX_PACKET_BYTES, 'the decoder holds at most a packet');
    check(refusal === undefined || /^packet \d/.test(refusal.reason), 'a refusal says which packet');
  }
  expect(accepted).toBeGreaterThan(inputs / 10);
  expect(refusals).toBeGreaterThan(inputs / 10);
}, 600_000);

describe('text', () => {
  it('is UTF-8 as Node has it', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const dice = new Seeded(2);
    for (let i = 0; i < 20_000; i++) {
      const byte = (): number => (dice.chance(2) ? 0x80 + dice.below(128) : dice.below(256));
      const bytes = Uint8Array.from({ length: 1 + dice.below(5) }, byte);
      let expected: string | undefined;
      try {
        expected = strict.decode(bytes);
      } catch {
        expected = undefined;
      }
      if (expected?.includes('\0') === true) expected = undefined;
      check(decodeUtf8(bytes, 0, bytes.length) === expected, `${[...bytes].join(' ')} is as TextDecoder has it`);
      if (expected !== undefined) expect([...encodeUtf8(expected)]).toEqual([...bytes]);
    }
  });

  it('cannot carry U+0000, half a pair, or more than 65535 bytes', () => {
    expect(() => encodeUtf8('\0')).toThrow('U+0000 cannot stand in a text of MQTT');
    expect(() => encodeUtf8('\ud800')).toThrow('U+D800');
    expect(() => encodeUtf8('ü'.repeat(32_768))).toThrow('a text of 65536 bytes does not fit');
  });
});

describe('topics', () => {
  // The examples of section 4.7.
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'a/b', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/monitor', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/monitor', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['ACCOUNTS', 'Accounts', false],
  ])('%s and %s: %s', (filter, topic, matches) => {
    expect(topicFilterProblem(filter)).toBeUndefined();
    expect(topicMatches(filter, topic)).toBe(matches);
  });

  it.each(['sport/tennis#', 'sport/tennis/#/ranking', 'sport+', ''])('%j is no filter', (filter) => {
    expect(topicFilterProblem(filter)).toMatch(/MQTT-4\.7\.[13]-\d/);
  });

  it('a name has no wildcard', () => {
    expect(topicNameProblem('a/+')).toContain('MQTT-3.3.2-2');
    expect(topicNameProblem('a b/ü')).toBeUndefined();
  });
});
