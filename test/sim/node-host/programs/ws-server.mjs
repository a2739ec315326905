/** The server of the README of ws, under "How to detect and close broken connections?", with 3 s for its 30 s. */

import { peer } from './peers.mjs';

const { WebSocketServer } = peer('ws');

const wss = new WebSocketServer({ port: 8081 });

wss.on('connection', (ws) => {
  console.log('client came');
  ws.isAlive = true;
  ws.on('error', ({ code }) => console.log(`client gone: ${code}`));
  ws.on('pong', () => (ws.isAlive = true));
  ws.on('close', (code) => console.log(`client closed: ${code}`));
});

const interval = setInterval(() => {
  for (const ws of wss.clients) {
    if (ws.isAlive === false) {
      console.log('client silent');
      ws.terminate();
      continue;
    }
    ws.isAlive = false;
    ws.ping();
  }
}, 3000);

wss.on('close', () => clearInterval(interval));
