/**
 * A client that asks every 2 s over one connection, trusts only the server's certificate, and waits 1.5 s for an
 * answer.
 */

import { readFileSync } from 'node:fs';
import https from 'node:https';

const ca = readFileSync(new URL('test-only-certificate.pem', import.meta.url));
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });

function ask() {
  const request = https.get({ host: 'server', port: 8443, path: '/', agent, timeout: 1500 }, (response) => {
    response.resume();
    response.on('end', () => console.log(`server there${request.reusedSocket ? ', the same connection' : ''}`));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 1.5 s')));
  request.on('error', ({ code, message }) => console.log(`server gone: ${code ?? message}`));
}

ask();
setInterval(ask, 2000);
