/**
 * A measurement of random losses: no two runs are alike, so that many are done, and the delays of what was sent are
 * compared as distributions.
 */

import { loss } from '../../../sim/link/rules/loss.ts';
import { type Delays, parseOptions, type Scenario, type Side } from './data.ts';
import { seconds, TruthWorld } from './world.ts';

/** Number of runs. With so many, their own chance hardly matters beside the 15 of the kernel. */
const RUNS = 200;
/** Time after the last send in which the last bytes arrive. */
const REST_S = 120;
/** Time from a segment's arrival until the program notes it, in this simulation (application.ts). */
const WAKE_UP_S = 0.000_25;
interface Terms {
  readonly share: number;
  readonly bytes: number;
  readonly everyS: number;
  readonly forS: number;
}

/** `30% random frame loss each way, 8-byte heartbeats every 3 s both ways`, for `60 s`. */
function termsOf({ id, title, schedule }: Scenario): Terms {
  const [, percent] = /(\d+)% random frame loss each way/.exec(title) ?? [];
  const [, bytes, everyS] = /(\d+)-byte heartbeats every (\d+) s both ways/.exec(title) ?? [];
  const [, forS] = /(\d+) s/.exec(schedule) ?? [];
  if (percent === undefined || bytes === undefined || everyS === undefined || forS === undefined) {
    throw new Error(`${id}: how is it with "${title}", "${schedule}"? termsOf in random-loss.ts has what is known`);
  }
  return { share: Number(percent) / 100, bytes: Number(bytes), everyS: Number(everyS), forS: Number(forS) };
}

export interface Distribution {
  /** Shares of the delays, by the bins of the data. */
  readonly shares: readonly number[];
  /** Number of calls that gave an error. */
  readonly errors: number;
}

export function replayLosses(scenario: Scenario, { histogram_s: bins }: Delays): Distribution {
  const terms = termsOf(scenario);
  const delays: number[] = [];
  let errors = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const run = oneRun(scenario, terms, seed);
    delays.push(...run.delays);
    errors += run.errors;
  }
  const shares = bins.map(([from, to]) => delays.filter((s) => s >= from && s < to).length / delays.length);
  return { shares, errors };
}

function oneRun(
  { options, surviving_side: survivor }: Scenario, { share, bytes, everyS, forS }: Terms, seed: number,
): { readonly delays: readonly number[]; readonly errors: number } {
  const { socket } = parseOptions(options, survivor)[survivor];
  const sockets = { serverSocket: socket, clientSocket: socket };
  const world = new TruthWorld({ seed, serverReads: true, clientReads: true, ...sockets });
  world.establish();
  world.cables.client.install('both', loss(share));
  const sentS: Record<Side, number[]> = { server: [], client: [] };
  for (let t = everyS; t <= forS; t += everyS) {
    for (const side of ['server', 'client'] as const) {
      world.at(t, () => {
        sentS[side].push(seconds(world.engine.nowUs));
        world.socket(side).send(bytes);
      });
    }
  }
  world.run(forS + REST_S);
  let errors = 0;
  const delays = (['server', 'client'] as const).flatMap((side) => {
    const waiting = [...sentS[side === 'server' ? 'client' : 'server']];
    return world.machine(side).calls.flatMap(({ what, result, atUs }) => {
      if (what !== 'recv') return [];
      if (typeof result !== 'number') {
        errors++;
        return [];
      }
      return waiting.splice(0, result / bytes).map((s) => seconds(atUs) - s - WAKE_UP_S);
    });
  });
  return { delays, errors };
}

/** Returns Pearson's chi-squared of the counts against the expected shares. */
export function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const sum = counts.reduce((all, count) => all + count, 0);
  return counts.reduce((all, count, i) => {
    const expected = sum * (shares[i] ?? 0);
    return all + (count - expected) ** 2 / expected;
  }, 0);
}
