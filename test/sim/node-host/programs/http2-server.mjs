/**
 * http2 over TLS. The server pings its clients every 2 s, and drops a client that has not answered by the next ping.
 */

import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const key = readFileSync(new URL('test-only-key.pem', import.meta.url));
const cert = readFileSync(new URL('test-only-certificate.pem', import.meta.url));
const server = http2.createSecureServer({ key, cert });
server.on('stream', (stream) => {
  stream.respond({ ':status': 200 });
  stream.end('hello');
});
server.on('session', (session) => {
  console.log('client came');
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive) {
      console.log('client silent');
      session.destroy();
      return;
    }
    isAlive = false;
    session.ping((error) => (isAlive = error === null));
  }, 2000);
  session.on('error', ({ code }) => console.log(`client gone: ${code}`));
  session.on('close', () => {
    clearInterval(pings);
    console.log('client closed');
  });
});
server.listen(8444);
