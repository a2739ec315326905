/** A run of devices against a server, in any venue: switches the devices on, watches them, and prints the result. */

import { type Fault, formatFault } from '../faults/fault.ts';
import { type NetstatRow, netstatTable } from '../netstat.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { counted } from '../text.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { CiFiles } from './ci-files.ts';
import { EventLog } from './event-log.ts';
import { failureLines, Fleet, fleetLine, fleetSummary, type FleetTally, whyNothingServed } from './fleet.ts';
import { GatewayVenue } from './gateway-venue.ts';
import { LivePage } from './live-page.ts';
import { isAsExpected, type Outcome, outcomeJson, outcomeOf, printExpectations, printFindings } from './outcome.ts';
import { PageFile } from './page-file.ts';
import { ProgramEnds } from './program-ends.ts';
import { Problem } from './problem.ts';
import { watchPrograms } from './program-loop.ts';
import { RealVenue } from './real-venue.ts';
import { firmwareByGroup } from './device-groups.ts';
import { checkReachable, powerOnMs, type RunSettings } from './run-settings.ts';
import { SimulatedVenue } from './simulated-venue.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

/**
 * Runs to the end, or to Ctrl-C, and returns the exit status. Calls `onOutcome` with the outcome before it is printed.
 * Rejects with a Problem.
 */
export async function conductRun(
  settings: RunSettings, terminal: Terminal, onOutcome: (outcome: Outcome) => void = () => {},
): Promise<number> {
  const fleet = new Fleet(settings.deviceCount, settings.servers.length);
  const ends = new ProgramEnds();
  const ciFiles = new CiFiles(settings.ciFiles, settings.repeatWithoutFiles, terminal);
  const page = settings.report === undefined ? undefined : new PageFile('--report', settings.report, terminal);
  const live = settings.live ? new LivePage(settings.otherLines) : undefined;
  let isOver = false;
  const onTrace = (event: TraceEvent): void => {
    // Events that the end of the run causes are not part of it.
    if (isOver) return;
    fleet.add(event);
    ends.add(event);
    page?.add(event);
    live?.add(event);
    if (settings.json) terminal.printJson(event);
    log?.add(event);
    if (fleet.isHopeless && settings.programs?.device === undefined) venue.stop();
  };
  const venue = venueOf(settings, terminal, fleet, onTrace);
  // With --json the events are results, and printed already.
  const log = settings.json ? undefined : new EventLog(terminal, settings.deviceCount, venue.testbed.agenda);

  let interruptedBy: InterruptSignal | undefined;
  const stopListening = terminal.onInterrupt((signal) => {
    interruptedBy = signal;
    venue.stop();
  });
  let isUnread = false;
  terminal.onReaderGone(() => {
    // The run goes on for its files and for the exit status, which tells whether the expectations were met.
    if (settings.forMs !== undefined && leavesSomething(settings)) return;
    isUnread = true;
    venue.stop();
  });
  terminal.log(startLine(settings, venue.description));
  const stopWatching = settings.programs === undefined ? undefined : await watchPrograms(terminal);
  let endMs: number;
  let connections: NetstatRow[] | undefined;
  let isKept = false;
  try {
    await letPass(settings, venue, async () => {
      if (live === undefined) return;
      const check = (plan: readonly Fault[]): void => {
        if (settings.ownServer?.tun !== undefined) checkReachable(plan);
      };
      const address = await live.open(venue, aboutLine(settings, venue), settings.deviceCount, check);
      terminal.log(`the live page: ${address}`);
    });
    venue.testbed.traceEnd(interruptedBy !== undefined || isUnread);
    endMs = venue.testbed.agenda.now();
    connections = settings.netstat ? await venue.netstat() : undefined;
  } catch (error) {
    if (settings.network === 'simulated' && !(error instanceof Problem)) terminal.log(`to repeat: ${settings.repeat}`);
    throw error;
  } finally {
    isOver = true;
    stopListening();
    stopWatching?.();
    log?.end();
    isKept = await venue.close();
    await live?.close(venue.testbed, venue.testbed.agenda.now());
  }
  // A run over real sockets cannot be repeated exactly.
  const repeat = settings.network === 'simulated' ? settings.repeat : undefined;
  const outcome = outcomeOf(venue.testbed.witness.judge.findings(endMs), settings.expectations, repeat);
  onOutcome(outcome);
  fleet.addBeats(venue.testbed.beats);
  const tally = fleet.tally();
  printRun(settings, outcome, tally, ends, connections, interruptedBy !== undefined, terminal);
  isKept = (page?.close(outcome, []) ?? true) && isKept;
  // Programs on the user's own devices need not connect to anything.
  const why = settings.programs?.device === undefined ? whyNothingServed(tally, protocolNames(settings)) : undefined;
  const [endedProgram] = settings.programs?.restart === 'never' ? ends.lines() : [];
  isKept = ciFiles.close(outcome, endedProgram ?? why) && isKept;
  // Like the status that a shell gives a process ended by a signal: 128 plus the signal's number.
  if (interruptedBy !== undefined) return interruptedBy === 'SIGTERM' ? 143 : 130;
  // The printed report says so.
  if (endedProgram !== undefined) return 1;
  if (why !== undefined) throw new Problem(1, why);
  return isAsExpected(outcome) && isKept ? 0 : 1;
}

function leavesSomething({ expectations, report, pcap, ciFiles: { junit, markdown } }: RunSettings): boolean {
  return expectations.length > 0 || [report, pcap, junit, markdown].some((file) => file !== undefined);
}

function venueOf(settings: RunSettings, terminal: Terminal, fleet: Fleet, onTrace: (event: TraceEvent) => void): Venue {
  const { ownServer } = settings;
  if (ownServer !== undefined) return new GatewayVenue(settings, ownServer, terminal, fleet, onTrace);
  return settings.network === 'real'
    ? new RealVenue(settings, terminal, fleet, onTrace)
    : new SimulatedVenue(settings, terminal, fleet, onTrace);
}

/**
 * Prepares the venue and lets time pass. Calls `beforeStart` when the servers and devices exist and time has not
 * started.
 */
async function letPass(settings: RunSettings, venue: Venue, beforeStart: () => Promise<void>): Promise<void> {
  const { devices } = settings;
  const firmwareOf = firmwareByGroup(await venue.open());
  for (let i = 0; i < devices.names.count; i++) {
    const group = devices.groupAt(i);
    const device = venue.addDevice(devices.names.at(i), firmwareOf(group), group.make);
    venue.testbed.switchOn(device, powerOnMs(i, settings));
  }
  venue.testbed.schedule(settings.plan);
  await beforeStart();
  await venue.pass();
}

/** Prints the result of a run. */
export function printRun(
  settings: RunSettings,
  outcome: Outcome,
  fleet: FleetTally,
  ends: ProgramEnds,
  connections: NetstatRow[] | undefined,
  interrupted: boolean,
  terminal: Terminal,
): void {
  const { endMs, unexplainedLosses } = outcome.findings;
  if (settings.json) {
    if (connections !== undefined) terminal.printJson({ kind: 'netstat', atMs: endMs, connections });
    const programEnds = settings.programs === undefined ? {} : { programEnds: ends.all };
    const devices = fleetSummary(fleet);
    terminal.printJson({ kind: 'report', interrupted, devices, ...programEnds, ...outcomeJson(outcome) });
    return;
  }
  terminal.print(`${interrupted ? 'stopped' : 'ended'} after ${formatSeconds(endMs)}: ${fleetLine(fleet)}`);
  const reasons = Array.from(unexplainedLosses, ([reason, count]) => `${count} by ${reason}`);
  if (reasons.length > 0) terminal.print(`connections lost without a fault: ${reasons.join(', ')}`);
  for (const line of failureLines(fleet)) terminal.print(line);
  for (const line of ends.lines()) terminal.print(line);
  for (const line of notesOnRamp(outcome.findings.verdicts, settings)) terminal.print(line);
  printFindings(outcome, terminal);
  if (connections !== undefined) {
    terminal.print('');
    terminal.print(netstatTable(connections));
  }
  printExpectations(outcome, terminal);
}

function aboutLine(settings: RunSettings, { description }: Venue): string {
  const { programs, deviceCount, seed } = settings;
  const what = programs?.device?.file ?? protocolNames(settings);
  return `${counted(deviceCount, 'device')} (${what}) ${description}, seed ${seed}`;
}

/** Returns a sentence for each fault that came before its devices were connected for the first time. */
function notesOnRamp(verdicts: readonly Verdict[], { rampMs }: RunSettings): string[] {
  const faults = new Set(verdicts.filter(({ hadService }) => !hadService).map(({ text }) => text));
  return Array.from(faults, (text) => {
    const ofLine = verdicts.filter((verdict) => verdict.text === text);
    const missed = ofLine.filter(({ hadService }) => !hadService).length;
    const howMany = ofLine.length === 1 ? 'the device' : `${missed} of ${ofLine.length} devices`;
    return (
      `${text}: ${howMany} had not connected yet (the last device is switched on at ${formatSeconds(rampMs)}): ` +
      'use a later time, or a shorter --ramp'
    );
  });
}

export function startLine(settings: RunSettings, description: string): string {
  const { programs, forMs, plan, deviceCount, seed } = settings;
  const length = forMs === undefined ? 'until Ctrl-C' : `for ${formatDuration(forMs)}`;
  const faults = plan.length === 0 ? '' : `\nfaults: ${plan.map(formatFault).join('; ')}`;
  const what = programs?.device?.file ?? protocolNames(settings);
  return `${counted(deviceCount, 'device')} (${what}) ${description}, ${length}, seed ${seed}${faults}`;
}

export function protocolNames({ devices: { groups } }: RunSettings): string {
  return [...new Set(groups.map(({ firmware }) => firmware.protocol.name))].join(', ');
}
