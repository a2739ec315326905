/**
 * What is to be seen while a run lasts: on a terminal a table that is drawn anew, elsewhere plain lines. All of it goes to
 * standard error.
 */

import type { Agenda } from '../time/agenda.ts';
import { describeTraceEvent, isNotable, type TraceEvent } from '../verdict/trace.ts';
import { table } from '../verdict/report.ts';
import { formatSeconds } from '../time/duration.ts';
import { deviceCells, type Fleet } from './fleet.ts';
import type { Terminal } from './terminal.ts';

const REDRAW_MS = 250;
const SUMMARY_MS = 5000;

/** With more devices than this, what each of them does is too much to be read; only the faults are told. */
const READABLE_DEVICES = 50;

const HEAD = ['device', 'state', 'for', 'beats', 'answers', ''];

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;

export class Live {
  readonly #terminal: Terminal;
  readonly #fleet: Fleet;
  readonly #agenda: Agenda;
  readonly #quiet: boolean;
  /** A fault that is befalling one device after the other at this moment, and how many it has. */
  #fault: { readonly event: FaultEvent; devices: number } | undefined = undefined;
  #cancel: () => void = () => {};

  /** `quiet`: the events are printed already, as results; neither they nor a table are to be seen beside them. */
  constructor(terminal: Terminal, fleet: Fleet, agenda: Agenda, quiet: boolean) {
    this.#terminal = terminal;
    this.#fleet = fleet;
    this.#agenda = agenda;
    this.#quiet = quiet;
    this.#turn();
  }

  add(event: TraceEvent): void {
    if (this.#quiet || !isNotable(event)) return;
    if (this.#fleet.size <= READABLE_DEVICES) this.#terminal.log(this.#paint(event));
    else if (event.source === 'fault') this.#addFault(event);
  }

  end(): void {
    this.#tellFault();
    this.#cancel();
    this.#terminal.draw([]);
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

  #turn(): void {
    const hasTable = this.#terminal.isInteractive && !this.#quiet;
    if (hasTable) this.#draw();
    else if (this.#fleet.size > READABLE_DEVICES) this.#terminal.log(`${formatSeconds(this.#agenda.now()).padStart(9)}  ${this.#fleet.line()}`);
    this.#cancel = this.#agenda.after(hasTable ? REDRAW_MS : SUMMARY_MS, () => this.#turn());
  }

  #draw(): void {
    const nowMs = this.#agenda.now();
    const rows = this.#fleet.rows;
    // Two lines for the head and the sum, and half of the screen for the log above.
    const room = Math.max(Math.floor(this.#terminal.rows / 2) - 2, 1);
    // Who is in trouble comes first, where not all can be shown.
    const shown = rows.length <= room ? rows : rows.toSorted((a, b) => trouble(b) - trouble(a)).slice(0, room);
    const cells = table([HEAD, ...shown.map((row) => deviceCells(row, nowMs))]).split('\n');
    const lines = [`${formatSeconds(nowMs)}: ${this.#fleet.line()}`, ...cells];
    this.#terminal.draw(lines.map((line) => line.slice(0, this.#terminal.columns - 1)));
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

function trouble(row: { readonly state: string; readonly faults: ReadonlyMap<string, number> }): number {
  const faults = [...row.faults.values()].reduce((sum, count) => sum + count, 0);
  return faults * 2 + (row.state === 'connected' ? 0 : 1);
}
