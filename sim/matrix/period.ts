/**
 * The gain of a client that finds its beat period by itself, and the cost of that: behind one NAT box after the other,
 * in virtual time. The other client always beats at the shortest period of the search.
 */

import { ADAPTIVE_PERIOD_DEFAULTS, type AdaptivePeriod } from '../../firmware/index.ts';
import { heartbeatFirmware, referenceServer } from '../programs.ts';
import { Simulation } from '../simulation.ts';
import { counted, table } from '../text.ts';
import { durationMs, formatDuration, formatSeconds, type Duration } from '../time/duration.ts';

/** A box on the way, by what it is known for. */
export interface Box {
  readonly name: string;
  readonly idleTimeout: Duration;
  readonly onExpired: 'silent' | 'rst' | 'rst-inside';
}

/**
 * Boxes from the shortest timeout that exists to the longest that the search reaches; the names follow what their
 * makers say.
 */
export const BOXES: readonly Box[] = [
  { name: 'a short one', idleTimeout: '60s', onExpired: 'silent' },
  { name: 'Azure', idleTimeout: '4m', onExpired: 'rst' },
  { name: 'mobile network', idleTimeout: '5m', onExpired: 'silent' },
  { name: 'AWS NAT gateway', idleTimeout: '350s', onExpired: 'rst-inside' },
  { name: 'GCP Cloud NAT', idleTimeout: '20m', onExpired: 'silent' },
  { name: 'a long one', idleTimeout: '30m', onExpired: 'silent' },
];

/** Result of a client. */
export interface Beating {
  /** The period that it keeps, since how long after the start; undefined: it has found none. */
  readonly periodMs: number | undefined;
  readonly foundAfterMs: number;
  /** Connections that the search has cost. */
  readonly lost: number;
  /** On the day after. */
  readonly beatsADay: number;
  /**
   * Time for which the device believes in a server whose power is cut just after a beat was answered. Infinity:
   * forever.
   */
  readonly noticedAfterMs: number;
}

export interface PeriodRow {
  readonly box: string;
  readonly idleTimeoutMs: number;
  readonly adaptive: Beating;
  readonly fixed: Beating;
}

export interface PeriodOptions {
  readonly boxes?: readonly Box[];
  readonly settings?: AdaptivePeriod;
  readonly seed?: number;
}

const DAY_MS = 86_400_000;
/** No search takes longer. */
const SEARCH_MAX_MS = 14 * DAY_MS;

/** Does all the experiments. */
export async function periodTable({
  boxes = BOXES, settings = ADAPTIVE_PERIOD_DEFAULTS, seed = 1,
}: PeriodOptions = {}): Promise<readonly PeriodRow[]> {
  const rows: PeriodRow[] = [];
  for (const box of boxes) {
    rows.push({
      box: box.name,
      idleTimeoutMs: durationMs(box.idleTimeout),
      adaptive: await beat(box, settings, seed),
      fixed: await beat(box, { ...settings, maxMs: settings.minMs }, seed),
    });
  }
  return rows;
}

/** One device behind a box, until it has found its period, and a day longer. */
async function beat({ idleTimeout, onExpired }: Box, settings: AdaptivePeriod, seed: number): Promise<Beating> {
  let [periodMs, foundAfterMs, lost, beats, servedMs]: [number | undefined, number, number, number, number] =
    [undefined, 0, 0, 0, 0];
  const sim = new Simulation({
    seed,
    witness: false,
    onTrace(event) {
      if (event.source !== 'device') return;
      if (event.kind === 'beat-sent') beats++;
      if (event.kind === 'served') servedMs = event.atMs;
      if (event.kind === 'lost') lost++;
      if (event.kind !== 'beat-period') return;
      periodMs = event.settled ? event.periodMs : undefined;
      foundAfterMs = event.atMs;
    },
  });
  const server = sim.addServer(referenceServer({ liveness: { policy: 'none' } }));
  const nat = sim.addNat({ idleTimeout, onExpired });
  sim.addDevice({ firmware: heartbeatFirmware({ adaptive: settings }), nat, link: { delay: '20ms' } });
  await sim.reach(() => periodMs !== undefined, SEARCH_MAX_MS);
  const lostMeanwhile = lost;
  // The first beats of a connection are at the shortest period.
  const settledMs = sim.nowMs;
  await sim.reach(() => servedMs >= settledMs + 4 * settings.minMs, sim.nowMs + DAY_MS);
  beats = 0;
  await sim.runFor(DAY_MS);
  const beatsADay = beats;
  const sinceMs = servedMs;
  await sim.reach(() => servedMs > sinceMs, sim.nowMs + DAY_MS);
  const cutMs = sim.nowMs;
  const lostBefore = lost;
  server.board.power.cut();
  const hasNoticed = await sim.reach(() => lost > lostBefore, sim.nowMs + DAY_MS);
  const noticedAfterMs = hasNoticed ? sim.nowMs - cutMs : Infinity;
  return { periodMs, foundAfterMs, lost: lostMeanwhile, beatsADay, noticedAfterMs };
}

/** The table for people, with what its words mean. */
export function periodText(rows: readonly PeriodRow[], seed = 1): string {
  const head = [
    'NAT box', 'forgets after', 'period found', 'after', 'which cost', 'beats a day', 'saved', 'dead server seen after',
    'later by',
  ];
  const lines = rows.map(({ box, idleTimeoutMs, adaptive, fixed }) => [
    box,
    formatDuration(idleTimeoutMs),
    adaptive.periodMs === undefined ? 'none' : formatSeconds(adaptive.periodMs),
    `${(adaptive.foundAfterMs / 3_600_000).toFixed(1)} h`,
    counted(adaptive.lost, 'connection'),
    `${adaptive.beatsADay} of ${fixed.beatsADay}`,
    `${(100 * (1 - adaptive.beatsADay / fixed.beatsADay)).toFixed(0)}%`,
    formatSeconds(adaptive.noticedAfterMs),
    formatSeconds(adaptive.noticedAfterMs - fixed.noticedAfterMs),
  ]);
  const fixedMs = rows[0]?.fixed.periodMs;
  return [
    table([head, ...lines]),
    '',
    `A client that finds its beat period by itself, compared with a client that beats every ${formatSeconds(fixedMs ?? 0)}.`,
    "which cost: connections that were lost while it looked for the period.",
    "dead server seen after: the server's power is cut just after a beat was answered, the worst moment.",
    `Found by experiment in virtual time (seed ${seed}): a lwIP device and a Linux server, 20 ms apart.`,
  ].join('\n');
}
