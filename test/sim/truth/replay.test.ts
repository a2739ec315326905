/**
 * The language of the measurements: other numbers and other orders than those in the files are done as they say, and a
 * word that is not known is an error that tells where the known ones stand.
 */

import { describe, expect, it } from 'vitest';
import type { Scenario, TrueCall } from './data.ts';
import { parseOptions } from './data.ts';
import { replay, type Replayed } from './replay.ts';
import { seconds } from './world.ts';

const PLAIN: Scenario = {
  id: 'T1',
  title: 'a test',
  options: '',
  schedule: '',
  surviving_side: 'server',
  expected: { errno: null, call: null, t_s: null },
  notes: '',
  sysctl_overrides: {},
  fault_times_measured: {},
  packets: [],
  app_calls: [],
};

/** The last call only sets the length of the measurement. */
function until(t: number): TrueCall {
  return { who: 'server', what: 'mib', t };
}

function done(changes: Partial<Scenario>): Replayed {
  return replay({ ...PLAIN, ...changes });
}

function calls({ calls: made }: Replayed, who: string): string[] {
  const own = made.filter((call) => call.who === who && call.what !== 'connect');
  return own.map(({ what, result }) => `${what} ${result}`);
}

/** Returns the times at which a side sent segments with these flags. */
function sentAt({ world }: Replayed, side: 'server' | 'client', flags: string): number[] {
  return world.seen[side].filter((seen) => seen.dir === 'tx' && seen.flags === flags).map(({ atUs }) => seconds(atUs));
}

describe('options', () => {
  it('are of the side that is named, or of the surviving one, or of both', () => {
    const options = parseOptions('server keepalive 4/5/6, client TCP_NODELAY; TCP_USER_TIMEOUT=7000', 'client');
    expect(options.server.socket).toEqual({ keepAlive: { idle: 4, interval: 5, count: 6 } });
    expect(options.client.socket).toEqual({ noDelay: true, userTimeoutMs: 7000 });
    const both = parseOptions('both keepalive 4/5/6', 'client');
    expect(both.server).toEqual(both.client);
  });

  it('take sysctls, buffers and the largest RTO', () => {
    const options = parseOptions('client SO_RCVBUF=4096, TCP_RTO_MAX_MS=2000, tcp_retries2=3, no keepalive', 'server');
    expect(options).toEqual({
      server: { socket: {}, rtoMaxMs: 2000 },
      client: { socket: {}, receiveBufferBytes: 4096 },
      sysctls: { 'ipv4.tcp_retries2': 3 },
      arp: undefined,
    });
  });

  it('TCP_RTO_MAX_MS: no two retransmissions are farther apart', () => {
    const replayed = done({
      options: 'TCP_RTO_MAX_MS=1000',
      fault_times_measured: { 'far pull': [1, 1] },
      app_calls: [{ who: 'server', what: 'send', t: 1.1, n: 10 }, until(20)],
    });
    const times = sentAt(replayed, 'server', 'PA');
    const gaps = times.slice(1).map((t, i) => t - (times[i] ?? NaN));
    expect(gaps.length).toBeGreaterThan(15);
    expect(Math.max(...gaps)).toBeLessThan(1.04);
  });
});

describe('the path', () => {
  it.each([
    ['RTT 80 ms', 0.08], ['~80 ms RTT', 0.08], ['40 ms each way', 0.08], ['one-way delay 40 ms', 0.08],
  ])('%s', (title, rttS) => {
    const replayed = done({ title, app_calls: [{ who: 'server', what: 'send', t: 1, n: 10 }, until(2)] });
    const answered = replayed.world.seen.server.find(({ dir, atUs }) => dir === 'rx' && seconds(atUs) > 1);
    // The client reads nothing: its ACK is not delayed, since it is one of the first.
    expect(seconds(answered?.atUs ?? NaN) - 1).toBeCloseTo(rttS, 3);
  });
});

describe('faults and actions', () => {
  it('either end closes, or shuts down', () => {
    for (const [what, side] of [['server close()', 'server'], ['client close()', 'client']] as const) {
      const replayed = done({ fault_times_measured: { [what]: [1, 1] }, app_calls: [until(2)] });
      expect(sentAt(replayed, side, 'FA')).toEqual([1]);
    }
    const replayed = done({ fault_times_measured: { 'client shutdown(SHUT_WR)': [1, 1] }, app_calls: [until(2)] });
    expect(sentAt(replayed, 'client', 'FA')).toEqual([1]);
  });

  it('a side whose first read is noted late reads then all bytes that have come', () => {
    const replayed = done({
      app_calls: [
        { who: 'server', what: 'send', t: 1, n: 10 },
        { who: 'server', what: 'send', t: 2, n: 20 },
        { who: 'client', what: 'recv', t: 5, n: 30 },
      ],
    });
    expect(calls(replayed, 'client')).toEqual(['recv 30']);
  });

  it('the near cable comes out and goes in again, by either name', () => {
    for (const replug of ['near replug', 'replug']) {
      const replayed = done({
        surviving_side: 'client',
        fault_times_measured: { 'near pull (client loses carrier)': [1, 1], [replug]: [3, 3.5] },
        app_calls: [
          { who: 'client', what: 'send', t: 1.1, n: 10 },
          { who: 'server', what: 'recv', t: 4, n: 10 },
          until(9),
        ],
      });
      const read = replayed.calls.find(({ what }) => what === 'recv');
      // The replug counts from its end in the last run.
      expect(seconds(read?.atUs ?? NaN)).toBeGreaterThan(3.5);
    }
  });

  it('an interface goes down and comes up, an address goes and comes back', () => {
    for (const [lost, found] of [['link set eth0 down', 'link set eth0 up'], ['addr del', 'addr add']] as const) {
      const replayed = done({
        fault_times_measured: { [lost]: [1, 1], [found]: [3, 3] },
        app_calls: [
          { who: 'server', what: 'send', t: 1.1, n: 10 },
          { who: 'client', what: 'recv', t: 4, n: 10 },
          until(9),
        ],
      });
      expect(calls(replayed, 'client')).toEqual(['recv 10']);
      expect(sentAt(replayed, 'server', 'PA').every((t) => t > 3)).toBe(true);
    }
  });

  it('an action before the first call stands only in the schedule', () => {
    const before = [['link down before', 'ENETUNREACH'], ['near pull t=-2', 'EHOSTUNREACH']] as const;
    for (const [schedule, errno] of before) {
      const replayed = done({
        surviving_side: 'client',
        schedule,
        arp: 'dynamic',
        app_calls: [{ who: 'client', what: 'connect start', t: 0 }, until(5)],
      });
      expect(replayed.calls.map(({ what, result }) => [what, result])).toEqual([['connect', errno]]);
    }
  });

  it('settings change while it is open', () => {
    const replayed = done({
      fault_times_measured: { 'far pull': [1, 1], 'keepalive 2/1/2 is set': [2, 2] },
      app_calls: [{ who: 'server', what: 'recv', t: 6, err: 'ETIMEDOUT', poll: 'IN|ERR|HUP|RDHUP' }],
    });
    expect(calls(replayed, 'server')).toEqual(['recv ETIMEDOUT']);
    // The time is idle and two probes.
    const end = replayed.calls.find(({ what }) => what === 'recv');
    expect(seconds(end?.atUs ?? NaN)).toBeCloseTo(6, 0);
  });
});

describe('an unknown word', () => {
  const WRONG: readonly (readonly [string, Partial<Scenario>, RegExp])[] = [
    ['a fault', { fault_times_measured: { 'a mouse bites': [1, 1] } }, /^T1: what is "a mouse bites"\? HAPPENINGS in replay/],
    ['a call', { app_calls: [{ who: 'server', what: 'sendfile', t: 1 }] }, /^T1: what is the call "sendfile"\? schedule in/],
    ['an option', { options: 'server SO_BUSY_POLL=1' }, /^what is the option "server SO_BUSY_POLL=1"\? WORDS in data.ts/],
    ['a sysctl', { sysctl_overrides: { 'ipv4.tcp_foo': 1 } }, /stands for the sysctl ipv4.tcp_foo: withSysctl in data.ts/],
  ];

  it.each(WRONG)('%s is told of', (_what, changes, sentence) => {
    expect(() => done({ app_calls: [until(2)], ...changes })).toThrow(sentence);
  });
});
