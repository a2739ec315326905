/**
 * Each kind of fault on a device and on a server, on the simulated network: it has its effect, and its heal ends it.
 */

import { describe, expect, it } from 'vitest';
import { Dice } from '../../../sim/dice.ts';
import { FAULT_KINDS, FAULTS } from '../../../sim/faults/kinds/index.ts';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';
import type { Verdict } from '../../../sim/verdict/verdict.ts';

interface World {
  readonly sim: Simulation;
  readonly trace: TraceEvent[];
  readonly verdicts: () => Verdict[];
}

/** A device that beats every second, 20 ms from its server. Both ends give up after a little more than five seconds. */
function world(plan: string, seed = 1): World {
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed, onTrace: (event) => trace.push(event) });
  sim.addServer(
    referenceServer({ beatEvents: true, liveness: { policy: 'missed-beats', scanIntervalMs: 1000, missedLimit: 5 } }),
  );
  sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 1000, missedLimit: 5 }), link: { delay: '20ms' } });
  sim.schedule(plan);
  return { sim, trace, verdicts: () => sim.testbed.witness.judge.verdicts(sim.nowMs) };
}

/** Returns how long the answers that arrived from `fromS` to `toS` took. */
function roundTrips(trace: readonly TraceEvent[], fromS: number, toS: number): number[] {
  return trace.flatMap((event) =>
    event.kind === 'served' && event.atMs >= fromS * 1000 && event.atMs < toS * 1000
      ? [Math.round(event.afterMs ?? 0)]
      : [],
  );
}

describe.each(FAULT_KINDS)('%s', (kind) => {
  const { lasts, effect, mutes, slowdown, drawArgument, argument } = FAULTS[kind];
  const drawn = drawArgument(new Dice(1, kind));
  const named = drawn === undefined ? kind : `${kind} ${drawn}`;
  const length = lasts(drawn) ? ' for 20s' : '';

  it.each(['dev-1', 'server'])(
    'on %s: the trace tells when it comes and goes, and service is there in the end',
    async (host) => {
      const { sim, trace, verdicts } = world(`${named} on ${host} at 10s${length}`);
      await sim.runFor('2m');
      const told = trace
        .filter((event) => event.source === 'fault')
        .map((event) => [event.atMs, event.kind, event.host, event.on]);
      const on = host === 'server' ? 'server' : 'device';
      expect(told).toEqual([[10_000, 'fault', host, on], ...(length === '' ? [] : [[30_000, 'healed', host, on]])]);
      // A box that waits for a connection to be idle has no idle connection here.
      const hasVerdict = effect(drawn) !== 'latent';
      expect(verdicts()).toMatchObject(
        hasVerdict ? [{ fault: kind, device: 'dev-1', on, effect: effect(drawn), wasConnected: true }] : [],
      );
      expect(roundTrips(trace, 110, 120).length).toBeGreaterThanOrEqual(9);
      expect(sim.netstat().filter(({ state }) => state === 'ESTABLISHED')).toHaveLength(2);
    },
  );

  it('tells the swarm whether the server can receive beats meanwhile, and their greatest delay', async () => {
    const { sim, trace } = world(`${named} on dev-1 at 10s${length}`);
    await sim.runFor('30s');
    const heard = trace.filter(({ kind: what, atMs }) => what === 'beat' && atMs > 10_100 && atMs < 30_000);
    if (mutes(drawn, 'tx')) expect(heard).toEqual([]);
    const { delayMs, bandwidthBps } = slowdown(drawn);
    // The way takes 20 ms, and a packet has less than 100 bytes. A packet that was lost is late for another reason.
    const fastestMs = Math.min(...roundTrips(trace, 12, 30), Infinity);
    if (fastestMs < Infinity) expect(fastestMs).toBeLessThanOrEqual(2 * (20 + delayMs + 800_000 / bandwidthBps) + 1);
  });

  it('is refused without its argument, or with an argument that it cannot have', () => {
    if (argument === undefined) {
      expect(() => world(`${kind} 10% on dev-1 at 1s`)).toThrow(
        "line 1 of the plan: expected 'on' and a device, not '10%'",
      );
    }
    else {
      expect(() => world(`${kind} x on dev-1 at 1s`)).toThrow(`line 1 of the plan: expected ${argument.what}, not 'x'`);
    }
  });
});

describe('a fault that cuts is noticed by both ends', () => {
  it.each(['cable-pull', 'one-way tx', 'one-way rx', 'loss 100%', 'corrupt 100%', 'nat-timeout'])(
    '%s on dev-1',
    async (named) => {
      const { sim, verdicts } = world(`${named} on dev-1 at 10s`);
      await sim.runFor('1m');
      const [verdict] = verdicts();
      if (named !== 'one-way rx') {
        // The scan finds five beats missed.
        expect(verdict?.serverNoticed).toMatchObject({ by: 'silent' });
        expect(verdict?.serverNoticed?.afterMs).toBeGreaterThan(4000);
        expect(verdict?.serverNoticed?.afterMs).toBeLessThan(6100);
      }
      // A device that only cannot send receives the FIN of the server.
      expect(verdict?.deviceNoticed).toMatchObject({ by: named === 'one-way tx' ? 'closed' : 'missed-beats' });
      expect(verdict?.deviceNoticed?.afterMs).toBeGreaterThan(4000);
      expect(verdict?.deviceNoticed?.afterMs).toBeLessThan(6100);
    },
  );
});

describe('a fault that harms makes the network worse while it lasts, and no longer', () => {
  it('latency: packets take that much longer, each way', async () => {
    const { sim, trace } = world('latency 300ms on dev-1 at 10.5s for 10s');
    await sim.runFor('30s');
    expect(new Set(roundTrips(trace, 2, 10.5))).toEqual(new Set([40]));
    expect(new Set(roundTrips(trace, 12, 20))).toEqual(new Set([640]));
    expect(new Set(roundTrips(trace, 22, 30))).toEqual(new Set([40]));
  });

  it('jitter: packets take up to that much longer', async () => {
    const { sim, trace } = world('jitter 300ms on dev-1 at 10.5s for 60s');
    await sim.runFor('90s');
    const times = roundTrips(trace, 12, 70);
    expect(Math.max(...times)).toBeGreaterThan(200);
    expect(Math.max(...times)).toBeLessThanOrEqual(640);
    expect(new Set(times).size).toBeGreaterThan(20);
    expect(new Set(roundTrips(trace, 72, 90))).toEqual(new Set([40]));
  });

  it('bandwidth: a frame of a beat, 66 bytes, takes 66 ms at 8 kbit/s', async () => {
    const { sim, trace } = world('bandwidth 8kbit/s on dev-1 at 10.5s for 10s');
    await sim.runFor('30s');
    expect(new Set(roundTrips(trace, 12, 20))).toEqual(new Set([40 + 2 * 66]));
    expect(new Set(roundTrips(trace, 22, 30))).toEqual(new Set([40]));
  });

  it.each([
    ['loss 40%', 'loss'],
    ['corrupt 40%', 'corrupt'],
  ] as const)('%s: packets are lost, and sent again', async (named, reason) => {
    const { sim, trace } = world(`${named} on dev-1 at 10s for 60s`);
    await sim.runFor('70s');
    const dropped = sim.fabric.drops[reason];
    expect(dropped).toBeGreaterThan(20);
    expect(Math.max(...roundTrips(trace, 10, 70))).toBeGreaterThan(200);
    await sim.runFor('30s');
    expect(sim.fabric.drops[reason]).toBe(dropped);
  });

  it.each(['duplicate 100%', 'reorder 50%'])('%s: every beat is answered in the end', async (named) => {
    const { sim, trace, verdicts } = world(`${named} on dev-1 at 10s for 60s`);
    await sim.runFor('90s');
    expect(roundTrips(trace, 0, 90).length).toBeGreaterThan(85);
    expect(verdicts()).toMatchObject([{ deviceNoticed: undefined, serverNoticed: undefined }]);
  });
});

it('nat-timeout with a time also reports a connection that is silent from the beginning of the fault', async () => {
  const { sim, verdicts } = world('nat-timeout 500ms on dev-1 at 10500ms');
  await sim.runFor('16s');
  // The box has forgotten the connection when the device sends the beat of 11 s.
  expect(verdicts().slice(0, 1)).toMatchObject([
    { fault: 'nat-timeout', atMs: 11_000, text: 'nat-timeout 500ms on dev-1 at 10.5s' },
  ]);
  await sim.runFor('30s');
  const { falseAlarms, unexplainedLosses } = sim.testbed.witness.judge.findings(sim.nowMs);
  expect({ falseAlarms, losses: [...unexplainedLosses] }).toEqual({ falseAlarms: [], losses: [] });
});

it('nat-timeout with a time forgets devices that are silent for that time, and no others', async () => {
  const { sim, verdicts } = world(
    'nat-timeout 30s on dev-1 from 0s\nhang on dev-1 at 1m for 29s\nhang on dev-1 at 3m for 2m',
  );
  await sim.runFor('2m');
  expect(verdicts().filter(({ fault }) => fault === 'nat-timeout')).toEqual([]);
  await sim.runFor('4m');
  // The server has closed the connection of the hung device by then. The server's FIN was the last packet through the
  // box.
  expect(verdicts().map(({ fault }) => fault)).toEqual(['hang', 'hang']);
});
