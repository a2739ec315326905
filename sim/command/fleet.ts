/** State of the devices of a run, as the devices and the server report it. */

import type { Errno } from '../../hal/errno.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import { counted } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import type { BeatCounts } from '../testbed.ts';
import type { TraceEvent } from '../trace/trace.ts';
import { lookUpProblem } from './look-up.ts';

/** Number of devices up to which the log shows what each device does; with more, it shows only the faults. */
export const READABLE_DEVICES = 50;

export interface DeviceRow {
  readonly name: string;
  state: 'off' | 'connecting' | 'connected';
  /** Time at which the device entered this state. */
  sinceMs: number;
  connections: number;
  failures: number;
  beats: number;
  answers: number;
  /** Messages received and sent, without beats. */
  received: number;
  sent: number;
  /** Whether the device has ever booted. */
  hasBeenOn: boolean;
  /** Number of faults of each kind that act on the device now. */
  readonly faults: Map<string, number>;
  /** Last notable event, as a text. */
  last: string;
}

export interface FleetSummary {
  readonly devices: number;
  readonly connected: number;
  readonly connections: number;
  readonly beats: number;
  readonly answers: number;
  readonly received: number;
  readonly sent: number;
  /** Number of devices that have never booted. */
  readonly neverOn: number;
}

/** Totals of a fleet, as plain data that a thread can send and a file can hold. */
export interface FleetTally extends FleetSummary {
  /** Failed attempts to connect, by errno. */
  readonly failures: readonly (readonly [string, number])[];
  /** The last failed attempt as a sentence; empty if there was none. */
  readonly lastFailure: string;
  readonly losses: number;
  /** Reason why the last connection was lost. */
  readonly lastLoss: string;
  readonly everConnected: boolean;
  readonly everServed: boolean;
  /** False if a device has reported that nobody answers its beats. */
  readonly isAnswered: boolean;
  /** Counts of numbered beats, as the server reports them. */
  readonly sequence: Readonly<Record<'missing' | 'late' | 'double', number>>;
}

export class Fleet {
  /** Number of devices in the run. */
  readonly size: number;
  readonly #rows = new Map<string, DeviceRow>();
  /** Failed attempts to connect, by errno. */
  readonly #failures = new Map<string, number>();
  readonly #servers: number;
  /** Counts of numbered beats, as the server reports them. */
  readonly #sequence = { missing: 0, late: 0, double: 0 };
  #beats = 0;
  #answers = 0;
  #connected = 0;
  #everOn = 0;
  #everConnected = false;
  #everServed = false;
  #losses = 0;
  /** Reason why the last connection was lost. */
  #lastLoss = '';
  /** Number of devices that have tried each of the servers without success. */
  #triedAll = 0;
  #lastFailure = '';
  /** False if a device has reported that nobody answers its beats. */
  #isAnswered = true;

  constructor(size: number, servers: number) {
    this.size = size;
    this.#servers = servers;
  }

  get rows(): readonly DeviceRow[] {
    return [...this.#rows.values()];
  }

  /** Number of devices that are connected now, as the devices see it. */
  get connected(): number {
    return this.#connected;
  }

  add(event: TraceEvent): void {
    if (event.source === 'fault') this.#addFault(event);
    if (event.source === 'server' && event.kind === 'sequence') this.#sequence[event.what] += event.count;
    if (event.source !== 'device') return;
    const row = this.#row(event.device);
    switch (event.kind) {
      case 'boot':
        if (!row.hasBeenOn) this.#everOn++;
        row.hasBeenOn = true;
        this.#enter(row, 'connecting', event.atMs);
        break;
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
        if (row.failures === this.#servers) this.#triedAll++;
        this.#failures.set(event.errno, (this.#failures.get(event.errno) ?? 0) + 1);
        this.#lastFailure = failureText(event.server, event.errno);
        row.last = `could not connect: ${event.errno}`;
        break;
      case 'lost':
        this.#enter(row, 'connecting', event.atMs);
        row.last = `lost by ${event.by}`;
        this.#losses++;
        this.#lastLoss = event.detail === undefined ? event.by : `${event.by}: ${event.detail}`;
        break;
      case 'beat-sent':
        row.beats++;
        break;
      case 'served':
        this.#everServed = true;
        if (event.afterMs !== undefined) row.answers++;
        else this.#isAnswered = false;
        break;
      case 'data-received':
        row.received++;
        break;
      case 'data-sent':
        row.sent++;
        break;
      default:
    }
  }

  #addFault(event: Extract<TraceEvent, { source: 'fault' }>): void {
    if (event.on !== 'device') return;
    const row = this.#row(event.host);
    const { firmware, lasts } = FAULTS[event.fault];
    if (!lasts(event.argument)) return;
    row.faults.set(event.fault, (row.faults.get(event.fault) ?? 0) + (event.kind === 'fault' ? 1 : -1));
    if (event.kind === 'fault' && (firmware === 'off' || firmware === 'dead')) this.#enter(row, 'off', event.atMs);
  }

  /** Whether every device has tried each server without success, and no device was ever connected. */
  get isHopeless(): boolean {
    return !this.#everConnected && this.#triedAll === this.size;
  }

  /** Adds beats that were counted and not reported as events. */
  addBeats({ sent, answered, assumed }: BeatCounts): void {
    this.#beats += sent;
    this.#answers += answered;
    if (answered + assumed > 0) this.#everServed = true;
    if (assumed > 0) this.#isAnswered = false;
  }

  /** Returns the totals. */
  tally(): FleetTally {
    const rows = this.rows;
    const sum = (of: (row: DeviceRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
    return {
      devices: this.size,
      connected: this.#connected,
      connections: sum(({ connections }) => connections),
      beats: this.#beats + sum(({ beats }) => beats),
      answers: this.#answers + sum(({ answers }) => answers),
      received: sum(({ received }) => received),
      sent: sum(({ sent }) => sent),
      neverOn: this.size - this.#everOn,
      failures: [...this.#failures],
      lastFailure: this.#lastFailure,
      losses: this.#losses,
      lastLoss: this.#lastLoss,
      everConnected: this.#everConnected,
      everServed: this.#everServed,
      isAnswered: this.#isAnswered,
      sequence: { ...this.#sequence },
    };
  }

  #enter(row: DeviceRow, state: DeviceRow['state'], atMs: number): void {
    if (row.state === state) return;
    if (row.state === 'connected') this.#connected--;
    if (state === 'connected') this.#connected++;
    row.state = state;
    row.sinceMs = atMs;
  }

  #row(name: string): DeviceRow {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = {
        name,
        state: 'off',
        sinceMs: 0,
        connections: 0,
        failures: 0,
        beats: 0,
        answers: 0,
        received: 0,
        sent: 0,
        hasBeenOn: false,
        faults: new Map(),
        last: '',
      };
      this.#rows.set(name, row);
    }
    return row;
  }
}

/** Returns the totals of two fleets of one run together. */
export function addFleets(one: FleetTally, other: FleetTally): FleetTally {
  const failures = new Map(one.failures);
  for (const [errno, count] of other.failures) failures.set(errno, (failures.get(errno) ?? 0) + count);
  return {
    devices: one.devices + other.devices,
    connected: one.connected + other.connected,
    connections: one.connections + other.connections,
    beats: one.beats + other.beats,
    answers: one.answers + other.answers,
    received: one.received + other.received,
    sent: one.sent + other.sent,
    neverOn: one.neverOn + other.neverOn,
    failures: [...failures].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    lastFailure: other.lastFailure || one.lastFailure,
    losses: one.losses + other.losses,
    lastLoss: other.lastLoss || one.lastLoss,
    everConnected: one.everConnected || other.everConnected,
    everServed: one.everServed || other.everServed,
    isAnswered: one.isAnswered && other.isAnswered,
    sequence: {
      missing: one.sequence.missing + other.sequence.missing,
      late: one.sequence.late + other.sequence.late,
      double: one.sequence.double + other.sequence.double,
    },
  };
}

/** Returns a sentence if no device was ever connected or served; otherwise undefined. */
export function whyNothingServed(
  { everConnected, everServed, lastFailure, losses, lastLoss }: FleetTally, protocol: string,
): string | undefined {
  if (!everConnected) {
    return `no device could connect: ${lastFailure === '' ? `no attempt was finished; ${ASK}` : lastFailure}`;
  }
  if (everServed) return undefined;
  const how =
    losses === 0 ? 'the server answered nothing' : `${counted(losses, 'connection')} lost, the last by ${lastLoss}`;
  const isSilent = protocol === 'heartbeat' && (losses === 0 || lastLoss.startsWith('missed-beats'));
  const hint = isSilent ? ' If the server never answers beats, use --no-answers' : '';
  return `no device was ever served: ${how}; does the server speak the protocol ${protocol}?${hint}`;
}

const ASK = 'is the server running, and is the address correct?';

function failureText(server: string, errno: Errno): string {
  return lookUpProblem(server.replace(/:\d+$/, ''), errno) ?? `${server} gives ${errno}; ${ASK}`;
}

/** Explanations of errors that do not explain themselves. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['EMFILE', 'this process cannot open more files: see ulimit -n'],
  ['EAI_NONAME', 'the name of the server was not found'],
  ['EAI_FAIL', 'no name server answered'],
]);

/** Returns the totals that `--json` prints. */
export function fleetSummary(tally: FleetTally): FleetSummary {
  const { devices, connected, connections, beats, answers, received, sent, neverOn } = tally;
  return { devices, connected, connections, beats, answers, received, sent, neverOn };
}

export function fleetLine(tally: FleetTally): string {
  const { devices, connected, connections, beats, answers, received, sent, neverOn, isAnswered } = tally;
  const { missing, late, double } = tally.sequence;
  const talk = [
    ...(beats > 0 ? [`${beats} beats sent`] : []),
    ...(beats > 0 && isAnswered ? [`${answers} answered`] : []),
    ...(received + sent > 0 ? [`${received} messages received`, `${sent} sent`] : []),
    ...(missing + double === 0 ? [] : [`${missing - late} lost`, `${late} late`, `${double} double`]),
    ...(neverOn > 0 ? [`${neverOn} not switched on yet`] : []),
  ];
  return [`${connected} of ${devices} devices connected, ${connections} connections made`, ...talk].join(', ');
}

/** Returns a sentence for each errno of failed attempts to connect. */
export function failureLines({ failures }: FleetTally): string[] {
  return failures.map(([errno, count]) => {
    const hint = HINTS.get(errno);
    return `${counted(count, 'attempt')} to connect failed: ${errno}${hint === undefined ? '' : ` (${hint})`}`;
  });
}

/** Returns the cells of a device's line in the live table. */
export function deviceCells(row: DeviceRow, nowMs: number): string[] {
  const faults = [...row.faults].filter(([, count]) => count > 0).map(([fault]) => fault);
  return [
    row.name,
    row.state,
    formatSeconds(nowMs - row.sinceMs),
    String(row.beats),
    String(row.answers),
    faults.join(' ') || row.last,
  ];
}
