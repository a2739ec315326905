/**
 * The transmission control block: all that a connection knows (RFC 9293 3.3.1), and its end. Every number is an integer
 * of 32 bits, which the engine keeps without a box: times are ticks of the stack's clock, which wrap as Linux's jiffies
 * and lwIP's tcp_ticks do.
 */

import type { Errno } from '../../../hal/errno.ts';
import type { KeepAlive } from '../../../hal/network.ts';
import { formatAddress } from '../../packet/address.ts';
import type { Packet } from '../../packet/packet.ts';
import type { Waiter } from '../../time/event.ts';
import type { ByteQueue, ByteQueuePool } from '../byte-queue.ts';
import type { Profile } from '../profile.ts';

/** RFC 9293 3.3.2; a connection that listens is no connection yet (listener.ts). */
export type TcpState =
  | 'SYN-SENT' | 'SYN-RECEIVED' | 'ESTABLISHED' | 'FIN-WAIT-1' | 'FIN-WAIT-2'
  | 'CLOSE-WAIT' | 'CLOSING' | 'LAST-ACK' | 'TIME-WAIT' | 'CLOSED';

/**
 * Purpose of a timer. `send`: sent data. `other`: keepalive, and the first timer of a handshake, which seldom fires.
 */
export type TimerKind = 'send' | 'other';

/** The stack's time, as it was read before a connection does anything. */
export interface TcpClock {
  /** Present time in ticks, and the low 32 bits of its microseconds. */
  readonly nowTick: number;
  readonly nowUs: number;
  /** Value of the timestamps option (RFC 7323 5.4): milliseconds, as Linux's tcp_clock_ms; never 0. */
  readonly timestamp: number;
  /** The tick at which a timer of this kind fires that is set `delayTicks` ahead now. */
  expiry(delayTicks: number, kind: TimerKind): number;
  /** The time from now until a tick begins, in microseconds. */
  usUntil(tick: number): number;
}

/** The parts of its stack that a connection uses. */
export interface TcpStack {
  readonly profile: Profile;
  /** The address that a connection is from. */
  addressOf(tcb: Tcb): number;
  readonly clock: TcpClock;
  readonly queues: ByteQueuePool;
  /** The first sequence number of a connection. */
  newIss(tcb: Tcb): number;
  /** An empty packet of this connection. */
  newPacket(tcb: Tcb): Packet;
  /** An empty packet to where this one came from. */
  newReply(packet: Packet): Packet;
  /** Sends it, and takes it over. */
  transmit(packet: Packet): void;
  /** The connection's time has come, that was asked for by `nextTick`. */
  timeout(tcb: Tcb): void;
  /** undefined: its network has no ARP. */
  readonly neighbours: TcpNeighbours | undefined;
}

/** The use that TCP makes of ARP (arp/neighbours.ts). */
export interface TcpNeighbours {
  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined;
  confirm(destination: number): void;
}

/** The one timer of sending: what it waits for (smoltcp's and Linux's way: they exclude one another). */
export type SendTimer = 'none' | 'retransmit' | 'loss-probe' | 'persist' | 'refused' | 'fin-wait-2' | 'time-wait';

/** Phase of congestion control: RFC 5681 and 6582; Linux's TCP_CA_Open, Recovery and Loss. */
export type Recovery = 'open' | 'fast-recovery' | 'loss';

/** Bits of `flags`. */
export const NO_DELAY = 1 << 0;
/** The user has shut down sending: FIN follows the last byte. */
export const FIN_WANTED = 1 << 1;
export const FIN_SENT = 1 << 2;
/** The peer's FIN has come, after all its data. */
export const FIN_RECEIVED = 1 << 3;
/** The user has closed: there is nobody to read, and nobody to tell. */
export const ORPHAN = 1 << 4;
/** An ACK is owed. */
export const ACK_SCHEDULED = 1 << 5;
/** The delayed ACK timer runs. */
export const ACK_TIMER = 1 << 6;
/** A small segment came while an ACK was owed, and another one (Linux's ICSK_ACK_PUSHED and PUSHED2). */
export const PUSHED = 1 << 7;
export const PUSHED_TWICE = 1 << 8;
export const KEEPALIVE_TIMER = 1 << 9;
/** A write took less than it was offered. */
export const WANTS_ROOM = 1 << 10;
/** Data went over the connection, either way. */
export const EXCHANGED = 1 << 11;
/** A round trip is being measured: `timedSeq`, `timedUs`. */
export const TIMING = 1 << 12;
/** A tail loss probe is out; no other before it is acknowledged. */
export const PROBE_OUT = 1 << 13;
/** An error was told to the user; POSIX tells it once. */
export const ERROR_TOLD = 1 << 14;
/** The peer takes window scaling: both shifts hold. */
export const SCALED = 1 << 15;
/** The next ACK is not delayed. */
export const ACK_AT_ONCE = 1 << 16;
/** Out-of-window segments were answered: `lastChallengeTick` holds. */
export const CHALLENGED = 1 << 17;
/** The first retransmission's time is known: `retransmitSinceTick` holds. */
export const RETRANSMITTED = 1 << 18;
/** A timeout was put off while a window stays closed: `persistSinceTick` holds. */
export const PROBING = 1 << 19;
/** The engine's timer of the connection is armed: `dueTick` holds. */
export const ARMED = 1 << 20;
/** The next segment confirms the neighbour that it goes to (Linux's sk_dst_pending_confirm). */
export const NEIGHBOUR_CONFIRMED = 1 << 31;
/** The user answers what comes: ACKs can go with the answers (Linux's ping-pong mode). */
export const PING_PONG = 1 << 21;
/** The shifts of both windows stand in `flags` too, as they are of four bits (RFC 7323 2.3). */
const SND_SCALE_SHIFT = 22;
const RCV_SCALE_SHIFT = 26;
const SCALE_MASK = 0xf;
/** The connection was opened from this host, and holds its local port. */
export const ACTIVE = 1 << 30;

/** Bits of `news`: what the user is to be told. */
export const READABLE = 1 << 0;
export const WRITABLE = 1 << 1;
export const CONNECTED = 1 << 2;
/** The connection has ended: by `error`, or closed by the peer. */
export const ENDED = 1 << 3;

/** A piece that came before what precedes it. */
export interface Fragment {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly withFin: boolean;
}

/** The part of a connection's state that is needed only after trouble. Almost all of 100,000 connections do without. */
class Trouble {
  recovery: Recovery = 'open';
  /** Number of times that the RTO was doubled. */
  backoff = 0;
  fragments: Fragment[] | undefined = undefined;
  /** Timeouts in a row without an acknowledgement. */
  timeouts = 0;
  /** Unanswered probes of either kind. */
  probesOut = 0;
  dupAcks = 0;
  /** Recovery ends when this is acknowledged. */
  recover = 0;
  /** Sequence number up to which the retransmissions of a loss have come. */
  retransmitNxt = 0;
  /** Start and end of the range that was sent more than once; equal: no such range. */
  resentFrom = 0;
  resentNxt = 0;
  /** The tail loss probe that is out was the last segment again (Linux's tlp_retrans), and not a new one. */
  isProbeResent = false;
  /** Start of the segment that was sent again as the probe. */
  probeFrom = 0;
  /** State before the recovery, which is restored if nothing was lost (undo.ts); 0: there is nothing to restore. */
  undoCwnd = 0;
  undoSsthresh = 0;
  /** Sequence number that was acknowledged when the recovery began. */
  undoFrom = 0;
  /** Retransmissions of the recovery of which the peer has not said that both have arrived; -1: none was sent. */
  undoCount = -1;
  /** Timestamp of the recovery's first retransmission; 0: none was sent. */
  firstResentStamp = 0;
  /** True while a timeout may still turn out to be spurious by F-RTO (RFC 5682). */
  isForwardRto = false;
  /** End of what had been sent only once before that timeout. */
  sentOnceTo = 0;
  /** Start and end of data that has arrived twice, which the next segment tells (RFC 2883); equal: no such data. */
  duplicateFrom = 0;
  duplicateTo = 0;
  retransmitSinceTick = 0;
  /** Tick at which the oldest segment in flight was last sent, after a timeout. */
  resentTick = 0;
  persistSinceTick = 0;
  lastChallengeTick = 0;
  /** Tick at which retransmission stopped, although data is unacknowledged (profile.ts, waitMaxMs). */
  stoppedSinceTick = 0;
  /** True if so little room is left that the window is closed until all was read (profile.ts, windowUpdate). */
  isLowWater = false;
  /** Tick at which the last keepalive probe was sent, for stacks that need it (profile.ts, looks). */
  lastProbeTick = 0;
  /** Last ICMP error, which a timeout then reports (RFC 1122 4.2.3.9). */
  softError: Errno | undefined = undefined;
  /** Error with which the connection ended. */
  error: Errno | undefined = undefined;
}

const NO_TROUBLE: Readonly<Trouble> = new Trouble();

/** Options that few users set: SO_KEEPALIVE with its times, and TCP_USER_TIMEOUT. */
class SocketOptions {
  keepAlive: KeepAlive | undefined = undefined;
  /** Tick at which the keepalive timer fires. */
  keepAliveTick = 0;
  userTimeoutMs = 0;
}

const NO_SOCKET_OPTIONS: Readonly<SocketOptions> = new SocketOptions();

/** The segments in flight, where there is more than one. */
interface Segments {
  readonly ends: number[];
  /** Ticks at which they were sent, until one is retransmitted; for stacks that have tail loss probes. */
  readonly sentTicks: number[] | undefined;
}

/**
 * The fields in the order of their use: what every segment needs lies together. A field takes 8 bytes, and there are
 * two connections for each of 100,000 devices: so what few connections need is in objects that are made when they need
 * it, and small numbers share a field.
 */
export class Tcb implements Waiter {
  readonly stack: TcpStack;
  state: TcpState = 'CLOSED';
  flags = 0;
  news = 0;
  readonly remoteAddress: number;
  /** Both in one number, the local one high. */
  readonly #ports: number;
  /** @internal The stack's list of connections. */
  next: Tcb | undefined = undefined;
  /** User of the connection, who is told of its events. */
  user: TcbUser | undefined = undefined;
  /** @internal The engine's timer (stack-clock.ts), and the tick it is armed for. */
  timerHandle = -1;
  dueTick = 0;

  // ---- sending ----

  sndUna = 0;
  sndNxt = 0;
  sndWnd = 0;
  /** Both sizes of segments, of 16 bits each (RFC 9293 3.7.1); that of sent ones high. */
  #mss = 0;
  sndWl1 = 0;
  /** The end of the last segment sent that was smaller than it could be (Minshall's Nagle, Linux's snd_sml). */
  sndSmall = 0;
  /** Congestion window in segments. */
  cwnd = 0;
  /** Bytes from `sndUna` on: first the bytes that were sent and not acknowledged, then those that were not sent. */
  sending: ByteQueue | undefined = undefined;

  // ---- receiving ----

  rcvNxt = 0;
  /** The right edge of the window that the peer was told, and the acknowledgement that went with it. */
  rcvEdge = 0;
  rcvAcked = 0;
  receiving: ByteQueue | undefined = undefined;
  /** The timestamp to echo (RFC 7323 4.3's TS.Recent); 0: the peer sends none. */
  tsRecent = 0;
  /** Tick at which the last data came, and tick at which the last acceptable ACK came. */
  lastDataTick = 0;
  lastAckTick = 0;
  /** Linux's quick ACKs: how many more, and the time to wait. */
  quickAcks = 0;
  ackDelayTicks = 0;
  ackTick = 0;

  // ---- time ----

  timer: SendTimer = 'none';
  timerTick = 0;
  rtoTicks = 0;
  timedSeq = 0;
  timedUs = 0;
  /** Eight times the smoothed round trip, and four times its deviations, as Linux keeps them; 0: never measured. */
  srttUs8 = 0;
  mdevUs4 = 0;
  mdevMaxUs4 = 0;
  rttvarUs4 = 0;
  rttSeq = 0;

  // ---- what is seldom needed ----

  ssthresh = 0x7fff_ffff;
  cwndCount = 0;
  /** The largest window that the peer ever offered. */
  sndWndMax = 0;
  segments: Segments | undefined = undefined;
  #options: SocketOptions | undefined = undefined;
  #trouble: Trouble | undefined = undefined;

  constructor(stack: TcpStack, localPort: number, remoteAddress: number, remotePort: number) {
    this.stack = stack;
    this.remoteAddress = remoteAddress;
    this.#ports = (localPort << 16) | remotePort;
  }

  /** The shift of the window that the peer tells, and of ours (RFC 7323 2.2). */
  get sndScale(): number {
    return (this.flags >> SND_SCALE_SHIFT) & SCALE_MASK;
  }

  get rcvScale(): number {
    return (this.flags >> RCV_SCALE_SHIFT) & SCALE_MASK;
  }

  setScales(snd: number, rcv: number): void {
    this.flags |= (snd << SND_SCALE_SHIFT) | (rcv << RCV_SCALE_SHIFT);
  }

  get localAddress(): number {
    return this.stack.addressOf(this);
  }

  get localPort(): number {
    return this.#ports >>> 16;
  }

  get remotePort(): number {
    return this.#ports & 0xffff;
  }

  get sndMss(): number {
    return this.#mss >>> 16;
  }

  set sndMss(bytes: number) {
    this.#mss = (bytes << 16) | (this.#mss & 0xffff);
  }

  /** Estimated size of the peer's full segments. */
  get rcvMss(): number {
    return this.#mss & 0xffff;
  }

  set rcvMss(bytes: number) {
    this.#mss = (this.#mss & ~0xffff) | bytes;
  }

  /** The ends of the segments in flight, where there is more than one. */
  get segmentEnds(): number[] | undefined {
    return this.segments?.ends;
  }

  /** Ticks at which those segments were sent, where all were sent once; for stacks that have tail loss probes. */
  get sentTicks(): number[] | undefined {
    return this.segments?.sentTicks;
  }

  get keepAlive(): KeepAlive | undefined {
    return this.#options?.keepAlive;
  }

  set keepAlive(keepAlive: KeepAlive | undefined) {
    if (keepAlive !== this.keepAlive) this.socketOptions().keepAlive = keepAlive;
  }

  get keepAliveTick(): number {
    return (this.#options ?? NO_SOCKET_OPTIONS).keepAliveTick;
  }

  set keepAliveTick(tick: number) {
    this.socketOptions().keepAliveTick = tick;
  }

  get userTimeoutMs(): number {
    return (this.#options ?? NO_SOCKET_OPTIONS).userTimeoutMs;
  }

  set userTimeoutMs(ms: number) {
    this.socketOptions().userTimeoutMs = ms;
  }

  private socketOptions(): SocketOptions {
    return (this.#options ??= new SocketOptions());
  }

  get recovery(): Recovery {
    return this.trouble.recovery;
  }

  set recovery(recovery: Recovery) {
    if (recovery !== this.recovery) this.inTrouble().recovery = recovery;
  }

  get backoff(): number {
    return this.trouble.backoff;
  }

  set backoff(doublings: number) {
    if (doublings !== this.backoff) this.inTrouble().backoff = doublings;
  }

  get fragments(): Fragment[] | undefined {
    return this.trouble.fragments;
  }

  set fragments(fragments: Fragment[] | undefined) {
    if (fragments !== this.fragments) this.inTrouble().fragments = fragments;
  }

  /** The trouble of the connection, to be read; the initial values if there was no trouble. */
  get trouble(): Readonly<Trouble> {
    return this.#trouble ?? NO_TROUBLE;
  }

  /** The trouble of the connection, to be written. */
  inTrouble(): Trouble {
    return (this.#trouble ??= new Trouble());
  }

  /** A recovery has ended well. It drops the trouble, except the state that did not begin with the recovery. */
  endTrouble(): void {
    if ((this.flags & (CHALLENGED | RETRANSMITTED | PROBING | PROBE_OUT)) !== 0 || this.trouble.isLowWater) return;
    if (this.trouble.resentFrom !== this.trouble.resentNxt) return;
    const { fragments, backoff } = this.trouble;
    this.#trouble = undefined;
    this.fragments = fragments;
    this.backoff = backoff;
  }

  /** Number of bytes that wait to be sent for the first time. */
  get unsentBytes(): number {
    const queued = this.sending?.length ?? 0;
    return queued - Math.min(queued, ((this.sndNxt - this.sndUna) | 0));
  }

  fire(): void {
    this.stack.timeout(this);
  }

  describe(): string {
    const local = `${formatAddress(this.localAddress)}:${this.localPort}`;
    return `the connection ${local} - ${formatAddress(this.remoteAddress)}:${this.remotePort}`;
  }

  /** Segments in flight. */
  get packetsOut(): number {
    if (this.sndNxt === this.sndUna) return 0;
    return this.segmentEnds?.length ?? 1;
  }
}

/** The user of a connection: a socket, or the listener until the connection is accepted. */
export interface TcbUser {
  /** There is `news`. Called when the connection has finished what it was at. */
  tell(tcb: Tcb): void;
  /** Nobody can take one more connection at the moment: its handshake cannot end. Not there: somebody can. */
  readonly isFull?: boolean;
  /** The program it belongs to is gone: it is closed. */
  abandon(tcb: Tcb): void;
}

/** Milliseconds in ticks, rounded up as Linux's msecs_to_jiffies does. */
export function msToTicks({ profile }: TcpStack, ms: number): number {
  return Math.ceil((ms * 1000) / profile.tickUs) | 0;
}

/** Microseconds in ticks, rounded up. */
export function usToTicks({ profile }: TcpStack, us: number): number {
  return Math.ceil(us / profile.tickUs) | 0;
}

/** Returns the time since a tick, in ticks. */
export function ticksSince({ clock }: TcpStack, tick: number): number {
  return (clock.nowTick - tick) | 0;
}

/** Sets the timer of sending. */
export function setTimer(tcb: Tcb, timer: Exclude<SendTimer, 'none'>, delayTicks: number): void {
  tcb.timer = timer;
  tcb.timerTick = tcb.stack.clock.expiry(delayTicks, 'send');
}

/** Sets it for the first time, when SYN goes out. */
export function setSynTimer(tcb: Tcb, delayTicks: number): void {
  tcb.timer = 'retransmit';
  tcb.timerTick = tcb.stack.clock.expiry(delayTicks, 'other');
}

/**
 * Returns the time since data or an ACK last came. The difference is unsigned, as in Linux's keepalive_time_elapsed: if
 * only ACKs come, data can be longer ago than a signed difference can hold, which for the W5500's ticks is 60 hours.
 */
export function silentTicks(tcb: Tcb): number {
  return Math.min(ticksSince(tcb.stack, tcb.lastDataTick) >>> 0, ticksSince(tcb.stack, tcb.lastAckTick) >>> 0);
}

/** Returns the part of a state's time that is over when the state begins. */
function elapsedTicks({ stack, flags, lastDataTick }: Tcb): number {
  // lwIP's pcb->tmr, which stands still once the user has closed (calls.ts).
  const isSinceArrival = stack.profile.closedSince === 'last-arrival' && (flags & ORPHAN) !== 0;
  return isSinceArrival ? ticksSince(stack, lastDataTick) >>> 0 : 0;
}

function setStateTimer(tcb: Tcb, timer: 'fin-wait-2' | 'time-wait', ms: number): void {
  setTimer(tcb, timer, Math.max(msToTicks(tcb.stack, ms) - elapsedTicks(tcb), 0));
}

/** Returns whether the connection can still receive: the peer has not finished. */
export function canReceive({ state }: Tcb): boolean {
  return state === 'ESTABLISHED' || state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2';
}

/**
 * Returns the tick since which the sent segment at `seq` waits in the host for an ARP answer; undefined if it does not
 * wait.
 */
export function heldSinceTick({ stack, remoteAddress, remotePort, localPort }: Tcb, seq: number): number | undefined {
  return stack.neighbours?.heldSinceTick(remoteAddress, remotePort, localPort, seq);
}

/** Confirms that packets sent to the peer arrive there (Linux's sk_dst_confirm). */
export function confirmNeighbour(tcb: Tcb): void {
  if (tcb.stack.neighbours !== undefined) tcb.flags |= NEIGHBOUR_CONFIRMED;
}

/** The end of it: nothing runs any more, and the user is told. */
export function done(tcb: Tcb, error: Errno | undefined): void {
  const { queues } = tcb.stack;
  tcb.state = 'CLOSED';
  tcb.timer = 'none';
  tcb.flags &= ~(KEEPALIVE_TIMER | ACK_TIMER | ACK_SCHEDULED);
  if (error !== undefined) tcb.inTrouble().error = error;
  tcb.news |= ENDED;
  // As Linux's tcp_poll: an error makes it writable. Who waits for room after the peer's FIN, which was the last event,
  // learns by this that there will be none.
  if ((tcb.flags & WANTS_ROOM) !== 0) tcb.news |= WRITABLE;
  if (tcb.sending !== undefined) queues.release(tcb.sending);
  tcb.sending = undefined;
  tcb.segments = undefined;
  tcb.fragments = undefined;
}

/** Both have closed: what is still on its way must die before the two ports meet again (RFC 9293 3.6.1). */
export function timeWait(tcb: Tcb): void {
  tcb.state = 'TIME-WAIT';
  setStateTimer(tcb, 'time-wait', tcb.stack.profile.timeWaitMs);
}

/** Limits FIN-WAIT-2 of a closed connection (Linux's tcp_fin_timeout). */
export function waitForFin(tcb: Tcb): void {
  setStateTimer(tcb, 'fin-wait-2', tcb.stack.profile.finWait2Ms);
}
