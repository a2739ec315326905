/**
 * A process of MQTT clients: `mqtt-devices.js KIND COUNT PORT MODULE`. It connects them to a broker, lets a keep alive
 * go by, and then measures what so many PINGREQ with their PINGRESP cost, and what the connections hold. `boards` are
 * devices as the command line runs them, `mqtt.js` are clients of that library, which lies at MODULE.
 */

import { createRequire } from 'node:module';
import { boot, firmwareImage } from 'cablepull/firmware';
import { nodeClock, nodeNetwork } from 'cablepull/hal/node';
import { Bench, type Firmware } from 'cablepull/sim';
import { costOfDevices, type DevicesCost, finish } from './devices-cost.ts';

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
  const firmware: Firmware = (hal, onEvent) => void boot(hal, image, onEvent);
  return (number) => bench.addDevice(`dev-${number}`, firmware).power.restore();
}

/** The part of mqtt.js that is used here. */
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

function measure(kind: MqttFleet, count: number, port: number, module: string): Promise<DevicesCost> {
  let [connected, ponged] = [0, 0];
  const events: FleetEvents = { connected: () => void connected++, ponged: () => void ponged++, failed: finish };
  const periodMs = KEEP_ALIVE_S * 1000;
  return costOfDevices(count, {
    begin: () => (kind === 'boards' ? boards(port, events) : mqttJs(port, events, module)),
    connected: () => connected,
    answered: () => ponged,
    firstCount: FIRST_CLIENTS,
    spreadMs: 2 * periodMs,
    periodMs,
    measuredPeriods: MEASURED_PERIODS,
  }, (pings, clients) => {
    if (pings < clients) throw new Error(`only ${pings} pings of ${clients} clients were answered`);
  });
}

const [kind, count, port, module = ''] = process.argv.slice(2);
if (kind !== 'boards' && kind !== 'mqtt.js') throw new Error(`there is no fleet ${kind}`);
process.on('disconnect', () => process.exit());
measure(kind, Number(count), Number(port), module).then(finish, (error: unknown) => finish(String(error)));
