/** aedes as the broker of our own MQTT devices: keep alive, will, take-over, and messages of QoS 1 across a pull. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { mqttFirmware } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { needsPeers } from '../../support/npm-peers.ts';

const SERVERS = [{ host: 'server', port: 1883 }];
const BROKER = fileURLToPath(new URL('programs/aedes-broker.mjs', import.meta.url));

function broker(): { sim: Simulation; lines: string[] } {
  const lines: string[] = [];
  const sim = new Simulation({ seed: 1 });
  sim.addServer(nodeProgram(BROKER, { onOutput: (line) => lines.push(`${sim.nowMs / 1000} ${line}`) }));
  return { sim, lines };
}

it('gives a silent device up after 1.5 times its keep alive, and publishes its will', async (context) => {
  needsPeers(context, 'aedes');
  const { sim, lines } = broker();
  const firmware = mqttFirmware({ servers: SERVERS, keepAliveS: 4, publishIntervalMs: 1000 });
  const device = sim.addDevice({ firmware });
  await sim.runFor('10500ms');
  device.cable.pull();
  await sim.runFor('20s');
  const atS = (what: string): number => Number(lines.find((line) => line.endsWith(what))?.split(' ')[0]);
  // The last packet came with the beat of 10 s.
  expect(atS('dev-1 silent')).toBeCloseTo(16, 1);
  expect(lines).toContain(`${atS('dev-1 silent')} dev-1 says gone of cablepull/dev-1/status`);
});

it('has a device that was off take its old connection over', async (context) => {
  needsPeers(context, 'aedes');
  const { sim, lines } = broker();
  const device = sim.addDevice({ firmware: mqttFirmware({ servers: SERVERS, keepAliveS: 60 }) });
  await sim.runFor('10s');
  device.power.cut();
  await sim.runFor('5s');
  device.power.restore();
  await sim.runFor('5s');
  expect(lines.map((line) => line.replace(/^\S+ /, '')).filter((line) => / (came|gone|silent)$/.test(line))).toEqual([
    'dev-1 came',
    'dev-1 gone',
    'dev-1 came',
  ]);
});

it('has all messages of QoS 1 once the cable is back', async (context) => {
  needsPeers(context, 'aedes');
  const { sim, lines } = broker();
  const firmware = mqttFirmware({ servers: SERVERS, keepAliveS: 4, publishIntervalMs: 1000, publishQos: 1 });
  const device = sim.addDevice({ firmware, link: { loss: '5%' } });
  await sim.runFor('10500ms');
  device.cable.pull();
  await sim.runFor('20s');
  device.cable.plug();
  await sim.runFor('30s');
  const numbers = new Set(lines.flatMap((line) => / dev-1 says dev-1 \d+-(\d+) /.exec(line)?.[1] ?? []).map(Number));
  const last = Math.max(...numbers);
  expect(last).toBeGreaterThan(40);
  expect(numbers.size).toBe(last);
});
