/** A command as one can type it into a shell to have the same again. */

import { splitAtTerminator } from './options.ts';

/** With its seed, which may be a default. */
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

/** As a POSIX shell reads it as one word. */
function shellWord(text: string): string {
  return /^[\w%+,./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Without options that have values. */
export function without(options: readonly string[], args: readonly string[]): string[] {
  return ownWhere(args, (arg, i, own) => {
    return !options.some((option) => isOption(option, arg) || own[i - 1] === option);
  });
}

/** Without an option that has no value. */
export function withoutFlag(option: string, args: readonly string[]): string[] {
  return ownWhere(args, (arg) => arg !== option);
}

/** The words that are kept; all that stand behind `--` are. */
function ownWhere(
  args: readonly string[], isKept: (arg: string, i: number, own: readonly string[]) => boolean,
): string[] {
  const { own, behind } = splitAtTerminator(args);
  const kept = own.filter(isKept);
  return behind === undefined ? kept : [...kept, '--', ...behind];
}
