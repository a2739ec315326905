/** The device's clock: time since power-on, and one alarm. */

export interface Clock {
  /**
   * Milliseconds since power-on; may have a fraction. MUST NOT go back, and MUST NOT follow changes
   * of the time of day.
   */
  now(): number;

  /**
   * Arms the alarm: `isr` is called once, when `now()` is `atMs` or later, never before. There is
   * one alarm: arming it again replaces what was armed. A time in the past means as soon as
   * possible, but `isr` MUST NOT be called from within this call.
   */
  setAlarm(atMs: number, isr: () => void): void;

  /** Disarms the alarm: `isr` is not called any more. Does nothing if none is armed. */
  clearAlarm(): void;
}
