/** The broker: sessions, take-over, wills, retained messages, hand-shakes and keep alive, in virtual time. */

import { describe, expect, it } from 'vitest';
import { MqttDecoder } from '../../../../../firmware/protocols/mqtt/decoder.ts';
import { encode } from '../../../../../firmware/protocols/mqtt/encode.ts';
import type {
  ConnectPacket, Packet, Properties, PublishPacket, QoS, Subscription, Version, Will,
} from '../../../../../firmware/protocols/mqtt/packet.ts';
import {
  Broker, BROKER_DEFAULTS, type BrokerEvent, type BrokerSettings,
} from '../../../../../sim/server/protocols/mqtt/broker.ts';
import type { BrokerClient, BrokerConnection } from '../../../../../sim/server/protocols/mqtt/broker-connection.ts';
import {
  KEEP_ALIVE_POLICIES, KEEP_ALIVE_POLICY_NAMES, type KeepAlivePolicyName,
} from '../../../../../sim/server/protocols/mqtt/keep-alive-policy.ts';
import { check } from '../../../../support/check.ts';
import { Seeded } from '../../../../support/seeded.ts';

/** A broker whose clock the test moves; deadlines are kept to the ms. */
class World {
  nowMs = 0;
  readonly events: BrokerEvent[] = [];
  readonly broker: Broker;
  readonly #deadlines = new Map<object, { atMs: number; due: () => void }>();
  clients = 0;

  constructor(settings: Partial<BrokerSettings> = {}) {
    this.broker = new Broker({ ...BROKER_DEFAULTS, ...settings }, {
      limits: { maxDataBytes: 65_536 },
      now: () => this.nowMs,
      setDeadline: (atMs) => this.setDeadline(this, atMs, () => this.broker.due()),
      tell: (event) => this.events.push(event),
    });
  }

  setDeadline(of: object, atMs: number, due: () => void): void {
    if (atMs === Infinity) this.#deadlines.delete(of);
    else this.#deadlines.set(of, { atMs, due });
  }

  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.#deadlines].filter(([, { atMs }]) => atMs <= endMs);
      const next = due.sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#deadlines.delete(next[0]);
      this.nowMs = Math.max(this.nowMs, next[1].atMs);
      next[1].due();
    }
    this.nowMs = endMs;
  }

  client(version: Version, connect: Partial<ConnectPacket> = {}): TestClient {
    const client = new TestClient(this, version);
    client.say({
      type: 'CONNECT', version, clientId: `c${client.id}`, cleanStart: true, keepAliveSeconds: 0, properties: {},
      ...connect,
    });
    return client;
  }
}

class TestClient implements BrokerClient {
  readonly id: number;
  readonly heard: Packet[] = [];
  /** Reason why the client is offline. */
  over: string | undefined;
  overAtMs = 0;
  readonly #world: World;
  readonly #version: Version;
  readonly #decoder: MqttDecoder;
  readonly #connection: BrokerConnection;

  constructor(world: World, version: Version) {
    this.#world = world;
    this.#version = version;
    this.id = ++world.clients;
    this.#decoder = new MqttDecoder('client', version, 100_000);
    this.#connection = world.broker.open(this);
  }

  // Calls of the broker.
  send(bytes: Uint8Array): void {
    if (this.over !== undefined) return;
    const refusal = this.#decoder.decode(bytes, (packet) => this.heard.push(packet));
    if (refusal !== undefined) throw new Error(refusal.reason);
  }
  setDeadline(atMs: number): void {
    if (this.over === undefined) this.#world.setDeadline(this, atMs, () => this.#connection.due());
  }
  frame(): void { /* not counted */ }
  data(): void { /* not counted */ }
  drop(reason: string): void { this.#end(reason); }
  dropSilent(): void { this.#end('silent'); }
  dropTakenOver(by: number): void { this.#end(`taken over by ${by}`); }

  // Calls of the test.
  say(packet: Packet): void {
    this.sayBytes(encode(packet, this.#version));
  }
  sayBytes(bytes: Uint8Array): void {
    const refused = this.#connection.received(bytes, bytes.length);
    if (refused !== undefined) this.#end(`refused: ${refused}`);
  }
  /** The connection breaks. */
  break(): void { this.#end('broken'); }
  publish(topic: string, text: string, fields: Partial<PublishPacket> = {}): void {
    this.say({
      type: 'PUBLISH', topic, payload: new TextEncoder().encode(text), qos: 0, retain: false, dup: false, packetId: 0,
      properties: {}, ...fields,
    });
  }
  subscribe(filter: string, qos: QoS = 0, fields: Partial<Subscription> = {}, properties: Properties = {}): void {
    const plain: Subscription = { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 };
    this.say({ type: 'SUBSCRIBE', packetId: 1, subscriptions: [{ ...plain, ...fields }], properties });
  }
  ack(type: 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP', packetId: number): void {
    this.say({ type, packetId, reasonCode: 0, properties: {} });
  }
  disconnect(reasonCode = 0): void {
    this.say({ type: 'DISCONNECT', reasonCode, properties: {} });
  }
  /** The messages it got: `topic text qosN`, with ` retained` and ` dup`. */
  get messages(): string[] {
    return this.heard.flatMap((packet) => (packet.type !== 'PUBLISH' ? [] : [
      `${packet.topic} ${new TextDecoder().decode(packet.payload)} qos${packet.qos}`
      + `${packet.retain ? ' retained' : ''}${packet.dup ? ' dup' : ''}`,
    ]));
  }
  last<T extends Packet['type']>(type: T): (Packet & { readonly type: T }) | undefined {
    return this.heard.filter((packet): packet is Packet & { readonly type: T } => packet.type === type).at(-1);
  }
  #end(reason: string): void {
    if (this.over !== undefined) return;
    this.over = reason;
    this.overAtMs = this.#world.nowMs;
    this.#world.setDeadline(this, Infinity, () => {});
    this.#connection.ended({ kind: 'error' });
  }
}

const WILL: Will = { topic: 'gone', payload: new TextEncoder().encode('x'), qos: 1, retain: false, properties: {} };

describe('messages', () => {
  it('reach every subscriber once, with the lesser QoS of both', () => {
    const world = new World();
    const [a, b] = [world.client(4), world.client(5)];
    a.subscribe('t/+', 1);
    a.subscribe('t/#', 0);
    b.subscribe('t/1', 2);
    world.client(4).publish('t/1', 'hello', { qos: 1, packetId: 9 });
    expect(a.messages).toEqual(['t/1 hello qos1']);
    expect(b.messages).toEqual(['t/1 hello qos1']);
    expect(a.last('SUBACK')?.reasonCodes).toEqual([0]);
  });

  it('do not come back to who asked for no local, and carry subscription identifiers', () => {
    const world = new World();
    const a = world.client(5);
    a.subscribe('t', 0, { noLocal: true });
    a.publish('t', '1');
    expect(a.messages).toEqual([]);
    const b = world.client(5);
    b.subscribe('t', 0, {}, { subscriptionIdentifiers: [7] });
    a.publish('t', '2');
    expect(b.last('PUBLISH')?.properties.subscriptionIdentifiers).toEqual([7]);
  });

  it('are retained, until an empty one takes them away', () => {
    const world = new World();
    const publisher = world.client(5);
    publisher.publish('r', 'kept', { retain: true });
    const a = world.client(4);
    a.subscribe('#');
    expect(a.messages).toEqual(['r kept qos0 retained']);
    publisher.publish('r', 'new', { retain: true });
    expect(a.messages.at(-1)).toBe('r new qos0');
    const b = world.client(5);
    b.subscribe('r', 0, { retainHandling: 2 });
    b.subscribe('+', 0, { retainHandling: 1, retainAsPublished: true });
    expect(b.messages).toEqual(['r new qos0 retained']);
    b.subscribe('+', 0, { retainHandling: 1, retainAsPublished: true });
    expect(b.messages.length).toBe(1);
    publisher.publish('r', '', { retain: true });
    expect(b.messages.at(-1)).toBe('r  qos0 retained');
    const c = world.client(4);
    c.subscribe('#');
    expect(c.messages).toEqual([]);
  });

  it('expire', () => {
    const world = new World();
    const publisher = world.client(5);
    publisher.publish('r', 'short', { retain: true, properties: { messageExpiryInterval: 10 } });
    world.advance(4000);
    const a = world.client(5);
    a.subscribe('r');
    expect(a.last('PUBLISH')?.properties.messageExpiryInterval).toBe(6);
    world.advance(6000);
    const b = world.client(5);
    b.subscribe('r');
    expect(b.messages).toEqual([]);
  });
});

describe('hand-shakes and sessions', () => {
  it('QoS 2 is published once, however often its PUBLISH comes', () => {
    const world = new World({ messageEvents: true });
    const [a, b] = [world.client(4, { clientId: 'a', cleanStart: false }), world.client(4)];
    b.subscribe('t', 2);
    a.publish('t', '1', { qos: 2, packetId: 5 });
    a.break();
    const again = world.client(4, { clientId: 'a', cleanStart: false });
    expect(again.last('CONNACK')?.sessionPresent).toBe(true);
    again.publish('t', '1', { qos: 2, packetId: 5, dup: true });
    expect(again.last('PUBREC')?.packetId).toBe(5);
    again.ack('PUBREL', 5);
    expect(again.last('PUBCOMP')?.packetId).toBe(5);
    expect(b.messages).toEqual(['t 1 qos2']);
    expect(world.events.filter(({ kind }) => kind === 'message').length).toBe(1);
    again.publish('t', '2', { qos: 2, packetId: 5 });
    expect(b.messages.length).toBe(2);
  });

  it('unacknowledged messages come again in their order, then the waiting ones', () => {
    const world = new World({ maxInFlight: 2 });
    const a = world.client(4, { clientId: 'a', cleanStart: false });
    a.subscribe('t', 2);
    const publisher = world.client(4);
    for (const [i, qos] of ([1, 2, 1] as const).entries()) publisher.publish('t', String(i), { qos, packetId: i + 1 });
    expect(a.messages).toEqual(['t 0 qos1', 't 1 qos2']);
    a.ack('PUBREC', 2);
    expect(a.last('PUBREL')?.packetId).toBe(2);
    a.break();
    publisher.publish('t', '3', { qos: 1, packetId: 4 });
    publisher.publish('t', 'lost', { qos: 0 });
    const again = world.client(4, { clientId: 'a', cleanStart: false });
    expect(again.messages).toEqual(['t 0 qos1 dup']);
    expect(again.last('PUBREL')?.packetId).toBe(2);
    again.ack('PUBACK', 1);
    again.ack('PUBCOMP', 2);
    expect(again.messages).toEqual(['t 0 qos1 dup', 't 2 qos1', 't 3 qos1']);
    expect(world.broker.session('a')?.heldMessages).toBe(2);
  });

  it('a queue has an end, and a clean start forgets all', () => {
    const world = new World({ maxQueuedMessages: 2, maxInFlight: 1 });
    const a = world.client(4, { clientId: 'a', cleanStart: false });
    a.subscribe('t', 1);
    a.break();
    const publisher = world.client(4);
    for (let i = 1; i <= 5; i++) publisher.publish('t', String(i), { qos: 1, packetId: i });
    expect(world.broker.session('a')?.heldMessages).toBe(2);
    expect(world.broker.lostMessages).toBe(3);
    const clean = world.client(4, { clientId: 'a', cleanStart: true });
    expect(clean.last('CONNACK')?.sessionPresent).toBe(false);
    expect(clean.messages).toEqual([]);
    clean.break();
    expect(world.broker.session('a')).toBeUndefined();
  });

  it('5.0: a session ends when its expiry is over', () => {
    const world = new World();
    const connect = { clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval: 10 } };
    world.client(5, connect).break();
    world.advance(9_999);
    const again = world.client(5, connect);
    expect(again.last('CONNACK')?.sessionPresent).toBe(true);
    world.advance(60_000);
    again.break();
    world.advance(10_000);
    expect(world.broker.session('a')).toBeUndefined();
  });

  it('a second connection takes the client identifier over, and the ghost is told why', () => {
    const world = new World();
    const a = world.client(5, { clientId: 'a', properties: { sessionExpiryInterval: 60 }, will: WILL });
    const watcher = world.client(4);
    watcher.subscribe('gone');
    const b = world.client(5, { clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval: 60 } });
    expect(a.last('DISCONNECT')?.reasonCode).toBe(0x8e);
    expect(b.last('CONNACK')?.sessionPresent).toBe(true);
    expect(watcher.messages).toEqual(['gone x qos0']);
    expect(a.over).toBe(`taken over by ${b.id}`);
    b.publish('t', 'still there', { qos: 1, packetId: 1 });
    expect(b.last('PUBACK')?.packetId).toBe(1);
  });

  it('gives a name to who has none, and refuses 3.1.1 that wants to keep a session without one', () => {
    const world = new World();
    expect(world.client(5, { clientId: '' }).last('CONNACK')?.properties.assignedClientIdentifier).toBe('auto-1');
    const refused = world.client(4, { clientId: '', cleanStart: false });
    expect(refused.last('CONNACK')?.reasonCode).toBe(2);
    expect(refused.over).toContain('MQTT-3.1.3-8');
  });

  it('limits sessions and subscriptions, and says so', () => {
    const world = new World({ maxSessions: 1, maxSubscriptions: 1 });
    const a = world.client(5, { clientId: 'a' });
    a.subscribe('1');
    a.subscribe('2');
    expect(a.last('SUBACK')?.reasonCodes).toEqual([0x97]);
    a.subscribe('$share/g/t');
    expect(a.last('SUBACK')?.reasonCodes).toEqual([0x9e]);
    const b = world.client(5, { clientId: 'b' });
    expect(b.last('CONNACK')?.reasonCode).toBe(0x97);
    expect(b.over).toContain('all 1 sessions are taken');
  });

  it('refuses what is no MQTT, another version of it, and what breaks the rules, as its version can say', () => {
    const world = new World();
    const old = new TestClient(world, 4);
    old.sayBytes(Uint8Array.of(0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 3, 2, 0, 10, 0, 0));
    expect(old.last('CONNACK')?.reasonCode).toBe(1);
    expect(old.over).toContain('MQTT-3.1.2-2');
    const http = new TestClient(world, 4);
    http.sayBytes(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'));
    expect(http.heard).toEqual([]);
    expect(http.over).toContain('"GET / HTTP/1.1\\r\\n\\r\\n"');
    const wild = world.client(5);
    wild.sayBytes(Uint8Array.of(0x30, 4, 0, 1, 0x23, 0));
    expect(wild.last('DISCONNECT')?.reasonCode).toBe(0x81);
    expect(wild.over).toContain('MQTT-3.3.2-2');
  });
});

describe('wills', () => {
  const watched = (version: Version, connect: Partial<ConnectPacket> = {}) => {
    const world = new World();
    const watcher = world.client(4);
    watcher.subscribe('gone', 1);
    return { world, watcher, a: world.client(version, { clientId: 'a', will: WILL, ...connect }) };
  };

  it('are published when a client is gone without a word, and not after DISCONNECT', () => {
    const broken = watched(4);
    broken.a.break();
    expect(broken.watcher.messages).toEqual(['gone x qos1']);
    const { id } = broken.a;
    expect(broken.world.events).toEqual([{ kind: 'will', atMs: 0, client: id, topic: 'gone', subscribers: 1 }]);
    const polite = watched(4);
    polite.a.disconnect();
    expect(polite.a.over).toBe('it said DISCONNECT');
    expect(polite.watcher.messages).toEqual([]);
    const asked = watched(5);
    asked.a.disconnect(0x04);
    expect(asked.watcher.messages).toEqual(['gone x qos1']);
  });

  it('5.0: are delayed, and forgotten if the client is back in time', () => {
    const connect = {
      will: { ...WILL, properties: { willDelayInterval: 10 } }, cleanStart: false,
      properties: { sessionExpiryInterval: 60 },
    };
    const late = watched(5, connect);
    late.a.break();
    late.world.advance(9_999);
    expect(late.watcher.messages).toEqual([]);
    late.world.advance(1);
    expect(late.watcher.messages).toEqual(['gone x qos1']);
    const back = watched(5, connect);
    back.a.break();
    back.world.advance(9_999);
    back.world.client(5, { clientId: 'a', ...connect });
    back.world.advance(60_000);
    expect(back.watcher.messages).toEqual([]);
    const clean = watched(5, connect);
    clean.a.break();
    clean.world.client(5, { clientId: 'a', ...connect, cleanStart: true });
    expect(clean.watcher.messages).toEqual(['gone x qos1']);
  });

  it('5.0: come when the session ends, if that is before their delay is over', () => {
    const { world, watcher, a } = watched(5, {
      will: { ...WILL, properties: { willDelayInterval: 100 } }, properties: { sessionExpiryInterval: 7 },
    });
    a.break();
    world.advance(6_999);
    expect(watcher.messages).toEqual([]);
    world.advance(1);
    expect(watcher.messages).toEqual(['gone x qos1']);
  });
});

describe('keep alive', () => {
  const dropMs = (name: KeepAlivePolicyName, keepAliveS: number, packetMs: number, pingMs = 0): number =>
    KEEP_ALIVE_POLICIES[name].dropMs({ connectedMs: 0, packetMs, pingMs }, keepAliveS * 1000);

  it('drops after 1.5 x keep alive without a packet, not before, and with the will', () => {
    const world = new World();
    const watcher = world.client(4);
    watcher.subscribe('gone');
    const a = world.client(5, { keepAliveSeconds: 3, will: WILL });
    world.advance(2000);
    a.say({ type: 'PINGREQ' });
    expect(a.last('PINGRESP')).toBeDefined();
    world.advance(4_499);
    expect(a.over).toBeUndefined();
    world.advance(1);
    expect(a.over).toBe('silent');
    expect(a.overAtMs).toBe(6500);
    expect(a.last('DISCONNECT')?.reasonCode).toBe(0x8d);
    expect(watcher.messages).toEqual(['gone x qos0']);
  });

  it('keep alive 0 is off', () => {
    const world = new World();
    const a = world.client(4);
    world.advance(100_000_000);
    expect(a.over).toBeUndefined();
  });

  it('mosquitto 2.0 looks every 6 s: 4 to 10 s for a keep alive of 3 s', () => {
    const after = Array.from({ length: 600 }, (_, i) => dropMs('mosquitto', 3, i * 10 + 1) - (i * 10 + 1));
    expect(Math.min(...after)).toBeGreaterThanOrEqual(4000);
    expect(Math.min(...after)).toBeLessThan(4100);
    expect(Math.max(...after)).toBeLessThan(10_000);
    expect(Math.max(...after)).toBeGreaterThan(9_900);
  });

  it('mosquitto 2.1 looks every second', () => {
    expect(dropMs('mosquitto-2.1', 3, 0)).toBe(5000);
    expect(dropMs('mosquitto-2.1', 3, 999)).toBe(5000);
    expect(dropMs('mosquitto-2.1', 3, 1000)).toBe(6000);
  });

  it('EMQX counts the turns of a timer', () => {
    // Keep alive 60 s: turns of 30 s; three of them are 90 s. After PINGREQ exactly, after others up to a turn more.
    expect(dropMs('emqx', 60, 1000, 1000)).toBe(91_000);
    expect(dropMs('emqx', 60, 1001, 1000)).toBe(121_000);
    expect(dropMs('emqx', 10, 0)).toBe(15_000);
    expect(dropMs('emqx', 300, 0)).toBe(450_000);
  });

  it('EMQX 4 drops a client at the second look at which nothing has come', () => {
    // Keep alive 60 s: it looks each 45 s. What comes just after a look is seen at the next.
    expect(dropMs('emqx-4', 60, 0)).toBe(90_000);
    expect(dropMs('emqx-4', 60, 45_000)).toBe(135_000);
    expect(dropMs('emqx-4', 60, 45_001)).toBe(180_000);
  });

  it('AWS IoT Core grants 30 to 1200 s, and tells a client of 5.0', () => {
    const { grantedS } = KEEP_ALIVE_POLICIES['aws-iot-core'];
    expect([0, 1, 30, 60, 1200, 1201].map(grantedS)).toEqual([1200, 30, 30, 60, 1200, 1200]);
    const world = new World({ keepAlive: 'aws-iot-core' });
    const a = world.client(5, { keepAliveSeconds: 5 });
    expect(a.last('CONNACK')?.properties.serverKeepAlive).toBe(30);
    world.advance(44_999);
    expect(a.over).toBeUndefined();
    world.advance(1);
    expect(a.over).toBe('silent');
  });

  it.each(KEEP_ALIVE_POLICY_NAMES)('%s never drops before 1.5 x keep alive, less the second it rounds', (name) => {
    for (const keepAliveS of [1, 3, 10, 60, 1000]) {
      const granted = KEEP_ALIVE_POLICIES[name].grantedS(keepAliveS);
      for (let packetMs = 0; packetMs < 7000; packetMs += 333) {
        expect(dropMs(name, granted, packetMs) - packetMs).toBeGreaterThan(granted * 1500 - 1000);
      }
    }
  });
});

it('survives clients that say anything, and holds no more than it may', () => {
  const dice = new Seeded(7);
  const limits = { maxQueuedMessages: 5, maxInFlight: 3, maxRetained: 4, maxSubscriptions: 3, maxSessions: 6 };
  const world = new World(limits);
  const clients: TestClient[] = [];
  let takenOver = 0;
  const topic = (): string => dice.pick(['a', 'a/b', 'c', 'd', 'e', '$x']);
  const packet = (): Packet => {
    const [packetId, qos] = [1 + dice.below(6), dice.pick([0, 1, 2] as const)];
    switch (dice.below(8)) {
      case 0: return {
        type: 'SUBSCRIBE', packetId, properties: {},
        subscriptions: [{
          filter: dice.pick(['#', '+', 'a/#', 'c', 'd', '$x']), qos,
          noLocal: dice.chance(3), retainAsPublished: dice.chance(2),
          retainHandling: dice.pick([0, 1, 2] as const),
        }],
      };
      case 1: return { type: 'UNSUBSCRIBE', packetId, filters: [dice.pick(['#', 'c', 'nothing'])], properties: {} };
      case 2: return { type: 'PINGREQ' };
      case 3:
      case 4: return {
        type: dice.pick(['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const), packetId,
        reasonCode: dice.pick([0, 0, 0x92]), properties: {},
      };
      case 5: return {
        type: 'DISCONNECT', reasonCode: dice.pick([0, 4]),
        properties: dice.chance(4) ? { sessionExpiryInterval: 2 } : {},
      };
      default: return {
        type: 'PUBLISH', topic: topic(), payload: new Uint8Array(dice.below(9)), qos, retain: dice.chance(2),
        dup: qos > 0 && dice.chance(3), packetId: qos === 0 ? 0 : packetId,
        properties: dice.chance(5) ? { messageExpiryInterval: dice.below(3) } : {},
      };
    }
  };
  for (let step = 0; step < 20_000; step++) {
    const client = clients[dice.below(clients.length + 1)];
    if (client === undefined || client.over !== undefined) {
      const gone = clients.splice(0, clients.length - 6);
      takenOver += gone.filter(({ over }) => over?.startsWith('taken over') === true).length;
      clients.push(world.client(5, {
        clientId: dice.pick(['', 'x', 'y', 'z']), cleanStart: dice.chance(3), keepAliveSeconds: dice.below(4),
        properties: { sessionExpiryInterval: dice.below(10), receiveMaximum: 1 + dice.below(4) },
        ...(dice.chance(2) && { will: { ...WILL, properties: { willDelayInterval: dice.below(5) } } }),
      }));
    } else if (dice.chance(20)) client.break();
    else if (dice.chance(50)) client.sayBytes(Uint8Array.from({ length: 1 + dice.below(9) }, () => dice.below(256)));
    else client.say(packet());
    world.advance(dice.below(300));
    for (const name of ['x', 'y', 'z']) {
      const session = world.broker.session(name);
      check((session?.heldMessages ?? 0) <= 5 + 4, 'no more messages wait than may');
      check((session?.subscriptions.size ?? 0) <= 3, 'there are no more subscriptions than may be');
    }
  }
  expect(world.events.filter(({ kind }) => kind === 'will').length).toBeGreaterThan(100);
  expect(takenOver).toBeGreaterThan(100);
});
