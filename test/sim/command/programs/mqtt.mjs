/** The part of an MQTT 3.1.1 broker that a device needs. It drops a client that is silent for 1.5 x keep alive. */

import net from 'node:net';

const [CONNECT, PUBLISH, SUBSCRIBE, PINGREQ] = [1, 3, 8, 12];

net
  .createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      // Lengths up to 127 take one byte.
      while (bytes.length >= 2 && bytes.length >= 2 + bytes[1]) {
        packet(socket, bytes[0] >> 4, (bytes[0] >> 1) & 3, bytes.subarray(2, 2 + bytes[1]));
        bytes = bytes.subarray(2 + bytes[1]);
      }
    });
  })
  .listen(1883);

function packet(socket, type, qos, body) {
  if (type === CONNECT) {
    const keepAliveMs = body.readUInt16BE(8) * 1000;
    socket.setTimeout(1.5 * keepAliveMs, () => socket.destroy());
    socket.write(Uint8Array.of(0x20, 2, 0, 0));
  }
  if (type === PUBLISH && qos === 1) {
    const id = 2 + body.readUInt16BE(0);
    socket.write(Uint8Array.of(0x40, 2, body[id], body[id + 1]));
  }
  if (type === SUBSCRIBE) socket.write(Uint8Array.of(0x90, 3, body[0], body[1], 1));
  if (type === PINGREQ) socket.write(Uint8Array.of(0xd0, 0));
}
