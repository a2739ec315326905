/**
 * A board: power, cable, flash, a network interface, and the firmware on it. The firmware is a factory, called anew at every
 * boot with a HAL of its own; that HAL is dead from the moment the boot is over, so that nothing of an old boot is
 * ever heard again: its generators are dropped, not ended.
 */

import type { Clock } from '../../hal/clock.ts';
import type { Hal } from '../../hal/hal.ts';
import type { Random } from '../../hal/random.ts';
import type { PanicReport, ResetReason } from '../../hal/system.ts';
import type { DeviceEvent, EventListener } from '../../firmware/index.ts';
import { Boot } from './boot.ts';
import { Flash } from './flash.ts';
import type { Nic } from './nic.ts';

/** What runs on a board: starts on the HAL and returns. */
export type Firmware = (hal: Hal, onEvent: EventListener) => void;

/** From a reset that the device does by itself to its firmware's first line: so that one that crashes at once does not spin. */
export const RESET_MS = 100;

export interface BoardOptions {
  /** Also the device's id. */
  readonly name: string;
  /** A clock that starts at 0 when it is made. */
  readonly newClock: () => Clock;
  readonly nic: Nic;
  readonly random: Random;
  readonly firmware: Firmware;
  readonly onEvent: (event: BoardEvent) => void;
}

/** What a board tells: its firmware's events, its console, and its crashes. */
export type BoardEvent =
  | DeviceEvent
  | { readonly kind: 'console'; readonly line: string }
  | ({ readonly kind: 'panic' } & PanicReport);

export class Board {
  readonly name: string;

  /** The cable. Pulling it twice is pulling it once. */
  readonly cable = {
    pull: (): void => this.#setCarrier(false),
    plug: (): void => this.#setCarrier(true),
  };

  /** The power. `restore` boots with `reason`; both do nothing when it is so already. */
  readonly power = {
    cut: (): void => this.#end('off'),
    restore: (reason: ResetReason = 'power-on'): void => {
      if (this.#state === 'off') this.#boot(reason);
    },
  };

  readonly #options: BoardOptions;
  readonly #flash = new Flash();
  #resetClock: Clock | undefined = undefined;
  #state: 'off' | 'running' | 'hung' | 'crashed' | 'resetting' = 'off';
  #current: Boot | undefined = undefined;
  #carrier = true;

  /** A board that is off. */
  constructor(options: BoardOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get state(): 'off' | 'running' | 'hung' | 'crashed' | 'resetting' {
    return this.#state;
  }

  /** The firmware stops, its TCP stack lives. A hardware watchdog, if the firmware has armed it, ends this. */
  hang(): void {
    if (this.#state !== 'running') return;
    this.#state = 'hung';
    this.#current?.interrupts.hold();
  }

  /** The firmware goes on where it stopped. */
  unhang(): void {
    if (this.#state !== 'hung') return;
    this.#state = 'running';
    this.#current?.interrupts.release();
  }

  /** The firmware dies like a process under an operating system, which closes its connections. */
  crash(): void {
    if (this.#state !== 'running' && this.#state !== 'hung') return;
    this.#options.nic.closeAll();
    this.#end('crashed');
  }

  /** A crashed firmware is started again. */
  restartCrashed(): void {
    if (this.#state === 'crashed') this.#boot('panic');
  }

  /** Resets the connections, as a box on the way does that has lost track of them. */
  resetConnections(): void {
    this.#options.nic.resetAll();
  }

  #setCarrier(up: boolean): void {
    if (this.#carrier === up) return;
    this.#carrier = up;
    this.#options.nic.setCarrier(up);
  }

  #boot(resetReason: ResetReason): void {
    const { name, newClock, nic, random, firmware, onEvent } = this.#options;
    const boot = new Boot({ deviceId: name, resetReason, newClock, onEvent, onReset: (reason) => this.#reset(reason) });
    const { interrupts } = boot;
    this.#state = 'running';
    this.#current = boot;
    const storage = this.#flash.storage(interrupts);
    const hal: Hal = { clock: boot, network: nic.powerOn(interrupts), storage, random, console: boot, system: boot };
    interrupts.raise(() => {
      firmware(hal, (event) => {
        if (!interrupts.off) onEvent(event);
      });
    });
  }

  /** The boot is over; its firmware sends nothing more, and is not called. */
  #end(state: 'off' | 'crashed' | 'resetting'): void {
    this.#state = state;
    this.#resetClock?.clearAlarm();
    this.#current?.end();
    this.#current = undefined;
    // Where only the firmware has died, the stack lives on, and still has to close its connections.
    if (state !== 'crashed') this.#options.nic.powerOff();
  }

  #reset(reason: ResetReason): void {
    this.#end('resetting');
    this.#resetClock ??= this.#options.newClock();
    this.#resetClock.setAlarm(this.#resetClock.now() + RESET_MS, () => this.#boot(reason));
  }
}
