/**
 * The task watchdog: tasks that must show a sign of life, and, when one does not, who that is, what it is doing, and
 * who took the processor meanwhile. It only finds out; what follows is up to the caller.
 */

import type { Operation } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import type { TaskHandle, TaskState } from './task.ts';

/** A watched task that gave no sign for longer than its limit. */
export interface LateTask {
  readonly name: string;
  /**
   * Ready or Running: it starves, or is itself the one that hogs. Blocked, Suspended: it waits, for what does not come.
   */
  readonly state: TaskState;
  /** The operation in which it waits, if it is Blocked. */
  readonly operation: Operation | undefined;
  readonly silentTicks: number;
}

export interface WatchdogReport {
  readonly late: readonly LateTask[];
  /** The task that ran longest since the last check, if the kernel has a run-time counter and any task ran. */
  readonly hog: { readonly name: string; readonly runTime: number } | undefined;
}

export class TaskWatchdog {
  readonly timeoutTicks: number;
  readonly #os: Kernel;
  /** The last sign of life of each task, in ticks since the start. */
  readonly #fedAt = new Map<TaskHandle, number>();
  #ranBefore = new Map<TaskHandle, number>();

  constructor(os: Kernel, timeoutTicks: number) {
    this.#os = os;
    this.timeoutTicks = timeoutTicks;
  }

  /** esp_task_wdt_add: from now on the task must feed the watchdog. */
  watch(task: TaskHandle): void {
    this.#fedAt.set(task, this.#os.uptimeTicks());
  }

  /** esp_task_wdt_delete. */
  unwatch(task: TaskHandle): void {
    this.#fedAt.delete(task);
  }

  /** esp_task_wdt_reset: the running task is alive. */
  feed(): void {
    const task = this.#os.runningTask;
    if (task !== undefined && this.#fedAt.has(task)) this.#fedAt.set(task, this.#os.uptimeTicks());
  }

  /** Returns the tasks that are late; undefined if none is. */
  check(): WatchdogReport | undefined {
    const now = this.#os.uptimeTicks();
    const hog = this.#longestRunning();
    const late: LateTask[] = [];
    for (const [task, fedAt] of this.#fedAt) {
      const { name, state } = task;
      const silentTicks = now - fedAt;
      const operation = state === 'Blocked' ? task.operation : undefined;
      if (silentTicks > this.timeoutTicks) late.push({ name, state, operation, silentTicks });
    }
    return late.length === 0 ? undefined : { late, hog };
  }

  #longestRunning(): WatchdogReport['hog'] {
    let hog: WatchdogReport['hog'];
    const runs = new Map<TaskHandle, number>();
    for (const task of this.#os.tasks()) {
      runs.set(task, task.runTime);
      const runTime = task.runTime - (this.#ranBefore.get(task) ?? 0);
      if (runTime > (hog?.runTime ?? 0)) hog = { name: task.name, runTime };
    }
    this.#ranBefore = runs;
    return hog;
  }
}

/** The report as one sentence for a log. */
export function describeWatchdogReport(os: Kernel, { late, hog }: WatchdogReport): string {
  const tasks = late.map(({ name, state, operation, silentTicks }) => {
    const waits = operation === undefined ? state.toLowerCase() : `blocked in ${operation}`;
    const why = state !== 'Ready' ? waits : name === hog?.name ? 'busy' : 'starved';
    return `${name} (${why}, silent for ${Math.round(os.ticksToMs(silentTicks))} ms)`;
  });
  const blame = hog === undefined ? '' : `; ${hog.name} ran longest`;
  return `task watchdog: no sign of life from ${tasks.join(', ')}${blame}`;
}
