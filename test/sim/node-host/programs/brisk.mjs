/**
 * Three ways to find that a client is gone, each at a port of its own, in seconds: a timeout of the socket; a look
 * around every second and a half; TCP keepalive.
 */

import net from 'node:net';

function serve(port, watch) {
  net
    .createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => socket.write(bytes));
      watch(socket);
    })
    .listen(port);
}

serve(8001, (socket) => socket.setTimeout(3000, () => socket.destroy()));

serve(8002, (socket) => {
  let isAlive = true;
  socket.on('data', () => {
    isAlive = true;
  });
  const looks = setInterval(() => {
    if (!isAlive) socket.destroy();
    isAlive = false;
  }, 1500);
  socket.on('close', () => clearInterval(looks));
});

serve(8003, (socket) => socket.setKeepAlive(true, 2000));
