/** The kernel and its objects, by FreeRTOS's names. */

export type { Blocking, Operation } from './blocking.ts';
export { EventGroup, type WaitBitsOptions } from './event-group.ts';
export { Kernel, type WakeTime } from './kernel.ts';
export type { KernelConfig } from './kernel-config.ts';
export { Mutex, RecursiveMutex } from './mutex.ts';
export { type CopyArgument, Queue } from './queue.ts';
export { QueueSet, type QueueSetMember } from './queue-set.ts';
export { Semaphore } from './semaphore.ts';
export {
  SoftwareTimer,
  timerPendFunctionCall,
  timerPendFunctionCallFromIsr,
  type TimerOptions,
} from './software-timer.ts';
export { MessageBuffer, StreamBuffer } from './stream-buffer.ts';
export type { NotifyAction, Task, TaskFunction, TaskHandle, TaskState } from './task.ts';
export { runTimeStats, taskList } from './task-list.ts';
export { describeWatchdogReport, type LateTask, TaskWatchdog, type WatchdogReport } from './task-watchdog.ts';
export { addTicks, MAX_DELAY, ticksBetween } from './ticks.ts';
