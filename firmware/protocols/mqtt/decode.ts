/** One packet's bytes to what it says: every field is looked at, and what must not be is refused with its rule. */

import { Cursor } from './cursor.ts';
import { PROTOCOL_NAME } from './encode.ts';
import {
  NO_PROPERTIES, type ClosingPacket, type ConnackPacket, type ConnectPacket, type Packet, type PacketType,
  type Properties, type PublishPacket, type QoS, REASON, type Refusal, type SubackPacket, type SubscribePacket,
  type Subscription, type UnsubscribePacket, type Version, type Will,
} from './packet.ts';
import { readProperties } from './properties.ts';
import { topicFilterProblem, topicNameProblem } from './topic.ts';

/**
 * Returns the content of the packet, or the reason why it is refused. `start` and `end` bound the part behind the fixed
 * header.
 */
export function decodeBody(
  type: PacketType, flags: number, bytes: Uint8Array, start: number, end: number, version: Version,
): Packet | Refusal {
  const cursor = new Cursor(bytes, start, end);
  checkFlags(cursor, type, flags);
  const packet = readBody(cursor, type, flags, version);
  if (!cursor.done) cursor.refuse(`${cursor.remainingBytes} bytes stand behind its last field (section 2.1.4)`);
  return cursor.refusal ?? packet;
}

function checkFlags(cursor: Cursor, type: PacketType, flags: number): void {
  if (type === 'PUBLISH') return;
  const must = type === 'PUBREL' || type === 'SUBSCRIBE' || type === 'UNSUBSCRIBE' ? 2 : 0;
  if (flags !== must) cursor.refuse(`the flags are ${flags}, must be ${must} [MQTT-2.2.2-2] [MQTT-2.1.3-1]`);
}

function readBody(cursor: Cursor, type: PacketType, flags: number, version: Version): Packet {
  switch (type) {
    case 'CONNECT': return readConnect(cursor);
    case 'CONNACK': return readConnack(cursor, version);
    case 'PUBLISH': return readPublish(cursor, flags, version);
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP': {
      const packetId = readPacketId(cursor);
      return { type, packetId, ...readReason(cursor, type, version) };
    }
    case 'SUBSCRIBE': return readSubscribe(cursor, version);
    case 'UNSUBSCRIBE': return readUnsubscribe(cursor, version);
    case 'SUBACK':
    case 'UNSUBACK': return readSuback(cursor, type, version);
    case 'PINGREQ':
    case 'PINGRESP': return { type };
    case 'DISCONNECT': return { type, ...readReason(cursor, type, version) };
    case 'AUTH':
      if (version === 4) cursor.refuse('packet type 15 is reserved in 3.1.1 (table 2.1)');
      return { type, ...readReason(cursor, type, version) };
  }
}

function readConnect(cursor: Cursor): ConnectPacket {
  const name = cursor.text('the protocol name');
  if (name !== PROTOCOL_NAME) cursor.refuse(`the protocol name is '${name}', must be 'MQTT' [MQTT-3.1.2-1]`);
  const level = cursor.byte('the protocol level');
  if (level !== 4 && level !== 5) {
    cursor.refuse(
      `the protocol level is ${level}, must be 4 (3.1.1) or 5 (5.0) [MQTT-3.1.2-2]`,
      REASON.UNSUPPORTED_PROTOCOL_VERSION,
    );
  }
  const version: Version = level === 5 ? 5 : 4;
  const flags = cursor.byte('the connect flags');
  if ((flags & 0x01) !== 0) cursor.refuse('the reserved connect flag is set [MQTT-3.1.2-3]');
  const qos = (flags >> 3) & 3;
  const hasWill = (flags & 0x04) !== 0;
  if (!hasWill && (qos !== 0 || (flags & 0x20) !== 0)) {
    cursor.refuse('there is no will, but a QoS or a retain flag of one [MQTT-3.1.2-11]');
  }
  if (qos === 3) cursor.refuse('the QoS of the will is 3 [MQTT-3.1.2-14] [MQTT-3.1.2-12]');
  const hasUsername = (flags & 0x80) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  if (version === 4 && hasPassword && !hasUsername) cursor.refuse('a password without a user name [MQTT-3.1.2-22]');
  const keepAliveSeconds = cursor.twoBytes('keep alive');
  const properties = propertiesOf(cursor, 'CONNECT', version);
  const clientId = cursor.text('the client identifier');
  const will = hasWill ? readWill(cursor, qos, (flags & 0x20) !== 0, version) : undefined;
  const username = hasUsername ? cursor.text('the user name') : undefined;
  const password = hasPassword ? cursor.binary('the password') : undefined;
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    cursor.refuse('authentication data without a method (section 3.1.2.11.10)', REASON.PROTOCOL_ERROR);
  }
  return {
    type: 'CONNECT', version, clientId, cleanStart: (flags & 0x02) !== 0, keepAliveSeconds, properties,
    ...(will !== undefined && { will }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
}

function readWill(cursor: Cursor, qos: number, retain: boolean, version: Version): Will {
  const properties = version === 5 ? readProperties(cursor, 'will') : NO_PROPERTIES;
  const topic = cursor.text('the topic of the will');
  refuseIf(cursor, topicNameProblem(topic));
  return { topic, payload: cursor.binary('the payload of the will'), qos: qosOf(qos), retain, properties };
}

function readConnack(cursor: Cursor, version: Version): ConnackPacket {
  const flags = cursor.byte('the acknowledge flags');
  if (flags > 1) cursor.refuse('reserved acknowledge flags are set (section 3.2.2.1)');
  const reasonCode = cursor.byte('the return code');
  if (version === 4 && reasonCode > 5) cursor.refuse(`the return code is ${reasonCode}, must be 0 to 5 (table 3.1)`);
  if (flags === 1 && reasonCode !== 0) cursor.refuse('a session, though refused [MQTT-3.2.2-4] [MQTT-3.2.2-6]');
  const properties = propertiesOf(cursor, 'CONNACK', version);
  return { type: 'CONNACK', sessionPresent: flags === 1, reasonCode, properties };
}

function readPublish(cursor: Cursor, flags: number, version: Version): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 0x08) !== 0;
  if (qos === 3) cursor.refuse('the QoS is 3 [MQTT-3.3.1-4]');
  if (dup && qos === 0) cursor.refuse('DUP is set with QoS 0 [MQTT-3.3.1-2]');
  const topic = cursor.text('the topic name');
  const packetId = qos > 0 ? readPacketId(cursor) : 0;
  const properties = propertiesOf(cursor, 'PUBLISH', version);
  const { topicAlias, responseTopic } = properties;
  if (topicAlias === 0) cursor.refuse('the topic alias is 0 [MQTT-3.3.2-8]', REASON.TOPIC_ALIAS_INVALID);
  // Section 3.3.2.3.4: an empty topic name stands for the alias's.
  if (topic !== '' || topicAlias === undefined) refuseIf(cursor, topicNameProblem(topic));
  if (responseTopic !== undefined && topicNameProblem(responseTopic) !== undefined) {
    cursor.refuse(`the response topic '${responseTopic}' is no topic name [MQTT-3.3.2-14]`);
  }
  return {
    type: 'PUBLISH', topic, payload: cursor.rest(), qos: qosOf(qos), retain: (flags & 0x01) !== 0, dup, packetId,
    properties,
  };
}

function readSubscribe(cursor: Cursor, version: Version): SubscribePacket {
  const packetId = readPacketId(cursor);
  const properties = propertiesOf(cursor, 'SUBSCRIBE', version);
  if (cursor.done) cursor.refuse('no topic filter [MQTT-3.8.3-3] [MQTT-3.8.3-2]', REASON.PROTOCOL_ERROR);
  const subscriptions: Subscription[] = [];
  while (!cursor.done) {
    const filter = cursor.text('a topic filter');
    refuseIf(cursor, topicFilterProblem(filter));
    const options = cursor.byte('the options of a subscription');
    const reserved = version === 5 ? 0xc0 : 0xfc;
    if ((options & reserved) !== 0) {
      cursor.refuse('reserved bits of the options are set [MQTT-3-8.3-4] [MQTT-3.8.3-5]');
    }
    const qos = options & 3;
    if (qos === 3) cursor.refuse('the QoS is 3 [MQTT-3-8.3-4]', REASON.PROTOCOL_ERROR);
    const handling = (options >> 4) & 3;
    if (handling === 3) cursor.refuse('the retain handling is 3 (section 3.8.3.1)', REASON.PROTOCOL_ERROR);
    const noLocal = (options & 0x04) !== 0;
    if (noLocal && filter.startsWith('$share/')) {
      cursor.refuse('no local on a shared subscription [MQTT-3.8.3-4]', REASON.PROTOCOL_ERROR);
    }
    subscriptions.push({
      filter, qos: qosOf(qos), noLocal, retainAsPublished: (options & 0x08) !== 0, retainHandling: qosOf(handling),
    });
  }
  return { type: 'SUBSCRIBE', packetId, subscriptions, properties };
}

function readUnsubscribe(cursor: Cursor, version: Version): UnsubscribePacket {
  const packetId = readPacketId(cursor);
  const properties = propertiesOf(cursor, 'UNSUBSCRIBE', version);
  if (cursor.done) cursor.refuse('no topic filter [MQTT-3.10.3-2]', REASON.PROTOCOL_ERROR);
  const filters: string[] = [];
  while (!cursor.done) {
    const filter = cursor.text('a topic filter');
    refuseIf(cursor, topicFilterProblem(filter));
    filters.push(filter);
  }
  return { type: 'UNSUBSCRIBE', packetId, filters, properties };
}

function readSuback(cursor: Cursor, type: SubackPacket['type'], version: Version): SubackPacket {
  const packetId = readPacketId(cursor);
  const properties = propertiesOf(cursor, type, version);
  const reasonCodes = type === 'UNSUBACK' && version === 4 ? [] : [...cursor.rest()];
  for (const code of reasonCodes) {
    if (version === 4 && code > 2 && code !== 0x80) {
      cursor.refuse(`the return code is ${code}, must be 0, 1, 2 or 128 [MQTT-3.9.3-2]`);
    }
  }
  return { type, packetId, reasonCodes, properties };
}

/** The reason code and its properties, which may be left out (sections 3.4.2.1, 3.14.2.1); 3.1.1 has neither. */
function readReason(
  cursor: Cursor, type: PacketType, version: Version,
): Pick<ClosingPacket, 'reasonCode' | 'properties'> {
  if (version === 4 || cursor.done) return { reasonCode: 0, properties: NO_PROPERTIES };
  const reasonCode = cursor.byte('the reason code');
  return { reasonCode, properties: cursor.done ? NO_PROPERTIES : readProperties(cursor, type) };
}

function readPacketId(cursor: Cursor): number {
  const packetId = cursor.twoBytes('the packet identifier');
  if (packetId === 0) cursor.refuse('the packet identifier is 0 [MQTT-2.3.1-1] [MQTT-2.2.1-3]', REASON.PROTOCOL_ERROR);
  return packetId;
}

function propertiesOf(cursor: Cursor, type: PacketType, version: Version): Properties {
  return version === 5 ? readProperties(cursor, type) : NO_PROPERTIES;
}

function refuseIf(cursor: Cursor, problem: string | undefined): void {
  if (problem !== undefined) cursor.refuse(problem);
}

/** Returns the QoS of two bits that are not 3, which is refused before. */
function qosOf(bits: number): QoS {
  return bits === 1 || bits === 2 ? bits : 0;
}
