/** socket.io with its pings: each 4 s, answered within 2 s. */

import { peer } from './peers.mjs';

const { Server } = peer('socket.io');

const io = new Server(8082, { pingInterval: 4000, pingTimeout: 2000 });

io.on('connection', (socket) => {
  console.log(`client came by ${socket.conn.transport.name}`);
  socket.conn.on('upgrade', ({ name }) => console.log(`client has ${name}`));
  socket.on('word', (word, answer) => answer(word));
  socket.on('disconnect', (reason) => console.log(`client gone: ${reason}`));
});
