/**
 * An MQTT broker, without sockets: sessions that outlive connections, subscriptions, retained messages, wills. Time is
 * an argument, or its host's; bytes go in and out by its connections.
 */

import type { PublishPacket, Subscription, Will } from '../../../../firmware/protocols/mqtt/packet.ts';
import { topicMatches } from '../../../../firmware/protocols/mqtt/topic.ts';
import { decodeUtf8 } from '../../../../firmware/protocols/mqtt/utf8.ts';
import type { ServerEvent } from '../../events.ts';
import { BrokerConnection, type BrokerClient } from './broker-connection.ts';
import { KEEP_ALIVE_POLICIES, type KeepAlivePolicy, type KeepAlivePolicyName } from './keep-alive-policy.ts';
import { type Delivery, type KeptSubscription, type Message, MqttSession } from './session.ts';
import { SubscriptionIndex } from './subscription-index.ts';

export interface BrokerSettings {
  /** Rule by which silent clients are taken offline. Default: the standard's. */
  readonly keepAlive: KeepAlivePolicyName;
  /** Sessions, with a connection or without; who comes beyond it is refused. Default 100000. */
  readonly maxSessions: number;
  /** Messages that may wait for one client; mosquitto's max_queued_messages. Default 1000. */
  readonly maxQueuedMessages: number;
  /** Messages of QoS 1 and 2 on their way to one client at once; mosquitto's max_inflight_messages. Default 20. */
  readonly maxInFlight: number;
  /** Subscriptions of one client. Default 1000. */
  readonly maxSubscriptions: number;
  /** Topics with a retained message; what is beyond it is not retained. Default 10000. */
  readonly maxRetained: number;
  /** True: each message of QoS 1 and 2 that the broker accepts is an event. Default: no, as there are many. */
  readonly messageEvents: boolean;
}

export const BROKER_DEFAULTS: BrokerSettings = {
  keepAlive: 'spec',
  maxSessions: 100_000,
  maxQueuedMessages: 1000,
  maxInFlight: 20,
  maxSubscriptions: 1000,
  maxRetained: 10_000,
  messageEvents: false,
};

/** Events of a broker. `client` is the number of the connection. */
export type BrokerEvent = Extract<ServerEvent, { readonly kind: 'message' | 'will' }>;

/** The part of its server that the broker uses. */
export interface BrokerHost {
  readonly limits: { readonly maxDataBytes: number };
  /** The clock's time, in ms. */
  now(): number;
  /** Calls `due` at this time, in place of the one that was set before; Infinity: never. */
  setDeadline(atMs: number): void;
  tell(event: BrokerEvent): void;
}

/** Longest part of a message that is reported. */
const TOLD_CHARACTERS = 64;

export class Broker {
  readonly settings: BrokerSettings;
  readonly host: BrokerHost;
  readonly policy: KeepAlivePolicy;
  readonly #sessions = new Map<string, MqttSession>();
  /** Connections by client identifier; only of sessions that have one. */
  readonly #connections = new Map<string, BrokerConnection>();
  readonly #index = new SubscriptionIndex();
  readonly #retained = new Map<string, Message>();
  /** Sessions that end, or whose will is published, at a time. */
  readonly #waiting = new Set<MqttSession>();
  /** Time at which the first of them is due. */
  #nextMs = Infinity;
  #assignedIds = 0;
  #lostMessages = 0;

  constructor(settings: BrokerSettings, host: BrokerHost) {
    this.settings = settings;
    this.host = host;
    this.policy = KEEP_ALIVE_POLICIES[settings.keepAlive];
  }

  /** A connection that stands; what comes over it goes to what this gives. */
  open(client: BrokerClient): BrokerConnection {
    return new BrokerConnection(this, client);
  }

  /** Returns the session of a client. For tests and tables. */
  session(clientId: string): MqttSession | undefined {
    return this.#sessions.get(clientId);
  }

  /** Number of messages that could not be kept for a client. */
  get lostMessages(): number {
    return this.#lostMessages;
  }

  /** The time has come that was set with the host: sessions end, and delayed wills are published. */
  due(): void {
    const nowMs = this.host.now();
    for (const session of [...this.#waiting]) {
      if (session.delayedWill !== undefined && nowMs >= session.delayedWill.atMs) this.#publishDelayedWill(session);
      if (nowMs >= session.endsMs) this.endSession(session);
    }
    this.#nextMs = Infinity;
    for (const session of this.#waiting) this.#wakeAt(dueMs(session));
  }

  // ---- for connections ----

  /** A client identifier for who brought none ([MQTT-3.1.3-6]). */
  assignClientId(): string {
    for (;;) {
      const clientId = `auto-${++this.#assignedIds}`;
      if (!this.#sessions.has(clientId)) return clientId;
    }
  }

  /** The connection that this client identifier has now. */
  connectionOf(clientId: string): BrokerConnection | undefined {
    return this.#connections.get(clientId);
  }

  /** All sessions are taken. */
  get isFull(): boolean {
    return this.#sessions.size >= this.settings.maxSessions;
  }

  /** The session that this client has from now on, and whether it had it before. */
  attach(
    connection: BrokerConnection, clientId: string, cleanStart: boolean,
  ): { readonly session: MqttSession; readonly present: boolean } {
    const before = this.#sessions.get(clientId);
    if (before !== undefined && cleanStart) this.endSession(before);
    const kept = cleanStart ? undefined : before;
    const session = kept ?? new MqttSession(clientId);
    // [MQTT-3.1.3-9] who comes back within the will delay has no will to be published.
    session.delayedWill = undefined;
    session.endsMs = Infinity;
    session.connection = connection;
    this.#waiting.delete(session);
    this.#sessions.set(clientId, session);
    this.#connections.set(clientId, connection);
    return { session, present: kept !== undefined };
  }

  /** The connection is gone. `will`: what is to be published now, or after its delay. */
  detach(connection: BrokerConnection, session: MqttSession, will: Will | undefined): void {
    if (session.connection !== connection) return;
    const nowMs = this.host.now();
    session.connection = undefined;
    this.#connections.delete(session.clientId);
    session.endsMs = nowMs + session.expiryMs;
    if (will !== undefined) {
      // Section 3.1.3.2.2: after its delay, or when the session ends, whichever is first.
      const delayMs = Math.min((will.properties.willDelayInterval ?? 0) * 1000, session.expiryMs);
      session.delayedWill = { will, atMs: nowMs + delayMs, client: connection.client.id };
      if (delayMs === 0) this.#publishDelayedWill(session);
    }
    if (session.endsMs <= nowMs) this.endSession(session);
    else if (dueMs(session) < Infinity) this.#waiting.add(session);
    this.#wakeAt(dueMs(session));
  }

  endSession(session: MqttSession): void {
    // Section 3.1.3.2.2: the will is published when the session ends.
    if (session.delayedWill !== undefined) this.#publishDelayedWill(session);
    for (const filter of session.subscriptions.keys()) this.#index.remove(session, filter);
    session.subscriptions.clear();
    this.#waiting.delete(session);
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
  }

  /** The subscription, in place of one with the same filter; then the retained messages it asks for. */
  subscribe(session: MqttSession, subscription: Subscription, identifier: number): void {
    const { filter, retainHandling } = subscription;
    const isNew = !session.subscriptions.has(filter);
    const kept: KeptSubscription = { ...subscription, identifier };
    session.subscriptions.set(filter, kept);
    this.#index.add(session, filter);
    if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return;
    const nowMs = this.host.now();
    for (const message of this.#retained.values()) {
      if (message.expiresMs <= nowMs || !topicMatches(filter, message.topic)) continue;
      this.#deliver(session, [kept], message, true);
    }
  }

  /** Returns whether there was such a subscription. */
  unsubscribe(session: MqttSession, filter: string): boolean {
    const existed = session.subscriptions.delete(filter);
    if (existed) this.#index.remove(session, filter);
    return existed;
  }

  /** Takes charge of a message that a client has published. */
  accept(packet: PublishPacket, session: MqttSession, client: number): void {
    const { topic, payload, qos } = packet;
    const nowMs = this.host.now();
    if (qos > 0 && this.settings.messageEvents) {
      const text = decodeUtf8(payload, 0, payload.length) ?? `${payload.length} bytes`;
      this.host.tell({ kind: 'message', atMs: nowMs, client, topic, text: text.slice(0, TOLD_CHARACTERS) });
    }
    this.#publish(messageOf(packet, session, nowMs));
  }

  /** Publishes to all subscribers. Returns how many of them are online. */
  #publish(message: Message): number {
    const { topic, payload, retain } = message;
    // [MQTT-3.3.1-6] and [MQTT-3.3.1-7] (5.0): an empty message takes the retained one away.
    if (retain && payload.length === 0) this.#retained.delete(topic);
    else if (retain && (this.#retained.has(topic) || this.#retained.size < this.settings.maxRetained)) {
      this.#retained.set(topic, message);
    }
    let online = 0;
    for (const [session, subscriptions] of this.#index.match(topic)) {
      // [MQTT-3.8.3-3] (5.0) no local.
      const wanted = subscriptions.filter(({ noLocal }) => !noLocal || session !== message.from);
      if (wanted.length === 0) continue;
      if (session.connection !== undefined) online++;
      this.#deliver(session, wanted, message, false);
    }
    return online;
  }

  /** One copy, with the greatest QoS that its subscriptions allow ([MQTT-3.3.5-1] of 3.1.1). */
  #deliver(
    session: MqttSession, subscriptions: readonly KeptSubscription[], message: Message, isRetained: boolean,
  ): void {
    const subscribed = subscriptions.reduce((most, { qos }) => (qos > most ? qos : most), subscriptions[0]?.qos ?? 0);
    const delivery: Delivery = {
      message,
      qos: subscribed < message.qos ? subscribed : message.qos,
      // [MQTT-3.3.1-8] [MQTT-3.3.1-9]: RETAIN says that the message is older than the subscription.
      retain: isRetained || (message.retain && subscriptions.some(({ retainAsPublished }) => retainAsPublished)),
      subscriptionIdentifiers: subscriptions.map(({ identifier }) => identifier).filter((identifier) => identifier > 0),
    };
    const kept = session.deliver(delivery, this.settings.maxQueuedMessages);
    if (!kept && delivery.qos > 0) this.#lostMessages++;
  }

  #publishDelayedWill(session: MqttSession): void {
    const { delayedWill } = session;
    if (delayedWill === undefined) return;
    session.delayedWill = undefined;
    const { will, client } = delayedWill;
    const nowMs = this.host.now();
    const { willDelayInterval: _delay, ...properties } = will.properties;
    const subscribers = this.#publish(messageOf({ ...will, properties }, session, nowMs));
    this.host.tell({ kind: 'will', atMs: nowMs, client, topic: will.topic, subscribers });
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#nextMs) return;
    this.#nextMs = atMs;
    this.host.setDeadline(atMs);
  }
}

function dueMs({ endsMs, delayedWill }: MqttSession): number {
  return Math.min(endsMs, delayedWill?.atMs ?? Infinity);
}

function messageOf(
  { topic, payload, qos, retain, properties }: Omit<Message, 'from' | 'expiresMs'>, from: MqttSession, nowMs: number,
): Message {
  const { messageExpiryInterval, topicAlias: _alias, ...kept } = properties;
  const expiresMs = messageExpiryInterval === undefined ? Infinity : nowMs + messageExpiryInterval * 1000;
  return { topic, payload, qos, retain, properties: kept, from, expiresMs };
}
