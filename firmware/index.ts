/** `cablepull/firmware`: the kernel, and the firmware image that runs on it. */

export { boot } from './boot.ts';
export { type FirmwareConfig, firmwareImage, type Image, type OwnConfig } from './config.ts';
export type { DeviceEvent, EventListener, LossReason } from './events.ts';
export { ServerSocket } from './net/server-socket.ts';
export { lookup } from './net/lookup.ts';
export { type Interest, READABLE, select, type Selectable, WRITABLE } from './net/select.ts';
export { Socket } from './net/socket.ts';
export { DatagramEndpoint } from './net/datagram-endpoint.ts';
export { DEVICE_PROTOCOLS, isProtocolName, type ProtocolName, type ProtocolSettingsOf } from './protocols/index.ts';
export type { DeviceProtocol, ProtocolSettings } from './protocols/protocol.ts';
export {
  type CallOutcome, LazyClient, type LazyConfig, LazyConnection,
} from './protocols/dubbo/lazy-client.ts';
export * from './protocols/heartbeat/frame.ts';
export * from './rtos/index.ts';
export { ADAPTIVE_PERIOD_DEFAULTS, type AdaptivePeriod } from './tasks/adaptive-period.ts';
export { type Retry, retryDelayMs } from './tasks/backoff.ts';
export {
  checkBoolean,
  ConfigError,
  duration,
  durationOrNone,
  oneOf,
  type SettingRule,
  type SettingRules,
  type SettingRulesFor,
  whole,
} from './settings.ts';
export {
  CONNECTION_DEFAULTS,
  type ConnectionConfig,
  connectionRules,
  type Dialogue,
  keepConnected,
  type Server,
  serverName,
  type SessionEnd,
} from './tasks/connection.ts';
export { startWatchdog } from './tasks/watchdog.ts';
