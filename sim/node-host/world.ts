/**
 * The Node programs of one simulation. The part of this room that touches Node is loaded when the first of them is to
 * run.
 */

import type { EventListener } from '../../firmware/index.ts';
import type { Hal } from '../../hal/hal.ts';
import type { Device } from '../device.ts';
import type { ServerEvent } from '../server/events.ts';
import type { Engine, RunOutcome } from '../time/engine.ts';
import type { NodeProgram } from './program.ts';

/** A port on which a program waits for unknown peers: it listens for connections, or takes datagrams. */
export interface OpenPort {
  readonly transport: 'stream' | 'datagram';
  readonly address: string;
  readonly port: number;
}

/** Open handles of a program, by kind. */
export interface HandleCounts {
  readonly connections: number;
  readonly listeners: number;
  readonly datagramSockets: number;
  /** Number of armed timers, intervals included. */
  readonly timers: number;
}

/** A host with a Node program. */
/** The network interface of a host, beside its loopback. */
export interface HostInterface {
  readonly address: string;
  readonly netmask: string;
  /** Ethernet address, as in `02:00:0a:00:00:02`. */
  readonly mac: string;
  /** Address and length of the prefix, as in `10.0.0.2/8`. */
  readonly cidr: string;
}

export interface NodeHost {
  readonly name: string;
  readonly program: NodeProgram;
  readonly tell: (event: ServerEvent) => void;
  /** The program's present process, a SimulatedProcess. */
  process: object | undefined;
  /** True if the program has ever come up. */
  wasUp: boolean;
  nextClient(): number;
  /** The host that has an address. */
  nameOf(address: string): string;
  /** The host's interface as it is now; undefined: it has none, or no address. */
  readonly interface: () => HostInterface | undefined;
  /** Reports that the program has ended, with the reason: its stack, or a sentence. */
  crash(why: string): void;
  /**
   * Called with each line that the program prints. Returns the addresses, with or without a port, that the line says
   * are gone; empty if the line says nothing of that kind. Undefined: nobody reads the output.
   */
  readonly printed: ((line: string) => readonly string[]) | undefined;
  restart(): void;
}

export interface BootableHost extends NodeHost {
  /** The host boots: its program is started as soon as time is to pass. */
  boot(hal: Hal, onEvent: EventListener | undefined): void;
}

/** A program is to be started. */
export interface ProgramStart {
  readonly host: NodeHost;
  readonly hal: Hal;
  /** Number of boots of the host. */
  readonly boots: number;
  /** Listener for the events of a device; undefined if nobody listens. */
  readonly onEvent: EventListener | undefined;
  /** Returns whether this boot is the host's present boot. */
  isRunning(): boolean;
}

/** `runner.ts`. */
export interface Runner {
  advance(endUs: number, eventsMax: number, isDone: (() => boolean) | undefined): Promise<RunOutcome>;
  run<T>(host: NodeHost, call: () => T): T;
  openPorts(host: NodeHost): OpenPort[];
  handles(host: NodeHost): HandleCounts;
}

export const NO_HANDLES: HandleCounts = { connections: 0, listeners: 0, datagramSockets: 0, timers: 0 };

export class NodeWorld {
  readonly #engine: Engine;
  readonly #boots: ProgramStart[] = [];
  #runner: Runner | undefined = undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A host to be; `device` gives it once there is one. */
  add(
    name: string,
    program: NodeProgram,
    tell: (event: ServerEvent) => void,
    nameOf: (address: string) => string,
    hostInterface: () => HostInterface | undefined,
    printed: NodeHost['printed'],
    device: () => Device,
  ): BootableHost {
    let clients = 0;
    const host: BootableHost = {
      name,
      program,
      tell,
      process: undefined,
      wasUp: false,
      nextClient: () => ++clients,
      nameOf,
      interface: hostInterface,
      printed,
      crash: (why) => device().crash(why),
      restart: () => device().restartCrashed(),
      boot: (hal, onEvent) => {
        const { board } = device();
        const { boots } = board;
        const isRunning = (): boolean => board.boots === boots && (board.state === 'running' || board.state === 'hung');
        this.#boots.push({ host, hal, boots, onEvent, isRunning });
        this.#engine.pause();
      },
    };
    return host;
  }

  /** Does what is due by `endUs`, as `Engine.runSome`, or until `isDone`. Rejects with what the run throws. */
  async advance(endUs: number, eventsMax = Infinity, isDone?: () => boolean): Promise<RunOutcome> {
    this.#runner ??= new (await import('./runner.ts')).NodeRunner(this.#engine, this.#boots);
    return this.#runner.advance(endUs, eventsMax, isDone);
  }

  /** Returns the ports on which the host's program listens, in the order in which it began to listen. */
  openPorts(host: NodeHost): readonly OpenPort[] {
    return this.#runner?.openPorts(host) ?? [];
  }

  /** Returns the open handles of the host's program. */
  handles(host: NodeHost): HandleCounts {
    return this.#runner?.handles(host) ?? NO_HANDLES;
  }

  /** Calls something in the host's program, and gives what it gives. Throws where no program runs there. */
  run<T>(host: NodeHost, call: () => T): T {
    if (this.#runner === undefined)
      throw new Error(`the program of ${host.name} has not started: let some time pass, as in sim.runFor('0s')`);
    return this.#runner.run(host, call);
  }
}
