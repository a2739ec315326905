/**
 * How the devices of a run over real sockets are doing while it lasts: on a terminal a table that is drawn anew,
 * elsewhere plain lines. All of it goes to standard error.
 */

import type { Agenda } from '../time/agenda.ts';
import { table } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import { deviceCells, type Fleet, fleetLine, READABLE_DEVICES } from './fleet.ts';
import type { Terminal } from './terminal.ts';

const REDRAW_MS = 250;
const SUMMARY_MS = 5000;

const HEAD = ['device', 'state', 'for', 'beats', 'answers', ''];

export class Live {
  readonly #terminal: Terminal;
  readonly #fleet: Fleet;
  readonly #agenda: Agenda;
  readonly #quiet: boolean;
  #cancel: () => void = () => {};

  /** `quiet`: the events are printed, as results; a table is not to be seen beside them. */
  constructor(terminal: Terminal, fleet: Fleet, agenda: Agenda, quiet: boolean) {
    this.#terminal = terminal;
    this.#fleet = fleet;
    this.#agenda = agenda;
    this.#quiet = quiet;
    this.#turn();
  }

  end(): void {
    this.#cancel();
    this.#terminal.draw([]);
  }

  #turn(): void {
    const hasTable = this.#terminal.isInteractive && !this.#quiet;
    if (hasTable) this.#draw();
    else if (this.#fleet.size > READABLE_DEVICES) {
      this.#terminal.log(`${formatSeconds(this.#agenda.now()).padStart(9)}  ${fleetLine(this.#fleet.tally())}`);
    }
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
    const lines = [`${formatSeconds(nowMs)}: ${fleetLine(this.#fleet.tally())}`, ...cells];
    this.#terminal.draw(lines.map((line) => line.slice(0, this.#terminal.columns - 1)));
  }
}

function trouble(row: { readonly state: string; readonly faults: ReadonlyMap<string, number> }): number {
  const faults = [...row.faults.values()].reduce((sum, count) => sum + count, 0);
  return faults * 2 + (row.state === 'connected' ? 0 : 1);
}
