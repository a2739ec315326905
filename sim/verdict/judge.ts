/** Listens to what becomes of sessions, and judges each fault by it. What the words mean stands in verdict.ts. */

import { formatFault } from '../faults/fault.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import type { OfflineReason } from '../server/events.ts';
import { type FaultEnd, type FaultSpan, isStopped } from '../sessions/fault-span.ts';
import { type DeviceSessions, type Dropped, onlineOf, type Session } from '../sessions/session.ts';
import type { SessionListener, Sessions } from '../sessions/sessions.ts';
import {
  back, type Case, causesOf, type DeviceCases, endCase, goOn, healCuts, stateUnder, stopNoticing, verdictOf, worse,
} from './case.ts';
import type { TraceEvent } from '../trace/trace.ts';
import { PeakCounter } from './peak.ts';
import { type FalseAlarm, type Findings, GIVING_UP, type Verdict } from './verdict.ts';

/** The empty list that most sessions share. */
const NO_CASES: readonly Case[] = [];

export class Judge implements SessionListener {
  readonly #sessions: Sessions;
  readonly #devices = new Map<DeviceSessions, DeviceCases>();
  readonly #cases: Case[] = [];
  readonly #casesOf = new WeakMap<Session, Case[]>();
  /** Somebody has given them up though they were alive: what follows is no second alarm. */
  readonly #givenUp = new WeakSet<Session>();
  /** The lines of all latent faults that ever came. */
  readonly #everLatent = new Set<string>();
  readonly #losses = new Map<string, number>();
  readonly #falseAlarms: FalseAlarm[] = [];
  readonly #reconnects = new PeakCounter();
  readonly #everConnected = new WeakSet<DeviceSessions>();
  #overlappingSessions = 0;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
    sessions.listen(this);
  }

  /** Returns the findings as things stand at `endMs`, by default at the last event. */
  findings(endMs = this.#sessions.lastMs): Findings {
    const { start, end, devices } = this.#sessions;
    return {
      endMs,
      verdicts: this.verdicts(endMs),
      spared: this.#spared(),
      devices: devices.size,
      falseAlarms: this.#falseAlarms,
      overlappingSessions: this.#overlappingSessions,
      unexplainedLosses: this.#losses,
      ghostMs: this.#sessions.ghostMs(endMs),
      peakReconnects: this.#reconnects.peak,
      traffic: end && { bytes: end.bytes, counted: start?.network === 'real' ? 'payload' : 'packets' },
    };
  }

  verdicts(endMs = this.#sessions.lastMs): Verdict[] {
    return this.#cases.map((one) => verdictOf(one, endMs, this.#hasLog));
  }

  /**
   * The last fault that has cut the device: its verdict, as things stand whenever it is asked for. Undefined: none has.
   */
  latestCut(name: string): ((nowMs: number) => Verdict) | undefined {
    const device = this.#sessions.devices.get(name);
    const one = device && this.#devices.get(device)?.latestCut;
    return one && ((nowMs) => verdictOf(one, nowMs, this.#hasLog));
  }

  #spared(): string[] {
    const texts = new Set(this.#everLatent);
    for (const { fault } of this.#cases) texts.delete(fault.text);
    return [...texts];
  }

  // ---- faults ----

  faultCame(fault: FaultSpan): void {
    if (fault.effect === 'latent') {
      this.#everLatent.add(fault.text);
      return;
    }
    const { devices } = this.#sessions;
    if (fault.on === 'device') {
      const device = devices.get(fault.host);
      const session = this.#isVoid(fault) ? undefined : device?.session ?? device?.stopped;
      if (device !== undefined) this.#open(device, session, fault);
      return;
    }
    for (const device of devices.values()) {
      if (device.server !== fault.host) continue;
      const session = device.session ?? device.stopped;
      this.#open(device, session?.online?.server === fault.host ? session : undefined, fault);
    }
  }

  /** On a device without power there is nothing to reset, to hang, or to crash. */
  #isVoid(fault: FaultSpan): boolean {
    const { firmware } = FAULTS[fault.kind];
    const others = this.#sessions.faults.on(fault.host).filter((other) => other !== fault);
    const isOff = others.some(({ kind }) => FAULTS[kind].firmware === 'off');
    return isOff && (fault.kind === 'reset' || firmware === 'hung' || firmware === 'dead');
  }

  #open(sessions: DeviceSessions, session: Session | undefined, fault: FaultSpan): void {
    const { effect, kind, on, fromMs, isMomentary } = fault;
    if (effect === 'latent') return;
    const device = this.#device(sessions);
    const isThere = session !== undefined && session.dropped === undefined;
    const { firmware } = on === 'device' ? FAULTS[kind] : { firmware: 'running' } as const;
    const one: Case = {
      fault, effect, device: sessions.name, session: isThere ? session : undefined, beatsSent: session?.beatsSent ?? 0,
      hadService: sessions.hasConnected,
      firmware,
      server: this.#stateOf(sessions.server),
      heal: effect === 'cuts' ? device.heal : { atMs: undefined },
      deviceNoticed: undefined,
      serverNoticed: undefined,
      logNoticed: undefined,
      backAtMs: undefined,
      survived: false,
    };
    if (isThere) {
      const cases = this.#casesOf.get(session);
      if (cases === undefined) this.#casesOf.set(session, [one]);
      else cases.push(one);
    }
    this.#cases.push(one);
    device.waiting.push(one);
    const isHung = device.open.some((other) => {
      return other.fault.on === 'device' && FAULTS[other.fault.kind].firmware === 'hung';
    });
    if (firmware === 'hung' && !isHung) device.hungSinceMs = fromMs;
    if (!isMomentary) device.open.push(one);
    if (effect === 'cuts') {
      device.heal.atMs = undefined;
      device.latestCut = one;
    }
    const worst = this.#stateOf(sessions.name);
    const { waiting } = device;
    for (let i = waiting.length - 1, other = waiting[i]; other?.fault.fromMs === fromMs; other = waiting[--i]) {
      other.firmware = worse(other.firmware, worst);
      other.server = worse(other.server, one.server);
    }
    if (isStopped(firmware)) stopNoticing(device, firmware);
    healCuts(device, fromMs);
  }

  faultOver(fault: FaultSpan, by: FaultEnd): void {
    const { host, on, kind, toMs: atMs = fault.fromMs } = fault;
    if (on === 'server') {
      for (const device of this.#devices.values()) endCase(device, fault, atMs);
      if (by === 'healed' && this.#stateOf(host) === 'running') this.#serverGoesOn(host);
      return;
    }
    const sessions = this.#sessions.devices.get(host);
    const device = sessions && this.#devices.get(sessions);
    if (device === undefined) return;
    const ended = endCase(device, fault, atMs);
    if (ended === undefined || FAULTS[kind].firmware !== 'hung') return;
    if (by === 'watchdog') ended.deviceNoticed ??= { afterMs: atMs - fault.fromMs, by };
    if (by === 'healed' && this.#stateOf(host) === 'running') goOn(device);
  }

  /** A hung server continues where it stopped, and can notice the faults of others from now on. */
  #serverGoesOn(server: string): void {
    for (const { waiting, sessions } of this.#devices.values()) {
      for (const one of waiting) {
        const isOfServer = (one.session?.online?.server ?? sessions.server) === server;
        if (one.server === 'hung' && one.fault.on === 'device' && isOfServer) one.server = 'running';
      }
    }
  }

  forgotten(session: Session, { at, atMs }: Extract<TraceEvent, { kind: 'forgotten' }>): void {
    const { device } = session;
    if (device === undefined) return;
    // Without a plan: the line that would have done the same.
    const text = this.#sessions.faults.on(at).findLast(({ effect }) => effect === 'latent')?.text ?? formatFault({
      kind: 'nat-timeout', argument: undefined, target: device.name, at: { fromMs: atMs, toMs: atMs }, for: undefined,
      everyMs: undefined,
    });
    this.#open(device, session, {
      id: 0, kind: 'nat-timeout', argument: undefined, effect: 'cuts', tier: 'T3', text,
      host: device.name, on: 'device', fromMs: atMs, forMs: undefined, isMomentary: true, toMs: atMs,
    });
  }

  /** Returns the state that the faults which are not over give the program of this host. */
  #stateOf(host: string | undefined): ReturnType<typeof stateUnder> {
    return host === undefined ? 'running' : stateUnder(this.#sessions.faults.on(host));
  }

  // ---- sessions ----

  taken(session: Session): void {
    const { device, online } = session;
    if (device === undefined || online === undefined) return;
    const isBeside = (other: Session): boolean => other !== session && other.online?.server === online.server;
    this.#overlappingSessions += onlineOf(device).filter(isBeside).length;
    const cases = this.#devices.get(device);
    // A fault on the server that the device has left for this one cuts it off no longer.
    if (cases !== undefined) healCuts(cases, this.#sessions.lastMs);
  }

  left(session: Session): void {
    const { device, left } = session;
    if (device === undefined || left?.by.kind !== 'lost') return;
    const { atMs, by: { by } } = left;
    const causes = causesOf(this.#of(session));
    for (const one of causes) one.deviceNoticed ??= { afterMs: atMs - one.fault.fromMs, by };
    if (causes.length === 0 && !this.#isUntaken(session)) this.#losses.set(by, (this.#losses.get(by) ?? 0) + 1);
    if (session.dropped === undefined) this.#giveUp(session, { atMs, device: device.name, side: 'device', by });
  }

  dropped(session: Session): void {
    const { device, dropped } = session;
    if (device === undefined || dropped === undefined) return;
    const { atMs, by: how } = dropped;
    if (how.kind === 'fault') {
      const { firmware } = FAULTS[how.fault];
      for (const one of this.#of(session)) if (one.backAtMs === undefined) one.server = worse(one.server, firmware);
    }
    const by = noticedBy(dropped);
    if (by === undefined) return;
    for (const one of causesOf(this.#of(session))) one.serverNoticed = { afterMs: atMs - one.fault.fromMs, by };
    // A server that drops a session which the device has already left is right.
    if (session.left === undefined) this.#giveUp(session, { atMs, device: device.name, side: 'server', by });
  }

  traceEvent(event: TraceEvent, session: Session | undefined): void {
    if (event.kind === 'connected') this.#connected(event.device, event.atMs);
    if (event.kind !== 'put-offline' || session === undefined) return;
    for (const one of causesOf(this.#of(session))) {
      one.logNoticed ??= { afterMs: event.atMs - one.fault.fromMs, by: 'log' };
    }
  }

  #connected(name: string, atMs: number): void {
    const device = this.#sessions.devices.get(name);
    if (device === undefined) return;
    if (this.#everConnected.has(device)) this.#reconnects.add(atMs);
    this.#everConnected.add(device);
  }

  get #hasLog(): boolean {
    return this.#sessions.start?.offlineLog !== undefined;
  }

  served(session: Session, atMs: number, sentMs: number | undefined): void {
    const device = session.device && this.#devices.get(session.device);
    if (device !== undefined && device.waiting.length > 0) back(device, session, atMs, sentMs);
  }

  #giveUp(session: Session, alarm: FalseAlarm): void {
    if (!GIVING_UP.has(alarm.by)) return;
    const wasCut = causesOf(this.#of(session)).some(({ effect }) => effect === 'cuts');
    if (!wasCut && !this.#givenUp.has(session) && !this.#isUntaken(session)) this.#falseAlarms.push(alarm);
    this.#givenUp.add(session);
  }

  /** Begun under a fault on a server, whose stack has answered, and whose program never took it. */
  #isUntaken({ online }: Session): boolean {
    const { hearsServer, faults } = this.#sessions;
    return hearsServer && online === undefined && faults.all.some(({ on }) => on === 'server');
  }

  #of(session: Session): readonly Case[] {
    return this.#casesOf.get(session) ?? NO_CASES;
  }

  #device(sessions: DeviceSessions): DeviceCases {
    let device = this.#devices.get(sessions);
    if (device === undefined) {
      device = { sessions, waiting: [], open: [], heal: { atMs: undefined }, hungSinceMs: 0, latestCut: undefined };
      this.#devices.set(sessions, device);
    }
    return device;
  }
}

/** Returns how the server noticed that the session is over; undefined if it did not. */
function noticedBy({ by }: Dropped): string | undefined {
  switch (by.kind) {
    case 'offline': return offlineBy(by.reason);
    case 'hung-up': return by.by;
    case 'fault':
    case 'replaced': return undefined;
  }
}

function offlineBy(reason: OfflineReason): string | undefined {
  switch (reason.kind) {
    case 'error': return reason.errno;
    case 'stopped': return undefined;
    default: return reason.kind;
  }
}
