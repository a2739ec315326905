/** The log of a run: its events in lines on standard error, as they happen. */

import type { Agenda } from '../time/agenda.ts';
import { formatSeconds } from '../time/duration.ts';
import { describeTraceEvent, isNotable, type TraceEvent } from '../trace/trace.ts';
import { MOMENTS_SHOWN_MAX } from './fault-moments.ts';
import { READABLE_DEVICES } from './fleet.ts';
import type { Painted, Terminal } from './terminal.ts';

/** Period in which several devices that print the same line share one line of the log. */
const TOGETHER_MS = 100;

/**
 * Events that every device of a fleet has at nearly the same time, as at power-on and when the server goes, and their
 * text when they are counted. Of many in one second the log shows the first few, and the number of the others.
 */
const COUNTED: ReadonlyMap<TraceEvent['kind'], string> = new Map([
  ['boot', 'booted'],
  ['connected', 'connected'],
  ['connect-failed', 'could not connect'],
  ['lost', 'lost the server'],
  ['online', 'clients online'],
  ['offline', 'clients offline'],
  ['hung-up', "gone at the server's end"],
  ['carrier', 'carriers up or down'],
  ['beat-missed', 'with beats unanswered'],
] as const);
const COUNTED_PERIOD_MS = 1000;
const SHOWN_MAX = 5;

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;
type ConsoleEvent = Extract<TraceEvent, { kind: 'console' }>;

export class EventLog {
  readonly #terminal: Terminal;
  readonly #deviceCount: number;
  readonly #agenda: Agenda;
  /**
   * The fault that starts or ends on one device after the other at this moment, and the number of its devices so far.
   */
  #fault: { readonly event: FaultEvent; devices: number } | undefined = undefined;

  /** Number of times that the log has shown each line of the plan start or end. */
  readonly #timesShown = new Map<string, number>();

  /** Console lines of devices that are not shown yet: the first event, and all devices with that line. */
  readonly #consoleLines = new Map<string, { readonly event: ConsoleEvent; readonly devices: Set<string> }>();

  /** Number of events of each kind in `COUNTED` in this second, or of each fault at this moment; and the last one. */
  readonly #counts = new Map<string, { count: number; event: TraceEvent }>();

  constructor(terminal: Terminal, deviceCount: number, agenda: Agenda) {
    this.#terminal = terminal;
    this.#deviceCount = deviceCount;
    this.#agenda = agenda;
  }

  add(event: TraceEvent): void {
    if (!isNotable(event)) return;
    if (this.#deviceCount <= READABLE_DEVICES && event.kind === 'console') this.#addConsoleLine(event);
    else if (this.#deviceCount <= READABLE_DEVICES) this.#addReadable(event);
    else if (event.source === 'fault') this.#addFault(event);
  }

  end(): void {
    this.#printFault();
    for (const line of [...this.#consoleLines.keys()]) this.#printConsoleLine(line);
    for (const kind of [...this.#counts.keys()]) this.#printCount(kind);
  }

  #addReadable(event: TraceEvent): void {
    const isFault = event.source === 'fault';
    if (this.#deviceCount > 2 * SHOWN_MAX && (isFault || COUNTED.has(event.kind))) {
      const what = isFault ? `${event.kind} ${event.text}` : event.kind;
      const there = this.#counts.get(what);
      if (there === undefined) {
        this.#counts.set(what, { count: 1, event });
        this.#agenda.after(isFault ? 0 : COUNTED_PERIOD_MS, () => this.#printCount(what));
      } else {
        there.count++;
        there.event = event;
        if (there.count > SHOWN_MAX) return;
      }
    }
    this.#terminal.log([painted(event)]);
  }

  #printCount(what: string): void {
    const counted = this.#counts.get(what);
    this.#counts.delete(what);
    if (counted === undefined || counted.count <= SHOWN_MAX) return;
    const { count, event } = counted;
    const more = `${count - SHOWN_MAX} more`.padEnd(8);
    if (event.source === 'fault') {
      this.#terminal.log([painted({ ...event, host: more })]);
      return;
    }
    const text = `${formatSeconds(this.#agenda.now()).padStart(9)}  ${more}  ${COUNTED.get(event.kind)}`;
    this.#terminal.log([inColourOf(event, text)]);
  }

  #addConsoleLine(event: ConsoleEvent): void {
    const entry = this.#consoleLines.get(event.line);
    if (entry !== undefined) {
      entry.devices.add(event.device);
      return;
    }
    this.#consoleLines.set(event.line, { event, devices: new Set([event.device]) });
    this.#agenda.after(TOGETHER_MS, () => this.#printConsoleLine(event.line));
  }

  #printConsoleLine(line: string): void {
    const entry = this.#consoleLines.get(line);
    if (entry === undefined) return;
    this.#consoleLines.delete(line);
    const device = entry.devices.size === 1 ? entry.event.device : `${entry.devices.size} devices`;
    this.#terminal.log([painted({ ...entry.event, device })]);
  }

  #addFault(event: FaultEvent): void {
    if (this.#fault?.event.kind !== event.kind || this.#fault.event.text !== event.text) {
      this.#printFault();
      this.#fault = { event, devices: 0 };
      this.#agenda.after(0, () => this.#printFault());
    }
    this.#fault.devices++;
  }

  #printFault(): void {
    if (this.#fault === undefined) return;
    const { event, devices } = this.#fault;
    this.#fault = undefined;
    const key = `${event.kind} ${event.text}`;
    const times = (this.#timesShown.get(key) ?? 0) + 1;
    this.#timesShown.set(key, times);
    if (times > MOMENTS_SHOWN_MAX) return;
    const line = painted(devices === 1 ? event : { ...event, host: `${devices} devices` });
    const rest = { style: 'dim', text: '  (later times are not shown)' } as const;
    this.#terminal.log(times < MOMENTS_SHOWN_MAX ? [line] : [line, rest]);
  }
}

export function painted(event: TraceEvent): string | Painted {
  return inColourOf(event, describeTraceEvent(event));
}

function inColourOf({ kind }: TraceEvent, text: string): string | Painted {
  switch (kind) {
    case 'fault':
      return { style: 'red', text };
    case 'healed':
    case 'connected':
    case 'online':
      return { style: 'green', text };
    case 'lost':
    case 'offline':
    case 'hung-up':
      return { style: 'yellow', text };
    default:
      return text;
  }
}
