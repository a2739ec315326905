/** Cables as people describe them: `{ delay: '20ms', loss: '1%', bandwidth: '10Mbit/s' }`. */

import { type Duration, durationUs } from '../time/duration.ts';
import { bothWays, checkProbability, type Line, type Lines, makeLine, PERFECT } from './line.ts';

/** Bits per second, or a text with a unit. */
export type Bandwidth = number | `${number}${'bit/s' | 'kbit/s' | 'Mbit/s' | 'Gbit/s'}`;

/** Share of packets: from 0 to 1, or in percent. */
export type Share = number | `${number}%`;

export interface LineOptions {
  /** One way. */
  readonly delay?: Duration;
  /** On top of the delay, from 0 to so much, each as likely; packets do not overtake each other by it. */
  readonly jitter?: Duration;
  readonly bandwidth?: Bandwidth;
  readonly queueBytes?: number;
  /** Probability that a packet is lost, independent of other packets. */
  readonly loss?: Share;
}

/** Both directions alike, or each of its own: `tx` from the host, `rx` to it. */
export type LinkOptions = LineOptions | LinesOptions;

export interface LinesOptions {
  readonly tx?: LineOptions;
  readonly rx?: LineOptions;
}

const UNIT_BPS: Readonly<Record<string, number>> = { 'bit/s': 1, 'kbit/s': 1e3, 'Mbit/s': 1e6, 'Gbit/s': 1e9 };

/** Makes lines, the same ones for thousands of cables that are alike. */
export class LineMaker {
  readonly #made = new Map<string, Lines>();

  /** The lines of both directions. Throws a RangeError for what cannot be. */
  linesOf(options: LinkOptions): Lines {
    const { tx, rx } = isOfEach(options)
      ? { tx: lineOf(options.tx ?? {}), rx: lineOf(options.rx ?? {}) }
      : bothWays(lineOf(options));
    const text = [...Object.values(tx), ...Object.values(rx)].join(' ');
    let lines = this.#made.get(text);
    if (lines === undefined) {
      lines = Object.freeze({ tx, rx });
      this.#made.set(text, lines);
    }
    return lines;
  }
}

function isOfEach(options: LinkOptions): options is LinesOptions {
  return 'tx' in options || 'rx' in options;
}

/** The options of a line. Any other word is an error, which a JavaScript user has no type checker to find. */
const LINE_WORDS: Readonly<Record<keyof LineOptions, true>> = {
  delay: true,
  jitter: true,
  bandwidth: true,
  queueBytes: true,
  loss: true,
};

function lineOf(options: LineOptions): Line {
  for (const word of Object.keys(options)) {
    if (!Object.hasOwn(LINE_WORDS, word)) {
      throw new RangeError(`a link has no ${word}; it can have ${Object.keys(LINE_WORDS).join(', ')}`);
    }
  }
  const { delay = 0, jitter = 0, bandwidth = Infinity, queueBytes = PERFECT.queueBytes, loss = 0 } = options;
  return makeLine({
    delayUs: durationUs(delay),
    jitterUs: durationUs(jitter),
    bandwidthBps: bandwidthBps(bandwidth),
    queueBytes,
    loss: probability(loss),
  });
}

/** `10Mbit/s` in bits per second. Throws a RangeError for what is no bandwidth. */
export function bandwidthBps(bandwidth: Bandwidth): number {
  const bps = typeof bandwidth === 'number' ? bandwidth : parseBandwidth(bandwidth);
  if (bps === undefined) {
    throw new RangeError(`${bandwidth} is no bandwidth: it can be a number of bits per second, or such as 10Mbit/s`);
  }
  return bps;
}

/** `10Mbit/s` in bits per second; undefined for what is no bandwidth. */
export function parseBandwidth(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([kMG]?bit\/s)$/.exec(text) ?? [];
  const factor = UNIT_BPS[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

/** `1%` as 0.01. Throws a RangeError for what is no probability. */
export function probability(share: Share): number {
  if (typeof share === 'number') {
    checkProbability(share);
    return share;
  }
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(share) ?? [];
  if (percent === undefined) {
    throw new RangeError(`${share} is no probability: it can be a number from 0 to 1, or such as 1%`);
  }
  checkProbability(Number(percent) / 100);
  return Number(percent) / 100;
}
