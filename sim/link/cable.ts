/**
 * A cable from a board (its near end) to its far end: it takes time, loses packets, and can be
 * pulled. There are 100,000 of them and millions of packets: an idle cable is but the few fields below, and a packet on
 * its way is one event.
 */

import type { Random } from '../../hal/random.ts';
import { ipBytes, type Packet, TIME_TO_LIVE } from '../packet/packet.ts';
import { chance, forkRandom } from '../random.ts';
import type { InFlightQueue } from './in-flight-queue.ts';
import { bothWays, ETHERNET_BYTES, type Line, type Lines, PERFECT } from './line.ts';
import type { Port, Receiver } from './port.ts';
import { type Rule, Rules } from './rule.ts';
import type { Direction, Fabric } from './fabric.ts';

const PERFECT_LINES = bothWays(PERFECT);

/** The rules on a cable; undefined: there are none on that line. */
type RulesOfLines = Readonly<Record<Direction, Rules | undefined>>;

const NO_RULES: RulesOfLines = Object.freeze({ tx: undefined, rx: undefined });

/**
 * A cable. As a receiver it takes the packets that the far end sends to the board. The cable is also its own stream of
 * random numbers.
 */
export class Cable implements Receiver, Random {
  readonly name: string;
  readonly #fabric: Fabric;
  readonly #near: Port;
  readonly #far: Receiver;
  /** The lines with the rules applied. */
  #lines: Lines;
  #rules = NO_RULES;
  #txInFlight: InFlightQueue | undefined = undefined;
  #rxInFlight: InFlightQueue | undefined = undefined;
  #isUp = true;
  /** 0: not seeded yet. */
  #randomState = 0;

  /** `lines` say how the two directions carry packets (makeLine, bothWays). The cable is plugged in. */
  constructor(fabric: Fabric, name: string, near: Port, far: Receiver, lines: Lines = PERFECT_LINES) {
    this.name = name;
    this.#fabric = fabric;
    this.#near = near;
    this.#far = far;
    this.#lines = lines;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The board sends a packet. It is not delivered to any host before this returns, so no host is entered twice. */
  send(packet: Packet): void {
    packet.flown = false;
    if (this.#isUp) this.#fabric.sentBytes += ipBytes(packet);
    this.carry(packet, 'tx');
  }

  /** A packet from the far end sets out for the board. */
  receive(packet: Packet): void {
    this.carry(packet, 'rx');
  }

  /** A box at the far end of the cable sends a TCP segment of its own: to the network, or to the board. */
  insert(direction: Direction, fill: (packet: Packet) => void): void {
    const packet = this.#fabric.pool.take();
    packet.flown = false;
    packet.timeToLive = TIME_TO_LIVE;
    packet.dontFragment = true;
    packet.identification = 0;
    fill(packet);
    if (direction === 'tx') this.#far.receive(packet);
    else this.receive(packet);
  }

  /**
   * The cable comes out: the board loses its carrier, what is on the way will not arrive; the far end is told nothing.
   */
  pull(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#txInFlight?.doom();
    this.#rxInFlight?.doom();
    this.#near.carrierChanged(false);
  }

  /** The cable goes back in. */
  plug(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#near.carrierChanged(true);
  }

  /**
   * Puts a rule on the cable, behind the rules that are there. Returns a function that removes this rule only. The
   * function can be called at any time and in any order.
   */
  install(direction: Direction | 'both', rule: Rule): () => void {
    if (direction === 'both') {
      const undoTx = this.install('tx', rule);
      const undoRx = this.install('rx', rule);
      return () => {
        undoTx();
        undoRx();
      };
    }
    const rules = this.rules(direction) ?? new Rules(this.line(direction));
    const installed = rules.add(rule);
    this.rule(direction, rules);
    return () => {
      rules.remove(installed);
      // The cable may have other rules by now, if all of these were removed before.
      if (this.rules(direction) === rules) this.rule(direction, rules);
    };
  }

  /** mulberry32 in one field, as a forked stream for each cable would cost more than the rest of it. */
  uint32(): number {
    if (this.#randomState === 0) {
      this.#randomState = forkRandom(this.#fabric.seed, `cable of ${this.name}`).uint32() | 0;
    }
    const state = (this.#randomState + 0x6d2b79f5) | 0;
    this.#randomState = state;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  // By a question, not by the word in brackets, which would be looked up for each packet.
  private line(direction: Direction): Line {
    return direction === 'tx' ? this.#lines.tx : this.#lines.rx;
  }

  private rules(direction: Direction): Rules | undefined {
    return direction === 'tx' ? this.#rules.tx : this.#rules.rx;
  }

  private rule(direction: Direction, rules: Rules): void {
    const left = rules.size > 0 ? rules : undefined;
    const { bandwidthBps, delayUs } = this.line(direction);
    // Waiting packets take the speed that the line has now: a line that is fast again does not keep them at the old
    // speed.
    if (bandwidthBps !== rules.line.bandwidthBps && bandwidthBps !== Infinity) {
      const queue = direction === 'tx' ? this.#txInFlight : this.#rxInFlight;
      queue?.retime(bandwidthBps / rules.line.bandwidthBps, delayUs);
    }
    this.#rules = { ...this.#rules, [direction]: left };
    this.#lines = { ...this.#lines, [direction]: rules.line };
  }

  private carry(packet: Packet, direction: Direction): void {
    const fabric = this.#fabric;
    if (!this.#isUp) {
      fabric.drop(packet, 'no-carrier', this, direction);
      return;
    }
    fabric.observer?.sent(packet, this, direction);
    const line = this.line(direction);
    if (line.loss > 0 && chance(this, line.loss)) {
      fabric.drop(packet, 'loss', this, direction);
      return;
    }
    const rules = this.rules(direction);
    if (rules === undefined) this.transmit(packet, direction, line, 0);
    else this.judge(packet, direction, rules);
  }

  private judge(packet: Packet, direction: Direction, rules: Rules): void {
    let heldUs = 0;
    let copies = 0;
    for (const judge of rules.judges) {
      const verdict = judge(packet, this);
      if (typeof verdict === 'number') {
        heldUs += verdict;
        continue;
      }
      switch (verdict) {
        case 'pass':
          break;
        case 'duplicate':
          copies++;
          break;
        case 'loss':
        case 'one-way':
        case 'corrupt':
        case 'no-mapping':
        case 'too-big':
          this.#fabric.drop(packet, verdict, this, direction);
          return;
      }
    }
    for (; copies > 0; copies--) {
      const copy = this.#fabric.pool.take();
      copy.copy(packet);
      copy.flown = packet.flown;
      this.transmit(copy, direction, rules.line, heldUs);
    }
    this.transmit(packet, direction, rules.line, heldUs);
  }

  private transmit(packet: Packet, direction: Direction, line: Line, heldUs: number): void {
    const { delayUs, jitterUs, bandwidthBps } = line;
    const isTx = direction === 'tx';
    let queue = isTx ? this.#txInFlight : this.#rxInFlight;
    // A line that takes no time needs no event, but for the one that parts a host's receiving from another's sending.
    const takesTime = delayUs > 0 || jitterUs > 0 || bandwidthBps !== Infinity || heldUs > 0;
    if (queue === undefined && !takesTime && (isTx || packet.flown)) {
      this.arrived(packet, direction);
      return;
    }
    if (queue === undefined) {
      queue = this.#fabric.takeInFlightQueue(this, direction);
      if (isTx) this.#txInFlight = queue;
      else this.#rxInFlight = queue;
    }
    const { nowUs } = this.#fabric.timeline;
    let leavesAtUs = nowUs;
    if (bandwidthBps !== Infinity) {
      const frameBytes = ipBytes(packet) + ETHERNET_BYTES;
      const waitUs = Math.max(queue.busyUntilUs - nowUs, 0);
      if (waitUs > 0 && Math.round((waitUs * bandwidthBps) / 8e6) + frameBytes > line.queueBytes) {
        this.#fabric.drop(packet, 'queue-full', this, direction);
        return;
      }
      // To the nanosecond, so that errors do not add up.
      queue.busyUntilUs = Math.round((nowUs + waitUs + (frameBytes * 8e6) / bandwidthBps) * 1000) / 1000;
      leavesAtUs = Math.ceil(queue.busyUntilUs);
    }
    let arrivesAtUs = leavesAtUs + delayUs;
    if (jitterUs > 0) arrivesAtUs += Math.floor((this.uint32() / 0x1_0000_0000) * (jitterUs + 1));
    // Packets stay in order, even with jitter, and even if the line became faster since the last packet.
    if (arrivesAtUs < queue.latestUs) arrivesAtUs = queue.latestUs;
    queue.latestUs = arrivesAtUs;
    queue.add(packet, arrivesAtUs + heldUs);
  }

  /** @internal The last packet of a queue is about to arrive. */
  emptied(queue: InFlightQueue): void {
    if (queue.direction === 'tx') this.#txInFlight = undefined;
    else this.#rxInFlight = undefined;
    this.#fabric.releaseInFlightQueue(queue);
  }

  /** @internal A packet is at the end of the line. */
  arrived(packet: Packet, direction: Direction): void {
    if (packet.doomed) {
      packet.doomed = false;
      this.#fabric.drop(packet, 'no-carrier', this, direction);
      return;
    }
    this.#fabric.observer?.delivered(packet, this, direction);
    if (direction === 'tx') this.#far.receive(packet);
    else this.#near.receive(packet);
  }
}
