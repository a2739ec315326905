/** Prints the result of a swarm. */

import { programWords } from './program-options.ts';
import { type RepeatLine, type Swarm, type SwarmProgram, swarmJson, swarmText } from '../swarm/swarm-text.ts';
import type { Tally } from '../swarm/tally.ts';
import { formatDuration } from '../time/duration.ts';
import { commandLine } from './command-line.ts';
import type { Terminal } from './terminal.ts';

export function printSwarm(swarm: Swarm, tally: Tally, json: boolean, terminal: Terminal): void {
  const repeat = swarmRepeatLine(swarm);
  if (json) terminal.printJson(swarmJson(swarm, tally, repeat));
  else for (const line of swarmText(swarm, tally, repeat)) terminal.print(line);
}

function programOptions(program: SwarmProgram): string[] {
  const { port, protocol, ghostsWithinMs, offlineLog } = program;
  return [
    '--program', programWords(program), '--protocol', protocol, '--ghosts-within', formatDuration(ghostsWithinMs),
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...(offlineLog === undefined ? [] : ['--offline-log', offlineLog]),
  ];
}

/** Returns a function that gives the command line to repeat one run of the swarm. */
export function swarmRepeatLine({ seed, forMs, plan, program }: Swarm): RepeatLine {
  return (index, shrunk) => commandLine('swarm', [
    ...(program === undefined ? [] : programOptions(program)),
    '--seed', String(seed), '--run', String(index), '--for', formatDuration(forMs),
    ...(shrunk === undefined ? [] : ['--devices', shrunk.devices.join(',')]),
    ...(shrunk?.plan ?? plan).flatMap((line) => ['--fault', line]),
  ], String(seed));
}
