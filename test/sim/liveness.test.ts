/**
 * First safety, then liveness: faults at random on devices, their cables and the server, with the invariants of every
 * stack looked at meanwhile; then all is healed, and within a bound that follows from the configuration every device is
 * back, and stays.
 */

import { describe, expect, it } from 'vitest';
import type { Device } from '../../sim/device.ts';
import { FAULTS } from '../../sim/faults/kinds/index.ts';
import { blackhole } from '../../sim/link/rules/blackhole.ts';
import { burstLoss } from '../../sim/link/rules/burst-loss.ts';
import { corrupt } from '../../sim/link/rules/corrupt.ts';
import { duplicate } from '../../sim/link/rules/duplicate.ts';
import { latency } from '../../sim/link/rules/latency.ts';
import { loss } from '../../sim/link/rules/loss.ts';
import { reorder } from '../../sim/link/rules/reorder.ts';
import { heartbeatFirmware, referenceServer } from '../../sim/programs.ts';
import { Simulation } from '../../sim/simulation.ts';
import { PROFILE_NAMES } from '../../sim/tcpip/profile.ts';
import { PROFILES } from '../../sim/tcpip/profiles/index.ts';
import type { TraceEvent } from '../../sim/trace/trace.ts';
import { Seeded } from '../support/seeded.ts';
import { checkStack } from './tcpip/invariants.ts';

const DELAY_MS = 20;
/** All faults begin and end within this time. */
const FAULTS_MS = 120_000;
/** Time after the bound for which every device must stay connected. */
const WATCHED_MS = 30_000;

interface Config {
  readonly beatIntervalMs: number;
  readonly missedLimit: number;
  readonly connectTimeoutMs: number;
  readonly baseMs: number;
  readonly capMs: number;
  readonly scanIntervalMs: number;
  readonly serverMissedLimit: number;
}

/**
 * Returns the longest time, in ms, from the last heal until every device is back. At the heal, a device is either in a
 * session or in an attempt to connect:
 *
 *   session     The connection is dead at the server. A reset at the next beat ends it; or the device's limit of
 *               unanswered beats, which is checked when one more beat is due: beatInterval x (missedLimit + 1);
 *               or the server, which has received nothing, drops it: scanInterval x (missedLimit + 1).
 *   attempt     A look-up and a connect, each up to connectTimeout.
 *
 * The longer of the two counts. Then comes one wait, no longer than the cap of the retries (full jitter), and then a
 * connect that succeeds. Its SYN may have to be sent twice, if the server still has a connection between the same two
 * ports: the server answers with a challenge ACK, and the device answers that with RST. Then the first beat is sent at
 * once. RESET_MS: a board may reset itself at the last moment.
 */
function boundMs(config: Config): number {
  const session = Math.max(
    config.beatIntervalMs * (config.missedLimit + 1),
    config.scanIntervalMs * (config.serverMissedLimit + 1),
  );
  const attempt = 2 * config.connectTimeoutMs;
  const synAgainMs = Math.max(...PROFILE_NAMES.map((name) => PROFILES[name].handshake.rtoMs)) + LATENESS_MS;
  const roundTrips = 4 * 2 * 2 * DELAY_MS;
  return Math.max(session, attempt) + config.capMs + synAgainMs + roundTrips + RESET_MS;
}

const RESET_MS = 100;
/** Greatest lateness of a stack's timer: that of lwIP's slow timer. */
const LATENESS_MS = 500;

function configOf(random: Seeded): Config {
  const baseMs = 100 + random.below(2000);
  return {
    beatIntervalMs: 1000 + random.below(3000),
    missedLimit: 1 + random.below(5),
    connectTimeoutMs: 4000 + random.below(10_000),
    baseMs,
    capMs: baseMs + random.below(30_000),
    scanIntervalMs: 1000 + random.below(3000),
    // A lower limit would drop a healthy device whose beats are farther apart than the scans.
    serverMissedLimit: 5 + random.below(3),
  };
}

const KINDS = ['cable-pull', 'power-loss', 'hang', 'crash', 'reset'] as const;

interface World {
  readonly sim: Simulation;
  readonly boards: readonly Device[];
  readonly trace: TraceEvent[];
}

function world(seed: number, random: Seeded, config: Config): World {
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed, onTrace: (event) => trace.push(event) });
  const { scanIntervalMs, serverMissedLimit, beatIntervalMs, missedLimit, connectTimeoutMs, baseMs, capMs } = config;
  const keepAlive = random.chance(2) ? 'off' : { idle: 3, interval: 3, count: 3 };
  const server = sim.addServer(
    referenceServer({
      liveness: { policy: 'missed-beats', scanIntervalMs, missedLimit: serverMissedLimit },
      keepAlive,
    }),
    { link: { delay: DELAY_MS } },
  );
  const firmware = heartbeatFirmware({
    beatIntervalMs,
    missedLimit,
    connectTimeoutMs,
    retry: { baseMs, capMs },
    keepAlive,
  });
  const devices = [...PROFILE_NAMES, ...PROFILE_NAMES].map((profile) =>
    sim.addDevice({ firmware, profile, link: { delay: DELAY_MS } }),
  );
  return { sim, boards: [...devices, server.board], trace };
}

/** Faults on boards and rules on cables. All of them are over at FAULTS_MS. */
function plan({ sim, boards }: World, random: Seeded): void {
  for (let count = 3 + random.below(12); count > 0; count--) {
    const board = random.pick(boards);
    const fromMs = random.below(FAULTS_MS);
    // Many faults last to the very end, so that the heal meets devices in every state.
    const toMs = random.chance(2) ? FAULTS_MS : Math.min(fromMs + random.below(40_000), FAULTS_MS);
    if (random.chance(2)) {
      const { begin } = FAULTS[random.pick(KINDS)];
      sim.at(fromMs, () => {
        const heal = begin({ machine: board.board, network: undefined }, undefined);
        if (heal !== undefined) sim.at(toMs, heal);
      });
    } else {
      const rule = random.pick([
        loss(0.3), loss(0.9), blackhole(), duplicate(0.5), corrupt(0.2), latency(2000), reorder(0.3, 300),
        burstLoss({ goodToBad: 0.05, badToGood: 0.1, lossInGood: 0, lossInBad: 1 }),
      ]);
      const direction = random.pick(['tx', 'rx', 'both'] as const);
      sim.at(fromMs, () => {
        const undo = sim.host(board.name)?.link.install(direction, rule);
        sim.at(toMs, () => undo?.());
      });
    }
  }
  sim.at(FAULTS_MS, () => {
    for (const board of boards) {
      board.cable.plug();
      board.power.restore();
      board.unhang();
      board.restartCrashed();
    }
  });
}

async function run(seed: number): Promise<string[]> {
  const random = new Seeded(seed);
  const config = configOf(random);
  const { sim, boards, trace } = world(seed, random, config);
  plan({ sim, boards, trace }, random);
  const wellFromMs = FAULTS_MS + Math.ceil(boundMs(config));
  const endMs = wellFromMs + WATCHED_MS;
  while (sim.nowMs < endMs) {
    await sim.runFor(500);
    for (const { stack } of sim.hosts) if (stack !== undefined) checkStack(stack);
  }
  const problems: string[] = [];
  const least = Math.floor(WATCHED_MS / config.beatIntervalMs) - 1;
  for (const board of boards.slice(0, -1)) {
    const events = trace.filter((event) => event.source === 'device' && event.device === board.name);
    const after = events.filter(({ atMs }) => atMs > wellFromMs);
    const beats = after.filter(({ kind }) => kind === 'served').length;
    const bad = after.find(
      ({ kind }) => kind === 'lost' || kind === 'connect-failed' || kind === 'panic' || kind === 'boot',
    );
    if (beats < least || bad !== undefined) {
      problems.push(
        `${board.name}: ${beats} of ${least} beats answered from ${wellFromMs} ms on; ${JSON.stringify(bad ?? events.at(-1))} ${JSON.stringify(config)}`,
      );
    }
  }
  return problems;
}

const only = process.env['CASE'];
const CASES = only === undefined ? Number(process.env['CASES'] ?? 40) : 1;

describe('when all faults are healed', () => {
  it('every device is back and beating within the bound', async () => {
    const problems: string[] = [];
    for (let seed = Number(only ?? 1), last = seed + CASES; seed < last; seed++) {
      try {
        problems.push(...(await run(seed)).map((problem) => `CASE=${seed}: ${problem}`));
      } catch (error) {
        throw new Error(`CASE=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }
    expect(problems).toEqual([]);
  }, 120_000);

  it('the bound of the defaults is 83.9 s', () => {
    const defaults: Config = {
      beatIntervalMs: 3000,
      missedLimit: 5,
      connectTimeoutMs: 10_000,
      baseMs: 1000,
      capMs: 60_000,
      scanIntervalMs: 3000,
      serverMissedLimit: 5,
    };
    // 20 s for an attempt that ends in nothing, 60 s of back-off, 3.5 s for a second SYN, and 0.42 s on the wire.
    expect(boundMs(defaults)).toBe(83_920);
  });
});
