/** A board in the hands of a test: what is done to it here is a fault like one of a plan, and in the trace as its line. */

import type { ResetReason } from '../hal/system.ts';
import type { Board, BoardState } from './board/board.ts';

/** What can be done to a board by hand, in a plan's words; a reset only begins. */
export type HandFault = 'cable-pull' | 'power-loss' | 'hang' | 'crash' | 'reset';

/** Called before the state of the board changes. */
export type OnHandFault = (fault: HandFault, change: 'begins' | 'ends') => void;

export interface DeviceCable {
  pull(): void;
  plug(): void;
}

export interface DevicePower {
  cut(): void;
  /** Boots with `reason`, by default `power-on`. */
  restore(reason?: ResetReason): void;
  /**
   * Cuts the power in the middle of a write to the flash: 1 is the next one, and each programs a word or erases a page. What
   * is done of that write, the board's seed decides. `undefined` calls it off.
   */
  cutAtWrite(count: number | undefined): void;
}

/** A device, or a server's host. */
export class Device {
  /** @internal */ readonly board: Board;
  readonly #onFault: OnHandFault;

  constructor(board: Board, onFault: OnHandFault) {
    this.board = board;
    this.#onFault = onFault;
  }

  /** Also the device's id. */
  get name(): string {
    return this.board.name;
  }

  get state(): BoardState {
    return this.board.state;
  }

  /** The cable. Pulling it twice is pulling it once. */
  get cable(): DeviceCable {
    const { board } = this;
    return {
      pull: () => {
        if (board.hasCarrier) this.#onFault('cable-pull', 'begins');
        board.cable.pull();
      },
      plug: () => {
        if (!board.hasCarrier) this.#onFault('cable-pull', 'ends');
        board.cable.plug();
      },
    };
  }

  /** The power. Both `cut` and `restore` do nothing when it is so already. */
  get power(): DevicePower {
    const { board } = this;
    const cut = (): void => {
      if (board.state !== 'off') this.#onFault('power-loss', 'begins');
      board.power.cut();
    };
    return {
      cut,
      restore: (reason) => {
        if (board.state === 'off') this.#onFault('power-loss', 'ends');
        board.power.restore(reason);
      },
      cutAtWrite: (count) => board.power.cutAtWrite(count, cut),
    };
  }

  /** The firmware stops, its TCP stack lives. A hardware watchdog, if the firmware has armed it, ends this. */
  hang(): void {
    if (this.state === 'running') this.#onFault('hang', 'begins');
    this.board.hang();
  }

  /** The firmware goes on where it stopped. */
  unhang(): void {
    if (this.state === 'hung') this.#onFault('hang', 'ends');
    this.board.unhang();
  }

  /** The firmware dies like a process under an operating system, which closes its connections. */
  crash(): void {
    if (this.state === 'running' || this.state === 'hung') this.#onFault('crash', 'begins');
    this.board.crash();
  }

  /** A crashed firmware is started again. */
  restartCrashed(): void {
    if (this.state === 'crashed') this.#onFault('crash', 'ends');
    this.board.restartCrashed();
  }

  /** Resets the connections, as a box on the way does that has lost track of them. */
  resetConnections(): void {
    this.#onFault('reset', 'begins');
    this.board.resetConnections();
  }
}
