/** A server that asks each client for an echo every 5 s, and drops a client that gives none for 15 s. */

import net from 'node:net';

net
  .createServer((socket) => {
    const drop = setTimeout(() => socket.destroy(), 15_000);
    const asking = setInterval(() => socket.write('hello\n'), 5000);
    socket.on('data', () => drop.refresh());
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(drop);
      clearInterval(asking);
    });
  })
  .listen(7);
