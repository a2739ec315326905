/** A device that says something every 3 s, gives the server 10 s to answer, and reconnects after a second. */

import net from 'node:net';
import { sessions } from './sessions.mjs';

if (sessions.size > 0) throw new Error('another host has been here');

function connect() {
  const socket = net.connect(8080, 'server');
  sessions.add(socket);
  const beats = setInterval(() => socket.write('beat'), 3000);
  socket.setTimeout(10_000, () => socket.destroy());
  socket.resume();
  socket.on('error', () => {});
  socket.on('close', () => {
    sessions.delete(socket);
    clearInterval(beats);
    setTimeout(connect, 1000);
  });
}
connect();
