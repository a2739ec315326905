/** Checks of listening sockets. */

import { expect, expectEqual, expectResult } from './check.ts';
import type { Definition } from './check.ts';
import {
  accept, addresses6, connected, expectEnd, listen, openStream, REFUSED, RESET, startListening, transfer,
} from './probes.ts';

export const listenChecks: readonly Definition[] = [
  {
    name: 'listen: any free port, and connections come out in the order they came in',
    *steps(stage) {
      const listener = yield* listen(stage, stage.tested);
      expectEqual(listener.local.address, stage.tested.address, 'local.address');
      expect(listener.local.port > 0, 'the port is not known');
      expect(listener.accept() === undefined, 'accept gave a connection when nobody waits');
      const clients = [];
      for (let i = 0; i < 3; i += 1) {
        const client = openStream(stage, stage.peer, 'client');
        yield* connected(stage, client, listener.local);
        yield* stage.until('incoming', () => listener.incomingCount > i);
        clients.push(client);
      }
      for (const client of clients) {
        const server = yield* accept(stage, listener);
        yield* transfer(stage, server, client, 1000);
        yield* transfer(stage, client, server, 1000);
      }
      expect(listener.accept() === undefined, 'accept gave a connection when all are accepted');
    },
  },
  {
    name: 'listen: what the client sent before accept is not lost',
    *steps(stage) {
      const listener = yield* listen(stage, stage.tested);
      const client = openStream(stage, stage.peer, 'client');
      yield* connected(stage, client, listener.local);
      expectResult(client.write(Uint8Array.of(7, 8, 9)), 3, 'write');
      client.close();
      yield* stage.until('incoming', () => listener.incomingCount > 0);
      yield* stage.pause(20);
      const server = yield* accept(stage, listener);
      yield* stage.until('the end', () => server.end !== undefined);
      const into = new Uint8Array(10);
      expectResult(server.read(into), 3, 'read');
      expectEqual([...into.subarray(0, 3)].join(' '), '7 8 9', 'what arrived');
      expectResult(server.read(into), 0, 'read at the end');
    },
  },
  {
    name: 'listen: no more connections wait than the backlog allows',
    *steps(stage) {
      const backlog = 2;
      const listener = yield* listen(stage, stage.tested, { address: stage.tested.address, port: 0 }, backlog);
      for (let i = 0; i < backlog + 4; i += 1) {
        const client = openStream(stage, stage.peer, 'client');
        expectResult(client.connect(listener.local), 0, 'connect');
      }
      yield* stage.until('incoming', () => listener.incomingCount > 0);
      yield* stage.pause(300);
      let waiting = 0;
      while (listener.accept() !== undefined) waiting += 1;
      expect(waiting >= 1 && waiting <= backlog + 1, `${waiting} connections waited, but the backlog was ${backlog}`);
      // There is room again.
      const client = openStream(stage, stage.peer, 'client');
      yield* connected(stage, client, listener.local);
      yield* accept(stage, listener);
    },
  },
  {
    name: 'listen: a port that is taken, or an address of another machine, is refused',
    *steps(stage) {
      const first = yield* listen(stage, stage.tested);
      for (const [local, errno] of [
        [first.local, 'EADDRINUSE'],
        [{ address: '192.0.2.1', port: 0 }, 'EADDRNOTAVAIL'],
      ] as const) {
        const listener = startListening(stage, stage.tested, local);
        yield* stage.until('the outcome', () => listener.isListening || listener.end !== undefined);
        expectEqual(listener.end, errno, `the outcome of listening at ${local.address} port ${local.port}`);
      }
      // The first one was not disturbed.
      const client = openStream(stage, stage.peer, 'client');
      yield* connected(stage, client, first.local);
    },
  },
  {
    name: 'listen: close turns away who waits, and leaves who was accepted',
    *steps(stage) {
      const listener = yield* listen(stage, stage.tested);
      const accepted = openStream(stage, stage.peer, 'accepted client');
      yield* connected(stage, accepted, listener.local);
      const server = yield* accept(stage, listener);
      const waiting = openStream(stage, stage.peer, 'waiting client');
      yield* connected(stage, waiting, listener.local);
      yield* stage.until('incoming', () => listener.incomingCount > 1);
      const { local } = listener;
      listener.close();
      listener.close();
      if (stage.tested.hal.network.capabilities.reset) {
        yield* stage.until('the end of the waiting client', () => waiting.end !== undefined);
        expectEnd(stage.peer.hal, waiting, RESET, 'a client that waited when the listening socket was closed');
      }
      yield* transfer(stage, accepted, server, 1000);
      yield* transfer(stage, server, accepted, 1000);
      const late = openStream(stage, stage.peer, 'late client');
      expectResult(late.connect(local), 0, 'connect');
      yield* stage.until('the refusal', () => late.end !== undefined);
      expectEnd(stage.peer.hal, late, REFUSED, 'connecting to a port that was closed');
    },
  },
  {
    name: 'listen: nothing is called back after close(), not even the outcome',
    *steps(stage) {
      const local = { address: stage.tested.address, port: 0 };
      startListening(stage, stage.tested, local).close();
      const listener = yield* listen(stage, stage.tested);
      const client = openStream(stage, stage.peer, 'client');
      expectResult(client.connect(listener.local), 0, 'connect');
      listener.close();
      expect(listener.accept() === undefined, 'accept gave a connection after close');
      yield* stage.pause(50);
    },
  },
  {
    name: 'listen: over IPv6',
    *steps(stage) {
      const { tested, peer } = stage;
      const address6 = addresses6(stage);
      const listener = yield* listen(stage, tested, { address: address6.tested, port: 0 });
      expectEqual(listener.local.address, address6.tested, 'local.address');
      const client = openStream(stage, peer, 'client');
      yield* connected(stage, client, listener.local);
      const server = yield* accept(stage, listener);
      expectEqual(server.socket.remote?.address, address6.peer, 'remote.address of the accepted socket');
    },
  },
];
