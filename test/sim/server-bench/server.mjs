// A heartbeat server in Node that knows nothing of Cablepull: it gives back what it reads, sets keepalive as Node does (an idle time of
// 3 s; libuv adds an interval of 1 s and a count of 10), and prints who comes and who goes, and why.
import { createServer } from 'node:net';

const server = createServer((socket) => {
  const name = `${socket.remoteAddress}:${socket.remotePort}`.replace('::ffff:', '');
  let why = 'closed';
  socket.setKeepAlive(true, 3000);
  socket.on('error', (error) => (why = error.code));
  socket.on('close', () => console.log('offline', name, why));
  socket.on('end', () => socket.end());
  if (!process.argv.includes('mute')) socket.pipe(socket);
  else socket.resume();
  console.log('online', name);
});
server.listen(Number(process.argv[2]), () => console.log('listening'));
