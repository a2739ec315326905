/** A client that says a word every second, and gives up a server that does not echo for 3 s. */

import net from 'node:net';

function connect() {
  const socket = net.connect(7000, 'server', () => console.log('server there'));
  const words = setInterval(() => socket.write('word'), 1000);
  socket.setTimeout(3000);
  socket.on('data', () => undefined);
  // A timeout of the socket would restart with each word written, so this timer only counts words that arrive.
  let heardMs = Date.now();
  socket.on('data', () => (heardMs = Date.now()));
  const watch = setInterval(() => {
    if (Date.now() - heardMs < 3000) return;
    console.log('server silent');
    socket.destroy();
  }, 100);
  socket.on('error', ({ code }) => console.log(`server gone: ${code}`));
  socket.on('close', () => {
    clearInterval(words);
    clearInterval(watch);
    setTimeout(connect, 1000);
  });
}

connect();
