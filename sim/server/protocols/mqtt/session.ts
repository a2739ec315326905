/**
 * A client's session in the broker (section 3.1.2.4 of 5.0, 4.1 of 3.1.1): its subscriptions, and the messages of QoS 1
 * and 2 that are on their way to it and from it. It outlives connections.
 */

import type { PublishPacket, QoS, Subscription, Will } from '../../../../firmware/protocols/mqtt/packet.ts';

/** An application message that the broker has taken charge of. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: PublishPacket['properties'];
  /** The session it came from; undefined: its client is gone for good. */
  readonly from: MqttSession | undefined;
  /** 5.0's message expiry; Infinity: none. */
  readonly expiresMs: number;
}

/** A message as one subscriber gets it. */
export interface Delivery {
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
}

/** A message of QoS 1 or 2 that was sent, and is not done. */
export interface Outgoing {
  readonly delivery: Delivery;
  /** QoS 2: PUBREC has come. */
  released: boolean;
}

/** The part of its connection that a session uses. */
export interface SessionConnection {
  /** Most messages of QoS 1 and 2 that may be in flight to the client at once. */
  readonly maxInFlight: number;
  publish(delivery: Delivery, packetId: number, dup: boolean): void;
  pubrel(packetId: number): void;
}

export interface KeptSubscription extends Subscription {
  /** 0: none. */
  readonly identifier: number;
}

const PACKET_ID_MAX = 65_535;

export class MqttSession {
  readonly clientId: string;
  readonly subscriptions = new Map<string, KeptSubscription>();
  /** Packet identifiers of messages of QoS 2 from the client that came, and whose PUBREL did not yet. */
  readonly unreleased = new Set<number>();
  connection: SessionConnection | undefined = undefined;
  /** Lifetime without a connection; Infinity: forever. */
  expiryMs = 0;
  /** Time at which a session without a connection ends; Infinity while it has one. */
  endsMs = Infinity;
  /** 5.0: a will that waits for the client to come back, and until when. */
  delayedWill: { readonly will: Will; readonly atMs: number; readonly client: number } | undefined = undefined;
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #queue: Delivery[] = [];
  #lastId = 0;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  /** Number of messages that the session holds for its client. */
  get heldMessages(): number {
    return this.#outgoing.size + this.#queue.length;
  }

  /**
   * Sends a message to the client, or keeps it for later. False when it is lost: of QoS 0 without a connection, or
   * `maxQueuedMessages` wait already, as mosquitto drops the newest.
   */
  deliver(delivery: Delivery, maxQueuedMessages: number): boolean {
    const { connection } = this;
    if (delivery.qos === 0) {
      connection?.publish(delivery, 0, false);
      return connection !== undefined;
    }
    if (connection !== undefined && this.#queue.length === 0 && this.#outgoing.size < connection.maxInFlight) {
      this.#send(connection, delivery);
      return true;
    }
    if (this.#queue.length >= maxQueuedMessages) return false;
    this.#queue.push(delivery);
    return true;
  }

  /** [MQTT-4.4.0-1]: with a new connection, what was not done is sent again, in its order; then what waited. */
  resume(nowMs: number): void {
    const { connection } = this;
    if (connection === undefined) return;
    for (const [packetId, { delivery, released }] of this.#outgoing) {
      if (released) connection.pubrel(packetId);
      else connection.publish(delivery, packetId, true);
    }
    this.drain(nowMs);
  }

  /** Sends what waits, as far as the client allows. */
  drain(nowMs: number): void {
    const { connection } = this;
    while (connection !== undefined && this.connection === connection && this.#outgoing.size < connection.maxInFlight) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (next.message.expiresMs > nowMs) this.#send(connection, next);
    }
  }

  outgoing(packetId: number): Outgoing | undefined {
    return this.#outgoing.get(packetId);
  }

  /** The handshake of this one is over. */
  done(packetId: number, nowMs: number): void {
    this.#outgoing.delete(packetId);
    this.drain(nowMs);
  }

  #send(connection: SessionConnection, delivery: Delivery): void {
    const packetId = this.#newId();
    this.#outgoing.set(packetId, { delivery, released: false });
    connection.publish(delivery, packetId, false);
  }

  #newId(): number {
    do this.#lastId = (this.#lastId % PACKET_ID_MAX) + 1;
    while (this.#outgoing.has(this.#lastId));
    return this.#lastId;
  }
}
