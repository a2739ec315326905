/** Cost of the gateway: simulated devices send beats to a real server in a network namespace, in real time. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { heartbeatFirmware, referenceServer, Simulation } from 'cablepull/sim';
import { ServerBench, ServerBenchError } from 'cablepull/server-bench';
import { cpuMsOf } from './cpu.ts';
import { figure, type Figure } from './figure.ts';
import type { Asked } from './part.ts';

const SERVER = fileURLToPath(new URL('../../test/sim/server-bench/server.mjs', import.meta.url));

interface Load {
  readonly what: string;
  readonly devices: number;
  readonly periodMs: number;
  /** Budget for Node's processor time. */
  readonly usABeatMax: number;
}

const FLEET: Load = {
  what: 'CPU for a beat over the gateway, 10,000 devices',
  devices: 10_000,
  periodMs: 3000,
  // 60% of a core, at 3,333 beats a second.
  usABeatMax: 180,
};

const FLOOD: Load = {
  what: 'CPU for an echo over the gateway, 10,000 a second',
  devices: 1000,
  periodMs: 100,
  usABeatMax: 60,
};

const MEASURED_MS = 15_000;

export async function gatewayFigures({ notMeasured }: Asked): Promise<Figure[]> {
  try {
    return [...(await beats(FLEET)), ...(await beats(FLOOD)), ...(await roundTrips())];
  } catch (error) {
    if (!(error instanceof ServerBenchError)) throw error;
    notMeasured(`the gateway: ${error.message}`);
    return [];
  }
}

async function beats({ what, devices, periodMs, usABeatMax }: Load): Promise<Figure[]> {
  let served = 0;
  const command = [process.execPath, SERVER, '39002'];
  const bench = await ServerBench.start({
    command,
    witness: false,
    onTrace: ({ kind }) => {
      if (kind === 'served') served++;
    },
  });
  populate(bench, devices, heartbeatFirmware({ servers: bench.servers, beatIntervalMs: periodMs }));
  await bench.runFor(4 * periodMs + devices);
  served = 0;
  const helperBefore = cpuMsOf(HELPER);
  const measured = await cpuMs(() => bench.runFor(MEASURED_MS));
  const helperUs = ((cpuMsOf(HELPER) - helperBefore) * 1000) / served;
  const usABeat = (measured * 1000) / served;
  const wanted = (MEASURED_MS / periodMs) * devices;
  const ofDevices = served / wanted;
  await bench.stop();

  const sim = new Simulation({ seed: 1, witness: false });
  sim.addServer(referenceServer({ beatEvents: false, limits: { maxConnections: devices } }));
  populate(sim, devices, heartbeatFirmware({ beatIntervalMs: periodMs }));
  await sim.runFor(4 * periodMs + devices);
  const floor = await cpuMs(() => sim.runFor(MEASURED_MS));
  const floorUs = (floor * 1000) / wanted;
  const note = `floor: simulated alone; ${Math.round(100 * ofDevices)}% were answered in time`;
  return [
    figure(
      { what, unit: 'us', budget: { of: 'measured', max: usABeatMax }, note },
      [{ measured: usABeat, floor: floorUs }],
    ),
    figure(
      { what: `${what}: a packet, with the helper's CPU`, unit: 'us', note: `${PACKETS_A_BEAT} packets: beat, answer, ACK` },
      [{ measured: (usABeat + helperUs) / PACKETS_A_BEAT, floor: floorUs / PACKETS_A_BEAT }],
    ),
  ];
}

const PACKETS_A_BEAT = 3;

/** Text in the command line of helper.pl and of helper.py. */
const HELPER = 'server-bench/helper.';

function populate(sim: Simulation, devices: number, firmware: ReturnType<typeof heartbeatFirmware>): void {
  for (let i = 0; i < devices; i++) {
    const device = sim.addDevice({ firmware, link: { delay: '20ms' }, power: false });
    sim.at(i, () => device.power.restore());
  }
}

async function cpuMs(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Over a cable that takes no time, beside a socket on loopback. */
async function roundTrips(): Promise<Figure[]> {
  const times: number[] = [];
  const bench = await ServerBench.start({
    command: [process.execPath, SERVER, '39002'],
    onTrace: (event) => {
      if (event.kind === 'served' && event.afterMs !== undefined) times.push(event.afterMs * 1000);
    },
  });
  const firmware = heartbeatFirmware({ servers: bench.servers, beatIntervalMs: 100 });
  for (let i = 0; i < 20; i++) {
    const device = bench.addDevice({ firmware, power: false });
    bench.at(i * 5, () => device.power.restore());
  }
  await bench.runFor('10s');
  await bench.stop();
  const bare = await bareRoundTrips(1000);
  return ([['in the middle', 0.5, undefined], ['p99', 0.99, 2000]] as const).map(([name, share, max]) =>
    figure(
      {
        what: `a round trip over the gateway, ${name}`,
        unit: 'us',
        ...(max !== undefined && { budget: { of: 'measured', max } }),
        note: 'floor: a socket on loopback',
      },
      [{ measured: quantile(times, share), floor: quantile(bare, share) }],
    ),
  );
}

async function bareRoundTrips(count: number): Promise<number[]> {
  const port = 39_002;
  const server = spawn(process.execPath, [SERVER, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const sentMs = performance.now();
    socket.write(new Uint8Array(8));
    await once(socket, 'data');
    times.push((performance.now() - sentMs) * 1000);
  }
  socket.destroy();
  server.kill();
  return times;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? Number.NaN;
}
