/**
 * Cost of `cablepull run` with its verdicts compared with the engine alone; the gain of a second thread; and the time
 * for a million devices. The time that a run takes to start is subtracted.
 */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runNode, type Spent } from './cpu.ts';
import { figure, type Figure, type Round } from './figure.ts';
import type { Asked } from './part.ts';
import { CLI } from './start.ts';

const ENGINE = fileURLToPath(new URL('./engine-alone.js', import.meta.url));

/** Device-seconds that are enough to keep the engine warm most of the time. */
const DEVICE_SECONDS = 1_500_000;

/** All devices are switched on within 10 s, and connected after that. */
const START_SECONDS = 15;

const MILLION = 1_000_000;

export async function commandFigures({ all, notMeasured }: Asked): Promise<Figure[]> {
  const figures = [await pace(1000, all)];
  if (all) figures.push(await pace(10_000, all));
  else notMeasured('the command at 10,000 devices, and with a million');
  if (availableParallelism() < 2) notMeasured('--jobs 2, as this machine has one processor');
  else figures.push(await jobs(all));
  figures.push(await flat(all));
  if (all) figures.push(await million());
  return figures;
}

type Run = (devices: number, seconds: number) => readonly string[];

const command: Run = (devices, seconds) => [CLI, 'run', '--devices', String(devices), '--for', `${seconds}s`];
const engine: Run = (devices, seconds) => [ENGINE, String(devices), String(seconds)];
const blocks =
  (jobCount: number): Run =>
  (devices, seconds) => [...command(devices, seconds), '--jobs', String(jobCount)];

/** Time for a device-second, in us. */
async function cost(run: Run, devices: number, of: keyof Spent = 'cpuMs'): Promise<number> {
  const seconds = Math.ceil(DEVICE_SECONDS / devices);
  const whole = await runNode(run(devices, START_SECONDS + seconds));
  const start = await runNode(run(devices, START_SECONDS));
  return ((whole[of] - start[of]) * 1000) / (devices * seconds);
}

async function pace(devices: number, all: boolean): Promise<Figure> {
  const rounds: Round[] = [];
  for (let round = 0; round < (all ? 5 : 3); round++) {
    rounds.push({ floor: await cost(engine, devices), measured: await cost(command, devices) });
  }
  return figure({
    what: `CPU of a device-second: cablepull run, ${devices.toLocaleString('en')} devices`,
    unit: 'us',
    budget: { of: 'ratio', max: 1.2 },
    note: 'floor: the engine alone (witness: false)',
    why: 'each beat and each answer is counted, for its device and its session, so that there are verdicts',
  }, rounds);
}

async function jobs(all: boolean): Promise<Figure> {
  const devices = 4000;
  const rounds: Round[] = [];
  for (let round = 0; round < (all ? 3 : 1); round++) {
    const floor = await cost(blocks(1), devices, 'wallMs');
    rounds.push({ floor, measured: await cost(blocks(2), devices, 'wallMs') });
  }
  return figure({
    what: `time for a device-second: cablepull run --jobs 2, ${devices.toLocaleString('en')} devices`,
    unit: 'us',
    budget: { of: 'ratio', max: 1 / 1.6 },
    note: 'floor: --jobs 1',
    why: 'each thread compiles for itself, and engines have helper threads of their own: two of them take more of both '
      + 'processors than one; and where others are at work, time tells of them: look at the load above',
  }, rounds);
}

async function flat(all: boolean): Promise<Figure> {
  const devices = 100_000;
  const rounds: Round[] = [];
  for (let round = 0; round < (all ? 3 : 1); round++) {
    rounds.push({ floor: await cost(command, 10), measured: await cost(command, devices) });
  }
  return figure({
    what: `CPU of a device-second: cablepull run, ${devices.toLocaleString('en')} devices`,
    unit: 'us',
    budget: { of: 'ratio', max: 1.5 },
    note: 'floor: 10 devices',
    why: 'blocks fit into the caches, but each has its own server to start, and each thread compiles for itself',
  }, rounds);
}

async function million(): Promise<Figure> {
  const { wallMs, cpuMs } = await runNode([CLI, 'run', '--devices', String(MILLION), '--for', '1m']);
  const usADeviceSecond = (wallMs * 1000) / (MILLION * 60);
  return figure({
    what: 'cablepull run --devices 1000000 --for 1m: time for a device-second',
    unit: 'us',
    note: `${(wallMs / 1000).toFixed(0)} s in all, with its start and every boot; floor: one processor, ${(cpuMs / 1000).toFixed(0)} s`,
  }, [{ measured: usADeviceSecond, floor: (cpuMs * 1000) / (MILLION * 60) }]);
}
