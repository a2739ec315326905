/**
 * One boot of a board, as its firmware sees it: clock, console and system in one object, since a bench holds thousands. From
 * the moment the boot is over nothing that is asked of it has an effect, and nobody is called.
 */

import type { Clock } from '../../hal/clock.ts';
import type { Console } from '../../hal/console.ts';
import type { PanicReport, ResetReason, System } from '../../hal/system.ts';
import type { BoardEvent } from './board.ts';
import { Interrupts } from './interrupts.ts';

/** What a boot needs of its board. */
export interface BootOptions {
  readonly deviceId: string;
  readonly resetReason: ResetReason;
  readonly newClock: () => Clock;
  readonly onEvent: (event: BoardEvent) => void;
  readonly onReset: (reason: ResetReason) => void;
}

export class Boot implements Clock, Console, System {
  readonly interrupts = new Interrupts();
  readonly #options: BootOptions;
  readonly #clock: Clock;
  #watchdog: Clock | undefined = undefined;
  #alarmAtMs = Infinity;
  #alarm: (() => void) | undefined = undefined;
  readonly #raise = (): void => this.interrupts.raise(this.#ring);
  readonly #ring = (): void => {
    // An alarm that had to wait for a hung firmware may have been disarmed, or armed for later, by the time it can ring.
    if (this.#clock.now() < this.#alarmAtMs) return;
    this.#alarmAtMs = Infinity;
    this.#alarm?.();
  };

  constructor(options: BootOptions) {
    this.#options = options;
    this.#clock = options.newClock();
  }

  /** The boot is over. */
  end(): void {
    this.interrupts.switchOff();
    this.#clock.clearAlarm();
    this.#watchdog?.clearAlarm();
  }

  // ---- the clock ----

  now(): number {
    return this.#clock.now();
  }

  setAlarm(atMs: number, isr: () => void): void {
    if (this.interrupts.off) return;
    this.#alarmAtMs = atMs;
    this.#alarm = isr;
    this.#clock.setAlarm(atMs, this.#raise);
  }

  clearAlarm(): void {
    this.#alarmAtMs = Infinity;
    this.#clock.clearAlarm();
  }

  // ---- the console ----

  print(line: string): void {
    if (!this.interrupts.off) this.#options.onEvent({ kind: 'console', line });
  }

  // ---- the system ----

  get deviceId(): string {
    return this.#options.deviceId;
  }

  get resetReason(): ResetReason {
    return this.#options.resetReason;
  }

  restart(reason: 'software' | 'watchdog'): void {
    this.#reset(reason);
  }

  panic(report: PanicReport): void {
    if (!this.interrupts.off) this.#options.onEvent({ kind: 'panic', ...report });
    this.#reset('panic');
  }

  armWatchdog(timeoutMs: number): boolean {
    if (this.interrupts.off) return true;
    this.#watchdog ??= this.#options.newClock();
    this.#watchdog.setAlarm(this.#watchdog.now() + timeoutMs, () => this.#reset('watchdog'));
    return true;
  }

  #reset(reason: ResetReason): void {
    if (!this.interrupts.off) this.#options.onReset(reason);
  }
}
