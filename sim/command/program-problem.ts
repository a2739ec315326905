/** Problems of the user's own programs: a sentence, with the program's own stack. */

import { spawnSync } from 'node:child_process';
import process from 'node:process';
import type { ProgramError } from '../node-host/program.ts';
import { Problem } from './problem.ts';
import type { ProgramFile } from './program-options.ts';
import { whyNotLoaded } from './why-not-loaded.ts';

/** Returns the problem of a program that could not start. */
export function programProblem(program: ProgramFile, { cause, programStack }: ProgramError): Problem {
  const where = cause instanceof SyntaxError ? syntaxError(program) : undefined;
  return new Problem(1, `${program.file} failed: ${whyNotLoaded(cause) ?? where ?? withHint(programStack)}`);
}

/** Returns the problem of a program that ended before it listened. */
export function earlyEnd({ file }: ProgramFile, why: string): Problem {
  return new Problem(1, `${file} ended before it listened: ${withHint(why)}`);
}

function withHint(why: string): string {
  const isIpv6 = why.includes('EAFNOSUPPORT');
  return isIpv6 ? `${why}\nIPv6 is not simulated: let it listen on 0.0.0.0, or name no address` : why;
}

/**
 * Returns the message of a syntax error with its place, which Node reports only for a file that it runs itself;
 * undefined if the error is in another file.
 */
function syntaxError({ file }: ProgramFile): string | undefined {
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const text = stderr.split(/\n\s+at |\n\nNode\.js v/, 1).join('').trim();
  return text.includes('SyntaxError') ? text : undefined;
}
