/** What was measured of a real kernel (kernel-truth.json), as it stands there, and what its words mean. */

import type { Errno } from '../../../hal/errno.ts';
import type { KeepAlive } from '../../../hal/network.ts';
import type { Profile } from '../../../sim/tcpip/profile.ts';
import { LINUX } from '../../../sim/tcpip/profiles/linux.ts';

/** Times are in seconds, and 0 is the third segment of the handshake, or the first SYN where there is none. */
export interface TruePacket {
  readonly t: number;
  readonly t_min: number;
  readonly t_max: number;
  /** As the surviving side sees it. */
  readonly dir: 'tx' | 'rx';
  readonly flags: string;
  /** Relative to the handshake: 0 is the SYN. null: cannot be told. */
  readonly seq: number | null;
  readonly ack: number | null;
  readonly len: number;
}

export interface TrueCall {
  readonly who: string;
  readonly what: string;
  readonly t: number;
  readonly n?: number;
  readonly err?: Errno;
  readonly port?: number;
  /** The call was made because poll said so. */
  readonly poll?: string;
}

export interface Expected {
  readonly errno: Errno | null;
  readonly call: string | null;
  readonly t_s: number | null;
  readonly t_min?: number;
  readonly t_max?: number;
  /** When data arrived at last, after the cable was plugged in again. */
  readonly delivered?: { readonly after_replug_min: number; readonly after_replug_max: number };
}

export type Side = 'server' | 'client';

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly options: string;
  readonly schedule: string;
  readonly surviving_side: Side;
  readonly expected: Expected;
  readonly notes: string;
  readonly sysctl_overrides: Readonly<Record<string, number>>;
  readonly fault_times_measured: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly packets: readonly TruePacket[];
  readonly app_calls: readonly TrueCall[];
}

export interface Truth {
  readonly scenarios: readonly Scenario[];
}

/** Socket options, as setsockopt takes them. */
export interface SocketOptions {
  readonly keepAlive?: KeepAlive;
  readonly userTimeoutMs?: number;
  readonly noDelay?: boolean;
}

/** `server keepalive 3/3/3, TCP_USER_TIMEOUT=5000`: they are those of the side that survives. */
export function parseOptions(text: string): SocketOptions {
  const [, idle, interval, count] =
    /keepalive (\d+)\/(\d+)\/(\d+)/.exec(text) ?? /KEEPIDLE=(\d+) KEEPINTVL=(\d+) KEEPCNT=(\d+)/.exec(text) ?? [];
  const [, userTimeoutMs] = /TCP_USER_TIMEOUT=(\d+)/.exec(text) ?? [];
  return {
    ...(idle === undefined
      ? {}
      : { keepAlive: { idle: Number(idle), interval: Number(interval), count: Number(count) } }),
    ...(userTimeoutMs === undefined ? {} : { userTimeoutMs: Number(userTimeoutMs) }),
    noDelay: /TCP_NODELAY(?! off)/.test(text),
  };
}

/** Linux's profile, with what /proc/sys/net says of it. */
export function withSysctls(sysctls: Readonly<Record<string, number>>, base: Profile = LINUX): Profile {
  return Object.entries(sysctls).reduce((profile, [name, value]) => withSysctl(profile, name, value), base);
}

function withSysctl(profile: Profile, name: string, value: number): Profile {
  const { handshake, retransmission } = profile;
  switch (name) {
    case 'ipv4.tcp_retries2':
      return {
        ...profile,
        retransmission: { ...retransmission, giveUp: { ...retransmission.giveUp, retries: value } },
      };
    case 'ipv4.tcp_rto_max_ms':
      return { ...profile, retransmission: { ...retransmission, rtoMaxMs: value } };
    case 'ipv4.tcp_early_retrans':
      return { ...profile, retransmission: { ...retransmission, tailLossProbe: value !== 0 } };
    case 'ipv4.tcp_timestamps':
      return { ...profile, retransmission: { ...retransmission, timestamps: value !== 0 } };
    case 'ipv4.tcp_syn_retries':
      return { ...profile, handshake: { ...handshake, synRetries: value } };
    case 'ipv4.tcp_syn_linear_timeouts':
      return { ...profile, handshake: { ...handshake, synLinearTimeouts: value } };
    case 'ipv4.tcp_synack_retries':
      return { ...profile, handshake: { ...handshake, synAckRetries: value } };
    case 'ipv4.tcp_fin_timeout':
      return { ...profile, finWait2Ms: value * 1000 };
    default:
      throw new Error(`nothing in a profile stands for ${name}`);
  }
}
