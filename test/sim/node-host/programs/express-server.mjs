/** An application of express with its sessions. A client that does not ask for 5 s is gone. */

import { peer } from './peers.mjs';

const express = peer('express');

const app = express();
const sessions = new Map();
app.use(express.json());
app.post('/devices/:name', (request, response) => {
  const { name } = request.params;
  if (!sessions.has(name)) console.log(`${name} came`);
  clearTimeout(sessions.get(name));
  sessions.set(name, setTimeout(() => {
    sessions.delete(name);
    console.log(`${name} silent`);
  }, 5000));
  response.json({ beats: request.body.beats });
});
app.listen(3000);
