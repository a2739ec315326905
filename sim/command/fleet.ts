/** How the devices of a run are doing, as they and the server tell. */

import { formatSeconds } from '../time/duration.ts';
import type { TraceEvent } from '../verdict/trace.ts';

export interface DeviceRow {
  readonly name: string;
  state: 'off' | 'connecting' | 'connected';
  /** Since when, in the world's time. */
  sinceMs: number;
  connections: number;
  failures: number;
  beats: number;
  answers: number;
  /** The faults it is under. */
  readonly faults: Map<string, number>;
  /** The last thing worth telling. */
  last: string;
}

export interface FleetSummary {
  readonly devices: number;
  readonly connected: number;
  readonly connections: number;
  readonly beats: number;
  readonly answers: number;
}

export class Fleet {
  /** How many devices there will be. */
  readonly size: number;
  readonly #rows = new Map<string, DeviceRow>();
  #everConnected = false;
  #failed = 0;
  #lastFailure = '';

  constructor(size: number) {
    this.size = size;
  }

  get rows(): readonly DeviceRow[] {
    return [...this.#rows.values()];
  }

  add(event: TraceEvent): void {
    if (event.source === 'server' || event.source === 'bench') return;
    const row = this.#row(event.device);
    switch (event.kind) {
      case 'fault':
        row.faults.set(event.fault, (row.faults.get(event.fault) ?? 0) + 1);
        if (event.fault === 'power-loss' || event.fault === 'crash') this.#enter(row, 'off', event.atMs);
        break;
      case 'healed':
        row.faults.set(event.fault, (row.faults.get(event.fault) ?? 1) - 1);
        break;
      case 'boot':
      case 'connecting':
        this.#enter(row, 'connecting', event.atMs);
        break;
      case 'connected':
        this.#everConnected = true;
        row.connections++;
        this.#enter(row, 'connected', event.atMs);
        row.last = '';
        break;
      case 'connect-failed':
        row.failures++;
        this.#failed++;
        this.#lastFailure = `${event.server}: ${event.errno}`;
        row.last = `could not connect: ${event.errno}`;
        break;
      case 'lost':
        this.#enter(row, 'connecting', event.atMs);
        row.last = `lost by ${event.by}`;
        break;
      case 'beat-sent':
        row.beats++;
        break;
      case 'beat-answered':
        row.answers++;
        break;
      default:
    }
  }

  /** A sentence once every device has tried each of the servers in vain, and none was ever connected. */
  unreachable(servers: number): string | undefined {
    if (this.#everConnected || this.#failed < this.size * servers) return undefined;
    if (this.rows.length < this.size || this.rows.some(({ failures }) => failures < servers)) return undefined;
    return `no device could connect to ${this.#lastFailure}; is the server running, and is the address right?`;
  }

  summary(): FleetSummary {
    const rows = this.rows;
    const sum = (of: (row: DeviceRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
    return {
      devices: this.size,
      connected: rows.filter(({ state }) => state === 'connected').length,
      connections: sum(({ connections }) => connections),
      beats: sum(({ beats }) => beats),
      answers: sum(({ answers }) => answers),
    };
  }

  line(): string {
    const { devices, connected, connections, beats, answers } = this.summary();
    const talk = beats > 0 ? `, ${beats} beats sent, ${answers} answered` : '';
    return `${connected} of ${devices} devices connected, ${connections} connections made${talk}`;
  }

  #enter(row: DeviceRow, state: DeviceRow['state'], atMs: number): void {
    if (row.state === state) return;
    row.state = state;
    row.sinceMs = atMs;
  }

  #row(name: string): DeviceRow {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { name, state: 'off', sinceMs: 0, connections: 0, failures: 0, beats: 0, answers: 0, faults: new Map(), last: '' };
      this.#rows.set(name, row);
    }
    return row;
  }
}

/** The cells of a device's line in the live table. */
export function deviceCells(row: DeviceRow, nowMs: number): string[] {
  const faults = [...row.faults].filter(([, count]) => count > 0).map(([fault]) => fault);
  return [row.name, row.state, formatSeconds(nowMs - row.sinceMs), String(row.beats), String(row.answers), faults.join(' ') || row.last];
}
