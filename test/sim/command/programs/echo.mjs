/** An ordinary server: it echoes what it receives, and drops a client that is silent for 15 s. */

import net from 'node:net';
import { sessions } from './sessions.mjs';

const [port = '8080', word] = process.argv.slice(2);

const server = net.createServer((socket) => {
  sessions.add(socket);
  socket.setTimeout(15_000, () => {
    console.log(`gone: ${socket.remoteAddress} of ${sessions.size}`);
    socket.destroy();
  });
  socket.on('data', (bytes) => {
    if (word === 'crash') throw new Error('the first byte is too much');
    socket.write(bytes);
  });
  socket.on('error', () => {});
  socket.on('close', () => sessions.delete(socket));
});
server.listen(Number(port), () => console.log(`listens, with ${sessions.size} sessions`));
