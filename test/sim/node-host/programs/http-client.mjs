/** A client that asks every 2 s over one connection, and waits 1.5 s for an answer. */

import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask() {
  const request = http.get({ host: 'server', port: 8080, path: '/', agent, timeout: 1500 }, (response) => {
    response.resume();
    response.on('end', () => console.log(`server there${request.reusedSocket ? ', the same connection' : ''}`));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 1.5 s')));
  request.on('error', ({ code, message }) => console.log(`server gone: ${code ?? message}`));
}

ask();
setInterval(ask, 2000);
