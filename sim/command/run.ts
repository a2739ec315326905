/** `cablepull run`: devices over real sockets, against the user's server or one of our own, faults, and who noticed. */

import { boot, serverName, type FirmwareConfig } from '../../firmware/index.ts';
import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { Bench } from '../bench/bench.ts';
import { formatFault } from '../faults/fault.ts';
import { startServer } from '../server/server.ts';
import { describeEvent } from '../server/events.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { failures } from '../verdict/expectation.ts';
import { tierNotes, verdictTable } from '../verdict/report.ts';
import type { TraceEvent } from '../verdict/trace.ts';
import { Judge, type ServiceSign } from '../verdict/verdict.ts';
import { deviceNames, type RunSettings } from './arguments.ts';
import { Fleet } from './fleet.ts';
import { Live } from './live.ts';
import { Problem } from './problem.ts';
import type { Terminal } from './terminal.ts';

/** Devices are switched on one after another, so that a listening queue is not met by all of them at once. */
const POWER_ON_INTERVAL_MS = 1;

/** Runs to the end, or to Ctrl-C, and gives the exit status. Rejects with a Problem. */
export async function run(settings: RunSettings, terminal: Terminal): Promise<number> {
  const network = nodeNetwork({ warn: (sentence) => terminal.log(sentence) });
  const sign = serviceSign(settings.firmware);
  const judge = new Judge(sign);
  const fleet = new Fleet(settings.deviceCount, settings.firmware.servers.length, sign === 'beat-answered');
  let live: Live | undefined;
  let finish: (interrupted: boolean) => void = () => {};
  let give: (problem: Problem) => void = () => {};

  let isOver = false;
  const onTrace = (event: TraceEvent): void => {
    // What follows on the end of a run is no part of it.
    if (isOver) return;
    judge.add(event);
    fleet.add(event);
    if (settings.json) terminal.print(JSON.stringify(event));
    live?.add(event);
    if (fleet.isHopeless) finish(false);
  };
  const bench = new Bench({ network, newClock: nodeClock, seed: settings.seed, onTrace });

  const done = new Promise<boolean>((resolve, reject) => {
    finish = resolve;
    give = reject;
  });
  const server = settings.embeddedServer === undefined
    ? undefined
    : startServer({ clock: nodeClock(), network }, settings.embeddedServer, (event) => {
      if (event.kind === 'listening') start({ ...settings.firmware, servers: [{ host: event.local.address, port: event.local.port }] });
      if (event.kind === 'failed') give(new Problem(1, describeEvent(event)));
      else bench.addServerEvent(event);
    });

  function start(firmware: FirmwareConfig): void {
    terminal.log(startLine(settings, firmware));
    live = new Live(terminal, fleet, bench.agenda, settings.json);
    for (const [i, name] of deviceNames(settings.deviceCount).entries()) {
      const board = bench.addDevice(name, (hal, onEvent) => void boot(hal, firmware, onEvent));
      bench.switchOn(board, i * POWER_ON_INTERVAL_MS);
    }
    bench.schedule(settings.plan);
    if (settings.forMs !== undefined) bench.agenda.at(settings.forMs, () => finish(false));
  }

  const stopListening = terminal.onInterrupt(() => finish(true));
  if (server === undefined) start(settings.firmware);
  let interrupted: boolean;
  let endMs: number;
  try {
    interrupted = await done;
    endMs = bench.agenda.now();
  } finally {
    isOver = true;
    stopListening();
    live?.end();
    bench.stop();
    server?.stop();
  }
  return report(settings, judge, fleet, endMs, interrupted, terminal);
}

function report(settings: RunSettings, judge: Judge, fleet: Fleet, endMs: number, interrupted: boolean, terminal: Terminal): number {
  const verdicts = judge.verdicts(endMs);
  const missed = settings.expectations.flatMap((expectation) => failures(expectation, verdicts, endMs));
  const losses = Object.fromEntries(judge.unexplainedLosses);
  if (settings.json) {
    terminal.print(JSON.stringify({ kind: 'report', endMs, interrupted, devices: fleet.summary(), verdicts, unexplainedLosses: losses, failedExpectations: missed }));
  } else {
    terminal.print(`${interrupted ? 'stopped' : 'ended'} after ${formatSeconds(endMs)}: ${fleet.line()}`);
    const reasons = Object.entries(losses).map(([reason, count]) => `${count} by ${reason}`);
    if (reasons.length > 0) terminal.print(`connections lost without a fault: ${reasons.join(', ')}`);
    for (const line of fleet.failureLines()) terminal.print(line);
    if (losses['missed-beats'] !== undefined && fleet.summary().answers === 0) {
      terminal.print('no beat was answered: for a server that never answers any, say --no-answers');
    }
    if (verdicts.length > 0) {
      terminal.print('');
      terminal.print(verdictTable(verdicts));
      terminal.print('');
      for (const line of tierNotes(verdicts)) terminal.print(line);
    }
    for (const sentence of missed) terminal.print(`NOT AS EXPECTED: ${sentence}`);
    if (settings.expectations.length > 0 && missed.length === 0) terminal.print('as expected');
  }
  if (interrupted) return 130;
  const unreachable = fleet.unreachable();
  if (unreachable !== undefined) throw new Problem(1, unreachable);
  return missed.length > 0 ? 1 : 0;
}

function serviceSign(firmware: FirmwareConfig): ServiceSign {
  if (firmware.protocol === 'echo') return 'data-sent';
  return firmware.expectAnswers === false ? 'beat-sent' : 'beat-answered';
}

function startLine(settings: RunSettings, firmware: FirmwareConfig): string {
  const servers = firmware.servers.map(serverName).join(', ');
  const length = settings.forMs === undefined ? 'until Ctrl-C' : `for ${formatDuration(settings.forMs)}`;
  const faults = settings.plan.length === 0 ? '' : `\nfaults: ${settings.plan.map(formatFault).join('; ')}`;
  const devices = `${settings.deviceCount} ${settings.deviceCount === 1 ? 'device' : 'devices'}`;
  return `${devices} (${firmware.protocol}) against ${settings.embeddedServer === undefined ? '' : 'our own server at '}${servers} ${length}, seed ${settings.seed}${faults}`;
}
