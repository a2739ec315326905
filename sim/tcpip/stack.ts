/**
 * A host's TCP/IP stack, from one power-on to the next: it finds the connection, listener or datagram socket that a
 * packet is for, and lets connections do what packets, users and timers want of them. When the power goes, it is
 * dropped with all it knew.
 */

import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import type { Interrupt, Interrupts } from '../board/interrupts.ts';
import { parseAddress } from '../packet/address.ts';
import {
  ACK,
  ARP,
  DESTINATION_UNREACHABLE,
  ECHO_REQUEST,
  ECHO_REPLY,
  FIN,
  FRAGMENTATION_NEEDED,
  HOST_UNREACHABLE,
  ICMP,
  isIcmpError,
  NETWORK_UNREACHABLE,
  Packet,
  PORT_UNREACHABLE,
  PSH,
  RST,
  SYN,
  TCP,
  TIME_EXCEEDED,
  UDP,
} from '../packet/packet.ts';
import type { Waiter } from '../time/event.ts';
import type { ByteQueuePool } from './byte-queue.ts';
import type { Host } from './host.ts';
import { type Neighbours, neighboursOf } from './arp/neighbours.ts';
import { clockedIss } from './initial-seq.ts';
import type { Ports } from './ports.ts';
import { isLoopback } from './loopback.ts';
import { type CookieEnds, makeCookie, readCookie } from './syn-cookie.ts';
import type { Listener } from './listener.ts';
import { StackClock } from './stack-clock.ts';
import type { TcbTable } from './tcb-table.ts';
import { abandon, connect } from './tcp/calls.ts';
import { isEmptyProbe, openByCookie, openPassive, segmentArrives } from './tcp/input.ts';
import { lowerPathMtu } from './tcp/path-mtu.ts';
import { hostUnreachable, neighbourTimeout, unreachable } from './tcp/retransmission.ts';
import { resetReply } from './tcp/reset.ts';
import { distance } from './tcp/seq.ts';
import { ACTIVE, ARMED, done, ORPHAN, silentTicks, Tcb, type TcpStack } from './tcp/tcb.ts';
import { fireTimers } from './tcp/timers.ts';

const LWIP_ISS_FIRST = 6510;
/** Linux's TCP_SYNCOOKIE_VALID: after the last cookie, none is looked for. */
const COOKIE_VALID_US = 120_000_000;

/**
 * Linux's icmp_err_convert, by the code of "destination unreachable". The HAL has no ENOPROTOOPT, EHOSTDOWN and ENONET:
 * the nearest stand for them.
 */
const UNREACHABLE_ERRNOS: readonly (Errno | undefined)[] = [
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EOPNOTSUPP',
  'ECONNREFUSED',
  // Fragmentation needed: no error.
  undefined,
  'EOPNOTSUPP',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
];

/** The object is its own clock and ports, to save memory: there is one for each of 100,000 devices. */
export class Stack extends StackClock implements TcpStack {
  readonly interrupts: Interrupts;
  /** undefined: its network has no ARP. */
  readonly neighbours: Neighbours | undefined;
  #identification = 0;
  /** Addresses of connections from an address that the host no longer has. */
  #oldAddresses: Map<Tcb, number> | undefined = undefined;
  /** The secret of RFC 6528; or lwIP's last number. */
  #iss: number;

  constructor(host: Host, interrupts: Interrupts) {
    super(host);
    this.interrupts = interrupts;
    const { salt } = host.world;
    // lwIP's tcp_next_iss begins with this number.
    this.#iss = host.profile.initialSequence === 'clock-and-hash' ? host.random.uint32() ^ salt : LWIP_ISS_FIRST;
    this.neighbours = host.hasArp ? neighboursOf(this) : undefined;
  }

  get clock(): StackClock {
    return this;
  }

  get ports(): Ports {
    return this;
  }

  get connections(): TcbTable {
    return this;
  }

  addressOf(tcb: Tcb): number {
    return this.#oldAddresses?.get(tcb) ?? this.host.address;
  }

  /** Keeps this address for the present connections, even if the host gets another one. */
  keepAddress(address: number): void {
    const old = (this.#oldAddresses ??= new Map<Tcb, number>());
    for (const tcb of this.connections.all()) if (!old.has(tcb)) old.set(tcb, address);
  }

  get queues(): ByteQueuePool {
    return this.host.world.queues;
  }

  /**
   * Applies a call to a connection, with all that belongs to it: the time is read before the call. After the call the
   * timer is armed again, the user is told, and a connection that has ended is removed.
   */
  perform<A, R>(tcb: Tcb, what: (tcb: Tcb, argument: A) => R, argument: A): R {
    this.clock.read();
    const result = what(tcb, argument);
    if (tcb.state === 'CLOSED') this.forget(tcb);
    else this.clock.arm(tcb);
    if (tcb.news !== 0) {
      const { user } = tcb;
      if (user === undefined) tcb.news = 0;
      else user.tell(tcb);
    }
    return result;
  }

  private forget(tcb: Tcb): void {
    this.clock.disarm(tcb);
    this.connections.remove(tcb);
    this.#oldAddresses?.delete(tcb);
  }

  // ---- for connections ----

  newPacket(tcb: Tcb): Packet {
    const packet = this.host.world.packets.take();
    packet.protocol = TCP;
    packet.source = tcb.localAddress;
    packet.destination = tcb.remoteAddress;
    packet.sourcePort = tcb.localPort;
    packet.destinationPort = tcb.remotePort;
    return packet;
  }

  newReply(packet: Packet): Packet {
    const reply = this.host.world.packets.take();
    reply.source = packet.destination;
    reply.destination = packet.source;
    reply.sourcePort = packet.destinationPort;
    reply.destinationPort = packet.sourcePort;
    return reply;
  }

  newIss({ localAddress, localPort, remoteAddress, remotePort }: Tcb): number {
    switch (this.profile.initialSequence) {
      case 'clock-and-hash': {
        const { nowUs } = this.host.world.timeline;
        return clockedIss(nowUs, this.#iss, localAddress, localPort, remoteAddress, remotePort);
      }
      case 'ticks':
        this.#iss = (this.#iss + (this.clock.nowTick >> 1)) | 0;
        return this.#iss;
      case 'random':
        return this.host.random.uint32() | 0;
    }
  }

  transmit(packet: Packet): void {
    const { timeToLive, dontFragment } = this.profile;
    packet.timeToLive = timeToLive;
    packet.dontFragment = dontFragment;
    // RFC 6864 4.3: its fragments must not be taken for those of another packet.
    if (!dontFragment) this.#identification = (this.#identification + 1) & 0xffff;
    packet.identification = this.#identification;
    this.host.send(packet);
  }

  /** A connection's time has come. */
  timeout(tcb: Tcb): void {
    tcb.flags &= ~ARMED;
    this.perform(tcb, fireTimers, undefined);
  }

  // ---- what arrives ----

  /** A packet has come for this host; it is given back to the pool. */
  receive(packet: Packet): void {
    if (this.neighbours !== undefined && packet.protocol !== ARP && !this.neighbours.admits(packet)) return;
    switch (packet.protocol) {
      case TCP:
        this.receiveTcp(packet);
        break;
      case UDP:
        this.receiveUdp(packet);
        break;
      case ICMP:
        this.receiveIcmp(packet);
        break;
      case ARP:
        this.neighbours?.arpArrives(packet);
        break;
    }
    this.host.world.packets.release(packet);
  }

  private receiveTcp(packet: Packet): void {
    const tcb = this.connections.find(packet);
    if (tcb === undefined || this.isReopening(tcb, packet)) this.receiveStray(packet);
    else if (!this.host.isDeafToProbes || !isEmptyProbe(tcb, packet)) this.perform(tcb, segmentArrives, packet);
  }

  /**
   * RFC 9293 3.6.1, RFC 6191: a SYN that is newer than all that was sent before may follow a connection in TIME-WAIT.
   */
  private isReopening(tcb: Tcb, packet: Packet): boolean {
    if (tcb.state !== 'TIME-WAIT' || (packet.flags & (SYN | ACK | RST)) !== SYN) return false;
    if (this.profile.timeWaitSyn !== 'reopens') return false;
    if (distance(tcb.rcvNxt, packet.seq) <= 0) return false;
    if (this.ports.listener(packet.destinationPort) === undefined) return false;
    this.perform(tcb, done, undefined);
    return true;
  }

  /** RFC 9293 3.10.7.1 and 3.10.7.2: for a listener, or for nobody. */
  private receiveStray(packet: Packet): void {
    const bound = this.ports.listener(packet.destinationPort);
    const listener = bound?.isForSelf === true && !isLoopback(packet.destination) ? undefined : bound;
    if (listener === undefined || (packet.flags & ACK) !== 0) {
      if (listener !== undefined && this.takeCookie(listener, packet)) return;
      const isAckAlone = listener === undefined && (packet.flags & (ACK | SYN | FIN | PSH)) === ACK;
      if (this.profile.resetsStrayAcks || !isAckAlone) resetReply(this, packet);
      return;
    }
    if ((packet.flags & (SYN | RST)) !== SYN) return;
    if (!listener.hasRoom || !this.makeRoom()) {
      if (this.profile.synCookies && !listener.isFull) this.sendCookie(listener, packet);
      else if (this.profile.fullListener === 'reset') resetReply(this, packet);
      return;
    }
    const tcb = this.newTcb(packet.destinationPort, packet.source, packet.sourcePort);
    listener.take(tcb);
    this.perform(tcb, openPassive, packet);
  }

  /** Answers a SYN, and keeps nothing of it. */
  private sendCookie(listener: Listener, syn: Packet): void {
    const { nowUs } = this.host.world.timeline;
    listener.cookieUs = nowUs;
    this.clock.read();
    const seen = { mssBytes: syn.mss, windowScale: syn.windowScale };
    const tcb = new Tcb(this, syn.destinationPort, syn.source, syn.sourcePort);
    openPassive(tcb, syn, makeCookie(this.#iss, cookieEnds(syn, syn.seq), nowUs, seen));
  }

  /**
   * Returns whether the packet is the answer to a cookie. If so, it opens a connection, provided that the listener has
   * room.
   */
  private takeCookie(listener: Listener, packet: Packet): boolean {
    const { nowUs } = this.host.world.timeline;
    if ((packet.flags & (SYN | RST)) !== 0 || nowUs - listener.cookieUs > COOKIE_VALID_US) return false;
    const ends = cookieEnds(packet, (packet.seq - 1) | 0);
    const cookie = readCookie(this.#iss, ends, nowUs, (packet.ack - 1) | 0);
    if (cookie === undefined) return false;
    if (listener.isFull || !this.makeRoom()) return true;
    const tcb = this.newTcb(packet.destinationPort, packet.source, packet.sourcePort);
    listener.take(tcb);
    this.perform(tcb, openByCookie, { packet, cookie });
    return true;
  }

  private receiveUdp(packet: Packet): void {
    const socket = this.ports.datagram(packet.destinationPort);
    if (socket !== undefined) {
      socket.arrived(packet);
      return;
    }
    // RFC 1122 3.2.2.1.
    const reply = this.newReply(packet);
    reply.protocol = ICMP;
    reply.icmpType = DESTINATION_UNREACHABLE;
    reply.code = PORT_UNREACHABLE;
    reply.nextHopMtuBytes = 0;
    // Not of the pool: copies of the reply quote the same.
    reply.quoted = new Packet();
    reply.quoted.copy(packet);
    this.transmit(reply);
  }

  private receiveIcmp(packet: Packet): void {
    if (packet.icmpType === ECHO_REQUEST) this.answerPing(packet);
    else if (isIcmpError(packet) && this.profile.icmpErrors === 'linux') this.receiveIcmpError(packet);
  }

  /** RFC 1122 3.2.2.6: all four stacks do. */
  private answerPing(packet: Packet): void {
    const reply = this.newReply(packet);
    reply.protocol = ICMP;
    reply.icmpType = ECHO_REPLY;
    reply.seq = packet.seq;
    reply.reserve(packet.payloadBytes);
    reply.payload.set(packet.payload.subarray(0, packet.payloadBytes));
    this.transmit(reply);
  }

  /**
   * A neighbour has not answered ARP, and the packet that waited for it will not be sent. On Linux its connection gets
   * a "host unreachable" from the host itself; the W5500 ends what it was connecting.
   */
  neighbourFailed(packet: Packet, heldTick: number): void {
    const tcb = packet.protocol === TCP
      ? this.connections.get(packet.destination, packet.destinationPort, packet.sourcePort)
      : undefined;
    const { seq } = packet;
    this.host.world.packets.release(packet);
    if (tcb === undefined) return;
    if (this.profile.icmpErrors !== 'linux') this.perform(tcb, neighbourTimeout, undefined);
    // A keepalive probe's number is not in flight: it is as if nothing had been said.
    else if (isInFlight(tcb, seq)) this.perform(tcb, hostUnreachable, { errno: 'EHOSTUNREACH', seq, heldTick });
  }

  /** RFC 1122 3.2.2.1: an error belongs to the connection whose packet it quotes. Linux's tcp_v4_err. */
  private receiveIcmpError({ quoted, icmpType, code, nextHopMtuBytes }: Packet): void {
    if (quoted?.protocol !== TCP) return;
    const tcb = this.connections.get(quoted.destination, quoted.destinationPort, quoted.sourcePort);
    if (tcb === undefined || !isInFlight(tcb, quoted.seq)) return;
    if (icmpType === TIME_EXCEEDED) {
      this.perform(tcb, unreachable, 'EHOSTUNREACH');
    } else if (code === FRAGMENTATION_NEEDED) {
      this.perform(tcb, lowerPathMtu, nextHopMtuBytes);
    } else {
      const errno = UNREACHABLE_ERRNOS[code];
      if (errno === undefined) return;
      if (code === NETWORK_UNREACHABLE || code === HOST_UNREACHABLE) {
        this.perform(tcb, hostUnreachable, { errno, seq: quoted.seq, heldTick: undefined });
      } else {
        this.perform(tcb, unreachable, errno);
      }
    }
  }

  // ---- for sockets ----

  /** Raises an interrupt soon, since a HAL does not call back from within a call. */
  later(isr: Interrupt): void {
    const { timeline } = this.host.world;
    timeline.set(timeline.open(new Soon(this, isr)), timeline.nowUs);
  }

  /** Connects a socket's new connection; or gives the reason why not. `local` undefined, and its port 0: any. */
  connect(
    local: SocketAddress | undefined, remoteAddress: number, remotePort: number, prepare: (tcb: Tcb) => void,
  ): Errno | Tcb {
    if (this.interrupts.off) return 'ENETDOWN';
    if (local !== undefined && !this.isOwnAddress(local.address)) return 'EADDRNOTAVAIL';
    if (!this.hasRouteTo(remoteAddress)) return this.profile.noRouteErrno;
    if (!this.makeRoom()) return 'ENOBUFS';
    const port = this.ports.forConnection(local?.port ?? 0, remoteAddress, remotePort);
    if (typeof port === 'string') return port;
    const tcb = this.newTcb(port, remoteAddress, remotePort);
    prepare(tcb);
    this.perform(tcb, connect, undefined);
    return tcb;
  }

  hasRouteTo(address: number): boolean {
    return this.host.hasRoute || address === this.host.address || isLoopback(address);
  }

  isOwnAddress(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed === 0 || parsed === this.host.address || (parsed !== undefined && isLoopback(parsed));
  }

  /** A new connection between two ends, in the table. */
  private newTcb(localPort: number, remoteAddress: number, remotePort: number): Tcb {
    const tcb = new Tcb(this, localPort, remoteAddress, remotePort);
    this.connections.add(tcb);
    return tcb;
  }

  /** Returns whether there is room for one more connection, or room can be made. */
  private makeRoom(): boolean {
    const { socketsMax, fullTable, timeoutErrno } = this.profile;
    if (this.connections.size < socketsMax) return true;
    if (fullTable === 'fails') return false;
    this.clock.read();
    // lwIP's tcp_alloc: tcp_kill_timewait, tcp_kill_state. Nothing is sent, "since no data is lost"; the user of such a
    // socket still is told ERR_ABRT.
    for (const state of ['TIME-WAIT', 'LAST-ACK', 'CLOSING']) {
      const oldest = longestSilent(this.connections.all().filter((tcb) => tcb.state === state));
      if (oldest === undefined) continue;
      this.perform(oldest, done, (oldest.flags & ORPHAN) === 0 ? timeoutErrno : undefined);
      return true;
    }
    if (fullTable === 'lwip') return false;
    // tcp_kill_prio, of those that were accepted: tcp_abort, so both ends learn of it.
    const accepted = this.connections.all().filter(({ flags, state }) => (flags & ACTIVE) === 0 && state !== 'CLOSED');
    const oldest = longestSilent(accepted);
    if (oldest !== undefined) this.perform(oldest, abandon, undefined);
    return oldest !== undefined;
  }

  // ---- the board's doings ----

  /** The power has gone: nothing is sent, and no timer runs. */
  drop(): void {
    this.neighbours?.clear();
    for (const tcb of this.connections.all()) {
      tcb.user = undefined;
      done(tcb, undefined);
      // Nobody will read these bytes, and other connections need the room.
      if (tcb.receiving !== undefined) this.queues.release(tcb.receiving);
      tcb.receiving = undefined;
      this.forget(tcb);
    }
    this.forgetBound();
  }

  /** The process is gone, the stack lives: its sockets are closed. */
  closeAll(): void {
    this.closeBound();
    for (const tcb of this.connections.all()) tcb.user?.abandon(tcb);
  }

  /** lwIP's tcp_netif_ip_addr_changed: both ends of each connection learn at once. */
  abortAll(): void {
    for (const tcb of this.connections.all()) {
      this.perform(tcb, abandon, undefined);
    }
  }

  /** Something on the way resets every connection: both ends get a RST that fits. */
  resetAll(): void {
    for (const tcb of this.connections.all()) {
      const toPeer = this.newPacket(tcb);
      toPeer.seq = tcb.sndNxt;
      toPeer.ack = tcb.rcvNxt;
      toPeer.flags = RST | ACK;
      toPeer.window = 0;
      const toUs = this.newReply(toPeer);
      toUs.protocol = TCP;
      toUs.seq = tcb.rcvNxt;
      toUs.ack = tcb.sndNxt;
      toUs.flags = RST | ACK;
      toUs.window = 0;
      this.transmit(toPeer);
      this.receive(toUs);
    }
  }
}

function cookieEnds({ source, sourcePort, destinationPort }: Packet, seq: number): CookieEnds {
  return { localPort: destinationPort, remoteAddress: source, remotePort: sourcePort, seq };
}

/** RFC 5927 4.1: only what is in flight can be the subject of an ICMP error. */
function isInFlight({ sndUna, sndNxt }: Tcb, seq: number): boolean {
  return distance(sndUna, seq) >= 0 && distance(seq, sndNxt) >= 0;
}

function longestSilent(tcbs: readonly Tcb[]): Tcb | undefined {
  return tcbs.reduce<Tcb | undefined>(
    (oldest, tcb) => (oldest === undefined || silentTicks(tcb) >= silentTicks(oldest) ? tcb : oldest),
    undefined,
  );
}

class Soon implements Waiter {
  readonly #stack: Stack;
  readonly #isr: Interrupt;

  constructor(stack: Stack, isr: Interrupt) {
    this.#stack = stack;
    this.#isr = isr;
  }

  fire(handle: number): void {
    this.#stack.host.world.timeline.close(handle);
    this.#stack.interrupts.raise(this.#isr);
  }

  describe(): string {
    return `the network of ${this.#stack.host.name}`;
  }
}
