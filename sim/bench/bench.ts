/** The bench: boards over real sockets. */

import type { Clock } from '../../hal/clock.ts';
import type { Network } from '../../hal/network.ts';
import { boardClock } from '../board/board-clock.ts';
import type { Firmware } from '../board/board.ts';
import { ClockedBoot } from '../board/boot.ts';
import type { Device } from '../device.ts';
import { Testbed } from '../testbed.ts';
import { type Duration, durationMs } from '../time/duration.ts';
import type { TraceEvent } from '../trace/trace.ts';
import { type BenchHost, BenchNic } from './bench-nic.ts';

export interface BenchOptions {
  /** The host's real network: `nodeNetwork()`. */
  readonly network: Network;
  /** A clock that starts at 0 when it is made: `nodeClock`. */
  readonly newClock: () => Clock;
  readonly seed: number;
  /** Everything that happens, as it happens: what it does to boards is best left to `agenda.after(0, ...)`. */
  readonly onTrace?: (event: TraceEvent) => void;
  /** The line that repeats the run, for the trace and for messages. */
  readonly repeat?: string;
}

/** A waiter for a condition: it checks the condition at each event. */
interface Waiting {
  readonly look: () => void;
  readonly settle: () => void;
}

export class Bench extends Testbed {
  /** One object for all devices: there are thousands. */
  readonly #host: BenchHost;
  readonly #nics: BenchNic[];
  readonly #waiting: Set<Waiting>;

  constructor(options: BenchOptions) {
    const { newClock, seed, onTrace, repeat } = options;
    const nics: BenchNic[] = [];
    const waiting = new Set<Waiting>();
    super({
      network: 'real',
      seed,
      newBoot: (board, reason) => new ClockedBoot(board, reason),
      newClock: () => boardClock(newClock()),
      networkOf: () => undefined,
      bytesSent: () => nics.reduce((sum, { bytes }) => sum + bytes, 0),
      onTrace: (event) => {
        onTrace?.(event);
        for (const one of waiting) one.look();
      },
      witness: true,
      repeat,
    });
    this.#host = {
      network: options.network,
      newClock,
      clock: newClock(),
      onHungUp: (event, device) => this.trace({ source: 'bench', device, ...event }),
    };
    this.#nics = nics;
    this.#waiting = waiting;
  }

  /** A new board with this firmware; its power is off. */
  addDevice(name: string, firmware: Firmware): Device {
    const nic = new BenchNic(this.#host, name);
    const board = this.addBoard(name, nic, firmware);
    this.#nics.push(nic);
    return board;
  }

  /**
   * Waits until `condition` is true, which only a traced event can cause, until `endMs` (counted from the making of the
   * bench), or until the bench is stopped. Returns whether it is true.
   */
  async reach(condition: () => boolean, endMs: number): Promise<boolean> {
    if (condition()) return true;
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waiting.delete(waiting);
        cancel();
        resolve(condition());
      };
      const waiting: Waiting = {
        look: () => {
          if (condition()) settle();
        },
        settle,
      };
      const cancel = this.agenda.at(endMs, settle);
      this.#waiting.add(waiting);
    });
  }

  /** Lets so much real time pass; less if the bench is stopped. */
  async runFor(duration: Duration): Promise<void> {
    await this.reach(() => false, this.agenda.now() + durationMs(duration));
  }

  /**
   * Waits until the device is connected. Rejects if it is not connected `within` this time, or if the bench is stopped.
   */
  async connected(device: Device, within: Duration = '10s'): Promise<void> {
    const isConnected = await this.reach(() => this.isConnected(device), this.agenda.now() + durationMs(within));
    if (!isConnected) throw new Error(this.whyNotConnected(device));
  }

  /** Switches everything off, and lets go of the host's sockets. */
  override stop(): void {
    super.stop();
    for (const one of [...this.#waiting]) one.settle();
    for (const nic of this.#nics) nic.releaseGhosts();
  }
}
