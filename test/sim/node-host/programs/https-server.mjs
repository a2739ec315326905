/** The server of http-server.mjs over TLS. */

import { readFileSync } from 'node:fs';
import https from 'node:https';

const key = readFileSync(new URL('test-only-key.pem', import.meta.url));
const cert = readFileSync(new URL('test-only-certificate.pem', import.meta.url));
const server = https.createServer({ key, cert }, (_request, response) => response.end('hello'));
server.keepAliveTimeout = 4000;
server.on('secureConnection', (socket) => {
  console.log('client came');
  socket.on('error', ({ code }) => console.log(`client gone: ${code}`));
  socket.on('close', () => console.log('client closed'));
});
server.listen(8443);
