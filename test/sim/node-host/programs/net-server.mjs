/** It drops who says nothing for 4 s, and has the kernel ask after 3 s whether he is still there. */

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
