/** A server that drops a client that is silent for 4 s. After 3 s the kernel probes the client. */

import net from 'node:net';

net
  .createServer((socket) => {
    console.log('client came');
    socket.setKeepAlive(true, 3000);
    socket.setTimeout(4000, () => {
      console.log('client silent');
      socket.destroy();
    });
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', ({ code }) => console.log(`client gone: ${code}`));
    socket.on('close', () => console.log('client closed'));
  })
  .listen(7000);
