/** `cablepull tune`: the policies that find dead devices in time with the least traffic, on a path. */

import { formatDuration } from '../time/duration.ts';
import { type Candidate, optionsOf } from '../tune/candidates.ts';
import { frontPlot, frontTable, letter, nearestLines } from '../tune/tune-text.ts';
import { tune, type Tuning } from '../tune/tune.ts';
import { counted, formatBytes } from '../text.ts';
import type { Detection, Summary } from '../verdict/summary.ts';
import { nodeClock } from '../../hal/node/index.ts';
import { commandLine } from './command-line.ts';
import { defineCommand } from './command.ts';
import { ProgressLine } from './progress-line.ts';
import { silentRun } from './silent-run.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';
import { bytesOf, durationOf, numberOf, seedOf, wholeNumber } from './values.ts';

const OPTIONS = {
  detect: {
    type: 'string', value: '30s', default: '30s',
    help: 'longest time in which the server must notice a pulled cable, in 99 of 100 cases (30s)',
  },
  bytes: { type: 'string', value: '200kB', help: 'largest traffic of a device in a day, in bytes of all packets (no limit)' },
  'false-alarms': {
    type: 'string', value: '1', default: '1',
    help: 'largest number of false alarms of a device in a year, that is, of live connections given up (1)',
  },
  link: {
    type: 'string', value: '"delay 50ms, loss 2%"',
    help: 'cable of each device, as for run (20 ms and 1% loss in each direction)', opensGroup: true,
  },
  nat: { type: 'string', value: '5m', help: 'put the devices behind NAT boxes that forget a connection after this idle time (none)' },
  profile: { type: 'string', value: 'lwip', help: 'TCP/IP stack of the devices: linux, lwip, w5500 or freertos-tcp (lwip)' },
  hours: {
    type: 'string', value: '200', default: '200', opensGroup: true,
    help: 'hours for which each policy found is watched for false alarms, summed over its devices (200)',
  },
  seed: { type: 'string', value: '7', default: '1', help: 'seed of all random numbers (1)' },
  json: { type: 'boolean', default: false, help: 'print the result as a JSON object' },
} as const;

/** Each device has its fault once in this range. Then each end has twice the limit to notice. */
const FAULTS_FROM = '2m';
const FAULTS_TO = '7m';
const FAULTY_DEVICES = 200;

/** A hang that takes longer than this many limits counts as not noticed. */
const HANG_FACTOR_MAX = 25;

/** Options of the first, short look at traffic and false alarms. */
const GLANCE = ['--devices', '10', '--for', '1h'];
const GLANCE_HOURS = 10;

/** Number of devices of a long look. */
const WATCHED_DEVICES = 20;

export const tuneCommand = defineCommand({
  name: 'tune',
  about: 'finds by simulation the policies that detect dead devices in time with the least traffic, for a path and a budget',
  example: 'cablepull tune --detect 60s --bytes 1MB --link "delay 150ms, loss 1%" --nat 5m',
  options: OPTIONS,
  notes:
    'The policies are beats with a missed limit, TCP keepalive at both ends, and both together. The result is the '
    + 'front: a policy is left out if another policy within the budget is at least as good in detection time, traffic '
    + 'and false alarms, and better in one of them. The exit status is 1 if no policy is within the budget.',
  async run({ values }, terminal) {
    const detectMs = durationOf('--detect', values.detect, { minMs: 2000 }) ?? 0;
    const hours = wholeNumber('--hours', values.hours, 1, 1_000_000);
    const seed = String(seedOf(values.seed));
    const path = (['link', 'nat', 'profile'] as const).flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [`--${name}`, value];
    });
    const budget = {
      detectMs,
      bytesADay: bytesOf('--bytes', values.bytes),
      falseAlarmsAYear: numberOf('--false-alarms', values['false-alarms']),
    };
    const lines = {
      faulty: (candidate: Candidate, fault: 'cable-pull' | 'hang'): string[] => [
        '--devices', String(FAULTY_DEVICES),
        '--fault', `${fault} on dev-* at ${FAULTS_FROM}..${FAULTS_TO}`,
        // Beats that only have to find a hang are slower than the limit.
        '--for', formatDuration(7 * 60_000 + (fault === 'hang' ? HANG_FACTOR_MAX : 2) * detectMs),
        ...optionsOf(candidate), ...path, '--seed', seed,
      ],
      glance: (candidate: Candidate): string[] => [...GLANCE, ...optionsOf(candidate), ...path, '--seed', seed],
      watched: (candidate: Candidate): string[] => [
        '--devices', String(WATCHED_DEVICES),
        '--for', formatDuration((hours / WATCHED_DEVICES) * 3_600_000),
        ...optionsOf(candidate), ...path, '--seed', seed,
      ],
    };
    const { tuning, interruptedBy } = await search(terminal, values.json, (run) => tune(budget, {
      async detection(candidate, fault) {
        const summary = await run.summary(lines.faulty(candidate, fault));
        if (summary === undefined) return undefined;
        const { server, device } = summary;
        return { serverP99Ms: noticedP99Ms(server), deviceP99Ms: noticedP99Ms(device) };
      },
      async quiet(candidate, isLong) {
        const summary = await run.summary((isLong ? lines.watched : lines.glance)(candidate));
        if (summary === undefined) return undefined;
        const { falseAlarms, trafficADay } = summary;
        if (trafficADay === undefined) throw new Error('a run without an end');
        return { falseAlarms, bytesADay: trafficADay.bytes, deviceHours: isLong ? hours : GLANCE_HOURS };
      },
      onProgress: run.progress,
    }));
    const repeat = (args: readonly string[]): string => commandLine('run', args, seed);
    const repeated = tuning.front.map(({ candidate, isWatched }) => ({
      detection: repeat(lines.faulty(candidate, 'cable-pull')),
      quiet: repeat((isWatched ? lines.watched : lines.glance)(candidate)),
    }));
    if (values.json) {
      terminal.printJson({ ...tuning, front: tuning.front.map((point, i) => ({ ...point, repeat: repeated[i] })) });
    } else {
      printTuning(tuning, repeated, terminal);
    }
    if (interruptedBy !== undefined) return interruptedBy === 'SIGTERM' ? 143 : 130;
    return tuning.front.length === 0 ? 1 : 0;
  },
});

/** Returns undefined if more than one case in a hundred was not noticed. */
function noticedP99Ms({ p99Ms, never }: Detection): number | undefined {
  return never > FAULTY_DEVICES / 100 ? undefined : p99Ms;
}

interface Search {
  /** Resolves to undefined if the user has ended the search. */
  summary(args: readonly string[]): Promise<Summary | undefined>;
  progress(done: number, of: number, stage: string): void;
}

/** Does the search, up to Ctrl-C at most. */
async function search(
  terminal: Terminal,
  isQuiet: boolean,
  work: (run: Search) => Promise<Tuning>,
): Promise<{ readonly tuning: Tuning; readonly interruptedBy: InterruptSignal | undefined }> {
  let interruptedBy: InterruptSignal | undefined;
  let stop: (() => void) | undefined;
  const clock = nodeClock();
  const line = new ProgressLine(terminal, terminal.isInteractive && !isQuiet);
  const stopListening = terminal.onInterrupt((signal) => {
    interruptedBy = signal;
    stop?.();
  });
  try {
    const tuning = await work({
      async summary(args) {
        return interruptedBy === undefined ? silentRun(args, (how) => (stop = how)) : undefined;
      },
      progress(done, of, stage) {
        if (line.comesDue(clock.now())) line.tell(`${stage}: ${done} of ${of} policies`);
      },
    });
    return { tuning, interruptedBy };
  } finally {
    line.end();
    stopListening();
  }
}

function triedText(tried: number, candidates: number, isComplete: boolean): string {
  if (isComplete) return `${tried} policies tried`;
  const what = tried < candidates ? `${tried} of ${candidates} policies tried` : `${tried} policies tried, not all watched`;
  return `stopped early, ${what}`;
}

function printTuning(
  { budget, tried, candidates, isComplete, front }: Tuning,
  repeated: readonly { readonly detection: string; readonly quiet: string }[],
  terminal: Terminal,
): void {
  const limits = [
    `the server notices within ${formatDuration(budget.detectMs)} at p99`,
    ...(budget.bytesADay === undefined ? [] : [`at most ${formatBytes(budget.bytesADay)} a device a day`]),
    ...(budget.falseAlarmsAYear === undefined ? [] : [`at most ${counted(budget.falseAlarmsAYear, 'false alarm')} a device a year`]),
  ];
  terminal.print(`${triedText(tried.length, candidates, isComplete)}: ${limits.join(', ')}`);
  if (tried.length === 0) return;
  terminal.print('');
  if (front.length === 0) {
    terminal.print('No policy is within this budget. The nearest policies:');
    for (const text of nearestLines(tried)) terminal.print(`  ${text}`);
    return;
  }
  for (const text of frontTable(front).split('\n')) terminal.print(text);
  terminal.print('');
  for (const text of frontPlot(front, budget.detectMs).split('\n')) terminal.print(text);
  terminal.print('');
  terminal.print('To repeat a policy: the first line measures detection, the second traffic and false alarms');
  for (const [i, lines] of repeated.entries()) {
    terminal.print(`  ${letter(i)}  ${lines.detection}`);
    terminal.print(`     ${lines.quiet}`);
  }
}
