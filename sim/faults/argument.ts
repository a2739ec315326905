/** The words that some kinds of faults have before `on`: shares, times, bandwidths, directions. */

import type { Dice } from '../dice.ts';
import { parseBandwidth } from '../link/options.ts';
import type { Direction } from '../link/fabric.ts';
import { parseDuration } from '../time/duration.ts';
import type { Argument } from './kind.ts';

export const SHARE: Argument = {
  what: 'a share of packets such as 10%, above 0% and at most 100%',
  example: '10%',
  isOptional: false,
  isRight: (text) => shareOf(text) > 0 && shareOf(text) <= 1,
};

/** Returns a share of packets, from 0 to 1; NaN if the text is not a share. */
export function shareOf(text: string): number {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  return Number(percent) / 100;
}

/** Draws a share of packets; sometimes all of them. */
export function drawShare(dice: Dice): string {
  return `${dice.chance(0.1) ? 100 : dice.whole(1, 90)}%`;
}

export const TIME: Argument = {
  what: 'a time such as 300ms or 2s, above 0',
  example: '300ms',
  isOptional: false,
  isRight: (text) => timeOf(text) > 0,
};

/** Returns a time in ms; NaN if the text is not a time. */
export function timeOf(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}

export const BANDWIDTH: Argument = {
  what: 'a bandwidth such as 9600bit/s, 64kbit/s or 10Mbit/s, above 0',
  example: '64kbit/s',
  isOptional: false,
  isRight: (text) => bandwidthOf(text) > 0,
};

/** Returns bits per second; NaN if the text is not a bandwidth. */
export function bandwidthOf(text: string): number {
  return parseBandwidth(text) ?? Number.NaN;
}

export const SIZE: Argument = {
  what: 'the bytes of the largest packet that passes, such as 1300, from 68 to 65535',
  example: '1300',
  isOptional: false,
  // RFC 791 3.2: every network takes 68.
  isRight: (text) => sizeOf(text) >= 68 && sizeOf(text) <= 65_535,
};

/** NaN: it is no whole number. */
export function sizeOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

export const WAY: Argument = {
  what: 'the way that is dead: tx (from the host) or rx (to it)',
  example: 'tx|rx',
  isOptional: false,
  isRight: (text) => wayOf(text) !== undefined,
};

export function wayOf(text: string): Direction | undefined {
  return text === 'tx' || text === 'rx' ? text : undefined;
}
