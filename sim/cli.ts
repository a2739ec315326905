#!/usr/bin/env node
/** The command line: finds the command, and turns what goes wrong into a sentence and an exit status. */

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { listFaults } from './command/faults.ts';
import { COMMANDS, type Command, HELP, OVERVIEW } from './command/help.ts';
import { showMatrix } from './command/matrix.ts';
import { merge } from './command/merge.ts';
import { Problem } from './command/problem.ts';
import { report } from './command/report.ts';
import { run } from './command/run.ts';
import { serve } from './command/serve.ts';
import { faultsSettings } from './command/settings/faults.ts';
import { matrixSettings } from './command/settings/matrix.ts';
import { mergeSettings } from './command/settings/merge.ts';
import { reportSettings } from './command/settings/report.ts';
import { runSettings } from './command/settings/run.ts';
import { serveSettings } from './command/settings/serve.ts';
import { swarmSettings } from './command/settings/swarm.ts';
import { runSwarm } from './command/swarm.ts';
import { processTerminal, type Terminal } from './command/terminal.ts';

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = args;
  const command = COMMANDS.find((name) => name === word);
  if (args.includes('--help') || args.includes('-h')) {
    terminal.print((command === undefined ? OVERVIEW : HELP[command]).trimEnd());
    return 0;
  }
  if (word === '--version') {
    terminal.print(version());
    return 0;
  }
  if (word === undefined) return showMatrix(matrixSettings([]), terminal);
  const there = `there are ${COMMANDS.join(', ')} (see cablepull --help)`;
  if (word.startsWith('-')) throw new Problem(2, `${word} goes with a command: ${there}`);
  if (command === undefined) throw new Problem(2, `there is no command '${word}'; ${there}`);
  return carryOut(command, rest, terminal);
}

async function carryOut(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  switch (command) {
    case 'matrix': return showMatrix(matrixSettings(args), terminal);
    case 'run': return run(runSettings(args), terminal);
    case 'report': return report(reportSettings(args), terminal);
    case 'faults': return listFaults(faultsSettings(args), terminal);
    case 'swarm': return runSwarm(swarmSettings(args), terminal);
    case 'merge': return merge(mergeSettings(args), terminal);
    case 'serve': return serve(serveSettings(args), terminal);
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
