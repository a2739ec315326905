/** The properties of 5.0 on the wire (section 2.2.2): which there are, where each may stand, and how it is written. */

import type { Cursor } from './cursor.ts';
import { type PacketType, type Properties, REASON } from './packet.ts';
import type { Writer } from './writer.ts';

/** A will has properties of its own, within CONNECT. */
export type PropertyPlace = PacketType | 'will';

type Wire = 'flag' | 'two' | 'four' | 'variable' | 'text' | 'binary' | 'pair';

interface Property {
  readonly id: number;
  readonly name: keyof Properties;
  readonly wire: Wire;
  readonly places: readonly PropertyPlace[];
  /** 0 is a protocol error. */
  readonly notZero?: boolean;
}

const PUBLISHED: readonly PropertyPlace[] = ['PUBLISH', 'will'];
const ACKS: readonly PropertyPlace[] = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBACK', 'UNSUBACK'];
const AUTHENTICATED: readonly PropertyPlace[] = ['CONNECT', 'CONNACK', 'AUTH'];

/** Table 2-4. */
const PROPERTIES: readonly Property[] = [
  { id: 0x01, name: 'payloadFormatIndicator', wire: 'flag', places: PUBLISHED },
  { id: 0x02, name: 'messageExpiryInterval', wire: 'four', places: PUBLISHED },
  { id: 0x03, name: 'contentType', wire: 'text', places: PUBLISHED },
  { id: 0x08, name: 'responseTopic', wire: 'text', places: PUBLISHED },
  { id: 0x09, name: 'correlationData', wire: 'binary', places: PUBLISHED },
  { id: 0x0b, name: 'subscriptionIdentifiers', wire: 'variable', places: ['PUBLISH', 'SUBSCRIBE'], notZero: true },
  { id: 0x11, name: 'sessionExpiryInterval', wire: 'four', places: ['CONNECT', 'CONNACK', 'DISCONNECT'] },
  { id: 0x12, name: 'assignedClientIdentifier', wire: 'text', places: ['CONNACK'] },
  { id: 0x13, name: 'serverKeepAlive', wire: 'two', places: ['CONNACK'] },
  { id: 0x15, name: 'authenticationMethod', wire: 'text', places: AUTHENTICATED },
  { id: 0x16, name: 'authenticationData', wire: 'binary', places: AUTHENTICATED },
  { id: 0x17, name: 'requestProblemInformation', wire: 'flag', places: ['CONNECT'] },
  { id: 0x18, name: 'willDelayInterval', wire: 'four', places: ['will'] },
  { id: 0x19, name: 'requestResponseInformation', wire: 'flag', places: ['CONNECT'] },
  { id: 0x1a, name: 'responseInformation', wire: 'text', places: ['CONNACK'] },
  { id: 0x1c, name: 'serverReference', wire: 'text', places: ['CONNACK', 'DISCONNECT'] },
  { id: 0x1f, name: 'reasonString', wire: 'text', places: ['CONNACK', ...ACKS, 'DISCONNECT', 'AUTH'] },
  { id: 0x21, name: 'receiveMaximum', wire: 'two', places: ['CONNECT', 'CONNACK'], notZero: true },
  { id: 0x22, name: 'topicAliasMaximum', wire: 'two', places: ['CONNECT', 'CONNACK'] },
  { id: 0x23, name: 'topicAlias', wire: 'two', places: ['PUBLISH'] },
  { id: 0x24, name: 'maximumQos', wire: 'flag', places: ['CONNACK'] },
  { id: 0x25, name: 'retainAvailable', wire: 'flag', places: ['CONNACK'] },
  {
    id: 0x26, name: 'userProperties', wire: 'pair',
    places: ['CONNECT', 'CONNACK', ...PUBLISHED, ...ACKS, 'SUBSCRIBE', 'UNSUBSCRIBE', 'DISCONNECT', 'AUTH'],
  },
  { id: 0x27, name: 'maximumPacketSize', wire: 'four', places: ['CONNECT', 'CONNACK'], notZero: true },
  { id: 0x28, name: 'wildcardSubscriptionAvailable', wire: 'flag', places: ['CONNACK'] },
  { id: 0x29, name: 'subscriptionIdentifierAvailable', wire: 'flag', places: ['CONNACK'] },
  { id: 0x2a, name: 'sharedSubscriptionAvailable', wire: 'flag', places: ['CONNACK'] },
];

const BY_ID: readonly (Property | undefined)[] = Array.from(
  { length: 0x2b }, (_, id) => PROPERTIES.find((property) => property.id === id),
);

/** Reads the properties of `place`, their length first. */
export function readProperties(cursor: Cursor, place: PropertyPlace): Properties {
  const lengthBytes = cursor.variableBytes('the length of the properties');
  const part = cursor.part(lengthBytes, 'the properties');
  const found = {};
  while (!part.done) {
    const id = part.variableBytes('the identifier of a property');
    const property = BY_ID[id];
    if (property === undefined || !property.places.includes(place)) {
      part.refuse(`property 0x${id.toString(16).padStart(2, '0')} does not belong into ${place} (section 2.2.2.2)`);
    } else {
      readProperty(part, property, place, found);
    }
  }
  cursor.adopt(part.refusal);
  return found;
}

function readProperty(cursor: Cursor, { name, wire, notZero }: Property, place: PropertyPlace, found: object): void {
  const before: unknown = Reflect.get(found, name);
  const value = readValue(cursor, wire, name);
  const tooMuch = wire === 'flag' && typeof value === 'number' && value > 1;
  if (tooMuch || (notZero === true && value === 0)) {
    cursor.refuse(`${name} must not be ${String(value)} (section 2.2.2.2)`, REASON.PROTOCOL_ERROR);
  }
  const isList = wire === 'pair' || wire === 'variable';
  if (before !== undefined && (!isList || (wire === 'variable' && place === 'SUBSCRIBE'))) {
    cursor.refuse(`${name} stands twice (section 2.2.2.2)`, REASON.PROTOCOL_ERROR);
  }
  Reflect.set(found, name, isList ? [...(Array.isArray(before) ? before : []), value] : value);
}

function readValue(cursor: Cursor, wire: Wire, name: string): number | string | Uint8Array | readonly [string, string] {
  switch (wire) {
    case 'flag': return cursor.byte(name);
    case 'two': return cursor.twoBytes(name);
    case 'four': return cursor.fourBytes(name);
    case 'variable': return cursor.variableBytes(name);
    case 'text': return cursor.text(name);
    case 'binary': return cursor.binary(name);
    case 'pair': return [cursor.text(name), cursor.text(name)];
  }
}

/** Writes the properties, their length first. Throws a RangeError where one does not belong into `place`. */
export function writeProperties(writer: Writer, properties: Properties, place: PropertyPlace): void {
  const part = writer.part();
  for (const { id, name, wire, places } of PROPERTIES) {
    const value = properties[name];
    if (value === undefined) continue;
    if (!places.includes(place)) throw new RangeError(`the property ${name} does not belong into ${place}`);
    for (const item of Array.isArray(value) ? value : [value]) {
      part.byte(id);
      writeValue(part, wire, item);
    }
  }
  writer.variableBytes(part.lengthBytes);
  writer.raw(part.written());
}

function writeValue(writer: Writer, wire: Wire, value: unknown): void {
  if (typeof value === 'number') {
    if (wire === 'two') writer.twoBytes(value);
    else if (wire === 'four') writer.fourBytes(value);
    else if (wire === 'variable') writer.variableBytes(value);
    else writer.byte(value);
  } else if (typeof value === 'string') {
    writer.text(value);
  } else if (value instanceof Uint8Array) {
    writer.binary(value);
  } else if (Array.isArray(value)) {
    for (const text of value) writer.text(String(text));
  }
}
