/**
 * The connections that a box on the way remembers. They are in the order of last use, so that expired connections are
 * found first. The box looks at the time only when it is asked for a connection. A timer for forgotten connections runs
 * only if somebody listens for them.
 */

import type { SocketAddress } from '../../hal/network.ts';
import { formatAddress } from '../packet/address.ts';
import { ACK, FIN, type Packet, RST, SYN, TCP, UDP } from '../packet/packet.ts';
import type { Timeline, Waiter } from '../time/event.ts';

/** The ends of a connection: the host inside, and its peer. */
export type FlowEnds = readonly [SocketAddress, SocketAddress];

/**
 * Called when the box forgets a TCP connection that was established and is not over. `idleMs` is the time since its
 * last packet.
 */
export type OnForgotten = (flow: Flow, idleMs: number) => void;

export interface Timeouts {
  /** TCP, both sides of which have sent their SYN, and no FIN or RST was seen. */
  readonly establishedUs: number;
  /** TCP that is opening or closing. */
  readonly transitoryUs: number;
  readonly udpUs: number;
}

/** RFC 5382 REQ-5: not less than 4 min. */
export const TRANSITORY_US = 240_000_000;

/** A connection begins with this segment: the answer, SYN and ACK, does not begin one. */
export function isFirstSyn(flags: number): boolean {
  return (flags & (SYN | ACK | RST | FIN)) === SYN;
}

/** Ends and sequence numbers of a packet. */
export type PacketEnds = Pick<Packet, 'source' | 'sourcePort' | 'destination' | 'destinationPort' | 'seq' | 'ack'>;

/** One connection through a box, by both its ends. */
export class Flow {
  readonly protocol: typeof TCP | typeof UDP;
  readonly insideAddress: number;
  readonly insidePort: number;
  readonly peerAddress: number;
  readonly peerPort: number;
  /** The inside one as the peer knows it: another, where the box translates. */
  readonly outsidePort: number;
  /** @internal */
  lastUsedUs = Number.NaN;
  /** @internal Where it waits to be forgotten. */
  idle: IdleList | undefined = undefined;
  /** @internal There, in the order of last use. */
  before: Flow | undefined = undefined;
  after: Flow | undefined = undefined;
  /** The sequence numbers that the two ends wait for, as far as they were seen: what a RST must have (RFC 5961 3). */
  insideNext: number;
  peerNext: number;
  /** @internal Of the same hash. */
  sibling: Flow | undefined = undefined;
  #sawSynFromInside = false;
  #sawSynFromOutside = false;
  #sawEnd = false;

  /** The one that a packet with these ends belongs to, which is no ICMP. */
  constructor(packet: PacketEnds, protocol: typeof TCP | typeof UDP, isFromInside: boolean, outsidePort?: number) {
    const { source, sourcePort, destination, destinationPort, seq, ack } = packet;
    this.insideNext = isFromInside ? ack : seq;
    this.peerNext = isFromInside ? seq : ack;
    this.protocol = protocol;
    this.insideAddress = isFromInside ? source : destination;
    this.insidePort = isFromInside ? sourcePort : destinationPort;
    this.peerAddress = isFromInside ? destination : source;
    this.peerPort = isFromInside ? destinationPort : sourcePort;
    this.outsidePort = outsidePort ?? this.insidePort;
  }

  get ends(): FlowEnds {
    return [
      { address: formatAddress(this.insideAddress), port: this.insidePort },
      { address: formatAddress(this.peerAddress), port: this.peerPort },
    ];
  }

  /** Marks a connection that began before the box saw a packet of it. */
  adopt(): void {
    this.#sawSynFromInside = this.#sawSynFromOutside = true;
  }

  /** A TCP segment of the connection passes; gives whether it is established now. */
  track(flags: number, isFromInside: boolean): boolean {
    if ((flags & SYN) !== 0) {
      // The same ports again, for a new connection.
      if (this.#sawEnd && isFirstSyn(flags)) this.#sawEnd = this.#sawSynFromInside = this.#sawSynFromOutside = false;
      if (isFromInside) this.#sawSynFromInside = true;
      else this.#sawSynFromOutside = true;
    }
    // RFC 5382 5: a connection is partially open, established or closing, and only the second may be idle for long.
    if ((flags & (FIN | RST)) !== 0) this.#sawEnd = true;
    return this.#sawSynFromInside && this.#sawSynFromOutside && !this.#sawEnd;
  }

  /** Notes a TCP segment that passes, and with it the answer that its sender waits for. */
  note({ flags, ack }: Packet, isFromInside: boolean): void {
    if ((flags & ACK) === 0) return;
    if (isFromInside) this.insideNext = ack;
    else this.peerNext = ack;
  }

  /** Fills in the RST that one of the ends takes, as if the other had sent it. */
  fillReset(packet: Packet, isForInside: boolean): void {
    packet.protocol = TCP;
    packet.source = isForInside ? this.peerAddress : this.insideAddress;
    packet.sourcePort = isForInside ? this.peerPort : this.outsidePort;
    packet.destination = isForInside ? this.insideAddress : this.peerAddress;
    packet.destinationPort = isForInside ? this.insidePort : this.peerPort;
    packet.seq = isForInside ? this.insideNext : this.peerNext;
    packet.ack = isForInside ? this.peerNext : this.insideNext;
    packet.flags = RST | ACK;
    packet.window = 0;
  }

  isWith(protocol: number, peerAddress: number, peerPort: number): boolean {
    return this.protocol === protocol && this.peerAddress === peerAddress && this.peerPort === peerPort;
  }
}

/** The flows of one timeout, the one that was used least lately first. */
class IdleList {
  readonly timeoutUs: number;
  first: Flow | undefined = undefined;
  #last: Flow | undefined = undefined;

  constructor(timeoutUs: number) {
    this.timeoutUs = timeoutUs;
  }

  add(flow: Flow, nowUs: number): void {
    flow.lastUsedUs = nowUs;
    flow.idle = this;
    flow.before = this.#last;
    flow.after = undefined;
    if (this.#last === undefined) this.first = flow;
    else this.#last.after = flow;
    this.#last = flow;
  }

  remove(flow: Flow): void {
    flow.idle = undefined;
    if (flow.before === undefined) this.first = flow.after;
    else flow.before.after = flow.after;
    if (flow.after === undefined) this.#last = flow.before;
    else flow.after.before = flow.before;
  }

  isExpired(flow: Flow, nowUs: number): boolean {
    return nowUs - flow.lastUsedUs >= this.timeoutUs;
  }
}

export interface FlowsOptions extends Timeouts {
  /** Name of the box, for the message about a loop that lets no time pass. */
  readonly name: string;
  /** Undefined: nobody is told, and no timer runs. */
  readonly onForgotten: OnForgotten | undefined;
  /** One is gone, for any reason. */
  readonly onRemoved?: (flow: Flow) => void;
}

export class Flows implements Waiter {
  /** Number of connections, including those that have expired and were not looked up since. */
  size = 0;
  readonly #timeline: Timeline;
  readonly #options: FlowsOptions;
  readonly #established: IdleList;
  readonly #transitory: IdleList;
  readonly #udp: IdleList;
  readonly #byHash = new Map<number, Flow>();
  #handle = -1;
  #isDue = false;

  constructor(timeline: Timeline, options: FlowsOptions) {
    this.#timeline = timeline;
    this.#options = options;
    this.#established = new IdleList(options.establishedUs);
    this.#transitory = new IdleList(options.transitoryUs);
    this.#udp = new IdleList(options.udpUs);
  }

  find(
    protocol: number,
    insideAddress: number,
    insidePort: number,
    peerAddress: number,
    peerPort: number,
  ): Flow | undefined {
    let flow = this.#byHash.get(hash(protocol, insideAddress, insidePort, peerAddress, peerPort));
    while (
      flow !== undefined &&
      !(
        flow.insidePort === insidePort &&
        flow.insideAddress === insideAddress &&
        flow.isWith(protocol, peerAddress, peerPort)
      )
    ) {
      flow = flow.sibling;
    }
    return flow && this.unlessExpired(flow);
  }

  /** The flow, which is one of these, unless its time is over: then it is none any more. */
  unlessExpired(flow: Flow): Flow | undefined {
    if (flow.idle?.isExpired(flow, this.#timeline.nowUs) !== true) return flow;
    this.#forget(flow);
    return undefined;
  }

  /** A new one; `use` comes next. */
  add(flow: Flow): void {
    const key = hashOf(flow);
    flow.sibling = this.#byHash.get(key);
    this.#byHash.set(key, flow);
    this.size++;
  }

  /** A packet of the flow passes. */
  use(flow: Flow, flags: number, isFromInside: boolean): void {
    flow.idle?.remove(flow);
    const isEstablished = flow.protocol === TCP && flow.track(flags, isFromInside);
    const list = flow.protocol === UDP ? this.#udp : isEstablished ? this.#established : this.#transitory;
    list.add(flow, this.#timeline.nowUs);
    if (isEstablished && !this.#isDue) this.#setDue();
  }

  /** Makes room. */
  forgetExpired(): void {
    const { nowUs } = this.#timeline;
    for (const list of [this.#established, this.#transitory, this.#udp]) {
      for (let { first } = list; first !== undefined && list.isExpired(first, nowUs); { first } = list) {
        this.#forget(first);
      }
    }
  }

  clear(): void {
    for (const list of [this.#established, this.#transitory, this.#udp]) {
      for (let { first } = list; first !== undefined; { first } = list) this.#forget(first);
    }
  }

  /** Nothing is due any more. Not to be used after that. */
  close(): void {
    if (this.#handle >= 0) this.#timeline.close(this.#handle);
    this.#handle = -1;
  }

  fire(): void {
    this.#isDue = false;
    this.forgetExpired();
    this.#setDue();
  }

  describe(): string {
    return `the connections of ${this.#options.name}`;
  }

  /**
   * Sets the timer for the connection that expires first. When the timer rings, the connection may have been used
   * again: so a packet sets no timer while one runs.
   */
  #setDue(): void {
    const { first, timeoutUs } = this.#established;
    if (first === undefined || timeoutUs === Infinity || this.#options.onForgotten === undefined || this.#isDue) return;
    if (this.#handle < 0) this.#handle = this.#timeline.open(this);
    this.#isDue = true;
    this.#timeline.set(this.#handle, first.lastUsedUs + timeoutUs);
  }

  #forget(flow: Flow): void {
    const wasEstablished = flow.idle === this.#established;
    flow.idle?.remove(flow);
    this.#unlink(flow);
    this.size--;
    this.#options.onRemoved?.(flow);
    if (wasEstablished) this.#options.onForgotten?.(flow, (this.#timeline.nowUs - flow.lastUsedUs) / 1000);
  }

  #unlink(flow: Flow): void {
    const key = hashOf(flow);
    let other = this.#byHash.get(key);
    if (other === flow) {
      if (flow.sibling === undefined) this.#byHash.delete(key);
      else this.#byHash.set(key, flow.sibling);
      return;
    }
    while (other !== undefined && other.sibling !== flow) other = other.sibling;
    if (other !== undefined) other.sibling = flow.sibling;
  }
}

function hashOf(flow: Flow): number {
  return hash(flow.protocol, flow.insideAddress, flow.insidePort, flow.peerAddress, flow.peerPort);
}

/**
 * 32 bits with a sign, which the engine keeps unboxed. Each odd factor spreads what differs in one number only, as
 * between the hosts inside.
 */
function hash(
  protocol: number,
  insideAddress: number,
  insidePort: number,
  peerAddress: number,
  peerPort: number,
): number {
  const ports = Math.imul((insidePort << 16) ^ peerPort ^ protocol, 0x9e3779b1);
  return ports ^ Math.imul(insideAddress, 0x85ebca6b) ^ Math.imul(peerAddress, 0xc2b2ae35);
}
