/**
 * The control packets of MQTT 3.1.1 (OASIS Standard, 29 October 2014) and 5.0 (OASIS Standard, 7 March 2019), as
 * values. Rules are cited as the standards number them; where the two differ, 3.1.1's number stands first.
 */

/** The protocol level of CONNECT: 4 is 3.1.1, 5 is 5.0. */
export type Version = 4 | 5;

export type QoS = 0 | 1 | 2;

/** The properties of all packets of 5.0 (section 2.2.2.2); 3.1.1 has none. Times are in seconds. */
export interface Properties {
  readonly payloadFormatIndicator?: number;
  readonly messageExpiryInterval?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** PUBLISH may have many, SUBSCRIBE one. */
  readonly subscriptionIdentifiers?: readonly number[];
  readonly sessionExpiryInterval?: number;
  readonly assignedClientIdentifier?: string;
  readonly serverKeepAlive?: number;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
  readonly requestProblemInformation?: number;
  readonly willDelayInterval?: number;
  readonly requestResponseInformation?: number;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly reasonString?: string;
  readonly receiveMaximum?: number;
  readonly topicAliasMaximum?: number;
  readonly topicAlias?: number;
  readonly maximumQos?: number;
  readonly retainAvailable?: number;
  readonly userProperties?: readonly (readonly [string, string])[];
  readonly maximumPacketSize?: number;
  readonly wildcardSubscriptionAvailable?: number;
  readonly subscriptionIdentifierAvailable?: number;
  readonly sharedSubscriptionAvailable?: number;
}

export const NO_PROPERTIES: Properties = {};

/** Message that the server publishes if the client disappears without DISCONNECT. */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** The will delay, and what the will's PUBLISH has. */
  readonly properties: Properties;
}

export interface ConnectPacket {
  readonly type: 'CONNECT';
  readonly version: Version;
  readonly clientId: string;
  /** Clean session in 3.1.1. */
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly will?: Will;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly properties: Properties;
}

export interface ConnackPacket {
  readonly type: 'CONNACK';
  readonly sessionPresent: boolean;
  /** The return code in 3.1.1. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

export interface PublishPacket {
  readonly type: 'PUBLISH';
  /** Empty where a topic alias stands for it. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 with QoS 0, which has none. */
  readonly packetId: number;
  readonly properties: Properties;
}

export interface AckPacket {
  readonly type: 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP';
  readonly packetId: number;
  /** 0 in 3.1.1, which has none. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: QoS;
  /** False in 3.1.1, as the two below. */
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: retained messages are sent; 1: only if the subscription is new; 2: not at all. */
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: 'SUBSCRIBE';
  readonly packetId: number;
  readonly subscriptions: readonly Subscription[];
  readonly properties: Properties;
}

export interface UnsubscribePacket {
  readonly type: 'UNSUBSCRIBE';
  readonly packetId: number;
  readonly filters: readonly string[];
  readonly properties: Properties;
}

export interface SubackPacket {
  readonly type: 'SUBACK' | 'UNSUBACK';
  readonly packetId: number;
  /** UNSUBACK has none in 3.1.1. */
  readonly reasonCodes: readonly number[];
  readonly properties: Properties;
}

export interface PingPacket {
  readonly type: 'PINGREQ' | 'PINGRESP';
}

/** DISCONNECT, and AUTH of 5.0. */
export interface ClosingPacket {
  readonly type: 'DISCONNECT' | 'AUTH';
  readonly reasonCode: number;
  readonly properties: Properties;
}

export type Packet =
  | ConnectPacket | ConnackPacket | PublishPacket | AckPacket | SubscribePacket | UnsubscribePacket | SubackPacket
  | PingPacket | ClosingPacket;

export type PacketType = Packet['type'];

/** The types by their number in the fixed header (table 2.1); 0 is reserved, and 15 is in 3.1.1. */
export const PACKET_TYPES: readonly (PacketType | undefined)[] = [
  undefined, 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBSCRIBE', 'SUBACK',
  'UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT', 'AUTH',
];

/** Reason codes of 5.0 (section 2.4) that this code gives or looks at. 0x80 and above are failures. */
export const REASON = {
  SUCCESS: 0x00,
  DISCONNECT_WITH_WILL: 0x04,
  NO_MATCHING_SUBSCRIBERS: 0x10,
  NO_SUBSCRIPTION_EXISTED: 0x11,
  MALFORMED_PACKET: 0x81,
  PROTOCOL_ERROR: 0x82,
  UNSUPPORTED_PROTOCOL_VERSION: 0x84,
  CLIENT_IDENTIFIER_NOT_VALID: 0x85,
  BAD_USER_NAME_OR_PASSWORD: 0x86,
  SERVER_BUSY: 0x89,
  SERVER_SHUTTING_DOWN: 0x8b,
  KEEP_ALIVE_TIMEOUT: 0x8d,
  SESSION_TAKEN_OVER: 0x8e,
  TOPIC_FILTER_INVALID: 0x8f,
  PACKET_IDENTIFIER_NOT_FOUND: 0x92,
  RECEIVE_MAXIMUM_EXCEEDED: 0x93,
  TOPIC_ALIAS_INVALID: 0x94,
  PACKET_TOO_LARGE: 0x95,
  QUOTA_EXCEEDED: 0x97,
  SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: 0x9e,
} as const;

/** The words of section 2.4 for the codes above 0x80, and 3.1.1's for CONNACK's 1 to 5 (table 3.1). */
const REASON_WORDS: Readonly<Record<number, string>> = {
  0x01: 'unacceptable protocol version', 0x02: 'identifier rejected', 0x03: 'server unavailable',
  0x04: 'bad user name or password', 0x05: 'not authorized',
  0x80: 'unspecified error', 0x81: 'malformed packet', 0x82: 'protocol error', 0x83: 'implementation specific error',
  0x84: 'unsupported protocol version', 0x85: 'client identifier not valid', 0x86: 'bad user name or password',
  0x87: 'not authorized', 0x88: 'server unavailable', 0x89: 'server busy', 0x8a: 'banned',
  0x8b: 'server shutting down', 0x8c: 'bad authentication method', 0x8d: 'keep alive timeout',
  0x8e: 'session taken over', 0x8f: 'topic filter invalid', 0x90: 'topic name invalid',
  0x91: 'packet identifier in use', 0x92: 'packet identifier not found', 0x93: 'receive maximum exceeded',
  0x94: 'topic alias invalid', 0x95: 'packet too large', 0x96: 'message rate too high', 0x97: 'quota exceeded',
  0x98: 'administrative action', 0x99: 'payload format invalid', 0x9a: 'retain not supported',
  0x9b: 'QoS not supported', 0x9c: 'use another server', 0x9d: 'server moved',
  0x9e: 'shared subscriptions not supported', 0x9f: 'connection rate exceeded', 0xa0: 'maximum connect time',
  0xa1: 'subscription identifiers not supported', 0xa2: 'wildcard subscriptions not supported',
};

/** `session taken over (0x8E)`. */
export function reasonText(reasonCode: number): string {
  const hex = `0x${reasonCode.toString(16).toUpperCase().padStart(2, '0')}`;
  const words = REASON_WORDS[reasonCode];
  return words === undefined ? hex : `${words} (${hex})`;
}

/** Why a peer's bytes are refused. */
export interface Refusal {
  /** The code that 5.0 has for it. */
  readonly reasonCode: number;
  /** One sentence for a log: which packet, what is wrong, and the rule. */
  readonly reason: string;
}
