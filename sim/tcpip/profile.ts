/**
 * The differences between TCP/IP stacks. A profile is data: its numbers are in profiles/, one file for each stack, each
 * with its source. A new stack is a new file there; a difference that these fields cannot express is a new field here.
 */

import type { Errno } from '../../hal/errno.ts';
import type { KeepAlive, KeepAliveSupport } from '../../hal/network.ts';

export const PROFILE_NAMES = ['linux', 'lwip', 'w5500', 'freertos-tcp'] as const;

export type ProfileName = (typeof PROFILE_NAMES)[number];

export interface Profile {
  /** Name for people; a profile of your own has a name of its own. */
  readonly name: string;
  /** The stack's clock: its timers are set and fire in whole ticks. A divisor of 1 s. */
  readonly tickUs: number;
  /**
   * `wheel`: as Linux's timer wheel, the coarser the farther ahead (timer-wheel.ts). `tick`: at the first tick that is
   * not early. `slow-tick`: lwIP: every second tick counts, the next one first, so that a timer may fire up to two
   * ticks early.
   */
  readonly timers: 'wheel' | 'tick' | 'slow-tick';

  /** Time to live of sent packets (RFC 791 3.1). */
  readonly timeToLive: number;
  /** Routers must not cut its packets into fragments, and say so where they would have to. */
  readonly dontFragment: boolean;
  /**
   * Treatment of ICMP errors by TCP (RFC 1122 4.2.3.9). `ignored`: no effect. `linux`: the effect depends on type and
   * code: a new path MTU, the end of a connection that is opening, or a reason that a timeout reports.
   */
  readonly icmpErrors: 'ignored' | 'linux';
  /**
   * The first sequence number. `clock-and-hash`: RFC 6528. `ticks`: lwIP's: each adds the ticks of its slow timer since
   * power-on to the last one. `random`: as FreeRTOS+TCP wants it from the application.
   */
  readonly initialSequence: 'clock-and-hash' | 'ticks' | 'random';

  /** The largest segment it takes and, until the peer says less, sends. */
  readonly mssBytes: number;
  /** The shift of its window scale option (RFC 7323); -1: it sends none. */
  readonly windowScale: number;
  /**
   * Segments are no longer than half of the largest window that the peer has ever offered, so that a small window is
   * not filled by one. `linux`: unless the window is so small that it is one segment anyway. `lwip`: always.
   */
  readonly halfWindow: 'linux' | 'lwip' | 'none';
  /**
   * Use of a window that is smaller than the next segment. `half`: a part of the segment is sent if half of the largest
   * window so far is open (RFC 9293 3.8.6.2.1). `nothing`: nothing is sent before the override timeout.
   */
  readonly smallWindow: 'half' | 'nothing';
  /**
   * Condition for which a small segment waits, unless TCP_NODELAY is set. `minshall`: the previous small segment is
   * acknowledged. `nagle`: all data is acknowledged (RFC 9293 3.7.4). `none`: a small segment does not wait.
   */
  readonly nagle: 'minshall' | 'nagle' | 'none';
  /** Most bytes in flight, up to one segment more, with any window of the peer. */
  readonly flightBytesMax: number;
  readonly sendBufferBytes: number;
  readonly receiveBufferBytes: number;
  /** Largest window that is offered. */
  readonly windowBytesMax: number;
  readonly windowUpdate: WindowUpdate;
  /** TCP sockets it has; Infinity: as many as memory. */
  readonly socketsMax: number;
  /**
   * Behaviour when a socket more than `socketsMax` is wanted. `fails`: the call fails. `lwip`: the connection that was
   * silent longest is dropped, first of those in TIME-WAIT, else in LAST-ACK, else in CLOSING; if there is no such
   * connection, the call fails. `lwip-low-priority`: the same, and at last one of those that the peers have opened is
   * reset, as where the program gives them TCP_PRIO_MIN.
   */
  readonly fullTable: 'fails' | 'lwip' | 'lwip-low-priority';
  /**
   * `from-random`: one after the other, from a random one at power-on. `from-first`: from the first at each power-on.
   * `random`: each is drawn.
   */
  readonly ephemeralPorts: {
    readonly first: number;
    readonly last: number;
    readonly order: 'from-random' | 'from-first' | 'random';
  };

  /**
   * Sockets that keep a new listener from their port. `listeners`: those that listen, and connections that were opened
   * from there. `all`: all connections of that port too, in TIME-WAIT as well.
   */
  readonly portConflicts: 'listeners' | 'all';

  /** Number of connections beyond `backlog` that may wait to be accepted, including those in their handshakes. */
  readonly backlogExtra: 0 | 1;
  /**
   * Handshakes are counted apart from who waits to be accepted, and the ACK that ends one while too many wait is not
   * heard (Linux).
   */
  readonly handshakesApart: boolean;
  /** True if a SYN beyond this number of connections is answered by a cookie, and not dropped. */
  readonly synCookies: boolean;
  /**
   * Connections that `backlog` counts: those that wait to be accepted; or all connections of the listener, until they
   * end.
   */
  readonly backlogCounts: 'waiting' | 'all';
  /** Answer to a SYN for which the listener has no room. */
  readonly fullListener: 'silence' | 'reset';

  /** Rules by which the stack finds hosts on its local network, if that network has ARP. */
  readonly arp: ArpProfile;
  /**
   * Error that a connect returns at once if there is no route to its destination, since the interface is down or has no
   * address.
   */
  readonly noRouteErrno: Errno;
  /** Connections end with the address that they have on this side, both ends by a reset. */
  readonly endsOnAddressLoss: boolean;
  /**
   * Connections stay with the address that they began with; where not, they go on from the one that the host has now.
   */
  readonly keepsAddress: boolean;
  /**
   * True if the stack answers a segment below its window that has no data, as keepalive and window probes are (RFC 1122
   * 4.2.3.6: "Unfortunately, some misbehaved TCP implementations fail to").
   */
  readonly answersEmptyProbes: boolean;

  readonly retransmission: Retransmission;
  readonly handshake: Handshake;
  readonly congestion: Congestion;
  readonly delayedAck: DelayedAck;
  readonly persist: Persist;
  /**
   * Probe of a closed window. `empty`: an old sequence number, which the peer must answer. `byte`: the first waiting
   * byte, or the FIN.
   */
  readonly windowProbe: 'empty' | 'byte';
  readonly keepAlive: KeepAliveProfile;

  /** TCP_USER_TIMEOUT can be set. */
  readonly userTimeout: boolean;
  /**
   * Error of a connection when nobody answers, and of a connect without an answer. This and the next errors are as the
   * stack's own sockets report them, in POSIX's words; the stack's own name is in its profile.
   */
  readonly timeoutErrno: Errno;
  /** Error of a connect that is answered by RST; and the delay until the user learns of it. */
  readonly refusedErrno: Errno;
  readonly refusedAfterMs: number;
  /** Error of a connection on RST; and on RST after the peer's FIN. */
  readonly resetErrno: Errno;
  readonly resetAfterFinErrno: Errno;
  /** RFC 5961: challenge ACKs. Where not, RST anywhere in the window and SYN in the window reset, as RFC 793 has it. */
  readonly challengeAcks: boolean;
  /**
   * A SYN for a connection that exists, as of a peer that has rebooted and takes the same port. `challenge`: an ACK
   * (RFC 5961 4.2). `window`: RST if it is in the window, and the end; else an ACK (RFC 793). `ignored`: nothing.
   */
  readonly synInConnection: 'challenge' | 'window' | 'ignored';
  /** A connection answers segments out of its window so often at most; 0: all. */
  readonly challengeAckIntervalMs: number;
  /**
   * A segment with ACK alone for a connection it does not know is answered by RST, as any other one is (RFC 9293
   * 3.5.2). Where not, keepalive does not learn that the device has rebooted, only data with PSH does.
   */
  readonly resetsStrayAcks: boolean;
  /** True if the user can end a connection by RST. Where not, the HAL's `abort` forgets it, and the peer is not told. */
  readonly canReset: boolean;
  /** close() with received data unread sends RST (RFC 2525 2.17), and not FIN. */
  readonly resetsOnUnreadClose: boolean;
  /**
   * Sending and retransmission of FIN. `linux`: FIN is sent with the last data, and retransmitted like data.
   * `freertos-tcp`: FIN is sent when all data is acknowledged, and sent again only in answer to the peer's FIN. The
   * peer's FIN is answered by FIN at once, even if the user still has data to send.
   */
  readonly fin: 'linux' | 'freertos-tcp';
  readonly timeWaitMs: number;
  /**
   * Treatment of SYN in TIME-WAIT. `reopens`: a newer SYN may open a new connection (RFC 6191). `lwip`: a SYN in the
   * window is answered by RST, any other by ACK, and TIME-WAIT goes on.
   */
  readonly timeWaitSyn: 'reopens' | 'lwip';
  /** Treatment of RST in TIME-WAIT (RFC 1337). */
  readonly timeWaitRst: 'ends' | 'ignored';
  /** Time for which a closed socket waits for the peer's FIN. */
  readonly finWait2Ms: number;
  /** Time for which a socket waits for the acknowledgement of its FIN after the peer's; undefined: as `giveUp` says. */
  readonly lastAckMs: number | undefined;
  /**
   * Start of the times of a socket that the user has closed. `state`: the start of its state. `last-arrival`: the last
   * arrival before the close.
   */
  readonly closedSince: 'state' | 'last-arrival';
  /**
   * Time after the first retransmission from which a closed socket whose last data or FIN is not acknowledged is given
   * up, at the next retransmission timeout; undefined: as `giveUp` says.
   */
  readonly orphanMs: number | undefined;
}

/** Each stack has rules of its own: arp/. */
export type ArpProfile = LinuxArp | LwipArp | FreeRtosTcpArp | W5500Arp;

export interface LinuxArp {
  readonly kind: 'linux';
  /** An entry is believed for half of that to one and a half, drawn at random. */
  readonly baseReachableMs: number;
  /** Time for which an entry that is in use again waits for confirmation by TCP, before its host is probed. */
  readonly delayFirstProbeMs: number;
  readonly retransMs: number;
  /** Number of requests to a host that was known, and to a host that was not. */
  readonly unicastProbes: number;
  readonly multicastProbes: number;
  /** Number of packets that wait for one answer; a further packet replaces the oldest. */
  readonly queuePackets: number;
  readonly tableMax: number;
}

export interface LwipArp {
  readonly kind: 'lwip';
  readonly tableSize: number;
  readonly maxAgeS: number;
  readonly maxPendingS: number;
  /** Interval at which a timeout checks whether the segment has left the host. */
  readonly retryMs: number;
}

export interface FreeRtosTcpArp {
  readonly kind: 'freertos-tcp';
  readonly cacheEntries: number;
  /** Largest age in calls of the timer, every 10 s; and the age for a host that does not answer. */
  readonly maxAge: number;
  readonly retransmissionsMax: number;
  /** Interval at which a connect checks whether its neighbour is known. */
  readonly retryMs: number;
}

export interface W5500Arp {
  readonly kind: 'w5500';
  /** RTR and RCR, as for TCP, but without doubling. */
  readonly retryMs: number;
  readonly retries: number;
}

export interface Retransmission {
  /**
   * `measured`: RFC 6298 from round trips. `slow-ticks`: the same in calls of the slow timer (lwIP). `smoothed`: twice
   * the smoothed round trip, in ms, which begins as `rtoInitialMs` says (FreeRTOS+TCP). `fixed`: always from
   * `rtoInitialMs`.
   */
  readonly rto: 'measured' | 'slow-ticks' | 'smoothed' | 'fixed';
  /** Before the first measurement (RFC 6298 2.1). */
  readonly rtoInitialMs: number;
  readonly rtoMinMs: number;
  readonly rtoMaxMs: number;
  /**
   * A timeout that is farther away than so much does not come: without keepalive nothing is sent again until the user
   * sends something. Infinity: there is no such limit.
   */
  readonly waitMaxMs: number;
  /**
   * Shifts for the waiting times: after timeout n, from 0, the stack waits RTO << shifts[n], with the last shift for
   * all that follow; undefined: the time doubles up to `rtoMaxMs`.
   */
  readonly backoffShifts: readonly number[] | undefined;
  /**
   * Limit of retransmission. `elapsed`: Linux: at the first timeout after the time that `retries` doublings of the
   * smallest RTO take, counted from the first retransmission. `count`: at the timeout after this many retransmissions.
   */
  readonly giveUp: { readonly by: 'elapsed' | 'count'; readonly retries: number };
  /**
   * Time from the last retransmission until the stack gives up, if `giveUp` is by `count`; undefined: the usual
   * timeout.
   */
  readonly lastWaitMs: number | undefined;
  /** RFC 8985 7: the tail loss probe. */
  readonly tailLossProbe: boolean;
  /**
   * RFC 7323's timestamps tell a segment from its retransmission, so that both measure, and a spurious retransmission
   * is undone (the option itself is not sent).
   */
  readonly timestamps: boolean;
  /** RFC 2883: the peer learns what has arrived twice, and a spurious retransmission is undone by it. */
  readonly duplicateSack: boolean;
  /** RFC 5682: after a timeout new data is tried, and a spurious timeout is undone where that is acknowledged. */
  readonly forwardRto: boolean;
}

export interface Handshake {
  readonly synRetries: number;
  /**
   * Linux's tcp_syn_linear_timeouts: so many retries at the first interval, before it doubles; they come on top of
   * `synRetries`.
   */
  readonly synLinearTimeouts: number;
  readonly synAckRetries: number;
  /** The first interval. */
  readonly rtoMs: number;
  /** Time from the last SYN until a connect gives up; undefined: the usual timeout. */
  readonly lastWaitMs: number | undefined;
  /**
   * Time from the last arrival of SYN until a handshake that the peer began is given up; undefined: after
   * `synAckRetries`.
   */
  readonly synReceivedMs: number | undefined;
  /**
   * Answer of a connect to a segment that acknowledges something else, as of an old connection. RST in answer, and SYN
   * again soon (`linux`: after two jiffies; `at-once`; `in-time`: at its timeout); `gives-up`: no further SYN.
   */
  readonly strayAck: 'linux' | 'at-once' | 'in-time' | 'gives-up';
  /** Answer of a connect to a SYN (RFC 9293 3.5, figure 7). */
  readonly crossedSyn: 'opens' | 'ignored' | 'gives-up';
  /**
   * Answer of a handshake that the peer began to a SYN with another number. `challenge`: an ACK. `ignored`: no answer.
   * `taken`: the handshake starts again with that number.
   */
  readonly otherSyn: 'challenge' | 'ignored' | 'taken';
}

export interface Congestion {
  /** `newreno`: RFC 5681 and 6582. `none`: the peer's window is all that holds it back. */
  readonly control: 'newreno' | 'none';
  /** RFC 6928. */
  readonly initialWindowSegments: number;
  /** Duplicate ACKs that mean a loss; Infinity: no fast retransmit. */
  readonly dupAckThreshold: number;
}

/**
 * `linux`: quick ACKs, then by the time between segments (40 ms to 200 ms). `timer`: at the next beat of a timer of
 * `delayMs`, or with the second segment. `delay`: `delayMs` after the segment, or with the second. `none`: at once.
 */
export type DelayedAck =
  | { readonly kind: 'linux'; readonly minMs: number; readonly maxMs: number }
  | { readonly kind: 'timer'; readonly delayMs: number }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'none' };

/**
 * Condition on which the peer learns that the user has read. `doubled`: the window can be twice the last advertised
 * window, and half of the buffer (Linux). `edge`: the window's edge can move by this share of the buffer. `emptied`:
 * when no more than a share of the buffer is free, the window is closed, and is opened again when all was read; any
 * other growth goes with the segments that are sent anyway.
 */
export type WindowUpdate =
  | { readonly kind: 'doubled' }
  | { readonly kind: 'edge'; readonly share: number }
  | { readonly kind: 'emptied'; readonly littleShare: number };

/**
 * Probing of a closed window. `none`: no probes. `doubling`: from the RTO, up to `rtoMaxMs` and the retries of
 * `giveUp`.
 */
export type Persist =
  | { readonly kind: 'none' }
  | { readonly kind: 'doubling' }
  /** The n-th probe comes `intervalsMs[n]` after the one before, the last one for all that follow. */
  | { readonly kind: 'table'; readonly intervalsMs: readonly number[]; readonly probesMax: number };

export interface KeepAliveProfile {
  /** Fields of `KeepAlive` that a socket can set. `idle`: one number, which is the interval, too. */
  readonly support: KeepAliveSupport;
  /** Times are rounded up to whole units of so much. */
  readonly unitS: number;
  /** Values of fields that are not set. */
  readonly defaults: KeepAlive;
  /** A probe carries one byte of garbage (RFC 1122 4.2.3.6), and not none. */
  readonly garbageByte: boolean;
  /**
   * Start of `idle` if keepalive is switched on late: `switched-on`: that moment; `last-arrival`: the last arrival. In
   * every stack, new times of a running keepalive count from the last arrival.
   */
  readonly idleSince: 'switched-on' | 'last-arrival';
  /** Works only after data was exchanged. */
  readonly needsData: boolean;
  /** The first probe comes so much after `idle` is over. */
  readonly idleExtraMs: number;
  /**
   * Behaviour after a probe without an answer. `probe`: the next probe after `interval`, `count` of them.
   * `retransmission`: the probe is retransmitted and given up like data; `interval` and `count` have no effect.
   * `looks`: as `looks` says.
   */
  readonly unanswered: 'probe' | 'retransmission' | 'looks';
  /**
   * FreeRTOS+TCP looks at a connection when the user sends, when something is sent again, and else every `everyMs`, but
   * `afterProbeMs` after a probe. A look sends a probe where nothing has come for longer than `idle`, or since the last
   * probe for longer than `againAfterMs`; and gives up where `probes` of them have had no answer.
   */
  readonly looks:
    | {
        readonly everyMs: number;
        readonly afterProbeMs: number;
        readonly againAfterMs: number;
        readonly probes: number;
      }
    | undefined;
  /**
   * States in which keepalive works: all states after the handshake; those in which data can be sent; ESTABLISHED only.
   */
  readonly states: 'all' | 'open' | 'established';
  /** While sent data is unacknowledged there are no probes (RFC 1122 4.2.3.6). */
  readonly waitsForAcks: boolean;
  /** True if the end that gives up sends RST to the peer. */
  readonly resets: boolean;
  /** Error of a connection that keepalive gives up. */
  readonly errno: Errno;
}
