/** A command as one can type it into a shell to have the same again. */

/** With its seed, which may be a default. */
export function commandLine(command: string, args: readonly string[], seed: string): string {
  const hasSeed = args.some((arg) => isOption('--seed', arg));
  return ['cablepull', command, ...args, ...(hasSeed ? [] : ['--seed', seed])].map(shellWord).join(' ');
}

function isOption(option: string, arg: string): boolean {
  return arg === option || arg.startsWith(`${option}=`);
}

/** As a POSIX shell reads it as one word. */
function shellWord(text: string): string {
  return /^[\w%+,./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Without an option that has a value. */
export function without(option: string, args: readonly string[]): string[] {
  return args.filter((arg, i) => !isOption(option, arg) && args[i - 1] !== option);
}
