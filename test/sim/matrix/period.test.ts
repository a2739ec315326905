/** The table of what a client gains that finds its beat period by itself, and the same client in MQTT. */

import { describe, expect, it } from 'vitest';
import { ADAPTIVE_PERIOD_DEFAULTS } from '../../../firmware/index.ts';
import { BOXES, periodTable, periodText } from '../../../sim/matrix/period.ts';
import { firmware, heartbeatFirmware, referenceServer, SERVER_NAME, SERVER_PORT } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { durationMs } from '../../../sim/time/duration.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

const { minMs, stepMs, marginMs, answerTimeoutMs } = ADAPTIVE_PERIOD_DEFAULTS;

const rows = await periodTable();

describe('by experiment', () => {
  it('behind each box it ends within a step below the timeout, by its margin at least, and the box forgets no more', () => {
    expect(rows.map(({ idleTimeoutMs }) => idleTimeoutMs)).toEqual(BOXES.map((box) => durationMs(box.idleTimeout)));
    for (const { idleTimeoutMs, adaptive } of rows) {
      const belowMs = idleTimeoutMs - (adaptive.periodMs ?? 0);
      expect(belowMs).toBeLessThanOrEqual(stepMs);
      expect(belowMs).toBeGreaterThanOrEqual(marginMs);
      expect(adaptive.lost).toBeLessThanOrEqual(6);
      expect(adaptive.beatsADay).toBeCloseTo(86_400_000 / (adaptive.periodMs ?? 0), -1);
    }
  });

  it('a dead server is noticed a period and the time for an answer after the last one, by both', () => {
    for (const { adaptive, fixed } of rows) {
      for (const { periodMs, noticedAfterMs } of [adaptive, fixed]) {
        expect(noticedAfterMs).toBeCloseTo((periodMs ?? 0) + answerTimeoutMs, -1);
      }
      expect(fixed.periodMs).toBe(minMs);
    }
  });
});

it('is a table', () => {
  expect(periodText(rows)).toMatch(
    /^mobile network +5m +270\.0 s +\d\.\d h +4 connections +\d+ of \d+ +\d\d% +290\.0 s +240\.0 s$/m,
  );
});

/** A device whose cable has a box on it, and what it tells of its period. */
function behindBoxes(plan: string, device: Parameters<typeof firmware>[0] | undefined, loss: `${number}%` = '0%') {
  const told: Extract<TraceEvent, { kind: 'beat-period' }>[] = [];
  let lost = 0;
  const sim = new Simulation({
    seed: 3,
    witness: false,
    onTrace(event) {
      if (event.kind === 'beat-period') told.push(event);
      if (event.kind === 'lost') lost++;
    },
  });
  const protocol = { kind: device === undefined ? 'heartbeat' as const : 'mqtt' as const };
  sim.addServer(referenceServer({ protocol, liveness: { policy: 'none' } }));
  const image = device === undefined ? heartbeatFirmware({ adaptive: ADAPTIVE_PERIOD_DEFAULTS }) : firmware(device);
  sim.addDevice({ firmware: image, link: { delay: '20ms', loss } });
  sim.schedule(plan);
  return { sim, told, lost: () => lost };
}

const mqtt = {
  protocol: 'mqtt', servers: [{ host: SERVER_NAME, port: SERVER_PORT }], keepAliveS: 1800,
  adaptive: ADAPTIVE_PERIOD_DEFAULTS,
} as const;

describe.each([['heartbeat', undefined], ['mqtt', mqtt]])('%s', (_name, device) => {
  it('finds the period with a loss of 5% as well', async () => {
    const { sim, told } = behindBoxes('nat-timeout 10m on dev-1 from 0s', device, '5%');
    await sim.until(() => told.at(-1)?.settled === true, '3d');
    expect(told.at(-1)?.periodMs).toBeGreaterThanOrEqual(600_000 - stepMs);
    expect(told.at(-1)?.periodMs).toBeLessThan(600_000);
  });

  it('survives a network that forgets earlier: it falls back, finds the new period, and is not cut again', async () => {
    const { sim, told, lost } = behindBoxes(
      'nat-timeout 10m on dev-1 from 0s for 2d\nnat-timeout 3m on dev-1 from 2d', device,
    );
    await sim.runFor('2d');
    expect(told.at(-1)).toMatchObject({ settled: true, periodMs: 570_000 });
    await sim.runFor('1d');
    expect(told.at(-1)).toMatchObject({ settled: true, periodMs: 150_000 });
    const before = lost();
    await sim.runFor('1d');
    expect(lost()).toBe(before);
  });
});

it('mqtt: a client that publishes learns nothing from its pings, and loses nothing', async () => {
  const { sim, told, lost } = behindBoxes('nat-timeout 10m on dev-1 from 0s', { ...mqtt, publishIntervalMs: 20_000 });
  await sim.runFor('1d');
  expect(told).toMatchObject([{ periodMs: minMs + stepMs, settled: false }]);
  expect(lost()).toBe(0);
});
