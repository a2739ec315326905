/** A kernel from outside: its tasks and their share of the processor, with the column names of FreeRTOS's tables. */

import type { Kernel } from './kernel.ts';
import type { TaskState } from './task.ts';

/** configMAX_TASK_NAME_LEN less its end. */
const NAME_WIDTH = 15;

const STATE_LETTER: Readonly<Record<TaskState, string>> = {
  Running: 'X',
  Ready: 'R',
  Blocked: 'B',
  Suspended: 'S',
  Deleted: 'D',
};

/**
 * vTaskList: name, state letter, priority, stack space never used, and number of every task, a line each, ended by
 * CR LF. A generator has no stack to measure: that column is 0. IDLE has no task of its own here; its line is made up.
 */
export function taskList(os: Kernel): string {
  const idle = line('IDLE', os.runningTask === undefined ? 'X' : 'R', '0', '0', '0');
  return os.tasks().reduce((lines, task) => {
    return lines + line(task.name, STATE_LETTER[task.state], String(task.priority), '0', String(task.number));
  }, idle);
}

/**
 * vTaskGetRunTimeStats: name, run time and share of every task and of IDLE. Empty where the kernel has no run-time
 * counter.
 */
export function runTimeStats(os: Kernel): string {
  const total = os.totalRunTime;
  if (total === undefined || total <= 0) return '';
  const tasks = os.tasks();
  const busy = tasks.reduce((sum, task) => sum + task.runTime, 0);
  const rows = [
    ...tasks.map(({ name, runTime }) => ({ name, runTime })),
    { name: 'IDLE', runTime: Math.max(total - busy, 0) },
  ];
  return rows.reduce((lines, { name, runTime }) => {
    const percent = Math.floor((runTime * 100) / total);
    return lines + line(name, String(Math.floor(runTime)), percent > 0 ? `${percent}%` : '<1%');
  }, '');
}

function line(name: string, ...columns: string[]): string {
  return `${[name.padEnd(NAME_WIDTH), ...columns].join('\t')}\r\n`;
}
