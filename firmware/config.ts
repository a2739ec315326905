/** Makes a firmware image from settings: which protocol it speaks, with which settings, on which kernel. */

import { DEVICE_PROTOCOLS, isProtocolName, type ProtocolName, type ProtocolSettingsOf } from './protocols/index.ts';
import type { DeviceProtocol, ProtocolSettings } from './protocols/protocol.ts';
import { checkSettings, durationOrNone, isRecord, refuse, type SettingRulesFor, whole } from './settings.ts';
import type { Server } from './tasks/connection.ts';
import { WATCHDOG_MIN_TICKS } from './tasks/watchdog.ts';

/** The settings that every image has, with any protocol. */
interface ImageSettings {
  /** Default 1000. */
  readonly tickRateHz: number;
  /**
   * The hardware watchdog's time, and how long a task may keep the others from running, give or take a quarter (see
   * `startWatchdog`); 0: no watchdog. Default 0.
   */
  readonly watchdogMs: number;
}

/**
 * A firmware image: settings that are complete and checked, with the protocol that they are for. Any number of devices
 * boot from one image, as they share it.
 */
export type Image = ImageSettings & ProtocolSettings & { readonly protocol: DeviceProtocol };

/** The settings of a protocol of this project: its name, servers, and the settings that differ from the defaults. */
type KnownConfig<Name extends ProtocolName> = Pick<ProtocolSettings, 'servers'> & { readonly protocol: Name }
  & Partial<ProtocolSettingsOf<Name> & ImageSettings>;

/** The settings of a protocol that is not of this project; they are checked when the image is made. */
export interface OwnConfig extends ProtocolSettings, Partial<ImageSettings> {
  readonly protocol: DeviceProtocol;
  readonly [setting: string]: unknown;
}

/** Settings of an image: a protocol, servers, and everything that differs from the defaults. */
export type FirmwareConfig = { [Name in ProtocolName]: KnownConfig<Name> }[ProtocolName] | OwnConfig;

const IMAGE_DEFAULTS: ImageSettings = { tickRateHz: 1000, watchdogMs: 0 };

/** Fills in the defaults and checks every field. Throws a ConfigError. */
export function firmwareImage(config: FirmwareConfig): Image {
  if (!isRecord(config)) refuse('', 'an object with `protocol` and `servers`', config);
  const protocol = protocolOf(config.protocol);
  const servers: readonly Server[] = config.servers;
  const image: Image = Object.assign({ servers }, IMAGE_DEFAULTS, protocol.defaults, config, { protocol });
  const { tickRateHz } = image;
  checkSettings(image, { protocol() {}, ...imageRules(tickRateHz), ...protocol.rules(tickRateHz) });
  return image;
}

/** `tickRateHz` comes first: the times are checked against it. */
function imageRules(tickRateHz: number): SettingRulesFor<ImageSettings> {
  return {
    tickRateHz: whole('ticks a second', 1, 1_000_000),
    watchdogMs: durationOrNone(tickRateHz, WATCHDOG_MIN_TICKS),
  };
}

function protocolOf(protocol: unknown): DeviceProtocol {
  if (isProtocolName(protocol)) return DEVICE_PROTOCOLS[protocol];
  if (isDeviceProtocol(protocol)) return protocol;
  const names = Object.keys(DEVICE_PROTOCOLS).map((name) => `'${name}'`);
  return refuse('protocol', `${names.join(', ')}, or a protocol of your own`, protocol);
}

function isDeviceProtocol(value: unknown): value is DeviceProtocol {
  return isRecord(value) && typeof value['name'] === 'string' && isRecord(value['defaults'])
    && typeof value['rules'] === 'function' && typeof value['start'] === 'function';
}
