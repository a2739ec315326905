#!/usr/bin/env node
/** The command line: finds the command, and turns what goes wrong into a sentence and an exit status. */

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { runSettings, serveSettings } from './command/arguments.ts';
import { demoSettings } from './command/demo.ts';
import { HELP } from './command/help.ts';
import { Problem } from './command/problem.ts';
import { run } from './command/run.ts';
import { serve } from './command/serve.ts';
import { processTerminal, type Terminal } from './command/terminal.ts';

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const [command, ...rest] = args;
  if (args.includes('--help') || args.includes('-h')) {
    terminal.print(HELP.trimEnd());
    return 0;
  }
  if (command === '--version') {
    terminal.print(version());
    return 0;
  }
  if (command?.startsWith('-') === true) throw new Problem(2, `${command} goes with a command: run or serve (see cablepull --help)`);
  switch (command) {
    case undefined:
      return run(demoSettings(), terminal);
    case 'run':
      return run(runSettings(rest), terminal);
    case 'serve':
      return serve(serveSettings(rest), terminal);
    default:
      throw new Problem(2, `there is no command '${command}'; there are run and serve (see cablepull --help)`);
  }
}

/** Of the package that this file was built into. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isObject = typeof manifest === 'object' && manifest !== null;
  return isObject && 'version' in manifest ? String(manifest.version) : 'unknown';
}

const terminal = processTerminal();
try {
  const status = await main(process.argv.slice(2), terminal);
  // Sockets that linger must not keep the process; but what was printed must be out. Should nobody read it, the status holds.
  process.exitCode = status;
  terminal.flush();
  process.stdout.write('', () => process.exit(status));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  terminal.log(`cablepull: ${error.message}`);
  process.exitCode = error.exitStatus;
  process.stderr.write('', () => process.exit(error.exitStatus));
}
