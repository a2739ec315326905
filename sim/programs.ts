/** Programs for simulated hosts: the firmware's images, and the reference server. */

import type { Hal } from '../hal/hal.ts';
import { boot, type FirmwareConfig, firmwareImage, type ProtocolName } from '../firmware/index.ts';
import type { Firmware } from './board/board.ts';
import type { ServerEvent } from './server/events.ts';
import type { ServiceSettingsOf } from './server/protocols/index.ts';
import { type ReferenceServer, startServer } from './server/server.ts';
import type { ServerOptions } from './server/settings.ts';

/** The name and the port that a simulation's first server has, unless said otherwise. */
export const SERVER_NAME = 'server';
export const SERVER_PORT = 39_002;

/** A server's program, started at each boot of its host. */
export type ServerProgram = (hal: Hal, onEvent: (event: ServerEvent) => void) => ReferenceServer;

type Settings<Name extends ProtocolName> = Partial<
  Omit<Extract<FirmwareConfig, { readonly protocol: Name }>, 'protocol'>
>;

/** The simulated server, for a firmware's settings. */
export const SIMULATED_SERVERS = [{ host: SERVER_NAME, port: SERVER_PORT }];

/** Firmware of these settings; devices that share it share its image. Throws a ConfigError. */
export function firmware(config: FirmwareConfig): Firmware {
  const image = firmwareImage(config);
  return (hal, onEvent) => void boot(hal, image, onEvent);
}

export interface BootTime {
  readonly bootMs?: number | undefined;
  readonly jitterMs?: number | undefined;
}

/**
 * The firmware on a device that takes a while to boot: `bootMs` from power to the first task, and on top of that, drawn
 * at each boot, from 0 to `jitterMs`. Its network interface answers before.
 */
export function slowBoot(booted: Firmware, { bootMs = 0, jitterMs = 0 }: BootTime): Firmware {
  if (bootMs === 0 && jitterMs === 0) return booted;
  return (hal, onEvent) => {
    const lengthMs = bootMs + (hal.random.uint32() / 2 ** 32) * jitterMs;
    hal.clock.setAlarm(hal.clock.now() + lengthMs, () => booted(hal, onEvent));
  };
}

/** The heartbeat client; without `servers`, of the simulation's server. */
export function heartbeatFirmware(settings: Settings<'heartbeat'> = {}): Firmware {
  return firmware({ servers: SIMULATED_SERVERS, ...settings, protocol: 'heartbeat' });
}

/**
 * The keepalive task, which returns in upper case what it receives; without `servers`, a client of the simulation's
 * server.
 */
export function echoFirmware(settings: Settings<'echo'> = {}): Firmware {
  return firmware({ servers: SIMULATED_SERVERS, ...settings, protocol: 'echo' });
}

/** The MQTT client; without `servers`, of the simulation's server. */
export function mqttFirmware(settings: Settings<'mqtt'> = {}): Firmware {
  return firmware({ servers: SIMULATED_SERVERS, ...settings, protocol: 'mqtt' });
}

export type MqttBrokerSettings = ServiceSettingsOf<'mqtt'>;

/** The reference server as an MQTT broker. */
export function mqttBroker(settings: Partial<MqttBrokerSettings> = {}): ServerProgram {
  return referenceServer({ protocol: { kind: 'mqtt', ...settings } });
}

/** The reference server, with one protocol or several, each at a port of its own. */
export function referenceServer(options: ServerOptions | readonly ServerOptions[] = {}): ServerProgram {
  const local = { address: '0.0.0.0', port: SERVER_PORT };
  const all = [options].flat().map((one) => ({ local, ...one }));
  return (hal, onEvent) => startServer(hal, all, onEvent);
}
