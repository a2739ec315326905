/** The command line: finds the command, and turns errors into a sentence and an exit status. */

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { COMMANDS, DEFAULT_COMMAND, OVERVIEW } from './commands.ts';
import { splitAtTerminator } from './options.ts';
import { Problem } from './problem.ts';
import { processTerminal, type Terminal } from './terminal.ts';

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const [word = DEFAULT_COMMAND, ...rest] = args;
  if (word === 'help') return main([...rest, '--help'], terminal);
  const entry = COMMANDS.find(({ name }) => name === word);
  const { own } = splitAtTerminator(args);
  const isHelp = own.includes('--help') || own.includes('-h');
  if (isHelp && (entry !== undefined || word.startsWith('-'))) {
    const command = await entry?.load();
    terminal.print((command?.help ?? OVERVIEW).trimEnd());
    return 0;
  }
  if (word === '--version') {
    terminal.print(version());
    return 0;
  }
  const there = `the commands are ${COMMANDS.map(({ name }) => name).join(', ')} (see cablepull --help)`;
  if (word.startsWith('-')) throw new Problem(2, `${word} needs a command: ${there}`);
  if (entry === undefined) throw new Problem(2, `there is no command '${word}'; ${there}`);
  const command = await entry.load();
  return command.run(rest, terminal);
}

/** Returns the version of the package that this file was built into. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const isObject = typeof manifest === 'object' && manifest !== null;
  return isObject && 'version' in manifest ? String(manifest.version) : 'unknown';
}

/** Runs the command of this process, and ends the process. */
export async function runCommandLine(): Promise<void> {
  const terminal = processTerminal();
  try {
    const status = await main(process.argv.slice(2), terminal);
    // Open sockets must not keep the process alive, but the output must be written first. The exit status stays the
    // same if nobody reads the output.
    process.exitCode = status;
    terminal.flush();
    process.stdout.write('', () => process.exit(status));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    terminal.log(`cablepull: ${error.message}`);
    process.exitCode = error.exitStatus;
    process.stderr.write('', () => process.exit(error.exitStatus));
  }
}
