/** The bench: boards over real sockets, the faults that befall them, and the trace of it all. */

import type { Clock } from '../../hal/clock.ts';
import type { Network } from '../../hal/network.ts';
import { Board, type BoardWorld, type Firmware } from '../board/board.ts';
import { FAULT_KINDS, formatFault, targets, type Fault, type FaultKind } from '../faults/fault.ts';
import { FAULTS } from '../faults/kinds.ts';
import type { ServerEvent } from '../server/events.ts';
import { Agenda } from '../time/agenda.ts';
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

export class Bench {
  /** What shall happen when, in ms since the bench was made. */
  readonly agenda: Agenda;
  readonly #options: BenchOptions;
  readonly #world: BoardWorld;
  readonly #boards = new Map<string, Board>();
  readonly #nics: BenchNic[] = [];
  /** How many faults of a kind a board is under at the moment: it heals when the last of them does. */
  readonly #active = new Map<string, number>();

  constructor(options: BenchOptions) {
    this.#options = options;
    this.agenda = new Agenda(options.newClock());
    const { seed, newClock, onTrace } = options;
    // One object an event, not two: there is one at every beat of thousands of devices.
    this.#world = { seed, newClock, onEvent: (event, { name }) => onTrace({ source: 'device', device: name, ...event, atMs: this.agenda.now() }) };
  }

  get boards(): readonly Board[] {
    return [...this.#boards.values()];
  }

  /** A new board with this firmware; its power is off. */
  addDevice(name: string, firmware: Firmware): Board {
    if (this.#boards.has(name)) throw new Error(`there is a device ${name} already`);
    const { network, newClock } = this.#options;
    const nic = new BenchNic({ network, newClock, onHungUp: (event) => this.#trace({ source: 'bench', device: name, ...event }) });
    const board = new Board(this.#world, name, nic, firmware);
    this.#nics.push(nic);
    this.#boards.set(name, board);
    return board;
  }

  /** Switches a board on at a time. A fault that then keeps it off has the say: the board boots when that heals. */
  switchOn(board: Board, atMs: number): void {
    this.agenda.at(atMs, () => {
      const isKeptOff = FAULT_KINDS.some((kind) => FAULTS[kind].firmware === 'off' && this.#activeCount(kind, board) > 0);
      if (!isKeptOff) board.power.restore();
    });
  }

  /** Puts the faults of a plan on the agenda, for the devices there are. */
  schedule(plan: readonly Fault[]): void {
    for (const fault of plan) {
      for (const board of this.boards) {
        if (!targets(fault.target, board.name)) continue;
        this.agenda.at(fault.atMs, () => this.#apply(fault, board));
        if (fault.forMs !== undefined) this.agenda.at(fault.atMs + fault.forMs, () => this.#heal(fault, board));
      }
    }
  }

  /** Adds what a server says to the trace. */
  addServerEvent(event: ServerEvent): void {
    this.#trace({ source: 'server', ...event });
  }

  /** Switches everything off, and lets go of the host's sockets. */
  stop(): void {
    this.agenda.clear();
    for (const board of this.#boards.values()) board.power.cut();
    for (const nic of this.#nics) nic.releaseGhosts();
  }

  #apply(fault: Fault, board: Board): void {
    const { kind, forMs } = fault;
    const { apply, heal } = FAULTS[kind];
    if (heal !== undefined) this.#countActive(fault, board, 1);
    this.#trace({ source: 'fault', device: board.name, kind: 'fault', fault: kind, text: formatFault(fault), ...(forMs !== undefined && { forMs }) });
    apply(board);
  }

  #heal(fault: Fault, board: Board): void {
    const count = this.#countActive(fault, board, -1);
    this.#trace({ source: 'fault', device: board.name, kind: 'healed', fault: fault.kind, text: formatFault(fault) });
    if (count === 0) FAULTS[fault.kind].heal?.(board);
  }

  #countActive({ kind }: Fault, board: Board, change: 1 | -1): number {
    const count = this.#activeCount(kind, board) + change;
    this.#active.set(activeKey(kind, board), count);
    return count;
  }

  #activeCount(kind: FaultKind, board: Board): number {
    return this.#active.get(activeKey(kind, board)) ?? 0;
  }

  #trace(event: Untimed<TraceEvent>): void {
    this.#options.onTrace({ ...event, atMs: this.agenda.now() });
  }
}

function activeKey(kind: FaultKind, { name }: Board): string {
  return `${kind} ${name}`;
}

type Untimed<E> = E extends unknown ? Omit<E, 'atMs'> : never;
