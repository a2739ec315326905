/** One connection to the broker: its packets, its keep alive, and what becomes of its session and its will. */

import { MqttDecoder } from '../../../../firmware/protocols/mqtt/decoder.ts';
import { encode, PINGRESP } from '../../../../firmware/protocols/mqtt/encode.ts';
import {
  NO_PROPERTIES, type AckPacket, type ClosingPacket, type ConnectPacket, type Packet, type Properties,
  type PublishPacket, REASON, reasonText, type Refusal, type SubscribePacket, type UnsubscribePacket, type Will,
} from '../../../../firmware/protocols/mqtt/packet.ts';
import type { Broker } from './broker.ts';
import type { Heard } from './keep-alive-policy.ts';
import type { Delivery, MqttSession, SessionConnection } from './session.ts';

/**
 * The part of its socket's owner that a connection uses. After the owner has dropped the client, for any reason,
 * nothing more is sent or called.
 */
export interface BrokerClient {
  /** Counts from 1, and is never used again. */
  readonly id: number;
  send(bytes: Uint8Array): void;
  /** Calls `due` at this time, in place of the one that was set before; Infinity: never. */
  setDeadline(atMs: number): void;
  /** A valid packet came, which is a beat. */
  frame(isBeat: boolean): void;
  data(bytes: number): void;
  /** Closes the connection after the bytes that were sent have gone out. */
  drop(reason: string): void;
  /** Closes the connection in the same way, because nothing has arrived for too long. */
  dropSilent(): void;
  /** Closes the connection in the same way, because the client of that number has its name now. */
  dropTakenOver(by: number): void;
}

/** 5.0: how many messages of QoS 2 a client may have on their way to us at once. */
const RECEIVE_MAXIMUM = 100;

/** A session expiry of 0xFFFFFFFF is none (5.0 section 3.1.2.11.2). */
const NEVER_EXPIRES_S = 0xffff_ffff;

/** Return codes of 3.1.1's CONNACK (table 3.1) in place of 5.0's reason codes. */
const RETURN_CODES: Readonly<Record<number, number>> = {
  [REASON.UNSUPPORTED_PROTOCOL_VERSION]: 1, [REASON.CLIENT_IDENTIFIER_NOT_VALID]: 2, [REASON.QUOTA_EXCEEDED]: 3,
};

export class BrokerConnection implements SessionConnection, Heard {
  readonly client: BrokerClient;
  readonly #broker: Broker;
  readonly #decoder: MqttDecoder;
  readonly #take = (packet: Packet): void => this.#received(packet);
  #session: MqttSession | undefined = undefined;
  #will: Will | undefined = undefined;
  #refusal: Refusal | undefined = undefined;
  #keepAliveMs = 0;
  #maxSentBytes = Infinity;
  maxInFlight: number;
  connectedMs = 0;
  packetMs = 0;
  pingMs = 0;

  constructor(broker: Broker, client: BrokerClient) {
    this.#broker = broker;
    this.client = client;
    this.maxInFlight = broker.settings.maxInFlight;
    this.#decoder = new MqttDecoder('server', 4, broker.host.limits.maxDataBytes);
  }

  /** A packet has begun and not ended. */
  get partial(): boolean {
    return this.#decoder.partial;
  }

  /**
   * Takes the first `count` of `bytes`. Why they are refused, if they are and MQTT has no word for it: then the
   * connection is to be cut off. Else that word goes out before the connection is closed.
   */
  received(bytes: Uint8Array, count: number): string | undefined {
    const refusal = this.#decoder.decode(bytes, this.#take, count) ?? this.#refusal;
    if (refusal === undefined) return undefined;
    if (!this.#sayWhy(refusal.reasonCode)) return refusal.reason;
    this.client.drop(refusal.reason);
    return undefined;
  }

  /** The time has come that was set: the client was silent for too long, unless it was heard meanwhile. */
  due(): void {
    if (this.#broker.host.now() < this.#dropMs) return this.client.setDeadline(this.#dropMs);
    // [MQTT-3.14.4-1] 5.0 has a word for it.
    this.#sayWhy(REASON.KEEP_ALIVE_TIMEOUT);
    this.client.dropSilent();
  }

  /** The connection is gone. Where the broker itself stops, nobody is told of wills. */
  ended({ kind }: { readonly kind: string }): void {
    this.#decoder.stop();
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) this.#broker.detach(this, session, kind === 'stopped' ? undefined : this.#will);
  }

  publish({ message, qos, retain, subscriptionIdentifiers }: Delivery, packetId: number, dup: boolean): void {
    const { topic, payload, properties, expiresMs } = message;
    const remainingMs = expiresMs - this.#broker.host.now();
    const bytes = encode({
      type: 'PUBLISH', topic, payload, qos, retain, dup, packetId,
      properties: {
        ...properties,
        ...(subscriptionIdentifiers.length > 0 && { subscriptionIdentifiers }),
        ...(expiresMs < Infinity && { messageExpiryInterval: Math.max(1, Math.ceil(remainingMs / 1000)) }),
      },
    }, this.#decoder.version);
    // [MQTT-3.1.2-25] (5.0): what is too long for the client is dropped, as if its delivery were done.
    if (bytes.length <= this.#maxSentBytes) this.client.send(bytes);
    else if (packetId > 0) this.#session?.done(packetId, this.#broker.host.now());
  }

  pubrel(packetId: number): void {
    this.#acknowledge('PUBREL', packetId);
  }

  /** Another connection has come with this client identifier ([MQTT-3.1.4-2]; 5.0: [MQTT-3.1.4-3]). */
  takenOver(by: number): void {
    this.#sayWhy(REASON.SESSION_TAKEN_OVER);
    this.client.dropTakenOver(by);
  }

  get #dropMs(): number {
    return this.#keepAliveMs === 0 ? Infinity : this.#broker.policy.dropMs(this, this.#keepAliveMs);
  }

  /** 5.0's DISCONNECT, to who has a session; CONNACK to who has none. False where the client's version has no word. */
  #sayWhy(reasonCode: number): boolean {
    const { version } = this.#decoder;
    if (this.#session !== undefined) {
      if (version === 5) this.#send({ type: 'DISCONNECT', reasonCode, properties: NO_PROPERTIES });
      return version === 5;
    }
    const returnCode = version === 5 ? reasonCode : RETURN_CODES[reasonCode];
    if (returnCode === undefined) return false;
    this.#send({ type: 'CONNACK', sessionPresent: false, reasonCode: returnCode, properties: NO_PROPERTIES });
    return true;
  }

  #send(packet: Packet): void {
    this.client.send(encode(packet, this.#decoder.version));
  }

  #acknowledge(type: AckPacket['type'], packetId: number, reasonCode: number = REASON.SUCCESS): void {
    this.#send({ type, packetId, reasonCode, properties: NO_PROPERTIES });
  }

  #refuse(reason: string, reasonCode: number = REASON.PROTOCOL_ERROR): void {
    this.#refusal = { reason, reasonCode };
    this.#decoder.stop();
  }

  #received(packet: Packet): void {
    const nowMs = this.#broker.host.now();
    this.packetMs = nowMs;
    if (packet.type === 'CONNECT') return this.#connect(packet, nowMs);
    const session = this.#session;
    if (session === undefined) return;
    if (packet.type === 'PINGREQ') this.pingMs = nowMs;
    if (this.#keepAliveMs > 0) this.client.setDeadline(this.#dropMs);
    // [MQTT-3.1.2-24]: every packet is a sign of life.
    this.client.frame(true);
    switch (packet.type) {
      case 'PUBLISH':
        this.#published(packet, session);
        break;
      case 'PUBACK':
      case 'PUBCOMP':
        session.done(packet.packetId, nowMs);
        break;
      case 'PUBREC':
        this.#pubrec(packet, session, nowMs);
        break;
      case 'PUBREL': {
        const isKnown = session.unreleased.delete(packet.packetId);
        this.#acknowledge('PUBCOMP', packet.packetId, isKnown ? REASON.SUCCESS : REASON.PACKET_IDENTIFIER_NOT_FOUND);
        break;
      }
      case 'SUBSCRIBE':
        this.#subscribe(packet, session);
        break;
      case 'UNSUBSCRIBE':
        this.#unsubscribe(packet, session);
        break;
      case 'PINGREQ':
        this.client.send(PINGRESP);
        break;
      case 'DISCONNECT':
        this.#disconnect(packet, session);
        break;
      case 'AUTH':
        this.#refuse('AUTH, though no authentication method was named (section 4.12)');
        break;
      case 'CONNACK':
      case 'SUBACK':
      case 'UNSUBACK':
      case 'PINGRESP':
        throw new Error(`the decoder let a ${packet.type} through, which only servers send`);
    }
  }

  #connect(packet: ConnectPacket, nowMs: number): void {
    const { clientId: asked, cleanStart, keepAliveSeconds, properties, version, will } = packet;
    const broker = this.#broker;
    if (properties.authenticationMethod !== undefined) {
      return this.#refuse(`the authentication method '${properties.authenticationMethod}' is not known here`, 0x8c);
    }
    // [MQTT-3.1.3-8] of 3.1.1: without a name there is nothing to come back to.
    if (asked === '' && version === 4 && !cleanStart) {
      const reason = 'CONNECT: no client identifier, and no clean session [MQTT-3.1.3-8]';
      return this.#refuse(reason, REASON.CLIENT_IDENTIFIER_NOT_VALID);
    }
    if (broker.isFull && broker.session(asked) === undefined) {
      return this.#refuse(`all ${broker.settings.maxSessions} sessions are taken`, REASON.QUOTA_EXCEEDED);
    }
    const clientId = asked === '' ? broker.assignClientId() : asked;
    broker.connectionOf(clientId)?.takenOver(this.client.id);
    const { session, present } = broker.attach(this, clientId, cleanStart);
    this.#session = session;
    this.#will = will;
    session.expiryMs = version === 4 ? (cleanStart ? 0 : Infinity) : expiryMs(properties.sessionExpiryInterval);
    const keepAliveS = broker.policy.grantedS(keepAliveSeconds);
    this.#keepAliveMs = keepAliveS * 1000;
    this.maxInFlight = Math.min(broker.settings.maxInFlight, properties.receiveMaximum ?? Infinity);
    this.#maxSentBytes = properties.maximumPacketSize ?? Infinity;
    this.connectedMs = nowMs;
    this.pingMs = nowMs;
    this.client.frame(true);
    this.client.setDeadline(this.#dropMs);
    const granted: Properties = version === 4 ? NO_PROPERTIES : {
      ...(asked === '' && { assignedClientIdentifier: clientId }),
      ...(keepAliveS !== keepAliveSeconds && { serverKeepAlive: keepAliveS }),
      receiveMaximum: RECEIVE_MAXIMUM,
      maximumPacketSize: broker.host.limits.maxDataBytes,
      sharedSubscriptionAvailable: 0,
    };
    this.#send({ type: 'CONNACK', sessionPresent: present, reasonCode: REASON.SUCCESS, properties: granted });
    session.resume(nowMs);
  }

  #published(packet: PublishPacket, session: MqttSession): void {
    const { packetId, qos, payload, properties } = packet;
    // [MQTT-3.2.2-18] none is allowed: CONNACK had no topic alias maximum.
    if (properties.topicAlias !== undefined) {
      const reason = 'PUBLISH: a topic alias, though none was allowed [MQTT-3.2.2-18]';
      return this.#refuse(reason, REASON.TOPIC_ALIAS_INVALID);
    }
    this.client.data(payload.length);
    if (qos < 2) {
      this.#broker.accept(packet, session, this.client.id);
      if (qos === 1) this.#acknowledge('PUBACK', packetId);
      return;
    }
    if (!session.unreleased.has(packetId)) {
      // [MQTT-3.3.4-9] (5.0). A client of 3.1.1 does not know of the limit: it is held to the packet identifiers there
      // are.
      if (this.#decoder.version === 5 && session.unreleased.size >= RECEIVE_MAXIMUM) {
        const reason = `more than ${RECEIVE_MAXIMUM} messages of QoS 2 without PUBREL [MQTT-3.3.4-9]`;
        return this.#refuse(reason, REASON.RECEIVE_MAXIMUM_EXCEEDED);
      }
      session.unreleased.add(packetId);
      this.#broker.accept(packet, session, this.client.id);
    }
    this.#acknowledge('PUBREC', packetId);
  }

  #pubrec({ packetId, reasonCode }: AckPacket, session: MqttSession, nowMs: number): void {
    const outgoing = session.outgoing(packetId);
    if (outgoing === undefined) return this.#acknowledge('PUBREL', packetId, REASON.PACKET_IDENTIFIER_NOT_FOUND);
    if (reasonCode >= 0x80) return session.done(packetId, nowMs);
    outgoing.released = true;
    this.#acknowledge('PUBREL', packetId);
  }

  #subscribe({ packetId, subscriptions, properties }: SubscribePacket, session: MqttSession): void {
    const identifier = properties.subscriptionIdentifiers?.[0] ?? 0;
    const granted: (() => void)[] = [];
    const reasonCodes = subscriptions.map((subscription) => {
      const { filter, qos } = subscription;
      if (this.#decoder.version === 5 && filter.startsWith('$share/')) return REASON.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED;
      if (session.subscriptions.size + granted.length >= this.#broker.settings.maxSubscriptions
        && !session.subscriptions.has(filter)) return this.#decoder.version === 5 ? REASON.QUOTA_EXCEEDED : 0x80;
      granted.push(() => this.#broker.subscribe(session, subscription, identifier));
      return qos;
    });
    this.#send({ type: 'SUBACK', packetId, reasonCodes, properties: NO_PROPERTIES });
    for (const subscribe of granted) subscribe();
  }

  #unsubscribe({ packetId, filters }: UnsubscribePacket, session: MqttSession): void {
    const reasonCodes = filters.map((filter) => (
      this.#broker.unsubscribe(session, filter) ? REASON.SUCCESS : REASON.NO_SUBSCRIPTION_EXISTED
    ));
    this.#send({ type: 'UNSUBACK', packetId, reasonCodes, properties: NO_PROPERTIES });
  }

  #disconnect({ reasonCode, properties }: ClosingPacket, session: MqttSession): void {
    const { sessionExpiryInterval } = properties;
    if (sessionExpiryInterval !== undefined) {
      // Section 3.14.2.2.2.
      if (session.expiryMs === 0 && sessionExpiryInterval !== 0) {
        return this.#refuse('DISCONNECT: a session expiry, though CONNECT had none (section 3.14.2.2.2)');
      }
      session.expiryMs = expiryMs(sessionExpiryInterval);
    }
    // [MQTT-3.14.4-3] the will is discarded; unless the client asks for it (5.0 section 3.14.2.1).
    if (reasonCode === REASON.SUCCESS) this.#will = undefined;
    this.#decoder.stop();
    const why = reasonCode === REASON.SUCCESS ? '' : `: ${reasonText(reasonCode)}`;
    this.client.drop(`it said DISCONNECT${why}`);
  }
}

function expiryMs(intervalS: number | undefined): number {
  return intervalS === NEVER_EXPIRES_S ? Infinity : (intervalS ?? 0) * 1000;
}
