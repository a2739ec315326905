/** The client of the same README. It waits 3 s for a ping, and one second more. */

import { peer } from './peers.mjs';

const { WebSocket } = peer('ws');

function connect() {
  const client = new WebSocket('ws://server:8081/');
  let pingTimeout;
  const heartbeat = () => {
    clearTimeout(pingTimeout);
    pingTimeout = setTimeout(() => {
      console.log('server silent');
      client.terminate();
    }, 3000 + 1000);
  };
  client.on('error', ({ code, message }) => console.log(`server gone: ${code ?? message}`));
  client.on('open', () => {
    console.log('server there');
    heartbeat();
  });
  client.on('ping', heartbeat);
  client.on('close', () => {
    clearTimeout(pingTimeout);
    setTimeout(connect, 1000);
  });
}

connect();
