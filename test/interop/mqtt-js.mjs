// mqtt.js as a client of a broker: MODULE URL TASK [CLIENT-ID VERSION]. It prints what happens, a line each.
import { createRequire } from 'node:module';

const [module, url, task, clientId, version] = process.argv.slice(2);
const mqtt = createRequire(import.meta.url)(module);
const say = (line) => process.stdout.write(`${line}\n`);

const protocolVersion = Number(version);
const client = mqtt.connect(url, {
  clientId,
  protocolVersion,
  clean: false,
  keepalive: 2,
  reconnectPeriod: 0,
  ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 60 } }),
  will: { topic: 'js/will', payload: `${clientId} is gone`, qos: 1, retain: false },
});
client.on('message', (topic, payload, { qos, retain }) => say(`${topic} ${payload} qos${qos}${retain ? ' retained' : ''}`));
client.on('disconnect', ({ reasonCode }) => say(`disconnect ${reasonCode}`));
client.on('error', ({ message }) => say(`error ${message}`));
client.on('close', () => say('close'));
client.on('packetreceive', ({ cmd }) => {
  if (cmd === 'pingresp') say('pingresp');
});
client.on('connect', async ({ sessionPresent }) => {
  say(`connect ${sessionPresent}`);
  if (task === 'talk') {
    await client.subscribeAsync('js/#', { qos: 2 });
    for (const qos of [0, 1, 2]) await client.publishAsync('js/x', `m${qos}`, { qos });
    await client.publishAsync('js/kept', 'kept', { qos: 1, retain: true });
    say('talked');
  }
});
