/**
 * Server for the socket figures, in a process of its own. It sends every byte back, and so answers beats. All fleets
 * use it.
 */

import { createServer } from 'node:net';

/** Backlog: a thousand connections may arrive before one is accepted. */
const BACKLOG = 1024;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => void socket.write(bytes));
  // A device process that ends may reset its open connections.
  socket.on('error', () => {});
});

server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  process.send?.(address.port);
});

process.on('disconnect', () => process.exit());
