/**
 * Boards, the faults that befall them, and the trace of it all, on whatever network: the bench puts them on real sockets, the
 * simulation on a network of its own.
 */

import { Board, type BoardWorld, type Firmware } from './board/board.ts';
import type { BoardClock } from './board/board-clock.ts';
import type { Nic } from './board/nic.ts';
import { FAULT_KINDS, formatFault, targets, type Fault, type FaultKind } from './faults/fault.ts';
import { FAULTS, type NetworkKind, tierOf } from './faults/kinds.ts';
import type { ServerEvent } from './server/events.ts';
import { Agenda } from './time/agenda.ts';
import type { TraceEvent } from './verdict/trace.ts';

export interface TestbedOptions {
  readonly network: NetworkKind;
  readonly seed: number;
  /** A clock that starts at 0 when it is made; for a board, or for the testbed itself. */
  readonly newClock: (board: Board | undefined) => BoardClock;
  /** Everything that happens, as it happens: what it does to boards is best left to `agenda.after(0, ...)`. Undefined: nobody listens. */
  readonly onTrace: ((event: TraceEvent) => void) | undefined;
}

export class Testbed {
  /** What shall happen when, in ms since the testbed was made. */
  readonly agenda: Agenda;
  readonly #network: NetworkKind;
  readonly #onTrace: ((event: TraceEvent) => void) | undefined;
  readonly #world: BoardWorld;
  readonly #boards = new Map<string, Board>();
  /** How many faults of a kind a board is under at the moment: it heals when the last of them does. */
  readonly #active = new Map<string, number>();

  constructor({ network, seed, newClock, onTrace }: TestbedOptions) {
    this.#network = network;
    this.#onTrace = onTrace;
    this.agenda = new Agenda(newClock(undefined));
    this.#world = {
      seed,
      newClock,
      // One object an event, not two: there is one at every beat of thousands of devices.
      onEvent: onTrace && ((event, { name }) => onTrace({ source: 'device', device: name, ...event, atMs: this.agenda.now() })),
    };
  }

  get boards(): readonly Board[] {
    return [...this.#boards.values()];
  }

  get size(): number {
    return this.#boards.size;
  }

  /** The board of that name. */
  board(name: string): Board | undefined {
    return this.#boards.get(name);
  }

  /** A new board with this firmware; its power is off. */
  addBoard(name: string, nic: Nic, firmware: Firmware): Board {
    if (this.#boards.has(name)) throw new Error(`there is a device ${name} already`);
    const board = new Board(this.#world, name, nic, firmware);
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
    this.trace({ source: 'server', ...event });
  }

  /** Adds to the trace. */
  trace(event: Untimed<TraceEvent>): void {
    this.#onTrace?.({ ...event, atMs: this.agenda.now() });
  }

  /** Forgets what was to happen, and switches everything off. */
  stop(): void {
    this.agenda.clear();
    for (const board of this.#boards.values()) board.power.cut();
  }

  #apply(fault: Fault, board: Board): void {
    const { kind, forMs } = fault;
    const { apply, heal } = FAULTS[kind];
    if (heal !== undefined) this.#countActive(fault, board, 1);
    this.trace({ ...this.#told(fault, board), kind: 'fault', ...(forMs !== undefined && { forMs }) });
    apply(board);
  }

  #heal(fault: Fault, board: Board): void {
    const count = this.#countActive(fault, board, -1);
    this.trace({ ...this.#told(fault, board), kind: 'healed' });
    if (count === 0) FAULTS[fault.kind].heal?.(board);
  }

  /** What the trace says of a fault, whether it comes or goes. */
  #told(fault: Fault, { name }: Board) {
    return { source: 'fault', device: name, fault: fault.kind, tier: tierOf(fault.kind, this.#network), text: formatFault(fault) } as const;
  }

  #countActive({ kind }: Fault, board: Board, change: 1 | -1): number {
    const count = this.#activeCount(kind, board) + change;
    this.#active.set(activeKey(kind, board), count);
    return count;
  }

  #activeCount(kind: FaultKind, board: Board): number {
    return this.#active.get(activeKey(kind, board)) ?? 0;
  }
}

function activeKey(kind: FaultKind, { name }: Board): string {
  return `${kind} ${name}`;
}

type Untimed<E> = E extends unknown ? Omit<E, 'atMs'> : never;
