/**
 * The commands, in the order in which `cablepull --help` lists them. A command is a file of its own and an entry here.
 */

import type { Command } from './command.ts';
import { faultsCommand } from './faults-command.ts';
import { matrixCommand } from './matrix-command.ts';
import { mergeCommand } from './merge-command.ts';
import { helpEntry } from './options.ts';
import { reportCommand } from './report-command.ts';
import { runCommand } from './run-command.ts';
import { serveCommand } from './serve-command.ts';
import { swarmCommand } from './swarm-command.ts';
import { tcppingCommand } from './tcpping-command.ts';

export const COMMANDS: readonly Command[] = [
  matrixCommand,
  runCommand,
  reportCommand,
  faultsCommand,
  swarmCommand,
  mergeCommand,
  serveCommand,
  tcppingCommand,
];

/** What `cablepull` does without a word. */
export const DEFAULT_COMMAND = matrixCommand;

/** What `cablepull --help` prints. */
export const OVERVIEW = `cablepull: pull the cable on a thousand devices and see who notices

${COMMANDS.flatMap(({ name, summary }) => helpEntry(`cablepull ${name}`, summary)).join('\n')}
  cablepull COMMAND --help     the options of a command
  cablepull --version

Examples
  cablepull run --devices 1000 --for 1h --fault "cable-pull on dev-7 at 10m for 30s"
  cablepull run --server 192.0.2.1:39002 --devices 20 --fault "power-loss on dev-* at 10s for 1m"
  cablepull run --fault "hang on dev-1 at 5s" --expect "server notices within 20s" --pcap out.pcapng
  cablepull serve --port 39002 --no-answers

Exit status: 0; 1 when something could not be done, or was not as expected; 2 for wrong usage; 130 when it is
ended by Ctrl-C, 143 by SIGTERM, 129 when the terminal goes (a run still has its report; serve: 0).
`;
