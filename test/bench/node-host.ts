/**
 * Cost of a beat that a Node program answers on a simulated host, compared with one that the reference server answers.
 */

import { createServer } from 'node:net';
import { heartbeatFirmware, nodeProgram, referenceServer, Simulation } from 'cablepull/sim';
import { figure, type Figure, type Round } from './figure.ts';

const DEVICES = 1000;
const BEAT_INTERVAL_S = 3;
const WARM_UP_S = 30;
const MEASURED_S = 120;
const ROUNDS = 5;
/** Both ends of it, with their stacks and the cable. */
const US_MAX = 30;

export async function nodeHostFigures(): Promise<Figure[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ measured: await usPerBeat(nodeProgram(echo)), floor: await usPerBeat(referenceServer()) });
  }
  // Some are lost when a device connects again.
  const least = 0.9 * ROUNDS * DEVICES * ((WARM_UP_S + MEASURED_S) / BEAT_INTERVAL_S);
  if (answered < least) throw new Error(`of the beats to Node programs ${answered} were answered, not ${least}`);
  const what = `a beat of ${DEVICES.toLocaleString('en')} devices that a Node program answers`;
  return [
    {
      ...figure({ what, unit: 'us', budget: { of: 'measured', max: US_MAX } }, rounds),
      note: 'the floor: the reference server',
    },
  ];
}

let answered = 0;

/** A server that sends every byte back, and so answers beats. */
function echo(): void {
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      answered++;
      socket.write(bytes);
    });
    socket.on('error', () => undefined);
  });
  server.listen({ port: 39_002, backlog: DEVICES });
}

async function usPerBeat(program: Parameters<Simulation['addServer']>[0]): Promise<number> {
  const sim = new Simulation({ seed: 1, witness: false });
  sim.addServer(program);
  const firmware = heartbeatFirmware({ beatIntervalMs: BEAT_INTERVAL_S * 1000 });
  for (let i = 0; i < DEVICES; i++) sim.addDevice({ firmware, link: { delay: '20ms', loss: '1%' } });
  await sim.runFor(`${WARM_UP_S}s`);
  const startMs = performance.now();
  await sim.runFor(`${MEASURED_S}s`);
  return ((performance.now() - startMs) * 1000) / ((DEVICES * MEASURED_S) / BEAT_INTERVAL_S);
}
