/**
 * A board: power, cable, flash, a network interface, and the firmware on it. The firmware is a factory, called at every
 * boot with a new HAL. That HAL is dead from the moment the boot is over, so that nothing of an old boot is ever heard
 * again: its generators are dropped, not ended.
 */

import type { Hal } from '../../hal/hal.ts';
import type { Random } from '../../hal/random.ts';
import type { PanicReport, ResetReason } from '../../hal/system.ts';
import type { DeviceEvent, EventListener } from '../../firmware/index.ts';
import { forkRandom } from '../random.ts';
import { stopClock, type BoardClock } from './board-clock.ts';
import type { Boot } from './boot.ts';
import { Flash } from './flash.ts';
import type { InterfaceLoss, Machine, MachineState } from './machine.ts';
import type { Nic } from './nic.ts';

/** Program of a board: starts on the HAL and returns. */
export type Firmware = (hal: Hal, onEvent: EventListener | undefined) => void;

/**
 * Time from a reset by the device itself to its firmware's first line, by its clock. It keeps a device that crashes at
 * once from spinning.
 */
export const RESET_MS = 100;

/** State that all boards of one world share; one object for all of them. */
export interface BoardContext {
  /** Each board has random numbers of its own, by its name. */
  readonly seed: number;
  /** A boot of a board, whose time may drift as that board's does. */
  newBoot(board: Board, resetReason: ResetReason): Boot;
  /** Another clock of a board, which drifts alike: for its watchdog, or for a reset. */
  newClock(board: Board): BoardClock;
  /** Listener of the boards' events. Undefined: nobody listens, and the firmware need not report anything. */
  readonly onEvent: ((event: BoardEvent, board: Board) => void) | undefined;
}

/** Events of a board: its firmware's events, its console, and its crashes. */
export type BoardEvent =
  | DeviceEvent
  | { readonly kind: 'console'; readonly line: string }
  | ({ readonly kind: 'panic' } & PanicReport);

export interface BoardCable {
  pull(): void;
  plug(): void;
}

export interface BoardPower {
  cut(): void;
  /** Boots with `reason`, by default `power-on`. */
  restore(reason?: ResetReason): void;
  /**
   * Cuts the power in the middle of a write to the flash: 1 is the next one, and each programs a word or erases a page.
   * What is done of that write, the board's seed decides. `undefined` calls it off. `cut` cuts the power then.
   */
  cutAtWrite(count: number | undefined, cut?: () => void): void;
}

export class Board implements Machine {
  /** Also the device's id. */
  readonly name: string;
  /** @internal */ readonly nic: Nic;
  /** @internal */ readonly flash = new Flash();
  readonly #world: BoardContext;
  readonly #firmware: Firmware;
  #random: Random | undefined = undefined;
  #resetClock: BoardClock | undefined = undefined;
  #state: MachineState = 'off';
  #current: Boot | undefined = undefined;
  #carrier = true;
  #boots = 0;

  /** A board that is off. */
  constructor(world: BoardContext, name: string, nic: Nic, firmware: Firmware) {
    this.name = name;
    this.nic = nic;
    this.#world = world;
    this.#firmware = firmware;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** True while the cable is plugged in. */
  get hasCarrier(): boolean {
    return this.#carrier;
  }

  /** @internal How often its firmware has been started. */
  get boots(): number {
    return this.#boots;
  }

  /** The cable. Pulling it twice is pulling it once. */
  get cable(): BoardCable {
    return {
      pull: () => this.setCarrier(false),
      plug: () => this.setCarrier(true),
    };
  }

  /** The power. Both `cut` and `restore` do nothing when it is so already. */
  get power(): BoardPower {
    return {
      cut: () => this.end('off'),
      restore: (reason = 'power-on') => {
        if (this.#state === 'off') this.boot(reason);
      },
      cutAtWrite: (count, cut = () => this.end('off')) => {
        const random = forkRandom(this.#world.seed, `${this.name} flash`);
        this.flash.failure = count === undefined ? undefined : { writes: count, random, happen: cut };
      },
    };
  }

  /** The firmware stops, its TCP stack lives. A hardware watchdog, if the firmware has armed it, ends this. */
  hang(): void {
    if (this.#state !== 'running') return;
    this.#state = 'hung';
    this.#current?.hold();
  }

  /** The firmware goes on where it stopped. */
  unhang(): void {
    if (this.#state !== 'hung') return;
    this.#state = 'running';
    this.#current?.release();
  }

  /** The firmware dies like a process under an operating system, which closes its connections. */
  crash(): void {
    if (this.#state !== 'running' && this.#state !== 'hung') return;
    this.nic.closeAll();
    this.end('crashed');
  }

  /** A crashed firmware is started again. */
  restartCrashed(): void {
    if (this.#state === 'crashed') this.boot('panic');
  }

  /** Resets the connections, as a box on the way does that has lost track of them. */
  resetConnections(): void {
    this.nic.resetAll();
  }

  setLost(loss: InterfaceLoss, isLost: boolean): void {
    this.nic.setLost(loss, isLost);
  }

  hasLost(loss: InterfaceLoss): boolean {
    return this.nic.hasLost(loss);
  }

  changeAddress(): void {
    this.nic.changeAddress();
  }

  /** @internal Made when the firmware first asks for it; goes on from one boot to the next. */
  get random(): Random {
    return (this.#random ??= forkRandom(this.#world.seed, this.name));
  }

  /** @internal */
  newClock(): BoardClock {
    return this.#world.newClock(this);
  }

  /** @internal */
  tell(event: BoardEvent): void {
    this.#world.onEvent?.(event, this);
  }

  /** @internal */
  get isHeard(): boolean {
    return this.#world.onEvent !== undefined;
  }

  /** @internal The device resets itself. */
  reset(reason: ResetReason): void {
    this.end('resetting');
    const clock = this.newClock();
    this.#resetClock = clock;
    clock.setAlarm(RESET_MS, () => {
      this.stopReset();
      this.boot(reason);
    });
  }

  private setCarrier(up: boolean): void {
    if (this.#carrier === up) return;
    this.#carrier = up;
    this.nic.setCarrier(up);
  }

  private boot(resetReason: ResetReason): void {
    this.#state = 'running';
    this.#boots++;
    const boot = this.#world.newBoot(this, resetReason);
    this.#current = boot;
    boot.raise(() => this.#firmware(boot, boot.listener()));
  }

  /** The boot is over; its firmware sends nothing more, and is not called. */
  private end(state: 'off' | 'crashed' | 'resetting'): void {
    this.#state = state;
    this.stopReset();
    this.#current?.end();
    this.#current = undefined;
    // If only the firmware has died, the stack lives on, and still has to close its connections.
    if (state !== 'crashed') this.nic.powerOff();
  }

  private stopReset(): void {
    if (this.#resetClock !== undefined) stopClock(this.#resetClock);
    this.#resetClock = undefined;
  }
}
