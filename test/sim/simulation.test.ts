/** The simulated world as its users see it: hosts, cables, power switches, a server; and who learns of what. */

import { describe, expect, it } from 'vitest';
import { blackhole } from '../../sim/link/rules/index.ts';
import { heartbeatFirmware, referenceServer } from '../../sim/programs.ts';
import { Simulation, type SimulationOptions } from '../../sim/simulation.ts';
import type { TraceEvent } from '../../sim/trace/trace.ts';

const KEEPALIVE = { idle: 3, interval: 3, count: 3 };

/** A world whose trace is kept. */
function world(options: SimulationOptions = {}): {
  sim: Simulation;
  trace: TraceEvent[];
  at: (kind: TraceEvent['kind']) => number[];
} {
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed: 1, ...options, onTrace: (event) => trace.push(event) });
  return { sim, trace, at: (kind) => trace.filter((event) => event.kind === kind).map(({ atMs }) => atMs) };
}

/** A server that counts no beats, so that TCP alone can find out. */
const tcpAlone = referenceServer({ liveness: { policy: 'none' }, keepAlive: KEEPALIVE });

/** A firmware that beats once, and then has nothing to say for an hour. */
const quiet = heartbeatFirmware({ beatIntervalMs: 3_600_000, expectAnswers: false });

describe('a server with keepalive 3/3/3 whose device', () => {
  it('lost its cable notices after 12 s and the slack of its timers, with ETIMEDOUT', async () => {
    const { sim, trace } = world();
    sim.addServer(tcpAlone);
    const device = sim.addDevice({ firmware: quiet, link: { delay: '20ms' } });
    await sim.runFor('1s');
    device.cable.pull();
    // The last that it heard was the acknowledgement of its answer to the first beat, at 270 ms.
    await sim.runFor('11.2s');
    expect(trace.some(({ kind }) => kind === 'offline')).toBe(false);
    await sim.runFor('500ms');
    expect(trace.find(({ kind }) => kind === 'offline')).toMatchObject({
      reason: { kind: 'error', errno: 'ETIMEDOUT' },
    });
  });

  it('lost its power and came back learns of it by ECONNRESET, at its next segment', async () => {
    const { sim, trace } = world();
    sim.addServer(tcpAlone);
    const device = sim.addDevice({ firmware: quiet, link: { delay: '20ms' } });
    await sim.runFor('1s');
    device.power.cut();
    await sim.runFor('500ms');
    device.power.restore('brown-out');
    await sim.runFor('1.7s');
    expect(trace.some(({ kind }) => kind === 'offline')).toBe(false);
    await sim.runFor('200ms');
    expect(trace.find(({ kind }) => kind === 'offline')).toMatchObject({
      client: 1,
      reason: { kind: 'error', errno: 'ECONNRESET' },
    });
  });

  it('hangs never notices: its stack answers every probe', async () => {
    const { sim, at } = world();
    sim.addServer(tcpAlone);
    const device = sim.addDevice({ firmware: quiet, link: { delay: '20ms' } });
    await sim.runFor('1s');
    device.hang();
    await sim.runFor('1d');
    expect(at('offline')).toEqual([]);
  });
});

it('a device that lost its power says nothing more, and no `finally` of its firmware runs', async () => {
  const sim = new Simulation({ seed: 1 });
  let frames = 0;
  let finals = 0;
  const device = sim.addDevice({
    firmware: (hal) => {
      function* body(): Generator<void, void, void> {
        try {
          for (;;) {
            hal.network
              .openDatagram({ address: '0.0.0.0', port: 0 }, { bound() {}, readable() {}, ended() {} })
              .sendTo(new Uint8Array(8), { address: '10.0.0.9', port: 9 });
            yield;
          }
        } finally {
          finals++;
        }
      }
      const task = body();
      const beat = (): void => {
        task.next();
        hal.clock.setAlarm(hal.clock.now() + 100, beat);
      };
      beat();
    },
  });
  sim.fabric.observer = { sent: () => frames++, delivered() {}, dropped() {} };
  await sim.runFor('1s');
  expect(frames).toBe(10);
  device.power.cut();
  await sim.runFor('1h');
  expect({ frames, finals }).toEqual({ frames: 10, finals: 0 });
});

describe('behind a NAT box that forgets idle connections after 5 s', () => {
  it.each([
    ['silent', undefined],
    ['rst', 'ECONNRESET'],
  ] as const)('%s: a device that beats every 10 s finds out', async (onExpired, errno) => {
    const { sim, trace } = world();
    sim.addServer(referenceServer({ liveness: { policy: 'none' } }));
    const nat = sim.addNat({ idleTimeout: '5s', onExpired });
    sim.addDevice({
      nat,
      profile: 'linux',
      firmware: heartbeatFirmware({ beatIntervalMs: 10_000, missedLimit: 2 }),
      link: { delay: '20ms' },
    });
    await sim.runFor('9s');
    expect(trace.some(({ kind }) => kind === 'lost')).toBe(false);
    await sim.runFor('31s');
    expect(trace.find(({ kind }) => kind === 'lost')).toMatchObject({ by: errno ?? 'missed-beats' });
  });

  it('a device that beats every 3 s keeps its connection', async () => {
    const { sim, at } = world();
    sim.addServer(referenceServer());
    const nat = sim.addNat({ idleTimeout: '5s' });
    for (let i = 0; i < 3; i++) sim.addDevice({ nat, firmware: heartbeatFirmware(), link: { delay: '20ms' } });
    await sim.runFor('5m');
    expect({ lost: at('lost'), connected: at('connected').length }).toEqual({ lost: [], connected: 3 });
  });
});

it('a clock that is 100 ppm fast beats 100 ppm more often', async () => {
  const { sim, trace } = world();
  sim.addServer(referenceServer());
  sim.addDevice({ name: 'true', firmware: heartbeatFirmware({ beatIntervalMs: 1000 }) });
  sim.addDevice({ name: 'fast', firmware: heartbeatFirmware({ beatIntervalMs: 1000 }), driftPpm: 100 });
  await sim.runFor('10001s');
  const beats = (name: string): number =>
    trace.filter((event) => event.source === 'device' && event.device === name && event.kind === 'beat-sent').length;
  expect(beats('fast') - beats('true')).toBe(1);
});

it('a rule on one direction of a cable holds until it is taken off: the server hears nothing, the device hears the server', async () => {
  const { sim, trace } = world();
  sim.addServer(referenceServer());
  sim.addDevice({ firmware: heartbeatFirmware({ missedLimit: 100 }), link: { delay: '20ms' } });
  await sim.runFor('10s');
  const undo = sim.cable('dev-1').install('tx', blackhole());
  await sim.runFor('14s');
  expect(trace.some(({ kind }) => kind === 'offline')).toBe(false);
  await sim.runFor('5s');
  expect(trace.find(({ kind }) => kind === 'offline')).toMatchObject({ reason: { kind: 'silent' } });
  // The server's FIN gets through.
  expect(trace.find(({ kind }) => kind === 'lost')).toMatchObject({ by: 'closed' });
  undo();
  await sim.runFor('1m');
  expect(trace.findLast(({ kind }) => kind === 'online')).toMatchObject({ client: 2 });
});

it('an idle device holds one place in the queue of events, for its alarm, and its connection none at either end', async () => {
  const sim = new Simulation({ seed: 1, witness: false });
  sim.addServer(referenceServer());
  const addDevices = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) {
      const device = sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 3000 }), power: false });
      sim.at(sim.nowMs + i * 50, () => device.power.restore());
    }
    // Both fleets beat in the first second of each three.
    await sim.runFor('14900ms');
    return sim.engine.waiterCount;
  };
  const first = await addDevices(20);
  // Packets on their way have a place, too, which is kept for the next.
  expect((await addDevices(20)) - first).toBeLessThan(20 + 5);
});

describe('senseless options are refused in words', () => {
  it.each([
    [{ link: { lossy: '1%' } }, 'a link has no lossy; it can have delay, jitter, bandwidth, queueBytes, loss'],
    [{ firmware: undefined }, 'a device needs a firmware, such as heartbeatFirmware()'],
    [{ link: { loss: '1' } }, '1 is no probability: it can be a number from 0 to 1, or such as 1%'],
    [
      { link: { delay: 'soon' } },
      'soon is no duration: it can be a number of milliseconds, or such as 500ms, 30s, 1.5m, 2h or 1d',
    ],
    [{ link: { bandwidth: '10M' } }, '10M is no bandwidth: it can be a number of bits per second, or such as 10Mbit/s'],
    [{ address: '10.0.0.256' }, '10.0.0.256 is no IPv4 address'],
    [{ address: '10.0.0.1' }, 'there is a host at 10.0.0.1 already'],
    [{ name: 'server' }, 'there is a host server already: give this one another name'],
    [{ profile: 'windows' }, 'there is no profile windows; there are linux, lwip, w5500, freertos-tcp'],
  ])('%j', (options, message) => {
    const sim = new Simulation();
    sim.addServer(referenceServer());
    // A call from JavaScript, in which no type forbids these options.
    const given: object = options;
    expect(() => sim.addDevice({ firmware: quiet, ...given })).toThrow(message);
  });

  it('a seed that is none, a cable of nobody', () => {
    expect(() => new Simulation({ seed: 1.5 })).toThrow(
      'the seed must be a whole number from 0 to 4294967295, not 1.5',
    );
    expect(() => new Simulation().cable('dev-1')).toThrow('there is no host dev-1');
  });

  it('a run for a time that is none', async () => {
    await expect(new Simulation().runFor(-1)).rejects.toThrow('-1 is no duration');
  });
});
