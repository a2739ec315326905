/** The log of a run: its events in lines on standard error, as they happen. */

import type { Agenda } from '../time/agenda.ts';
import { describeTraceEvent, isNotable, type TraceEvent } from '../trace/trace.ts';
import { TELLINGS_MAX } from './fault-tellings.ts';
import { READABLE_DEVICES } from './fleet.ts';
import type { Painted, Terminal } from './terminal.ts';

/** Period in which several devices that print the same line share one line of the log. */
const TOGETHER_MS = 100;

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
  readonly #tellings = new Map<string, number>();

  /** Console lines of devices that are not shown yet: the first event, and all devices with that line. */
  readonly #said = new Map<string, { readonly event: ConsoleEvent; readonly devices: Set<string> }>();

  constructor(terminal: Terminal, deviceCount: number, agenda: Agenda) {
    this.#terminal = terminal;
    this.#deviceCount = deviceCount;
    this.#agenda = agenda;
  }

  add(event: TraceEvent): void {
    if (!isNotable(event)) return;
    if (this.#deviceCount <= READABLE_DEVICES && event.kind === 'console') this.#addSaid(event);
    else if (this.#deviceCount <= READABLE_DEVICES) this.#terminal.log([painted(event)]);
    else if (event.source === 'fault') this.#addFault(event);
  }

  end(): void {
    this.#tellFault();
    for (const line of [...this.#said.keys()]) this.#tellSaid(line);
  }

  #addSaid(event: ConsoleEvent): void {
    const said = this.#said.get(event.line);
    if (said !== undefined) {
      said.devices.add(event.device);
      return;
    }
    this.#said.set(event.line, { event, devices: new Set([event.device]) });
    this.#agenda.after(TOGETHER_MS, () => this.#tellSaid(event.line));
  }

  #tellSaid(line: string): void {
    const said = this.#said.get(line);
    if (said === undefined) return;
    this.#said.delete(line);
    const device = said.devices.size === 1 ? said.event.device : `${said.devices.size} devices`;
    this.#terminal.log([painted({ ...said.event, device })]);
  }

  #addFault(event: FaultEvent): void {
    if (this.#fault?.event.kind !== event.kind || this.#fault.event.text !== event.text) {
      this.#tellFault();
      this.#fault = { event, devices: 0 };
      this.#agenda.after(0, () => this.#tellFault());
    }
    this.#fault.devices++;
  }

  #tellFault(): void {
    if (this.#fault === undefined) return;
    const { event, devices } = this.#fault;
    this.#fault = undefined;
    const telling = `${event.kind} ${event.text}`;
    const times = (this.#tellings.get(telling) ?? 0) + 1;
    this.#tellings.set(telling, times);
    if (times > TELLINGS_MAX) return;
    const line = painted(devices === 1 ? event : { ...event, host: `${devices} devices` });
    this.#terminal.log(times < TELLINGS_MAX ? [line] : [line, { style: 'dim', text: '  (later times are not shown)' }]);
  }
}

export function painted(event: TraceEvent): string | Painted {
  const text = describeTraceEvent(event);
  switch (event.kind) {
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
