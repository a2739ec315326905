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
  const { own, behind } = splitAtTerminator(args);
  const isOut = (arg: string, i: number): boolean =>
    options.some((option) => isOption(option, arg) || own[i - 1] === option);
  const kept = own.filter((arg, i) => !isOut(arg, i));
  return behind === undefined ? kept : [...kept, '--', ...behind];
}

/** Without an option that has no value. */
export function withoutFlag(option: string, args: readonly string[]): string[] {
  const { own, behind } = splitAtTerminator(args);
  const kept = own.filter((arg) => arg !== option);
  return behind === undefined ? kept : [...kept, '--', ...behind];
}
