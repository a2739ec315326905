/**
 * The reference server: what devices hold their connections to. It stands on the HAL alone, so that it runs on
 * real sockets and on a simulated host alike. It speaks one protocol, or several, each at a port of its own.
 */

import type { Hal } from '../../hal/hal.ts';
import type { SocketAddress } from '../../hal/network.ts';
import { Agenda } from '../time/agenda.ts';
import type { ServerEvent } from './events.ts';
import { type ClientRow, type PortHost, ServerPort, type ServerStatistics } from './port.ts';
import { serverSettings, type PortSettings, type ServerOptions } from './settings.ts';

const SCRATCH_BYTES = 65_536;

export interface ReferenceServer {
  /** Address at which it listens, once it does; the first one if it has several ports. */
  readonly local: SocketAddress | undefined;
  readonly statistics: Readonly<ServerStatistics>;
  /** The table of clients, port by port, in the order in which they came. */
  clients(): ClientRow[];
  /**
   * Sends data, as one message, to one client or to all; gives to how many. Throws where a port's protocol has no such
   * thing, as echo has none.
   */
  push(to: number | 'all', data: Uint8Array): number;
  /** Stops listening, and closes every connection. Idempotent. */
  stop(): void;
}

/**
 * Starts a server: with one protocol at one port, or with a list of them. `onEvent` may call anything of it. Throws
 * when an option is not what `serverSettings` asks for.
 */
export function startServer(
  hal: Pick<Hal, 'clock' | 'network'>,
  options: ServerOptions | readonly ServerOptions[],
  onEvent: (event: ServerEvent) => void,
): ReferenceServer {
  const all = (isList(options) ? options : [options]).map((one) => {
    const settings = serverSettings(one);
    if (typeof settings === 'string') throw new RangeError(settings);
    return settings;
  });
  return new Server(hal, all, onEvent);
}

function isList(options: ServerOptions | readonly ServerOptions[]): options is readonly ServerOptions[] {
  return Array.isArray(options);
}

class Server implements ReferenceServer, PortHost {
  readonly statistics: ServerStatistics = {
    accepted: 0,
    refused: 0,
    beats: 0,
    dataFrames: 0,
    dataBytes: 0,
    pushes: 0,
    unanswered: 0,
    offline: {
      silent: 0,
      closed: 0,
      error: 0,
      'bad-frame': 0,
      flood: 0,
      'no-first-frame': 0,
      'not-reading': 0,
      dropped: 0,
      'taken-over': 0,
      reported: 0,
      stopped: 0,
    },
  };
  readonly hal: Pick<Hal, 'clock' | 'network'>;
  readonly agenda: Agenda;
  readonly scratch = new Uint8Array(SCRATCH_BYTES);
  readonly tell: (event: ServerEvent) => void;
  readonly #ports: readonly ServerPort[];
  lastId = 0;

  constructor(
    hal: Pick<Hal, 'clock' | 'network'>,
    settings: readonly PortSettings[],
    tell: (event: ServerEvent) => void,
  ) {
    this.hal = hal;
    this.agenda = new Agenda(hal.clock);
    this.tell = tell;
    this.#ports = settings.map((one) => new ServerPort(this, one));
  }

  get local(): SocketAddress | undefined {
    return this.#ports[0]?.local;
  }

  clients(): ClientRow[] {
    return this.#ports.flatMap((port) => port.clients());
  }

  push(to: number | 'all', data: Uint8Array): number {
    return this.#ports.reduce((count, port) => count + port.push(to, data), 0);
  }

  stop(): void {
    for (const port of this.#ports) port.stop();
    this.agenda.clear();
  }
}
