/** A server that hears beats over UDP, and logs a device that has not beaten for 15 s. */

import dgram from 'node:dgram';

const heardMs = new Map();
dgram
  .createSocket('udp4')
  .on('message', (_, { address, port }) => heardMs.set(`${address}:${port}`, Date.now()))
  .bind(5000);
setInterval(() => {
  for (const [end, ms] of heardMs) {
    if (Date.now() - ms < 15_000) continue;
    console.log(`gone: ${end}`);
    heardMs.delete(end);
  }
}, 1000);
