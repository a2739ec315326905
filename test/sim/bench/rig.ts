/**
 * One device on the bench, in virtual time: the host's network is a loopback host's, watched so that nothing leaves
 * unseen and nothing stays open. The device's firmware is the test itself, and so is the far end.
 */

import { errnoOf, type Errno } from '../../../hal/errno.ts';
import type { Clock } from '../../../hal/clock.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { Network, SocketAddress, StreamHandler, StreamSocket } from '../../../hal/network.ts';
import { Bench } from '../../../sim/bench/bench.ts';
import type { Device } from '../../../sim/device.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';
import { Loopback, type LoopbackHost, type LoopbackOptions } from '../../support/loopback.ts';

export const SERVER: SocketAddress = { address: '10.0.0.2', port: 39_002 };

/** Returns a function that makes clocks, each starting at 0 when it is made. */
export function clocksOf(world: Loopback): () => Clock {
  return () => {
    const startMs = world.now;
    let armed: object | undefined;
    return {
      now: () => world.now - startMs,
      setAlarm(atMs, isr) {
        const alarm = (armed = {});
        world.at(startMs + atMs, () => {
          if (armed !== alarm) return;
          armed = undefined;
          isr();
        });
      },
      clearAlarm() {
        armed = undefined;
      },
    };
  };
}

export class Rig {
  readonly world: Loopback;
  readonly bench: Bench;
  readonly board: Device;
  readonly trace: TraceEvent[] = [];
  readonly serverHost: LoopbackHost;
  /** The HAL of each boot. */
  readonly boots: Hal[] = [];
  /** The far ends, in the order they were accepted. */
  readonly accepted: FarEnd[] = [];
  /** The host's sockets that are open. */
  openSockets = 0;
  /** Traffic that the host sent for a device that must be silent. */
  readonly leaks: string[] = [];
  /** Whether the far ends read the bytes that arrive. */
  serverReads = true;
  /** Whether a box on the way resets connections now. Its resets do not come from the device. */
  #isResetting = false;

  constructor(options: LoopbackOptions = {}, onBoot: (hal: Hal) => void = () => {}) {
    this.world = new Loopback(options);
    this.serverHost = this.world.host(SERVER.address, 'server');
    const host = this.world.host('10.0.0.1', 'bench');
    this.bench = new Bench({
      network: this.#watched(host.hal.network),
      newClock: clocksOf(this.world),
      seed: 1,
      onTrace: (event) => this.trace.push(event),
    });
    this.board = this.bench.addDevice('dev-1', (hal) => {
      this.boots.push(hal);
      onBoot(hal);
    });
    this.board.power.restore();
    this.listen();
  }

  listen(): void {
    const listener = this.serverHost.hal.network.listen(SERVER, 16, {
      listening() {},
      ended() {},
      incoming: () => {
        const far = new FarEnd(this);
        const socket = listener.accept(far);
        if (socket === undefined) return;
        far.socket = socket;
        this.accepted.push(far);
      },
    });
    this.world.advance(0);
  }

  /** The HAL of the present boot. */
  get hal(): Hal {
    const hal = this.boots.at(-1);
    if (hal === undefined) throw new Error('never booted');
    return hal;
  }

  /** The latest far end. */
  get far(): FarEnd {
    const far = this.accepted.at(-1);
    if (far === undefined) throw new Error('nothing was accepted');
    return far;
  }

  stream(): Probe {
    return new Probe(this.world, this.hal);
  }

  /** A connection, and its far end. */
  connect(): [Probe, FarEnd] {
    const probe = this.stream();
    probe.socket.connect(SERVER);
    const count = this.accepted.length;
    this.world.until(() => probe.saw('writable') && this.accepted.length > count, 100);
    return [probe, this.far];
  }

  /** Each time the bench saw a far end to be done. */
  hungUps(): [atMs: number, by: string][] {
    return this.trace.flatMap((event) => (event.source === 'bench' ? [[event.atMs, event.by]] : []));
  }

  resetConnections(): void {
    this.#isResetting = true;
    this.board.resetConnections();
    this.#isResetting = false;
  }

  /** Ends the run. Returns how many sockets of the host are still open, which should be none. */
  stop(): number {
    this.#isResetting = true;
    this.bench.stop();
    return this.openSockets;
  }

  #isSilent(): boolean {
    const isOff = this.board.state === 'off' || this.board.state === 'resetting';
    return !this.#isResetting && (isOff || !this.hal.network.link.carrier);
  }

  #leak(what: string): void {
    if (this.#isSilent()) this.leaks.push(`${what} at ${this.world.now}`);
  }

  #watched(network: Network): Network {
    return {
      ...network,
      link: network.link,
      openStream: (handler) => {
        let isConnected = false;
        let isDead = false;
        let isFinSent = false;
        let isOpen = true;
        this.openSockets++;
        const leave = (what: string): void => {
          if (isOpen) this.openSockets--;
          if (isOpen && isConnected && !isDead && !(what === 'FIN' && isFinSent)) this.#leak(what);
          isOpen = false;
        };
        const socket = network.openStream({
          readable: () => handler.readable(),
          writable() {
            isConnected = true;
            handler.writable();
          },
          ended(reason) {
            isDead = reason !== 'closed';
            handler.ended(reason);
          },
        });
        return {
          get local() { return socket.local; },
          get remote() { return socket.remote; },
          bind: (local) => socket.bind(local),
          connect: (remote) => {
            this.#leak('SYN');
            return socket.connect(remote);
          },
          read: (into) => socket.read(into),
          write: (from) => {
            this.#leak('data');
            return socket.write(from);
          },
          shutdown: () => {
            this.#leak('FIN');
            isFinSent = true;
            return socket.shutdown();
          },
          close() {
            leave('FIN');
            socket.close();
          },
          abort() {
            leave('RST');
            socket.abort();
          },
          setNoDelay: (on) => socket.setNoDelay(on),
          setKeepAlive: (keepAlive) => socket.setKeepAlive(keepAlive),
          setUserTimeout: (timeoutMs) => socket.setUserTimeout(timeoutMs),
        };
      },
    };
  }
}

/** A device's socket whose events are noted, and held against the rules of the HAL. */
export class Probe implements StreamHandler {
  readonly socket: StreamSocket;
  /** `[when, what]` */
  readonly events: [atMs: number, what: string][] = [];
  /** Rules that were broken. */
  readonly violations: string[] = [];
  readonly #world: Loopback;
  #isClosed = false;
  #isOver = false;
  onReadable: () => void = () => {};

  constructor(world: Loopback, hal: Hal) {
    this.#world = world;
    this.socket = hal.network.openStream(this);
  }

  /** After this nothing may come any more. */
  close(): void {
    this.#isClosed = true;
    this.socket.close();
  }

  abort(): void {
    this.#isClosed = true;
    this.socket.abort();
  }

  readable(): void {
    this.#note('readable');
    this.onReadable();
  }

  writable(): void {
    this.#note('writable');
  }

  ended(reason: Errno | 'closed'): void {
    this.#note(reason);
    this.#isOver = true;
  }

  saw(what: string): boolean {
    return this.events.some(([, event]) => event === what);
  }

  /** Returns the time of the latest event of this kind. */
  toldAt(what: string): number | undefined {
    return this.events.findLast(([, event]) => event === what)?.[0];
  }

  /** All that can be read now, and how it ends: an errno, or 0 for the far end's FIN. */
  readAll(): [bytes: number[], end: Errno | 0] {
    const bytes: number[] = [];
    const into = new Uint8Array(1000);
    for (;;) {
      const count = this.socket.read(into);
      if (count <= 0) return [bytes, count === 0 ? 0 : errnoOf(count)];
      bytes.push(...into.subarray(0, count));
    }
  }

  #note(what: string): void {
    if (this.#isClosed) this.violations.push(`${what} after close`);
    // After the far end's FIN there may still be room to write.
    if (this.#isOver && !(what === 'writable' && this.saw('closed'))) {
      this.violations.push(`${what} after the last event`);
    }
    this.events.push([this.#world.now, what]);
  }
}

/** The far end of a connection. */
export class FarEnd implements StreamHandler {
  readonly received: number[] = [];
  /** Time at which bytes last arrived. */
  receivedAtMs: number | undefined;
  over: { readonly atMs: number; readonly reason: Errno | 'closed' } | undefined;
  readonly #rig: Rig;
  #socket: StreamSocket | undefined;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  get socket(): StreamSocket {
    if (this.#socket === undefined) throw new Error('not accepted yet');
    return this.#socket;
  }

  set socket(socket: StreamSocket) {
    this.#socket = socket;
  }

  push(...bytes: number[]): number {
    return this.socket.write(Uint8Array.from(bytes));
  }

  readable(): void {
    if (this.#rig.serverReads) this.read();
  }

  read(): void {
    const into = new Uint8Array(4096);
    for (let count = this.socket.read(into); count > 0; count = this.socket.read(into)) {
      this.received.push(...into.subarray(0, count));
      this.receivedAtMs = this.#rig.world.now;
    }
  }

  writable(): void {}

  ended(reason: Errno | 'closed'): void {
    this.over = { atMs: this.#rig.world.now, reason };
  }
}

/** `count` bytes that tell where they stand. */
export function pattern(count: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (from + i) % 251);
}
