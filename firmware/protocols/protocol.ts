/** A protocol on a device: settings with defaults and rules, and tasks that speak the protocol. */

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
  /** Name of lower-case letters, digits and hyphens. */
  readonly name: string;
  /** All settings but the servers have a default. */
  readonly defaults: Omit<Settings, 'servers'>;
  /** Returns the rule of each setting, in the order in which settings are told and checked. */
  rules(tickRateHz: number): SettingRulesFor<Settings>;
  /** Creates the task or the tasks that speak it. They emit `served` whenever they learn that the device is served. */
  start(os: Kernel, hal: Hal, settings: Settings, onEvent: EventListener | undefined): void;
}
