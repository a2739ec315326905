/**
 * Several HALs in one process, in virtual time, with no sockets: for tests of firmware and of servers.
 *
 *     const world = new Loopback();
 *     const device = world.host('10.0.0.1', 'dev-1');
 *     device.hal.network.openStream(...);
 *     world.advance(5_000);
 *
 * It keeps the HAL contract, and of TCP only what an application can see: order, a bounded window, FIN, RST,
 * keepalive, the give-up of retransmission. There are no segments: what a pulled cable holds up flows on the
 * moment it is back, and an acknowledgement takes no time.
 */

import type { Errno } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { Capabilities, Network, SocketAddress } from '../../hal/network.ts';
import { checkStorageKey, checkStorageValue, type Storage } from '../../hal/storage.ts';
import type { PanicReport, ResetReason } from '../../hal/system.ts';
import { Datagram, isAddress, Listener, Stream } from './loopback-sockets.ts';

export interface LoopbackOptions {
  /** Delay of one direction, between any two hosts. Default 1. */
  readonly latencyMs?: number;
  /** Bytes that a connection holds in one direction, sent but not read. Default 65536. */
  readonly bufferBytes?: number;
  /** Time after which `connect` into a black hole ends with ETIMEDOUT. Default 127000, as Linux's six SYN retries. */
  readonly connectTimeoutMs?: number;
  /** Seed of every host's random numbers, together with the device's id. Default 1. */
  readonly seed?: number;
}

/** More events than this at one instant count as a loop that never lets time pass. */
const EVENTS_PER_INSTANT_MAX = 10_000_000;
const EVERYTHING: Capabilities = {
  keepAlive: 'full', userTimeout: true, reset: true, errorReason: true, halfClose: true,
  ipv6: true, listen: true, datagram: true, carrier: true,
};

/** The world: its clock, its events, its hosts. */
export class Loopback {
  /** Virtual time in ms. */
  now = 0;
  /** Names that `lookup` knows, on every host. */
  readonly names = new Map<string, readonly string[]>();
  readonly options: Required<LoopbackOptions>;
  readonly #hosts = new Map<string, LoopbackHost>();
  readonly #events = new EventHeap();
  #eventsThisInstant = 0;

  constructor(options: LoopbackOptions = {}) {
    this.options = { latencyMs: 1, bufferBytes: 65_536, connectTimeoutMs: 127_000, seed: 1, ...options };
  }

  /** A new host, powered and plugged in. `capabilities` says what its port lacks; by default nothing. */
  host(address: string, deviceId = address, capabilities: Partial<Capabilities> = {}): LoopbackHost {
    if (this.#hosts.has(address)) throw new Error(`there is already a host at ${address}`);
    const host = new LoopbackHost(this, address, deviceId, { ...EVERYTHING, ...capabilities });
    this.#hosts.set(address, host);
    return host;
  }

  /** Runs everything that is due within `ms`, in the order of time, then of insertion. */
  advance(ms: number): void {
    const endMs = this.now + ms;
    while (this.#step(endMs)) { /* the next event */ }
    this.now = endMs;
  }

  /** Runs until `condition` holds. Returns the time then. Throws if that takes longer than `limitMs`. */
  until(condition: () => boolean, limitMs: number): number {
    const endMs = this.now + limitMs;
    while (!condition()) {
      if (!this.#step(endMs)) throw new Error(`still not so after ${limitMs} ms: ${condition.toString()}`);
    }
    return this.now;
  }

  /** Schedules `run`; for tests that do something at a given time. */
  at(atMs: number, run: () => void): void {
    this.#events.add(Math.max(atMs, this.now), run);
  }

  #step(endMs: number): boolean {
    const event = this.#events.takeUntil(endMs);
    if (event === undefined) return false;
    if (event.atMs > this.now) this.#eventsThisInstant = 0;
    if (++this.#eventsThisInstant > EVENTS_PER_INSTANT_MAX) throw new Error(`time stands still at ${this.now} ms`);
    this.now = event.atMs;
    event.run();
    return true;
  }

  /** @internal Puts one packet on the wire. A packet to an unknown address is lost. */
  send(from: Boot, toAddress: string, deliver: (to: Boot) => void): void {
    if (!from.running) return;
    if (from.host.cable === 'out') {
      from.host.held.push(() => this.send(from, toAddress, deliver));
      return;
    }
    const to = this.#hosts.get(toAddress);
    if (to !== undefined) this.at(this.now + this.options.latencyMs, () => this.#arrive(to, deliver));
  }

  #arrive(to: LoopbackHost, deliver: (to: Boot) => void): void {
    // An arrival is an interrupt: it waits until everything that the host had to send is on the wire.
    if (to.cable === 'out') to.held.push(() => this.at(this.now, () => this.#arrive(to, deliver)));
    else if (to.powered) deliver(to.current);
  }
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap: the first of `#events` is due before all others, each before the two at twice its index. */
class EventHeap {
  readonly #events: Event[] = [];
  #added = 0;

  add(atMs: number, run: () => void): void {
    const event = { atMs, order: ++this.#added, run };
    let index = this.#events.length;
    while (index > 0) {
      const parentIndex = (index - 1) >>> 1;
      const parent = this.#events[parentIndex];
      if (parent === undefined || isBefore(parent, event)) break;
      this.#events[index] = parent;
      index = parentIndex;
    }
    this.#events[index] = event;
  }

  /** Takes the next event, unless it is due after `endMs`. */
  takeUntil(endMs: number): Event | undefined {
    const first = this.#events[0];
    if (first === undefined || first.atMs > endMs) return undefined;
    const last = this.#events.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(event: Event): void {
    for (let index = 0; ;) {
      const [left, right] = [this.#events[2 * index + 1], this.#events[2 * index + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(event, child)) {
        this.#events[index] = event;
        return;
      }
      this.#events[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** A device or a server machine: what outlives its boots. */
export class LoopbackHost {
  /** Lines on the host's console, over all boots. */
  readonly lines: string[] = [];
  /** All resets that the host made by itself. */
  readonly resets: { readonly atMs: number; readonly reason: ResetReason; readonly panic?: PanicReport }[] = [];
  /** Called at each boot after the first, with the new HAL. A test starts its firmware again here. */
  onBoot: ((hal: Hal) => void) | undefined;
  /** @internal Packets that wait for the cable. */
  readonly held: (() => void)[] = [];
  /** @internal */
  readonly flash = new Map<string, Uint8Array>();
  /** @internal */
  current: Boot;
  /** @internal Not reset by a boot, so that a new connection is never taken for an old one. */
  nextPort = 49_152;
  readonly world: Loopback;
  readonly address: string;
  readonly deviceId: string;
  readonly capabilities: Capabilities;
  #cable: 'in' | 'out' = 'in';

  constructor(world: Loopback, address: string, deviceId: string, capabilities: Capabilities) {
    this.world = world;
    this.address = address;
    this.deviceId = deviceId;
    this.capabilities = capabilities;
    this.current = new Boot(this, 'power-on');
  }

  /** The HAL of the current boot. */
  get hal(): Hal {
    return this.current.hal;
  }

  get powered(): boolean {
    return this.current.running;
  }

  get cable(): 'in' | 'out' {
    return this.#cable;
  }

  /** While it is out, everything to and from the host waits, and nobody is told but its own link. */
  set cable(cable: 'in' | 'out') {
    if (cable === this.#cable) return;
    this.#cable = cable;
    if (this.capabilities.carrier) this.current.interrupt(() => this.current.linkIsr?.(cable === 'in'));
    if (cable === 'in') for (const flow of this.held.splice(0)) flow();
  }

  /** Cuts the power: the firmware stops where it is, nothing more is sent, and what was not committed is lost. */
  vanish(): void {
    this.current.running = false;
    this.held.length = 0;
  }

  /** Restores the power: a new boot with a new `hal`. The host answers packets of old connections with RST. */
  boot(resetReason: ResetReason = 'power-on'): void {
    this.vanish();
    const boot = new Boot(this, resetReason);
    this.current = boot;
    boot.interrupt(() => this.onBoot?.(boot.hal));
  }

  /** @internal */
  reset(reason: ResetReason, panic?: PanicReport): void {
    this.resets.push({ atMs: this.world.now, reason, ...(panic && { panic }) });
    this.boot(reason);
  }
}

/** @internal One boot of a host: everything that a reset takes away. */
export class Boot {
  running = true;
  linkIsr: ((carrier: boolean) => void) | undefined;
  readonly listeners = new Map<number, Listener>();
  readonly datagrams = new Map<number, Datagram>();
  /** The local port and the peer of each connection. */
  readonly connections = new Set<string>();
  readonly hal: Hal;
  readonly host: LoopbackHost;
  readonly world: Loopback;
  readonly #startedAtMs: number;
  #alarm: object | undefined;
  #watchdog: object | undefined;

  constructor(host: LoopbackHost, resetReason: ResetReason) {
    this.host = host;
    this.world = host.world;
    this.#startedAtMs = host.world.now;
    this.hal = {
      clock: {
        now: () => this.world.now - this.#startedAtMs,
        setAlarm: (atMs, isr) => { this.#alarm = this.#after(atMs, (armed) => { if (armed === this.#alarm) isr(); }); },
        clearAlarm: () => { this.#alarm = undefined; },
      },
      network: this.#network(),
      storage: flashStorage(host.flash),
      random: { uint32: mulberry32(host.world.options.seed, host.deviceId) },
      console: { print: (line) => { if (this.running) host.lines.push(line); } },
      system: {
        deviceId: host.deviceId,
        resetReason,
        restart: (reason) => { if (this.running) host.reset(reason); },
        panic: (report) => { if (this.running) host.reset('panic', report); },
        armWatchdog: (timeoutMs) => {
          const bite = (armed: object) => { if (armed === this.#watchdog) host.reset('watchdog'); };
          this.#watchdog = this.#after(this.hal.clock.now() + timeoutMs, bite);
          return true;
        },
      },
    };
  }

  /** Calls `isr` when no firmware code is running, if this boot still lives then. */
  interrupt(isr: () => void): void {
    this.world.at(this.world.now, () => { if (this.running) isr(); });
  }

  #after(atMs: number, isr: (armed: object) => void): object {
    const armed = {};
    this.world.at(this.#startedAtMs + atMs, () => { if (this.running) isr(armed); });
    return armed;
  }

  #network(): Network {
    const { host } = this;
    const carrier = () => host.cable === 'in' || !host.capabilities.carrier;
    return {
      capabilities: host.capabilities,
      link: { get carrier() { return carrier(); }, watch: (isr) => { this.linkIsr = isr; } },
      openStream: (handler) => new Stream(this, handler),
      listen: (local, backlog, handler) => new Listener(this, local, backlog, handler),
      openDatagram: (local, handler) => new Datagram(this, local, handler),
      lookup: (name, done) => {
        let wanted = true;
        const found = /^[\d.]+$|:/.test(name) ? [name] : this.world.names.get(name) ?? 'EAI_NONAME';
        this.interrupt(() => { if (wanted) done(found); });
        return { cancel: () => { wanted = false; } };
      },
    };
  }

  /** Binds to `local`. Returns the address with its port, or the reason why it cannot. */
  claim(local: SocketAddress, taken: { has(port: number): boolean }): SocketAddress | Errno {
    if (!isAddress(local, 0)) return 'EINVAL';
    if (!['0.0.0.0', '::', this.host.address].includes(local.address)) return 'EADDRNOTAVAIL';
    if (local.port !== 0) return taken.has(local.port) ? 'EADDRINUSE' : local;
    return { address: local.address, port: this.freePort() };
  }

  freePort(): number {
    return this.host.nextPort < 65_535 ? this.host.nextPort++ : (this.host.nextPort = 49_152);
  }
}


function flashStorage(flash: Map<string, Uint8Array>): Storage {
  const changes = new Map<string, Uint8Array | undefined>();
  const checked = (key: string): string => {
    checkStorageKey(key);
    return key;
  };
  return {
    get: (key) => (changes.has(checked(key)) ? changes.get(key) : flash.get(key))?.slice(),
    set: (key, value) => {
      checkStorageValue(key, value);
      changes.set(checked(key), value.slice());
    },
    delete: (key) => { changes.set(checked(key), undefined); },
    commit: () => {
      for (const [key, value] of changes) {
        if (value === undefined) flash.delete(key);
        else flash.set(key, value);
      }
      changes.clear();
      return 0;
    },
  };
}

/** Mulberry32, started from FNV-1a over the device's id. */
function mulberry32(seed: number, deviceId: string): () => number {
  let state = seed ^ 0x811c9dc5;
  for (let i = 0; i < deviceId.length; i++) state = Math.imul(state ^ deviceId.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
