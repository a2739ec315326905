/** What can be put on a simulated host: the firmware's images, and the reference server. */

import type { Hal } from '../hal/hal.ts';
import { boot, type FirmwareConfig } from '../firmware/index.ts';
import type { Firmware } from './board/board.ts';
import type { ServerEvent } from './server/events.ts';
import { type ReferenceServer, startServer } from './server/server.ts';
import type { ServerOptions } from './server/settings.ts';

/** The name and the port that a simulation's first server has, unless said otherwise. */
export const SERVER_NAME = 'server';
export const SERVER_PORT = 39_002;

/** A server's program: started anew at each boot of its host. */
export type ServerProgram = (hal: Hal, onEvent: (event: ServerEvent) => void) => ReferenceServer;

type Settings<P extends FirmwareConfig['protocol']> = Partial<Omit<Extract<FirmwareConfig, { protocol: P }>, 'protocol'>>;

const SERVERS = [{ host: SERVER_NAME, port: SERVER_PORT }];

/** The heartbeat client; without `servers`, of the simulation's server. */
export function heartbeatFirmware(settings: Settings<'heartbeat'> = {}): Firmware {
  const config: FirmwareConfig = { servers: SERVERS, ...settings, protocol: 'heartbeat' };
  return (hal, onEvent) => void boot(hal, config, onEvent);
}

/** The keepalive task, that gives back in upper case what it is sent; without `servers`, a client of the simulation's server. */
export function echoFirmware(settings: Settings<'echo'> = {}): Firmware {
  const config: FirmwareConfig = { servers: SERVERS, ...settings, protocol: 'echo' };
  return (hal, onEvent) => void boot(hal, config, onEvent);
}

/** The reference server, that heartbeat clients beat to. */
export function heartbeatServer(options: ServerOptions = {}): ServerProgram {
  return (hal, onEvent) => startServer(hal, { local: { address: '0.0.0.0', port: SERVER_PORT }, ...options }, onEvent);
}
