/**
 * Linux 6.18 as a distribution ships it, HZ=250. Paths are the kernel's own; where a number was measured of a kernel
 * too, the measurement says the same.
 */

import type { Profile } from '../profile.ts';

export const LINUX: Profile = {
  name: 'linux',
  // CONFIG_HZ_250; the timers of TCP are those of kernel/time/timer.c.
  tickUs: 4000,
  timers: 'wheel',

  // include/uapi/linux/ip.h: IPDEFTTL; net/ipv4/ip_output.c, __ip_queue_xmit: DF, as IP_PMTUDISC_WANT is the default.
  timeToLive: 64,
  dontFragment: true,
  // net/ipv4/tcp_ipv4.c, tcp_v4_err.
  icmpErrors: 'linux',
  // net/core/secure_seq.c, secure_tcp_seq.
  initialSequence: 'clock-and-hash',

  // Ethernet's 1500 bytes less both headers (net/ipv4/tcp_output.c, tcp_advertise_mss).
  mssBytes: 1460,
  // net/ipv4/tcp_output.c, tcp_select_initial_window: ilog2 of the largest tcp_rmem, 6 MB, less 15.
  windowScale: 7,
  // include/net/tcp.h, tcp_bound_to_half_wnd.
  halfWindow: 'linux',
  // net/ipv4/tcp_output.c, tcp_nagle_check.
  smallWindow: 'half',
  nagle: 'minshall',
  flightBytesMax: Infinity,
  // Initial send buffer: net/ipv4/tcp_input.c, tcp_sndbuf_expand, for ten segments on Ethernet. In Linux it grows with
  // the window, up to tcp_wmem[2]; here it does not.
  sendBufferBytes: 87_040,
  // tcp_rmem[1] is 131,072, half of it for data (tcp_adv_win_scale 1), in whole segments: 44 of 1460. It grows too, up
  // to tcp_rmem[2].
  receiveBufferBytes: 64_240,
  // net/ipv4/tcp.c, __tcp_cleanup_rbuf.
  windowBytesMax: Infinity,
  windowUpdate: { kind: 'doubled' },
  socketsMax: Infinity,
  fullTable: 'fails',
  // net/ipv4/af_inet.c, inet_init_net: ip_local_port_range.
  ephemeralPorts: { first: 32_768, last: 60_999, order: 'from-random' },
  // net/ipv4/inet_connection_sock.c, inet_csk_get_port: with SO_REUSEADDR, as libuv and most servers set it.
  portConflicts: 'listeners',

  // include/net/sock.h, sk_acceptq_is_full: full is more than the backlog. include/net/inet_connection_sock.h,
  // inet_csk_reqsk_queue_is_full: so many handshakes beside; net/ipv4/tcp_input.c, tcp_conn_request: then cookies
  // (sysctl_tcp_syncookies 1); net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock: exit_overflow.
  backlogExtra: 1,
  handshakesApart: true,
  synCookies: true,
  backlogCounts: 'waiting',
  fullListener: 'silence',

  // net/ipv4/arp.c, arp_tbl: BASE_REACHABLE_TIME, DELAY_PROBE_TIME, RETRANS_TIME, UCAST_PROBES, MCAST_PROBES,
  // gc_thresh3; net/core/neighbour.c: neigh_rand_reach_time. QUEUE_LEN_BYTES is memory, in packets of a full frame 101
  // (Documentation/networking/ip-sysctl.rst, unres_qlen).
  arp: {
    kind: 'linux',
    baseReachableMs: 30_000,
    delayFirstProbeMs: 5000,
    retransMs: 1000,
    unicastProbes: 3,
    multicastProbes: 3,
    queuePackets: 101,
    tableMax: 1024,
  },
  // net/ipv4/fib_frontend.c, fib_disable_ip: no route is left.
  noRouteErrno: 'ENETUNREACH',
  // net/ipv4/devinet.c, inet_del_ifa: sockets are not looked for.
  endsOnAddressLoss: false,
  // net/ipv4/ip_output.c, __ip_queue_xmit: inet_saddr.
  keepsAddress: true,
  answersEmptyProbes: true,

  retransmission: {
    // net/ipv4/tcp_input.c, tcp_rtt_estimator.
    rto: 'measured',
    // include/net/tcp.h: TCP_TIMEOUT_INIT, TCP_RTO_MIN, TCP_RTO_MAX.
    rtoInitialMs: 1000,
    rtoMinMs: 200,
    rtoMaxMs: 120_000,
    waitMaxMs: Infinity,
    // net/ipv4/tcp_timer.c, tcp_retransmit_timer: icsk_rto << 1.
    backoffShifts: undefined,
    // net/ipv4/tcp_timer.c, retransmits_timed_out and tcp_model_timeout; include/net/tcp.h: TCP_RETR2. Nominally 924.6
    // s.
    giveUp: { by: 'elapsed', retries: 15 },
    lastWaitMs: undefined,
    // net/ipv4/tcp_ipv4.c, tcp_sk_init: sysctl_tcp_early_retrans 3, sysctl_tcp_timestamps 1,
    // sysctl_tcp_dsack 1, sysctl_tcp_frto 2.
    tailLossProbe: true,
    timestamps: true,
    duplicateSack: true,
    forwardRto: true,
  },

  handshake: {
    // include/net/tcp.h: TCP_SYN_RETRIES, TCP_SYNACK_RETRIES; net/ipv4/tcp_ipv4.c, tcp_sk_init:
    // sysctl_tcp_syn_linear_timeouts.
    synRetries: 6,
    synLinearTimeouts: 4,
    synAckRetries: 5,
    // include/net/tcp.h: TCP_TIMEOUT_INIT.
    rtoMs: 1000,
    lastWaitMs: undefined,
    synReceivedMs: undefined,
    // net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process.
    strayAck: 'linux',
    crossedSyn: 'opens',
    // net/ipv4/tcp_minisocks.c, tcp_check_req.
    otherSyn: 'challenge',
  },

  congestion: {
    // Linux's default is cubic, which does the same as Reno at the rates of devices (RFC 9438 4.3).
    control: 'newreno',
    // include/net/tcp.h: TCP_INIT_CWND, TCP_FASTRETRANS_THRESH.
    initialWindowSegments: 10,
    dupAckThreshold: 3,
  },

  // include/net/tcp.h: TCP_DELACK_MIN, TCP_DELACK_MAX.
  delayedAck: { kind: 'linux', minMs: 40, maxMs: 200 },

  // net/ipv4/tcp_timer.c, tcp_probe_timer; net/ipv4/tcp_output.c, tcp_send_probe0.
  persist: { kind: 'doubling' },
  // net/ipv4/tcp_output.c, tcp_xmit_probe_skb.
  windowProbe: 'empty',

  keepAlive: {
    // net/ipv4/tcp.c, do_tcp_setsockopt: TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, in seconds.
    support: 'full',
    unitS: 1,
    // include/net/tcp.h: TCP_KEEPALIVE_TIME, TCP_KEEPALIVE_INTVL, TCP_KEEPALIVE_PROBES.
    defaults: { idle: 7200, interval: 75, count: 9 },
    // net/ipv4/tcp_output.c, tcp_xmit_probe_skb: an empty segment.
    garbageByte: false,
    // net/ipv4/tcp_timer.c, tcp_set_keepalive: SO_KEEPALIVE starts the timer with the whole time; and net/ipv4/tcp.c,
    // tcp_sock_set_keepidle_locked: TCP_KEEPIDLE of one that is on starts it with what is left.
    idleSince: 'switched-on',
    needsData: false,
    idleExtraMs: 0,
    unanswered: 'probe',
    looks: undefined,
    states: 'all',
    // net/ipv4/tcp_timer.c, tcp_keepalive_timer: "It is alive without keepalive".
    waitsForAcks: true,
    // tcp_keepalive_timer: tcp_send_active_reset, then tcp_write_err.
    resets: true,
    errno: 'ETIMEDOUT',
  },

  // net/ipv4/tcp.c: TCP_USER_TIMEOUT.
  userTimeout: true,
  // net/ipv4/tcp_timer.c, tcp_write_err.
  timeoutErrno: 'ETIMEDOUT',
  // net/ipv4/tcp_input.c, tcp_reset.
  refusedErrno: 'ECONNREFUSED',
  refusedAfterMs: 0,
  resetErrno: 'ECONNRESET',
  resetAfterFinErrno: 'EPIPE',
  // net/ipv4/tcp_input.c, tcp_validate_incoming; __tcp_oow_rate_limited; tcp_ipv4.c: sysctl_tcp_invalid_ratelimit HZ/2.
  challengeAcks: true,
  synInConnection: 'challenge',
  challengeAckIntervalMs: 500,
  // net/ipv4/tcp_ipv4.c, tcp_v4_rcv: no_tcp_socket.
  resetsStrayAcks: true,
  // net/ipv4/tcp.c, tcp_disconnect: SO_LINGER with 0.
  canReset: true,
  // net/ipv4/tcp.c, __tcp_close: data_was_unread.
  resetsOnUnreadClose: true,
  fin: 'linux',
  // include/net/tcp.h: TCP_TIMEWAIT_LEN, TCP_FIN_TIMEOUT; net/ipv4/tcp_minisocks.c, tcp_timewait_state_process:
  // tcp_rfc1337 0.
  timeWaitMs: 60_000,
  timeWaitSyn: 'reopens',
  timeWaitRst: 'ends',
  finWait2Ms: 60_000,
  lastAckMs: undefined,
  closedSince: 'state',
  // As giveUp: tcp_orphan_retries (retransmission.ts).
  orphanMs: undefined,
};
