/** The words that some kinds of faults have before `on`: shares, times, bandwidths, directions. */

import { parseBandwidth, type Share } from '../link/options.ts';
import type { Direction } from '../link/wires.ts';
import { type Duration, formatDuration, parseDuration } from '../time/duration.ts';
import type { Argument } from './kind.ts';

/** Of packets, in percent, above 0. */
export const SHARE: Argument = {
  what: 'a share of packets such as 10%, above 0% and at most 100%',
  isOptional: false,
  read: (text) => {
    const percent = percentOf(text);
    return percent !== undefined && percent > 0 && percent <= 100 ? `${percent}%` : undefined;
  },
};

export function shareOf(argument: string): Share {
  return (percentOf(argument) ?? 0) / 100;
}

/** In fixed notation, as people write it: what JavaScript would print as 1e-7 is not read. */
function percentOf(text: string): number | undefined {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Above 0. */
export const TIME: Argument = {
  what: 'a time such as 300ms or 2s, above 0',
  isOptional: false,
  read: (text) => {
    const ms = parseDuration(text);
    return ms === undefined || ms === 0 ? undefined : formatDuration(ms);
  },
};

export function timeOf(argument: string): Duration {
  return parseDuration(argument) ?? 0;
}

export const BANDWIDTH: Argument = {
  what: 'a bandwidth such as 9600bit/s, 64kbit/s or 10Mbit/s, above 0',
  isOptional: false,
  // As it stands: there is no shorter way that is as readable.
  read: (text) => ((parseBandwidth(text) ?? 0) > 0 ? text : undefined),
};

/** In bits per second. */
export function bandwidthOf(argument: string): number {
  return parseBandwidth(argument) ?? 0;
}

export const WAY: Argument = {
  what: 'the way that is dead: tx (from the host) or rx (to it)',
  isOptional: false,
  read: wayOf,
};

export function wayOf(argument: string): Direction | undefined {
  return argument === 'tx' || argument === 'rx' ? argument : undefined;
}
