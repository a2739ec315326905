/** Configuration of a kernel: FreeRTOSConfig.h, and the hooks through which others observe the kernel. */

import type { PanicReport } from '../../hal/system.ts';
import type { Operation } from './blocking.ts';
import { PRIORITIES_MAX } from './ready-lists.ts';
import type { TaskHandle, TaskState } from './task.ts';
import { checkTicks } from './ticks.ts';

export const DEFAULT_PRIORITIES = 8;

export interface KernelConfig {
  /** configTICK_RATE_HZ; default 1000. */
  readonly tickRateHz?: number;
  /** configMAX_PRIORITIES: priorities are 0 to one less; at most 32, default 8. */
  readonly maxPriorities?: number;
  /** configINITIAL_TICK_COUNT; default 0. Close to 2^32 it makes the count wrap soon. */
  readonly initialTickCount?: number;
  /** configTIMER_TASK_PRIORITY; default the highest. */
  readonly timerTaskPriority?: number;
  /** configTIMER_QUEUE_LENGTH: how many timer commands can wait; default 10. */
  readonly timerQueueLength?: number;
  /** portGET_RUN_TIME_COUNTER_VALUE: turns run-time statistics on; any unit, must not go back. */
  readonly runTimeCounter?: () => number;
  /** Trace macros: called at every change of a task's state, with what it is about to block on. */
  readonly onTaskState?: (task: TaskHandle, state: TaskState, operation?: Operation) => void;
  /** vApplicationIdleHook: called whenever no task is ready, before the kernel goes to sleep. MUST NOT block. */
  readonly onIdle?: () => void;
  /** A task threw. The kernel stands still from then on. Without it, the exception leaves the pass. */
  readonly onCrash?: (report: PanicReport) => void;
}

/** Throws a RangeError for a configuration that no kernel can have. */
export function checkKernelConfig(config: KernelConfig): void {
  const { tickRateHz = 1000, maxPriorities = DEFAULT_PRIORITIES, initialTickCount = 0 } = config;
  if (!(tickRateHz >= 1 && tickRateHz <= 1_000_000)) {
    throw new RangeError(`tickRateHz must be from 1 to 1000000, not ${tickRateHz}`);
  }
  if (!Number.isInteger(maxPriorities) || maxPriorities < 1 || maxPriorities > PRIORITIES_MAX) {
    throw new RangeError(`maxPriorities must be a whole number from 1 to ${PRIORITIES_MAX}, not ${maxPriorities}`);
  }
  checkTicks(initialTickCount, 'initialTickCount');
}
