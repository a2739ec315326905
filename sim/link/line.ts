/** The properties of one direction of a cable. */

/** Data, and shared: most cables of a world are alike. */
export interface Line {
  /** Time from the packet's last bit leaving to its arrival. */
  readonly delayUs: number;
  /** To that comes from 0 to so much, each as likely; packets do not overtake each other by it. */
  readonly jitterUs: number;
  /** Bits per second, of the Ethernet frame (ETHERNET_BYTES); Infinity: a packet takes no time. */
  readonly bandwidthBps: number;
  /**
   * Number of bytes that may wait for the line, including the rest of the packet that is being sent. A packet that does
   * not fit is dropped.
   */
  readonly queueBytes: number;
  /**
   * Each packet is lost with this probability, independently; it takes up nothing of the line (as in Linux's
   * netem_enqueue).
   */
  readonly loss: number;
}

/**
 * A packet's part of the line beside the IPv4 packet: Ethernet's header and check sequence; no padding, no preamble.
 */
export const ETHERNET_BYTES = 18;

/**
 * A cable that carries everything at once. Its queue, should it get a bandwidth: ns-3's 100 packets, of a full frame
 * each.
 */
export const PERFECT: Line = Object.freeze({
  delayUs: 0,
  jitterUs: 0,
  bandwidthBps: Infinity,
  queueBytes: 100 * 1518,
  loss: 0,
});

/** The lines of a cable: `tx` from the host, `rx` to it. Data, and shared. */
export interface Lines {
  readonly tx: Line;
  readonly rx: Line;
}

/** A cable whose two lines are alike. */
export function bothWays(line: Line): Lines {
  return Object.freeze({ tx: line, rx: line });
}

/** A line like `base` but for what is given. Throws a RangeError where that makes no sense. */
export function makeLine(options: Partial<Line>, base: Line = PERFECT): Line {
  const line = Object.freeze({
    delayUs: options.delayUs ?? base.delayUs,
    jitterUs: options.jitterUs ?? base.jitterUs,
    bandwidthBps: options.bandwidthBps ?? base.bandwidthBps,
    queueBytes: options.queueBytes ?? base.queueBytes,
    loss: options.loss ?? base.loss,
  });
  for (const timeUs of [line.delayUs, line.jitterUs]) {
    if (!Number.isSafeInteger(timeUs) || timeUs < 0) throw new RangeError(`${timeUs} us is no time a packet can take`);
  }
  if (!(line.bandwidthBps > 0)) throw new RangeError(`a line of ${line.bandwidthBps} bits per second carries nothing`);
  if (!(line.queueBytes >= 0)) throw new RangeError(`${line.queueBytes} bytes is no size of a queue`);
  checkProbability(line.loss);
  return line;
}

/** Throws a RangeError unless it is one. */
export function checkProbability(probability: number): void {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${probability} is no probability`);
}
