/** A run over real sockets, against the user's server. */

import { serverName, type Server } from '../../firmware/index.ts';
import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { Bench } from '../bench/bench.ts';
import type { Firmware } from '../board/board.ts';
import type { Device } from '../device.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { Fleet } from './fleet.ts';
import { Live } from './live.ts';
import type { RunSettings } from './run-settings.ts';
import type { Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

export class RealVenue implements Venue {
  readonly pace = undefined;
  readonly testbed: Bench;
  readonly #settings: RunSettings;
  readonly #terminal: Terminal;
  readonly #fleet: Fleet;
  #live: Live | undefined = undefined;
  #end: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve));

  constructor(settings: RunSettings, terminal: Terminal, fleet: Fleet, onTrace: (event: TraceEvent) => void) {
    this.#settings = settings;
    this.#terminal = terminal;
    this.#fleet = fleet;
    const network = nodeNetwork({ warn: (sentence) => terminal.log(sentence) });
    this.testbed = new Bench({
      network,
      newClock: nodeClock,
      seed: settings.seed,
      onTrace,
      repeat: settings.repeatWithoutFiles,
    });
  }

  get description(): string {
    return `against ${this.#settings.servers.map(serverName).join(', ')}`;
  }

  async open(): Promise<() => readonly Server[]> {
    return () => this.#settings.servers;
  }

  addDevice(name: string, firmware: Firmware): Device {
    return this.testbed.addDevice(name, firmware);
  }

  async pass(): Promise<void> {
    const { forMs, json } = this.#settings;
    const { agenda } = this.testbed;
    this.#live = new Live(this.#terminal, this.#fleet, agenda, json);
    if (forMs !== undefined) agenda.at(forMs, () => this.#end());
    await this.#ended;
  }

  stop(): void {
    this.#end();
  }

  async netstat(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<boolean> {
    this.#live?.end();
    this.testbed.stop();
    return true;
  }
}
