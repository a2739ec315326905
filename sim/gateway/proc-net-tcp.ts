/**
 * Linux's table of TCP sockets, as /proc/net/tcp and /proc/net/tcp6 have it (the kernel's
 * Documentation/networking/proc_net_tcp.rst).
 */

import type { SocketAddress } from '../../hal/network.ts';
import { formatAddress } from '../packet/address.ts';

/** include/net/tcp_states.h, from 1 on. */
const STATES = [
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'NEW-SYN-RECV',
] as const;

export type KernelTcpState = (typeof STATES)[number];

/** One socket of the kernel's. */
export interface KernelSocket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly state: KernelTcpState;
  readonly sendQueueBytes: number;
  readonly receiveQueueBytes: number;
  /** tcp4_seq_show: 0 none, 1 retransmission, 2 keepalive or the like, 3 TIME-WAIT, 4 zero window probe. */
  readonly timer: number;
  /** Until the timer runs out: in hundredths of a second there (USER_HZ). */
  readonly timerMs: number;
  /** Time-outs in a row without an answer. */
  readonly retransmissions: number;
  /** Probes in a row without an answer: of keepalive, or of a closed window. */
  readonly probes: number;
}

/** The rows of such a file. A line that is none is left out. */
export function parseProcNetTcp(text: string): KernelSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', remote = '', state = '', queues = '', timer = '', retransmissions = '', , probes = ''] = line
      .trim()
      .split(/\s+/);
    const localEnd = parseEnd(local);
    const remoteEnd = parseEnd(remote);
    const stateName = STATES[Number.parseInt(state, 16) - 1];
    if (localEnd === undefined || remoteEnd === undefined || stateName === undefined) return [];
    const [sendQueueBytes = 0, receiveQueueBytes = 0] = queues.split(':').map(hex);
    const [timerKind = 0, hundredths = 0] = timer.split(':').map(hex);
    return [{
      local: localEnd, remote: remoteEnd, state: stateName, sendQueueBytes, receiveQueueBytes,
      timer: timerKind, timerMs: hundredths * 10, retransmissions: hex(retransmissions), probes: Number(probes),
    }];
  });
}

function hex(text: string): number {
  return Number.parseInt(text, 16);
}

/**
 * `0100000A:1F90`: each 32 bits of the address as the processor has them, which is little-endian wherever this is
 * likely to run.
 */
function parseEnd(text: string): SocketAddress | undefined {
  const [, words, port] = /^((?:[\dA-F]{8}){1,4}):([\dA-F]{4})$/i.exec(text) ?? [];
  if (words === undefined || port === undefined) return undefined;
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).map(hex).toReversed());
  const isMapped = bytes.length === 16 && bytes.slice(0, 12).every((byte, i) => byte === (i < 10 ? 0 : 0xff));
  const ipv4 = bytes.length === 4 ? bytes : isMapped ? bytes.slice(12) : undefined;
  const address =
    ipv4 === undefined ? ipv6Text(bytes) : formatAddress(ipv4.reduce((sum, byte) => (sum << 8) | byte, 0));
  return { address, port: hex(port) };
}

/** `::` and `::1` as everybody writes them; others in full, since nobody but messages has them. */
function ipv6Text(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  const text = groups.join(':');
  return text.replace(/^0:0:0:0:0:0:0:(?=[01]$)/, '::').replace(/^::0$/, '::');
}

/** Returns whether another host can reach a listener at this address. */
export function isReachable({ address }: SocketAddress): boolean {
  return !address.startsWith('127.') && address !== '::1';
}
