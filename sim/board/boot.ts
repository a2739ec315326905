/**
 * One boot of a board, as its firmware sees it: the whole HAL but the network in one object, since a world holds
 * 100,000 of them (who wants another HAL with some of its parts takes them one by one: `{ ...hal }` has nothing of it).
 * From the moment the boot is over nothing that is asked of it has an effect, and nobody is called.
 */

import type { DeviceEvent, EventListener } from '../../firmware/index.ts';
import type { Clock } from '../../hal/clock.ts';
import type { Console } from '../../hal/console.ts';
import { failure } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { Network } from '../../hal/network.ts';
import type { Random } from '../../hal/random.ts';
import { checkStorageKey, checkStorageValue, type Storage } from '../../hal/storage.ts';
import type { PanicReport, ResetReason, System } from '../../hal/system.ts';
import type { Board } from './board.ts';
import { stopClock, type BoardClock } from './board-clock.ts';
import { load, store, type FlashValues } from './flash-log.ts';
import { Interrupts } from './interrupts.ts';

export abstract class Boot extends Interrupts implements Hal, Clock, Console, System, Storage {
  readonly network: Network;
  readonly resetReason: ResetReason;
  readonly #board: Board;
  #alarm: (() => void) | undefined = undefined;
  #watchdog: BoardClock | undefined = undefined;
  /** Values of the next commit, in RAM; undefined if nothing was changed. */
  #changed: FlashValues | undefined = undefined;

  /** `board` has power, and its network interface none yet. */
  constructor(board: Board, resetReason: ResetReason) {
    super();
    this.#board = board;
    this.resetReason = resetReason;
    this.network = board.nic.powerOn(this);
  }

  /** Returns what hears the firmware, as long as it is this boot's; undefined where nobody listens. */
  listener(): EventListener | undefined {
    // Not an arrow function: that would hold a context besides, in each of 100,000 devices.
    return this.#board.isHeard ? this.hear.bind(this) : undefined;
  }

  private hear(event: DeviceEvent): void {
    if (!this.off) this.#board.tell(event);
  }

  /** The boot is over. */
  end(): void {
    this.switchOff();
    this.stopTime();
    if (this.#watchdog !== undefined) stopClock(this.#watchdog);
  }

  // ---- the time ----

  /** Time since the boot began, in ms. */
  abstract now(): number;
  /** Calls `ring` when `now()` is `atMs` or later, in place of what was set before. */
  protected abstract ringAt(atMs: number): void;
  /** Does not call it any more. */
  protected abstract ringNever(): void;
  /** Does not call it any more, and stops the clock. */
  protected abstract stopTime(): void;

  // ---- the HAL ----

  get clock(): this {
    return this;
  }

  get console(): this {
    return this;
  }

  get storage(): this {
    return this;
  }

  get system(): this {
    return this;
  }

  get random(): Random {
    return this.#board.random;
  }

  // ---- the clock ----

  setAlarm(atMs: number, isr: () => void): void {
    if (this.off) return;
    this.forgetAlarm();
    this.#alarm = isr;
    this.ringAt(atMs);
  }

  /** The alarm rings. */
  protected ring(): void {
    if (this.#alarm !== undefined) this.raise(this.#alarm);
  }

  clearAlarm(): void {
    this.forgetAlarm();
    this.ringNever();
  }

  // ---- the console ----

  print(line: string): void {
    if (!this.off) this.#board.tell({ kind: 'console', line });
  }

  // ---- the storage ----

  get(key: string): Uint8Array | undefined {
    checkStorageKey(key);
    return (this.#changed ?? load(this.#board.flash)).get(key)?.slice();
  }

  set(key: string, value: Uint8Array): void {
    checkStorageKey(key);
    checkStorageValue(key, value);
    (this.#changed ??= load(this.#board.flash)).set(key, value.slice());
  }

  delete(key: string): void {
    checkStorageKey(key);
    (this.#changed ??= load(this.#board.flash)).delete(key);
  }

  commit(): number {
    if (this.off) return failure('EIO');
    if (this.#changed === undefined) return 0;
    const result = store(this.#board.flash, this.#changed);
    switch (result) {
      case 'done':
        this.#changed = undefined;
        return 0;
      case 'full':
        return failure('ENOSPC');
      case 'failed':
        // Nobody will know: the power that the flash has lost, the firmware has lost, too.
        return failure('EIO');
    }
  }

  // ---- the system ----

  get deviceId(): string {
    return this.#board.name;
  }

  restart(reason: 'software' | 'watchdog'): void {
    this.reset(reason);
  }

  panic(report: PanicReport): void {
    if (this.off) return;
    this.#board.tell({ kind: 'panic', ...report });
    this.reset('panic');
  }

  armWatchdog(timeoutMs: number): boolean {
    if (this.off) return true;
    this.#watchdog ??= this.#board.newClock();
    this.#watchdog.setAlarm(this.#watchdog.now() + timeoutMs, () => this.reset('watchdog'));
    return true;
  }

  private reset(reason: ResetReason): void {
    if (!this.off) this.#board.reset(reason);
  }

  /** An alarm that has to wait for a hung firmware may be disarmed, or armed for later, before it rings. */
  private forgetAlarm(): void {
    if (this.#alarm !== undefined) this.withdraw(this.#alarm);
    this.#alarm = undefined;
  }
}

/** A boot whose time is a clock that was made for it. */
export class ClockedBoot extends Boot {
  readonly #clock: BoardClock;

  constructor(board: Board, resetReason: ResetReason) {
    super(board, resetReason);
    this.#clock = board.newClock();
  }

  now(): number {
    return this.#clock.now();
  }

  /** @internal An alarm may be an object: this one. */
  serve(): void {
    this.ring();
  }

  protected ringAt(atMs: number): void {
    this.#clock.setAlarm(atMs, this);
  }

  protected ringNever(): void {
    this.#clock.clearAlarm();
  }

  protected stopTime(): void {
    stopClock(this.#clock);
  }
}
