/**
 * Connections that come and go, of a Node program to another: prints what is left of them in memory, as JSON. To be run
 * by Node with --expose-gc.
 */

import net from 'node:net';
import { owner } from '../../../../sim/node-host/owner.ts';
import { nodeProgram } from '../../../../sim/node-host/program.ts';
import { Simulation } from '../../../../sim/simulation.ts';

const COUNT = Number(process.argv[2]);
/** The first connections create objects that stay: compiled code, pools. */
const WARM_UP = 2000;

let done = 0;

function connect(): void {
  const socket = net.connect(7000, 'server', () => socket.write('word'));
  socket.setTimeout(60_000);
  socket.on('data', () => socket.end());
  socket.on('close', () => {
    done++;
    // The pause is long enough that not all ports wait in TIME-WAIT.
    setTimeout(connect, 50);
  });
}

function usedBytes(): number {
  // A finalizer may leave something that only the next collection takes.
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const sim = new Simulation({ seed: 1, witness: false });
const server = sim.addServer(
  nodeProgram(() => {
    net.createServer((socket) => socket.setKeepAlive(true, 1000).setTimeout(60_000).pipe(socket)).listen(7000);
  }),
);
sim.addDevice({ firmware: nodeProgram(() => [1, 2, 3, 4, 5].forEach(connect)), link: { delay: '1ms' } });
const until = (count: number): Promise<number> => sim.until(() => done >= count, '1h');
await until(WARM_UP);
// The connections of the last minute wait in TIME-WAIT.
await sim.runFor('2m');
const before = usedBytes();
const startMs = performance.now();
const first = done;
await until(first + COUNT);
const usEach = ((performance.now() - startMs) * 1000) / COUNT;
const after = usedBytes();
const handles = server.run(() => owner()?.handles.size);
console.log(JSON.stringify({ bytesEach: (after - before) / COUNT, handles, usEach: Math.round(usEach) }));
