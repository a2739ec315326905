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
import { Flash } from './flash.ts';
import { Interrupts } from './interrupts.ts';
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

/** One boot. */
interface Boot {
  readonly interrupts: Interrupts;
  readonly clock: Clock;
  readonly watchdog: Clock;
}

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
  readonly #resetClock: Clock;
  #state: 'off' | 'running' | 'hung' | 'crashed' | 'resetting' = 'off';
  #current: Boot | undefined = undefined;
  #carrier = true;

  /** A board that is off. */
  constructor(options: BoardOptions) {
    this.name = options.name;
    this.#options = options;
    this.#resetClock = options.newClock();
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
    const { newClock, nic, firmware, onEvent } = this.#options;
    const boot: Boot = { interrupts: new Interrupts(), clock: newClock(), watchdog: newClock() };
    this.#state = 'running';
    this.#current = boot;
    const hal = this.#hal(boot, resetReason, nic.powerOn(boot.interrupts));
    boot.interrupts.raise(() => {
      firmware(hal, (event) => {
        if (!boot.interrupts.off) onEvent(event);
      });
    });
  }

  /** The boot is over; its firmware sends nothing more, and is not called. */
  #end(state: 'off' | 'crashed' | 'resetting'): void {
    this.#state = state;
    this.#resetClock.clearAlarm();
    const boot = this.#current;
    this.#current = undefined;
    boot?.interrupts.switchOff();
    boot?.clock.clearAlarm();
    boot?.watchdog.clearAlarm();
    // Where only the firmware has died, the stack lives on, and still has to close its connections.
    if (state !== 'crashed') this.#options.nic.powerOff();
  }

  #reset(boot: Boot, reason: ResetReason): void {
    if (boot.interrupts.off) return;
    this.#end('resetting');
    this.#resetClock.setAlarm(this.#resetClock.now() + RESET_MS, () => this.#boot(reason));
  }

  #hal(boot: Boot, resetReason: ResetReason, network: Hal['network']): Hal {
    const { name, random, onEvent } = this.#options;
    const { interrupts, clock, watchdog } = boot;
    let alarmAtMs = Infinity;
    let alarm = (): void => {};
    // An alarm that had to wait for a hung firmware may have been disarmed, or armed for later, by the time it can ring.
    const ring = (): void => {
      if (clock.now() < alarmAtMs) return;
      alarmAtMs = Infinity;
      alarm();
    };
    const raise = (): void => interrupts.raise(ring);
    return {
      clock: {
        now: () => clock.now(),
        setAlarm: (atMs, isr) => {
          if (interrupts.off) return;
          alarmAtMs = atMs;
          alarm = isr;
          clock.setAlarm(atMs, raise);
        },
        clearAlarm: () => {
          alarmAtMs = Infinity;
          clock.clearAlarm();
        },
      },
      network,
      random,
      storage: this.#flash.storage(() => interrupts.off),
      console: {
        print: (line) => {
          if (!interrupts.off) onEvent({ kind: 'console', line });
        },
      },
      system: {
        deviceId: name,
        resetReason,
        restart: (reason) => this.#reset(boot, reason),
        panic: (report) => {
          if (!interrupts.off) onEvent({ kind: 'panic', ...report });
          this.#reset(boot, 'panic');
        },
        armWatchdog: (timeoutMs) => {
          if (!interrupts.off) watchdog.setAlarm(watchdog.now() + timeoutMs, () => this.#reset(boot, 'watchdog'));
          return true;
        },
      },
    };
  }
}
