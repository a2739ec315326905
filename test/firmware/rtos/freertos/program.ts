/** The random programs that ran on the real FreeRTOS kernel, and the logs it gave: see README.md here. */

import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** Name and numbers of an operation. */
export type Op = readonly [string, ...number[]];

export interface Program {
  /** The tick at which the device is switched off. */
  readonly end: number;
  /** 1: the tick count starts 40 ticks before it wraps around. */
  readonly wrap?: number;
  /** configTIMER_TASK_PRIORITY; default 7. */
  readonly tp?: number;
  /** Queues: their lengths. */
  readonly q?: readonly number[];
  /** Semaphores: maximum and initial count. */
  readonly s?: readonly (readonly [number, number])[];
  /** Number of mutexes, of recursive mutexes, and of event groups. */
  readonly m?: number;
  readonly r?: number;
  readonly g?: number;
  /** Stream buffers: size and trigger level. */
  readonly b?: readonly (readonly [number, number])[];
  /** Message buffers: size. */
  readonly x?: readonly number[];
  /** Timers: period, auto-reload, what the callback does. */
  readonly t?: readonly (readonly [number, number, readonly Op[]])[];
  /** Queue sets: length and members (a queue's number, a semaphore's number + 100). */
  readonly S?: readonly (readonly [number, readonly number[]])[];
  /** Tasks: priority, whether made later by `create`, operations. */
  readonly tasks: readonly (readonly [number, number, readonly Op[]])[];
  /** Interrupts: tick, whether before the tasks that the tick wakes have run, operations. Ticks ascend. */
  readonly isr?: readonly (readonly [number, number, readonly Op[]])[];
  /** Operations of main before it starts the scheduler. */
  readonly pre?: readonly Op[];
  /** 0: `spend` does not look at the clock. */
  readonly look?: number;
  /** The notification index of the buffers; without it they have one of their own. */
  readonly bufferIndex?: number;
  /** 1: event bits from interrupts go through the timer task. */
  readonly pendBits?: number;
}

export interface Truth {
  readonly name: string;
  readonly program: Program;
  /** Log of the real kernel, with a line for each operation. */
  readonly log: readonly string[];
}

function read(file: string): Buffer {
  return readFileSync(new URL(file, import.meta.url));
}

/** 300 generated programs, none left out, named by their seeds. */
export function randomPrograms(): Truth[] {
  return JSON.parse(brotliDecompressSync(read('programs.json.br')).toString());
}

/** The smallest programs that distinguish a rule of FreeRTOS from a similar rule. */
export function rules(): Truth[] {
  return JSON.parse(read('rules.json').toString());
}
