/**
 * Boards, their faults, and the trace of everything, on any network: the bench puts them on real sockets, the
 * simulation on a network of its own.
 */

import { Board, type BoardContext, type BoardEvent, type Firmware } from './board/board.ts';
import type { BoardClock } from './board/board-clock.ts';
import type { Machine } from './board/machine.ts';
import type { Nic } from './board/nic.ts';
import { Device, type HandFault, HeldMachine } from './device.ts';
import { type Fault, formatFault } from './faults/fault.ts';
import { type Hosts, problemOf, type Target, targetsOf } from './faults/hosts.ts';
import type { NetworkKind, Side, SpoiltNetwork, Tier } from './faults/kind.ts';
import { FAULTS, tierOf } from './faults/kinds/index.ts';
import { type Occurrence, occurrences } from './faults/occurrences.ts';
import { planOf } from './faults/plan.ts';
import { forkRandom } from './random.ts';
import type { ServerEvent } from './server/events.ts';
import { Sessions } from './sessions/sessions.ts';
import { Agenda } from './time/agenda.ts';
import { formatDuration } from './time/duration.ts';
import { Judge } from './verdict/judge.ts';
import { RecentEvents } from './verdict/recent.ts';
import {
  describeTraceEvent, type FaultEvent, TRACE_FORMAT, TRACE_VERSION, type TraceEvent,
} from './trace/trace.ts';

export interface TestbedOptions {
  readonly network: NetworkKind;
  readonly seed: number;
  readonly newBoot: BoardContext['newBoot'];
  /** A clock that starts at 0 when it is made; for a board, or for the testbed itself. */
  readonly newClock: (board: Board | undefined) => BoardClock;
  /** The network at the host of that name, where it is ours to spoil. */
  readonly networkOf: (name: string) => SpoiltNetwork | undefined;
  /** Returns the number of bytes that all hosts have sent (RunEvent). */
  readonly bytesSent: () => number;
  /**
   * Everything that happens, as it happens: what it does to boards is best left to `agenda.after(0, ...)`. Undefined:
   * nobody listens.
   */
  readonly onTrace: ((event: TraceEvent) => void) | undefined;
  /** True: events are kept as far as verdicts need them. Worlds of 100,000 devices save time and memory without. */
  readonly witness: boolean;
  /** Beats and answers are counted (`Testbed.beats`), and not told: nobody asks for each. Default false. */
  readonly countsBeats?: boolean | undefined;
  /** The line that repeats the run, for the trace. */
  readonly repeat: string | undefined;
  /** Pattern of the lines that report a device as gone, for the trace (RunEvent). */
  readonly offlineLog?: string | undefined;
}

/** Knowledge of what has happened. */
export interface Witness {
  readonly sessions: Sessions;
  readonly judge: Judge;
  readonly recent: RecentEvents;
}

/** A fault that is not over. */
interface OpenFault {
  readonly facts: FaultFacts;
  readonly isShared: boolean;
  /** Heals the fault; undefined: the fault was begun by hand, and ends by hand. */
  readonly heal: (() => void) | undefined;
  /**
   * Number of boots of the board at that time: a fault that stopped its program is over with the next boot, even if its
   * time is not.
   */
  readonly boots: number;
}

/** Facts of a fault in the trace, both when it comes and when it heals. */
type FaultFacts = { readonly source: 'fault' } & Omit<FaultEvent, 'kind' | 'forMs' | 'why'>;

/**
 * Number of beats that devices have sent, that were answered, and that are taken as answered because nobody answers.
 */
export interface BeatCounts {
  sent: number;
  answered: number;
  assumed: number;
}

export class Testbed {
  /** Counts of the beats that are counted and not reported. */
  readonly beats: Readonly<BeatCounts>;
  readonly #beats: BeatCounts = { sent: 0, answered: 0, assumed: 0 };
  /** Appointments, in ms since the testbed was made. */
  readonly agenda: Agenda;
  readonly repeat: string | undefined;
  readonly #witness: Witness | undefined;
  readonly #options: TestbedOptions;
  readonly #world: BoardContext;
  readonly #boards = new Map<string, Board>();
  readonly #servers = new Map<string, Machine>();
  /** Open faults by host. */
  readonly #open = new Map<string, OpenFault[]>();
  /** Number of times that each line was planned, so that two equal lines draw times of their own. */
  readonly #planned = new Map<string, number>();
  #lastFaultId = 0;
  #trace: 'not begun' | 'going on' | 'ended' = 'not begun';

  constructor(options: TestbedOptions) {
    const { seed, newBoot, newClock, witness, repeat, countsBeats = false } = options;
    this.#options = options;
    this.beats = this.#beats;
    this.repeat = repeat;
    this.#witness = witness ? newWitness() : undefined;
    this.agenda = new Agenda(newClock(undefined));
    this.#world = {
      seed,
      newBoot,
      newClock,
      onEvent: this.isHeard
        ? (event, { name }) => {
          if (countsBeats && this.#count(event, name)) return;
          this.#tell(traced(event, name, this.agenda.now()));
        }
        : undefined,
    };
  }

  /** Returns whether the event is only a beat or its answer. */
  #count(event: BoardEvent, name: string): boolean {
    switch (event.kind) {
      case 'beat-sent':
        this.#beats.sent++;
        return true;
      case 'served': {
        const { afterMs } = event;
        if (afterMs === undefined) this.#beats.assumed++;
        else this.#beats.answered++;
        this.#witness?.sessions.served(name, this.agenda.now(), afterMs);
        return true;
      }
      default:
        return false;
    }
  }

  get boards(): readonly Board[] {
    return [...this.#boards.values()];
  }

  /** The machines of servers that faults can be on. */
  get servers(): readonly Machine[] {
    return [...this.#servers.values()];
  }

  get network(): NetworkKind {
    return this.#options.network;
  }

  get seed(): number {
    return this.#options.seed;
  }

  /** Throws where the world was made without. */
  get witness(): Witness {
    if (this.#witness === undefined) {
      throw new Error('this world keeps nothing of what happens (witness: false): there is nothing to judge by');
    }
    return this.#witness;
  }

  /** True if anybody listens to what happens. */
  get isHeard(): boolean {
    return this.#witness !== undefined || this.#options.onTrace !== undefined;
  }

  /** Returns whether the device has a connection, as it sees itself. */
  isConnected({ name }: Device): boolean {
    return this.witness.sessions.devices.get(name)?.session !== undefined;
  }

  /** Why a device is not connected, as far as the trace tells: what happened to it last. */
  whyNotConnected({ name }: Device): string {
    const last = this.witness.recent.all().findLast(({ event }) => 'device' in event && event.device === name);
    const seen = last === undefined ? 'nothing has happened to it' : describeTraceEvent(last.event).trim();
    return `${name} is not connected; last: ${seen}`;
  }

  get size(): number {
    return this.#boards.size;
  }

  /** The board of that name, of a device. */
  board(name: string): Board | undefined {
    return this.#boards.get(name);
  }

  /** A new device with this firmware; its power is off. */
  addBoard(name: string, nic: Nic, firmware: Firmware): Device {
    if (this.#boards.has(name)) throw new Error(`there is a device ${name} already`);
    const board = new Board(this.#world, name, nic, firmware);
    this.#boards.set(name, board);
    return this.#handleOf(board);
  }

  /** A new board for a server, whose program tells by addServerEvent; its power is off. */
  addServerBoard(name: string, nic: Nic, program: Firmware): Device {
    const board = new Board({ ...this.#world, onEvent: undefined }, name, nic, program);
    this.#servers.set(name, board);
    return this.#handleOf(board);
  }

  /** The machine of a server that is not ours. */
  addServerMachine(machine: Machine): HeldMachine {
    this.#servers.set(machine.name, machine);
    return new HeldMachine(machine, (...what) => this.#actByHand(machine, ...what));
  }

  /** Not kept: of a hundred thousand devices most are never held. */
  #handleOf(board: Board): Device {
    return new Device(board, (...what) => this.#actByHand(board, ...what));
  }

  /**
   * Switches a device on at a time. A plan's fault that then keeps it off has the say: the device boots when that
   * heals.
   */
  switchOn({ board }: Device, atMs: number): void {
    this.agenda.at(atMs, () => {
      this.#endByHand(board.name, 'power-loss', ({ heal }) => heal === undefined);
      const isKeptOff = this.#openOf(board.name).some(
        ({ facts, heal }) => FAULTS[facts.fault].firmware === 'off' && heal !== undefined,
      );
      if (!isKeptOff) board.power.restore();
    });
  }

  /**
   * Puts the faults of a plan on the agenda, for the hosts there are. Throws a RangeError for what is no plan, or
   * cannot be done here.
   */
  schedule(plan: readonly Fault[] | string): void {
    const faults = typeof plan === 'string' ? planOf(plan) : plan;
    const hosts: Hosts = {
      network: this.#options.network,
      devices: [...this.#boards.keys()],
      servers: [...this.#servers.keys()],
    };
    const problem = problemOf(faults, hosts);
    if (problem !== undefined) throw new RangeError(problem);
    const now = this.agenda.now();
    for (const fault of faults) {
      const text = formatFault(fault);
      if (this.#isPast(fault.at.fromMs) && fault.everyMs === undefined) {
        throw new RangeError(`${text}: it is ${formatDuration(now)} already`);
      }
      const times = (this.#planned.get(text) ?? 0) + 1;
      this.#planned.set(text, times);
      for (const target of targetsOf(fault, hosts)) {
        const random = forkRandom(this.#options.seed, `fault ${times} ${text} on ${target.name}`);
        this.#scheduleNext(fault, target, occurrences(fault, random));
      }
    }
  }

  /** Heals a fault of a host that goes on, by its number in the trace. Does nothing if the fault is over. */
  heal(host: string, id: number): void {
    const open = this.#openOf(host).find(({ facts }) => facts.id === id);
    if (open !== undefined) this.#end(host, open);
  }

  #scheduleNext(fault: Fault, target: Target, coming: Iterator<Occurrence, void>): void {
    let { value } = coming.next();
    // Of a plan that is made later, what has been has been.
    while (value !== undefined && this.#isPast(value.atMs)) ({ value } = coming.next());
    if (value === undefined) return;
    const { atMs, forMs } = value;
    let open: OpenFault | undefined;
    this.agenda.at(atMs, () => {
      open = this.#begin(fault, target, forMs);
      this.#scheduleNext(fault, target, coming);
    });
    if (forMs !== undefined) this.agenda.at(atMs + forMs, () => open && this.#end(target.name, open));
  }

  /** Real time goes on while a plan is made: what is late there comes at once. */
  #isPast(atMs: number): boolean {
    return this.#options.network !== 'real' && atMs < this.agenda.now();
  }

  /** Adds what a server says to the trace. */
  addServerEvent(event: ServerEvent, server = 'server'): void {
    this.trace({ source: 'server', server, ...event });
  }

  /** Adds to the trace. */
  trace(event: Untimed<TraceEvent>): void {
    if (this.isHeard) this.#tell({ ...event, atMs: this.agenda.now() });
  }

  /** Ends the trace: what happens after this is no part of the run. */
  traceEnd(interrupted = false): void {
    this.trace({ source: 'run', kind: 'end', interrupted, bytes: this.#options.bytesSent() });
    this.#trace = 'ended';
  }

  /** Forgets what was to happen, and switches everything off. */
  stop(): void {
    this.agenda.clear();
    for (const board of this.#boards.values()) board.power.cut();
  }

  #tell(event: TraceEvent): void {
    if (this.#trace === 'ended') return;
    if (this.#trace === 'not begun') {
      this.#trace = 'going on';
      const { network, seed, repeat, offlineLog } = this.#options;
      const start = {
        source: 'run',
        kind: 'start',
        format: TRACE_FORMAT,
        version: TRACE_VERSION,
        network,
        seed,
        ...(repeat !== undefined && { repeat }),
        ...(offlineLog !== undefined && { offlineLog }),
        atMs: 0,
      } as const;
      this.#tell(start);
    }
    this.#witness?.sessions.add(event);
    this.#options.onTrace?.(event);
  }

  // ---- faults ----

  #begin(fault: Fault, { name, side }: Target, forMs: number | undefined): OpenFault | undefined {
    const { kind, argument } = fault;
    const { begin, lasts, isShared } = FAULTS[kind];
    const facts = this.#factsOf(kind, argument, name, side, formatFault(fault));
    this.trace({ ...facts, kind: 'fault', ...(forMs !== undefined && { forMs }) });
    const victim = { machine: this.#machineOf(name), network: this.#options.networkOf(name) };
    const { boots } = victim.machine;
    const heal = begin(victim, argument);
    return lasts(argument) ? this.#addOpen(name, { facts, isShared, heal, boots }) : undefined;
  }

  /** Heals it, unless somebody has done so by hand. */
  #end(name: string, fault: OpenFault): void {
    if (!this.#removeOpen(name, fault)) return;
    this.trace({ ...fault.facts, kind: 'healed' });
    const { boots } = this.#machineOf(name);
    const isOn = (other: OpenFault): boolean =>
      FAULTS[other.facts.fault].firmware === 'running' || other.boots === boots;
    const isLast = !this.#openOf(name).some((other) => other.facts.fault === fault.facts.fault && isOn(other));
    if (isLast || !fault.isShared) fault.heal?.();
  }

  /**
   * Begins or ends a fault by hand. A hand overrules a plan: a fault that ends by hand is over, whatever faults of its
   * kind a plan has open.
   */
  #actByHand(board: Machine, fault: HandFault, change: 'begins' | 'ends', why?: string): void {
    const { name } = board;
    if (change === 'ends') return this.#endByHand(name, fault, () => true);
    const now = this.agenda.now();
    const side = this.#servers.get(name) === board ? 'server' : 'device';
    const text = formatFault({
      kind: fault,
      argument: undefined,
      target: name,
      at: { fromMs: now, toMs: now },
      for: undefined,
      everyMs: undefined,
    });
    const facts = this.#factsOf(fault, undefined, name, side, text);
    this.trace({ ...facts, kind: 'fault', ...(why !== undefined && { why }) });
    this.#endStale(board);
    if (FAULTS[fault].lasts(undefined)) {
      this.#addOpen(name, { facts, isShared: true, heal: undefined, boots: board.boots });
    }
  }

  /**
   * Forgets what was begun by hand and a boot has ended, as a hang that a watchdog did not bear: nobody ends it by
   * hand.
   */
  #endStale({ name, boots }: Machine): void {
    for (const open of this.#openOf(name)) {
      const { firmware } = FAULTS[open.facts.fault];
      if (open.heal === undefined && open.boots !== boots && (firmware === 'hung' || firmware === 'dead')) {
        this.#removeOpen(name, open);
      }
    }
  }

  #endByHand(name: string, fault: HandFault, isEnded: (open: OpenFault) => boolean): void {
    for (const open of this.#openOf(name)) {
      if (open.facts.fault !== fault || !isEnded(open)) continue;
      this.#removeOpen(name, open);
      this.trace({ ...open.facts, kind: 'healed' });
    }
  }

  #factsOf(fault: Fault['kind'], argument: string | undefined, host: string, on: Side, text: string): FaultFacts {
    const tier: Tier | undefined = tierOf(fault, this.#options.network);
    if (tier === undefined) throw new Error(`${text} cannot be done here: it should not have been planned`);
    return {
      source: 'fault',
      id: ++this.#lastFaultId,
      fault,
      ...(argument !== undefined && { argument }),
      host,
      on,
      tier,
      text,
    };
  }

  #machineOf(name: string): Machine {
    const board = this.#boards.get(name) ?? this.#servers.get(name);
    if (board === undefined) throw new Error(`there is no host ${name}: it should not have been planned`);
    return board;
  }

  #openOf(name: string): readonly OpenFault[] {
    return this.#open.get(name) ?? [];
  }

  #addOpen(name: string, fault: OpenFault): OpenFault {
    this.#open.set(name, [...this.#openOf(name), fault]);
    return fault;
  }

  #removeOpen(name: string, fault: OpenFault): boolean {
    const open = this.#openOf(name);
    const rest = open.filter((other) => other !== fault);
    if (rest.length > 0) this.#open.set(name, rest);
    else this.#open.delete(name);
    return rest.length < open.length;
  }
}

/** The event as it stands in the trace. Most are beats and their answers, and a spread costs several times as much. */
function traced(event: BoardEvent, device: string, atMs: number): TraceEvent {
  if (event.kind === 'beat-sent') return { source: 'device', device, kind: event.kind, atMs };
  if (event.kind === 'served' && event.afterMs !== undefined) {
    return { source: 'device', device, kind: event.kind, afterMs: event.afterMs, atMs };
  }
  return { source: 'device', device, ...event, atMs };
}

type Untimed<E> = E extends unknown ? Omit<E, 'atMs'> : never;

function newWitness(): Witness {
  const sessions = new Sessions();
  const witness = { sessions, judge: new Judge(sessions), recent: new RecentEvents() };
  sessions.listen(witness.recent);
  return witness;
}
