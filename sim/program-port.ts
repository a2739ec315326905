/** The port at which a server that is a Node program waits for devices. */

import type { OpenPort } from './node-host/world.ts';
import type { SimulatedServer, Simulation } from './simulation.ts';
import { formatDuration } from './time/duration.ts';

/** Longest wait in virtual time: a server may wait for something before it listens. */
const LISTEN_WITHIN_MS = 60_000;

export interface WantedPort {
  readonly transport: OpenPort['transport'];
  /** Wanted port; undefined: any. */
  readonly port: number | undefined;
}

/**
 * Lets time pass until the program listens. Resolves to the port; or to a sentence if there is none, or several to
 * choose from. Rejects with a ProgramError.
 */
export async function portOf(sim: Simulation, server: SimulatedServer, wanted: WantedPort): Promise<number | string> {
  const { transport, port } = wanted;
  const isWanted = (open: OpenPort): boolean =>
    open.transport === transport && (port === undefined || open.port === port);
  const hasEnded = (): boolean => server.board.state === 'crashed';
  await sim.reach(() => hasEnded() || server.openPorts().some(isWanted), sim.nowMs + LISTEN_WITHIN_MS);
  // All that it does at the same moment.
  await sim.runFor(0);
  if (hasEnded()) return 'the program ended before it listened';
  const all = server.openPorts();
  const fitting = all.filter(isWanted);
  const [open, ...more] = fitting;
  if (open === undefined) return whyNone(all, wanted);
  if (more.length > 0) {
    const ports = fitting.map((one) => one.port).join(' and ');
    return `the program listens on ports ${ports}: say which is for devices, as in --port ${open.port}`;
  }
  if (!open.address.startsWith('127.')) return open.port;
  const where = `${open.address}:${open.port}`;
  return `the program listens on ${where}, where only its own host reaches it: let it listen on 0.0.0.0`;
}

function whyNone(all: readonly OpenPort[], { transport, port }: WantedPort): string {
  const what = transport === 'stream' ? 'listen' : 'take datagrams';
  const where = port === undefined ? '' : ` on port ${port}`;
  const others = all.map((open) => `${open.transport === 'stream' ? 'TCP' : 'UDP'} port ${open.port}`).join(', ');
  const instead =
    others === ''
      ? '. A program that listens only when it is the main module does not listen here, because it is imported'
      : `; it has ${others}: --protocol says what devices speak, and a --device-program is followed over TCP alone`;
  return `the program does not ${what}${where} within ${formatDuration(LISTEN_WITHIN_MS)} of virtual time${instead}`;
}
