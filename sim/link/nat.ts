/**
 * A NAT box: many hosts inside behind one address outside, and a table of connections that forgets those that are idle.
 */

import type { SocketAddress } from '../../hal/network.ts';
import { formatAddress } from '../packet/address.ts';
import { ACK, ARP, FIN, ICMP, isIcmpError, Packet, RST, SYN, TCP, TIME_TO_LIVE } from '../packet/packet.ts';
import { makeReset } from '../packet/reset.ts';
import { type FlowEnds, type Flow, isFirstSyn, type Timeouts, TRANSITORY_US } from './flows.ts';
import { NatTable } from './nat-table.ts';
import type { Receiver } from './port.ts';
import type { Fabric } from './fabric.ts';

export const ON_EXPIRED = ['silent', 'rst', 'rst-inside', 'rst-at-expiry', 'picked-up'] as const;

export interface NatOptions extends Timeouts {
  /**
   * Treatment of a TCP segment whose connection is not in the table, or no longer in it. `silent`: the segment is
   * dropped, as by GCP Cloud NAT (after 1200 s), and by Linux with nf_conntrack_tcp_loose 0. `rst`: its sender gets a
   * reset, as Azure NAT gateway documents it for both sides (after 4 min). `rst-inside`: the same for hosts inside
   * only, as AWS documents it (after 350 s). Nothing is sent before that segment. `rst-at-expiry`: both ends get a
   * reset at the time when the connection is forgotten, as from Azure's load balancer with TCP reset enabled; later
   * segments are dropped. `picked-up`: an ACK from inside begins the connection again, at the same outside port, as by
   * Linux's own defaults (nf_conntrack_tcp_loose 1, masquerading that keeps the port); what comes from outside is
   * dropped until then.
   */
  readonly onExpired: (typeof ON_EXPIRED)[number];
  /**
   * Ports of the outside address. Each connection takes one port of its protocol. If no port is left, the packets of a
   * new connection are dropped.
   */
  readonly ports: { readonly first: number; readonly last: number };
  /** Undefined: nobody listens, and no timer runs for forgotten connections. */
  readonly onEvent?: ((event: NatEvent) => void) | undefined;
}

/** An event of a connection, reported at the time at which it happens. */
export type NatEvent =
  /** The box stands for the host inside from now on. Datagrams between two ends are a connection, too. */
  | { readonly kind: 'mapped'; readonly inside: SocketAddress; readonly outside: SocketAddress }
  /**
   * A TCP connection that was established and is not over was forgotten. The ends are the host inside and its peer.
   * `idleMs` is the time since its last packet.
   */
  | { readonly kind: 'forgotten'; readonly ends: FlowEnds; readonly idleMs: number };

export const NAT_DEFAULTS: NatOptions = Object.freeze({
  // RFC 5382 REQ-5: not less than 2 h 4 min.
  establishedUs: 7_440_000_000,
  transitoryUs: TRANSITORY_US,
  // RFC 4787 REQ-5: 5 min or more is recommended.
  udpUs: 300_000_000,
  onExpired: 'silent',
  // RFC 4787 REQ-3: not the well-known ones.
  ports: { first: 1024, last: 65_535 },
});

export class Nat {
  readonly name: string;
  /** Takes packets from inside: the uplink of the switch inside. */
  readonly inside: Receiver = { receive: (packet) => this.#fromInside(packet) };
  /** Takes packets for `address`: to be connected to the switch outside. */
  readonly outside: Receiver = { receive: (packet) => this.#fromOutside(packet) };
  readonly #fabric: Fabric;
  readonly #address: number;
  readonly #inner: Receiver;
  readonly #outer: Receiver;
  readonly #resetsInside: boolean;
  readonly #resetsOutside: boolean;
  readonly #resetsAtExpiry: boolean;
  readonly #picksUp: boolean;
  readonly #onEvent: ((event: NatEvent) => void) | undefined;
  readonly #table: NatTable;

  /** `address` is the one outside; `inner` and `outer` take what leaves the box: usually a switch on each side. */
  constructor(
    fabric: Fabric,
    name: string,
    address: number,
    inner: Receiver,
    outer: Receiver,
    options: Partial<NatOptions> = {},
  ) {
    const { onExpired, ports, onEvent, ...timeouts } = { ...NAT_DEFAULTS, ...options };
    if (!(ports.first >= 1 && ports.first <= ports.last && ports.last <= 65_535)) {
      throw new RangeError(`${ports.first} to ${ports.last} is no range of ports`);
    }
    this.name = name;
    this.#fabric = fabric;
    this.#address = address;
    this.#inner = inner;
    this.#outer = outer;
    this.#resetsInside = onExpired === 'rst' || onExpired === 'rst-inside';
    this.#resetsOutside = onExpired === 'rst';
    this.#onEvent = onEvent;
    this.#resetsAtExpiry = onExpired === 'rst-at-expiry';
    this.#picksUp = onExpired === 'picked-up';
    const onForgotten =
      this.#resetsAtExpiry || onEvent !== undefined
        ? (flow: Flow, idleMs: number): void => this.#forgotten(flow, idleMs)
        : undefined;
    this.#table = new NatTable(fabric.timeline, { ...timeouts, name, onForgotten }, ports.first, ports.last);
  }

  /** Number of connections in the table, including those that have expired and were not looked up since. */
  get mappingCount(): number {
    return this.#table.size;
  }

  /** Forgets all connections, as when it is restarted. Nothing is sent. */
  forgetAll(): void {
    this.#table.clear();
  }

  #fromInside(packet: Packet): void {
    if (packet.protocol === ARP) {
      // The switch answers for the box itself.
      this.#fabric.drop(packet, 'no-route', this, undefined);
      return;
    }
    if (packet.protocol === ICMP) {
      if (isIcmpError(packet)) this.#errorFromInside(packet);
      else this.#fabric.drop(packet, 'no-mapping', this, undefined);
      return;
    }
    const { protocol, source, sourcePort, destination, destinationPort, flags } = packet;
    let mapping = this.#table.findFromInside(protocol, source, sourcePort, destination, destinationPort);
    if (mapping === undefined) {
      // A connection begins with its SYN, or as Linux's tcp_new has it also with an ACK that neither opens nor ends it.
      const isInMiddle = protocol === TCP && !isFirstSyn(flags);
      if (isInMiddle && (!this.#picksUp || (flags & (SYN | FIN | RST)) !== 0)) {
        this.#refuse(packet, this.#inner);
        return;
      }
      mapping = this.#table.add(packet, protocol, this.#picksUp);
      if (isInMiddle) mapping?.adopt();
      if (mapping === undefined) {
        this.#fabric.drop(packet, 'no-port', this, undefined);
        return;
      }
      this.#tellMapped(mapping);
    }
    if (this.#resetsAtExpiry) mapping.note(packet, true);
    this.#table.use(mapping, packet, true);
    packet.source = this.#address;
    packet.sourcePort = mapping.outsidePort;
    this.#outer.receive(packet);
  }

  #fromOutside(packet: Packet): void {
    if (packet.protocol === ICMP) {
      // Nobody inside has asked: hosts answer pings, and send none.
      if (isIcmpError(packet)) this.#errorFromOutside(packet);
      else this.#fabric.drop(packet, 'no-mapping', this, undefined);
      return;
    }
    const mapping = this.#table.findFromOutside(
      packet.protocol,
      packet.destinationPort,
      packet.source,
      packet.sourcePort,
    );
    if (mapping === undefined) {
      this.#refuse(packet, this.#outer);
      return;
    }
    // RFC 4787 REQ-6, for UDP, leaves it open whether this keeps the mapping; Linux and the clouds do.
    if (this.#resetsAtExpiry) mapping.note(packet, false);
    this.#table.use(mapping, packet, false);
    packet.destination = mapping.insideAddress;
    packet.destinationPort = mapping.insidePort;
    this.#inner.receive(packet);
  }

  #forgotten(flow: Flow, idleMs: number): void {
    this.#onEvent?.({ kind: 'forgotten', ends: flow.ends, idleMs });
    if (!this.#resetsAtExpiry) return;
    for (const isForInside of [false, true]) {
      const reset = this.#fabric.pool.take();
      makeOurs(reset);
      flow.fillReset(reset, isForInside);
      if (!isForInside) reset.source = this.#address;
      (isForInside ? this.#inner : this.#outer).receive(reset);
    }
  }

  #tellMapped({ ends: [inside], outsidePort }: Flow): void {
    this.#onEvent?.({ kind: 'mapped', inside, outside: { address: formatAddress(this.#address), port: outsidePort } });
  }

  /** Refuses a packet of an unknown connection: drops it, or returns a reset to its sender. */
  #refuse(packet: Packet, sender: Receiver): void {
    const { flags } = packet;
    // RFC 5382 REQ-4: a SYN that comes unasked is not answered, for it may be half of a simultaneous open.
    const resets = sender === this.#inner ? this.#resetsInside : this.#resetsOutside;
    if (!resets || packet.protocol !== TCP || (flags & RST) !== 0 || (flags & (SYN | ACK)) === SYN) {
      this.#fabric.drop(packet, 'no-mapping', this, undefined);
      return;
    }
    const { pool } = this.#fabric;
    const reset = pool.take();
    reset.source = packet.destination;
    reset.sourcePort = packet.destinationPort;
    reset.destination = packet.source;
    reset.destinationPort = packet.sourcePort;
    makeOurs(reset);
    makeReset(reset, packet);
    this.#fabric.drop(packet, 'no-mapping', this, undefined);
    sender.receive(reset);
  }

  /**
   * RFC 5508 4.2: an error about a packet that went out is for the host that sent it, and quotes it as that host knows
   * it.
   */
  #errorFromOutside(packet: Packet): void {
    const { quoted } = packet;
    if (quoted === undefined) throw new Error(`${this.name}: an ICMP error quotes nothing`);
    const mapping = this.#table.findFromOutside(
      quoted.protocol,
      quoted.sourcePort,
      quoted.destination,
      quoted.destinationPort,
    );
    if (mapping === undefined) {
      this.#fabric.drop(packet, 'no-mapping', this, undefined);
      return;
    }
    packet.quoted = this.#quote(quoted, mapping, true);
    packet.destination = mapping.insideAddress;
    this.#inner.receive(packet);
  }

  /** RFC 5508 4.2: an error about a packet that came in is for its sender, who knows the outside address only. */
  #errorFromInside(packet: Packet): void {
    const { quoted } = packet;
    if (quoted === undefined) throw new Error(`${this.name}: an ICMP error quotes nothing`);
    const { protocol, source, sourcePort, destination, destinationPort } = quoted;
    const mapping = this.#table.findFromInside(protocol, destination, destinationPort, source, sourcePort);
    if (mapping === undefined) {
      this.#fabric.drop(packet, 'no-mapping', this, undefined);
      return;
    }
    packet.quoted = this.#quote(quoted, mapping, false);
    packet.source = this.#address;
    this.#outer.receive(packet);
  }

  /** A copy, since what is quoted belongs to two packets where a line has duplicated one. */
  #quote(quoted: Packet, mapping: Flow, wentOut: boolean): Packet {
    // Not of the pool: nobody gives it back.
    const copy = new Packet();
    copy.copy(quoted);
    if (wentOut) {
      copy.source = mapping.insideAddress;
      copy.sourcePort = mapping.insidePort;
    } else {
      copy.destination = this.#address;
      copy.destinationPort = mapping.outsidePort;
    }
    return copy;
  }
}

/** Sets the fields of a packet that the box sends by itself. */
function makeOurs(packet: Packet): void {
  packet.flown = false;
  packet.timeToLive = TIME_TO_LIVE;
  packet.dontFragment = true;
  packet.identification = 0;
}
