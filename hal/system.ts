/** The device itself: who it is, why it started, and how it starts again. */

/** Why the firmware was started. */
export type ResetReason = 'power-on' | 'brown-out' | 'watchdog' | 'panic' | 'software';

/** A firmware crash: an exception that a task did not catch. */
export interface PanicReport {
  /** The name of the task. */
  readonly task: string;
  /** The thrown value, in words. */
  readonly reason: string;
  /** Call stack, as the runtime reports it; may be empty. */
  readonly stack: string;
}

export interface System {
  /** Stable and unique among devices: a serial number, a MAC address. */
  readonly deviceId: string;

  readonly resetReason: ResetReason;

  /**
   * Starts the firmware again, with this reset reason. The port MUST NOT call back into the firmware
   * that called it, and drops its alarm and its sockets as a reset does; the call may return.
   */
  restart(reason: 'software' | 'watchdog'): void;

  /** The firmware has crashed and its kernel stands still. The port decides; by default it restarts, reason `panic`. */
  panic(report: PanicReport): void;

  /**
   * The hardware watchdog: once armed, if it is not armed again within `timeoutMs`, the device is reset with
   * reason `watchdog`, however hung its firmware is. Answers false, and does nothing, where there is none.
   */
  armWatchdog(timeoutMs: number): boolean;
}
