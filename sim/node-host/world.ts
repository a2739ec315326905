/**
 * The Node programs of one simulation. The part of this room that touches Node is loaded when the first of them is to
 * run.
 */

import type { Hal } from '../../hal/hal.ts';
import type { Device } from '../device.ts';
import type { ServerEvent } from '../server/events.ts';
import type { Engine, RunOutcome } from '../time/engine.ts';
import type { NodeProgram } from './program.ts';

/** A host with a Node program. */
export interface NodeHost {
  readonly name: string;
  readonly program: NodeProgram;
  readonly tell: (event: ServerEvent) => void;
  /** The program's present process, a SimulatedProcess. */
  process: object | undefined;
  /** How often its program was started. */
  boots: number;
  /** Whether it has ever come up. */
  wasUp: boolean;
  /** Whether its file may be the program of other hosts, too: each has a module of its own. */
  readonly isOneOfSeveral: boolean;
  nextClient(): number;
  /** Its program has ended. */
  crash(): void;
  restart(): void;
}

export interface BootableHost extends NodeHost {
  /** The host boots: its program is started as soon as time is to pass. */
  boot(hal: Hal): void;
}

/** A program is to be started. */
export interface ProgramStart {
  readonly host: NodeHost;
  readonly hal: Hal;
  /** Whether this boot is the host's present one. */
  isRunning(): boolean;
}

/** `runner.ts`. */
export interface Runner {
  advance(endUs: number, eventsMax: number, isDone: (() => boolean) | undefined): Promise<RunOutcome>;
  run<T>(host: NodeHost, call: () => T): T;
}

export class NodeWorld {
  readonly #engine: Engine;
  readonly #boots: ProgramStart[] = [];
  #runner: Runner | undefined = undefined;
  #hostCount = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A host to be; `device` gives it once there is one. */
  add(name: string, program: NodeProgram, tell: (event: ServerEvent) => void, device: () => Device): BootableHost {
    let clients = 0;
    const host: BootableHost = {
      name,
      program,
      tell,
      process: undefined,
      boots: 0,
      wasUp: false,
      isOneOfSeveral: this.#hostCount++ > 0,
      nextClient: () => ++clients,
      crash: () => device().crash(),
      restart: () => device().restartCrashed(),
      boot: (hal: Hal) => {
        const { board } = device();
        const { boots } = board;
        const isRunning = (): boolean => board.boots === boots && (board.state === 'running' || board.state === 'hung');
        this.#boots.push({ host, hal, isRunning });
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

  /** Calls something in the host's program, and gives what it gives. Throws where no program runs there. */
  run<T>(host: NodeHost, call: () => T): T {
    if (this.#runner === undefined)
      throw new Error(`the program of ${host.name} has not started: let some time pass, as in sim.runFor('0s')`);
    return this.#runner.run(host, call);
  }
}
