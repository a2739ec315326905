/**
 * A process of MQTT clients: `mqtt-devices.js KIND COUNT PORT MODULE`. It connects them to a broker, lets a keep alive
 * go by, and then measures what so many PINGREQ with their PINGRESP cost, and what the connections hold. `boards` are
 * devices as the command line runs them, `mqtt.js` are clients of that library, which lies at MODULE.
 */

import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, firmwareImage } from 'cablepull/firmware';
import { nodeClock, nodeNetwork } from 'cablepull/hal/node';
import { Bench } from 'cablepull/sim';
import type { DevicesCost, DevicesResult } from './devices.ts';
import { usedBytes } from './memory.ts';

export type MqttFleet = 'boards' | 'mqtt.js';

const KEEP_ALIVE_S = 3;

/** Clients that are there before the heap is first looked at: code and caches are not to be counted as connections. */
const FIRST_CLIENTS = 100;

const MEASURED_PERIODS = 4;

interface FleetEvents {
  connected(): void;
  ponged(): void;
  failed(reason: string): void;
}

type AddClient = (number: number) => void;

function boards(port: number, events: FleetEvents): AddClient {
  const bench = new Bench({
    network: nodeNetwork(),
    newClock: nodeClock,
    seed: 1,
    onTrace(event) {
      if (event.kind === 'connected') events.connected();
      // CONNACK is one, too; they are counted only when it is long past.
      if (event.kind === 'served') events.ponged();
      if (event.kind === 'connect-failed') events.failed(event.errno);
      if (event.kind === 'lost') events.failed(`a connection was lost: ${event.by}`);
      if (event.kind === 'panic') events.failed(event.reason);
    },
  });
  const image = firmwareImage({
    protocol: 'mqtt', servers: [{ host: '127.0.0.1', port }], keepAliveS: KEEP_ALIVE_S, subscribe: '',
  });
  return (number) => {
    bench.addDevice(`dev-${number}`, (hal, onEvent) => void boot(hal, image, onEvent)).power.restore();
  };
}

/** As much of it as is used here. */
interface MqttJs {
  connect(url: string, options: object): MqttJsClient;
}

interface MqttJsClient {
  on(event: 'connect' | 'close', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'packetreceive', listener: (packet: { readonly cmd: string }) => void): void;
}

function mqttJs(port: number, events: FleetEvents, module: string): AddClient {
  const mqtt: MqttJs = createRequire(import.meta.url)(module);
  const received = ({ cmd }: { readonly cmd: string }): void => {
    if (cmd === 'pingresp') events.ponged();
  };
  const closed = (): void => events.failed('a connection was closed');
  const failed = ({ message }: Error): void => events.failed(message);
  const connected = (): void => events.connected();
  return (number) => {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      clientId: `js-${number}`, keepalive: KEEP_ALIVE_S, reconnectPeriod: 0,
      will: { topic: `cablepull/js-${number}/status`, payload: 'gone', qos: 1, retain: false },
    });
    client.on('connect', connected);
    client.on('packetreceive', received);
    client.on('close', closed);
    client.on('error', failed);
  };
}

async function measure(kind: MqttFleet, count: number, port: number, module: string): Promise<DevicesCost> {
  const residentBefore = process.memoryUsage.rss();
  let [connected, ponged] = [0, 0];
  const events: FleetEvents = { connected: () => void connected++, ponged: () => void ponged++, failed: finish };
  const add = kind === 'boards' ? boards(port, events) : mqttJs(port, events, module);
  let added = 0;
  const periodMs = KEEP_ALIVE_S * 1000;
  // One at a time, however late it is: those that connect together would ping together ever after, and share the cost
  // of waking up.
  const addMore = async (more: number): Promise<void> => {
    for (let i = 0; i < more; i++) {
      add(added++);
      await sleep((2 * periodMs) / more);
    }
    while (connected < added) await sleep(10);
  };

  await addMore(FIRST_CLIENTS);
  const heapBefore = usedBytes();
  await addMore(count);
  await sleep(periodMs);

  ponged = 0;
  const cpuBefore = process.cpuUsage();
  await sleep(MEASURED_PERIODS * periodMs);
  const cpu = process.cpuUsage(cpuBefore);
  const beats = ponged;
  if (beats < added) throw new Error(`only ${beats} pings of ${added} clients were answered`);
  return {
    cpuUsPerBeat: (cpu.user + cpu.system) / beats,
    // A peak, because the engine gives memory back at times of its own choosing.
    residentBytesPerDevice: (process.resourceUsage().maxRSS * 1024 - residentBefore) / added,
    heapBytesPerDevice: (usedBytes() - heapBefore) / count,
  };
}

function finish(result: DevicesCost | string): void {
  const message: DevicesResult = typeof result === 'string' ? { failure: result } : result;
  process.send?.(message, () => process.exit());
}

const [kind, count, port, module = ''] = process.argv.slice(2);
if (kind !== 'boards' && kind !== 'mqtt.js') throw new Error(`there is no fleet ${kind}`);
process.on('disconnect', () => process.exit());
measure(kind, Number(count), Number(port), module).then(finish, (error: unknown) => finish(String(error)));
