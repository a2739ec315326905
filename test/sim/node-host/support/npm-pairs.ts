/** Pairs of a server and its client, whose programs stand in `../programs`, and what they say after a fault. */

import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { nodeProgram } from '../../../../sim/node-host/program.ts';
import type { Device } from '../../../../sim/device.ts';
import { type SimulatedServer, Simulation } from '../../../../sim/simulation.ts';

export interface Pair {
  readonly name: string;
  readonly server: string;
  readonly client: string;
  /** npm packages of the programs. */
  readonly packages: readonly string[];
}

export const PAIRS: readonly Pair[] = [
  { name: 'net', server: 'net-server', client: 'net-client', packages: [] },
  { name: 'http', server: 'http-server', client: 'http-client', packages: [] },
  { name: 'https', server: 'https-server', client: 'https-client', packages: [] },
  { name: 'http2', server: 'http2-server', client: 'http2-client', packages: [] },
  { name: 'ws', server: 'ws-server', client: 'ws-client', packages: ['ws'] },
  {
    name: 'socket.io',
    server: 'socket-io-server',
    client: 'socket-io-client',
    packages: ['socket.io', 'socket.io-client'],
  },
  { name: 'express', server: 'express-server', client: 'express-client', packages: ['express'] },
  { name: 'aedes', server: 'aedes-broker', client: 'mqtt-client', packages: ['aedes', 'mqtt'] },
  { name: 'ioredis', server: 'redis-server', client: 'ioredis-client', packages: ['ioredis'] },
  { name: 'grpc', server: 'grpc-server', client: 'grpc-client', packages: ['@grpc/grpc-js'] },
];

/** Time of each fault. */
const FAULT_MS = 10_500;
const END_MS = 30_000;
const OFF_FOR = '2s';

interface Hosts {
  readonly sim: Simulation;
  readonly server: SimulatedServer;
  readonly device: Device;
}

async function offAndOn({ sim }: Hosts, { power }: { power: { cut(): void; restore(): void } }): Promise<void> {
  power.cut();
  await sim.runFor(OFF_FOR);
  power.restore();
}

export const FAULTS: Readonly<Record<string, (hosts: Hosts) => void | Promise<void>>> = {
  cable: ({ device }) => device.cable.pull(),
  'client power': ({ device }) => device.power.cut(),
  'client reboot': (hosts) => offAndOn(hosts, hosts.device),
  'client hang': ({ device }) => device.hang(),
  'server power': ({ server }) => server.board.power.cut(),
  'server reboot': (hosts) => offAndOn(hosts, hosts.server.board),
  'server hang': ({ server }) => server.board.hang(),
};

export interface Said {
  /** Seconds since the fault. */
  readonly afterS: number;
  readonly host: string;
  readonly line: string;
}

export interface PairRun {
  readonly said: readonly Said[];
  /** Hash of everything that the programs sent and said. */
  readonly hash: string;
}

/** Runs both programs for half a minute, with the fault in it. */
export async function runPair({ server, client }: Pair, fault: string): Promise<PairRun> {
  const said: Said[] = [];
  const hash = createHash('sha256');
  const sim = new Simulation({ seed: 1 });
  sim.capture((bytes) => hash.update(bytes));
  const onOutput = (line: string, host: string): void => {
    said.push({ afterS: (sim.nowMs - FAULT_MS) / 1000, host, line });
    hash.update(`${sim.nowMs} ${host}: ${line}\n`);
  };
  const hosts: Hosts = {
    sim,
    server: sim.addServer(nodeProgram(program(server), { onOutput })),
    device: sim.addDevice({
      name: 'client',
      firmware: nodeProgram(program(client), { onOutput }),
      link: { delay: '10ms' },
    }),
  };
  await sim.runFor(FAULT_MS);
  await FAULTS[fault]?.(hosts);
  await sim.runFor(END_MS - sim.nowMs);
  return { said, hash: hash.digest('hex') };
}

function program(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}.mjs`, import.meta.url));
}

const IS_BAD_NEWS = /silent|gone|closed|timed out|error|lost/;

/** The first that a host said after the fault about the other that is gone: `3.50 client silent`. */
export function firstNotice({ said }: PairRun, host: string): string {
  const first = said.find(({ afterS, host: who, line }) => afterS > 0 && who === host && IS_BAD_NEWS.test(line));
  return first === undefined ? 'nothing' : `${first.afterS.toFixed(2)} ${first.line}`;
}
