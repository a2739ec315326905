/** A device with firmware on the loopback HAL, and a server that this side of the test writes byte by byte. */

import { boot } from '../../firmware/boot.ts';
import { type FirmwareConfig, firmwareImage } from '../../firmware/config.ts';
import type { DeviceEvent } from '../../firmware/events.ts';
import type { Kernel } from '../../firmware/rtos/kernel.ts';
import { errnoOf, type Errno } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { Capabilities, KeepAlive, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { Loopback, type LoopbackHost, type LoopbackOptions } from '../support/loopback.ts';

export const SERVER = '10.0.0.2';
export const PORT = 39_002;

/** Every server of these tests, unless a test says otherwise. */
export const servers = [{ host: SERVER, port: PORT }];

/** One connection, as a server sees it. */
export class Served implements StreamHandler {
  readonly acceptedAtMs: number;
  /** All bytes that were read. */
  readonly received: number[] = [];
  /** Pieces of `received`, each with the time at which it was read. */
  readonly arrivals: { readonly atMs: number; readonly bytes: readonly number[] }[] = [];
  over: { readonly atMs: number; readonly reason: Errno | 'closed' } | undefined;
  readonly #peer: Peer;
  readonly #unsent: number[] = [];
  #socket: StreamSocket | undefined;

  constructor(peer: Peer) {
    this.#peer = peer;
    this.acceptedAtMs = peer.world.now;
  }

  get socket(): StreamSocket {
    if (this.#socket === undefined) throw new Error('not accepted yet');
    return this.#socket;
  }

  set socket(socket: StreamSocket) {
    this.#socket = socket;
  }

  readable(): void {
    if (this.#peer.reads) this.read();
  }

  writable(): void {
    this.send([]);
  }

  ended(reason: Errno | 'closed'): void {
    this.over = { atMs: this.#peer.world.now, reason };
  }

  /** Reads what is there, `limit` bytes at most. */
  read(limit = Infinity): void {
    const into = new Uint8Array(4096);
    for (let total = 0; total < limit; ) {
      const count = this.socket.read(into.subarray(0, Math.min(into.length, limit - total)));
      if (count <= 0) return;
      total += count;
      const bytes = [...into.subarray(0, count)];
      this.received.push(...bytes);
      this.arrivals.push({ atMs: this.#peer.world.now, bytes });
      this.#peer.onBytes?.(bytes, this);
    }
  }

  /** Sends, as soon as there is room. */
  send(bytes: Iterable<number>): void {
    this.#unsent.push(...bytes);
    const sent = this.socket.write(Uint8Array.from(this.#unsent));
    if (sent > 0) this.#unsent.splice(0, sent);
  }
}

/** A server by hand. */
export class Peer {
  readonly world: Loopback;
  readonly connections: Served[] = [];
  /** Reads as soon as something comes; switched off, it reads nothing until told. */
  reads = true;
  onAccept: ((served: Served) => void) | undefined;
  onBytes: ((bytes: readonly number[], served: Served) => void) | undefined;

  constructor(host: LoopbackHost, port = PORT) {
    this.world = host.world;
    const listener = host.hal.network.listen({ address: '0.0.0.0', port }, 8, {
      listening() { /* at once */ },
      incoming: () => {
        const served = new Served(this);
        const socket = listener.accept(served);
        if (socket === undefined) throw new Error('nobody waits to be accepted');
        served.socket = socket;
        this.connections.push(served);
        this.onAccept?.(served);
      },
      ended(reason) { throw new Error(`the server of the test ended: ${reason}`); },
    });
  }

  get last(): Served {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('nobody has connected');
    return last;
  }
}

export type Alter = (hal: Hal) => Hal;

export type TimedEvent = DeviceEvent & { readonly atMs: number };

/** A device that runs the firmware, from each boot on, and writes down what it tells. */
export class Device {
  readonly host: LoopbackHost;
  readonly events: TimedEvent[] = [];
  /** Sockets that were opened and neither closed nor aborted, on this boot. */
  readonly open = new Set<StreamSocket>();
  readonly keepAlives: (KeepAlive | 'off')[] = [];
  os: Kernel | undefined;

  /** `alter` changes the HAL of the device. */
  constructor(
    world: Loopback,
    config: FirmwareConfig,
    capabilities: Partial<Capabilities> = {},
    alter: Alter = (hal) => hal,
  ) {
    this.host = world.host('10.0.0.1', 'dev-1', capabilities);
    const image = firmwareImage(config);
    const start = (hal: Hal) => {
      this.open.clear();
      this.os = boot(this.#counted(alter(hal)), image, (event) => this.events.push({ ...event, atMs: world.now }));
    };
    this.host.onBoot = start;
    start(this.host.hal);
  }

  /** The events of one kind. */
  all<K extends DeviceEvent['kind']>(kind: K): Extract<TimedEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<TimedEvent, { kind: K }> => event.kind === kind);
  }

  last<K extends DeviceEvent['kind']>(kind: K): Extract<TimedEvent, { kind: K }> {
    const last = this.all(kind).at(-1);
    if (last === undefined) throw new Error(`there is no ${kind} event`);
    return last;
  }

  times(kind: DeviceEvent['kind']): number[] {
    return this.all(kind).map((event) => event.atMs);
  }

  #counted(hal: Hal): Hal {
    const openStream = (handler: StreamHandler): StreamSocket => {
      const socket = hal.network.openStream(handler);
      const { close, abort, setKeepAlive } = socket;
      this.open.add(socket);
      return Object.assign(socket, {
        close: () => {
          this.open.delete(socket);
          close.call(socket);
        },
        abort: () => {
          this.open.delete(socket);
          abort.call(socket);
        },
        setKeepAlive: (keepAlive: KeepAlive | 'off') => {
          this.keepAlives.push(keepAlive);
          return setKeepAlive.call(socket, keepAlive);
        },
      });
    };
    return { ...hal, network: { ...hal.network, openStream } };
  }
}

/** One device and one server host; the server listens when the test makes a `Peer`. */
export function rig(
  config: FirmwareConfig,
  options?: LoopbackOptions,
  capabilities?: Partial<Capabilities>,
  alter?: Alter,
) {
  const world = new Loopback(options);
  const server = world.host(SERVER, 'server');
  return { world, server, start: () => new Device(world, config, capabilities, alter) };
}

/** A rig with a server that listens and a device that is connected. */
export function connected(config: FirmwareConfig, options?: LoopbackOptions, capabilities?: Partial<Capabilities>) {
  const { world, server, start } = rig(config, options, capabilities);
  const peer = new Peer(server);
  const device = start();
  world.until(() => device.all('connected').length === 1, 10_000);
  return { world, server, peer, device };
}

export const text = (characters: string): number[] => [...new TextEncoder().encode(characters)];
export const nameOf = (result: number): number | Errno => (result < 0 ? errnoOf(result) : result);
