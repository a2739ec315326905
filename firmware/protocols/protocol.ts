/** What a protocol is on a device: settings with defaults and rules, and tasks that speak it. */

import type { Hal } from '../../hal/hal.ts';
import type { EventListener } from '../events.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { SettingRulesFor } from '../settings.ts';
import type { Server } from '../tasks/connection.ts';

/** The settings that every protocol has. */
export interface ProtocolSettings {
  /** Tried in turn. */
  readonly servers: readonly Server[];
}

/**
 * The device's side of a protocol with these settings, as it stands in the table in index.ts, or comes from outside.
 */
export interface DeviceProtocol<Settings extends ProtocolSettings = ProtocolSettings> {
  /** Of lower-case letters, digits and hyphens. */
  readonly name: string;
  /** All settings but the servers have a default. */
  readonly defaults: Omit<Settings, 'servers'>;
  /** What each setting must be, in the order in which they are told and checked. */
  rules(tickRateHz: number): SettingRulesFor<Settings>;
  /** Creates the task or the tasks that speak it. They emit `served` whenever they learn that the device is served. */
  start(os: Kernel, hal: Hal, settings: Settings, onEvent: EventListener | undefined): void;
}
