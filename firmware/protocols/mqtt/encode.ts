/** Packets to bytes. */

import { type Packet, PACKET_TYPES, type Subscription, type Version, type Will } from './packet.ts';
import { writeProperties } from './properties.ts';
import { Writer } from './writer.ts';

/** Ready to be written, as they are always the same. Not to be changed. */
export const PINGREQ = Uint8Array.of(0xc0, 0);
export const PINGRESP = Uint8Array.of(0xd0, 0);

/** The protocol name (section 3.1.2.1). */
export const PROTOCOL_NAME = 'MQTT';

/** The packet as `version` writes it. Throws a RangeError where a field cannot be. */
export function encode(packet: Packet, version: Version): Uint8Array {
  const body = new Writer();
  const flags = writeBody(body, packet, version);
  const whole = new Writer(body.lengthBytes + 5);
  whole.byte((PACKET_TYPES.indexOf(packet.type) << 4) | flags);
  whole.variableBytes(body.lengthBytes);
  whole.raw(body.written());
  return whole.written();
}

/** Writes what follows the fixed header, and gives the header's flags (table 2.2). */
function writeBody(body: Writer, packet: Packet, version: Version): number {
  switch (packet.type) {
    case 'CONNECT': {
      const { clientId, cleanStart, keepAliveSeconds, will, username, password, properties } = packet;
      body.text(PROTOCOL_NAME);
      body.byte(version);
      body.byte(
        (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
        | (will === undefined ? 0 : (will.retain ? 0x20 : 0) | (will.qos << 3) | 0x04) | (cleanStart ? 0x02 : 0),
      );
      body.twoBytes(keepAliveSeconds);
      if (version === 5) writeProperties(body, properties, packet.type);
      body.text(clientId);
      if (will !== undefined) writeWill(body, will, version);
      if (username !== undefined) body.text(username);
      if (password !== undefined) body.binary(password);
      return 0;
    }
    case 'CONNACK':
      body.byte(packet.sessionPresent ? 1 : 0);
      body.byte(packet.reasonCode);
      if (version === 5) writeProperties(body, packet.properties, packet.type);
      return 0;
    case 'PUBLISH': {
      const { topic, payload, qos, retain, dup, packetId, properties } = packet;
      body.text(topic);
      if (qos > 0) body.twoBytes(packetId);
      if (version === 5) writeProperties(body, properties, packet.type);
      body.raw(payload);
      return (dup ? 0x08 : 0) | (qos << 1) | (retain ? 0x01 : 0);
    }
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
      body.twoBytes(packet.packetId);
      if (version === 5) writeReason(body, packet);
      // [MQTT-3.6.1-1] PUBREL's flags are 0010.
      return packet.type === 'PUBREL' ? 0x02 : 0;
    case 'SUBSCRIBE':
      body.twoBytes(packet.packetId);
      if (version === 5) writeProperties(body, packet.properties, packet.type);
      for (const subscription of packet.subscriptions) {
        body.text(subscription.filter);
        body.byte(subscriptionOptions(subscription));
      }
      // [MQTT-3.8.1-1] as SUBSCRIBE's.
      return 0x02;
    case 'UNSUBSCRIBE':
      body.twoBytes(packet.packetId);
      if (version === 5) writeProperties(body, packet.properties, packet.type);
      for (const filter of packet.filters) body.text(filter);
      // [MQTT-3.10.1-1] as UNSUBSCRIBE's.
      return 0x02;
    case 'SUBACK':
    case 'UNSUBACK':
      body.twoBytes(packet.packetId);
      if (version === 5) writeProperties(body, packet.properties, packet.type);
      if (version === 5 || packet.type === 'SUBACK') for (const code of packet.reasonCodes) body.byte(code);
      return 0;
    case 'PINGREQ':
    case 'PINGRESP':
      return 0;
    case 'DISCONNECT':
    case 'AUTH':
      if (version === 5) writeReason(body, packet);
      return 0;
  }
}

function writeWill(body: Writer, { topic, payload, properties }: Will, version: Version): void {
  if (version === 5) writeProperties(body, properties, 'will');
  body.text(topic);
  body.binary(payload);
}

/** A reason code of 0 without properties is left out (sections 3.4.2.1, 3.14.2.1, 3.15.2.1). */
function writeReason(body: Writer, packet: Extract<Packet, { readonly reasonCode: number }>): void {
  const hasProperties = Object.keys(packet.properties).length > 0;
  if (packet.reasonCode === 0 && !hasProperties) return;
  body.byte(packet.reasonCode);
  if (hasProperties) writeProperties(body, packet.properties, packet.type);
}

function subscriptionOptions({ qos, noLocal, retainAsPublished, retainHandling }: Subscription): number {
  return qos | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | (retainHandling << 4);
}
