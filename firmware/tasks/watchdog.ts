/**
 * Keeps watch over the scheduler. A task of the lowest priority shows a sign of life; one of the highest looks for it,
 * and restarts the device when it stays out, as when a task takes the processor for itself. While all is well it arms
 * the hardware watchdog, which catches the rest: a firmware that hangs altogether.
 */

import type { Hal } from '../../hal/hal.ts';
import type { Kernel } from '../rtos/kernel.ts';
import { describeWatchdogReport, TaskWatchdog } from '../rtos/task-watchdog.ts';
import type { Task } from '../rtos/task.ts';

/** Signs of life, and looks for them, in one timeout. */
const CHECKS_PER_TIMEOUT = 4;

/** The shortest timeout, in which there is a tick for each check. */
export const WATCHDOG_MIN_TICKS = CHECKS_PER_TIMEOUT;

/**
 * Starts both tasks. `timeoutMs` is how long the lowest task may be kept from running, and how long a hang may last.
 * Both count from the last look, so that what takes less than three quarters of it is never found, and what takes all
 * of it always.
 */
export function startWatchdog(os: Kernel, hal: Hal, timeoutMs: number): void {
  const watchdog = new TaskWatchdog(os, os.msToTicks(timeoutMs));
  const period = os.msToTicks(timeoutMs / CHECKS_PER_TIMEOUT);
  watchdog.watch(os.createTask(signOfLife, 'alive', 0, watchdog, period));
  os.createTask(watch, 'watchdog', os.maxPriorities - 1, hal, watchdog, period, timeoutMs);
}

function* signOfLife(os: Kernel, watchdog: TaskWatchdog, period: number): Task {
  for (;;) {
    watchdog.feed();
    yield* os.delay(period);
  }
}

function* watch(os: Kernel, hal: Hal, watchdog: TaskWatchdog, period: number, timeoutMs: number): Task {
  for (;;) {
    hal.system.armWatchdog(timeoutMs);
    yield* os.delay(period);
    const report = watchdog.check();
    if (report === undefined) continue;
    hal.console.print(describeWatchdogReport(os, report));
    os.stop();
    hal.system.restart('watchdog');
    return;
  }
}
