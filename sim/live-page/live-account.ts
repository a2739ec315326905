/** The content of a live page, put together from the trace: the hosts' states, the time lines, the summary, the log. */

import { type FaultKind, FAULT_KINDS, FAULTS, tierOf } from '../faults/kinds/index.ts';
import type { Machine } from '../board/machine.ts';
import { Sessions } from '../sessions/sessions.ts';
import { ghostUntil, onlineOf } from '../sessions/session.ts';
import type { Testbed } from '../testbed.ts';
import { describeTraceEvent, isNotable, type TraceEvent } from '../trace/trace.ts';
import { Judge } from '../verdict/judge.ts';
import { packData, type PackedData } from '../verdict/page/data.ts';
import { tiles } from '../verdict/page/sections.ts';
import { summarize } from '../verdict/summary.ts';
import { TimeLines } from '../verdict/time-line.ts';
import { RecordedPlan } from './recorded-plan.ts';
import type { FaultButton, HostChange, LiveHello, LiveUpdate, OwnState, PaceState, ServersView } from './wire.ts';

/** Number of last lines of the log for a page that is opened late. */
const LOG_LINES = 200;

export class LiveAccount {
  readonly sessions = new Sessions();
  readonly plan = new RecordedPlan();
  readonly #judge = new Judge(this.sessions);
  readonly #timeLines = new TimeLines(this.sessions);
  readonly #log: string[] = [];
  /** Number of all lines that the log ever had. */
  #logged = 0;

  add(event: TraceEvent): void {
    this.sessions.add(event);
    this.plan.add(event);
    if (!isNotable(event)) return;
    this.#log.push(describeTraceEvent(event));
    this.#logged++;
    if (this.#log.length > 2 * LOG_LINES) this.#log.splice(0, LOG_LINES);
  }

  /** Lines that follow on the first `seen` ones, as far as they are kept; and how many there are in all. */
  logSince(seen: number): { readonly lines: readonly string[]; readonly logged: number } {
    const wanted = Math.min(this.#logged - seen, this.#log.length, LOG_LINES);
    return { lines: wanted <= 0 ? [] : this.#log.slice(-wanted), logged: this.#logged };
  }

  /** Devices in the order in which the trace first names them, so that their rows stay where they are. */
  timeLines(nowMs: number): PackedData {
    return packData({
      endMs: nowMs,
      findings: this.#judge.findings(nowMs),
      lines: this.#timeLines.lines(nowMs),
      serverFaults: this.#timeLines.serverFaults(nowMs),
    }, 'fleet');
  }

  /** HTML. */
  summary(nowMs: number): string {
    return tiles(summarize(this.#judge.findings(nowMs)), 'not yet');
  }

  /** A host as it is now. */
  hostState(index: number, machine: Machine, isServer: boolean, nowMs: number): HostChange {
    const faults = this.sessions.faults.on(machine.name).map(({ kind, argument }) => {
      return argument === undefined ? kind : `${kind} ${argument}`;
    });
    if (isServer) return [index, machine.state, '-', faults];
    const device = this.sessions.devices.get(machine.name);
    const online = device === undefined ? [] : onlineOf(device);
    const isGhost = online.some((session) => ghostUntil(session, nowMs) !== undefined);
    const view: ServersView = isGhost ? 'ghost' : online.length > 0 ? 'online' : 'offline';
    const isConnected = device?.session !== undefined;
    const own: OwnState = machine.state !== 'running' ? machine.state : isConnected ? 'connected' : 'connecting';
    return [index, own, view, faults];
  }
}

/** Knowledge of one open page, so that it is sent only what is new. */
export class LiveReader {
  readonly #account: LiveAccount;
  readonly #testbed: Testbed;
  readonly #known: string[] = [];
  #logged = 0;
  #summary = '';
  #nextSummaryMs = 0;

  constructor(account: LiveAccount, testbed: Testbed) {
    this.#account = account;
    this.#testbed = testbed;
  }

  hello(title: string, pace: PaceState | undefined, realMs: number): LiveHello {
    const { network, seed, boards, servers } = this.#testbed;
    return {
      title,
      network,
      seed,
      hosts: [...boards, ...servers].map(({ name }) => name),
      deviceCount: boards.length,
      buttons: FAULT_KINDS.filter((kind) => tierOf(kind, network) !== undefined).map(buttonOf),
      update: this.update(pace, realMs),
    };
  }

  /** `realMs`, the time outside the run, says when the summary is due again. */
  update(pace: PaceState | undefined, realMs: number): LiveUpdate {
    const { agenda, boards, servers } = this.#testbed;
    const nowMs = agenda.now();
    const hosts: HostChange[] = [];
    for (const [i, machine] of [...boards, ...servers].entries()) {
      const change = this.#account.hostState(i, machine, i >= boards.length, nowMs);
      const text = change.join();
      if (this.#known[i] === text) continue;
      this.#known[i] = text;
      hosts.push(change);
    }
    const { lines, logged } = this.#account.logSince(this.#logged);
    this.#logged = logged;
    const summary = this.#newSummary(nowMs, realMs);
    return { nowMs, pace, hosts, log: lines, summary, faults: this.#account.plan.size };
  }

  #newSummary(nowMs: number, realMs: number): string | undefined {
    if (realMs < this.#nextSummaryMs) return undefined;
    this.#nextSummaryMs = realMs + SUMMARY_MS;
    const summary = this.#account.summary(nowMs);
    if (summary === this.#summary) return undefined;
    this.#summary = summary;
    return summary;
  }
}

/** The summary looks at every verdict: once a second will do. */
const SUMMARY_MS = 1000;

function buttonOf(kind: FaultKind): FaultButton {
  const { summary, argument, lasts } = FAULTS[kind];
  if (argument === undefined) return { kind, summary, lasts: lasts(undefined), argument };
  const { what, isOptional } = argument;
  // Of words to choose from, as tx|rx, the first.
  const [example = ''] = argument.example.split('|');
  return { kind, summary, lasts: lasts(isOptional ? undefined : example), argument: { what, example, isOptional } };
}
