/** A random scenario follows from the seed and the number of the run; it can be carried out; and it ends in time. */

import { describe, expect, it } from 'vitest';
import { formatFault } from '../../../sim/faults/fault.ts';
import { FAULT_KINDS } from '../../../sim/faults/kinds/index.ts';
import { problemOf } from '../../../sim/faults/hosts.ts';
import { parsePlan } from '../../../sim/faults/plan.ts';
import { PROFILE_NAMES } from '../../../sim/tcpip/profile.ts';
import { backMs, ghostMs, inFlightMs, settledMs, silenceMs } from '../../../sim/swarm/bounds.ts';
import { DEVICES_MAX, drawScenario, FOR_MIN_MS, reduced, scenarioText } from '../../../sim/swarm/scenario.ts';

const TEN_MIN = 600_000;
const scenarios = Array.from({ length: 500 }, (_, i) => drawScenario(1, i, TEN_MIN));

describe('a scenario', () => {
  it('is the same for the same seed and number, and another one for others', () => {
    expect(drawScenario(1, 417, TEN_MIN)).toEqual(scenarios[417]);
    expect(drawScenario(1, 418, TEN_MIN)).not.toEqual(scenarios[417]);
    expect(drawScenario(2, 417, TEN_MIN)).not.toEqual(scenarios[417]);
  });

  it('is plain data', () => {
    const [first] = scenarios;
    // JSON has no undefined, and toEqual does not mind.
    expect(JSON.parse(JSON.stringify(first))).toEqual(JSON.parse(JSON.stringify(drawScenario(1, 0, TEN_MIN))));
  });

  it('can be done, and its plan printed and read again', () => {
    for (const { devices, plan } of scenarios) {
      expect(
        problemOf(plan, { network: 'simulated', devices: devices.map(({ name }) => name), servers: ['server'] }),
      ).toBeUndefined();
      expect(parsePlan(plan.map(formatFault).join('\n'))).toEqual(plan);
    }
  });

  it('has every kind of fault, stack, and fleet', () => {
    expect(new Set(scenarios.flatMap(({ plan }) => plan.map(({ kind }) => kind)))).toEqual(new Set(FAULT_KINDS));
    expect(new Set(scenarios.flatMap(({ devices }) => devices.map(({ profile }) => profile)))).toEqual(
      new Set(PROFILE_NAMES),
    );
    expect(new Set(scenarios.map(({ server }) => server.profile))).toEqual(new Set(PROFILE_NAMES));
    expect(new Set(scenarios.map(({ devices }) => devices.length)).size).toBeGreaterThanOrEqual(DEVICES_MAX);
    const plans = scenarios.flatMap(({ plan }) => plan);
    for (const is of [
      plans.some(({ target }) => target === 'server'),
      plans.some(({ target }) => target.includes('*')),
      plans.some(({ target }) => target.includes('..')),
      plans.some(({ everyMs }) => everyMs !== undefined),
      plans.some(({ at }) => at.fromMs < at.toMs),
      plans.some((fault) => fault.for !== undefined && fault.for.fromMs < fault.for.toMs),
      scenarios.some(({ nats }) => nats.length > 0),
      scenarios.some(({ server: { profile }, devices }) => profile === 'w5500' && devices.length > 8),
      scenarios.some(({ server: { profile }, devices }) => profile === 'lwip' && devices.length > 5),
      scenarios.some(({ server: { backlog = Infinity }, devices }) => backlog < devices.length),
      scenarios.some(({ devices }) => devices.some(({ socketsMax }) => socketsMax === 1)),
      scenarios.some(({ policy }) => policy.keepAlive === 'off'),
      scenarios.some(({ policy }) => policy.keepAlive !== 'off'),
      scenarios.some(({ devices }) => devices.some(({ watchdogMs }) => watchdogMs > 0)),
      scenarios.some(({ policy: { speaks } }) => speaks.kind === 'heartbeat' && speaks.silence === 'idle'),
      scenarios.some(({ policy: { speaks } }) => speaks.kind === 'udp-heartbeat' && speaks.numbered),
      scenarios.some(({ policy: { speaks } }) => speaks.kind === 'framed' && speaks.pushIntervalMs > 0),
      scenarios.some(({ policy: { speaks } }) => speaks.kind === 'dubbo' && speaks.workMs.length > 1),
      scenarios.some(({ policy: { speaks } }) => speaks.kind === 'mqtt'),
      scenarios.some(({ policy: { speaks }, arp }) => speaks.kind === 'peers' && arp),
    ])
      expect(is).toBe(true);
  });

  it.each([FOR_MIN_MS, TEN_MIN, 3_600_000])(
    'in %i ms: every fault is over when it is calm, whenever it comes, and there is time to settle',
    (forMs) => {
      for (let index = 0; index < 500; index++) {
        const scenario = drawScenario(7, index, forMs);
        expect(scenario.calmMs).toBeGreaterThanOrEqual(60_000);
        expect(scenario.calmMs + settledMs(scenario)).toBeLessThan(forMs);
        for (const { at, for: length, everyMs } of scenario.plan) {
          for (const atMs of [at.fromMs, at.toMs]) {
            for (let n = 0; atMs + n * (everyMs ?? Infinity) < forMs || n === 0; n++) {
              expect(atMs + (n === 0 ? 0 : n * (everyMs ?? 0)) + (length?.toMs ?? 0)).toBeLessThanOrEqual(
                scenario.calmMs,
              );
            }
          }
        }
      }
    },
  );

  it('of some of its devices has no box that nobody is behind, and no fault on nobody', () => {
    const scenario = scenarios.find(
      ({ nats, devices }) =>
        nats.length > 0 && devices.some(({ nat }) => nat === undefined) && devices.some(({ nat }) => nat !== undefined),
    );
    if (scenario === undefined) throw new Error('none has a box');
    const plain = scenario.devices.filter(({ nat }) => nat === undefined).map(({ name }) => name);
const some = reduced(scenario, scenario.plan, plain);
    expect(some).toMatchObject({ nats: [], devices: plain.map((name) => ({ name })) });
    expect(problemOf(some.plan, { network: 'simulated', devices: plain, servers: ['server'] })).toBeUndefined();
  });

  it('gives a small table only to a stack that has one, and a backlog to a listener that counts all', () => {
    for (const { server, devices } of scenarios) {
      if (server.backlog !== undefined) expect(server.profile).toBe('freertos-tcp');
      for (const { profile, socketsMax } of devices) {
        if (socketsMax !== undefined) expect(['lwip', 'w5500']).toContain(profile);
      }
    }
  });

  it('can be read', () => {
    const scenario = drawScenario(1, 0, TEN_MIN);
    const lines = scenarioText(scenario);
    expect(lines[0]).toBe(`run 0 of 10m, calm from ${scenario.calmMs / 1000}s on`);
    expect(lines.slice(-scenario.plan.length)).toEqual(scenario.plan.map(formatFault));
  });
});

describe('bounds', () => {
  const cable = { delayMs: 20, jitterMs: 5, bandwidthBps: undefined, loss: 0.01 };
  const promised = {
    policy: {
      beatIntervalMs: 3000,
      missedLimit: 5,
      keepAlive: 'off',
      connectTimeoutMs: 10_000,
      retry: { baseMs: 1000, capMs: 60_000 },
      speaks: { kind: 'heartbeat', silence: 'missed-beats' },
    },
    arp: false,
    server: { profile: 'linux', backlog: undefined, cable: { ...cable, delayMs: 1, jitterMs: 0 }, driftPpm: 0 },
    nats: [],
    devices: [
      { name: 'dev-1', profile: 'lwip', socketsMax: undefined, cable, nat: undefined, driftPpm: 0, watchdogMs: 0 },
    ],
    plan: [],
  } as const;

  it('of what is on its way: both cables, what faults add, and the queue before the narrowest', () => {
    expect(inFlightMs(promised)).toBe(26);
    const plan = [
      { kind: 'latency', argument: '300ms' },
      { kind: 'jitter', argument: '1s' },
      { kind: 'reorder', argument: '10%' },
    ] as const;
    expect(inFlightMs({ ...promised, plan })).toBe(26 + 1400);
    // 8192 bytes, twice.
    expect(inFlightMs({ ...promised, plan: [{ kind: 'bandwidth', argument: '64kbit/s' }] })).toBe(26 + 2 * 1024);
  });

  it('of the source article: silence for six scans; back after an attempt in vain, the cap of the back-off, and a second SYN', () => {
    expect(silenceMs(promised)).toBeCloseTo(18_000 * 1.0002 + 1);
    expect(ghostMs(promised)).toBeCloseTo(18_000 * 1.0002 + 27);
    expect(backMs(promised)).toBeCloseTo((20_000 + 60_000) * 1.0002 + 3500 + 8 * 26 + 100);
  });
});
