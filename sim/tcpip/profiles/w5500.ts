/**
 * WIZnet W5500, TCP in hardware: data sheet 1.0.9 with the registers as they are after a reset, and WIZnet's
 * ioLibrary_Driver on top. What the data sheet does not say is marked so.
 */

import type { Profile } from '../profile.ts';

export const W5500: Profile = {
  name: 'w5500',
  // 4.1, RTR: its unit is 100 us.
  tickUs: 100,
  timers: 'tick',

  // 4.2, Sn_TTL: 0x80 after a reset. Of DF the data sheet says nothing, nor of ICMP errors and of first numbers, but
  // that a ping is answered (4.1, MR: ping block).
  timeToLive: 128,
  dontFragment: false,
  icmpErrors: 'ignored',
  initialSequence: 'random',

  // 4.2, Sn_MSSR: 1460 is the default and the most.
  mssBytes: 1460,
  // Not said; no register has a window of more than 16 bits.
  windowScale: -1,
  // Not said.
  halfWindow: 'none',
  // Not said.
  smallWindow: 'half',
  nagle: 'none',
  flightBytesMax: Infinity,
  // 4.2, Sn_TXBUF_SIZE and Sn_RXBUF_SIZE: 2 KB each after a reset.
  sendBufferBytes: 2048,
  receiveBufferBytes: 2048,
  // Not said.
  windowBytesMax: Infinity,
  windowUpdate: { kind: 'doubled' },
  // "Supports 8 independent sockets simultaneously".
  socketsMax: 8,
  // ioLibrary_Driver knows sockets by number: who has none left waits until one is SOCK_CLOSED.
  fullTable: 'fails',
  // The chip has none; ioLibrary_Driver (1d2582a), socket.c: sock_any_port from SOCK_ANY_PORT_NUM on at each start, and
  // again when it comes to 0xFFF0.
  ephemeralPorts: { first: 0xc000, last: 0xffef, order: 'from-first' },
  // A socket number of its own, and the chip does not compare ports.
  portConflicts: 'listeners',

  // A socket that listens becomes the connection (4.2, Sn_CR, LISTEN), so `backlog` of them listen. What a SYN gets for
  // which none does, is not said: as a port where nobody listens.
  backlogExtra: 0,
  handshakesApart: false,
  synCookies: false,
  backlogCounts: 'waiting',
  fullListener: 'reset',

  // Data sheet 4.1, RCR: ARPTO is RTR x 0.1 ms x (RCR + 1).
  arp: { kind: 'w5500', retryMs: 200, retries: 8 },
  // Not checked: without an address ioLibrary's connect gives SOCKERR_IPINVALID.
  noRouteErrno: 'EHOSTUNREACH',
  // Not checked.
  endsOnAddressLoss: false,
  // Not said: SIPR is the source of all that it sends.
  keepsAddress: false,
  answersEmptyProbes: true,

  retransmission: {
    // 4.1, RTR and RCR: RTR 2000 x 100 us, doubled as long as it fits into 16 bits, so 6.4 s; final after RCR = 8
    // retransmissions, which is 31.8 s after the first transmission: TCPTO, with the data sheet's own example.
    rto: 'fixed',
    rtoInitialMs: 200,
    rtoMinMs: 200,
    rtoMaxMs: 6400,
    waitMaxMs: Infinity,
    backoffShifts: undefined,
    giveUp: { by: 'count', retries: 8 },
    lastWaitMs: undefined,
    tailLossProbe: false,
    timestamps: false,
    duplicateSack: false,
    forwardRto: false,
  },

  // 4.1, RCR: SYN, FIN, RST and data alike.
  handshake: {
    synRetries: 8,
    synLinearTimeouts: 0,
    synAckRetries: 8,
    rtoMs: 200,
    lastWaitMs: undefined,
    // Not said, all that follow: RFC 9293, with the time of RTR.
    synReceivedMs: undefined,
    strayAck: 'in-time',
    crossedSyn: 'opens',
    otherSyn: 'challenge',
  },

  // Not said: no congestion control and no fast retransmit are assumed.
  congestion: { control: 'none', initialWindowSegments: 1, dupAckThreshold: Infinity },

  // 4.2, Sn_MR, ND: without "No Delayed ACK" it acknowledges after the time of RTR.
  delayedAck: { kind: 'delay', delayMs: 200 },

  // Not said: as its retransmissions.
  persist: { kind: 'doubling' },
  windowProbe: 'empty',

  keepAlive: {
    // 4.2, Sn_KPALVTR: one number, in units of 5 s; 0, as after a reset, is off.
    support: 'idle',
    unitS: 5,
    defaults: { idle: 5, interval: 5, count: 1 },
    // 4.2, Sn_CR, SEND_KEEP: a "1 byte keep-alive packet".
    garbageByte: true,
    idleSince: 'last-arrival',
    // Sn_KPALVTR: after data was transmitted or received at least once.
    needsData: true,
    idleExtraMs: 0,
    // Sn_CR, SEND_KEEP: without an answer in the timeout (TCPTO), the connection ends with the interrupt TIMEOUT.
    unanswered: 'retransmission',
    looks: undefined,
    // Not said.
    states: 'all',
    // Retransmission comes to the same end sooner.
    waitsForAcks: true,
    // Not said.
    resets: false,
    // Sn_IR, TIMEOUT; ioLibrary_Driver, socket.h: SOCKERR_TIMEOUT.
    errno: 'ETIMEDOUT',
  },

  userTimeout: false,
  // Sn_IR, TIMEOUT.
  timeoutErrno: 'ETIMEDOUT',
  // ioLibrary_Driver, socket.c, connect: SOCKERR_SOCKCLOSED where Sn_SR is SOCK_CLOSED without TIMEOUT; send and recv:
  // SOCKERR_SOCKSTATUS. Only RST does that.
  refusedErrno: 'ECONNREFUSED',
  refusedAfterMs: 0,
  resetErrno: 'ECONNRESET',
  resetAfterFinErrno: 'ECONNRESET',
  // 4.2, Sn_CR, DISCON: after a RST it is "unconditionally" closed.
  challengeAcks: false,
  synInConnection: 'window',
  challengeAckIntervalMs: 0,
  // Not said.
  resetsStrayAcks: true,
  // Data sheet 4.2, Sn_CR: CLOSE sends nothing (DISCON sends FIN).
  canReset: false,
  // 4.2, Sn_CR, DISCON: sends FIN.
  resetsOnUnreadClose: false,
  // Not said.
  fin: 'linux',
  // 4.2, Sn_SR: SOCK_TIME_WAIT is passed through; after the exchange of FINs it is SOCK_CLOSED.
  timeWaitMs: 0,
  timeWaitSyn: 'reopens',
  timeWaitRst: 'ends',
  // 4.2, Sn_CR, DISCON: without the peer's FIN it ends with TIMEOUT, after TCPTO.
  finWait2Ms: 31_800,
  lastAckMs: undefined,
  closedSince: 'state',
  // RCR, for all.
  orphanMs: undefined,
};
