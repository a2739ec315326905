/** A broker of aedes, as its README has it. */

import net from 'node:net';
import { peer } from './peers.mjs';

const { Aedes } = peer('aedes');

const aedes = await Aedes.createBroker();
aedes.on('client', ({ id }) => console.log(`${id} came`));
aedes.on('clientDisconnect', ({ id }) => console.log(`${id} gone`));
aedes.on('keepaliveTimeout', ({ id }) => console.log(`${id} silent`));
aedes.on('clientError', ({ id }, { code, message }) => console.log(`${id} failed: ${code ?? message}`));
aedes.on('publish', ({ topic, payload }, client) => {
  if (!topic.startsWith('$SYS')) console.log(`${client?.id ?? 'a will'} says ${payload} of ${topic}`);
});
net.createServer(aedes.handle).listen(1883);
