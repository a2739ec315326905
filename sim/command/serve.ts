/** `cablepull serve`: the reference server on real sockets. */

import type { Network } from '../../hal/network.ts';
import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { describeEvent } from '../server/events.ts';
import { startServer } from '../server/server.ts';
import { formatSeconds } from '../time/duration.ts';
import { Problem } from './problem.ts';
import type { ServeSettings } from './settings/serve.ts';
import type { Terminal } from './terminal.ts';

/** Serves until Ctrl-C; prints who comes and who goes, and at the end what there was. Rejects with a Problem. */
export async function serve({ server: options, host, port, json }: ServeSettings, terminal: Terminal): Promise<number> {
  const clock = nodeClock();
  const network = nodeNetwork({ warn: (sentence) => terminal.log(sentence) });
  const local = { address: await addressOf(host, network), port };
  await new Promise<void>((resolve, reject) => {
    const server = startServer({ clock, network }, { ...options, local }, (event) => {
      if (event.kind === 'failed') return reject(new Problem(1, `${describeEvent(event)}${hint(event.errno)}`));
      if (json) terminal.print(JSON.stringify(event));
      else terminal.print(`${formatSeconds(event.atMs).padStart(9)}  ${describeEvent(event)}`);
    });
    terminal.onInterrupt(() => {
      const { accepted, refused, beats } = server.statistics;
      server.stop();
      terminal.log(`stopped after ${formatSeconds(clock.now())}: ${accepted} connections, ${refused} turned away, ${beats} beats`);
      resolve();
    });
  });
  return 0;
}

/** The first address of a host's name. */
function addressOf(host: string, network: Network): Promise<string> {
  return new Promise((resolve, reject) => {
    network.lookup(host, (result) => {
      const address = typeof result === 'string' ? undefined : result[0];
      if (address !== undefined) resolve(address);
      else reject(new Problem(1, `cannot listen on ${host}: there is no such host (${String(result)})`));
    });
  });
}

function hint(errno: string): string {
  switch (errno) {
    case 'EADDRINUSE':
      return ' (something listens there already; choose another with --port)';
    case 'EACCES':
      return ' (not allowed; ports below 1024 are reserved)';
    case 'EADDRNOTAVAIL':
      return ' (this machine does not have that address)';
    default:
      return '';
  }
}
