/** mqtt.js: keep alive of 3 s, a will, and a message of QoS 1 each second. */

import { peer } from './peers.mjs';

const mqtt = peer('mqtt');

const client = mqtt.connect('mqtt://server:1883', {
  clientId: 'mqtt-js',
  keepalive: 3,
  reconnectPeriod: 1000,
  will: { topic: 'mqtt-js/status', payload: 'offline', qos: 1 },
});
client.on('connect', () => console.log('server there'));
client.on('offline', () => console.log('server gone'));
client.on('error', ({ code, message }) => console.log(`error: ${code ?? message}`));
let count = 0;
setInterval(() => {
  const number = ++count;
  client.publish('mqtt-js/data', String(number), { qos: 1 }, (error) => {
    if (!error) console.log(`acknowledged ${number}`);
  });
}, 1000);
