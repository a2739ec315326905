/**
 * The MQTT client of a device: it keeps a connection to a broker, publishes at an interval, subscribes, answers what it
 * is sent, pings by a policy, and brings its session over from one connection to the next.
 *
 * The session is in RAM. After a power cut it is gone, and so the first CONNECT after each start asks for a clean one:
 * a packet identifier used again in a session that the broker still has would pass for a repetition. What the broker
 * kept for the device is lost with it.
 */

import { errnoOf, failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import { readBoots } from '../../boot-counter.ts';
import type { EventListener } from '../../events.ts';
import { READABLE, WRITABLE } from '../../net/select.ts';
import type { Socket } from '../../net/socket.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { MAX_DELAY } from '../../rtos/ticks.ts';
import { type AdaptivePeriod, PeriodSearch } from '../../tasks/adaptive-period.ts';
import { keepConnected, type ConnectionConfig, type Dialogue, type SessionEnd } from '../../tasks/connection.ts';
import { MqttDecoder } from './decoder.ts';
import { encode, PINGREQ } from './encode.ts';
import { InFlightMessages } from './in-flight.ts';
import {
  NO_PROPERTIES, type AckPacket, type ConnackPacket, type Packet, type Properties, type PublishPacket, type QoS,
  REASON, reasonText, type Version, type Will,
} from './packet.ts';
import {
  adaptivePings, type Life, nextLookMs, PING_POLICIES, type PingPolicy, type PingPolicyName,
} from './ping-policy.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** Settings of the MQTT device. In topics, `%c` stands for the client identifier. */
export interface MqttConfig extends ConnectionConfig {
  readonly version: '3.1.1' | '5.0';
  /** Empty: the device's own identity. */
  readonly clientId: string;
  /** Keep alive, in whole seconds; 0: off. */
  readonly keepAliveS: number;
  readonly pings: PingPolicyName;
  /** The client finds the longest safe period of pings by itself, at most keep alive, in place of `pings`. */
  readonly adaptive: AdaptivePeriod | 'off';
  readonly connackTimeoutMs: number;
  /** Longest wait until the connection accepts a packet. */
  readonly sendTimeoutMs: number;
  /** Keeps the session from one connection to the next: clean session 0 in 3.1.1, a session expiry in 5.0. */
  readonly keepSession: boolean;
  /** Time for which a broker of 5.0 keeps a session without a connection. */
  readonly sessionExpiryS: number;
  readonly will: WillConfig | 'none';
  /** Empty: none. */
  readonly username: string;
  readonly password: string;
  /** A message so often; 0: none. */
  readonly publishIntervalMs: number;
  readonly publishTopic: string;
  readonly publishQos: QoS;
  /** The length of a message, filled up with dots; its name stands in front in any case. */
  readonly publishBytes: number;
  /** A topic filter; empty: none. What comes is answered in upper case, to its response topic or `answerTopic`. */
  readonly subscribe: string;
  readonly subscribeQos: QoS;
  readonly answerTopic: string;
  /** The longest packet to accept. */
  readonly maxPacketBytes: number;
  /** Time on a connection after which the device sends DISCONNECT and sleeps for `asleepMs`; 0: it stays awake. */
  readonly awakeMs: number;
  readonly asleepMs: number;
}

export interface WillConfig {
  readonly topic: string;
  readonly text: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** 5.0: how long the broker waits for the client to come back. */
  readonly delayS: number;
}

const EAGAIN = failure('EAGAIN');

/** Receive buffer of all MQTT tasks: its content is decoded before the task blocks. */
const RECEIVED = new Uint8Array(2048);

/**
 * Messages of QoS 1 and 2 in flight at once: mosquitto's `max_inflight_messages`; also what 5.0 is told to expect of
 * us.
 */
const IN_FLIGHT_MAX = 20;

/** The queue of a connection over which nothing was sent yet. */
const NONE: Uint8Array[] = [];

/** More than this waits for nobody: a device that cannot send takes nothing in, and makes nothing new. */
const QUEUED_MAX_BYTES = 8192;

/** Longest part of a received message that is reported. */
const TOLD_CHARACTERS = 64;

export function mqttTask(os: Kernel, hal: Hal, config: MqttConfig, onEvent: EventListener | undefined): Task {
  return keepConnected(os, hal, config, new MqttClient(os, hal, config, onEvent), onEvent);
}

/** Stage of the conversation with the broker. */
type Phase = 'connack' | 'open' | 'finished';

class MqttClient implements Dialogue, Life {
  readonly #os: Kernel;
  readonly #hal: Hal;
  readonly #config: MqttConfig;
  readonly #tell: EventListener | undefined;
  readonly #decoder: MqttDecoder;
  readonly #clientId: string;
  readonly #search: PeriodSearch | undefined;
  readonly #policy: PingPolicy;

  // The session.
  #hasSession = false;
  /** The session was clean, and ends with its connection. */
  #isClean = false;
  /** SUBACK has come in this session. */
  #isSubscribed = false;
  readonly #inFlight = new InFlightMessages();
  /** Messages of QoS 2 that arrived and whose PUBREL has not. Undefined for the many devices that never receive any. */
  #unreleased: Set<number> | undefined = undefined;
  #messages = 0;

  // The connection.
  #phase: Phase = 'connack';
  #end: SessionEnd | undefined = undefined;
  /** Packets to be sent; of the first, the sent part, and when it must be sent. */
  #queue: Uint8Array[] = NONE;
  #queuedBytes = 0;
  #takenBytes = 0;
  #takenByMs: number | undefined = undefined;
  #keepAliveMs = 0;
  #maxInFlight = IN_FLIGHT_MAX;
  #maxQos: QoS = 2;
  #maxSentBytes: number | undefined = undefined;
  #nextPublishMs: number | undefined = undefined;
  /** Time at which it goes to sleep. */
  #sleepMs: number | undefined = undefined;

  // History of the connection, as the policies see it.
  connectedMs = 0;
  sentMs = 0;
  otherSentMs = 0;
  receivedMs = 0;
  answeredMs = 0;
  pongMs = 0;
  pingMs: number | undefined = undefined;

  constructor(os: Kernel, hal: Hal, config: MqttConfig, tell: EventListener | undefined) {
    this.#os = os;
    this.#hal = hal;
    this.#config = config;
    this.#tell = tell;
    this.#clientId = config.clientId === '' ? hal.system.deviceId : config.clientId;
    const onChange = (periodMs: number, settled: boolean): void => tell?.({ kind: 'beat-period', periodMs, settled });
    this.#search = config.adaptive === 'off' ? undefined : new PeriodSearch(config.adaptive, onChange);
    this.#policy = this.#search === undefined ? PING_POLICIES[config.pings] : adaptivePings(this.#search);
    this.#decoder = new MqttDecoder('client', this.#version, config.maxPacketBytes);
  }

  begin(socket: Socket): void {
    this.#search?.connected(socket.local?.address ?? '', this.#now());
    const { keepAliveS, keepSession, sessionExpiryS, username, password } = this.#config;
    this.#decoder.reset();
    this.#phase = 'connack';
    this.#end = undefined;
    this.#queue = NONE;
    this.#queuedBytes = 0;
    this.#takenBytes = 0;
    this.pingMs = undefined;
    this.#nextPublishMs = undefined;
    this.#sleepMs = undefined;
    this.connectedMs = this.#now();
    // [MQTT-3.1.2-6]: nothing of a clean session is used again. The broker may have a new one by now, of a CONNECT
    // whose
    // CONNACK was lost: in that one a message of QoS 2 that came already would pass for new.
    if (this.#isClean) this.#loseSession();
    const properties: Properties = this.#version === 4 ? NO_PROPERTIES : {
      ...(keepSession && { sessionExpiryInterval: sessionExpiryS }),
      receiveMaximum: IN_FLIGHT_MAX,
      maximumPacketSize: this.#config.maxPacketBytes,
    };
    const will = this.#will();
    this.#send(encode({
      type: 'CONNECT', version: this.#version, clientId: this.#clientId, properties,
      cleanStart: !keepSession || !this.#hasSession, keepAliveSeconds: keepAliveS,
      ...(will !== undefined && { will }),
      ...(username !== '' && { username }),
      ...(password !== '' && { password: encodeUtf8(password) }),
    }, this.#version));
  }

  turn(socket: Socket): SessionEnd | undefined {
    this.#doWhatIsDue();
    if (this.#hasFinished) return { by: 'finished', restMs: this.#config.asleepMs };
    return this.#end ?? this.#write(socket) ?? this.#read(socket) ?? this.#write(socket);
  }

  get waitsFor(): number {
    if (this.#queue.length === 0) return READABLE;
    return this.#queuedBytes > QUEUED_MAX_BYTES ? WRITABLE : READABLE | WRITABLE;
  }

  waitTicks(): number {
    if (this.#hasFinished) return 0;
    const untilMs = Math.min(
      this.#dueMs(), this.#nextPublishMs ?? Infinity, this.#takenByMs ?? Infinity, this.#sleepMs ?? Infinity,
    );
    const ms = untilMs - this.#now();
    if (ms <= 0) return 0;
    if (ms === Infinity) return MAX_DELAY;
    const ticks = this.#os.msToTicks(ms);
    return Math.min(this.#os.ticksToMs(ticks) < ms ? ticks + 1 : ticks, MAX_DELAY - 1);
  }

  /** DISCONNECT is sent. */
  get #hasFinished(): boolean {
    return this.#phase === 'finished' && this.#queue.length === 0;
  }

  get #version(): Version {
    return this.#config.version === '5.0' ? 5 : 4;
  }

  get #policyName(): string {
    return this.#search === undefined ? this.#config.pings : 'adaptive';
  }

  #now(): number {
    return this.#hal.clock.now();
  }

  /** Returns when the next PINGREQ is due, or the time for an answer is up. */
  #dueMs(): number {
    if (this.#phase === 'connack') return this.connectedMs + this.#config.connackTimeoutMs;
    if (this.#phase === 'finished') return Infinity;
    return nextLookMs(this.#policy, this, this.#keepAliveMs);
  }

  #doWhatIsDue(): void {
    const nowMs = this.#now();
    if (this.#sleepMs !== undefined && nowMs >= this.#sleepMs) return this.#finish();
    if (nowMs >= this.#dueMs()) this.#pingOrGiveUp(nowMs);
    if (this.#nextPublishMs !== undefined && nowMs >= this.#nextPublishMs) {
      this.#nextPublishMs += this.#config.publishIntervalMs;
      // Messages that were due during a long stall are not published late.
      if (this.#nextPublishMs <= nowMs) this.#nextPublishMs = nowMs + this.#config.publishIntervalMs;
      this.#publish(nowMs);
    }
  }

  #pingOrGiveUp(nowMs: number): void {
    if (this.#phase === 'connack') {
      this.#end = { by: 'no-answer', detail: `no CONNACK within ${this.#config.connackTimeoutMs} ms` };
    } else if (this.pingMs === undefined) {
      // The time of the ping counts from now, though other packets may wait in front of it.
      this.pingMs = nowMs;
      this.#send(PINGREQ);
      this.#search?.sent();
      this.#tell?.({ kind: 'beat-sent' });
    } else {
      this.#tell?.({ kind: 'beat-missed', missed: 1 });
      const waitedMs = Math.round(nowMs - this.pingMs);
      this.#end = { by: 'missed-beats', detail: `no PINGRESP within ${waitedMs} ms (${this.#policyName})` };
    }
  }

  /** A clean end: the broker discards the will ([MQTT-3.14.4-3]). */
  #finish(): void {
    this.#phase = 'finished';
    this.#sleepMs = undefined;
    this.#nextPublishMs = undefined;
    this.#send(encode({ type: 'DISCONNECT', reasonCode: REASON.SUCCESS, properties: NO_PROPERTIES }, this.#version));
  }

  #publish(nowMs: number): void {
    const { publishTopic, publishQos, publishBytes } = this.#config;
    const qos = publishQos > this.#maxQos ? this.#maxQos : publishQos;
    // Nothing piles up: who cannot send now measures again next time.
    if (this.#queuedBytes > QUEUED_MAX_BYTES || (qos > 0 && this.#inFlight.count >= this.#maxInFlight)) return;
    const message = `${this.#clientId} ${readBoots(this.#hal.storage)}-${++this.#messages}`;
    const payload = encodeUtf8(message.padEnd(publishBytes, '.'));
    const packetId = qos === 0 ? 0 : this.#inFlight.newId();
    const bytes = encode({
      type: 'PUBLISH', topic: this.#topic(publishTopic), payload, qos, retain: false, dup: false, packetId,
      properties: NO_PROPERTIES,
    }, this.#version);
    // 5.0, [MQTT-3.1.2-24]'s mirror in section 3.2.2.3.6: nothing longer than the server takes.
    if (bytes.length > (this.#maxSentBytes ?? Infinity)) return;
    if (qos !== 0) this.#inFlight.add({ packetId, message, qos, sinceMs: nowMs, bytes, released: false });
    this.#send(bytes);
    this.#tell?.({ kind: 'data-sent', bytes: payload.length });
  }

  #send(bytes: Uint8Array): void {
    if (this.#queue.length === 0) this.#takenByMs = this.#now() + this.#config.sendTimeoutMs;
    // Few ever have more than one, and an array that grows by itself makes room for 17.
    if (this.#queue === NONE) this.#queue = [bytes];
    else this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  #acknowledge(type: AckPacket['type'], packetId: number, reasonCode: number = REASON.SUCCESS): void {
    this.#send(encode({ type, packetId, reasonCode, properties: NO_PROPERTIES }, this.#version));
  }

  /** Hands over what waits, as far as it is taken. */
  #write(socket: Socket): SessionEnd | undefined {
    for (let bytes = this.#queue[0]; bytes !== undefined; bytes = this.#queue[0]) {
      const count = socket.tryWrite(this.#takenBytes === 0 ? bytes : bytes.subarray(this.#takenBytes));
      if (count < 0 && count !== EAGAIN) return { by: errnoOf(count) };
      const nowMs = this.#now();
      if (count > 0) this.#takenBytes += count;
      if (this.#takenBytes < bytes.length) {
        if (this.#takenByMs === undefined || nowMs < this.#takenByMs) return undefined;
        return { by: 'not-reading', detail: `${this.#takenBytes} of ${bytes.length} bytes of a packet were taken` };
      }
      this.sentMs = nowMs;
      if (bytes !== PINGREQ) {
        this.otherSentMs = nowMs;
        this.#search?.traffic();
      }
      this.#queue.shift();
      this.#queuedBytes -= bytes.length;
      this.#takenBytes = 0;
      this.#takenByMs = nowMs + this.#config.sendTimeoutMs;
    }
    this.#takenByMs = undefined;
    return undefined;
  }

  #read(socket: Socket): SessionEnd | undefined {
    if (this.#queuedBytes > QUEUED_MAX_BYTES) return undefined;
    const count = socket.tryRead(RECEIVED);
    if (count === EAGAIN) return undefined;
    if (count === 0) return { by: 'closed' };
    if (count < 0) return { by: errnoOf(count) };
    const refusal = this.#decoder.decode(RECEIVED, (packet) => this.#received(packet), count);
    return this.#end ?? (refusal === undefined ? undefined : { by: 'bad-frame', detail: refusal.reason });
  }

  #endWith(end: SessionEnd): void {
    this.#end ??= end;
    this.#decoder.stop();
  }

  #received(packet: Packet): void {
    // [MQTT-3.14.4-2]: nothing more is sent after DISCONNECT.
    if (this.#phase === 'finished') return;
    const nowMs = this.#now();
    this.receivedMs = nowMs;
    if (packet.type !== 'PUBLISH') this.answeredMs = nowMs;
    if (packet.type !== 'PINGRESP') this.#search?.traffic();
    switch (packet.type) {
      case 'CONNACK':
        this.#connack(packet, nowMs);
        break;
      case 'PUBLISH':
        this.#message(packet);
        break;
      case 'PUBACK':
      case 'PUBCOMP':
        this.#acknowledged(packet, nowMs);
        break;
      case 'PUBREC':
        this.#release(packet);
        break;
      case 'PUBREL': {
        const isKnown = this.#unreleased?.delete(packet.packetId) === true;
        this.#acknowledge('PUBCOMP', packet.packetId, isKnown ? REASON.SUCCESS : REASON.PACKET_IDENTIFIER_NOT_FOUND);
        break;
      }
      case 'SUBACK':
        this.#isSubscribed = true;
        if (packet.reasonCodes.some((code) => code >= 0x80)) {
          this.#hal.console.print(`the broker refused the subscription to ${this.#topic(this.#config.subscribe)}`);
        }
        break;
      case 'PINGRESP':
        if (this.pingMs !== undefined) this.#tell?.({ kind: 'served', afterMs: nowMs - this.pingMs });
        this.pongMs = nowMs;
        this.pingMs = undefined;
        this.#search?.answered(nowMs);
        break;
      case 'DISCONNECT':
        this.#endWith(this.#version === 5
          ? { by: 'disconnected', detail: reasonText(packet.reasonCode) }
          : { by: 'bad-frame', detail: 'a server of 3.1.1 sends no DISCONNECT (table 2.1)' });
        break;
      case 'AUTH':
        this.#endWith({ by: 'bad-frame', detail: 'AUTH, though no authentication method was named (section 4.12)' });
        break;
      case 'UNSUBACK':
        break;
      case 'CONNECT':
      case 'SUBSCRIBE':
      case 'UNSUBSCRIBE':
      case 'PINGREQ':
        throw new Error(`the decoder let a ${packet.type} through, which only clients send`);
    }
  }

  #connack({ sessionPresent, reasonCode, properties }: ConnackPacket, nowMs: number): void {
    const { keepAliveS, keepSession, publishIntervalMs, subscribe, subscribeQos, awakeMs } = this.#config;
    if (reasonCode !== REASON.SUCCESS) {
      return this.#endWith({ by: 'refused', detail: `CONNACK: ${reasonText(reasonCode)}` });
    }
    if (this.#phase !== 'connack') {
      return this.#endWith({ by: 'bad-frame', detail: 'a second CONNACK (section 3.2)' });
    }
    // [MQTT-3.2.2-4] of 5.0: the server has a session that this client knows nothing of. 3.1.1 has no such rule, but
    // the client has asked for a clean one.
    if (sessionPresent && !this.#hasSession) {
      return this.#endWith({ by: 'bad-frame', detail: 'CONNACK: session present, though a clean one was asked for' });
    }
    this.#phase = 'open';
    this.#tell?.({ kind: 'served', afterMs: nowMs - this.connectedMs });
    this.connectedMs = nowMs;
    this.pongMs = nowMs;
    // [MQTT-3.2.2-21] the server's keep alive is used in place of the client's.
    this.#keepAliveMs = (properties.serverKeepAlive ?? keepAliveS) * 1000;
    this.#maxInFlight = Math.min(properties.receiveMaximum ?? IN_FLIGHT_MAX, IN_FLIGHT_MAX);
    this.#maxQos = properties.maximumQos === 0 ? 0 : properties.maximumQos === 1 ? 1 : 2;
    this.#maxSentBytes = properties.maximumPacketSize;
    if (!sessionPresent) this.#loseSession();
    for (const bytes of sessionPresent ? this.#inFlight.again() : this.#inFlight.forNewSession()) this.#send(bytes);
    // A clean session of 5.0 lives on, if it was given an expiry.
    this.#isClean = this.#version === 4 ? !this.#hasSession : !keepSession;
    this.#hasSession = keepSession;
    if (subscribe !== '' && !this.#isSubscribed) {
      this.#send(encode({
        type: 'SUBSCRIBE', packetId: this.#inFlight.newId(), properties: NO_PROPERTIES,
        subscriptions: [{
          filter: this.#topic(subscribe), qos: subscribeQos,
          noLocal: false, retainAsPublished: false, retainHandling: 0,
        }],
      }, this.#version));
    }
    this.#nextPublishMs = publishIntervalMs > 0 ? nowMs : undefined;
    this.#sleepMs = awakeMs > 0 ? nowMs + awakeMs : undefined;
  }

  #loseSession(): void {
    this.#inFlight.loseSession();
    this.#unreleased = undefined;
    this.#isSubscribed = false;
  }

  #message(packet: PublishPacket): void {
    const { packetId, qos, properties } = packet;
    if (properties.topicAlias !== undefined) {
      return this.#endWith({ by: 'bad-frame', detail: 'a topic alias, though none was allowed [MQTT-3.1.2-26]' });
    }
    if (qos === 2) {
      this.#unreleased ??= new Set();
      const isNew = !this.#unreleased.has(packetId);
      this.#unreleased.add(packetId);
      this.#acknowledge('PUBREC', packetId);
      if (isNew) this.#hear(packet);
      return;
    }
    if (qos === 1) this.#acknowledge('PUBACK', packetId);
    this.#hear(packet);
  }

  /** The application: it answers in upper case, with QoS 0. */
  #hear({ topic, payload, retain, properties }: PublishPacket): void {
    const text = decodeUtf8(payload, 0, payload.length) ?? `${payload.length} bytes`;
    this.#tell?.({ kind: 'data-received', bytes: payload.length });
    this.#tell?.({ kind: 'message', topic, text: text.slice(0, TOLD_CHARACTERS), retained: retain });
    const { correlationData } = properties;
    const answerTopic = properties.responseTopic ?? this.#topic(this.#config.answerTopic);
    if (answerTopic === '' || retain || answerTopic === topic) return;
    const bytes = encode({
      type: 'PUBLISH', topic: answerTopic, payload: payload.map(toUpperCase), qos: 0, retain: false, dup: false,
      packetId: 0, properties: correlationData === undefined ? NO_PROPERTIES : { correlationData },
    }, this.#version);
    if (bytes.length <= (this.#maxSentBytes ?? Infinity)) this.#send(bytes);
  }

  /** PUBACK of QoS 1, PUBCOMP of QoS 2: the broker answers for the message. */
  #acknowledged({ type, packetId, reasonCode }: AckPacket, nowMs: number): void {
    const found = this.#inFlight.get(packetId);
    if (found === undefined || found.qos !== (type === 'PUBACK' ? 1 : 2)) return;
    if (found.qos === 2 && !found.released) return;
    this.#inFlight.remove(packetId);
    if (reasonCode >= 0x80) return;
    this.#tell?.({ kind: 'served', afterMs: nowMs - found.sinceMs });
    this.#tell?.({ kind: 'acknowledged', message: found.message });
  }

  #release({ packetId, reasonCode }: AckPacket): void {
    const found = this.#inFlight.get(packetId);
    if (found?.qos !== 2) {
      // The end of a handshake that the client knows nothing of any more (section 4.3.3).
      return this.#acknowledge('PUBREL', packetId, REASON.PACKET_IDENTIFIER_NOT_FOUND);
    }
    if (reasonCode >= 0x80) return this.#inFlight.remove(packetId);
    found.released = true;
    found.bytes = encode({ type: 'PUBREL', packetId, reasonCode: 0, properties: NO_PROPERTIES }, this.#version);
    this.#send(found.bytes);
  }

  #topic(pattern: string): string {
    return pattern.replaceAll('%c', this.#clientId);
  }

  #will(): Will | undefined {
    const { will } = this.#config;
    if (will === 'none') return undefined;
    const { topic, text, qos, retain, delayS } = will;
    const properties = this.#version === 5 && delayS > 0 ? { willDelayInterval: delayS } : NO_PROPERTIES;
    return { topic: this.#topic(topic), payload: encodeUtf8(text), qos, retain, properties };
  }
}

function toUpperCase(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
}
