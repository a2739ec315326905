/** Command lines that a user can type into a shell to repeat a command. */

import { splitAtTerminator } from './options.ts';

/** Returns the command line, with `seed` if `args` do not name one. */
export function commandLine(command: string, args: readonly string[], seed: string): string {
  const { own, behind } = splitAtTerminator(args);
  const hasSeed = own.some((arg) => isOption('--seed', arg));
  const words = [
    'cablepull',
    command,
    ...own,
    ...(hasSeed ? [] : ['--seed', seed]),
    ...(behind === undefined ? [] : ['--', ...behind]),
  ];
  return words.map(shellWord).join(' ');
}

function isOption(option: string, arg: string): boolean {
  return arg === option || arg.startsWith(`${option}=`);
}

/** Quotes a text such that a POSIX shell reads it as one word. */
function shellWord(text: string): string {
  return /^[\w%+,./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns the arguments without these options and their values. */
export function without(options: readonly string[], args: readonly string[]): string[] {
  return ownWhere(args, (arg, i, own) => {
    return !options.some((option) => isOption(option, arg) || own[i - 1] === option);
  });
}

/** Returns the arguments without this option, which has no value. */
export function withoutFlag(option: string, args: readonly string[]): string[] {
  return ownWhere(args, (arg) => arg !== option);
}

/** Returns the arguments that are kept. Everything behind `--` is kept. */
function ownWhere(
  args: readonly string[], isKept: (arg: string, i: number, own: readonly string[]) => boolean,
): string[] {
  const { own, behind } = splitAtTerminator(args);
  const kept = own.filter(isKept);
  return behind === undefined ? kept : [...kept, '--', ...behind];
}
