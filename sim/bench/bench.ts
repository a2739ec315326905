/** The bench: boards over real sockets. */

import type { Clock } from '../../hal/clock.ts';
import type { Network } from '../../hal/network.ts';
import { boardClock } from '../board/board-clock.ts';
import type { Board, Firmware } from '../board/board.ts';
import { Testbed } from '../testbed.ts';
import type { TraceEvent } from '../verdict/trace.ts';
import { BenchNic } from './bench-nic.ts';

export interface BenchOptions {
  /** The host's real network: `nodeNetwork()`. */
  readonly network: Network;
  /** A clock that starts at 0 when it is made: `nodeClock`. */
  readonly newClock: () => Clock;
  readonly seed: number;
  /** Everything that happens, as it happens: what it does to boards is best left to `agenda.after(0, ...)`. */
  readonly onTrace: (event: TraceEvent) => void;
}

export class Bench extends Testbed {
  readonly #options: BenchOptions;
  readonly #nics: BenchNic[] = [];

  constructor(options: BenchOptions) {
    super({ ...options, newClock: () => boardClock(options.newClock()), network: 'real' });
    this.#options = options;
  }

  /** A new board with this firmware; its power is off. */
  addDevice(name: string, firmware: Firmware): Board {
    const { network, newClock } = this.#options;
    const nic = new BenchNic({ network, newClock, onHungUp: (event) => this.trace({ source: 'bench', device: name, ...event }) });
    const board = this.addBoard(name, nic, firmware);
    this.#nics.push(nic);
    return board;
  }

  /** Switches everything off, and lets go of the host's sockets. */
  override stop(): void {
    super.stop();
    for (const nic of this.#nics) nic.releaseGhosts();
  }
}
