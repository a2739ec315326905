/**
 * The server's ends of connections, as they can be known from outside it: by what its kernel sends, and by looking
 * whether it still has the socket. A kernel that gives up by keepalive sends a RST; one that gives up retransmitting,
 * or probing a closed window, says nothing, and the socket is gone. As that happens only when a timer of the socket
 * runs out, and the kernel tells when that will be, a socket is looked at once a timeout, and not all the time.
 *
 * A program that closes a connection is not always seen by a FIN: data that nobody acknowledges, or a closed window,
 * holds the FIN back, for good if the device is dead. So while there is such a connection, the kernel is asked at
 * intervals which connections its programs have closed. It walks its whole table for that, which takes milliseconds.
 */

import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import { formatAddress } from '../packet/address.ts';
import { ACK, FIN, type Packet, RST, SYN, TCP } from '../packet/packet.ts';
import type { Timeline, Waiter } from '../time/event.ts';

/** The two ends, as the server's host has them: addresses as integers with a sign, as in packets. */
export interface EndPair {
  readonly deviceAddress: number;
  readonly devicePort: number;
  readonly serverAddress: number;
  readonly serverPort: number;
}

/**
 * State of a socket in the server's kernel: none; one that its program has closed; one without a timer; or one with the
 * time until its timer expires. `unknown`: nobody can inspect it.
 */
export type Look = 'gone' | 'closed' | 'idle' | 'unknown' | { readonly timerMs: number };

export interface ServerEndsOptions {
  readonly timeline: Timeline;
  /**
   * Returns whether the server's sockets can be inspected. If they cannot, a connection that is given up in silence is
   * not noticed.
   */
  readonly canLook: () => boolean;
  /** Asks the server's kernel; `looked` is to be called with the answer. */
  readonly look: (pair: EndPair) => void;
  /** Asks the server's kernel for all connections that its programs have closed; `looked` is to be called with each. */
  readonly lookForClosed: () => void;
  /** The server's end is gone: by its FIN, by a reset of either side, or because its kernel gave up. */
  readonly onGone: (device: SocketAddress, by: Errno | 'closed') => void;
}

/** Time after which an unanswered packet from the server makes its socket worth a look: longer than any delayed ACK. */
const OVERDUE_US = 500_000;

/** Interval of the rounds over connections from which something is awaited. */
const ROUND_US = 20_000;

/** Interval of the questions for closed connections, while a FIN may be held back. */
const CLOSED_ROUND_US = 100_000;

/** A kernel's timer runs out up to a tick late (4 ms where it has 250 a second), and then has something to do. */
const TIMER_SLACK_US = 6000;

/** Time after a device's RST at which the socket is gone, if the RST was valid. */
const AFTER_RESET_US = 2000;
const RESET_US_MAX = 500_000;

interface End extends EndPair {
  /** Behind all that the server's kernel has sent. */
  sentNxt: number;
  /** The part of it that the device has acknowledged. */
  acked: number;
  /** Probes of keepalive, or of a closed window, without an answer. */
  probes: number;
  /** Time of the next look at its socket; Infinity while a look is under way. */
  lookAtUs: number;
  /** True while data is overdue, or the device's window is closed: either holds a FIN back. */
  holdsFin: boolean;
  /** Time of a RST from the device that may have ended the connection. */
  resetAtUs: number | undefined;
}

export class ServerEnds implements Waiter {
  readonly #options: ServerEndsOptions;
  /** Ends by the device's end. */
  readonly #ends = new Map<number, End>();
  /** Ends from which an answer is awaited. */
  readonly #awaited = new Set<End>();
  readonly #handle: number;
  #isAppointed = false;
  #closedRoundAtUs = 0;

  constructor(options: ServerEndsOptions) {
    this.#options = options;
    this.#handle = options.timeline.open(this);
  }

  /** Number of connections of the server, as far as they can be seen from here. */
  get size(): number {
    return this.#ends.size;
  }

  /** A packet of the server's kernel, for a device, whether or not that is there. */
  fromServer(packet: Packet): void {
    if (packet.protocol !== TCP) return;
    const { flags, seq } = packet;
    const key = keyOf(packet.destination, packet.destinationPort);
    if ((flags & (SYN | ACK)) === (SYN | ACK)) this.#begin(key, packet);
    const end = this.#ends.get(key);
    if (end === undefined) return;
    if ((flags & RST) !== 0) return this.#gone(key, end, end.probes > 0 ? 'ETIMEDOUT' : 'ECONNRESET');
    if ((flags & FIN) !== 0) return this.#gone(key, end, 'closed');
    const endSeq = (seq + packet.payloadBytes) | 0;
    if (((endSeq - end.sentNxt) | 0) > 0) {
      if (!this.#awaited.has(end)) this.#await(end);
      end.sentNxt = endSeq;
    } else if (packet.payloadBytes <= 1 && ((seq - end.acked) | 0) < 0) {
      // RFC 9293 3.8.4: a probe is a segment of what was acknowledged already.
      end.probes++;
      this.#await(end);
    }
  }

  /** A packet of a device, that goes out to the server. */
  fromDevice(packet: Packet): void {
    if (packet.protocol !== TCP) return;
    const end = this.#ends.get(keyOf(packet.source, packet.sourcePort));
    if (end === undefined) return;
    if ((packet.flags & RST) !== 0) {
      end.resetAtUs = this.#options.timeline.nowUs;
      end.lookAtUs = end.resetAtUs + AFTER_RESET_US;
      this.#await(end);
      return;
    }
    if ((packet.flags & ACK) === 0) return;
    if (((packet.ack - end.acked) | 0) > 0) end.acked = packet.ack;
    end.probes = 0;
    end.holdsFin = packet.window === 0;
    end.lookAtUs = this.#options.timeline.nowUs + OVERDUE_US;
    if (end.holdsFin) this.#await(end);
    else if (((end.sentNxt - end.acked) | 0) <= 0 && end.resetAtUs === undefined) this.#awaited.delete(end);
  }

  /** Applies the result of a look. */
  looked({ deviceAddress, devicePort }: Pick<EndPair, 'deviceAddress' | 'devicePort'>, look: Look): void {
    const key = keyOf(deviceAddress, devicePort);
    const end = this.#ends.get(key);
    if (end === undefined) return;
    const { nowUs } = this.#options.timeline;
    if (look === 'gone') return this.#gone(key, end, end.resetAtUs === undefined ? 'ETIMEDOUT' : 'ECONNRESET');
    if (look === 'closed') return this.#gone(key, end, 'closed');
    // A RST may still be on its way to the kernel; one that did not fit has not ended it.
    if (end.resetAtUs !== undefined && nowUs - end.resetAtUs < RESET_US_MAX) {
      end.lookAtUs = nowUs + ROUND_US;
      return;
    }
    end.resetAtUs = undefined;
    end.lookAtUs = typeof look === 'string' ? nowUs + OVERDUE_US : nowUs + look.timerMs * 1000 + TIMER_SLACK_US;
  }

  /** The server's kernel is gone, with all its sockets. */
  forgetAll(): void {
    this.#ends.clear();
    this.#awaited.clear();
  }

  fire(): void {
    this.#isAppointed = false;
    const { nowUs } = this.#options.timeline;
    let mayBeClosed = false;
    for (const end of this.#awaited) {
      mayBeClosed ||= end.holdsFin;
      if (nowUs < end.lookAtUs) continue;
      end.lookAtUs = Infinity;
      end.holdsFin = true;
      this.#options.look(end);
    }
    if (mayBeClosed && nowUs >= this.#closedRoundAtUs) {
      this.#closedRoundAtUs = nowUs + CLOSED_ROUND_US;
      this.#options.lookForClosed();
    }
    this.#appoint();
  }

  describe(): string {
    return "the looks at the server's sockets";
  }

  #begin(key: number, { source, sourcePort, destination, destinationPort, seq }: Packet): void {
    const { nowUs } = this.#options.timeline;
    const nextSeq = (seq + 1) | 0;
    const end: End = {
      deviceAddress: destination, devicePort: destinationPort, serverAddress: source, serverPort: sourcePort,
      sentNxt: nextSeq, acked: seq, probes: 0, lookAtUs: nowUs + OVERDUE_US, holdsFin: false, resetAtUs: undefined,
    };
    const before = this.#ends.get(key);
    // Again, as the device has not answered the first.
    if (before !== undefined && before.sentNxt === nextSeq) return;
    if (before !== undefined) this.#awaited.delete(before);
    this.#ends.set(key, end);
    this.#await(end);
  }

  #await(end: End): void {
    const { nowUs } = this.#options.timeline;
    if (!this.#awaited.has(end)) {
      this.#awaited.add(end);
      end.lookAtUs = Math.min(end.resetAtUs === undefined ? Infinity : end.lookAtUs, nowUs + OVERDUE_US);
    }
    this.#appoint();
  }

  #appoint(): void {
    if (this.#isAppointed || this.#awaited.size === 0 || !this.#options.canLook()) return;
    this.#isAppointed = true;
    const { timeline } = this.#options;
    timeline.set(this.#handle, timeline.nowUs + ROUND_US);
  }

  #gone(key: number, end: End, by: Errno | 'closed'): void {
    this.#ends.delete(key);
    this.#awaited.delete(end);
    this.#options.onGone({ address: formatAddress(end.deviceAddress), port: end.devicePort }, by);
  }
}

function keyOf(deviceAddress: number, devicePort: number): number {
  return (deviceAddress >>> 0) * 65_536 + devicePort;
}
