/** `cablepull/firmware`: the kernel, and the firmware image that runs on it. */

export { boot } from './boot.ts';
export {
  ConfigError,
  ECHO_DEFAULTS,
  type EchoImage,
  type FirmwareConfig,
  HEARTBEAT_DEFAULTS,
  type HeartbeatImage,
} from './config.ts';
export type { DeviceEvent, EventListener, LossReason } from './events.ts';
export { lookup } from './net/lookup.ts';
export { type Interest, select } from './net/select.ts';
export { READABLE, Socket, WRITABLE } from './net/socket.ts';
export * from './protocol/heartbeat-frame.ts';
export * from './rtos/index.ts';
export { type Retry, retryDelayMs } from './tasks/backoff.ts';
export { type ConnectionConfig, type Conversation, keepConnected, type Server, serverName, type SessionEnd } from './tasks/connection.ts';
export { type HeartbeatConfig, heartbeatTask } from './tasks/heartbeat.ts';
export { tcpKeepaliveTask } from './tasks/tcp-keepalive.ts';
export { startWatchdog } from './tasks/watchdog.ts';
