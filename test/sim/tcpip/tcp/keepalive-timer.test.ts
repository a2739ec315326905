/**
 * The timers of keepalive and of a closed window, to the tick: what they count from, and what they do beside the other
 * timers of a connection.
 */

import { describe, expect, it } from 'vitest';
import type { KeepAlive } from '../../../../hal/network.ts';
import type { Profile, ProfileName } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { hasTimer } from '../../../../sim/tcpip/tcp/timers.ts';
import { Rig, type User } from '../rig.ts';
import { EXACT } from './opened.ts';

function connected(profile: ProfileName | Profile, keepAlive?: KeepAlive): { rig: Rig; user: User } {
  const rig = new Rig(profile);
  const user = rig.connected('win 60000 mss 1460', (socket) => {
    if (keepAlive !== undefined) socket.setKeepAlive(keepAlive);
  });
  return { rig, user };
}

/** The times of what is sent from now on, and of the end. */
function timesToEnd(rig: Rig, user: User, stepMs = 1): number[] {
  const fromMs = rig.nowMs;
  rig.sent();
  while (!user.told.some((text) => text.startsWith('ended'))) {
    if (rig.nowMs - fromMs > 3_600_000) throw new Error('it does not end');
    rig.run(stepMs);
  }
  return [...rig.times(), rig.nowMs].map((ms) => Math.round(ms - fromMs));
}

describe('the settings', () => {
  it.each([
    [{ idle: 32_767, interval: 32_767, count: 127 }, 'full'],
    [{ idle: 32_768, interval: 1, count: 1 }, 'none'],
    [{ idle: 1, interval: 32_768, count: 1 }, 'none'],
    [{ idle: 1, interval: 1, count: 128 }, 'none'],
    [{ idle: 0, interval: 1, count: 1 }, 'none'],
    [{ idle: 1, interval: 1.5, count: 1 }, 'none'],
  ] as const)('%j: %s (TCP_MAX_KEEPIDLE, TCP_MAX_KEEPCNT)', (keepAlive, support) => {
    expect(connected('linux').user.socket?.setKeepAlive(keepAlive)).toBe(support);
  });

  it('of the W5500 are units of 5 s, rounded up (Sn_KPALVTR)', () => {
    const { rig, user } = connected('w5500', { idle: 6, interval: 1, count: 1 });
    user.write(1);
    rig.peer('. 1 ack 2');
    rig.sent();
    rig.run(9999);
    expect(rig.sent()).toEqual([]);
    const garbage: number[] = [];
    rig.onSent = ({ payload, payloadBytes }) => garbage.push(...payload.subarray(0, payloadBytes));
    rig.run(2);
    expect(rig.sent()).toEqual(['. 1:2 ack 1']);
    expect(garbage).toEqual([0]);
  });

  it('off is off, without a timer; on again later begins from the start', () => {
    const { rig, user } = connected(EXACT, { idle: 3, interval: 3, count: 3 });
    rig.run(2000);
    user.socket?.setKeepAlive('off');
    expect(rig.tcb === undefined || hasTimer(rig.tcb)).toBe(false);
    rig.run(10_000);
    user.socket?.setKeepAlive({ idle: 3, interval: 3, count: 3 });
    rig.run(3003);
    expect(rig.sent()).toEqual([]);
    rig.run(2);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
  });
});

describe('linux', () => {
  it('is exact: idle, intervals, and the end an interval after the last', () => {
    const { rig, user } = connected(EXACT, { idle: 5, interval: 10, count: 3 });
    // RST goes with the end.
    expect(timesToEnd(rig, user)).toEqual([5004, 15_008, 25_012, 35_016, 35_016]);
  });

  it('switched on late counts from then; new times count from what came last (tcp_sock_set_keepidle_locked)', () => {
    const { rig, user } = connected(EXACT);
    rig.run(100_000);
    user.socket?.setKeepAlive({ idle: 10, interval: 10, count: 3 });
    rig.run(8000);
    user.socket?.setKeepAlive({ idle: 120, interval: 10, count: 3 });
    rig.run(12_000 + 3);
    expect(rig.sent()).toEqual([]);
    rig.run(2);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
  });

  it.each([
    // The end needs an unanswered probe, and the time must be over.
    [1000, [3004, 6008, 6008]],
    [6008, [3004, 6008, 6008]],
    [6009, [3004, 6008, 9012, 9012]],
  ])('a user timeout of %i ms takes the place of the count', (userTimeoutMs, times) => {
    const { rig, user } = connected(EXACT, { idle: 3, interval: 3, count: 9 });
    user.socket?.setUserTimeout(userTimeoutMs);
    expect(timesToEnd(rig, user)).toEqual(times);
  });

  it('waits for the handshake, and is over in TIME-WAIT', () => {
    const rig = new Rig(EXACT);
    const user = rig.connect();
    user.socket?.setKeepAlive({ idle: 1, interval: 1, count: 3 });
    rig.run(3500);
    expect(new Set(rig.sent())).toEqual(new Set(['S 0 mss 1460 wscale 7']));
    rig.peer('S. 0 ack 1 win 60000 mss 1460');
    rig.sent();
    rig.run(1003);
    expect(rig.sent()).toEqual([]);
    rig.run(2);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
    rig.peer('. 1 ack 1');
    user.socket?.shutdown();
    rig.peer('. 1 ack 2');
    rig.sent();
    // Keepalive works in FIN-WAIT-2.
    rig.run(1010);
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    rig.peer('F. 1 ack 2');
    expect(rig.state).toBe('TIME-WAIT');
    rig.sent();
    user.socket?.setKeepAlive({ idle: 1, interval: 1, count: 2 });
    rig.run(10_000);
    expect(rig.sent()).toEqual([]);
    expect(rig.state).toBe('TIME-WAIT');
  });

  it('does not send an ACK earlier that is delayed', () => {
    const { rig } = connected(EXACT, { idle: 3, interval: 3, count: 3 });
    for (let seq = 1; seq < 16 * 8; seq += 8) rig.peer(`P. ${seq}:${seq + 8} ack 1`);
    rig.runTo(2900);
    // The quick ACKs are used up, but the pause has brought more of them. These segments use those up, too.
    for (let seq = 129; seq < 129 + 17 * 8; seq += 8) rig.peer(`P. ${seq}:${seq + 8} ack 1`);
    rig.runTo(2990);
    rig.sent();
    rig.peer('P. 265:273 ack 1');
    rig.runTo(3010);
    expect(rig.sent()).toEqual([]);
    rig.runTo(3100);
    expect(rig.sent()).toEqual(['. 1 ack 273']);
  });
});

describe('lwip', () => {
  it('begins from what came last, however late it is switched on', () => {
    const { rig, user } = connected('lwip');
    rig.run(100_000);
    user.socket?.setKeepAlive({ idle: 120, interval: 10, count: 3 });
    rig.run(20_000);
    expect(rig.sent()).toEqual([]);
    rig.run(1000);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
  });

  it('comes with the first slow tick that is past idle (tcp_slowtmr)', () => {
    const { rig } = connected('lwip', { idle: 3, interval: 3, count: 3 });
    rig.runTo(3499);
    expect(rig.sent()).toEqual([]);
    rig.runTo(3500);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
  });

  it('does not care whether something is unacknowledged, and works in CLOSE-WAIT', () => {
    const { rig, user } = connected('lwip', { idle: 3, interval: 3, count: 3 });
    rig.peer('F. 1 ack 1');
    rig.sent();
    user.write(10);
    rig.run(11_900);
    expect(rig.state).toBe('CLOSE-WAIT');
    rig.run(2000);
    expect(rig.state).toBe('CLOSED');
    expect(user.write(1)).toBe('ECONNABORTED');
  });
});

it('w5500: probes are sent again as data is: 0.2 s to 6.4 s apart, and the end is RCR\'s', () => {
  const { rig, user } = connected('w5500', { idle: 5, interval: 5, count: 1 });
  user.write(1);
  rig.peer('. 1 ack 2');
  const times = timesToEnd(rig, user, 0.1);
  const [first = NaN] = times;
  const sinceFirstS = times.map((ms) => Math.round((ms - first) / 100) / 10);
  expect(sinceFirstS).toEqual([0, 0.2, 0.6, 1.4, 3, 6.2, 12.6, 19, 25.4, 31.8]);
});

describe('freertos-tcp', () => {
  const IDLE_20 = { idle: 20, interval: 20, count: 3 };

  it('looks when SYN was to be sent again, and 20 s later', () => {
    const rig = new Rig('freertos-tcp');
    rig.connect((socket) => void socket.setKeepAlive(IDLE_20));
    rig.run(1000);
    rig.peer('S. 0 ack 1 win 60000 mss 1460');
    rig.sent();
    rig.run(60_000);
    expect(rig.times()).toEqual([23_002, 45_504]);
  });

  it('looks after 20 s, with any idle time', () => {
    for (const [idle, times] of [[10, [20_001]], [60, []]] as const) {
      const { rig, user } = connected('freertos-tcp');
      user.socket?.setKeepAlive({ ...IDLE_20, idle });
      rig.run(40_000);
      expect(rig.times()).toEqual(times);
    }
  });

  it('looks when the user sends: a probe where it was quiet for longer than idle, or for 3 s since a probe', () => {
    for (const [atMs, isProbe] of [[19_990, false], [20_000, false], [20_001, true]] as const) {
      const { rig, user } = connected('freertos-tcp');
      user.socket?.setKeepAlive({ ...IDLE_20, idle: 20 });
      // The timer must not send the probe, so the test sets it early.
      rig.runTo(10_000);
      user.socket?.setKeepAlive(IDLE_20);
      rig.runTo(atMs);
      user.write(1);
      expect(rig.sent()).toEqual(isProbe ? ['P. 1:2 ack 1', '. 0 ack 1'] : ['P. 1:2 ack 1']);
    }
    const { rig, user } = connected('freertos-tcp');
    user.socket?.setKeepAlive(IDLE_20);
    rig.runTo(20_010);
    expect(rig.sent()).toEqual(['. 0 ack 1']);
    rig.runTo(23_001);
    user.write(1);
    expect(rig.sent()).toEqual(['P. 1:2 ack 1']);
    rig.runTo(23_002);
    user.write(1);
    expect(rig.sent()).toEqual(['P. 2:3 ack 1', '. 0 ack 1']);
  });

  it('goes on when data is acknowledged before it would have been sent again', () => {
    const { rig, user } = connected('freertos-tcp');
    user.socket?.setKeepAlive(IDLE_20);
    rig.runTo(10_000);
    user.write(1);
    rig.run(500);
    rig.peer('. 1 ack 2');
    rig.sent();
    rig.run(60_000);
    expect(rig.sent().length).toBeGreaterThan(0);
  });

  it('is asked where data is sent again, and gives up a look after the fourth probe (prvTCPPrepareSend)', () => {
    const { rig, user } = connected('freertos-tcp');
    user.socket?.setKeepAlive(IDLE_20);
    user.write(1);
    const probesAtMs: number[] = [];
    rig.onSent = ({ payloadBytes }) => void (payloadBytes === 0 && probesAtMs.push(rig.nowMs));
    const endMs = timesToEnd(rig, user).at(-1);
    expect(probesAtMs).toEqual([31_005, 63_006, 127_007, 255_008]);
    expect(endMs).toBe(257_509);
  });

  it('does nothing when both have finished, and nobody acknowledges that for 40 s: then the user is told', () => {
    const { rig, user } = connected('freertos-tcp', IDLE_20);
    rig.peer('F. 1 ack 1');
    expect(rig.sent()).toEqual(['F. 1 ack 2']);
    rig.run(39_999);
    expect(rig.sent()).toEqual([]);
    expect(rig.state).toBe('LAST-ACK');
    rig.run(2);
    expect(rig.state).toBe('CLOSED');
    expect(user.write(1)).toBe('ENOTCONN');
  });
});

describe('beside one another', () => {
  it('w5500: a retransmission is not put off by an ACK that is delayed for longer', () => {
    const { rig, user } = connected('w5500');
    user.write(1);
    rig.run(100);
    rig.peer('P. 1:9 ack 1');
    rig.sent();
    rig.run(101);
    expect(rig.sentAt()).toEqual(['200.1 P. 1:2 ack 9']);
  });

  it('linux: an ACK is not put off by a retransmission that is due later', () => {
    const { rig, user } = connected(EXACT);
    for (let seq = 1; seq < 1 + 17 * 8; seq += 8) rig.peer(`P. ${seq}:${seq + 8} ack 1`);
    rig.run(100);
    user.write(1);
    rig.run(60);
    rig.sent();
    rig.peer('P. 137:145 ack 1');
    rig.run(60);
    expect(rig.sent()).toEqual(['. 2 ack 145']);
  });
});

describe('a closed window', () => {
  it('lwip: a byte that a probe has brought was all, and there are no more probes', () => {
    const rig = new Rig('lwip');
    const user = rig.connected('win 0 mss 1460');
    user.write(1);
    rig.run(2000);
    expect(rig.sent()).toEqual(['. 1:2 ack 1']);
    rig.peer('. 1 ack 2 win 0');
    rig.run(600_000);
    expect(rig.sent()).toEqual([]);
  });

  it.each([5, 12])('lwip: %i probes without an answer end it, closed or not', (probesMax) => {
    const { lwip } = PROFILES;
    const persist = lwip.persist.kind === 'table' ? { ...lwip.persist, probesMax } : lwip.persist;
    for (const closes of [false, true]) {
      const rig = new Rig({ ...lwip, persist });
      const user = rig.connected('win 0 mss 1460');
      user.write(10);
      if (closes) user.socket?.close();
      rig.run(3_600_000);
      expect(rig.sent()).toHaveLength(probesMax);
      expect(rig.stack.connections.size).toBe(0);
    }
  });

  it('linux: FIN alone is asked for as data is: the probes double, and answers do not help who has closed', () => {
    const rig = new Rig(EXACT);
    const user = rig.connected('win 8 mss 1460');
    user.write(8);
    user.socket?.close();
    rig.peer('. 1 ack 9 win 0');
    rig.sent();
    const fromMs = rig.nowMs;
    rig.onSent = () => rig.engine.at(rig.engine.nowUs, () => rig.peer('. 1 ack 9 win 0'), 'the peer');
    rig.run(1600);
    // An answer starts the time of the next one.
    expect(rig.times().map((ms) => ms - fromMs)).toEqual([208, 620, 1440].slice(0, 3));
    rig.run(600_000);
    expect(rig.stack.connections.size).toBe(0);
  });

  it('lwip: FIN alone, too, in the intervals of its table', () => {
    const rig = new Rig('lwip');
    const user = rig.connected('win 0 mss 1460');
    user.socket?.close();
    rig.onSent = () => rig.engine.at(rig.engine.nowUs, () => rig.peer('. 1 ack 1 win 0'), 'the peer');
    rig.run(25_000);
    expect(rig.sentAt()).toEqual([1500, 4500, 10_500, 22_500].map((ms) => `${ms} F. 1 ack 1`));
  });

  it('linux: a user timeout ends it at its time, counted from the first probe; two jiffies later at least', () => {
    for (const [userTimeoutMs, endsMs] of [[1000, 1004], [2, 12]] as const) {
      const rig = new Rig(EXACT);
      rig.run(10_000);
      const user = rig.connected('win 0 mss 1460');
      user.socket?.setUserTimeout(userTimeoutMs);
      user.write(10);
      const [firstMs = NaN, ...others] = timesToEnd(rig, user);
      expect(firstMs).toBe(208);
      expect((others.at(-1) ?? NaN) - firstMs).toBe(endsMs);
    }
  });

  it('linux: the probes are at least 200 ms apart, and double up to 120 s (tcp_probe0_when)', () => {
    const rig = new Rig(EXACT);
    const user = rig.connected('win 0 mss 1460');
    if (rig.tcb !== undefined) rig.tcb.rtoTicks = 10;
    user.write(10);
    for (const waitMs of [204, 404, 804]) {
      rig.run(waitMs - 1);
      expect(rig.sent()).toEqual([]);
      rig.run(1);
      expect(rig.sent()).toEqual(['. 0 ack 1']);
    }
  });
});
