/**
 * The three ways to have many devices in one process that the socket figures compare. Each beats every period,
 * beginning when it is connected, and is answered.
 */

import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { boot, type DeviceEvent, firmwareImage, type Image } from 'cablepull/firmware';
import type { Console, Hal, Network, PanicReport, Storage, System } from 'cablepull/hal';
import { nodeClock, nodeNetwork, nodeRandom } from 'cablepull/hal/node';
import { Bench, type Firmware, type TraceEvent } from 'cablepull/sim';

export const PERIOD_MS = 3000;

/** Calls of a fleet that reports its connections and beats. */
export interface FleetEvents {
  connected(): void;
  answered(): void;
  failed(reason: string): void;
}

/** Adds the device of this number to the fleet. */
export type AddDevice = (number: number) => void;

export type FleetKind = 'bare' | 'firmware' | 'boards';

export const FLEETS: Readonly<Record<FleetKind, (port: number, events: FleetEvents) => AddDevice>> = {
  bare: bareFleet,
  firmware: firmwareFleet,
  boards: boardFleet,
};

// ---- bare node:net, with one timer for all ----

const BEAT = new Uint8Array(8);

/** Node reads into one buffer for all sockets, instead of a new one for each arrival: the cheapest that it offers. */
const READ_BUFFER = new Uint8Array(64 * 1024);

interface BareDevice {
  readonly socket: Socket;
  dueMs: number;
}

function bareFleet(port: number, events: FleetEvents): AddDevice {
  // All periods are equal, so the device that has just beaten is due last.
  const devices: BareDevice[] = [];
  let next = 0;
  let waits = false;

  function beatDue(): void {
    const nowMs = performance.now();
    for (;;) {
      const device = devices[next];
      if (device === undefined) throw new Error('the timer runs for a device');
      if (device.dueMs > nowMs) {
        // A fraction would be cut off, and the timer be early, for nothing.
        setTimeout(beatDue, Math.ceil(device.dueMs - nowMs));
        return;
      }
      device.socket.write(BEAT);
      device.dueMs += PERIOD_MS;
      next = (next + 1) % devices.length;
    }
  }

  function add(): void {
    const onread = {
      buffer: READ_BUFFER,
      callback: (): boolean => {
        events.answered();
        return true;
      },
    };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    socket.on('connect', () => {
      socket.write(BEAT);
      // The device goes behind the one that has beaten last, which is the one before the next.
      devices.splice(next, 0, { socket, dueMs: performance.now() + PERIOD_MS });
      next = (next + 1) % devices.length;
      if (!waits) setTimeout(beatDue, PERIOD_MS);
      waits = true;
      events.connected();
    });
    socket.on('error', ({ message }) => events.failed(message));
    socket.on('close', () => events.failed('the server has closed a connection'));
  }
  return add;
}

// ---- the firmware ----

function imageFor(port: number): Image {
  return firmwareImage({ protocol: 'heartbeat', servers: [{ host: '127.0.0.1', port }], beatIntervalMs: PERIOD_MS });
}

/** The firmware on this machine's HAL, but for its storage, which would be a file each. */
function firmwareFleet(port: number, events: FleetEvents): AddDevice {
  const network = nodeNetwork();
  const image = imageFor(port);
  const onEvent = (event: DeviceEvent): void => tell(event, events);
  return (number) => void boot(new FleetHal(`dev-${number}`, network, events), image, onEvent);
}

/** The HAL of one of thousands of devices: one object, as a board's is, since closures take ten times as much. */
class FleetHal implements Hal, System, Console, Storage {
  readonly clock = nodeClock();
  readonly random = nodeRandom;
  readonly network: Network;
  readonly deviceId: string;
  readonly resetReason = 'power-on';
  readonly #events: FleetEvents;
  readonly #values = new Map<string, Uint8Array>();

  constructor(deviceId: string, network: Network, events: FleetEvents) {
    this.deviceId = deviceId;
    this.network = network;
    this.#events = events;
  }

  get storage(): this {
    return this;
  }

  get console(): this {
    return this;
  }

  get system(): this {
    return this;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Uint8Array): void {
    this.#values.set(key, value.slice());
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  commit(): number {
    return 0;
  }

  print(line: string): void {
    this.#events.failed(line);
  }

  restart(reason: string): void {
    this.#events.failed(reason);
  }

  panic({ reason }: PanicReport): void {
    this.#events.failed(reason);
  }

  armWatchdog(): boolean {
    return false;
  }
}

/** The devices as the command line runs them: boards with cables and power, and a trace of all they do. */
function boardFleet(port: number, events: FleetEvents): AddDevice {
  const bench = new Bench({
    network: nodeNetwork(),
    newClock: nodeClock,
    seed: 1,
    onTrace: (event) => tell(event, events),
  });
  const image = imageFor(port);
  const firmware: Firmware = (hal, onEvent) => void boot(hal, image, onEvent);
  return (number) => bench.addDevice(`dev-${number}`, firmware).power.restore();
}

function tell(event: DeviceEvent | TraceEvent, events: FleetEvents): void {
  switch (event.kind) {
    case 'connected':
      events.connected();
      break;
    case 'served':
      events.answered();
      break;
    case 'connect-failed':
      events.failed(event.errno);
      break;
    case 'lost':
      events.failed(`a connection was lost: ${event.by}`);
      break;
    case 'panic':
      events.failed(event.reason);
      break;
    default:
  }
}
