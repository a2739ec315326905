/** A run over real sockets: against the user's server, or one of our own on loopback. */

import { serverName, type Server } from '../../firmware/index.ts';
import type { Network } from '../../hal/network.ts';
import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { Bench } from '../bench/bench.ts';
import type { Board, Firmware } from '../board/board.ts';
import { describeEvent, type ServerEvent } from '../server/events.ts';
import { startServer, type ReferenceServer } from '../server/server.ts';
import type { TraceEvent } from '../verdict/trace.ts';
import type { RunSettings } from './arguments.ts';
import type { Fleet } from './fleet.ts';
import { Live } from './live.ts';
import { Problem } from './problem.ts';
import type { Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

export class RealVenue implements Venue {
  readonly testbed: Bench;
  readonly #settings: RunSettings;
  readonly #terminal: Terminal;
  readonly #fleet: Fleet;
  readonly #network: Network;
  #server: ReferenceServer | undefined = undefined;
  #live: Live | undefined = undefined;
  #problem: Problem | undefined = undefined;
  #end: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve));

  constructor(settings: RunSettings, terminal: Terminal, fleet: Fleet, onTrace: (event: TraceEvent) => void) {
    this.#settings = settings;
    this.#terminal = terminal;
    this.#fleet = fleet;
    this.#network = nodeNetwork({ warn: (sentence) => terminal.log(sentence) });
    this.testbed = new Bench({ network: this.#network, newClock: nodeClock, seed: settings.seed, onTrace });
  }

  get description(): string {
    const { embeddedServer, firmware } = this.#settings;
    return embeddedServer === undefined ? `against ${firmware.servers.map(serverName).join(', ')}` : 'against our own server on loopback';
  }

  async open(): Promise<readonly Server[]> {
    const { embeddedServer, firmware } = this.#settings;
    if (embeddedServer === undefined) return firmware.servers;
    let servers: readonly Server[] = [];
    const listening = new Promise<void>((resolve) => {
      const onEvent = (event: ServerEvent): void => {
        if (event.kind === 'failed') {
          this.#problem = new Problem(1, describeEvent(event));
          this.#end();
          return;
        }
        this.testbed.addServerEvent(event);
        if (event.kind !== 'listening') return;
        servers = [{ host: event.local.address, port: event.local.port }];
        resolve();
      };
      this.#server = startServer({ clock: nodeClock(), network: this.#network }, { ...embeddedServer, local: { address: '127.0.0.1', port: 0 } }, onEvent);
    });
    await Promise.race([listening, this.#ended]);
    if (this.#problem !== undefined) throw this.#problem;
    return servers;
  }

  addDevice(name: string, firmware: Firmware): Board {
    return this.testbed.addDevice(name, firmware);
  }

  async pass(): Promise<void> {
    const { forMs, json } = this.#settings;
    const { agenda } = this.testbed;
    this.#live = new Live(this.#terminal, this.#fleet, agenda, json);
    if (forMs !== undefined) agenda.at(forMs, () => this.#end());
    await this.#ended;
    if (this.#problem !== undefined) throw this.#problem;
  }

  stop(): void {
    this.#end();
  }

  netstat(): undefined {
    return undefined;
  }

  close(): boolean {
    this.#live?.end();
    this.testbed.stop();
    this.#server?.stop();
    return true;
  }
}
