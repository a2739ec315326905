/**
 * Cost of a device with a real connection compared with a bare socket that does the same. All fleets run at the same
 * time, each in a process of its own with a server of its own, so that other load on the machine affects all of them.
 */

import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DevicesCost, DevicesResult } from './devices-cost.ts';
import { figure, type Figure, type Question } from './figure.ts';
import type { FleetKind } from './fleets.ts';
import type { Asked } from './part.ts';

const COUNTS = [1000, 5000];
const ROUNDS = 3;

/** Open files of a process beside its connections, and more than enough: the devices of the warm-up are among them. */
const OTHER_FILES = 200;

const CPU_BUDGET = { of: 'ratio', max: 1.3 } as const;
const MEMORY_BUDGET = { of: 'ratio', max: 2 } as const;

const WHY_CPU = "the host's kernel takes the same for both; the rest is the device's own board, kernel and trace, and the "
  + 'collection of what they leave';
const WHY_MEMORY = 'the two halves in which the engine keeps young objects have grown while the modules were loaded, '
  + 'and are filled while the devices connect: with more devices that is less for each (--all), and so it is with '
  + 'node --max-semi-space-size=1';

/** Kinds of devices that are compared with the bare sockets. */
const SUBJECTS = [
  { kind: 'firmware', name: 'firmware on hal/node' },
  { kind: 'boards', name: 'boards, as the command line runs them' },
] as const;

interface Costs {
  readonly bare: DevicesCost;
  readonly firmware: DevicesCost;
  readonly boards: DevicesCost;
}

export async function socketFigures({ all, notMeasured }: Asked): Promise<Figure[]> {
  const figures: Figure[] = [];
  if (!all) notMeasured('5,000 real sockets, and more rounds of 1,000 (--all)');
  for (const count of all ? COUNTS : COUNTS.slice(0, 1)) {
    try {
      figures.push(...(await figuresOf(count, all ? ROUNDS : 1)));
    } catch (error) {
      notMeasured(error instanceof Error ? error.message : String(error));
    }
  }
  return figures;
}

async function figuresOf(count: number, roundCount: number): Promise<Figure[]> {
  const filesMax = Number(execFileSync('sh', ['-c', 'ulimit -n']));
  if (filesMax < count + OTHER_FILES) {
    throw new Error(`${count} devices, as \`ulimit -n\` allows a process ${filesMax} files`);
  }
  const rounds: Costs[] = [];
  for (let round = 0; round < roundCount; round++) {
    const [bare, firmware, boards] = await Promise.all([
      fleet('bare', count),
      fleet('firmware', count),
      fleet('boards', count),
    ]);
    rounds.push({ bare, firmware, boards });
  }
  return SUBJECTS.flatMap(({ kind, name }) => {
    const compare = (cost: keyof DevicesCost, question: Question): Figure =>
      figure(question, rounds.map((round) => ({ measured: round[kind][cost], floor: round.bare[cost] })));
    const who = `${count.toLocaleString('en')} ${name}`;
    return [
      compare('cpuUsPerBeat', {
        what: `CPU of a beat: ${who}`, unit: 'us', budget: CPU_BUDGET, why: WHY_CPU,
      }),
      compare('residentBytesPerDevice', {
        what: `resident memory each: ${who}`, unit: 'bytes', budget: MEMORY_BUDGET, why: WHY_MEMORY,
      }),
      compare('heapBytesPerDevice', {
        what: `of which on the heap: ${who}`,
        unit: 'bytes',
        note: 'after a collection',
      }),
    ];
  });
}

async function fleet(kind: FleetKind, count: number): Promise<DevicesCost> {
  const server = start('beat-server', []);
  const [port] = await once(server, 'message');
  const devices = start('devices', [kind, String(count), String(port)]);
  const result = await resultOf(devices);
  server.disconnect();
  await once(server, 'exit');
  if ('failure' in result) throw new Error(`${count} devices (${kind}): ${result.failure}`);
  return result;
}

function start(program: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`./${program}.js`, import.meta.url)), args, { execArgv: ['--expose-gc'] });
}

function resultOf(devices: ChildProcess): Promise<DevicesResult> {
  return new Promise((resolve) => {
    devices.once('message', (result: DevicesResult) => resolve(result));
    devices.once('exit', (status, signal) => resolve({ failure: `the process ended: ${status ?? signal}` }));
  });
}
