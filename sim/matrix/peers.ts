/**
 * Peers and their monitor: what quicker detection costs. Each cell is a group in virtual time, with an interval of
 * pings and a grace: first a quarter of an hour of calm, then peers that lose their power, one after the other.
 */

import { firmware, referenceServer, SERVER_NAME, SERVER_PORT } from '../programs.ts';
import { Simulation } from '../simulation.ts';
import { formatBytes, table } from '../text.ts';
import { durationMs, formatDuration, formatSeconds, type Duration } from '../time/duration.ts';

export interface PeersOptions {
  readonly intervals?: readonly Duration[];
  readonly graces?: readonly Duration[];
  readonly seed?: number;
}

export interface PeersCell {
  readonly intervalMs: number;
  readonly graceMs: number;
  /**
   * Times from the power cut until the monitor marked the peer down, the shortest first; peers that were not marked
   * down are not among them.
   */
  readonly detectedMs: readonly number[];
  /** Number of peers that were marked down while everything was well. */
  readonly wrong: number;
  /** Packets of all hosts, whole. */
  readonly bytesADevice: number;
}

export interface PeersMatrix {
  readonly seed: number;
  readonly cells: readonly PeersCell[];
}

const DEVICES = 12;
const CALM_MS = 900_000;
/** Number of peers that lose their power, one after the other, each after the one before has it back. */
const CUTS = 5;
const LINK = { delay: '20ms', loss: '5%' } as const;

/** Does all the experiments. */
export async function peersMatrix({
  intervals = ['1s', '3s', '6s', '12s'], graces = ['5s', '10s', '20s', '40s'], seed = 1,
}: PeersOptions = {}): Promise<PeersMatrix> {
  const cells: PeersCell[] = [];
  for (const interval of intervals) for (const grace of graces) {
    cells.push(await experiment(durationMs(interval), durationMs(grace), seed));
  }
  return { seed, cells };
}

async function experiment(intervalMs: number, graceMs: number, seed: number): Promise<PeersCell> {
  let wrong = 0;
  let cut: { readonly address: string; noticed: boolean } | undefined;
  const sim = new Simulation({
    seed,
    witness: false,
    onTrace(event) {
      if (event.source !== 'server' || event.kind !== 'offline' || event.reason.kind !== 'reported') return;
      if (cut === undefined) wrong++;
      else if (event.peer.address === cut.address) cut.noticed = true;
    },
  });
  sim.addServer(referenceServer({ protocol: { kind: 'peers' } }));
  const servers = [{ host: SERVER_NAME, port: SERVER_PORT }];
  const image = firmware({ protocol: 'peers', servers, pingIntervalMs: intervalMs, graceMs });
  const devices = Array.from({ length: DEVICES }, (_, i) => {
    const address = `10.0.1.${i + 1}`;
    return { address, power: sim.addDevice({ firmware: image, address, link: LINK }).power };
  });
  await sim.runFor(CALM_MS);
  const bytesADevice = sim.fabric.sentBytes / DEVICES;
  const detectedMs: number[] = [];
  for (const { address, power } of devices.slice(0, CUTS)) {
    const cutMs = sim.nowMs;
    const here = { address, noticed: false };
    cut = here;
    power.cut();
    if (await sim.reach(() => here.noticed, cutMs + 2 * (intervalMs + graceMs) + 60_000)) {
      detectedMs.push(sim.nowMs - cutMs);
    }
    power.restore();
    // At another moment of their rounds than the last one.
    await sim.runFor(intervalMs + graceMs + 61_300);
  }
  return { intervalMs, graceMs, detectedMs: detectedMs.toSorted((a, b) => a - b), wrong, bytesADevice };
}

/** The matrix for people, with what its words mean. */
export function peersText({ seed, cells }: PeersMatrix): string {
  const graces = [...new Set(cells.map(({ graceMs }) => graceMs))];
  const intervals = [...new Set(cells.map(({ intervalMs }) => intervalMs))];
  const rows = intervals.map((intervalMs) => {
    const row = cells.filter((cell) => cell.intervalMs === intervalMs);
    const bytes = row.reduce((sum, { bytesADevice }) => sum + bytesADevice, 0) / row.length;
    return [formatDuration(intervalMs), formatBytes(24 * bytes * (3_600_000 / CALM_MS)), ...row.map(cellText)];
  });
  return [
    table([['interval', 'a device a day', ...graces.map((ms) => `grace ${formatDuration(ms)}`)], ...rows]),
    '',
    `Each cell: the time until a peer without power is marked down, median and worst of ${CUTS} power cuts; then the number`,
    `of peers that were wrongly marked down in ${formatDuration(CALM_MS)} without faults. ${DEVICES} peers ping each other; two reports mark a`,
    'peer down.',
    `Found by experiment in virtual time (seed ${seed}): ${LINK.delay} and ${LINK.loss} loss each way.`,
  ].join('\n');
}

function cellText({ detectedMs, wrong }: PeersCell): string {
  const [median, worst] = [detectedMs[detectedMs.length >> 1], detectedMs.at(-1)];
  const times = median === undefined || worst === undefined ? 'never' : `${formatSeconds(median)}, ${formatSeconds(worst)}`;
  const missing = detectedMs.length < CUTS ? `, ${CUTS - detectedMs.length} not at all` : '';
  return `${times}${missing}${wrong === 0 ? '' : `; ${wrong} wrongly`}`;
}
