/** The bench: plans that come true at their time, faults that overlap, and the trace of it all. */

import { expect, it } from 'vitest';
import { boot, firmwareImage } from '../../../firmware/index.ts';
import { Bench } from '../../../sim/bench/bench.ts';
import { startServer } from '../../../sim/server/server.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { Judge } from '../../../sim/verdict/judge.ts';
import { describeTraceEvent, type TraceEvent } from '../../../sim/trace/trace.ts';
import { Loopback } from '../../support/loopback.ts';
import type { Device } from '../../../sim/device.ts';
import { clocksOf } from './rig.ts';

function plan(...lines: string[]): string {
  return lines.join('\n');
}

/** A bench with devices that do nothing, and what happens to them: `[when, device, state]`. */
function idle(...names: string[]): {
  world: Loopback;
  bench: Bench;
  devices: Device[];
  trace: TraceEvent[];
  states: () => string;
} {
  const world = new Loopback();
  const trace: TraceEvent[] = [];
  const { network } = world.host('10.0.0.1').hal;
  const bench = new Bench({ network, newClock: clocksOf(world), seed: 1, onTrace: (event) => trace.push(event) });
  const devices = names.map((name) => bench.addDevice(name, (hal) => hal.network.link.watch(() => {})));
  for (const device of devices) device.power.restore();
  return { world, bench, devices, trace, states: () => bench.boards.map(({ state }) => state).join(' ') };
}

it('breaks and heals at the time of the plan, on every device that it means', () => {
  const { world, bench, trace, states } = idle('dev-1', 'dev-2', 'pump');
  bench.schedule(plan('power-loss on dev-* at 1s for 2s', 'crash on pump at 2s'));
  world.advance(999);
  expect(states()).toBe('running running running');
  world.advance(1);
  expect(states()).toBe('off off running');
  world.advance(1999);
  expect(states()).toBe('off off crashed');
  world.advance(1);
  expect(states()).toBe('running running crashed');
  expect(trace.map((event) => [event.atMs, event.source === 'fault' ? event.host : '', event.kind])).toEqual([
    [0, '', 'start'],
    [1000, 'dev-1', 'fault'],
    [1000, 'dev-2', 'fault'],
    [2000, 'pump', 'fault'],
    [3000, 'dev-1', 'healed'],
    [3000, 'dev-2', 'healed'],
  ]);
  expect(trace[1]).toEqual({
    source: 'fault',
    id: 1,
    host: 'dev-1',
    on: 'device',
    kind: 'fault',
    fault: 'power-loss',
    tier: 'T0',
    text: 'power-loss on dev-* at 1s for 2s',
    forMs: 2000,
    atMs: 1000,
  });
  expect(trace[3]).not.toHaveProperty('forMs');
});

it('heals a device when the last of overlapping faults of a kind is over', () => {
  const { world, bench, states } = idle('dev-1');
  bench.schedule(
    plan('power-loss on dev-1 at 1s for 4s', 'power-loss on * at 2s for 1s', 'power-loss on dev-1 at 4s for 4s'),
  );
  for (const [atMs, state] of [[3001, 'off'], [5001, 'off'], [7999, 'off'], [8000, 'running']] as const) {
    world.advance(atMs - world.now);
    expect(states()).toBe(state);
  }
});

it('does not switch on a board that is without power by then', () => {
  const { world, bench, devices, states } = idle('dev-1', 'dev-2');
  for (const device of devices) {
    device.power.cut();
    bench.switchOn(device, 2000);
  }
  bench.schedule(plan('power-loss on dev-1 at 1s for 3s'));
  world.advance(1999);
  expect(states()).toBe('off off');
  world.advance(1);
  expect(states()).toBe('off running');
  world.advance(2000);
  expect(states()).toBe('running running');
});

it('does not heal what another fault of the kind has broken for good', () => {
  const { world, bench, states } = idle('dev-1');
  bench.schedule(plan('power-loss on dev-1 at 1s', 'power-loss on dev-1 at 2s for 1s'));
  world.advance(60_000);
  expect(states()).toBe('off');
});

it('hangs a device again that its watchdog had reset while the first hang was to last', () => {
  const { world, bench, states } = idle('dev-1');
  bench.schedule(plan('hang on dev-1 at 1s for 30s', 'power-loss on dev-1 at 2s for 1s', 'hang on dev-1 at 5s for 1s'));
  world.advance(4000);
  expect(states()).toBe('running');
  world.advance(1000);
  expect(states()).toBe('hung');
});

it('refuses two devices of one name', () => {
  const { bench } = idle('dev-1');
  expect(() => bench.addDevice('dev-1', () => {})).toThrow('there is a device dev-1 already');
});

it('stops everything: no fault comes after', () => {
  const { world, bench, trace, states } = idle('dev-1', 'dev-2');
  bench.schedule(plan('cable-pull on * at 1s'));
  bench.stop();
  world.advance(60_000);
  expect(states()).toBe('off off');
  expect(trace).toEqual([]);
});

/** A whole run: twenty devices, a server, many faults, seen from the trace alone. */
function wholeRun(seed: number): TraceEvent[] {
  const world = new Loopback();
  const trace: TraceEvent[] = [];
  const { hal } = world.host('10.0.0.2', 'server');
  const newClock = clocksOf(world);
  const bench = new Bench({
    network: world.host('10.0.0.1').hal.network,
    newClock,
    seed,
    onTrace: (event) => trace.push(event),
  });
  startServer({ clock: newClock(), network: hal.network }, { local: { address: '10.0.0.2', port: 39_002 } }, (event) =>
    bench.addServerEvent(event),
  );
  for (let i = 1; i <= 20; i++) {
    const keepAlive = { idle: 3, interval: 3, count: 3 };
    const image = firmwareImage({
      protocol: 'heartbeat',
      servers: [{ host: '10.0.0.2', port: 39_002 }],
      keepAlive,
      watchdogMs: 10_000,
    });
    const board = bench.addDevice(`dev-${i}`, (board, onEvent) => void boot(board, image, onEvent));
    bench.agenda.at(i * 100, () => board.power.restore());
  }
  bench.schedule(
    plan(
      'cable-pull on dev-1 at 20s for 60s',
      'cable-pull on dev-2 at 20s for 3s',
      'power-loss on dev-3 at 20s for 60s',
      'power-loss on dev-4 at 20s for 2s',
      'hang on dev-5 at 20s',
      'crash on dev-6 at 20s for 5s',
      'reset on dev-7 at 20s',
      'cable-pull on dev-1* at 30s for 10s',
      'power-loss on dev-8 at 20s',
      'cable-pull on dev-8 at 25s for 1s',
      'reset on dev-9 at 20s',
      'hang on dev-9 at 20s for 4s',
    ),
  );
  world.advance(180_000);
  bench.stop();
  return trace;
}

it('one seed, one trace; and from its JSON lines the same verdicts follow', () => {
  const trace = wholeRun(7);
  const lines = trace.map((event) => JSON.stringify(event));
  expect(wholeRun(7).map((event) => JSON.stringify(event))).toEqual(lines);
  const [made, read] = [new Sessions(), new Sessions()];
  const [judge, reader] = [new Judge(made), new Judge(read)];
  for (const event of trace) made.add(event);
  for (const line of lines) read.add(JSON.parse(line));
  expect(reader.findings(180_000)).toEqual(judge.findings(180_000));
  // Every verdict says something: who noticed, or that it survived, or why not.
  expect(judge.verdicts(180_000)).toHaveLength(22);
});

it('each JSON line is one flat object: whose view it is comes first, and no field for what there is not', () => {
  for (const event of wholeRun(1)) {
    const parsed: unknown = JSON.parse(JSON.stringify(event));
    expect(parsed).toEqual(event);
    expect(Object.keys(event)[0]).toBe('source');
    for (const [field, value] of Object.entries(event)) {
      // An end of a connection, and the server's reason, are objects of plain fields themselves.
      const plain =
        ['local', 'peer', 'reason'].includes(field) && typeof value === 'object' ? Object.values(value) : [value];
      for (const one of plain) {
        expect(typeof one, `${field} of ${describeTraceEvent(event)}`).toMatch(/^(string|number|boolean)$/);
      }
    }
  }
});

it('a wait for an event that never comes ends when the bench is stopped', async () => {
  const { bench } = idle('dev-1');
  const waiting = bench.reach(() => false, 1e9);
  bench.stop();
  expect(await waiting).toBe(false);
});
