/** Connections that Node keeps for a whole process are each simulated process's own. */

import http from 'node:http';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { Simulation } from '../../../sim/simulation.ts';

it('lets no host ask over the connection of another, by http.get or by fetch', async () => {
  const askers: string[] = [];
  const sim = new Simulation({ seed: 1 });
  sim.addServer(
    nodeProgram(() => {
      http
        .createServer((request, response) => {
          askers.push(`${request.url} from ${request.socket.remoteAddress}`);
          response.end();
        })
        .listen(8080);
    }),
  );
  for (const number of [1, 2]) {
    const start = async (): Promise<void> => {
      http.get(`http://server:8080/get-by-${number}`, (response) => response.resume());
      await (await fetch(`http://server:8080/fetch-by-${number}`)).text();
    };
    sim.addDevice({ firmware: nodeProgram(() => void setTimeout(() => void start(), number * 1000)) });
  }
  await sim.runFor('3s');
  expect(askers).toEqual([
    '/get-by-1 from 10.0.0.2',
    '/fetch-by-1 from 10.0.0.2',
    '/get-by-2 from 10.0.0.3',
    '/fetch-by-2 from 10.0.0.3',
  ]);
});

it("has a fetch's timeout come to who fetched, also where another began, and is gone", async () => {
  const failures: string[] = [];
  const sim = new Simulation({ seed: 1 });
  sim.addServer(nodeProgram(() => http.createServer().listen(8080))).board.power.cut();
  const [first] = [1, 2].map((number) => {
    const start = (): void => {
      fetch('http://10.0.0.1:8080/').catch((error: unknown) => {
        const cause: unknown = error instanceof Error ? error.cause : undefined;
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(error);
        // The clock of the timer that fires shows which program runs.
        setTimeout(() => failures.push(`${number}, ${Math.round(performance.now() / 1000)} s: ${code}`), 1000);
      });
    };
    return sim.addDevice({ firmware: nodeProgram(() => void setTimeout(start, number * 1000)) });
  });
  await sim.runFor('1500ms');
  first?.power.cut();
  await sim.runFor('30s');
  expect(failures).toEqual(['2, 13 s: UND_ERR_CONNECT_TIMEOUT']);
});
