/**
 * One server speaks several protocols at several ports, over connections and datagrams; its services and clients have
 * deadlines.
 */

import { describe, expect, it } from 'vitest';
import { DEVICE_PROTOCOLS } from '../../../firmware/index.ts';
import type { DatagramSocket } from '../../../hal/network.ts';
import { describeReason, type ServerEvent } from '../../../sim/server/events.ts';
import type { Client, ClientHandler, Protocol, Service, ServiceHost } from '../../../sim/server/protocols/protocol.ts';
import { type ReferenceServer, startServer } from '../../../sim/server/server.ts';
import type { ServerOptions } from '../../../sim/server/settings.ts';
import { Loopback, type LoopbackHost } from '../../support/loopback.ts';

const ADDRESS = '10.0.0.2';
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A protocol of a test's own, over `transport`. */
function protocol(transport: 'stream' | 'datagram', serve: (host: ServiceHost) => Service): Protocol {
  return {
    device: DEVICE_PROTOCOLS.echo,
    server: { transport, liveness: { policy: 'none' }, defaults: {}, serve: (_, host) => serve(host) },
  };
}

class Served {
  readonly world = new Loopback();
  readonly clients: LoopbackHost = this.world.host('10.0.0.1');
  readonly events: ServerEvent[] = [];
  readonly server: ReferenceServer;

  constructor(options: ServerOptions | readonly ServerOptions[]) {
    this.server = startServer(this.world.host(ADDRESS).hal, options, (event) => this.events.push(event));
    this.world.advance(1);
  }

  /** Connects to a port; gives what sends, and what has come. */
  connect(port: number): { send(bytes: Uint8Array): void; readonly received: number[]; readonly over: string[] } {
    const [received, over]: [number[], string[]] = [[], []];
    const socket = this.clients.hal.network.openStream({
      readable() {
        const into = new Uint8Array(100);
        for (let count = socket.read(into); count > 0; count = socket.read(into)) {
          received.push(...into.subarray(0, count));
        }
      },
      writable() {},
      ended: (reason) => over.push(reason),
    });
    socket.connect({ address: ADDRESS, port });
    this.world.advance(5);
    return { send: (bytes) => void socket.write(bytes), received, over };
  }

  datagrams(): { readonly socket: DatagramSocket; readonly received: string[] } {
    const received: string[] = [];
    const socket = this.clients.hal.network.openDatagram({ address: '10.0.0.1', port: 0 }, {
      bound() {},
      readable() {
        const into = new Uint8Array(100);
        for (let count = socket.receive(into); count >= 0; count = socket.receive(into)) {
          received.push(new TextDecoder().decode(into.subarray(0, count)));
        }
      },
      ended() {},
    });
    this.world.advance(5);
    return { socket, received };
  }

  offline(): [client: number, atMs: number, why: string][] {
    return this.events.flatMap((event) =>
      event.kind === 'offline' ? [[event.client, event.atMs, describeReason(event.reason)]] : [],
    );
  }
}

describe('a server with two protocols', () => {
  const both = (): Served =>
    new Served([
      { local: { address: ADDRESS, port: 1000 } },
      {
        local: { address: ADDRESS, port: 2000 },
        protocol: { kind: 'echo', lineIntervalMs: 60_000 },
        liveness: { policy: 'none' },
      },
    ]);

  it('speaks each at its port, and numbers the clients of both in one row', () => {
    const served = both();
    expect(served.events).toMatchObject([
      { kind: 'listening', local: { port: 1000 } },
      { kind: 'listening', local: { port: 2000 } },
    ]);
    const [beats, echo] = [served.connect(1000), served.connect(2000)];
    beats.send(new Uint8Array(8));
    served.world.advance(5);
    expect(beats.received).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(echo.received).toEqual([...text('are you there?\n')]);
    expect(served.server.clients().map(({ client }) => client)).toEqual([1, 2]);
    expect(served.server.local?.port).toBe(1000);
  });

  it('keeps the liveness of each: one alarm of the clock serves both', () => {
    const served = both();
    served.connect(1000);
    served.connect(2000);
    served.world.advance(60_000);
    expect(served.offline().map(([client, , why]) => [client, why])).toEqual([
      [1, 'no valid frame within 10.0 s'],
      [2, 'no valid frame within 10.0 s'],
    ]);
  });

  it('stops as one', () => {
    const served = both();
    const ends = [served.connect(1000), served.connect(2000)];
    served.server.stop();
    served.server.stop();
    served.world.advance(10);
    expect(ends.map(({ over }) => over)).toEqual([['closed'], ['closed']]);
    expect(served.offline().map(([, , why]) => why)).toEqual(['the server was stopped', 'the server was stopped']);
  });
});

describe('deadlines', () => {
  it('of a client come when they are due, move as they are told, and are over with it', () => {
    const due: [number, number][] = [];
    const served = new Served({
      local: { address: ADDRESS, port: 1000 },
      protocol: {
        kind: protocol('stream', (host) => ({
          open: (client) => ({
            begin: () => client.setDeadline(host.now() + 100),
            received(bytes) {
              client.frame(true);
              client.setDeadline(host.now() + (bytes[0] ?? 0));
              return undefined;
            },
            due() {
              due.push([client.id, host.now()]);
              client.drop('it said nothing');
            },
          }),
        })),
      },
    });
    const [late, early, gone] = [served.connect(1000), served.connect(1000), served.connect(1000)];
    // The three came at 2, 7 and 12 ms, and it is 16 ms.
    served.world.at(50, () => late.send(Uint8Array.of(200)));
    served.world.at(60, () => early.send(Uint8Array.of(10)));
    served.world.at(70, () => gone.send(Uint8Array.of(250)));
    served.world.advance(1000);
    expect(due).toEqual([[2, 71], [1, 251], [3, 321]]);
    expect(served.offline()).toEqual([
      [2, 71, 'it said nothing'],
      [1, 251, 'it said nothing'],
      [3, 321, 'it said nothing'],
    ]);
    expect([late, early, gone].map(({ over }) => over)).toEqual([['closed'], ['closed'], ['closed']]);
  });

  it('of a service outlive its clients', () => {
    const due: number[] = [];
    const served = new Served({
      local: { address: ADDRESS, port: 1000 },
      protocol: {
        kind: protocol('stream', (host) => ({
          open: (client) => ({
            received: () => undefined,
            begin: () => client.drop('nobody is wanted'),
            ended: () => host.setDeadline(host.now() + 500),
          }),
          due: () => due.push(host.now()),
        })),
      },
    });
    served.connect(1000);
    served.world.advance(2000);
    expect(served.offline()).toEqual([[1, 2, 'nobody is wanted']]);
    expect(due).toEqual([502]);
  });
});

it('a service reaches its other clients: what one sends, all have', () => {
  const all = new Set<Client>();
  const served = new Served({
    local: { address: ADDRESS, port: 1000 },
    protocol: {
      kind: protocol('stream', () => ({
        open(client): ClientHandler {
          all.add(client);
          return {
            received(bytes, count) {
              for (const other of all) other.send(bytes.slice(0, count));
              return undefined;
            },
            ended: () => all.delete(client),
          };
        },
      })),
    },
  });
  const [one, other] = [served.connect(1000), served.connect(1000)];
  one.send(text('hello'));
  served.world.advance(5);
  expect([one.received, other.received]).toEqual([[...text('hello')], [...text('hello')]]);
  served.server.stop();
  expect(all.size).toBe(0);
});

describe('over datagrams', () => {
  const upperCase = protocol('datagram', () => ({
    open: (client) => ({
      received(bytes, count) {
        client.frame(true);
        client.send(text(new TextDecoder().decode(bytes.subarray(0, count)).toUpperCase()));
        return undefined;
      },
    }),
  }));
  const local = { address: ADDRESS, port: 1000 };
  const idle = { policy: 'idle', checkIntervalMs: 100, idleMs: 1000 } as const;

  it('a client is an address, each datagram is whole, and the answer goes back there', () => {
    const served = new Served({ local, protocol: { kind: upperCase }, liveness: idle });
    const [one, other] = [served.datagrams(), served.datagrams()];
    one.socket.sendTo(text('a'), local);
    one.socket.sendTo(text('bc'), local);
    other.socket.sendTo(text('d'), local);
    served.world.advance(5);
    expect([one.received, other.received]).toEqual([['A', 'BC'], ['D']]);
    expect(served.server.clients()).toMatchObject([{ client: 1, beats: 2 }, { client: 2, beats: 1 }]);
    expect(served.events.filter(({ kind }) => kind === 'online')).toMatchObject([
      { client: 1, peer: one.socket.local }, { client: 2, peer: other.socket.local },
    ]);
  });

  it('a silent client goes offline, and is a new client when it comes again', () => {
    const served = new Served({ local, protocol: { kind: upperCase }, liveness: idle });
    const one = served.datagrams();
    one.socket.sendTo(text('a'), local);
    served.world.advance(1500);
    const [offline] = served.offline();
    expect(offline?.[0]).toBe(1);
    // A scan every 100 ms finds who has been silent for a second.
    expect(offline?.[1]).toBeGreaterThanOrEqual(1000);
    expect(offline?.[1]).toBeLessThanOrEqual(1107);
    one.socket.sendTo(text('b'), local);
    served.world.advance(5);
    expect(one.received).toEqual(['A', 'B']);
    expect(served.server.clients()).toMatchObject([{ client: 2 }]);
  });

  it('a client beyond the limit is turned away', () => {
    const served = new Served({ local, protocol: { kind: upperCase }, liveness: idle, limits: { maxConnections: 1 } });
    const [one, other] = [served.datagrams(), served.datagrams()];
    one.socket.sendTo(text('a'), local);
    other.socket.sendTo(text('b'), local);
    served.world.advance(5);
    expect([one.received, other.received]).toEqual([['A'], []]);
    expect(served.server.statistics).toMatchObject({ accepted: 1, refused: 1 });
  });
});
