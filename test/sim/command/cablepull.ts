/** The command as its users start it: a process of what `npm run build` made. */

import { fileURLToPath } from 'node:url';
import { Program, type Ended } from '../../support/process.ts';

export const CLI = fileURLToPath(new URL('../../../dist/sim/cli.js', import.meta.url));

let running: Program[] = [];

/** Starts the command with these arguments. */
export function cablepull(...args: readonly string[]): Program {
  const program = new Program(process.execPath, [CLI, ...args]);
  running.push(program);
  return program;
}

/** Runs the command to its end. */
export function ended(...args: readonly string[]): Promise<Ended> {
  return cablepull(...args).ended();
}

/** Ends all commands that still run. Call it after each test. */
export async function killAll(): Promise<void> {
  await Promise.all(running.map((program) => program.kill()));
  running = [];
}
