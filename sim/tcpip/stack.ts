/**
 * A host's TCP/IP stack, from one power-on to the next: connections, listeners, datagram sockets, ports; and the HAL's
 * network on top. When the power goes, it is dropped with all it knew.
 */

import type { Errno } from '../../hal/errno.ts';
import type {
  Capabilities,
  DatagramHandler,
  DatagramSocket,
  LinkStatus,
  ListenHandler,
  ListeningSocket,
  Lookup,
  Network,
  SocketAddress,
  StreamHandler,
  StreamSocket,
} from '../../hal/network.ts';
import type { Random } from '../../hal/random.ts';
import type { Interrupt, Interrupts } from '../board/interrupts.ts';
import { parseAddress } from '../packet/address.ts';
import { ACK, FIN, ICMP, Packet, PORT_UNREACHABLE, PSH, RST, SYN, TCP, UDP } from '../packet/packet.ts';
import type { Timeline, Waiter } from '../time/event.ts';
import type { ByteQueuePool } from './byte-queue.ts';
import { UdpSocket } from './datagram-socket.ts';
import type { Host } from './host.ts';
import { Listener } from './listener.ts';
import type { Profile } from './profile.ts';
import { TcpSocket } from './stream-socket.ts';
import { TcbTable } from './tcb-table.ts';
import { connect, unreachable } from './tcp/calls.ts';
import { openPassive, segmentArrives } from './tcp/input.ts';
import { resetReply } from './tcp/reset.ts';
import { distance } from './tcp/seq.ts';
import { ACTIVE, APPOINTED, done, ORPHAN, Tcb, type TcpStack, type TimerKind } from './tcp/tcb.ts';
import { fireTimers, hasTimer, nextTick } from './tcp/timers.ts';
import { type Timers, timersOf } from './timer-wheel.ts';

export class Stack implements Network, TcpStack, LinkStatus {
  readonly host: Host;
  readonly interrupts: Interrupts;
  readonly connections = new TcbTable();
  nowTick = 0;
  nowUs = 0;
  /** Its ticks are counted from when it was switched on. */
  readonly #bootUs: number;
  /**
   * Linux has one wheel, but how it stands is open, as it is open when the host was switched on: so for each kind of
   * timers the first is as little late as can be, whatever the other kind was.
   */
  readonly #sendWheel: Timers;
  readonly #otherWheel: Timers;
  /** Made with the first of them. */
  #listeners: Map<number, Listener> | undefined = undefined;
  #datagrams: Map<number, UdpSocket> | undefined = undefined;
  #nextPort: number;
  #watcher: ((carrier: boolean) => void) | undefined = undefined;

  constructor(host: Host, interrupts: Interrupts) {
    const { first, last } = host.profile.ephemeralPorts;
    this.host = host;
    this.interrupts = interrupts;
    this.#bootUs = host.world.timeline.nowUs;
    this.#sendWheel = timersOf(host.profile);
    this.#otherWheel = timersOf(host.profile);
    // RFC 6056 3.3: not the same ports after each boot.
    this.#nextPort = first + (host.random.uint32() % (last - first + 1));
    this.enter();
  }

  get profile(): Profile {
    return this.host.profile;
  }

  get address(): number {
    return this.host.address;
  }

  get timeline(): Timeline {
    return this.host.world.timeline;
  }

  get queues(): ByteQueuePool {
    return this.host.world.queues;
  }

  get random(): Random {
    return this.host.random;
  }

  // ---- for connections ----

  expiry(delayTicks: number, kind: TimerKind): number {
    return (kind === 'send' ? this.#sendWheel : this.#otherWheel).expiry(this.nowTick, delayTicks);
  }

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

  transmit(packet: Packet): void {
    this.host.send(packet);
  }

  /** Sets the time, before anything is done. */
  enter(): void {
    const { nowUs } = this.timeline;
    this.nowUs = nowUs | 0;
    this.nowTick = Math.floor((nowUs - this.#bootUs) / this.profile.tickUs) | 0;
  }

  /**
   * After anything was done to a connection: its appointment is set anew, its user is told, and when it is over it is
   * forgotten.
   */
  leave(tcb: Tcb): void {
    if (tcb.state === 'CLOSED') this.#forget(tcb);
    else if (hasTimer(tcb)) this.#appoint(tcb, nextTick(tcb));
    else if ((tcb.flags & APPOINTED) !== 0) this.#disappoint(tcb);
    if (tcb.news !== 0) {
      const { user } = tcb;
      if (user === undefined) tcb.news = 0;
      else user.tell(tcb);
    }
  }

  /** How long it is, from now, until a tick begins. `enter` was called at this time. */
  usUntil(tick: number): number {
    const { tickUs } = this.profile;
    const elapsedUs = this.timeline.nowUs - this.#bootUs;
    return Math.max((Math.floor(elapsedUs / tickUs) + ((tick - this.nowTick) | 0)) * tickUs - elapsedUs, 0);
  }

  #appoint(tcb: Tcb, tick: number): void {
    if ((tcb.flags & APPOINTED) !== 0 && tcb.dueTick === tick) return;
    const { timeline } = this;
    if (tcb.timerHandle < 0) tcb.timerHandle = timeline.open(tcb);
    tcb.flags |= APPOINTED;
    tcb.dueTick = tick;
    timeline.set(tcb.timerHandle, timeline.nowUs + this.usUntil(tick));
  }

  #disappoint(tcb: Tcb): void {
    tcb.flags &= ~APPOINTED;
    this.timeline.clear(tcb.timerHandle);
  }

  #forget(tcb: Tcb): void {
    if (tcb.timerHandle >= 0) this.timeline.close(tcb.timerHandle);
    tcb.timerHandle = -1;
    tcb.flags &= ~APPOINTED;
    this.connections.remove(tcb);
  }

  /** A connection's time has come. */
  timeout(tcb: Tcb): void {
    tcb.flags &= ~APPOINTED;
    this.enter();
    fireTimers(tcb);
    this.leave(tcb);
  }

  // ---- what arrives ----

  /** A packet has come for this host; it is given back to the pool. */
  receive(packet: Packet): void {
    this.enter();
    switch (packet.protocol) {
      case TCP:
        this.#receiveTcp(packet);
        break;
      case UDP:
        this.#receiveUdp(packet);
        break;
      case ICMP:
        this.#receiveIcmp(packet);
        break;
    }
    this.host.world.packets.release(packet);
  }

  #receiveTcp(packet: Packet): void {
    const tcb = this.connections.find(packet);
    if (tcb === undefined || this.#isReopening(tcb, packet)) {
      this.#receiveStray(packet);
      return;
    }
    segmentArrives(tcb, packet);
    this.leave(tcb);
  }

  /**
   * RFC 9293 3.6.1, RFC 6191: a SYN that is newer than all that was sent before may follow a connection in TIME-WAIT.
   */
  #isReopening(tcb: Tcb, packet: Packet): boolean {
    if (
      tcb.state !== 'TIME-WAIT' ||
      (packet.flags & (SYN | ACK | RST)) !== SYN ||
      distance(tcb.rcvNxt, packet.seq) <= 0
    ) {
      return false;
    }
    if (this.#listeners?.get(packet.destinationPort) === undefined) return false;
    done(tcb, undefined);
    this.leave(tcb);
    return true;
  }

  /** RFC 9293 3.10.7.1 and 3.10.7.2: for a listener, or for nobody. */
  #receiveStray(packet: Packet): void {
    const listener = this.#listeners?.get(packet.destinationPort);
    if (listener === undefined || (packet.flags & ACK) !== 0) {
      if (this.profile.resetsStrayAcks || (packet.flags & (ACK | SYN | FIN | PSH)) !== ACK) resetReply(this, packet);
      return;
    }
    if ((packet.flags & (SYN | RST)) !== SYN || !listener.hasRoom || !this.#makeRoom()) return;
    const tcb = this.newTcb(packet.destinationPort, packet.source, packet.sourcePort);
    listener.take(tcb);
    openPassive(tcb, packet, this.random.uint32() | 0);
    this.leave(tcb);
  }

  #receiveUdp(packet: Packet): void {
    const socket = this.#datagrams?.get(packet.destinationPort);
    if (socket !== undefined) {
      socket.arrived(packet);
      return;
    }
    // RFC 1122 3.2.2.1.
    const reply = this.newReply(packet);
    reply.protocol = ICMP;
    reply.code = PORT_UNREACHABLE;
    // Not of the pool: copies of the reply quote the same.
    reply.quoted = new Packet();
    reply.quoted.copy(packet);
    this.transmit(reply);
  }

  /** RFC 1122 3.2.2.1: an error belongs to the connection whose packet it quotes. */
  #receiveIcmp({ quoted, code }: Packet): void {
    if (quoted?.protocol !== TCP) return;
    const tcb = this.connections.get(quoted.destination, quoted.destinationPort, quoted.sourcePort);
    // RFC 5927 4.1: only what is in flight can be the subject.
    if (tcb === undefined || distance(tcb.sndUna, quoted.seq) < 0 || distance(quoted.seq, tcb.sndNxt) < 0) return;
    unreachable(tcb, code === PORT_UNREACHABLE ? 'ECONNREFUSED' : 'EHOSTUNREACH');
    this.leave(tcb);
  }

  // ---- for sockets ----

  /** Raises an interrupt soon, since a HAL does not call back from within a call. */
  later(isr: Interrupt): void {
    this.timeline.set(this.timeline.open(new Soon(this, isr)), this.timeline.nowUs);
  }

  /** A new connection between two ends, in the table. */
  newTcb(localPort: number, remoteAddress: number, remotePort: number): Tcb {
    const tcb = new Tcb(this, localPort, remoteAddress, remotePort);
    this.connections.add(tcb);
    return tcb;
  }

  /** Connects a socket's new connection; or the reason why not. `localPort` 0: any. */
  connect(
    local: SocketAddress | undefined,
    remoteAddress: number,
    remotePort: number,
    prepare: (tcb: Tcb) => void,
  ): Errno | Tcb {
    if (this.interrupts.off) return 'ENETDOWN';
    if (local !== undefined && !this.isOwnAddress(local.address)) return 'EADDRNOTAVAIL';
    if (!this.#makeRoom()) return 'ENOBUFS';
    const wanted = local?.port ?? 0;
    if (wanted !== 0 && this.#listeners?.has(wanted) === true) return 'EADDRINUSE';
    const port =
      wanted !== 0
        ? wanted
        : this.#freePort((candidate) => this.connections.get(remoteAddress, remotePort, candidate) !== undefined);
    if (port === undefined) return 'EADDRNOTAVAIL';
    if (this.connections.get(remoteAddress, remotePort, port) !== undefined) return 'EADDRINUSE';
    const tcb = this.newTcb(port, remoteAddress, remotePort);
    prepare(tcb);
    this.enter();
    connect(tcb, this.random.uint32() | 0);
    this.leave(tcb);
    return tcb;
  }

  /**
   * Where the stack has few connections, the oldest that nobody uses any more has to go (lwIP's tcp_kill_timewait and
   * tcp_kill_state).
   */
  #makeRoom(): boolean {
    if (this.connections.size < this.profile.socketsMax) return true;
    const oldest = this.connections.all().findLast(({ flags }) => (flags & ORPHAN) !== 0);
    if (oldest === undefined) return false;
    this.enter();
    done(oldest, undefined);
    this.leave(oldest);
    return true;
  }

  isOwnAddress(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed === 0 || parsed === this.host.address;
  }

  /** The next ephemeral port that is not taken. */
  #freePort(isTaken: (port: number) => boolean): number | undefined {
    const { first, last } = this.profile.ephemeralPorts;
    for (let tries = last - first; tries >= 0; tries--) {
      const port = this.#nextPort;
      this.#nextPort = port === last ? first : port + 1;
      if (!isTaken(port) && this.#listeners?.has(port) !== true) return port;
    }
    return undefined;
  }

  /** Takes a port for a listener; gives it, or the reason why not. */
  claimListener(listener: Listener, local: SocketAddress): number | Errno {
    if (!this.isOwnAddress(local.address)) return 'EADDRNOTAVAIL';
    const listeners = (this.#listeners ??= new Map<number, Listener>());
    const port = local.port !== 0 ? local.port : this.#freePort((candidate) => this.#hasActiveOn(candidate));
    if (port === undefined || listeners.has(port) || this.#hasActiveOn(port)) return 'EADDRINUSE';
    listeners.set(port, listener);
    return port;
  }

  /**
   * A connection that was opened from here holds its port; those that were accepted do not (SO_REUSEADDR, as servers
   * set it).
   */
  #hasActiveOn(port: number): boolean {
    return this.connections
      .all()
      .some(({ flags, localPort, state }) => (flags & ACTIVE) !== 0 && localPort === port && state !== 'TIME-WAIT');
  }

  releaseListener(port: number): void {
    this.#listeners?.delete(port);
  }

  claimDatagram(socket: UdpSocket, local: SocketAddress): number | Errno {
    if (!this.isOwnAddress(local.address)) return 'EADDRNOTAVAIL';
    const datagrams = (this.#datagrams ??= new Map<number, UdpSocket>());
    const port = local.port !== 0 ? local.port : this.#freePort((candidate) => datagrams.has(candidate));
    if (port === undefined || datagrams.has(port)) return 'EADDRINUSE';
    datagrams.set(port, socket);
    return port;
  }

  releaseDatagram(port: number): void {
    this.#datagrams?.delete(port);
  }

  // ---- the HAL's network ----

  get capabilities(): Capabilities {
    return this.host.capabilities;
  }

  get link(): LinkStatus {
    return this;
  }

  get carrier(): boolean {
    return this.host.carrier;
  }

  watch(isr: (carrier: boolean) => void): void {
    this.#watcher = isr;
  }

  openStream(handler: StreamHandler): StreamSocket {
    return new TcpSocket(this, handler);
  }

  listen(local: SocketAddress, backlog: number, handler: ListenHandler): ListeningSocket {
    return new Listener(this, local, backlog, handler);
  }

  openDatagram(local: SocketAddress, handler: DatagramHandler): DatagramSocket {
    return new UdpSocket(this, local, handler);
  }

  lookup(name: string, done: (result: readonly string[] | Errno) => void): Lookup {
    return this.host.lookup(this.interrupts, name, done);
  }

  // ---- the board's doings ----

  carrierChanged(): void {
    if (this.#watcher !== undefined) this.interrupts.raise(this);
  }

  /** @internal The carrier's interrupt: while the firmware hangs, one waits, however often the carrier changes. */
  serve(): void {
    this.#watcher?.(this.host.carrier);
  }

  /** The power has gone: nothing is sent, and no timer runs. */
  drop(): void {
    for (const tcb of this.connections.all()) {
      tcb.user = undefined;
      done(tcb, undefined);
      // What nobody will read: others need the room.
      if (tcb.receiving !== undefined) this.queues.release(tcb.receiving);
      tcb.receiving = undefined;
      this.#forget(tcb);
    }
    this.#listeners = undefined;
    this.#datagrams = undefined;
  }

  /** The process is gone, the stack lives: its sockets are closed. */
  closeAll(): void {
    for (const listener of this.#listeners?.values() ?? []) listener.close();
    for (const socket of this.#datagrams?.values() ?? []) socket.close();
    for (const tcb of this.connections.all()) {
      this.enter();
      tcb.user?.abandon(tcb);
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

class Soon implements Waiter {
  readonly #stack: Stack;
  readonly #isr: Interrupt;

  constructor(stack: Stack, isr: Interrupt) {
    this.#stack = stack;
    this.#isr = isr;
  }

  fire(handle: number): void {
    this.#stack.timeline.close(handle);
    this.#stack.interrupts.raise(this.#isr);
  }

  describe(): string {
    return `the network of ${this.#stack.host.name}`;
  }
}
