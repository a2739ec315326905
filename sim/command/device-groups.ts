/** The devices of a run: their names, and groups of devices that have the same options. */

import { boot, ConfigError, firmwareImage, type OwnConfig, type Server } from '../../firmware/index.ts';
import type { Firmware } from '../board/board.ts';
import { targets } from '../faults/fault.ts';
import type { NetworkKind } from '../faults/kind.ts';
import { slowBoot } from '../programs.ts';
import { DEFAULT_LIMITS } from '../server/limits.ts';
import type { Protocol } from '../server/protocols/protocol.ts';
import type { ServerOptions } from '../server/settings.ts';
import { type DeviceMake, deviceMake, isDeviceOption, type TargetedOption } from './device-options.ts';
import { Problem } from './problem.ts';
import type { Speech } from './protocol-command.ts';
import { checkServer, defined } from './server-options.ts';
import { usage } from './values.ts';

/** A row of devices whose names have the same prefix: dev-1, dev-2, ... */
export interface NumberedDevices {
  readonly prefix: string;
  readonly count: number;
}

/** The names of all devices of a run. There may be millions, so no name is stored. */
export class DeviceNames {
  readonly count: number;
  readonly #rows: readonly NumberedDevices[];

  constructor(rows: readonly NumberedDevices[]) {
    this.#rows = rows;
    this.count = rows.reduce((sum, row) => sum + row.count, 0);
  }

  /** Returns the name of a device by its index, from 0. Throws RangeError if there is no such device. */
  at(index: number): string {
    let before = 0;
    for (const { prefix, count } of this.#rows) {
      if (index < before + count) return `${prefix}-${index - before + 1}`;
      before += count;
    }
    throw new RangeError(`there is no device ${index}`);
  }

  /** Returns the index of a device by its name. Throws RangeError if there is no such device. */
  indexOf(name: string): number {
    const [, prefix, number] = /^(.*)-(\d+)$/.exec(name) ?? [];
    let before = 0;
    for (const row of this.#rows) {
      if (row.prefix === prefix) return before + Number(number) - 1;
      before += row.count;
    }
    throw new RangeError(`there is no device ${name}`);
  }

  /** Returns the names from index `from` up to, but not including, `to`. */
  slice(from = 0, to = this.count): string[] {
    return Array.from({ length: to - from }, (_, i) => this.at(from + i));
  }
}

export interface DeviceGroup {
  readonly make: DeviceMake;
  readonly firmware: OwnConfig;
  /** Index in `ports` of the port of our own server that the group connects to. */
  readonly port: number;
}

export interface Devices {
  readonly names: DeviceNames;
  readonly groups: readonly DeviceGroup[];
  /** Returns the group of a device by its index. */
  groupAt(index: number): DeviceGroup;
  /** Ports of our own server. */
  readonly ports: readonly OwnServerPort[];
}

/** A port of our own server, and the protocol that it serves. */
export interface OwnServerPort {
  readonly protocol: Protocol;
  readonly options: ServerOptions;
}

export interface DevicesOrder {
  readonly names: DeviceNames;
  readonly targetedOptions: readonly TargetedOption[];
  readonly network: NetworkKind;
  readonly servers: readonly Server[];
  readonly base: Speech;
  readonly speak: (more: readonly string[]) => Promise<Speech>;
}

/** Resolves to the devices with their groups. Rejects with a Problem. */
export async function devicesOf(
  { names, targetedOptions, network, servers, base, speak }: DevicesOrder,
): Promise<Devices> {
  const ports: OwnServerPort[] = [];
  const portsBySpeech = new Map<string, { readonly speech: Speech; readonly port: number }>();
  const { all, groupNumbers } = grouped(names, targetedOptions);
  const groups: DeviceGroup[] = [];
  for (const groupOptions of all) {
    const protocolOptions = groupOptions.filter(isProtocolOption);
    const words = protocolOptions.map(optionText);
    const key = words.join('\n');
    let known = portsBySpeech.get(key);
    if (known === undefined) {
      const speech = words.length === 0 ? base : await withPlace(protocolOptions, () => speak(words));
      known = { speech, port: ports.length };
      portsBySpeech.set(key, known);
      ports.push({ protocol: speech.protocol, options: serverOptionsOf(speech, names.count) });
    }
    const make = deviceMake(groupOptions, network);
    const { protocol, settings: { device = {} } } = known.speech;
    const { watchdogMs } = make;
    const firmware: OwnConfig = {
      ...defined(device), protocol: protocol.device, servers, ...defined({ watchdogMs }),
    };
    checkFirmware(firmware);
    groups.push({ make, firmware, port: known.port });
  }
  return { names, groups, groupAt: (index) => present(groups[groupNumbers?.[index] ?? 0]), ports };
}

/** Returns the options of each group, and the group number of each device; undefined if there is only one group. */
function grouped(
  names: DeviceNames, options: readonly TargetedOption[],
): { readonly all: readonly (readonly TargetedOption[])[]; readonly groupNumbers: Uint16Array | undefined } {
  if (options.every(({ target }) => target === undefined)) return { all: [options], groupNumbers: undefined };
  const numbers = new Map<string, number>();
  const all: (readonly TargetedOption[])[] = [];
  const used = new Set<TargetedOption>();
  const groupNumbers = new Uint16Array(names.count);
  for (let index = 0; index < names.count; index++) {
    const name = names.at(index);
    const groupOptions = options.filter(({ target }) => target === undefined || targets(target, name));
    const key = groupOptions.map((option) => options.indexOf(option)).join(' ');
    let number = numbers.get(key);
    if (number === undefined) {
      number = all.length;
      numbers.set(key, number);
      all.push(groupOptions);
      for (const option of groupOptions) used.add(option);
    }
    groupNumbers[index] = number;
  }
  const unused = options.find((option) => !used.has(option));
  if (unused === undefined) return { all, groupNumbers };
  const existing = `there are ${names.at(0)} to ${names.at(names.count - 1)}`;
  throw usage(`${unused.place}: no device is called '${unused.target}'; ${existing}`);
}

function present(group: DeviceGroup | undefined): DeviceGroup {
  if (group === undefined) throw new Error('every device has a group');
  return group;
}

/** Resolves to the result of `speak`. A Problem in it names the place of the options. Rejects with a Problem. */
async function withPlace(options: readonly TargetedOption[], speak: () => Promise<Speech>): Promise<Speech> {
  try {
    return await speak();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw usage(`${[...new Set(options.map(({ place }) => place))].join('; ')}: ${error.message}`);
  }
}

function isProtocolOption({ option }: TargetedOption): boolean {
  return !isDeviceOption(option);
}

/** Returns the option as a word of the command line. */
function optionText({ option, value }: TargetedOption): string {
  return value === undefined ? `--${option}` : `--${option}=${value}`;
}

function serverOptionsOf({ protocol, settings, beatIntervalMs, keepAlive }: Speech, devices: number): ServerOptions {
  const { service = {}, liveness, beatEvents = false } = settings;
  return checkServer({
    protocol: { ...defined(service), kind: protocol },
    ...defined({ liveness, keepAlive }),
    // Beats at the chosen interval are not a flood. And a device may reconnect while the server still has its ghost, so
    // each device can need two connections.
    limits: {
      maxFramesPerSecond: Math.max(100, Math.ceil(5000 / (beatIntervalMs ?? 3000))),
      maxConnections: Math.max(DEFAULT_LIMITS.maxConnections, 2 * devices),
    },
    beatEvents,
  });
}

function checkFirmware(config: OwnConfig): void {
  try {
    firmwareImage(config);
  } catch (error) {
    if (error instanceof ConfigError) throw usage(inWordsOfOptions(error.message));
    throw error;
  }
}

/**
 * Rewrites a message of the firmware, which names fields of its configuration, in terms of options. Everything but the
 * servers has been checked before.
 */
function inWordsOfOptions(message: string): string {
  return message.replace(/^config\.servers\[\d+\]\.(\w+)/, 'the $1 of --server');
}

/** Returns a function that gives each group its firmware. All devices of a group share one image. */
export function firmwareByGroup(
  serversOf: (group: DeviceGroup) => readonly Server[],
): (group: DeviceGroup) => Firmware {
  const made = new Map<DeviceGroup, Firmware>();
  return (group) => {
    let firmware = made.get(group);
    if (firmware === undefined) {
      const image = firmwareImage({ ...group.firmware, servers: serversOf(group) });
      const { bootMs, bootJitterMs } = group.make;
      firmware = slowBoot((hal, onEvent) => void boot(hal, image, onEvent), { bootMs, jitterMs: bootJitterMs });
      made.set(group, firmware);
    }
    return firmware;
  };
}
