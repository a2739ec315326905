/** The firmware image: puts kernel, tasks and HAL together and starts them. */

import type { Hal } from '../hal/hal.ts';
import type { PanicReport } from '../hal/system.ts';
import { countBoot } from './boot-counter.ts';
import type { Image } from './config.ts';
import type { EventListener } from './events.ts';
import type { KernelConfig } from './rtos/kernel-config.ts';
import { Kernel } from './rtos/kernel.ts';
import { startWatchdog } from './tasks/watchdog.ts';

/** Starts the firmware on `hal` and gives its running kernel. `onEvent` is told what happens. */
export function boot(hal: Hal, image: Image, onEvent?: EventListener): Kernel {
  const { protocol, watchdogMs } = image;
  const os = new Kernel(hal.clock, new DeviceKernel(hal, image));

  const { boots, committed } = countBoot(hal.storage);
  if (!committed) hal.console.print('the boot count could not be stored');
  onEvent?.({ kind: 'boot', boots, resetReason: hal.system.resetReason });
  if (onEvent !== undefined) {
    const { link } = hal.network;
    if (!link.carrier) onEvent({ kind: 'carrier', up: false });
    link.watch((up) => {
      // A firmware that has crashed says nothing any more.
      if (os.schedulerState !== 'stopped') onEvent({ kind: 'carrier', up });
    });
  }

  if (watchdogMs > 0) startWatchdog(os, hal, watchdogMs);
  protocol.start(os, hal, image, onEvent);
  os.start();
  return os;
}

/**
 * Kernel configuration of a device. It is a class because every device has one, and closures would take four times as
 * much memory.
 */
class DeviceKernel implements KernelConfig {
  readonly #hal: Hal;
  readonly tickRateHz: number;
  /** The watchdog's report names the task that ran longest; without one, nobody asks. */
  readonly runTimeCounter?: () => number;

  constructor(hal: Hal, { tickRateHz, watchdogMs }: Image) {
    this.#hal = hal;
    this.tickRateHz = tickRateHz;
    if (watchdogMs > 0) this.runTimeCounter = () => hal.clock.now();
  }

  onCrash(report: PanicReport): void {
    this.#hal.console.print(`panic in task ${report.task}: ${report.reason}`);
    this.#hal.system.panic(report);
  }
}
