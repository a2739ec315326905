/** Listens to the trace of a run, and keeps of it what the invariants are about. */

import type { SocketAddress } from '../../hal/network.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import { SERVER_NAME } from '../programs.ts';
import { Ends } from '../verdict/ends.ts';
import type { TraceEvent } from '../verdict/trace.ts';
import type { DeviceFacts, FaultSpan, Session } from './observation.ts';

/** Of whom nobody has the address. */
export const NOBODY = '?';

export class Recorder {
  readonly faults: FaultSpan[] = [];
  readonly sessions: Session[] = [];
  readonly traceProblems: string[] = [];
  readonly #faultsById = new Map<number, FaultSpan>();
  readonly #devices = new Map<string, { servedMs: number[]; attemptsMs: number[]; isConnected: boolean }>();
  /** Those that are on line, by the server's number for them. */
  readonly #onLine = new Map<number, Session>();
  readonly #ends = new Ends();
  readonly #nameOf: (address: string) => string | undefined;
  #lastMs = 0;

  /** `nameOf` knows the hosts by their addresses. */
  constructor(nameOf: (address: string) => string | undefined) {
    this.#nameOf = nameOf;
  }

  add(event: TraceEvent): void {
    const { atMs } = event;
    if (!(atMs >= this.#lastMs)) this.traceProblems.push(`the trace goes back in time, from ${this.#lastMs} ms to ${atMs} ms, at ${event.kind}`);
    this.#lastMs = atMs;
    switch (event.source) {
      case 'fault':
        if (event.kind === 'fault') this.#begin(event);
        else this.#heal(event);
        break;
      case 'device':
        this.#addDeviceEvent(event);
        break;
      case 'server':
        this.#addServerEvent(event);
        break;
      case 'link':
        if (event.kind === 'mapped') this.#ends.add(event);
        break;
      case 'run':
      case 'bench':
        break;
    }
  }

  device(name: string): DeviceFacts {
    return { name, ...this.#device(name) };
  }

  /** An end as the host itself knows it, that somebody else sees by what a NAT box made of it. */
  insideOf(end: SocketAddress): SocketAddress {
    return this.#ends.insideOf(end);
  }

  /** Whose end it is. */
  nameOf(end: SocketAddress): string {
    return this.#nameOf(this.insideOf(end).address) ?? NOBODY;
  }

  #device(name: string): { servedMs: number[]; attemptsMs: number[]; isConnected: boolean } {
    let device = this.#devices.get(name);
    if (device === undefined) this.#devices.set(name, (device = { servedMs: [], attemptsMs: [], isConnected: false }));
    return device;
  }

  #begin({ id, fault, argument, host, text, atMs }: Extract<TraceEvent, { source: 'fault' }>): void {
    const { lasts, firmware } = FAULTS[fault];
    const span: FaultSpan = { kind: fault, argument, host, text, fromMs: atMs, toMs: lasts(argument) ? undefined : atMs };
    this.faults.push(span);
    this.#faultsById.set(id, span);
    // A server that is without power, or dead, says no more of whom it had.
    if (host === SERVER_NAME && (firmware === 'off' || firmware === 'dead')) this.#serverIsGone(atMs);
  }

  #heal({ id, atMs, text }: Extract<TraceEvent, { source: 'fault' }>): void {
    const span = this.#faultsById.get(id);
    if (span === undefined) this.traceProblems.push(`${text} was healed at ${atMs} ms, and had not come`);
    else span.toMs = atMs;
  }

  #addDeviceEvent(event: Extract<TraceEvent, { source: 'device' }>): void {
    const device = this.#device(event.device);
    switch (event.kind) {
      case 'boot':
        device.isConnected = false;
        break;
      case 'connecting':
        device.attemptsMs.push(event.atMs);
        break;
      case 'connected':
        device.isConnected = true;
        break;
      case 'lost':
        device.isConnected = false;
        break;
      case 'served':
        device.servedMs.push(event.atMs);
        break;
      default:
    }
  }

  #addServerEvent(event: Extract<TraceEvent, { source: 'server' }>): void {
    switch (event.kind) {
      case 'online': {
        const session: Session = { device: this.nameOf(event.peer), heardMs: [event.atMs], overMs: undefined };
        this.sessions.push(session);
        this.#onLine.set(event.client, session);
        break;
      }
      case 'beat':
        this.#onLine.get(event.client)?.heardMs.push(event.atMs);
        break;
      case 'offline': {
        const session = this.#onLine.get(event.client);
        if (session === undefined) this.traceProblems.push(`the server has client ${event.client} off line at ${event.atMs} ms, who was not on line`);
        else session.overMs = event.atMs;
        this.#onLine.delete(event.client);
        break;
      }
      default:
    }
  }

  #serverIsGone(atMs: number): void {
    for (const session of this.#onLine.values()) session.overMs = atMs;
    this.#onLine.clear();
  }
}
