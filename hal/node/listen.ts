/** A listening socket over net.Server. */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { ListenHandler, ListeningSocket, SocketAddress } from '../network.ts';
import { familyOf, socketAddressOf } from './address.ts';
import { errnoOfError } from './errno.ts';
import type { Home } from './home.ts';
import { NodeStream, WRITE_BOUND_BYTES } from './stream.ts';

export function nodeListen(
  home: Home,
  address: SocketAddress,
  backlog: number,
  handler: ListenHandler,
): ListeningSocket {
  // Node accepts every connection that the kernel has, so the bound on those that wait for the firmware is kept here.
  const waiting: Socket[] = [];
  const waitingMax = Math.max(1, backlog);
  let local: SocketAddress | undefined;
  let closed = false;

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, highWaterMark: WRITE_BOUND_BYTES });

  server.on('listening', () => {
    local = socketAddressOf(server.address());
    handler.listening();
  });

  server.on('connection', (socket) => {
    socket.on('error', ignore);
    if (closed || waiting.length >= waitingMax) {
      socket.resetAndDestroy();
      return;
    }
    waiting.push(socket);
    handler.incoming();
  });

  server.on('error', (error) => {
    // One connection that could not be accepted (ECONNABORTED, EMFILE) is not the end of listening.
    if (closed || local !== undefined) return;
    leave();
    handler.ended(errnoOfError(error));
  });

  const listening = {
    get local() {
      return local;
    },
    accept(streamHandler) {
      const socket = waiting.shift();
      return socket && new NodeStream(home, streamHandler, socket);
    },
    close() {
      if (closed) return;
      leave();
      server.close();
      for (const socket of waiting.splice(0)) socket.resetAndDestroy();
    },
    drop() {
      listening.close();
    },
  } satisfies ListeningSocket & { drop(): void };

  function leave(): void {
    closed = true;
    home.open.delete(listening);
  }

  home.open.add(listening);
  if (familyOf(address) === 0) {
    process.nextTick(() => {
      if (closed) return;
      leave();
      handler.ended('EINVAL');
    });
  } else {
    // exclusive: not shared with other processes of a cluster. ipv6Only: the form of the address tells the family.
    server.listen({ host: address.address, port: address.port, backlog: waitingMax, exclusive: true, ipv6Only: true });
  }
  return listening;
}

function ignore(): void {}
