/**
 * A machine in the hands of a test: what is done to it here is a fault like one of a plan, and in the trace as its
 * line.
 */

import type { ResetReason } from '../hal/system.ts';
import type { Board } from './board/board.ts';
import type { InterfaceLoss, Machine, MachineState } from './board/machine.ts';

/** Faults that can be caused by hand, in a plan's words; `reset` and `roam` only begin. */
export type HandFault = 'cable-pull' | InterfaceLoss | 'roam' | 'power-loss' | 'hang' | 'crash' | 'reset';

/** Called before the state of the machine changes. */
export type OnHandFault = (fault: HandFault, change: 'begins' | 'ends', why?: string) => void;

export interface DeviceCable {
  pull(): void;
  plug(): void;
}

/** The network interface, as an operating system sets it. Throws on a machine whose network is real. */
export interface DeviceInterface {
  down(): void;
  up(): void;
  /** Removes the address; without it nothing is sent or received. */
  removeAddress(): void;
  restoreAddress(): void;
  /** The machine is given another address, as when it moves to another network; its name stays with it. */
  changeAddress(): void;
}

/** The power. Both do nothing when it is so already. */
export interface MachinePower {
  cut(): void;
  restore(): void;
}

export interface DevicePower extends MachinePower {
  /** Boots with `reason`, by default `power-on`. */
  restore(reason?: ResetReason): void;
  /**
   * Cuts the power in the middle of a write to the flash: 1 is the next one, and each programs a word or erases a page.
   * What is done of that write, the board's seed decides. `undefined` calls it off.
   */
  cutAtWrite(count: number | undefined): void;
}

/** A machine: a device, or a server's. */
export class HeldMachine<M extends Machine = Machine> {
  /** @internal */ readonly board: M;
  /** @internal */ readonly onFault: OnHandFault;

  constructor(board: M, onFault: OnHandFault) {
    this.board = board;
    this.onFault = onFault;
  }

  /** Also the device's id. */
  get name(): string {
    return this.board.name;
  }

  get state(): MachineState {
    return this.board.state;
  }

  /** The cable. Pulling it twice is pulling it once. */
  get cable(): DeviceCable {
    const { board } = this;
    return {
      pull: () => {
        if (board.hasCarrier) this.onFault('cable-pull', 'begins');
        board.cable.pull();
      },
      plug: () => {
        if (!board.hasCarrier) this.onFault('cable-pull', 'ends');
        board.cable.plug();
      },
    };
  }

  get interface(): DeviceInterface {
    return {
      down: () => this.#setLost('interface-down', true),
      up: () => this.#setLost('interface-down', false),
      removeAddress: () => this.#setLost('address-removed', true),
      restoreAddress: () => this.#setLost('address-removed', false),
      changeAddress: () => {
        this.onFault('roam', 'begins');
        this.board.changeAddress();
      },
    };
  }

  #setLost(loss: InterfaceLoss, isLost: boolean): void {
    if (this.board.hasLost(loss) !== isLost) this.onFault(loss, isLost ? 'begins' : 'ends');
    this.board.setLost(loss, isLost);
  }

  get power(): MachinePower {
    return {
      cut: () => {
        if (this.state !== 'off') this.onFault('power-loss', 'begins');
        this.board.power.cut();
      },
      restore: () => {
        if (this.state === 'off') this.onFault('power-loss', 'ends');
        this.board.power.restore();
      },
    };
  }

  /** The firmware stops, its TCP stack lives. A hardware watchdog, if the firmware has armed it, ends this. */
  hang(): void {
    if (this.state === 'running') this.onFault('hang', 'begins');
    this.board.hang();
  }

  /** The firmware goes on where it stopped. */
  unhang(): void {
    if (this.state === 'hung') this.onFault('hang', 'ends');
    this.board.unhang();
  }

  /**
   * The firmware dies like a process under an operating system, which closes its connections. `why` is for the trace,
   * where it was its own doing.
   */
  crash(why?: string): void {
    if (this.state === 'running' || this.state === 'hung') this.onFault('crash', 'begins', why);
    this.board.crash();
  }

  /** A crashed firmware is started again. */
  restartCrashed(): void {
    if (this.state === 'crashed') this.onFault('crash', 'ends');
    this.board.restartCrashed();
  }

  /** Resets the connections, as a box on the way does that has lost track of them. */
  resetConnections(): void {
    this.onFault('reset', 'begins');
    this.board.resetConnections();
  }
}

/** A device, or the host of a simulated server. */
export class Device extends HeldMachine<Board> {
  override get power(): DevicePower {
    const { cut } = super.power;
    return {
      cut,
      restore: (reason) => {
        if (this.state === 'off') this.onFault('power-loss', 'ends');
        this.board.power.restore(reason);
      },
      cutAtWrite: (count) => this.board.power.cutAtWrite(count, cut),
    };
  }
}
