/** What a NAT box remembers: a mapping for each connection, in the order of last use, so that expired ones are found first. */

import { FIN, type Packet, RST, SYN, TCP, type UDP } from '../tcpip/packet.ts';
import type { Timeline } from '../time/event.ts';

export interface Timeouts {
  /** TCP, both sides of which have sent their SYN, and no FIN or RST was seen. */
  readonly establishedUs: number;
  /** TCP that is opening or closing. */
  readonly transitoryUs: number;
  readonly udpUs: number;
}

/** One connection through the box, by both its ends and its outside port. */
export class Mapping {
  readonly protocol: typeof TCP | typeof UDP;
  readonly insideAddress: number;
  readonly insidePort: number;
  readonly peerAddress: number;
  readonly peerPort: number;
  readonly outsidePort: number;
  /** @internal */
  lastUsedUs = Number.NaN;
  /** @internal */
  idle: IdleList;
  /** @internal In the order of last use. */
  before: Mapping | undefined = undefined;
  after: Mapping | undefined = undefined;
  /** @internal Of the same inside address. */
  sibling: Mapping | undefined = undefined;
  #sawSynFromInside = false;
  #sawSynFromOutside = false;
  #sawEnd = false;

  /** For the connection of `packet`, which is from inside and no ICMP. */
  constructor(packet: Packet, protocol: typeof TCP | typeof UDP, outsidePort: number, idle: IdleList) {
    this.protocol = protocol;
    this.insideAddress = packet.source;
    this.insidePort = packet.sourcePort;
    this.peerAddress = packet.destination;
    this.peerPort = packet.destinationPort;
    this.outsidePort = outsidePort;
    this.idle = idle;
  }

  /** A TCP segment of the connection passes; gives whether it is established now. */
  track(flags: number, isFromInside: boolean): boolean {
    if ((flags & SYN) !== 0) {
      // The same ports again, for a new connection.
      if (isFromInside && this.#sawEnd) this.#sawEnd = this.#sawSynFromOutside = false;
      if (isFromInside) this.#sawSynFromInside = true;
      else this.#sawSynFromOutside = true;
    }
    // RFC 5382 5: a connection is partially open, established or closing, and only the second may be idle for long.
    if ((flags & (FIN | RST)) !== 0) this.#sawEnd = true;
    return this.#sawSynFromInside && this.#sawSynFromOutside && !this.#sawEnd;
  }
}

/** The mappings of one time-out, the one that was used least lately first. */
export class IdleList {
  readonly #timeoutUs: number;
  #first: Mapping | undefined = undefined;
  #last: Mapping | undefined = undefined;

  constructor(timeoutUs: number) {
    this.#timeoutUs = timeoutUs;
  }

  add(mapping: Mapping, nowUs: number): void {
    mapping.lastUsedUs = nowUs;
    mapping.idle = this;
    mapping.before = this.#last;
    mapping.after = undefined;
    if (this.#last === undefined) this.#first = mapping;
    else this.#last.after = mapping;
    this.#last = mapping;
  }

  remove(mapping: Mapping): void {
    if (mapping.before === undefined) this.#first = mapping.after;
    else mapping.before.after = mapping.after;
    if (mapping.after === undefined) this.#last = mapping.before;
    else mapping.after.before = mapping.before;
  }

  isExpired(mapping: Mapping, nowUs: number): boolean {
    return nowUs - mapping.lastUsedUs >= this.#timeoutUs;
  }

  expired(nowUs: number): Mapping | undefined {
    return this.#first !== undefined && this.isExpired(this.#first, nowUs) ? this.#first : undefined;
  }
}

/** Looks at the time only when it is asked for something: nothing is due when a mapping expires. */
export class NatTable {
  readonly #timeline: Timeline;
  readonly #firstPort: number;
  readonly #lastPort: number;
  readonly #established: IdleList;
  readonly #transitory: IdleList;
  readonly #udp: IdleList;
  readonly #byInsideAddress = new Map<number, Mapping>();
  readonly #tcpByOutsidePort = new Map<number, Mapping>();
  readonly #udpByOutsidePort = new Map<number, Mapping>();
  #nextPort: number;

  constructor(timeline: Timeline, timeouts: Timeouts, firstPort: number, lastPort: number) {
    this.#timeline = timeline;
    this.#firstPort = this.#nextPort = firstPort;
    this.#lastPort = lastPort;
    this.#established = new IdleList(timeouts.establishedUs);
    this.#transitory = new IdleList(timeouts.transitoryUs);
    this.#udp = new IdleList(timeouts.udpUs);
  }

  /** How many there are, with those that have expired and were not looked for since. */
  get size(): number {
    return this.#tcpByOutsidePort.size + this.#udpByOutsidePort.size;
  }

  findFromInside(protocol: number, address: number, port: number, peerAddress: number, peerPort: number): Mapping | undefined {
    let mapping = this.#byInsideAddress.get(address);
    while (mapping !== undefined && !(mapping.insidePort === port && isWith(mapping, protocol, peerAddress, peerPort))) {
      mapping = mapping.sibling;
    }
    return this.#unlessExpired(mapping);
  }

  /**
   * For the connection's peer alone. RFC 5382 REQ-1 and REQ-3 would have the mapping serve others too; Linux's conntrack and the
   * clouds know whole connections only.
   */
  findFromOutside(protocol: number, port: number, peerAddress: number, peerPort: number): Mapping | undefined {
    const mapping = this.#byOutsidePort(protocol).get(port);
    if (mapping === undefined || !isWith(mapping, protocol, peerAddress, peerPort)) return undefined;
    return this.#unlessExpired(mapping);
  }

  /** A mapping for the connection of `packet`, which is from inside; undefined: there is no port left. */
  add(packet: Packet, protocol: typeof TCP | typeof UDP): Mapping | undefined {
    const { nowUs } = this.#timeline;
    for (const list of [this.#established, this.#transitory, this.#udp]) {
      for (let old = list.expired(nowUs); old !== undefined; old = list.expired(nowUs)) this.#remove(old);
    }
    const taken = this.#byOutsidePort(protocol);
    if (taken.size > this.#lastPort - this.#firstPort) return undefined;
    // One after another, so that a port is not soon another's: its old peer may send yet.
    while (taken.has(this.#nextPort)) this.#advance();
    const list = protocol === TCP ? this.#transitory : this.#udp;
    const mapping = new Mapping(packet, protocol, this.#nextPort, list);
    this.#advance();
    taken.set(mapping.outsidePort, mapping);
    mapping.sibling = this.#byInsideAddress.get(mapping.insideAddress);
    this.#byInsideAddress.set(mapping.insideAddress, mapping);
    list.add(mapping, nowUs);
    return mapping;
  }

  /** A packet of the connection passes. */
  use(mapping: Mapping, packet: Packet, isFromInside: boolean): void {
    mapping.idle.remove(mapping);
    const isEstablished = mapping.protocol === TCP && mapping.track(packet.flags, isFromInside);
    const list = mapping.protocol !== TCP ? this.#udp : isEstablished ? this.#established : this.#transitory;
    list.add(mapping, this.#timeline.nowUs);
  }

  clear(): void {
    for (const mapping of [...this.#tcpByOutsidePort.values(), ...this.#udpByOutsidePort.values()]) this.#remove(mapping);
  }

  #byOutsidePort(protocol: number): Map<number, Mapping> {
    return protocol === TCP ? this.#tcpByOutsidePort : this.#udpByOutsidePort;
  }

  #advance(): void {
    this.#nextPort = this.#nextPort < this.#lastPort ? this.#nextPort + 1 : this.#firstPort;
  }

  #unlessExpired(mapping: Mapping | undefined): Mapping | undefined {
    if (mapping === undefined || !mapping.idle.isExpired(mapping, this.#timeline.nowUs)) return mapping;
    this.#remove(mapping);
    return undefined;
  }

  #remove(mapping: Mapping): void {
    mapping.idle.remove(mapping);
    this.#byOutsidePort(mapping.protocol).delete(mapping.outsidePort);
    const first = this.#byInsideAddress.get(mapping.insideAddress);
    if (first === mapping) {
      if (mapping.sibling === undefined) this.#byInsideAddress.delete(mapping.insideAddress);
      else this.#byInsideAddress.set(mapping.insideAddress, mapping.sibling);
      return;
    }
    let other = first;
    while (other !== undefined && other.sibling !== mapping) other = other.sibling;
    if (other !== undefined) other.sibling = mapping.sibling;
  }
}

function isWith(mapping: Mapping, protocol: number, peerAddress: number, peerPort: number): boolean {
  return mapping.protocol === protocol && mapping.peerAddress === peerAddress && mapping.peerPort === peerPort;
}
