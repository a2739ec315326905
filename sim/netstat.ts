/**
 * The output of `netstat -to` on Linux for every host: its connections, what waits in them, and the timers that run.
 */

import type { SocketAddress } from '../hal/network.ts';
import { formatAddress } from './packet/address.ts';
import type { Host } from './tcpip/host.ts';
import type { Stack } from './tcpip/stack.ts';
import { distance } from './tcpip/tcp/seq.ts';
import { FIN_SENT, FIN_WANTED, KEEPALIVE_TIMER, type SendTimer, type Tcb, type TcpState } from './tcpip/tcp/tcb.ts';
import { table } from './text.ts';

/**
 * `on`: retransmission, or the probe of the tail. `probe`: of a closed window. `timewait`: the wait at the end, with or
 * without the peer's FIN. One at a time, as on Linux (get_tcp4_sock): keepalive shows only where no other runs, a
 * delayed ACK never.
 */
export type NetstatTimer =
  | { readonly kind: 'off' }
  | {
    readonly kind: 'on' | 'keepalive' | 'timewait' | 'probe';
    readonly remainingMs: number;
    /** Time-outs in a row, and probes in a row, without an answer. */
    readonly retransmissions: number;
    readonly probes: number;
  };

export interface NetstatRow {
  /** Name of the host of this end. */
  readonly host: string;
  readonly local: SocketAddress;
  /** The host at the other end, or the NAT box that it is behind; undefined: none here has the address. */
  readonly peer: string | undefined;
  readonly remote: SocketAddress;
  readonly state: TcpState;
  /** Not yet read. */
  readonly receiveQueueBytes: number;
  /** Not yet acknowledged; a SYN and a FIN count one each, as on Linux. */
  readonly sendQueueBytes: number;
  readonly timer: NetstatTimer;
}

/**
 * The connections of hosts, in the order of the hosts; those of one in the order of their peers. `others`: who else has
 * an address.
 */
export function netstat(hosts: readonly Host[], others: ReadonlyMap<number, string>): NetstatRow[] {
  const names = new Map([...others, ...hosts.map(({ address, name }) => [address, name] as const)]);
  return hosts.flatMap(({ name, stack }) => {
    if (stack === undefined) return [];
    return stack.connections.all().toSorted(byPeer).map((tcb) => ({
      host: name,
      local: { address: formatAddress(tcb.localAddress), port: tcb.localPort },
      peer: names.get(tcb.remoteAddress),
      remote: { address: formatAddress(tcb.remoteAddress), port: tcb.remotePort },
      state: tcb.state,
      receiveQueueBytes: tcb.receiving?.length ?? 0,
      sendQueueBytes: sendQueueBytes(tcb),
      timer: timerOf(tcb, stack),
    }));
  });
}

const HEAD = ['Proto', 'Recv-Q', 'Send-Q', 'Local Address', 'Foreign Address', 'State', 'Timer'];

/**
 * The rows as netstat prints them, with the names of hosts; in the timer's brackets seconds, retransmissions and
 * probes.
 */
export function netstatTable(rows: readonly NetstatRow[]): string {
  const cells = rows.map(({ host, local, peer, remote, state, receiveQueueBytes, sendQueueBytes, timer }) => [
    'tcp',
    count(receiveQueueBytes),
    count(sendQueueBytes),
    `${host}:${local.port}`,
    `${peer ?? remote.address}:${remote.port}`,
    state,
    timerText(timer),
  ]);
  return table([HEAD, ...cells]);
}

/** Below the end of its head. */
function count(bytes: number): string {
  return String(bytes).padStart('Recv-Q'.length);
}

function timerText(timer: NetstatTimer): string {
  if (timer.kind === 'off') return 'off (0.00/0/0)';
  return `${timer.kind} (${(timer.remainingMs / 1000).toFixed(2)}/${timer.retransmissions}/${timer.probes})`;
}

function byPeer(a: Tcb, b: Tcb): number {
  return (a.remoteAddress >>> 0) - (b.remoteAddress >>> 0) || a.remotePort - b.remotePort || a.localPort - b.localPort;
}

function sendQueueBytes(tcb: Tcb): number {
  const isFinUnsent = (tcb.flags & (FIN_WANTED | FIN_SENT)) === FIN_WANTED;
  return distance(tcb.sndUna, tcb.sndNxt) + tcb.unsentBytes + (isFinUnsent ? 1 : 0);
}

const KIND_OF_TIMER: Readonly<Record<Exclude<SendTimer, 'none'>, 'on' | 'probe' | 'timewait'>> = {
  retransmit: 'on',
  'loss-probe': 'on',
  persist: 'probe',
  refused: 'on',
  'fin-wait-2': 'timewait',
  'time-wait': 'timewait',
};

function timerOf(tcb: Tcb, stack: Stack): NetstatTimer {
  const { timeouts: retransmissions, probesOut: probes } = tcb.trouble;
  const remainingMs = (tick: number): number => stack.clock.usUntil(tick) / 1000;
  if (tcb.timer !== 'none') {
    return { kind: KIND_OF_TIMER[tcb.timer], remainingMs: remainingMs(tcb.timerTick), retransmissions, probes };
  }
  if ((tcb.flags & KEEPALIVE_TIMER) !== 0) {
    return { kind: 'keepalive', remainingMs: remainingMs(tcb.keepAliveTick), retransmissions, probes };
  }
  return { kind: 'off' };
}
