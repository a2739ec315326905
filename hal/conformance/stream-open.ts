/** Checks of stream sockets: connecting, and the socket options. */

import { failure } from '../errno.ts';
import type { SocketAddress } from '../network.ts';
import { expect, expectEqual, expectResult, skipUnless, worded } from './check.ts';
import type { Definition, Stage, Steps } from './check.ts';
import {
  accept, addresses6, connected, expectEnd, listen, openStream, pair, REFUSED, transfer,
} from './probes.ts';
import type { StreamProbe } from './probes.ts';

/** An address that no machine has (RFC 5737, TEST-NET-1). */
const NOWHERE = { address: '192.0.2.1', port: 9 };

const NO_BIND = 'the port cannot choose the local end of a stream';

/** A port of the peer on which nobody listens: one was just closed. */
function* closedPort(stage: Stage): Steps<number> {
  const listener = yield* listen(stage, stage.peer);
  const { port } = listener.local;
  listener.close();
  return port;
}

/** Binds. False where the platform cannot choose the local end, which a port may answer with EOPNOTSUPP. */
function canBind(client: StreamProbe, local: SocketAddress): boolean {
  const result = client.bind(local);
  if (result === failure('EOPNOTSUPP')) return false;
  expectResult(result, 0, 'bind');
  return true;
}

export const streamOpenChecks: readonly Definition[] = [
  {
    name: 'stream: the first writable means connected, and both ends know their addresses',
    *steps(stage) {
      const listener = yield* listen(stage, stage.peer);
      const client = openStream(stage, stage.tested, 'client');
      expectEqual(client.socket.local, undefined, 'local of a new stream');
      expectEqual(client.socket.remote, undefined, 'remote of a new stream');
      yield* connected(stage, client, listener.local);
      const server = yield* accept(stage, listener);
      yield* stage.pause(20);
      expectEqual(client.writableCount, 1, 'the number of writable events of an idle client');
      expectEqual(server.writableCount, 0, 'the number of writable events of an accepted socket');
      expectEqual(client.readableCount, 0, 'the number of readable events of an idle client');
      const { local, remote } = client.socket;
      expectEqual(remote?.address, listener.local.address, 'remote.address of the client');
      expectEqual(remote?.port, listener.local.port, 'remote.port of the client');
      // A platform may not tell the local end.
      if (local !== undefined) {
        expectEqual(server.socket.remote?.address, local.address, 'remote.address of the accepted socket');
        expectEqual(server.socket.remote?.port, local.port, 'remote.port of the accepted socket');
      }
      if (server.socket.local !== undefined) {
        expectEqual(server.socket.local.port, remote?.port, 'local.port of the accepted socket');
      }
    },
  },
  {
    name: 'stream: a closed port refuses, and the error stays',
    *steps(stage) {
      const { address } = stage.peer;
      const port = yield* closedPort(stage);
      const client = openStream(stage, stage.tested, 'client');
      expectResult(client.connect({ address, port }), 0, 'connect');
      yield* stage.until('the refusal', () => client.end !== undefined);
      expectEnd(stage.tested.hal, client, REFUSED, 'connecting to a closed port');
      expectEqual(client.writableCount, 0, 'the number of writable events of a refused client');
      expectEqual(client.socket.remote, undefined, 'remote of a refused client');
      if (client.end === undefined || client.end === 'closed') return;
      for (const _ of [1, 2]) {
        expectResult(client.read(new Uint8Array(1)), failure(client.end), 'read after the refusal');
        expectResult(client.write(Uint8Array.of(1)), failure(client.end), 'write after the refusal');
      }
    },
  },
  {
    name: 'stream: what is no address is EINVAL at once, and calls nothing back',
    *steps(stage) {
      const { address } = stage.peer;
      const client = openStream(stage, stage.tested, 'client');
      for (const remote of [
        { address: 'localhost', port: 80 },
        { address: '', port: 80 },
        { address: '1.2.3', port: 80 },
        { address, port: 0 },
        { address, port: 65536 },
        { address, port: 1.5 },
        { address, port: NaN },
      ]) {
        expectResult(client.connect(remote), failure('EINVAL'), `connect to "${remote.address}" port ${remote.port}`);
      }
      expect(client.bind({ address: 'nowhere', port: 0 }) < 0, 'bind to "nowhere" must give a failure');
      yield* stage.pause(10);
      expectEqual(client.end, undefined, 'the terminal event of a stream that was never connected');
      // The stream can still be used.
      const listener = yield* listen(stage, stage.peer);
      yield* connected(stage, client, listener.local);
    },
  },
  {
    name: 'stream: before it is connected, read, write and shutdown are ENOTCONN; connecting twice is refused',
    *steps(stage) {
      const listener = yield* listen(stage, stage.peer);
      const client = openStream(stage, stage.tested, 'client');
      const expectNotConnected = (when: string) => {
        expectResult(client.read(new Uint8Array(1)), failure('ENOTCONN'), `read ${when}`);
        expectResult(client.write(Uint8Array.of(1)), failure('ENOTCONN'), `write ${when}`);
        expectResult(client.shutdown(), failure('ENOTCONN'), `shutdown ${when}`);
      };
      expectNotConnected('of a new stream');
      expectResult(client.connect(listener.local), 0, 'connect');
      expectNotConnected('while it connects');
      expectResult(client.connect(listener.local), failure('EALREADY'), 'connect while it connects');
      yield* stage.until('the connection', () => client.writableCount > 0);
      expectResult(client.connect(listener.local), failure('EISCONN'), 'connect when it is connected');
    },
  },
  {
    name: 'stream: the local port can be chosen',
    *steps(stage) {
      const { address } = stage.tested;
      const listener = yield* listen(stage, stage.peer);
      const free = yield* listen(stage, stage.tested);
      const { port } = free.local;
      free.close();
      const client = openStream(stage, stage.tested, 'client');
      skipUnless(canBind(client, { address, port }), NO_BIND);
      yield* connected(stage, client, listener.local);
      const server = yield* accept(stage, listener);
      expectEqual(client.socket.local?.port, port, 'local.port of the client');
      expectEqual(server.socket.remote?.port, port, 'remote.port that the peer sees');
      expectEqual(server.socket.remote?.address, address, 'remote.address that the peer sees');
    },
  },
  {
    name: 'stream: a local port that is taken, or an address of another machine, is refused',
    *steps(stage) {
      const listener = yield* listen(stage, stage.peer);
      const taken = yield* listen(stage, stage.tested);
      for (const [local, errno] of [[taken.local, 'EADDRINUSE'], [{ ...NOWHERE, port: 0 }, 'EADDRNOTAVAIL']] as const) {
        const client = openStream(stage, stage.tested, 'client');
        skipUnless(canBind(client, local), NO_BIND);
        expectResult(client.connect(listener.local), 0, 'connect');
        yield* stage.until('the refusal', () => client.end !== undefined);
        expectEnd(stage.tested.hal, client, [errno], `connecting from ${local.address} port ${local.port}`);
      }
    },
  },
  {
    name: 'stream: options answer as the capabilities say, before and after connecting',
    *steps(stage) {
      const { keepAlive, userTimeout } = stage.tested.hal.network.capabilities;
      const listener = yield* listen(stage, stage.peer);
      const client = openStream(stage, stage.tested, 'client');
      const set = (when: string) => {
        const { socket } = client;
        const answer = stage.call('setKeepAlive()', () => socket.setKeepAlive({ idle: 3, interval: 3, count: 3 }));
        expectEqual(answer, keepAlive, `the answer of setKeepAlive ${when}`);
        stage.call('setKeepAlive()', () => socket.setKeepAlive('off'));
        const took = stage.call('setUserTimeout()', () => socket.setUserTimeout(5000));
        expectEqual(took, userTimeout, `the answer of setUserTimeout ${when}`);
        for (const on of [true, false]) {
          const noDelay = stage.call('setNoDelay()', () => socket.setNoDelay(on));
          expectEqual(typeof noDelay, 'boolean', `the type of the answer of setNoDelay ${when}`);
        }
      };
      set('of a new stream');
      expectResult(client.connect(listener.local), 0, 'connect');
      set('while it connects');
      yield* stage.until('the connection', () => client.writableCount > 0);
      set('when it is connected');
      const server = yield* accept(stage, listener);
      yield* transfer(stage, client, server, 100);
    },
  },
  {
    name: 'stream: a connection over IPv6',
    *steps(stage) {
      const { tested } = stage;
      const address6 = addresses6(stage);
      const { client, server } = yield* pair(stage, address6.peer);
      expectEqual(client.socket.remote?.address, address6.peer, 'remote.address of the client');
      expectEqual(server.socket.remote?.address, address6.tested, 'remote.address that the peer sees');
      yield* transfer(stage, client, server, 5000);
      yield* transfer(stage, server, client, 5000);
      const mixed = openStream(stage, tested, 'client');
      if (!canBind(mixed, { address: tested.address, port: 0 })) return;
      const result = mixed.connect({ address: address6.peer, port: 9 });
      expect(result === failure('EINVAL'), `connecting from IPv4 to IPv6 gave ${worded(result)}, but must give EINVAL`);
    },
  },
];
