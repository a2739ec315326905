/** `--wait`: waits until a server that is being started listens. */

import { connect } from 'node:net';
import { type Server, serverName } from '../../firmware/index.ts';
import { nodeClock } from '../../hal/node/index.ts';
import { formatDuration } from '../time/duration.ts';
import { Problem } from './problem.ts';
import type { Terminal } from './terminal.ts';

/** Pause between two attempts. */
const PAUSE_MS = 100;

/**
 * Resolves as soon as one of the servers accepts a connection, which is closed again. Rejects with a Problem if none
 * does within the time.
 */
export async function waitForServer(servers: readonly Server[], waitMs: number, terminal: Terminal): Promise<void> {
  const clock = nodeClock();
  const pause = (): Promise<void> => new Promise((resolve) => clock.setAlarm(clock.now() + PAUSE_MS, resolve));
  const names = servers.map(serverName).join(', ');
  let isTold = false;
  for (;;) {
    const failures = await Promise.all(servers.map((server) => tryToConnect(server, waitMs)));
    if (failures.includes(undefined)) return;
    if (clock.now() + PAUSE_MS >= waitMs) {
      throw new Problem(1, `${names} did not accept a connection within ${formatDuration(waitMs)}: ${failures.at(-1)}`);
    }
    if (!isTold) terminal.log(`waiting for ${names} to listen, ${formatDuration(waitMs)} at most`);
    isTold = true;
    await pause();
  }
}

/** Resolves to undefined if the connection was accepted, otherwise to the reason why not. */
function tryToConnect({ host, port }: Server, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    socket.once('connect', () => {
      socket.end();
      resolve(undefined);
    });
    socket.once('timeout', () => {
      socket.destroy();
      resolve('ETIMEDOUT');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
