/** Measurements of a real kernel (kernel-truth.json): their types, and the meaning of their words. */

import type { Errno } from '../../../hal/errno.ts';
import type { KeepAlive } from '../../../hal/network.ts';
import type { LinuxArp, Profile } from '../../../sim/tcpip/profile.ts';
import { LINUX } from '../../../sim/tcpip/profiles/linux.ts';

/** Times are in seconds, and 0 is the third segment of the handshake, or the first SYN where there is none. */
export interface TruePacket {
  readonly t: number;
  readonly t_min: number;
  readonly t_max: number;
  /** Direction as the surviving side sees it. */
  readonly dir: 'tx' | 'rx';
  readonly flags: string;
  /** Relative to the handshake: 0 is the SYN. null: cannot be told. */
  readonly seq: number | null;
  readonly ack: number | null;
  readonly len: number;
  /** Address that an ARP packet (`ARP who-has`, `ARP reply`) asks for, or answers to. */
  readonly dst?: string;
}

export interface TrueCall {
  readonly who: string;
  readonly what: string;
  readonly t: number;
  readonly n?: number;
  readonly err?: Errno;
  readonly port?: number;
  /** Observation: a line of `ip neigh`, the state that `ss` shows, or counters. */
  readonly v?: unknown;
  /** The call was made because poll said so. */
  readonly poll?: string;
}

export interface Expected {
  readonly errno: Errno | null;
  readonly call: string | null;
  readonly t_s: number | null;
  readonly t_min?: number;
  readonly t_max?: number;
  /** Time at which data arrived, after the cable was plugged in again. */
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
  /** Delays from send to read, in a measurement of random losses. */
  readonly delays?: Delays;
  /** If absent, options or title decide; else static. */
  readonly arp?: 'static' | 'dynamic';
  readonly fault_times_measured: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly packets: readonly TruePacket[];
  readonly app_calls: readonly TrueCall[];
}

export interface Delays {
  /** Bins: from, to, count. */
  readonly histogram_s: readonly (readonly [from: number, to: number, count: number])[];
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

/** Settings of one side. */
export interface SideOptions {
  readonly socket: SocketOptions;
  readonly receiveBufferBytes?: number;
  /** Value of TCP_RTO_MAX_MS. */
  readonly rtoMaxMs?: number;
}

/** Meaning of the text of `options`, for both sides. */
export interface Options {
  readonly server: SideOptions;
  readonly client: SideOptions;
  readonly sysctls: Readonly<Record<string, number>>;
  readonly arp: 'static' | 'dynamic' | undefined;
}

type Setting = (numbers: readonly number[]) => SideOptions | { readonly arp: 'static' | 'dynamic' } | 'nothing';

/** Words of `options`. The side is named before them; without a name they belong to the surviving side. */
const WORDS: readonly (readonly [RegExp, Setting])[] = [
  [/keepalive (\d+)\/(\d+)\/(\d+)/, keepAliveOf],
  [/KEEPIDLE=(\d+) KEEPINTVL=(\d+) KEEPCNT=(\d+)/, keepAliveOf],
  [/no keepalive|keepalive off/i, () => 'nothing'],
  [/TCP_USER_TIMEOUT=(\d+)/, ([userTimeoutMs = 0]) => ({ socket: { userTimeoutMs } })],
  [/TCP_NODELAY(?! off)|Nagle off/, () => ({ socket: { noDelay: true } })],
  [/TCP_NODELAY off|Nagle on/, () => 'nothing'],
  // Linux takes twice as much, and half of that is for data.
  [/SO_RCVBUF=(\d+)/, ([receiveBufferBytes = 0]) => ({ socket: {}, receiveBufferBytes })],
  [/TCP_RTO_MAX_MS=(\d+)/, ([rtoMaxMs = 0]) => ({ socket: {}, rtoMaxMs })],
  [/static ARP/, () => ({ arp: 'static' })],
  [/dynamic ARP/, () => ({ arp: 'dynamic' })],
  // Sysctls of the kernel, and the path, which is also in the title: replay.ts.
  [/default sysctls|(\d+) ms RTT/, () => 'nothing'],
];

function keepAliveOf([idle = 0, interval = 0, count = 0]: readonly number[]): SideOptions {
  return { socket: { keepAlive: { idle, interval, count } } };
}

/** Parses `server keepalive 3/3/3, TCP_USER_TIMEOUT=5000`. Throws for unknown words. */
export function parseOptions(text: string, survivor: Side): Options {
  const sides: Record<Side, SideOptions> = { server: { socket: {} }, client: { socket: {} } };
  const sysctls: Record<string, number> = {};
  let arp: Options['arp'];
  for (const item of text.split(/[,;+]/).map((part) => part.trim())) {
    if (item === '') continue;
    const [, named] = /^(server|client|both)\b/.exec(item) ?? [];
    const whose: readonly Side[] =
      named === 'both' ? ['server', 'client'] : [named === 'server' || named === 'client' ? named : survivor];
    const settings = settingsOf(item);
    for (const [, name = '', value] of item.matchAll(/\b(tcp_\w+)=(\d+)/g)) sysctls[`ipv4.${name}`] = Number(value);
    if (settings.length === 0 && !/\btcp_\w+=\d+/.test(item)) {
      throw new Error(`what is the option "${item}"? WORDS in data.ts has those that are known`);
    }
    for (const setting of settings) {
      if (setting === 'nothing') continue;
      if ('arp' in setting) {
        ({ arp } = setting);
        continue;
      }
      for (const side of whose) {
        sides[side] = { ...sides[side], ...setting, socket: { ...sides[side].socket, ...setting.socket } };
      }
    }
  }
  return { ...sides, sysctls, arp };
}

function settingsOf(item: string): ReturnType<Setting>[] {
  return WORDS.flatMap(([pattern, setting]) => {
    const found = pattern.exec(item);
    return found === null ? [] : [setting(found.slice(1).map(Number))];
  });
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
    case 'ipv4.tcp_dsack':
      return { ...profile, retransmission: { ...retransmission, duplicateSack: value !== 0 } };
    case 'ipv4.tcp_frto':
      return { ...profile, retransmission: { ...retransmission, forwardRto: value !== 0 } };
    case 'ipv4.tcp_syn_retries':
      return { ...profile, handshake: { ...handshake, synRetries: value } };
    case 'ipv4.tcp_syn_linear_timeouts':
      return { ...profile, handshake: { ...handshake, synLinearTimeouts: value } };
    case 'ipv4.tcp_synack_retries':
      return { ...profile, handshake: { ...handshake, synAckRetries: value } };
    case 'ipv4.tcp_fin_timeout':
      return { ...profile, finWait2Ms: value * 1000 };
    case 'ipv4.tcp_keepalive_time':
      return withKeepAlive(profile, { idle: value });
    case 'ipv4.tcp_keepalive_intvl':
      return withKeepAlive(profile, { interval: value });
    case 'ipv4.tcp_keepalive_probes':
      return withKeepAlive(profile, { count: value });
    case 'ipv4.tcp_rto_min_us':
      return { ...profile, retransmission: { ...retransmission, rtoMinMs: value / 1000 } };
    case 'ipv4.tcp_syncookies':
      return { ...profile, synCookies: value !== 0 };
    case 'ipv4.neigh.default.base_reachable_time_ms':
      return withArp(profile, { baseReachableMs: value });
    case 'ipv4.neigh.default.delay_first_probe_time':
      return withArp(profile, { delayFirstProbeMs: value * 1000 });
    case 'ipv4.neigh.default.retrans_time_ms':
      return withArp(profile, { retransMs: value });
    case 'ipv4.neigh.default.ucast_solicit':
      return withArp(profile, { unicastProbes: value });
    case 'ipv4.neigh.default.mcast_solicit':
      return withArp(profile, { multicastProbes: value });
    case 'ipv4.neigh.default.unres_qlen':
      return withArp(profile, { queuePackets: value });
    default:
      throw new Error(`nothing in a profile stands for the sysctl ${name}: withSysctl in data.ts has those that are known`);
  }
}

function withKeepAlive(profile: Profile, changed: Partial<KeepAlive>): Profile {
  return { ...profile, keepAlive: { ...profile.keepAlive, defaults: { ...profile.keepAlive.defaults, ...changed } } };
}

function withArp(profile: Profile, changed: Partial<LinuxArp>): Profile {
  return profile.arp.kind === 'linux' ? { ...profile, arp: { ...profile.arp, ...changed } } : profile;
}
