/** Time as the kernel counts it: whole ticks, 32 bits, which wrap around. */

/** portMAX_DELAY: as a timeout, wait forever (FreeRTOS with INCLUDE_vTaskSuspend). */
export const MAX_DELAY = 0xffff_ffff;

/** The ticks from `from` to `to`, where `to` is the later one and may have wrapped around. */
export function ticksBetween(from: number, to: number): number {
  return (to - from) >>> 0;
}

/** A 32-bit tick count and some ticks more, wrapped around. */
export function addTicks(count: number, ticks: number): number {
  return (count + ticks) >>> 0;
}

/** Refuses what is not a whole number of ticks that 32 bits can hold. */
export function checkTicks(ticks: number, what: string): void {
  if (!Number.isInteger(ticks) || ticks < 0 || ticks > MAX_DELAY) {
    throw new RangeError(`${what} must be a whole number of ticks from 0 to MAX_DELAY, not ${ticks}`);
  }
}
