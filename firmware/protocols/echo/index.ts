/** The echo protocol: the device gives back in upper case what it is sent, and TCP keepalive watches over both ends. */

import { CONNECTION_DEFAULTS, type ConnectionConfig, connectionRules } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { echoTask } from './echo.ts';

const PRIORITY = 2;

/** By default keepalive is 3/3/3, and it connects again 100 ms after a failure. */
export const ECHO: DeviceProtocol<ConnectionConfig> = {
  name: 'echo',
  defaults: { ...CONNECTION_DEFAULTS, keepAlive: { idle: 3, interval: 3, count: 3 }, retry: { fixedMs: 100 } },
  rules: connectionRules,
  start(os, hal, settings, onEvent) {
    os.createTask(echoTask, 'tcp-keepalive', PRIORITY, hal, settings, onEvent);
  },
};
