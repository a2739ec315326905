/** What happens, in lines on standard error, as it happens. */

import type { Agenda } from '../time/agenda.ts';
import { describeTraceEvent, isNotable, type TraceEvent } from '../verdict/trace.ts';
import { READABLE_DEVICES } from './fleet.ts';
import type { Terminal } from './terminal.ts';

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;

export class EventLog {
  readonly #terminal: Terminal;
  readonly #deviceCount: number;
  readonly #agenda: Agenda;
  /** A fault that is befalling one device after the other at this moment, and how many it has. */
  #fault: { readonly event: FaultEvent; devices: number } | undefined = undefined;

  constructor(terminal: Terminal, deviceCount: number, agenda: Agenda) {
    this.#terminal = terminal;
    this.#deviceCount = deviceCount;
    this.#agenda = agenda;
  }

  add(event: TraceEvent): void {
    if (!isNotable(event)) return;
    if (this.#deviceCount <= READABLE_DEVICES) this.#terminal.log(this.#paint(event));
    else if (event.source === 'fault') this.#addFault(event);
  }

  end(): void {
    this.#tellFault();
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
    this.#terminal.log(this.#paint(devices === 1 ? event : { ...event, device: `${devices} devices` }));
  }

  #paint(event: TraceEvent): string {
    const line = describeTraceEvent(event);
    switch (event.kind) {
      case 'fault':
        return this.#terminal.paint('red', line);
      case 'healed':
      case 'connected':
      case 'online':
        return this.#terminal.paint('green', line);
      case 'lost':
      case 'offline':
      case 'hung-up':
        return this.#terminal.paint('yellow', line);
      default:
        return line;
    }
  }
}
