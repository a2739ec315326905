/** Both ends of MQTT in one simulated world: who learns of what and when, and what becomes of messages. */

import { describe, expect, it } from 'vitest';
import { PING_POLICY_NAMES, type PingPolicyName } from '../../../../../firmware/protocols/mqtt/ping-policy.ts';
import { planOf } from '../../../../../sim/faults/plan.ts';
import { firmware, referenceServer, SERVER_NAME, SERVER_PORT } from '../../../../../sim/programs.ts';
import type { BrokerSettings } from '../../../../../sim/server/protocols/mqtt/broker.ts';
import { Simulation } from '../../../../../sim/simulation.ts';
import type { TraceEvent } from '../../../../../sim/trace/trace.ts';

const servers = [{ host: SERVER_NAME, port: SERVER_PORT }];

type Config = Omit<Extract<Parameters<typeof firmware>[0], { readonly protocol: 'mqtt' }>, 'protocol' | 'servers'>;

function world(broker: Partial<BrokerSettings> = {}, seed = 1) {
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed, onTrace: (event) => trace.push(event) });
  sim.addServer(referenceServer({ protocol: { kind: 'mqtt', messageEvents: true, ...broker } }));
  const device = (config: Config = {}, loss: `${number}%` = '0%') =>
    sim.addDevice({ firmware: firmware({ protocol: 'mqtt', servers, ...config }), link: { delay: '20ms', loss } });
  const of = <K extends TraceEvent['kind']>(kind: K): Extract<TraceEvent, { kind: K }>[] =>
    trace.filter((event): event is Extract<TraceEvent, { kind: K }> => event.kind === kind);
  return { sim, trace, device, of };
}

describe('a cable that is pulled', () => {
  it('the will reaches its subscriber 1.5 x keep alive after the last packet; the device knows as long after', async () => {
    const { sim, device, of } = world();
    const watcher = device({ subscribe: 'cablepull/+/status', answerTopic: '' });
    const other = device({ keepAliveS: 10 });
    await sim.runFor('1m');
    other.cable.pull();
    await sim.runFor('30s');
    const [will] = of('will');
    const [told] = of('message').filter((event) => event.source === 'device');
    expect(will).toMatchObject({ topic: 'cablepull/dev-2/status', subscribers: 1 });
    expect(told).toMatchObject({ device: watcher.name, topic: 'cablepull/dev-2/status', text: 'gone' });
    expect(Number(told?.atMs) - Number(will?.atMs)).toBeCloseTo(20, -1);
    const pingMs =
      of('beat-sent')
        .filter(({ device: name }) => name === 'dev-2')
        .at(-2)?.atMs ?? 0;
    expect(Number(will?.atMs) - pingMs).toBeCloseTo(15_020, -1);
    expect(of('offline')).toMatchObject([{ reason: { kind: 'silent' } }]);
    expect(of('lost')).toMatchObject([{ device: 'dev-2', by: 'missed-beats' }]);
  });

  it('QoS 1 goes on where it stood when the cable is back: nothing is lost, in its order', async () => {
    const { sim, device, of } = world();
    const other = device({ publishIntervalMs: 1000, publishQos: 1, keepAliveS: 5 });
    await sim.runFor('10s');
    // The second connection gets a session that the broker keeps. The first one is clean.
    other.resetConnections();
    await sim.runFor('10.3s');
    other.cable.pull();
    await sim.runFor('60s');
    other.cable.plug();
    await sim.runFor('60s');
    const published = of('message').flatMap((event) => (event.source === 'server' ? [event.text] : []));
    expect([...new Set(published)]).toEqual(
      Array.from({ length: new Set(published).size }, (_, i) => `dev-1 1-${i + 1}`),
    );
    expect(of('lost').length).toBe(2);
  });
});

describe('a server that loses its power', () => {
  const noticedMs = async (pings: PingPolicyName, publishIntervalMs: number): Promise<number | undefined> => {
    const { sim, device, of } = world();
    device({ pings, keepAliveS: 10, publishQos: 0, publishIntervalMs });
    sim.schedule(planOf('power-loss on server at 60500ms'));
    await sim.runFor('2m');
    const [lost] = of('lost');
    return lost && lost.atMs - 60_500;
  };

  it.each(PING_POLICY_NAMES)('%s: an idle device notices within 2.5 x keep alive', async (pings) => {
    expect(await noticedMs(pings, 0)).toBeLessThan(26_000);
  });

  it.each(PING_POLICY_NAMES.filter((name) => name !== 'qos0-is-life'))(
    '%s: also one that publishes every second with QoS 0',
    async (pings) => {
      // coreMQTT looks for packets every 30 s, with any keep alive.
      expect(await noticedMs(pings, 1000)).toBeLessThan(36_000);
    },
  );

  it('qos0-is-life: one that publishes every second does not', async () => {
    expect(await noticedMs('qos0-is-life', 1000)).toBeUndefined();
  });
});

it('a device that goes to sleep has no will, is no ghost, and gives no alarm', async () => {
  const { sim, device, of } = world();
  device({ awakeMs: 10_000, asleepMs: 30_000, keepAliveS: 5 });
  await sim.runFor('5m');
  expect(of('lost').length).toBe(8);
  expect(of('will')).toEqual([]);
  expect(new Set(of('offline').map(({ reason }) => JSON.stringify(reason))))
    .toEqual(new Set(['{"kind":"dropped","reason":"it said DISCONNECT"}']));
  const { falseAlarms, ghostMs } = sim.testbed.witness.judge.findings();
  expect(falseAlarms).toEqual([]);
  expect(ghostMs).toBeLessThan(1000);
});

describe('take-over', () => {
  it('a device back after a power cut takes its own name over: the ghost goes, and its will is published', async () => {
    const { sim, device, of } = world();
    const other = device({ version: '5.0' });
    await sim.runFor('10s');
    other.power.cut();
    await sim.runFor('1s');
    other.power.restore('brown-out');
    await sim.runFor('10s');
    expect(of('offline')).toMatchObject([{ client: 1, reason: { kind: 'taken-over', by: 2 } }]);
    expect(sim.testbed.witness.judge.verdicts()).toMatchObject([{ serverNoticed: { by: 'taken-over' } }]);
    expect(of('will')).toMatchObject([{ client: 1 }]);
    expect(of('served').at(-1)?.atMs).toBeGreaterThan(11_000);
  });

  it('two devices with one name keep throwing each other out', async () => {
    const { sim, device, of } = world();
    device({ clientId: 'twin', version: '5.0' });
    device({ clientId: 'twin', version: '5.0' });
    await sim.runFor('10m');
    expect(of('offline').filter(({ reason }) => reason.kind === 'taken-over').length).toBeGreaterThan(10);
    expect(new Set(of('lost').map(({ by, detail }) => `${by}: ${String(detail)}`)))
      .toEqual(new Set(['disconnected: session taken over (0x8E)']));
  });
});

describe('chaos', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'seed %i: what a device was told is acknowledged has come; of QoS 2 nothing comes twice',
    async (seed) => {
      const { sim, device, of } = world({}, seed);
      for (const version of ['3.1.1', '5.0'] as const) {
        for (const publishQos of [1, 2] as const) {
          const retry = { baseMs: 100, capMs: 2000 };
          device({ version, publishQos, publishIntervalMs: 50 + 17 * publishQos, keepAliveS: 3, retry }, '5%');
        }
      }
      sim.schedule(planOf([
        `cable-pull on dev-1..4 at ${3 + seed % 3}s for 1s every 7s`,
        'reset on dev-* at 5s every 11s',
        `power-loss on dev-${1 + seed % 4} at 20s for 2s every 31s`,
        ...(seed % 3 === 0 ? ['power-loss on server at 50s for 3s every 60s'] : []),
      ].join('\n')));
      await sim.runFor('3m');
      const came = new Map<string, number>();
      for (const event of of('message')) {
        if (event.source === 'server') came.set(event.text, (came.get(event.text) ?? 0) + 1);
      }
      const acknowledged = of('acknowledged').map(({ message }) => message);
      expect(acknowledged.length).toBeGreaterThan(1000);
      expect(acknowledged.filter((message) => !came.has(message))).toEqual([]);
      expect(new Set(acknowledged).size).toBe(acknowledged.length);
      const ofQos2 = /^dev-[24] /;
      expect([...came].filter(([message, times]) => times > 1 && ofQos2.test(message))).toEqual([]);
    },
  );
});
