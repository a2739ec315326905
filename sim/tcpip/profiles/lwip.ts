/**
 * lwIP 2.2.1 (STABLE-2_2_1_RELEASE) with the defaults of opt.h, but for what every port to Ethernet sets: the MSS, and
 * LWIP_TCP_KEEPALIVE. Its timers are counts: tcp_fasttmr every 250 ms (TCP_TMR_INTERVAL, priv/tcp_priv.h) sends delayed
 * ACKs, tcp_slowtmr every 500 ms (TCP_SLOW_INTERVAL) does all else. So a retransmission comes up to 500 ms earlier than
 * its RTO says, and a first keepalive probe up to 500 ms later than its idle time; what follows either comes in whole
 * 500 ms.
 */

import type { Profile } from '../profile.ts';

export const LWIP: Profile = {
  name: 'lwip',
  tickUs: 250_000,
  timers: 'slow-tick',

  // opt.h: TCP_TTL is IP_DEFAULT_TTL, 255; ip4.c, ip4_output_if_opt: IPH_OFFSET_SET(iphdr, 0).
  timeToLive: 255,
  dontFragment: false,
  // icmp.c, icmp_input: of what is no echo nothing comes to TCP.
  icmpErrors: 'ignored',
  // tcp.c, tcp_next_iss, without LWIP_HOOK_TCP_ISN.
  initialSequence: 'ticks',

  // opt.h: TCP_MSS is 536, "conservative"; ports to Ethernet set 1460.
  mssBytes: 1460,
  // opt.h: LWIP_WND_SCALE 0.
  windowScale: -1,
  // tcp_out.c, tcp_write: mss_local.
  halfWindow: 'lwip',
  // tcp_out.c, tcp_output: a segment goes where all of it fits; priv/tcp_priv.h: tcp_do_output_nagle.
  smallWindow: 'nothing',
  nagle: 'nagle',
  flightBytesMax: Infinity,
  // opt.h: TCP_SND_BUF is 2 * TCP_MSS, TCP_WND 4 * TCP_MSS.
  sendBufferBytes: 2 * 1460,
  receiveBufferBytes: 4 * 1460,
  // tcp.c, tcp_recved: TCP_WND_UPDATE_THRESHOLD, opt.h: a quarter of TCP_WND.
  windowBytesMax: Infinity,
  windowUpdate: { kind: 'edge', share: 1 / 4 },
  // opt.h: MEMP_NUM_TCP_PCB.
  socketsMax: 5,
  // tcp.c, tcp_alloc: tcp_kill_timewait, tcp_kill_state; tcp_kill_prio finds none, as all have TCP_PRIO_NORMAL.
  fullTable: 'lwip',
  // priv/tcp_priv.h: TCP_LOCAL_PORT_RANGE_START and END, which tcp.c, tcp_new_port, leaves out. tcp_init begins at a
  // random one where the port has LWIP_RAND, as arch/cc.h of lwIP's own ports has; where not, a profile of your own
  // says `from-first`.
  ephemeralPorts: { first: 0xc000, last: 0xfffe, order: 'from-random' },
  // tcp.c, tcp_bind: all lists of connections, where SO_REUSE is 0 (opt.h) or a socket has no SO_REUSEADDR.
  portConflicts: 'all',

  // tcp_in.c, tcp_listen_input, with TCP_LISTEN_BACKLOG, as ports with sockets set it (opt.h: 0, and then all are taken
  // for which there is a PCB): accepts_pending has those in their handshakes, and those not yet accepted.
  backlogExtra: 0,
  handshakesApart: false,
  synCookies: false,
  backlogCounts: 'waiting',
  fullListener: 'silence',

  // src/include/lwip/opt.h: ARP_TABLE_SIZE, ARP_MAXAGE, ARP_QUEUEING 0; src/core/ipv4/etharp.c: ARP_MAXPENDING;
  // src/core/tcp.c, tcp_slowtmr: tcp_rexmit_rto_prepare is tried at each call.
  arp: { kind: 'lwip', tableSize: 10, maxAgeS: 300, maxPendingS: 5, retryMs: 500 },
  // src/core/tcp.c, tcp_connect: ERR_RTE; src/api/err.c.
  noRouteErrno: 'EHOSTUNREACH',
  // src/core/tcp.c, tcp_netif_ip_addr_changed.
  endsOnAddressLoss: true,
  // Connections are ended, so none needs another address.
  keepsAddress: true,
  answersEmptyProbes: true,

  retransmission: {
    // tcp_in.c, tcp_receive: Van Jacobson's, in calls of the slow timer.
    rto: 'slow-ticks',
    // opt.h: LWIP_TCP_RTO_TIME.
    rtoInitialMs: 3000,
    // No limit of its own: where a round trip takes less than a slow tick, sv -= sv >> 2 comes to rest at 3 of them.
    rtoMinMs: 1500,
    // tcp.c, tcp_slowtmr: LWIP_MIN(calc_rto, 0x7FFF), in slow ticks.
    rtoMaxMs: 0x7fff * 500,
    waitMaxMs: Infinity,
    // tcp.c: tcp_backoff.
    backoffShifts: [1, 2, 3, 4, 5, 6, 7],
    // opt.h: TCP_MAXRTX. tcp_slowtmr looks at nrtx before it looks at the time: at its next call after the last
    // retransmission.
    giveUp: { by: 'count', retries: 12 },
    lastWaitMs: 500,
    tailLossProbe: false,
    // opt.h: LWIP_TCP_TIMESTAMPS 0.
    timestamps: false,
    duplicateSack: false,
    forwardRto: false,
  },

  handshake: {
    // opt.h: TCP_SYNMAXRTX 6, and tcp_slowtmr does not back off in SYN_SENT: 3 s apart, all of them. A connect gives up
    // after 18.5 s.
    synRetries: 0,
    synLinearTimeouts: 6,
    // After 3 s and 9 s; a third would come after 21 s.
    synAckRetries: 2,
    rtoMs: 3000,
    lastWaitMs: 500,
    // priv/tcp_priv.h, TCP_SYN_RCVD_TIMEOUT; tcp_slowtmr wants more slow ticks than that.
    synReceivedMs: 20_500,
    // tcp_in.c, tcp_process, SYN_SENT: tcp_rst and tcp_rexmit_rto, which counts as a retry. What has SYN and no ACK
    // is nothing there.
    strayAck: 'at-once',
    crossedSyn: 'ignored',
    // tcp_process, SYN_RCVD.
    otherSyn: 'ignored',
  },

  congestion: {
    // tcp_in.c, tcp_receive; tcp_out.c, tcp_rexmit_fast.
    control: 'newreno',
    // tcp_in.c: LWIP_TCP_CALC_INITIAL_CWND: 4380 bytes.
    initialWindowSegments: 3,
    dupAckThreshold: 3,
  },

  // priv/tcp_priv.h, tcp_ack: with the second segment; tcp.c, tcp_fasttmr.
  delayedAck: { kind: 'timer', delayMs: 250 },

  // tcp.c: tcp_persist_backoff, in slow ticks; the probes are counted as retransmissions are (TCP_MAXRTX).
  persist: { kind: 'table', intervalsMs: [1500, 3000, 6000, 12_000, 24_000, 48_000, 60_000], probesMax: 12 },
  // tcp_out.c, tcp_zero_window_probe: "Data segment, copy in one byte", or "FIN segment, no data".
  windowProbe: 'byte',

  keepAlive: {
    // opt.h: LWIP_TCP_KEEPALIVE is 0, and then only SO_KEEPALIVE with the defaults is there; ports set it for
    // TCP_KEEPIDLE and the others.
    support: 'full',
    unitS: 1,
    // priv/tcp_priv.h: TCP_KEEPIDLE_DEFAULT, TCP_KEEPINTVL_DEFAULT, TCP_KEEPCNT_DEFAULT.
    defaults: { idle: 7200, interval: 75, count: 9 },
    // tcp_out.c, tcp_keepalive: an empty segment.
    garbageByte: false,
    idleSince: 'last-arrival',
    needsData: false,
    // tcp_slowtmr wants more slow ticks than idle has: the first that is past it. A fast tick more says the same.
    idleExtraMs: 250,
    unanswered: 'probe',
    looks: undefined,
    // tcp_slowtmr: ESTABLISHED and CLOSE_WAIT.
    states: 'open',
    // tcp_slowtmr does not look whether something is unacknowledged.
    waitsForAcks: false,
    // tcp_slowtmr: pcb_reset.
    resets: true,
    // tcp_slowtmr reports ERR_ABRT in all states; api/err.c, err_to_errno_table.
    errno: 'ECONNABORTED',
  },

  userTimeout: false,
  timeoutErrno: 'ECONNABORTED',
  // tcp_in.c, tcp_input: ERR_RST for every RST, in SYN_SENT too; err_to_errno_table: ECONNRESET.
  refusedErrno: 'ECONNRESET',
  refusedAfterMs: 0,
  resetErrno: 'ECONNRESET',
  resetAfterFinErrno: 'ECONNRESET',
  // tcp_in.c, tcp_process: RST in the window but not at its edge, and SYN, are answered by ACK; no limit to how often.
  challengeAcks: true,
  synInConnection: 'challenge',
  challengeAckIntervalMs: 0,
  // tcp_in.c, tcp_input: no matching connection.
  resetsStrayAcks: true,
  // tcp.c, tcp_abort.
  canReset: true,
  // tcp.c, tcp_close_shutdown: rcv_wnd is not all of the window.
  resetsOnUnreadClose: true,
  // tcp.c, tcp_close_shutdown_fin.
  fin: 'linux',
  // priv/tcp_priv.h: 2 * TCP_MSL; and a slow tick, as of all that follow: tcp_slowtmr wants more than that.
  timeWaitMs: 120_500,
  // tcp_in.c, tcp_timewait_input.
  timeWaitSyn: 'lwip',
  timeWaitRst: 'ignored',
  // priv/tcp_priv.h: TCP_FIN_WAIT_TIMEOUT; tcp_slowtmr: 2 * TCP_MSL for LAST_ACK.
  finWait2Ms: 20_500,
  lastAckMs: 120_500,
  // tcp_process does not set pcb->tmr any more when TF_RXCLOSED is set: a connection that was silent for a minute
  // before it was closed is forgotten as soon as its FIN is acknowledged.
  closedSince: 'last-arrival',
  // tcp_slowtmr: TCP_MAXRTX for all.
  orphanMs: undefined,
};
