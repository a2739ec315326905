/**
 * Options of devices, for all of them or for some: `--link "delay 50ms, loss 2%"`, `--profile "w5500 on dev-3..9"`. A
 * plan file has the same options as lines without the dashes: `profile w5500 on meter-*`.
 */

import { WATCHDOG_MIN_TICKS } from '../../firmware/tasks/watchdog.ts';
import type { NetworkKind } from '../faults/kind.ts';
import { ON_EXPIRED } from '../link/nat.ts';
import type { SimulatedNatOptions } from '../link/nat-options.ts';
import { LineMaker, type LineOptions, type LinkOptions } from '../link/options.ts';
import { PROFILE_NAMES, type ProfileName } from '../tcpip/profile.ts';
import { parseDuration } from '../time/duration.ts';
import { durationOf, usage } from './values.ts';

const SOME = ". Add 'on dev-3..9' for these devices only";

export const DEVICE_OPTIONS = {
  link: {
    type: 'string',
    multiple: true,
    value: '"delay 50ms, loss 2%, rate 1mbit"',
    opensGroup: true,
    help:
      'cable of each device: delay, jitter, loss, rate and queue (bytes), in both directions, or in one with tx or rx ' +
      `before the word (20 ms; against our own server also 1% loss)${SOME}; all options of this group can be repeated`,
  },
  profile: {
    type: 'string',
    multiple: true,
    value: PROFILE_NAMES.join('|'),
    help: 'TCP/IP stack of the devices (lwip)',
  },
  nat: {
    type: 'string',
    multiple: true,
    value: '5m',
    help:
      'put the devices behind NAT boxes, 250 behind each, that forget a TCP connection after this time without a ' +
      "packet (none); '5m, closing 1m, expired rst' is 1 minute for one that opens or closes, and a reset for a " +
      `forgotten one; the words behind 'expired' are ${ON_EXPIRED.join(', ')}`,
  },
  'clock-drift': {
    type: 'string',
    multiple: true,
    value: '40ppm',
    help: "drift of the devices' clocks; -40ppm is slow (0)",
  },
  'boot-time': { type: 'string', multiple: true, value: '2s', help: 'time from power-on to the first task (0)' },
  'boot-jitter': {
    type: 'string',
    multiple: true,
    value: '500ms',
    help: 'random time from 0 to this, added to each boot (0)',
  },
  watchdog: {
    type: 'string',
    multiple: true,
    value: '5s',
    help: 'a hardware watchdog that resets a hung device after this time (none)',
  },
} as const;

export type DeviceOptionName = keyof typeof DEVICE_OPTIONS;

/** An option of devices, its value, and the devices that it is for. */
export interface TargetedOption {
  readonly option: string;
  /** Undefined for a flag. */
  readonly value: string | undefined;
  /** Name of a device, or a pattern; undefined for all devices. */
  readonly target: string | undefined;
  /** Place of the option for messages: `--nat`, or `plan.txt, line 3`. */
  readonly place: string;
}

/** Properties of a NAT box. */
export type NatMake = Pick<SimulatedNatOptions, 'idleTimeout' | 'transitoryTimeout' | 'onExpired'>;

/** Properties of a device. A missing field means the default of the run. */
export interface DeviceMake {
  readonly link?: LinkOptions;
  readonly profile?: ProfileName;
  /** NAT box that the device is behind. */
  readonly nat?: NatMake;
  readonly driftPpm?: number;
  readonly bootMs?: number;
  readonly bootJitterMs?: number;
  readonly watchdogMs?: number;
}

export function isDeviceOption(option: string): option is DeviceOptionName {
  return Object.hasOwn(DEVICE_OPTIONS, option);
}

/** Reads `VALUE`, or `VALUE on PATTERN`. */
export function targetedOption(option: string, text: string, place: string): TargetedOption {
  const [, value = '', target] = /^(.*?)(?:(?:^|\s)on\s+(\S+))?\s*$/.exec(text) ?? [];
  return { option, value: value === '' ? undefined : value.trim(), target, place };
}

/** Returns how to make a device. Where an option is there several times, the last counts. Throws a Problem. */
export function deviceMake(options: readonly TargetedOption[], network: NetworkKind): DeviceMake {
  return options.reduce<DeviceMake>((make, { option, value, place }) => {
    if (!isDeviceOption(option)) return make;
    if (value === undefined) throw usage(`${place}: ${option} needs a value`);
    if (network === 'real' && NEEDS_PACKETS.has(option)) {
      throw usage(`${place}: ${option} needs simulated devices: it cannot be used with --server HOST:PORT`);
    }
    return { ...make, ...partOf(option, value, place) };
  }, {});
}

const NEEDS_PACKETS: ReadonlySet<DeviceOptionName> = new Set(['link', 'profile', 'nat', 'clock-drift']);

function partOf(option: DeviceOptionName, value: string, place: string): DeviceMake {
  switch (option) {
    case 'link': return { link: linkOf(value, place) };
    case 'profile': return { profile: profileOf(value, place) };
    case 'nat': return { nat: natOf(value, place) };
    case 'clock-drift': return { driftPpm: driftOf(value, place) };
    case 'boot-time': return { bootMs: ms(durationOf(place, value)) };
    case 'boot-jitter': return { bootJitterMs: ms(durationOf(place, value)) };
    case 'watchdog': return { watchdogMs: ms(durationOf(place, value, { minMs: WATCHDOG_MIN_TICKS })) };
  }
}

/** A duration that is known to be given. */
function ms(value: number | undefined): number {
  return value ?? 0;
}

/** Returns the profile of that name. Throws a Problem. */
export function profileOf(text: string, place: string): ProfileName {
  const profile = PROFILE_NAMES.find((name) => name === text);
  if (profile === undefined) {
    throw usage(`${place}: there is no profile '${text}'; the profiles are ${PROFILE_NAMES.join(', ')}`);
  }
  return profile;
}

const DRIFT_PPM_MAX = 100_000;

function driftOf(text: string, place: string): number {
  const [, number] = /^(-?\d+(?:\.\d+)?)ppm$/.exec(text) ?? [];
  const ppm = Number(number);
  if (number === undefined || Math.abs(ppm) > DRIFT_PPM_MAX) {
    throw usage(`${place}: a drift must be a number such as 40ppm or -40ppm, at most ${DRIFT_PPM_MAX}ppm, not '${text}'`);
  }
  return ppm;
}

/** Reads `delay 50ms, tx loss 2%, rate 1mbit`. Throws a Problem. */
function linkOf(text: string, place: string): LinkOptions {
  const ways: { tx: LineOptions; rx: LineOptions } = { tx: {}, rx: {} };
  for (const part of text.split(',')) {
    const [, way, word = '', value = ''] = /^\s*(?:(tx|rx)\s+)?(\S+)\s+(\S+)\s*$/.exec(part) ?? [];
    const option = lineOptionOf(word, value);
    if (option === undefined) {
      const example = 'delay 50ms, jitter 5ms, loss 2%, rate 1mbit, queue 64000';
      throw usage(`${place}: a link must be written like '${example}', not '${text}'`);
    }
    if (way !== 'rx') Object.assign(ways.tx, option);
    if (way !== 'tx') Object.assign(ways.rx, option);
  }
  try {
    new LineMaker().linesOf(ways);
  } catch (error) {
    if (error instanceof RangeError) throw usage(`${place}: ${error.message}`);
    throw error;
  }
  return ways;
}

/** Reads `5m, closing 1m, expired rst`. Throws a Problem. */
function natOf(text: string, place: string): NatMake {
  const [idle = '', ...parts] = text.split(',');
  return parts.reduce<NatMake>((make, part) => {
    const [word = '', value = ''] = part.trim().split(/\s+/);
    const onExpired = ON_EXPIRED.find((name) => name === value);
    if (word === 'closing') return { ...make, transitoryTimeout: ms(durationOf(place, value)) };
    if (word === 'expired' && onExpired !== undefined) return { ...make, onExpired };
    const kinds = `${ON_EXPIRED.slice(0, -1).join(', ')} or ${ON_EXPIRED.at(-1)}`;
    throw usage(
      `${place}: a NAT box must be written like '5m', or '5m, closing 1m, expired rst' (${kinds}), not '${text}'`,
    );
  }, { idleTimeout: ms(durationOf(place, idle.trim())) });
}

/** Units of a rate, in bit/s, as in `tc` and in faults. */
const RATE_UNITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

function lineOptionOf(word: string, value: string): LineOptions | undefined {
  switch (word) {
    case 'delay': return present('delay', parseDuration(value));
    case 'jitter': return present('jitter', parseDuration(value));
    case 'loss': return present('loss', shareOf(value));
    case 'rate': return present('bandwidth', rateOf(value));
    case 'queue': return present('queueBytes', /^\d+$/.test(value) ? Number(value) : undefined);
    default: return undefined;
  }
}

function present(name: keyof LineOptions, value: number | undefined): LineOptions | undefined {
  return value === undefined ? undefined : { [name]: value };
}

function shareOf(text: string): number | undefined {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  return percent === undefined ? undefined : Number(percent) / 100;
}

function rateOf(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?bit)(?:\/s)?$/.exec(text.toLowerCase()) ?? [];
  const unitBps = RATE_UNITS[unit];
  return unitBps === undefined ? undefined : Number(number) * unitBps;
}
