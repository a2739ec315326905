/**
 * FreeRTOS+TCP 4.4.1 with the defaults of FreeRTOSIPConfigDefaults.h ("Defaults" below), and ipconfigTCP_KEEP_ALIVE
 * set, which is off there. What it does about data that nobody acknowledges is: retransmit forever, until it is
 * closed. Only keepalive finds a dead peer.
 */

import type { Profile } from '../profile.ts';

export const FREERTOS_TCP: Profile = {
  name: 'freertos-tcp',
  // configTICK_RATE_HZ 1000, as in its demos.
  tickUs: 1000,
  timers: 'tick',

  // Defaults: ipconfigTCP_TIME_TO_LIVE 128; ipconfigFORCE_IP_DONT_FRAGMENT 0.
  timeToLive: 128,
  dontFragment: false,
  // FreeRTOS_ICMP.c, ProcessICMPPacket: echo requests and replies only.
  icmpErrors: 'ignored',
  // FreeRTOS_TCP_IP.c: ulApplicationGetNextSequenceNumber, which its demos make of random numbers.
  initialSequence: 'random',

  // Defaults: ipconfigTCP_MSS, ipconfigNETWORK_MTU - 40. (It takes 1400 where the peer is not on its own network.)
  mssBytes: 1460,
  // FreeRTOS_TCP_Transmission.c, prvSetSynAckOptions: the option is sent, and prvWinScaleFactor is 0 for a window that
  // fits.
  windowScale: 0,
  // FreeRTOS_TCP_WIN.c knows no such rule.
  halfWindow: 'none',
  // FreeRTOS_TCP_WIN.c, prvTCPWindowTxHasSpace: a segment goes where all of it fits; only FREERTOS_SO_SET_FULL_SIZE
  // holds small ones back. FreeRTOS_Sockets.c: uxTxWinSize is half of the buffer, in segments.
  smallWindow: 'nothing',
  nagle: 'none',
  flightBytesMax: 2 * 1460,
  // Defaults: ipconfigTCP_TX_BUFFER_LENGTH, ipconfigTCP_RX_BUFFER_LENGTH: 4 * ipconfigTCP_MSS.
  sendBufferBytes: 4 * 1460,
  receiveBufferBytes: 4 * 1460,
  // FreeRTOS_Sockets.c: uxRxWinSize is half of the buffer, in segments. prvTCPCreateStream, xPercTable: with a buffer
  // of four segments uxLittleSpace is 25% of it, and uxEnoughSpace all; FreeRTOS_TCP_Transmission.c,
  // prvTCPReturn_CheckTCPWindow: bLowWater says 0.
  windowBytesMax: 2 * 1460,
  windowUpdate: { kind: 'emptied', littleShare: 1 / 4 },
  // As the heap has room.
  socketsMax: Infinity,
  fullTable: 'fails',
  // FreeRTOS_Sockets.c: socketAUTO_PORT_ALLOCATION_START_NUMBER and MAX_NUMBER; prvGetPrivatePortNumber asks for a
  // random number each time.
  ephemeralPorts: { first: 0x0400, last: 0xffff, order: 'random' },
  // FreeRTOS_Sockets.c, prvSocketBindAdd: any bound socket, children of a listener among them. Its connections have no
  // TIME-WAIT.
  portConflicts: 'all',

  // FreeRTOS_TCP_State_Handling_IPv4.c, prvHandleListen_IPV4: usChildCount, which FreeRTOS_Sockets.c,
  // prvTCPSetSocketCount, takes back when a child is closed; and prvTCPSendReset.
  backlogExtra: 0,
  handshakesApart: false,
  synCookies: false,
  backlogCounts: 'all',
  fullListener: 'reset',

  // source/include/FreeRTOSIPConfigDefaults.h, V4.4.1: ipconfigARP_CACHE_ENTRIES, ipconfigMAX_ARP_AGE,
  // ipconfigMAX_ARP_RETRANSMISSIONS; FreeRTOS_TCP_IP.c, prvTCPNextTimeout.
  arp: { kind: 'freertos-tcp', cacheEntries: 10, maxAge: 150, retransmissionsMax: 5, retryMs: 500 },
  // Not checked: FreeRTOS_connect waits for its end-point.
  noRouteErrno: 'EHOSTUNREACH',
  // Not checked.
  endsOnAddressLoss: false,
  // FreeRTOS_TCP_Transmission_IPv4.c, prvTCPReturnPacket_IPV4: the address of the end point, as it is now.
  keepsAddress: false,
  answersEmptyProbes: true,

  retransmission: {
    // FreeRTOS_TCP_WIN.c, prvTCPWindowTxCheckAck_CalcSRTT; the RTO is twice that.
    rto: 'smoothed',
    // FreeRTOS_TCP_WIN.c, vTCPWindowInit: lSRTT is 500 ms; Defaults: ipconfigTCP_SRTT_MINIMUM_VALUE_MS 50. Twice each.
    rtoInitialMs: 1000,
    rtoMinMs: 100,
    // pxTCPWindowTx_GetWaitQueue: SRTT << ucTransmitCount has no limit; half of what 32 bits hold of ms, 12 days,
    // stands for none.
    rtoMaxMs: 2 ** 30,
    // FreeRTOS_TCP_IP.c, prvTCPNextTimeout: usTimeout has 16 bits of ticks; what is left of a longer wait is a multiple
    // of them, which is 0, and xTCPTimerCheck leaves those out. With keepalive it is looked at in between.
    waitMaxMs: 0xffff,
    backoffShifts: undefined,
    giveUp: { by: 'count', retries: Infinity },
    lastWaitMs: undefined,
    tailLossProbe: false,
    timestamps: false,
    duplicateSack: false,
    forwardRto: false,
  },

  handshake: {
    // FreeRTOS_TCP_Transmission.c, prvTCPSendPacket: 3 SYNs; FreeRTOS_TCP_IP.c, prvTCPNextTimeout: 3 s, 6 s, and 11 s
    // to the end.
    synRetries: 2,
    synLinearTimeouts: 0,
    // FreeRTOS_TCP_IP.c, xTCPSocketCheck: sends of itself in eCONNECT_SYN and from eESTABLISHED on; a SYN-ACK answers a
    // SYN.
    synAckRetries: 0,
    rtoMs: 3000,
    lastWaitMs: 11_000,
    // FreeRTOS_TCP_State_Handling.c, prvTCPStatusAgeCheck: more than ipconfigTCP_HANG_PROTECTION_TIME; looked at every
    // tcpMAXIMUM_TCP_WAKEUP_TIME_MS, 20 s, the second time.
    synReceivedMs: 40_000,
    // prvHandleSynReceived: a segment other than SYN and ACK ends it by eCLOSE_WAIT, and is answered by RST.
    strayAck: 'gives-up',
    crossedSyn: 'gives-up',
    // prvTCPHandleState: back to eSYN_FIRST.
    otherSyn: 'taken',
  },

  congestion: {
    // A sending window of its own, and no other control.
    control: 'none',
    // FreeRTOS_Sockets.c: uxTxWinSize, half of the buffer.
    initialWindowSegments: 2,
    // FreeRTOS_TCP_WIN.c: DUPLICATE_ACKS_BEFORE_FAST_RETRANSMIT.
    dupAckThreshold: 3,
  },

  // FreeRTOS_TCP_Transmission.c, prvSendData: an ACK waits only where the peer may still send two segments, by what it
  // was told last (ulHighestRxAllowed). With a window of two segments that is never so, once something has come.
  delayedAck: { kind: 'none' },

  // FreeRTOS_TCP_WIN.c, xTCPWindowTxHasData: "Too many outstanding messages", and nothing is due. A window that opens
  // while its news is lost is found out by the answers to keepalive alone.
  persist: { kind: 'none' },
  windowProbe: 'empty',

  keepAlive: {
    // Defaults: ipconfigTCP_KEEP_ALIVE_INTERVAL, in seconds, for the whole stack.
    support: 'idle',
    unitS: 1,
    // For people: the probes of an idle connection are 22.5 s apart, as `looks` has it.
    defaults: { idle: 20, interval: 22, count: 4 },
    // prvTCPReturnPacket: the sequence number less 1, and no data.
    garbageByte: false,
    idleSince: 'last-arrival',
    needsData: false,
    idleExtraMs: 0,
    unanswered: 'looks',
    // FreeRTOS_TCP_Transmission.c, prvTCPPrepareSend: more than ipconfigTCP_KEEP_ALIVE_INTERVAL since something came,
    // then 3 s after a probe; usTimeout is 2.5 s then, too early, and tcpMAXIMUM_TCP_WAKEUP_TIME_MS (FreeRTOS_TCP_IP.h)
    // after that; ucKeepRepCount > 3 gives up. So an idle connection sends probes after 20 s, 42.5 s, 65 s and 87.5 s,
    // and is given up after 90 s, where its documentation has three of them and 60 s.
    looks: { everyMs: 20_000, afterProbeMs: 2500, againAfterMs: 3000, probes: 4 },
    // prvTCPPrepareSend: eESTABLISHED.
    states: 'established',
    // prvTCPPrepareSend: whenever there is nothing to be sent at the moment, as between two retransmissions.
    waitsForAcks: false,
    // prvTCPPrepareSend: vTCPStateChange( eCLOSE_WAIT ), and nothing is sent.
    resets: false,
    // FreeRTOS_Sockets.c: what is called on a socket that is in no connected state.
    errno: 'ENOTCONN',
  },

  userTimeout: false,
  // FreeRTOS_Sockets.c, FreeRTOS_connect: eCLOSE_WAIT sets eSOCKET_CLOSED, and that is pdFREERTOS_ERRNO_ENOTCONN; where
  // its block time (ipconfigSOCK_DEFAULT_RECEIVE_BLOCK_TIME, which is forever) ends before, ETIMEDOUT.
  timeoutErrno: 'ENOTCONN',
  // FreeRTOS_TCP_IP.c, xProcessReceivedTCPPacket: RST in eCONNECT_SYN leads to eCLOSED, and vTCPStateChange, for which
  // neither is connected, tells nobody: who waits in FreeRTOS_connect waits until its block time ends. Here that is as
  // long as a connect takes that nobody answers.
  refusedErrno: 'ETIMEDOUT',
  refusedAfterMs: 20_000,
  // FreeRTOS_recv and FreeRTOS_send in eCLOSED.
  resetErrno: 'ENOTCONN',
  resetAfterFinErrno: 'ENOTCONN',
  // FreeRTOS_TCP_IP.c, xProcessReceivedTCPPacket: RST by RFC 5961 3.2; a pure SYN from eESTABLISHED on "cannot be
  // handled".
  challengeAcks: true,
  synInConnection: 'ignored',
  challengeAckIntervalMs: 0,
  // xProcessReceivedTCPPacket: no RST for what has "only the ACK flag set".
  resetsStrayAcks: false,
  // FreeRTOS_Sockets.c: FreeRTOS_closesocket sends nothing (FreeRTOS_shutdown sends FIN).
  canReset: false,
  // FreeRTOS_shutdown sends FIN.
  resetsOnUnreadClose: false,
  // FreeRTOS_TCP_Transmission.c, prvTCPPrepareSend: FIN when xTCPWindowTxDone, and it is in no queue that is sent
  // again. FreeRTOS_TCP_State_Handling.c, prvTCPHandleFin: the peer's FIN is answered by FIN, also when it comes again.
  fin: 'freertos-tcp',
  // FreeRTOS_TCP_State_Handling.c, prvTCPHandleFin: after both FINs eCLOSE_WAIT, which here waits for nothing but
  // FreeRTOS_closesocket.
  timeWaitMs: 0,
  timeWaitSyn: 'reopens',
  timeWaitRst: 'ends',
  // Defaults: ipconfigTCP_HANG_PROTECTION_TIME, 30 s; looked at every 20 s, as synReceivedMs.
  finWait2Ms: 40_000,
  lastAckMs: 40_000,
  closedSince: 'state',
  // FreeRTOS_TCP_State_Handling.c, prvTCPStatusAgeCheck: the same time for every state that is neither established nor
  // at its end. It is counted there from the last packet that came; but looked at, as here, when something is due.
  orphanMs: 30_000,
};
