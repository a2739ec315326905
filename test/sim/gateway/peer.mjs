/**
 * The peer of real-kernel.test.ts, on the kernel's own TCP. A connection's first line says what is to be done with it; a
 * line of output says how it ended.
 */

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

/** Byte i of every transfer. */
const pattern = (count) => Buffer.from(Uint8Array.from({ length: count }, (_, i) => (i * 131 + (i >> 8) * 7) & 0xff));

const ACTIONS = {
  /** Echoes everything, and sends its FIN after the client's. */
  echo: (socket, rest) => {
    socket.write(rest);
    socket.pipe(socket);
  },
  /** Reads everything, and answers with the hash. */
  sink: (socket, rest) => {
    const hash = createHash('sha256').update(rest);
    socket.on('data', (data) => hash.update(data));
    socket.on('end', () => socket.end(hash.digest('hex')));
  },
  /** Does the same as `sink`, but does not read for a while, so that the window closes. */
  stall: (socket, rest) => {
    socket.pause();
    setTimeout(() => {
      ACTIONS.sink(socket, rest);
      socket.resume();
    }, 4000);
  },
  /** Sends `count` bytes and FIN. */
  source: (socket, rest, count) => {
    socket.resume();
    socket.end(pattern(Number(count)));
  },
  /** Sends its FIN first. */
  fin: (socket) => {
    socket.resume();
    socket.end('bye');
  },
  rst: (socket) => socket.resetAndDestroy(),
  /** Closes without reading. */
  unread: (socket) => {
    socket.pause();
    setTimeout(() => socket.destroy(), 500);
  },
};

createServer({ allowHalfOpen: true }, (socket) => {
  let head = Buffer.alloc(0);
  let deed = '?';
  const begin = (data) => {
    head = Buffer.concat([head, data]);
    const end = head.indexOf('\n');
    if (end < 0) return;
    socket.off('data', begin);
    const [name, argument] = head.subarray(0, end).toString().split(' ');
    deed = name;
    ACTIONS[name](socket, head.subarray(end + 1), argument);
  };
  let by = 'closed';
  socket.on('data', begin);
  socket.on('error', (error) => (by = error.code));
  socket.on('close', () => console.log(`${socket.remotePort ?? '?'} ${deed} ${by}`));
}).listen(39002, '0.0.0.0');
