/** One boot of a host's program: what would be a process, from its start until it ends or its host loses power. */

import { EventEmitter } from 'node:events';
import type { EventListener } from '../../firmware/index.ts';
import type { Hal } from '../../hal/hal.ts';
import type { ServerEvent } from '../server/events.ts';
import { DeviceReporter } from './device-reporter.ts';
import type { Modules } from './modules.ts';
import { enter } from './owner.ts';
import { ProgramTimers } from './timers.ts';
import type { HandleCounts, HostInterface, OpenPort } from './world.ts';

export type OutputStream = 'stdout' | 'stderr';

/** Number of times that one callback may read the clock. A loop that waits for the clock to advance would never end. */
const CLOCK_READS_MAX = 1_000_000;

/** The parts of a host's HAL that a program stands on. */
export interface ProgramHal {
  readonly clock: Pick<Hal['clock'], 'now' | 'setAlarm'>;
  readonly network: Pick<Hal['network'], 'openStream' | 'listen' | 'openDatagram' | 'lookup'>;
  readonly random: Pick<Hal['random'], 'uint32'>;
}

/** The parts of its host and its world that a process needs. */
export interface Surroundings {
  readonly name: string;
  readonly hal: ProgramHal;
  /** Returns whether this boot is the host's present boot. */
  isRunning(): boolean;
  readonly modules: Modules;
  /** Takes each line that the program prints; undefined: they go where this process prints. */
  readonly print: ((line: string, stream: OutputStream) => void) | undefined;
  /** Virtual time since 1970, in ms. */
  timeOfDayMs(): number;
  /** The next event has to wait until Node's own loop has turned. */
  turn(): void;
  tell(event: ServerEvent): void;
  /** Returns the number of the server's next client. No number is used twice. */
  nextClient(): number;
  /** The program is a device's, and somebody listens. */
  readonly onEvent: EventListener | undefined;
  /** The host that has an address. */
  nameOf(address: string): string;
  /** The host's interface as it is now. */
  readonly interface: () => HostInterface | undefined;
}

/** Something of a process that keeps it going, unless it is unref'd. */
export interface Held {
  readonly holds: boolean;
  readonly kind: 'connection' | 'listener' | 'datagram' | 'look-up';
  /** The port on which the handle waits for unknown peers; undefined for other handles. */
  readonly openPort?: OpenPort | undefined;
  /** The program has said who is gone: by addresses, with a port or without. */
  saysGone?(words: readonly string[]): void;
}

export class SimulatedProcess {
  readonly name: string;
  readonly hal: ProgramHal;
  readonly surroundings: Surroundings;
  readonly modules: Modules;
  readonly reporter: DeviceReporter | undefined;
  readonly timers: ProgramTimers;
  /** Listeners that the program has added to `process`. */
  readonly events = new EventEmitter();
  readonly handles = new Set<Held>();
  /**
   * Connections to the host itself that wait for the server's end, by their ports: on Linux's loopback the whole
   * handshake is over when connect(2) returns, so that the server has its end first.
   */
  readonly handshakes = new Map<number, () => void>();
  /** Number of immediates of the process that wait in Node's own list. */
  immediates = 0;
  /** Number of requests of the process that Node serves in real time. */
  realRequests = 0;
  /** True if the process has native streams that leave work to Node's own loop: TLS and HTTP/2. */
  hasNativeWork = false;
  clockReads = 0;
  /** True if the program has ended by itself. */
  hasEnded = false;
  readonly #later: (() => void)[] = [];
  /** Text that the process has printed of a line that is not complete, by stream. */
  readonly #unfinished = new Map<OutputStream, string>();
  #alarmMs = Infinity;

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
    this.modules = surroundings.modules;
    const { onEvent, nameOf } = surroundings;
    this.reporter = onEvent && new DeviceReporter(onEvent, () => this.nowMs(), nameOf);
    this.name = surroundings.name;
    this.hal = surroundings.hal;
    this.timers = new ProgramTimers(this);
  }

  /** Nothing of it runs any more. */
  get isOver(): boolean {
    return this.hasEnded || !this.surroundings.isRunning();
  }

  /** Returns ms since the process began. */
  nowMs(): number {
    return this.hal.clock.now();
  }

  /** The program looks at a clock. Throws an Error where it does so again and again within one callback. */
  readClock(): void {
    if (++this.clockReads > CLOCK_READS_MAX) {
      this.clockReads = 0;
      throw new Error(`on host ${this.name} a loop waits for the clock: virtual time passes only between callbacks`);
    }
  }

  /** Prints. Returns whether somebody reads the output. */
  print(stream: OutputStream, text: string): boolean {
    const { print } = this.surroundings;
    if (print === undefined) return false;
    const lines = `${this.#unfinished.get(stream) ?? ''}${text}`.split(/\r?\n/);
    this.#unfinished.set(stream, lines.pop() ?? '');
    for (const line of lines) print(line, stream);
    return true;
  }

  /** Nothing more will be printed. */
  endOutput(): void {
    for (const [stream, text] of this.#unfinished) if (text !== '') this.print(stream, '\n');
  }

  /** Calls `callback` at this instant, after what is running. */
  later(callback: () => void): void {
    this.#later.push(callback);
    this.appoint(this.nowMs());
  }

  /** The HAL has one alarm, for the next timer of all. */
  appoint(atMs: number): void {
    if (this.#alarmMs <= atMs) return;
    this.#alarmMs = atMs;
    this.hal.clock.setAlarm(atMs, this.#ring);
  }

  readonly #ring = (): void => {
    this.#alarmMs = Infinity;
    try {
      for (let count = this.#later.length; count > 0 && !this.isOver; count--) {
        const next = this.#later.shift();
        if (next !== undefined) enter(this, next);
      }
      if (!this.isOver) this.timers.ring();
    } finally {
      if (!this.isOver) this.appoint(this.#later.length > 0 ? this.nowMs() : this.timers.nextMs);
    }
  };

  /** Something has happened on the network. */
  called(callback: () => void): void {
    if (!this.isOver) enter(this, callback);
  }

  afterCallback(): void {
    this.timers.unlink();
    if (this.immediates > 0 || this.realRequests > 0 || this.hasNativeWork) this.surroundings.turn();
  }

  /** Returns the number of open handles of each kind. */
  count(): HandleCounts {
    const count = (kind: Held['kind']): number => [...this.handles].filter((held) => held.kind === kind).length;
    return {
      connections: count('connection'),
      listeners: count('listener'),
      datagramSockets: count('datagram'),
      timers: this.timers.armedCount,
    };
  }

  /** True if a handle is left that keeps a process alive. */
  get isHolding(): boolean {
    if (this.immediates > 0 || this.realRequests > 0 || this.#later.length > 0 || this.timers.isHolding) return true;
    for (const handle of this.handles) if (handle.holds) return true;
    return false;
  }

  /** A number from 0 up to, not including, 1. */
  random(): number {
    const high = this.hal.random.uint32() >>> 5;
    const low = this.hal.random.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}
