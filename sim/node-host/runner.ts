/**
 * Runs a simulation with Node programs in it. Events are done in turns of Node's own loop, so that what programs throw
 * comes to Node as it always does; between two events the loop turns whenever a program waits for it.
 */

import type { Engine, RunOutcome } from '../time/engine.ts';
import { durationUs } from '../time/duration.ts';
import { Exit, install, uninstall } from './machine.ts';
import { drain } from './internals.ts';
import { endStart, newModules, start } from './modules.ts';
import { asNobody, callIn, enter, follow } from './owner.ts';
import node from 'node:process';
import { type OutputStream, SimulatedProcess } from './process.ts';
import { hasRealWork, waitForAnswers } from './real-work.ts';
import { ProgramError } from './program.ts';
import { programStack } from './program-stack.ts';
import { checkNode } from './self-check.ts';
import type { HandleCounts, NodeHost, OpenPort, ProgramStart, Runner } from './world.ts';
import { NO_HANDLES } from './world.ts';

/** Virtual time began at the start of 2025, wherever it is run. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

/**
 * A program whose start waits for what only virtual time can bring is let go on after so many turns of the loop
 * without real work.
 */
const IDLE_TURNS_MAX = 20;
/** Number of turns for a program that shows no work at all, because its modules come from somewhere else. */
const SILENT_TURNS_MAX = 5000;
const TURN_MS = 1;

interface Job {
  readonly endUs: number;
  readonly eventsMax: number;
  readonly isDone: (() => boolean) | undefined;
  readonly resolve: (outcome: RunOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Starting {
  readonly process: SimulatedProcess;
  readonly host: NodeHost;
  idleTurns: number;
  /** `up`: the program's modules have been loaded; `failed`: loading failed. */
  end: 'up' | 'failed' | undefined;
}

export class NodeRunner implements Runner {
  readonly #engine: Engine;
  readonly #boots: ProgramStart[];
  readonly #hosts = new Map<SimulatedProcess, NodeHost>();
  readonly #starting = new Set<Starting>();
  /** Processes that wait for a turn of the loop. */
  readonly #busy = new Set<SimulatedProcess>();
  /** Processes that have thrown. Their remaining ticks are not reported to anybody. */
  readonly #thrown: SimulatedProcess[] = [];
  #job: Job | undefined = undefined;
  #isScheduled = false;

  constructor(engine: Engine, boots: ProgramStart[]) {
    this.#engine = engine;
    this.#boots = boots;
  }

  advance(endUs: number, eventsMax: number, isDone: (() => boolean) | undefined): Promise<RunOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#job !== undefined) return reject(new Error('a run was begun while another goes on'));
      install(this.#onError);
      this.#job = { endUs, eventsMax, isDone, resolve, reject };
      this.#schedule();
    });
  }

  run<T>(host: NodeHost, call: () => T): T {
    const process = host.process;
    if (!(process instanceof SimulatedProcess) || process.isOver) {
      throw new Error(
        `no program runs on ${host.name}${host.process === undefined ? ': let some time pass, and it starts' : ''}`,
      );
    }
    // Called from within a run, as by its condition, the world is in place.
    const isIdle = this.#job === undefined;
    if (isIdle) install(this.#onError);
    try {
      return callIn(process, () => {
        const result = call();
        drain();
        return result;
      });
    } finally {
      if (isIdle) uninstall(this.#onError);
    }
  }

  openPorts({ process }: NodeHost): OpenPort[] {
    if (!(process instanceof SimulatedProcess) || process.isOver) return [];
    return [...process.handles].flatMap(({ openPort }) => openPort ?? []);
  }

  handles({ process }: NodeHost): HandleCounts {
    return process instanceof SimulatedProcess && !process.isOver ? process.count() : NO_HANDLES;
  }

  #end(end: (job: Job) => void): void {
    const job = this.#job;
    if (job === undefined) return;
    this.#job = undefined;
    this.#endStarts();
    waitForAnswers(false);
    uninstall(this.#onError);
    end(job);
  }

  #schedule(ms = 0): void {
    if (this.#isScheduled || this.#job === undefined) return;
    this.#isScheduled = true;
    asNobody(() => {
      if (ms > 0) setTimeout(this.#turn, ms);
      else setImmediate(this.#turn);
    });
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    const job = this.#job;
    if (job === undefined) return;
    try {
      checkNode();
    } catch (error) {
      return this.#end(({ reject }) => reject(error));
    }
    this.#endStarts();
    for (let process = this.#thrown.pop(); process !== undefined; process = this.#thrown.pop())
      enter(process, () => undefined);
    if (this.#isHeld()) {
      return this.#schedule(hasRealWork() || this.#starting.size > 0 ? TURN_MS : 0);
    }
    // One after another: in which order their modules come is the same in each run.
    const boot = this.#boots.shift();
    if (boot !== undefined) {
      this.#start(boot);
      return this.#schedule();
    }
    if (!hasRealWork()) waitForAnswers(false);
    const outcome = this.#runEvents(job);
    if (outcome === undefined) this.#schedule();
    else this.#end(({ resolve }) => resolve(outcome));
  };

  /** Returns undefined if the loop has to turn first. */
  #runEvents({ endUs, eventsMax, isDone }: Job): RunOutcome | undefined {
    for (let count = 0; count < eventsMax && !this.#wantsTurn; count++) {
      if (isDone?.() === true) return 'stopped';
      const outcome = this.#engine.runSome(endUs, isDone === undefined ? eventsMax : 1);
      if (outcome !== 'more') return outcome;
      if (isDone === undefined && eventsMax < Infinity && !this.#wantsTurn) break;
    }
    return this.#wantsTurn ? undefined : 'more';
  }

  get #wantsTurn(): boolean {
    return this.#busy.size > 0 || this.#boots.length > 0;
  }

  /** Returns whether virtual time has to stand still at present. */
  #isHeld(): boolean {
    for (const process of this.#busy) {
      // Native work put off has been done in the turn that has brought us here.
      if (process.isOver || (process.immediates === 0 && process.realRequests === 0)) this.#busy.delete(process);
    }
    let isHeld = this.#busy.size > 0;
    for (const starting of this.#starting) {
      const { process } = starting;
      starting.idleTurns = process.realRequests === 0 ? starting.idleTurns + 1 : 0;
      if (starting.idleTurns < (process.isHolding ? IDLE_TURNS_MAX : SILENT_TURNS_MAX)) isHeld = true;
      else endStart(process.modules);
    }
    return isHeld;
  }

  // ---- starting ----

  #start({ host, hal, boots, onEvent, isRunning }: ProgramStart): void {
    if (!isRunning()) return;
    onEvent?.({ kind: 'boot', boots, resetReason: hal.system.resetReason });
    const { entry, options } = host.program;
    const { args = [], onOutput } = options;
    const isRead = onOutput !== undefined || host.printed !== undefined;
    const process: SimulatedProcess = new SimulatedProcess({
      modules: newModules(entry, args),
      print: isRead ? (line, stream) => asNobody(() => this.#print(line, stream, process, host)) : undefined,
      name: host.name,
      hal,
      isRunning,
      timeOfDayMs: () => EPOCH_MS + this.#engine.nowUs / 1000,
      turn: () => {
        this.#busy.add(process);
        this.#engine.pause();
      },
      tell: (event) => asNobody(() => host.tell(event)),
      nextClient: () => host.nextClient(),
      onEvent: onEvent && ((event) => asNobody(() => onEvent(event))),
      nameOf: (address) => host.nameOf(address),
      interface: host.interface,
    });
    host.process = process;
    this.#hosts.set(process, host);
    for (const other of this.#hosts.keys()) if (other !== process && other.isOver) this.#hosts.delete(other);
    const starting: Starting = { process, host, idleTurns: 0, end: undefined };
    this.#starting.add(starting);
    const started = (end: 'up' | 'failed'): void => {
      starting.end = end;
      this.#schedule();
    };
    void follow(process, () => start(entry, process.modules)).then(
      () => started('up'),
      (error: unknown) => {
        started('failed');
        this.#failed(error, process);
      },
    );
  }

  #print(line: string, stream: OutputStream, process: SimulatedProcess, host: NodeHost): void {
    const { onOutput } = host.program.options;
    if (onOutput === undefined) node[stream].write(`${line}\n`);
    else onOutput(line, host.name);
    const gone = host.printed?.(line) ?? [];
    if (gone.length > 0) for (const handle of process.handles) handle.saysGone?.(gone);
  }

  /** Not at once: the ticks that its modules have left, as a server's 'listening', are the program's, too. */
  #endStarts(): void {
    for (const starting of this.#starting) {
      const { host, end } = starting;
      if (end === undefined) continue;
      this.#starting.delete(starting);
      if (end === 'up') host.wasUp = true;
    }
  }

  // ---- errors ----

  readonly #onError = (error: unknown, process: SimulatedProcess | undefined): void => {
    if (process === undefined) {
      if (this.#job !== undefined) this.#end(({ reject }) => reject(error));
      return;
    }
    if (!this.#hosts.has(process)) return;
    this.#thrown.push(process);
    this.#failed(error, process);
    this.#schedule();
  };

  #failed(error: unknown, process: SimulatedProcess): void {
    const host = this.#hosts.get(process);
    if (host === undefined || process.isOver) return;
    if (!(error instanceof Exit) && process.events.listenerCount('uncaughtException') > 0) {
      process.later(() => process.events.emit('uncaughtException', error, 'uncaughtException'));
      return;
    }
    const { options } = host.program;
    process.events.emit('exit', error instanceof Exit ? error.code : 1);
    process.hasEnded = true;
    process.endOutput();
    const isExit = error instanceof Exit;
    if (!isExit && (options.onError === 'fail' || !host.wasUp)) {
      return this.#end(({ reject }) =>
        reject(new ProgramError(`the program of ${host.name} failed: ${text(error)}`, programStack(error), error)),
      );
    }
    const why = isExit ? `it called process.exit(${error.code})` : text(error);
    const stack = isExit ? undefined : programStack(error);
    const { onEnd } = options;
    if (onEnd !== undefined) {
      onEnd({ host: host.name, atMs: this.#engine.nowUs / 1000, why, stack });
    } else if (stack !== undefined) {
      const when = `${this.#engine.nowUs / 1e6} s`;
      console.error(`${host.name} at ${when}: the program ended by an error that nobody handled\n${stack}`);
    }
    host.crash(stack ?? why);
    const { restart = 'never' } = options;
    if (restart !== 'never')
      this.#engine.at(
        this.#engine.nowUs + durationUs(restart.after),
        () => host.restart(),
        `the restart of ${host.name}`,
      );
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
