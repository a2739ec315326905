/**
 * What TCP/IP stacks differ in. A profile is data: its numbers stand in profiles/, one file a stack, each with its
 * source. A new stack is a new file there; a difference that none of these fields can tell is a new field here.
 */

import type { Errno } from '../../hal/errno.ts';
import type { KeepAlive, KeepAliveSupport } from '../../hal/network.ts';

export const PROFILE_NAMES = ['linux', 'lwip', 'w5500', 'freertos-tcp'] as const;

export type ProfileName = (typeof PROFILE_NAMES)[number];

export interface Profile {
  /** For people; a profile of your own has one of its own. */
  readonly name: string;
  /** The stack's clock: its timers are set and fire in whole ticks. A divisor of 1 s. */
  readonly tickUs: number;
  /**
   * `wheel`: as Linux's timer wheel, the coarser the farther ahead (timer-wheel.ts). `tick`: at the first tick that is
   * not early. `slow-tick`: lwIP: every second tick counts, the next one first, so that a timer may fire up to two
   * ticks early.
   */
  readonly timers: 'wheel' | 'tick' | 'slow-tick';

  /** Of the packets that it sends (RFC 791 3.1). */
  readonly timeToLive: number;
  /** Routers must not cut its packets into fragments, and say so where they would have to. */
  readonly dontFragment: boolean;
  /**
   * What TCP makes of ICMP errors (RFC 1122 4.2.3.9). `ignored`: nothing. `linux`: by type and code: the path MTU, the
   * end of a connection that is opening, or a reason to be told with a time-out.
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
   * What a window gets that is smaller than the next segment: a part of it, when half of the largest window there was
   * is open (RFC 9293 3.8.6.2.1); or nothing, but for the override time-out.
   */
  readonly smallWindow: 'half' | 'nothing';
  /**
   * What a small segment waits for, unless TCP_NODELAY is set: `minshall`: that a small one is acknowledged; `nagle`:
   * that all is (RFC 9293 3.7.4); `none`: nothing.
   */
  readonly nagle: 'minshall' | 'nagle' | 'none';
  /** So much is in flight at most, but for one segment, whatever the peer's window is. */
  readonly flightBytesMax: number;
  readonly sendBufferBytes: number;
  readonly receiveBufferBytes: number;
  /** So much of it is offered at most. */
  readonly windowBytesMax: number;
  readonly windowUpdate: WindowUpdate;
  /** TCP sockets it has; Infinity: as many as memory. */
  readonly socketsMax: number;
  /**
   * What happens to one socket more than `socketsMax`. `fails`: it is not to be had. `lwip`: the one that was silent
   * longest goes, of those in TIME-WAIT, or else in LAST-ACK, or else in CLOSING; else it is not to be had.
   */
  readonly fullTable: 'fails' | 'lwip';
  /**
   * `from-random`: one after the other, from a random one at power-on. `from-first`: from the first at each power-on.
   * `random`: each is drawn.
   */
  readonly ephemeralPorts: {
    readonly first: number;
    readonly last: number;
    readonly order: 'from-random' | 'from-first' | 'random';
  };

  /** So many connections more than `backlog` says wait to be accepted, those in their handshakes among them. */
  readonly backlogExtra: 0 | 1;
  /**
   * Handshakes are counted apart from who waits to be accepted, and the ACK that ends one while too many wait is not
   * heard (Linux).
   */
  readonly handshakesApart: boolean;
  /** Where they are: a SYN beyond as many is answered by a cookie, and not dropped. */
  readonly synCookies: boolean;
  /** What `backlog` counts: who waits to be accepted; or all connections of the listener, as long as they last. */
  readonly backlogCounts: 'waiting' | 'all';
  /** What a SYN gets for which the listener has no room. */
  readonly fullListener: 'silence' | 'reset';

  /** How it finds others on its local network, where that has ARP. */
  readonly arp: ArpProfile;
  /** What a connect gives at once that finds no way to its destination, as the interface is down or has no address. */
  readonly noRouteErrno: Errno;
  /** Connections end with the address that they have on this side, both ends by a reset. */
  readonly endsOnAddressLoss: boolean;
  /** Connections stay with the address that they began with; where not, they go on from the one that the host has now. */
  readonly keepsAddress: boolean;
  /**
   * It answers a segment below its window that has no data, as keepalive and window probes are (RFC 1122 4.2.3.6:
   * "Unfortunately, some misbehaved TCP implementations fail to").
   */
  readonly answersEmptyProbes: boolean;

  readonly retransmission: Retransmission;
  readonly handshake: Handshake;
  readonly congestion: Congestion;
  readonly delayedAck: DelayedAck;
  readonly persist: Persist;
  /**
   * What asks for a closed window. `empty`: an old number, which the peer must answer. `byte`: the first byte that
   * waits, or the FIN.
   */
  readonly windowProbe: 'empty' | 'byte';
  readonly keepAlive: KeepAliveProfile;

  /** TCP_USER_TIMEOUT can be set. */
  readonly userTimeout: boolean;
  /**
   * What a connection ends with, as the stack's own sockets tell it, in POSIX's words; the stack's own name stands in
   * its profile. When nobody answers, and when a connect gets no answer:
   */
  readonly timeoutErrno: Errno;
  /** When a connect is answered by RST; and how much later the user hears of it. */
  readonly refusedErrno: Errno;
  readonly refusedAfterMs: number;
  /** When RST comes; and when it comes after the peer's FIN. */
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
  /** close() with received data unread sends RST (RFC 2525 2.17), and not FIN. */
  readonly resetsOnUnreadClose: boolean;
  /**
   * When FIN goes out, and whether it goes out again. `linux`: with the last data, and again as data does.
   * `freertos-tcp`: when all data is acknowledged; not again but as the answer to the peer's; and the peer's FIN is
   * answered by FIN at once, whatever the user still wants to send.
   */
  readonly fin: 'linux' | 'freertos-tcp';
  readonly timeWaitMs: number;
  /**
   * What TIME-WAIT makes of SYN. `reopens`: a newer one may follow it (RFC 6191). `lwip`: one in the window is answered
   * by RST, any other by ACK, and TIME-WAIT goes on.
   */
  readonly timeWaitSyn: 'reopens' | 'lwip';
  /** What it makes of RST (RFC 1337). */
  readonly timeWaitRst: 'ends' | 'ignored';
  /** How long a closed socket waits for the peer's FIN. */
  readonly finWait2Ms: number;
  /** How long a socket waits for the acknowledgement of its FIN after the peer's; undefined: as `giveUp` has it. */
  readonly lastAckMs: number | undefined;
  /**
   * From when on the times of a socket count that the user has closed: when its state began, or when something came
   * last before it was closed.
   */
  readonly closedSince: 'state' | 'last-arrival';
  /**
   * A closed socket whose last data or FIN nobody acknowledges is given up at the first time-out so long after the
   * first retransmission; undefined: as `giveUp` has it.
   */
  readonly orphanMs: number | undefined;
}

/** Each stack has rules of its own: arp/. */
export type ArpProfile = LinuxArp | LwipArp | FreeRtosTcpArp | W5500Arp;

export interface LinuxArp {
  readonly kind: 'linux';
  /** An entry is believed for half of that to one and a half, drawn at random. */
  readonly baseReachableMs: number;
  /** How long one that is in use again waits for TCP to confirm it, before it is asked. */
  readonly delayFirstProbeMs: number;
  readonly retransMs: number;
  /** How often somebody is asked who was known, and who was not. */
  readonly unicastProbes: number;
  readonly multicastProbes: number;
  /** So many packets wait for one answer; the oldest has to go. */
  readonly queuePackets: number;
  readonly tableMax: number;
}

export interface LwipArp {
  readonly kind: 'lwip';
  readonly tableSize: number;
  readonly maxAgeS: number;
  readonly maxPendingS: number;
  /** So often a time-out looks whether the segment has left the host. */
  readonly retryMs: number;
}

export interface FreeRtosTcpArp {
  readonly kind: 'freertos-tcp';
  readonly cacheEntries: number;
  /** In calls of the timer, every 10 s; and how many for one that does not answer. */
  readonly maxAge: number;
  readonly retransmissionsMax: number;
  /** So often a connect looks whether its neighbour is known. */
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
   * `measured`: RFC 6298 from round trips. `slow-ticks`: the same in whole ticks (lwIP). `smoothed`: twice the smoothed
   * round trip, in ms, which begins as `rtoInitialMs` says (FreeRTOS+TCP). `fixed`: always from `rtoInitialMs`.
   */
  readonly rto: 'measured' | 'slow-ticks' | 'smoothed' | 'fixed';
  /** Before the first measurement (RFC 6298 2.1). */
  readonly rtoInitialMs: number;
  readonly rtoMinMs: number;
  readonly rtoMaxMs: number;
  /**
   * A time-out that is farther away than so much does not come: without keepalive nothing is sent again until the user
   * sends something. Infinity: there is no such limit.
   */
  readonly waitMaxMs: number;
  /**
   * After time-out n, from 0, it waits RTO << shifts[n], the last one for all that follow; undefined: it doubles up to
   * `rtoMaxMs`.
   */
  readonly backoffShifts: readonly number[] | undefined;
  /**
   * When to give up. `elapsed`: Linux: at the first time-out so long after the first retransmission as `retries`
   * doublings of the smallest RTO take. `count`: when a time-out comes after so many retransmissions.
   */
  readonly giveUp: { readonly by: 'elapsed' | 'count'; readonly retries: number };
  /**
   * Where `giveUp` is by `count`: so long after the last retransmission; undefined: when its time-out comes, as all
   * before.
   */
  readonly lastWaitMs: number | undefined;
  /** RFC 8985 7: the tail loss probe. */
  readonly tailLossProbe: boolean;
  /**
   * RFC 7323's timestamps tell a segment from its retransmission, so that both measure (the option itself is not sent).
   */
  readonly timestamps: boolean;
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
  /** So long after the last SYN a connect gives up; undefined: when its time-out comes, as all before. */
  readonly lastWaitMs: number | undefined;
  /** So long after the last SYN came a handshake is given up that the peer began; undefined: after `synAckRetries`. */
  readonly synReceivedMs: number | undefined;
  /**
   * What a connect makes of a segment that acknowledges something else, as of an old connection: RST in answer, and
   * SYN again, soon (`linux`: after two jiffies; `at-once`; `in-time`: when its time-out comes); `gives-up`: no SYN.
   */
  readonly strayAck: 'linux' | 'at-once' | 'in-time' | 'gives-up';
  /** What a connect makes of a SYN (RFC 9293 3.5, figure 7). */
  readonly crossedSyn: 'opens' | 'ignored' | 'gives-up';
  /**
   * What a handshake that the peer began makes of a SYN with another number: `challenge`: an ACK. `ignored`: nothing.
   * `taken`: it begins anew with that.
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
 * When the peer learns that the user has read. `doubled`: when the window can be twice what it was told, and half of
 * the buffer (Linux). `edge`: when its edge can move by such a share of the buffer. `emptied`: when no more than a
 * share of the buffer is free, the window is closed, and it is opened when all was read; any other growth goes with
 * what is sent anyway.
 */
export type WindowUpdate =
  | { readonly kind: 'doubled' }
  | { readonly kind: 'edge'; readonly share: number }
  | { readonly kind: 'emptied'; readonly littleShare: number };

/**
 * How a closed window is probed. `none`: not at all. `doubling`: from the RTO, up to `rtoMaxMs` and the retries of
 * `giveUp`.
 */
export type Persist =
  | { readonly kind: 'none' }
  | { readonly kind: 'doubling' }
  /** The n-th probe comes `intervalsMs[n]` after the one before, the last one for all that follow. */
  | { readonly kind: 'table'; readonly intervalsMs: readonly number[]; readonly probesMax: number };

export interface KeepAliveProfile {
  /** What of `KeepAlive` a socket can set. `idle`: one number, that is the interval too. */
  readonly support: KeepAliveSupport;
  /** Times are rounded up to whole units of so much. */
  readonly unitS: number;
  /** Where not set otherwise. */
  readonly defaults: KeepAlive;
  /** A probe carries one byte of garbage (RFC 1122 4.2.3.6), and not none. */
  readonly garbageByte: boolean;
  /**
   * When `idle` begins where keepalive is switched on late: then, or when something came last. New times of one that is
   * on count from when something came last everywhere.
   */
  readonly idleSince: 'switched-on' | 'last-arrival';
  /** Works only after data was exchanged. */
  readonly needsData: boolean;
  /** The first probe comes so much after `idle` is over. */
  readonly idleExtraMs: number;
  /**
   * After a probe without an answer: `probe`: the next one after `interval`, `count` of them. `retransmission`: it is
   * sent again as data would be, and given up as data would be; `interval` and `count` mean nothing. `looks`: as
   * `looks` has it.
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
  /** In which states it works: in all after the handshake; while data can be sent; in ESTABLISHED alone. */
  readonly states: 'all' | 'open' | 'established';
  /** While sent data is unacknowledged there are no probes (RFC 1122 4.2.3.6). */
  readonly waitsForAcks: boolean;
  /** Who gives up tells the peer, by RST. */
  readonly resets: boolean;
  /** What a connection ends with when keepalive gives up. */
  readonly errno: Errno;
}
