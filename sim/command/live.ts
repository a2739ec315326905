/**
 * Live state of the devices of a real-time run, on standard error: a table that is redrawn on a terminal, plain lines
 * elsewhere.
 */

import type { Agenda } from '../time/agenda.ts';
import { table } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import { deviceCells, type DeviceRow, type Fleet, fleetLine, READABLE_DEVICES } from './fleet.ts';
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

  /** `quiet`: draws no table, because the events are printed as results. */
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
    const sum = `${formatSeconds(nowMs)}: ${fleetLine(this.#fleet.tally())}`;
    this.#terminal.draw(liveLines(sum, this.#fleet.rows, nowMs, this.#terminal));
  }
}

/** Lines of the table besides the devices: the totals, the head, and the number of devices that are not shown. */
const OTHER_LINES = 3;

/**
 * Returns the lines of the table for a screen of this size. They take less than half of its rows. The log is above
 * them, and if the screen becomes half as wide, so that each line is folded into two rows, all of them can still be
 * erased.
 */
export function liveLines(
  sum: string,
  rows: readonly DeviceRow[],
  nowMs: number,
  screen: { readonly rows: number; readonly columns: number },
): string[] {
  const room = Math.max(Math.floor((screen.rows - 1) / 2) - OTHER_LINES, 1);
  // If not all devices can be shown, those in trouble come first.
  const shown = rows.length <= room ? rows : rows.toSorted((a, b) => trouble(b) - trouble(a)).slice(0, room);
  const cells = table([HEAD, ...shown.map((row) => deviceCells(row, nowMs))]).split('\n');
  const left = rows.length - shown.length;
  const more = left === 0 ? [] : [`and ${left} more`];
  return [sum, ...cells, ...more].map((line) => line.slice(0, Math.max(screen.columns - 1, 1)));
}

/**
 * Rank of a device in the table: devices under faults first, then those that are not connected, then those that have
 * lost a connection.
 */
function trouble({ faults, state, failures, connections }: DeviceRow): number {
  const open = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const isRestless = failures > 0 || connections > 1;
  return open * 4 + (state === 'connected' ? 0 : 2) + (isRestless ? 1 : 0);
}
