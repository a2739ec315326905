/** `cablepull faults`: every kind of fault, and what each network can do of it. */

import { FAULT_KINDS, type FaultKind, FAULTS, tierOf } from '../faults/kinds/index.ts';
import { type Argument, type NetworkKind, NETWORKS } from '../faults/kind.ts';
import { table, wrapped } from '../text.ts';
import { defineCommand } from './command.ts';
import type { Terminal } from './terminal.ts';

export const faultsCommand = defineCommand({
  name: 'faults',
  about: 'lists every kind of fault, the networks that support it, and how to write a plan',
  options: {
    json: { type: 'boolean', default: false, help: 'print each kind as a JSON object' },
  },
  run: ({ values }, terminal) => listFaults(values.json, terminal),
});

const GRAMMAR = [
  'A plan has one fault in each line:',
  '  KIND [HOW MUCH] on HOST at TIME [for TIME] [every TIME]   # a comment',
  'Examples:',
  '  cable-pull on dev-1 at 10s for 30s',
  '  power-loss on dev-* at 1m..2m for 5s..10s every 10m   random times from the seed, for each device',
  '  loss 10% on dev-3..9 from 0s                          devices 3 to 9; from means the same as at',
  '  hang on server at 20s                                 not over real sockets',
  'A file for run --plan can also have lines with options, without their dashes (see run --help):',
  '  devices 40 meter',
  '  profile w5500 on meter-*',
  '  expect server notices within 15s',
];

const TIERS_MEAN = [
  'T0: real sockets that fall silent; T1: a real FIN or RST; T2: a real server, and packets that',
  'really stop; T3: simulated, with our own TCP/IP stacks; -: not possible on this network',
];

/** Columns left of 100 for the last column of the table. */
const SUMMARY_COLUMNS = 54;

interface FaultRow {
  readonly kind: FaultKind;
  readonly argument: string | undefined;
  readonly networks: Readonly<Record<NetworkKind, string | undefined>>;
  readonly summary: string;
}

function listFaults(json: boolean, terminal: Terminal): number {
  const rows = FAULT_KINDS.map((kind): FaultRow => {
    const { argument, summary } = FAULTS[kind];
    const networks = {
      real: tierOf(kind, 'real'),
      simulated: tierOf(kind, 'simulated'),
      gateway: tierOf(kind, 'gateway'),
    };
    return { kind, argument: argument?.what, networks, summary };
  });
  if (json) {
    for (const row of rows) terminal.printJson(row);
    return 0;
  }
  const cells = rows.map(({ kind, networks, summary }) => {
    return [kind + takes(FAULTS[kind].argument), ...NETWORKS.map((network) => networks[network] ?? '-'), summary];
  });
  const lines = [['fault', ...NETWORKS, 'what happens'], ...cells.flatMap(foldLast)];
  terminal.print(table(lines));
  for (const line of ['', ...TIERS_MEAN, '', ...GRAMMAR]) terminal.print(line);
  return 0;
}

/** Folds the last cell of a row, which is the longest, into several rows. */
function foldLast(row: readonly string[]): string[][] {
  const [first = '', ...more] = wrapped(row.at(-1) ?? '', SUMMARY_COLUMNS);
  return [[...row.slice(0, -1), first], ...more.map((text) => [...row.slice(0, -1).map(() => ''), text])];
}

function takes(argument: Argument | undefined): string {
  if (argument === undefined) return '';
  return argument.isOptional ? ` [${argument.example}]` : ` ${argument.example}`;
}
