/** Faults come and go: by a plan, by hand, several at once on one host; and the trace has them all. */

import { describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer } from '../../sim/programs.ts';
import { Simulation } from '../../sim/simulation.ts';
import type { TraceEvent } from '../../sim/trace/trace.ts';

function world(seed = 1, devices = 1) {
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed, onTrace: (event) => trace.push(event) });
  const server = sim.addServer(referenceServer());
  const boards = Array.from({ length: devices }, () =>
    sim.addDevice({ firmware: heartbeatFirmware(), link: { delay: '20ms' } }),
  );
  const [device] = boards;
  if (device === undefined) throw new Error('there must be a device');
  const faults = () =>
    trace.flatMap((event) => (event.source === 'fault' ? [`${event.atMs / 1000} ${event.kind} ${event.text}`] : []));
  return { sim, server, device, trace, faults };
}

describe('by hand', () => {
  it('a fault is in the trace as the line of a plan that would do the same, and so is its end', async () => {
    const { sim, device, faults } = world();
    await sim.runFor('10s');
    device.cable.pull();
    device.cable.pull();
    await sim.runFor('5s');
    device.cable.plug();
    device.cable.plug();
    device.resetConnections();
    expect(faults()).toEqual([
      '10 fault cable-pull on dev-1 at 10s',
      '15 healed cable-pull on dev-1 at 10s',
      '15 fault reset on dev-1 at 15s',
    ]);
  });

  it('power, hang and crash likewise, on a device and on a server', async () => {
    const { sim, device, server, faults } = world();
    await sim.runFor('1s');
    for (const board of [device, server.board]) {
      board.hang();
      board.unhang();
      board.power.cut();
      board.power.restore();
      board.crash();
      board.restartCrashed();
    }
    const kinds = ['hang', 'power-loss', 'crash'].flatMap((kind) => [`fault ${kind}`, `healed ${kind}`]);
    expect(faults()).toEqual(['dev-1', 'server'].flatMap((host) => kinds.map((kind) => `1 ${kind} on ${host} at 1s`)));
  });

  it('overrules the plan: a heal by hand ends every fault of the plan', async () => {
    const { sim, device, faults } = world();
    sim.schedule('cable-pull on dev-1 at 10s for 30s');
    await sim.runFor('20s');
    device.cable.plug();
    await sim.runFor('40s');
    expect(faults()).toEqual([
      '10 fault cable-pull on dev-1 at 10s for 30s',
      '20 healed cable-pull on dev-1 at 10s for 30s',
    ]);
  });

  it('a write to the flash that is cut in the middle is a power loss', async () => {
    const { sim, device, faults } = world();
    await sim.runFor('1s');
    device.power.cut();
    device.power.cutAtWrite(1);
    device.power.restore();
    expect(device.state).toBe('off');
    expect(faults()).toEqual([
      '1 fault power-loss on dev-1 at 1s',
      '1 healed power-loss on dev-1 at 1s',
      '1 fault power-loss on dev-1 at 1s',
    ]);
  });
});

describe('several faults on one host', () => {
  it.each(['hang', 'crash'])('a %s that a boot has ended keeps no later one from being healed', async (kind) => {
    const { sim, device, server } = world();
    for (const host of ['dev-1', 'server']) {
      sim.schedule(
        `${kind} on ${host} at 10s for 5m\npower-loss on ${host} at 20s for 1s\n${kind} on ${host} at 60s for 1s\n${kind} on ${host} at 299s for 30s`,
      );
    }
    const states = async (atS: number) => {
      await sim.runFor(atS * 1000 - sim.nowMs);
      return [device.state, server.board.state];
    };
    const stopped = kind === 'hang' ? 'hung' : 'crashed';
    expect(await states(60.5)).toEqual([stopped, stopped]);
    expect(await states(61.5)).toEqual(['running', 'running']);
    // The first fault would end at 310 s. It must not end the fault that began at 299 s.
    expect(await states(320)).toEqual([stopped, stopped]);
    expect(await states(330)).toEqual(['running', 'running']);
  });

  it('of one kind: it is mended when the last of them is over, and the trace tells of each', async () => {
    const { sim, faults } = world();
    sim.schedule('cable-pull on dev-1 at 10s for 10s\ncable-pull on dev-1 at 15s for 10s');
    for (const [atS, isUp] of [
      [10, true],
      [10.001, false],
      [20.001, false],
      [24.999, false],
      [25.001, true],
    ] as const) {
      await sim.runFor(atS * 1000 - sim.nowMs);
      if (atS !== 10) expect(sim.cable('dev-1').isUp, `at ${atS} s`).toBe(isUp);
    }
    expect(faults()).toEqual([
      '10 fault cable-pull on dev-1 at 10s for 10s',
      '15 fault cable-pull on dev-1 at 15s for 10s',
      '20 healed cable-pull on dev-1 at 10s for 10s',
      '25 healed cable-pull on dev-1 at 15s for 10s',
    ]);
  });

  it('of what a cable does to packets: they add up, and each goes by itself', async () => {
    const { sim, trace } = world();
    sim.schedule('latency 100ms on dev-1 at 10s for 20s\nlatency 300ms on dev-1 at 20s for 20s');
    await sim.runFor('1m');
    const took = (fromS: number, toS: number) => new Set(trace.flatMap((event) => {
      return event.kind === 'served' && event.atMs > fromS * 1000 && event.atMs < toS * 1000
        ? [Math.round(event.afterMs ?? 0)]
        : [];
    }));
    expect([took(1, 10), took(11, 20), took(23, 30), took(33, 40), took(43, 60)].map((times) => [...times])).toEqual([
      [40],
      [240],
      [840],
      [640],
      [40],
    ]);
  });

  it('by hand and by a plan at once: what a hand has pulled, a plan does not plug', async () => {
    const { sim, device } = world();
    sim.schedule('cable-pull on dev-1 at 10s for 10s');
    await sim.runFor('12s');
    device.cable.pull();
    expect(sim.cable('dev-1').isUp).toBe(false);
    await sim.runFor('18s');
    // The cable was out already when the hand pulled it, so that pull does not count.
    expect(sim.cable('dev-1').isUp).toBe(true);
    device.cable.pull();
    sim.schedule('cable-pull on dev-1 at 40s for 10s');
    await sim.runFor('30s');
    expect(sim.cable('dev-1').isUp).toBe(false);
  });
});

describe('times', () => {
  it('of a range: each device draws its own from the seed, and one device more changes none', async () => {
    const drawn = async (seed: number, devices: number) => {
      const { sim, trace } = world(seed, devices);
      sim.schedule('cable-pull on dev-* at 10s..60s for 1s..5s');
      await sim.runFor('2m');
      return new Map(
        trace.flatMap((event) =>
          event.source === 'fault' && event.kind === 'fault' ? [[event.host, [event.atMs, event.forMs]] as const] : [],
        ),
      );
    };
    const [three, four, other] = [await drawn(1, 3), await drawn(1, 4), await drawn(2, 3)];
    expect(three.size).toBe(3);
    for (const [host, times] of three) expect(four.get(host)).toEqual(times);
    expect(other).not.toEqual(three);
    for (const [atMs = 0, forMs = 0] of four.values()) {
      expect(atMs).toBeGreaterThanOrEqual(10_000);
      expect(atMs).toBeLessThanOrEqual(60_000);
      expect(forMs).toBeGreaterThanOrEqual(1000);
      expect(forMs).toBeLessThanOrEqual(5000);
    }
    expect(new Set([...four.values()].map(([atMs]) => atMs)).size).toBe(4);
  });

  it('of two equal lines are drawn apart', async () => {
    const { sim, faults } = world();
    sim.schedule('reset on dev-1 at 10s..60s\nreset on dev-1 at 10s..60s');
    await sim.runFor('2m');
    expect(new Set(faults()).size).toBe(2);
  });

  it('again and again, until the end', async () => {
    const { sim, faults } = world();
    sim.schedule('power-loss on dev-1 at 1m for 5s every 10m');
    await sim.runFor(31 * 60_000 + 1000);
    expect(faults().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(
      [60, 660, 1260, 1860].flatMap((s) => [`${s} fault`, ...(s === 1860 ? [] : [`${s + 5} healed`])]),
    );
  });
});

describe('a plan that is made later', () => {
  it('begins with what comes next, where something comes again and again', async () => {
    const { sim, faults } = world();
    await sim.runFor('10.5m');
    sim.schedule('reset on dev-1 at 0s every 1m');
    await sim.runFor('2m');
    expect(faults().map((line) => line.split(' ')[0])).toEqual(['660', '720']);
  });

  it('is refused where it is over', async () => {
    const { sim } = world();
    await sim.runFor('1m');
    expect(() => sim.schedule('reset on dev-1 at 59s')).toThrow('reset on dev-1 at 59s: it is 1m already');
    expect(() => sim.schedule('reset on dev-1 at 59s..2m')).toThrow('reset on dev-1 at 59s..2m: it is 1m already');
    sim.schedule('reset on dev-1 at 1m');
  });
});

it('hangs by hand that a watchdog ends leave nothing behind', async () => {
  const sim = new Simulation();
  sim.addServer(referenceServer());
  const device = sim.addDevice({ firmware: heartbeatFirmware({ watchdogMs: 1000 }) });
  for (let i = 0; i < 100; i++) {
    await sim.runFor('5s');
    expect(device.state).toBe('running');
    device.hang();
  }
  await sim.runFor('5s');
  const { verdicts } = sim.testbed.witness.judge.findings();
  expect(verdicts).toHaveLength(100);
  expect(verdicts.every(({ deviceNoticed }) => deviceNoticed?.by === 'watchdog')).toBe(true);
  device.hang();
  device.unhang();
  expect(sim.testbed.witness.recent.all().filter(({ event }) => event.kind === 'healed')).toHaveLength(1);
});

it('refuses a plan that is none, or means nobody', () => {
  const { sim } = world();
  expect(() => sim.schedule('hang on dev-1')).toThrow(
    "line 1 of the plan: expected 'at' and a time, but the line ends",
  );
  expect(() => sim.schedule('# nothing\nhang on dev-7 at 1s')).toThrow(
    "hang on dev-7 at 1s: no device is called 'dev-7'; there is dev-1, and server",
  );
});

describe('the trace', () => {
  it('begins with what the run is, once, and ends with what was sent; nothing follows', async () => {
    const { sim, device, trace } = world(7);
    await sim.runFor('10s');
    sim.testbed.traceEnd();
    device.power.cut();
    await sim.runFor('10s');
    expect(trace[0]).toEqual({
      source: 'run',
      kind: 'start',
      format: 'cablepull-trace',
      version: 2,
      network: 'simulated',
      seed: 7,
      atMs: 0,
    });
    expect(trace.filter(({ source }) => source === 'run')).toHaveLength(2);
    expect(trace.at(-1)).toEqual({
      source: 'run',
      kind: 'end',
      interrupted: false,
      bytes: expect.any(Number),
      atMs: 10_000,
    });
  });

  it('counts what every host sends, as IPv4 packets: a look at the fabric finds the same', async () => {
    const { sim, trace } = world();
    let bytes = 0;
    sim.fabric.observer = {
      sent: (packet, _, direction) =>
        direction === 'tx' &&
        (bytes += 40 + packet.payloadBytes + (packet.mss > 0 ? 4 : 0) + (packet.windowScale >= 0 ? 4 : 0)),
      delivered() {},
      dropped() {},
    };
    await sim.runFor('30s');
    sim.testbed.traceEnd();
    expect(trace.at(-1)).toMatchObject({ kind: 'end', bytes });
    expect(bytes).toBeGreaterThan(1000);
  });

  it('is not kept without a witness', async () => {
    const sim = new Simulation({ witness: false });
    sim.addServer(referenceServer());
    sim.addDevice({ firmware: heartbeatFirmware() });
    await sim.runFor('10s');
    expect(() => sim.testbed.witness).toThrow(
      'this world keeps nothing of what happens (witness: false): there is nothing to judge by',
    );
  });
});
