/** The echo protocol: the device returns in upper case what it receives, and TCP keepalive watches over both ends. */

import { CONNECTION_DEFAULTS, type ConnectionConfig, connectionRules } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { echoTask } from './echo.ts';

const PRIORITY = 2;

/** Defaults: keepalive 3/3/3, and a new attempt to connect 100 ms after a failure. */
export const ECHO: DeviceProtocol<ConnectionConfig> = {
  name: 'echo',
  defaults: { ...CONNECTION_DEFAULTS, keepAlive: { idle: 3, interval: 3, count: 3 }, retry: { fixedMs: 100 } },
  rules: connectionRules,
  start(os, hal, settings, onEvent) {
    os.createTask(echoTask, 'tcp-keepalive', PRIORITY, hal, settings, onEvent);
  },
};
