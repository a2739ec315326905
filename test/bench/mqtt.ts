/**
 * Cost of an MQTT device with a real connection to mosquitto compared with an MQTT.js client that does the same,
 * although the device is a whole simulated board with its cable. Both fleets run at the same time, each in a process of
 * its own with a broker of its own.
 */

import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DevicesCost, DevicesResult } from './devices-cost.ts';
import { figure, type Figure, type Question } from './figure.ts';
import { freePort } from './free-port.ts';
import type { MqttFleet } from './mqtt-devices.ts';
import type { Asked } from './part.ts';

const COUNT = 5000;
const ROUNDS = 3;

/** Debian installs mosquitto in a folder that is only in root's PATH. */
const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(existsSync);
/** Folder in which .ci/run puts npm packages that do not belong to this project. */
const PEERS = join(tmpdir(), 'cablepull-peers');
const MQTT_JS = join(PEERS, 'node_modules', 'mqtt');

export async function mqttFigures({ notMeasured }: Asked): Promise<Figure[]> {
  if (MOSQUITTO === undefined) {
    notMeasured('MQTT devices, as mosquitto is not installed: apt-get install mosquitto');
    return [];
  }
  if (!existsSync(MQTT_JS)) {
    notMeasured(`MQTT devices, as MQTT.js is not installed: npm install --prefix ${PEERS} mqtt@5`);
    return [];
  }
  const rounds: { readonly boards: DevicesCost; readonly mqttJs: DevicesCost }[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const [boards, mqttJs] = await Promise.all([fleet('boards', MOSQUITTO), fleet('mqtt.js', MOSQUITTO)]);
      rounds.push({ boards, mqttJs });
    }
  } catch (error) {
    notMeasured(error instanceof Error ? error.message : String(error));
    return [];
  }
  const compare = (cost: keyof DevicesCost, question: Question): Figure =>
    figure(question, rounds.map(({ boards, mqttJs }) => ({ measured: boards[cost], floor: mqttJs[cost] })));
  const who = `${COUNT.toLocaleString('en')} MQTT boards`;
  const note = 'the floor is MQTT.js';
  return [
    compare('cpuUsPerBeat', { what: `CPU of a ping: ${who}`, unit: 'us', budget: { of: 'ratio', max: 1 }, note }),
    compare('residentBytesPerDevice', {
      what: `resident memory each: ${who}`, unit: 'bytes', budget: { of: 'ratio', max: 0.5 }, note,
    }),
    compare('heapBytesPerDevice', { what: `of which on the heap: ${who}`, unit: 'bytes', note: 'after a collection' }),
  ];
}

async function fleet(kind: MqttFleet, mosquitto: string): Promise<DevicesCost> {
  const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_type error\nuser ${userInfo().username}\n`,
  );
  const broker = spawn(mosquitto, ['-c', file], { stdio: 'ignore' });
  try {
    // mosquitto prints nothing when it starts to listen, and it listens at once.
    await sleep(500);
    const clients = fork(
      fileURLToPath(new URL('./mqtt-devices.js', import.meta.url)), [kind, String(COUNT), String(port), MQTT_JS],
      { execArgv: ['--expose-gc'] },
    );
    const result = await resultOf(clients);
    if ('failure' in result) throw new Error(`${COUNT} MQTT clients (${kind}): ${result.failure}`);
    return result;
  } finally {
    if (broker.exitCode === null && broker.kill()) await once(broker, 'exit');
    rmSync(folder, { recursive: true });
  }
}

function resultOf(clients: ChildProcess): Promise<DevicesResult> {
  return new Promise((resolve) => {
    clients.once('message', (result: DevicesResult) => resolve(result));
    clients.once('exit', (status, signal) => resolve({ failure: `the process ended: ${status ?? signal}` }));
  });
}
