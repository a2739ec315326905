/** The processor's time of other processes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';

/** USER_HZ, in which /proc counts: 100 on every Linux of today. */
const TICK_MS = 10;

export interface Spent {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const TELL_CPU = new URL('./tell-cpu.js', import.meta.url).href;

/** Resolves to the cost of a run of Node, from its start to its end. Rejects if the run fails. */
export async function runNode(args: readonly string[]): Promise<Spent> {
  const startMs = performance.now();
  const child = spawn(process.execPath, ['--import', TELL_CPU, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let report = '';
  child.stdio[3]?.on('data', (chunk: Uint8Array) => (report += String(chunk)));
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(status)}`);
  const { user, system }: NodeJS.CpuUsage = JSON.parse(report);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
}

/** Returns the processor time of all processes whose command line contains this text; NaN if there is no /proc. */
export function cpuMsOf(inCommandLine: string): number {
  try {
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return processes.reduce((sum, pid) => sum + ticksOf(pid, inCommandLine), 0) * TICK_MS;
  } catch {
    return NaN;
  }
}

function ticksOf(pid: string, inCommandLine: string): number {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(inCommandLine)) return 0;
    // proc_pid_stat(5): utime and stime are the 14th and the 15th, and the second is a name in brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    // The process has ended meanwhile.
    return 0;
  }
}
