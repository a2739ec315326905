/** `cablepull serve`: the reference server on real sockets. */

import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { SERVER_PORT } from '../programs.ts';
import type { Liveness } from '../server/client-table.ts';
import { describeEvent } from '../server/events.ts';
import type { Protocol } from '../server/protocols/protocol.ts';
import { startServer } from '../server/server.ts';
import type { ServerOptions } from '../server/settings.ts';
import { counted } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import { firstAddressOf, lookUpProblem } from './look-up.ts';
import { Problem } from './problem.ts';
import { defineProtocolCommand, type GivenWithProtocol } from './protocol-command.ts';
import { checkServer, defined } from './server-options.ts';
import type { Terminal } from './terminal.ts';
import { durationOf, usage, wholeNumber } from './values.ts';

const OPTIONS = {
  port: { type: 'string', value: '39002', default: String(SERVER_PORT), help: 'port to listen on (39002)' },
  host: {
    type: 'string',
    value: '127.0.0.1',
    default: '127.0.0.1',
    help: 'address or name to listen on',
  },
  scan: {
    type: 'string',
    value: '3s',
    help:
      "interval of the scans (--beat): each scan adds 1 to a client's count, a beat sets the count to 0, and a scan "
      + 'that finds a count of --missed-limit closes the connection',
  },
  idle: {
    type: 'string',
    value: '10s',
    help: 'instead of counting beats: a scan every 5 s closes each connection on which nothing arrived for this time',
  },
  'max-connections': { type: 'string', value: '20000', help: 'largest number of connections; the server turns further clients away (20000)' },
  json: { type: 'boolean', default: false, help: 'print each event as a JSON object in a line' },
} as const;

export const serveCommand = defineProtocolCommand({
  name: 'serve',
  about: 'runs the reference server on real sockets until Ctrl-C',
  options: OPTIONS,
  run: (given, terminal) => serve(serveSettings(given), terminal),
});

interface ServeSettings {
  /** Settings without the address to listen on: that is `host`, a name or an address, and `port`. */
  readonly server: ServerOptions;
  readonly host: string;
  readonly port: number;
  readonly json: boolean;
}

function serveSettings({
  values,
  protocol,
  settings,
  missedLimit,
  keepAlive,
}: GivenWithProtocol<typeof OPTIONS>): ServeSettings {
  const idleMs = durationOf('--idle', values.idle);
  if (idleMs !== undefined && missedLimit !== undefined) {
    throw usage('--idle and --missed-limit are two policies: use only one');
  }
  const maxConnections = values['max-connections'];
  const server = checkServer({
    protocol: { ...defined(settings.service ?? {}), kind: protocol },
    liveness: livenessOf(
      protocol,
      settings.liveness ?? protocol.server.liveness,
      durationOf('--scan', values.scan),
      idleMs,
    ),
    ...defined({ keepAlive }),
    ...(maxConnections === undefined
      ? {}
      : { limits: { maxConnections: wholeNumber('--max-connections', maxConnections, 1, 1_000_000) } }),
  });
  return { server, host: values.host, port: wholeNumber('--port', values.port, 0, 65_535), json: values.json };
}

function livenessOf(
  protocol: Protocol, liveness: Liveness, scanIntervalMs: number | undefined, idleMs: number | undefined,
): Liveness {
  if (idleMs !== undefined) return { policy: 'idle', checkIntervalMs: scanIntervalMs ?? 5000, idleMs };
  if (scanIntervalMs === undefined) return liveness;
  if (liveness.policy !== 'missed-beats') {
    throw usage(`--scan has no effect with --protocol ${protocol.device.name} unless --idle is given`);
  }
  return { ...liveness, scanIntervalMs };
}

/** Serves until Ctrl-C. Prints each event of a client, and totals at the end. Rejects with a Problem. */
async function serve(
  { server: options, host, port, json }: ServeSettings, terminal: Terminal,
): Promise<number> {
  const clock = nodeClock();
  const network = nodeNetwork({ warn: (sentence) => terminal.log(sentence) });
  const address = await firstAddressOf(host, network);
  if (address.errno !== undefined) {
    throw new Problem(1, `cannot listen: ${lookUpProblem(host, address.errno) ?? `${host} gives ${address.errno}`}`);
  }
  const local = { address: address.text, port };
  await new Promise<void>((resolve, reject) => {
    const server = startServer({ clock, network }, { ...options, local }, (event) => {
      if (event.kind === 'failed') return reject(new Problem(1, `${describeEvent(event)}${hint(event.errno)}`));
      if (json) terminal.printJson(event);
      else terminal.print(`${formatSeconds(event.atMs).padStart(9)}  ${describeEvent(event)}`);
    });
    const stop = (): void => {
      const { accepted, refused, beats } = server.statistics;
      server.stop();
      terminal.log(
        `stopped after ${formatSeconds(clock.now())}: ${counted(accepted, 'connection')}, ${refused} turned away, ` +
          counted(beats, 'beat'),
      );
      resolve();
    };
    terminal.onInterrupt(stop);
    terminal.onReaderGone(stop);
  });
  return 0;
}

function hint(errno: string): string {
  switch (errno) {
    case 'EADDRINUSE':
      return ' (the port is in use; choose another with --port)';
    case 'EACCES':
      return ' (not permitted; ports below 1024 need root)';
    case 'EADDRNOTAVAIL':
      return ' (this machine does not have that address)';
    default:
      return '';
  }
}
