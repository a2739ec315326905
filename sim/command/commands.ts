/**
 * The commands, in the order in which `cablepull --help` lists them. Each command is a file of its own with an entry
 * here. The file is loaded when the command is used, so that a command does not wait for the code of another.
 */

import type { Command } from './command.ts';
import { helpEntry } from './options.ts';

export interface CommandEntry {
  /** Name of the command on the command line. */
  readonly name: string;
  /** Description in the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'matrix',
    summary: 'show which policy notices which fault, when, and why; plain `cablepull` does the same',
    load: async () => (await import('./matrix-command.ts')).matrixCommand,
  },
  {
    name: 'run',
    summary:
      'connect devices to a server, cause faults, and report who noticed: simulated in virtual time; with -- COMMAND ' +
      'against your server and its real kernel; with --server over real sockets',
    load: async () => (await import('./run-command.ts')).runCommand,
  },
  {
    name: 'tune',
    summary: 'find the policies that detect dead devices in time with the least traffic on a path',
    load: async () => (await import('./tune-command.ts')).tuneCommand,
  },
  {
    name: 'report',
    summary: 'print the report of a stored trace, as text or as a page',
    load: async () => (await import('./report-command.ts')).reportCommand,
  },
  {
    name: 'compare',
    summary: 'compare two stored traces, and show what has become worse',
    load: async () => (await import('./compare-command.ts')).compareCommand,
  },
  {
    name: 'faults',
    summary: 'list every kind of fault, and explain plans',
    load: async () => (await import('./faults-command.ts')).faultsCommand,
  },
  {
    name: 'swarm',
    summary: 'check invariants in random fleets with random faults, and reduce each failure to its smallest case',
    load: async () => (await import('./swarm-command.ts')).swarmCommand,
  },
  {
    name: 'merge',
    summary: 'merge the parts of a swarm or of a run into one report',
    load: async () => (await import('./merge-command.ts')).mergeCommand,
  },
  {
    name: 'serve',
    summary: 'run the reference server on real sockets',
    load: async () => (await import('./serve-command.ts')).serveCommand,
  },
  {
    name: 'tcpping',
    summary: 'time the TCP handshake with a port, as ping does',
    load: async () => (await import('./tcpping-command.ts')).tcppingCommand,
  },
];

/** Name of the command that `cablepull` without arguments runs. */
export const DEFAULT_COMMAND = 'matrix';

/** Text that `cablepull --help` prints. */
export const OVERVIEW = `cablepull: pull the cable on a thousand devices and see who notices

${COMMANDS.flatMap(({ name, summary }) => helpEntry(`cablepull ${name}`, summary)).join('\n')}
  cablepull COMMAND --help     show the options of a command, as cablepull help COMMAND does
  cablepull --version          show the version

Examples
  cablepull run --devices 1000 --for 1h --fault "cable-pull on dev-7 at 10m for 30s"
  cablepull run --server 192.0.2.1:39002 --devices 20 --fault "power-loss on dev-* at 10s for 1m"
  cablepull run --fault "hang on dev-1 at 5s" --expect "server notices within 20s" --pcap out.pcapng
  cablepull serve --port 39002 --no-answers

Exit status: 0 if all went well; 1 if something failed or an expectation was not met; 2 for wrong
usage; 130 after Ctrl-C, 143 after SIGTERM, 129 if the terminal was closed. An interrupted run still
prints its report. serve has the exit status 0 when it is stopped.
`;
