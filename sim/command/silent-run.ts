/** `cablepull run` for another command: it prints nothing, and gives what `--json` would print last. */

import { runCommand } from './run-command.ts';
import type { Terminal } from './terminal.ts';
import { Problem } from './problem.ts';

/** What `run` reports at its end, as far as others ask for it. */
export interface RunReport {
  readonly serverP99Ms: number | undefined;
  readonly serverNever: number;
  readonly deviceP99Ms: number | undefined;
  readonly deviceNever: number;
  readonly falseAlarms: number;
  /** Undefined: the trace does not come to its end. */
  readonly bytesADay: number | undefined;
}

/** `stop` is told how the run can be ended. Undefined: it was. Rejects with a Problem. */
export async function silentRun(
  args: readonly string[],
  onStop: (stop: (() => void) | undefined) => void,
): Promise<RunReport | undefined> {
  let last: object = {};
  const terminal: Terminal = {
    print: () => {},
    printJson: (value) => (last = value),
    flush: () => {},
    whenRead: (then) => then(),
    log: () => {},
    isInteractive: false,
    rows: 24,
    columns: 80,
    draw: () => {},
    onInterrupt: (handler) => {
      onStop(() => handler('SIGINT'));
      return () => onStop(undefined);
    },
    onReaderGone: () => {},
  };
  const status = await runCommand.run([...args, '--json'], terminal);
  if (status === 130) return undefined;
  if (status !== 0) throw new Problem(1, `cablepull run ${args.join(' ')} ended with status ${status}`);
  return reportOf(last);
}

function reportOf(report: object): RunReport {
  const summary = part(report, 'summary');
  const server = part(summary, 'server');
  const device = part(summary, 'device');
  const traffic = 'trafficADay' in summary ? part(summary, 'trafficADay') : {};
  return {
    serverP99Ms: numberIn(server, 'p99Ms'),
    serverNever: numberIn(server, 'never') ?? 0,
    deviceP99Ms: numberIn(device, 'p99Ms'),
    deviceNever: numberIn(device, 'never') ?? 0,
    falseAlarms: numberIn(summary, 'falseAlarms') ?? 0,
    bytesADay: numberIn(traffic, 'bytes'),
  };
}

function part(whole: object, name: string): object {
  const found: unknown = Reflect.get(whole, name);
  if (typeof found !== 'object' || found === null) throw new Error(`a report has no ${name}`);
  return found;
}

function numberIn(whole: object, name: string): number | undefined {
  const found: unknown = Reflect.get(whole, name);
  return typeof found === 'number' ? found : undefined;
}
