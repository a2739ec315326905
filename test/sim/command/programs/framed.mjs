/** A server of framed devices: it answers logins and heartbeats, and drops a client that is silent for 15 s. */

import net from 'node:net';

/** The answer to each type of request. */
const ANSWERS = new Map([
  [3, Buffer.from('abef0101000000020400', 'hex')],
  [5, Buffer.from('abef01010000000106', 'hex')],
]);

net
  .createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.setTimeout(15_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32BE(4)) {
        const answer = ANSWERS.get(bytes[8]);
        if (answer !== undefined) socket.write(answer);
        bytes = bytes.subarray(8 + bytes.readUInt32BE(4));
      }
    });
  })
  .listen(9000);
