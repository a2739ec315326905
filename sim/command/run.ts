/** `cablepull run`: devices and a server, on the simulated network or over real sockets, faults, and who noticed. */

import { boot, type FirmwareConfig } from '../../firmware/index.ts';
import type { Firmware } from '../board/board.ts';
import { formatFault } from '../faults/fault.ts';
import { type NetstatRow, netstatTable } from '../netstat.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { failures } from '../verdict/expectation.ts';
import { tierNotes, verdictTable } from '../verdict/report.ts';
import type { TraceEvent } from '../verdict/trace.ts';
import { Judge, type ServiceSign } from '../verdict/verdict.ts';
import { deviceNames, type RunSettings } from './arguments.ts';
import { EventLog } from './event-log.ts';
import { Fleet } from './fleet.ts';
import { Problem } from './problem.ts';
import { RealVenue } from './real-venue.ts';
import { SimulatedVenue } from './simulated-venue.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

/** Devices are switched on one after another, so that a listening queue is not met by all of them at once. */
const POWER_ON_INTERVAL_MS = 1;

/** Runs to the end, or to Ctrl-C, and gives the exit status. Rejects with a Problem. */
export async function run(settings: RunSettings, terminal: Terminal): Promise<number> {
  const sign = serviceSign(settings.firmware);
  const judge = new Judge(sign);
  const fleet = new Fleet(settings.deviceCount, settings.firmware.servers.length, sign === 'beat-answered');
  let isOver = false;
  const onTrace = (event: TraceEvent): void => {
    // What follows on the end of a run is no part of it.
    if (isOver) return;
    judge.add(event);
    fleet.add(event);
    if (settings.json) terminal.print(JSON.stringify(event));
    log?.add(event);
    if (fleet.isHopeless) venue.stop();
  };
  const venue: Venue = settings.network === 'simulated'
    ? new SimulatedVenue(settings, terminal, fleet, onTrace)
    : new RealVenue(settings, terminal, fleet, onTrace);
  // With --json the events are printed already, as results.
  const log = settings.json ? undefined : new EventLog(terminal, settings.deviceCount, venue.testbed.agenda);

  let interruptedBy: InterruptSignal | undefined;
  const stopListening = terminal.onInterrupt((signal) => {
    interruptedBy = signal;
    venue.stop();
  });
  terminal.log(startLine(settings, venue));
  let endMs: number;
  let connections: NetstatRow[] | undefined;
  let isKept = false;
  try {
    await letPass(settings, venue);
    endMs = venue.testbed.agenda.now();
    connections = settings.netstat ? venue.netstat() : undefined;
  } catch (error) {
    if (settings.network === 'simulated') terminal.log(`to repeat: ${settings.commandLine}`);
    throw error;
  } finally {
    isOver = true;
    stopListening();
    log?.end();
    isKept = venue.close();
  }
  const status = report(settings, judge, fleet, connections, endMs, interruptedBy, terminal);
  return status === 0 && !isKept ? 1 : status;
}

async function letPass(settings: RunSettings, venue: Venue): Promise<void> {
  const config = { ...settings.firmware, servers: await venue.open() };
  const firmware: Firmware = (hal, onEvent) => void boot(hal, config, onEvent);
  for (const [i, name] of deviceNames(settings.deviceCount).entries()) {
    const board = venue.addDevice(name, firmware);
    venue.testbed.switchOn(board, i * POWER_ON_INTERVAL_MS);
  }
  venue.testbed.schedule(settings.plan);
  await venue.pass();
}

function report(
  settings: RunSettings, judge: Judge, fleet: Fleet, connections: NetstatRow[] | undefined, endMs: number, interruptedBy: InterruptSignal | undefined,
  terminal: Terminal,
): number {
  const interrupted = interruptedBy !== undefined;
  const verdicts = judge.verdicts(endMs);
  const missed = settings.expectations.flatMap((expectation) => failures(expectation, verdicts, endMs));
  const losses = Object.fromEntries(judge.unexplainedLosses);
  // Over real sockets nothing happens twice in the same way.
  const repeat = missed.length > 0 && settings.network === 'simulated' ? settings.commandLine : undefined;
  if (settings.json) {
    if (connections !== undefined) terminal.print(JSON.stringify({ kind: 'netstat', atMs: endMs, connections }));
    terminal.print(JSON.stringify({
      kind: 'report', endMs, interrupted, devices: fleet.summary(), verdicts, unexplainedLosses: losses, failedExpectations: missed, repeat,
    }));
  } else {
    terminal.print(`${interrupted ? 'stopped' : 'ended'} after ${formatSeconds(endMs)}: ${fleet.line()}`);
    const reasons = Object.entries(losses).map(([reason, count]) => `${count} by ${reason}`);
    if (reasons.length > 0) terminal.print(`connections lost without a fault: ${reasons.join(', ')}`);
    for (const line of fleet.failureLines()) terminal.print(line);
    if (settings.network === 'real' && settings.embeddedServer === undefined && losses['missed-beats'] !== undefined && fleet.summary().answers === 0) {
      terminal.print('no beat was answered: for a server that never answers any, say --no-answers');
    }
    if (verdicts.length > 0) {
      terminal.print('');
      terminal.print(verdictTable(verdicts));
      terminal.print('');
      for (const line of tierNotes(verdicts)) terminal.print(line);
    }
    if (connections !== undefined) {
      terminal.print('');
      terminal.print(netstatTable(connections));
    }
    for (const sentence of missed) terminal.print(`NOT AS EXPECTED: ${sentence}`);
    if (repeat !== undefined) terminal.print(`to repeat: ${repeat}`);
    if (settings.expectations.length > 0 && missed.length === 0) terminal.print('as expected');
  }
  // As a shell has it of a process that a signal ended: 128 and the signal's number.
  if (interrupted) return interruptedBy === 'SIGTERM' ? 143 : 130;
  const unreachable = fleet.unreachable();
  if (unreachable !== undefined) throw new Problem(1, unreachable);
  return missed.length > 0 ? 1 : 0;
}

function serviceSign(firmware: FirmwareConfig): ServiceSign {
  if (firmware.protocol === 'echo') return 'data-sent';
  return firmware.expectAnswers === false ? 'beat-sent' : 'beat-answered';
}

function startLine({ firmware, forMs, plan, deviceCount, seed }: RunSettings, { description }: Venue): string {
  const length = forMs === undefined ? 'until Ctrl-C' : `for ${formatDuration(forMs)}`;
  const faults = plan.length === 0 ? '' : `\nfaults: ${plan.map(formatFault).join('; ')}`;
  return `${deviceCount} ${deviceCount === 1 ? 'device' : 'devices'} (${firmware.protocol}) ${description} ${length}, seed ${seed}${faults}`;
}
