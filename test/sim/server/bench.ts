/** A server on a loopback host, and clients that say what the test tells them to. */

import { BEAT } from '../../../firmware/protocols/heartbeat/frame.ts';
import type { Errno } from '../../../hal/errno.ts';
import type { StreamHandler, StreamSocket } from '../../../hal/network.ts';
import { describeReason, type ServerEvent } from '../../../sim/server/events.ts';
import { startServer, type ReferenceServer } from '../../../sim/server/server.ts';
import type { ServerOptions } from '../../../sim/server/settings.ts';
import { Loopback, type LoopbackHost, type LoopbackOptions } from '../../support/loopback.ts';

const SERVER = { address: '10.0.0.2', port: 39_002 };

export class Bench {
  readonly world: Loopback;
  readonly server: ReferenceServer;
  readonly serverHost: LoopbackHost;
  readonly events: ServerEvent[] = [];
  onEvent: ((event: ServerEvent) => void) | undefined;
  readonly #deviceHost: LoopbackHost;
  #clients = 0;

  constructor(options: ServerOptions, loopback: LoopbackOptions = {}) {
    this.world = new Loopback(loopback);
    this.serverHost = this.world.host(SERVER.address, 'server');
    this.#deviceHost = this.world.host('10.0.0.1', 'devices');
    this.server = startServer(this.serverHost.hal, { local: SERVER, ...options }, (event) => {
      this.events.push(event);
      this.onEvent?.(event);
    });
    this.world.advance(0);
  }

  /** A client that is connected: accepted by the server, which is why this takes 2 ms. Numbered as the server does. */
  client(host = this.#deviceHost): Client {
    const client = new Client(this.world, host, ++this.#clients);
    this.world.advance(2);
    return client;
  }

  /** Clients that connect at one instant, or, so that a backlog can hold them, a thousand in a millisecond. */
  clients(count: number): Client[] {
    const clients: Client[] = [];
    while (clients.length < count) {
      if (clients.length > 0 && clients.length % 1000 === 0) this.world.advance(1);
      clients.push(new Client(this.world, this.#deviceHost, ++this.#clients));
    }
    this.world.advance(2);
    return clients;
  }

  /** Each client that went offline: `[client, when, why]`. */
  offline(): [client: number, atMs: number, why: string][] {
    return this.events.flatMap((event) =>
      event.kind === 'offline' ? [[event.client, event.atMs, describeReason(event.reason)]] : [],
    );
  }
}

export class Client implements StreamHandler {
  readonly id: number;
  readonly socket: StreamSocket;
  readonly received: number[] = [];
  ending: Errno | 'closed' | undefined;
  /** Whether the client reads the bytes that arrive. */
  reads = true;
  beatsSent = 0;
  readonly #world: Loopback;

  constructor(world: Loopback, host: LoopbackHost, id: number) {
    this.id = id;
    this.#world = world;
    this.socket = host.hal.network.openStream(this);
    this.socket.connect(SERVER);
  }

  readable(): void {
    const into = new Uint8Array(4096);
    for (let count = 1; this.reads && count > 0;) {
      count = this.socket.read(into);
      if (count > 0) this.received.push(...into.subarray(0, count));
    }
  }

  writable(): void { /* what a test sends always fits */ }

  ended(reason: Errno | 'closed'): void {
    this.ending = reason;
  }

  /** Sends bytes; gives how many were taken. */
  send(...bytes: number[]): number {
    return this.socket.write(Uint8Array.from(bytes));
  }

  text(text: string): void {
    this.socket.write(new TextEncoder().encode(text));
  }

  beat(): void {
    if (this.socket.write(BEAT) === BEAT.length) this.beatsSent++;
  }

  /** Beats at `firstMs`, and then every `intervalMs`, without end. */
  beatEvery(intervalMs: number, firstMs = this.#world.now): this {
    this.#world.at(firstMs, () => {
      this.beat();
      if (this.ending === undefined) this.beatEvery(intervalMs, firstMs + intervalMs);
    });
    return this;
  }
}
