/** Rules on one direction of a cable: what makes a line worse than it is. Each is a small file in rules/. */

import type { Random } from '../../hal/random.ts';
import type { Packet } from '../packet/packet.ts';
import type { Line } from './line.ts';

/** The fate of a packet. A number: the packet is held back for this many microseconds, while others overtake it. */
export type PacketVerdict = 'pass' | 'duplicate' | 'loss' | 'one-way' | 'corrupt' | 'no-mapping' | 'too-big' | number;

/** Judges each packet in its turn, and may change it. `random` is the cable's own. */
export type PacketJudge = (packet: Packet, random: Random) => PacketVerdict;

/**
 * Either the line is another one while the rule is on it, or each packet is judged on its own. `newJudge` is called
 * once for each direction of each cable that the rule is installed on, so that what a judge remembers is of one line.
 */
export type Rule =
  | { readonly kind: 'line'; readonly change: (line: Line) => Line }
  | { readonly kind: 'packet'; readonly newJudge: () => PacketJudge };

/** A rule that has been installed; each is an object of its own, so that exactly it can be removed. */
export interface Installed {
  readonly rule: Rule;
  readonly judge: PacketJudge | undefined;
}

/** The rules on one direction of a cable, in the order they were installed. */
export class Rules {
  /** The line without them. */
  readonly base: Line;
  /** The line with them. */
  line: Line;
  judges: readonly PacketJudge[] = [];
  #installed: readonly Installed[] = [];

  constructor(base: Line) {
    this.base = base;
    this.line = base;
  }

  get size(): number {
    return this.#installed.length;
  }

  add(rule: Rule): Installed {
    const installed = { rule, judge: rule.kind === 'packet' ? rule.newJudge() : undefined };
    this.#set([...this.#installed, installed]);
    return installed;
  }

  remove(installed: Installed): void {
    this.#set(this.#installed.filter((other) => other !== installed));
  }

  /** Computes the line from its base again, so that rules can be removed in any order. */
  #set(installed: readonly Installed[]): void {
    this.#installed = installed;
    this.line = installed.reduce((line, { rule }) => (rule.kind === 'line' ? rule.change(line) : line), this.base);
    this.judges = installed.flatMap(({ judge }) => judge ?? []);
  }
}
