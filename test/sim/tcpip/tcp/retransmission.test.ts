/**
 * Retransmission: what is sent again and when (RFC 6298, RFC 5681, RFC 6582, RFC 8985 7), and when each stack gives up.
 */

import { describe, expect, it } from 'vitest';
import type { Profile } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig, type User } from '../rig.ts';

/** A connection with a measured round trip of 100 ms, and nothing in flight. */
function warmedUp(
  profile: 'linux' | 'lwip' | 'w5500' | 'freertos-tcp' | Profile,
  options = 'win 60000 mss 1000',
): { rig: Rig; user: User } {
  const rig = new Rig(profile);
  const user = rig.connect();
  rig.run(100);
  rig.peer(`S. 0 ack 1 ${options}`);
  rig.sent();
  return { rig, user };
}

/** Seconds between the times, to a tenth. */
function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((ms, i) => Math.round((ms - (times[i] ?? 0)) / 100) / 10);
}

describe('linux', () => {
  it("probes the tail after two round trips and the peer's delayed ACK, then backs off, up to 120 s; gives up after 924.6 s", () => {
    const { rig, user } = warmedUp('linux');
    user.write(10);
    rig.runTo(1200_000);
    const between = gaps(rig.times());
    // 2 x SRTT + 200 ms is beyond the RTO of 300 ms: the probe takes its place.
    expect(between.slice(0, 8)).toEqual([0.3, 0.3, 0.6, 1.2, 2.4, 5, 9.7, 19.5].map((s) => expect.closeTo(s, 0)));
    for (const s of between) expect(s).toBeLessThan(137);
    expect(between.at(-1)).toBeGreaterThanOrEqual(120);
    expect(user.told.at(-1)).toBe('ended ETIMEDOUT');
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  describe('to a peer that takes back its window (RFC 9293 3.8.6.1)', () => {
    /** Until this time the peer answers each segment with data by a window of 0. */
    function shrunk(answersMs: number, userTimeoutMs = 0): { rig: Rig; user: User } {
      const { rig, user } = warmedUp('linux');
      user.socket?.setUserTimeout(userTimeoutMs);
      user.write(8);
      rig.onSent = ({ payloadBytes }) => {
        if (payloadBytes > 0 && rig.nowMs < answersMs) {
          rig.engine.at(rig.engine.nowUs + 1000, () => rig.peer('. 1 ack 1 win 0'), 'the peer');
        }
      };
      return { rig, user };
    }

    it('goes on for as long as it is answered', () => {
      const { rig, user } = shrunk(Infinity);
      rig.run(7_200_000);
      expect(user.told).toEqual(['writable']);
      rig.peer('. 1 ack 9');
      expect(rig.tcb?.packetsOut).toBe(0);
    });

    it('gives up at the first timeout after 240 s of silence (tcp_rtx_probe0_timed_out)', () => {
      const { rig, user } = shrunk(1_000_000);
      rig.runTo(1_000_000);
      const answeredMs = rig.times().at(-1) ?? NaN;
      rig.runTo(answeredMs + 240_000);
      expect(user.told).toEqual(['writable']);
      // The timeouts are 120 s apart, and coarse.
      rig.runTo(answeredMs + 240_000 + 130_000);
      expect(user.told).toEqual(['writable', 'ended ETIMEDOUT']);
    });

    it('gives up after a user timeout all the same', () => {
      const { rig, user } = shrunk(Infinity, 5000);
      rig.runTo(4900);
      expect(user.told).toEqual(['writable']);
      rig.runTo(5800);
      expect(user.told).toEqual(['writable', 'ended ETIMEDOUT']);
    });
  });

  it('with a user timeout gives up then, and not before', () => {
    const { rig, user } = warmedUp('linux');
    user.socket?.setUserTimeout(5000);
    user.write(10);
    rig.run(4900);
    expect(user.told).toEqual(['writable']);
    rig.run(1000);
    expect(user.told.at(-1)).toBe('ended ETIMEDOUT');
  });

  it('starts again with what is acknowledged', () => {
    const { rig, user } = warmedUp('linux');
    user.write(10);
    rig.run(3000);
    rig.peer('. 1 ack 11', { echoMs: 50 });
    expect(rig.tcb?.timer).toBe('none');
    expect(rig.tcb?.backoff).toBe(0);
  });

  it('measures what was sent twice by the timestamp that is echoed, and not where there is no echo', () => {
    for (const [echoMs, ms] of [[3000, 3000 / 8], [100, 100 / 8], [undefined, 0]] as const) {
      const { rig, user } = warmedUp('linux');
      // RFC 6298 2.3: the next round trip counts for an eighth.
      const beforeMs = (rig.tcb?.srttUs8 ?? 0) / 8000;
      user.write(10);
      rig.run(3000);
      rig.peer('. 1 ack 11', echoMs === undefined ? {} : { echoMs });
      expect((rig.tcb?.srttUs8 ?? 0) / 8000 - beforeMs * (ms > 0 ? 7 / 8 : 1)).toBeCloseTo(ms, 1);
      expect((rig.tcb?.backoff ?? 0) > 0).toBe(echoMs === undefined);
    }
  });

  it.each([
    ['a duplicate ACK, as both have arrived', '. 1 ack 11', 10],
    ['nothing else, before something beyond it is acknowledged', undefined, 5],
  ])('the episode of a tail loss probe is ended by %s', (_, duplicate, cwnd) => {
    const { rig, user } = warmedUp('linux');
    user.write(10);
    rig.run(310);
    rig.peer('. 1 ack 11', { echoMs: 1 });
    if (duplicate !== undefined) rig.peer(duplicate);
    user.write(10);
    expect(rig.tcb?.timer).toBe(duplicate === undefined ? 'retransmit' : 'loss-probe');
    rig.peer('. 1 ack 21');
    expect(rig.tcb?.cwnd).toBe(cwnd);
    user.write(10);
    expect(rig.tcb?.timer).toBe('loss-probe');
  });

  it('echoes the timestamp of what its last ACK was about', () => {
    const { rig } = warmedUp('linux');
    rig.peer('P. 1:11 ack 1', { timestamp: 1000 });
    expect(rig.tcb?.tsRecent).toBe(1000);
    // Ahead of a gap: the one that is missing decides.
    rig.peer('P. 21:31 ack 1', { timestamp: 2000 });
    expect(rig.tcb?.tsRecent).toBe(1000);
    rig.peer('P. 11:21 ack 1', { timestamp: 3000 });
    expect(rig.tcb?.tsRecent).toBe(3000);
    // An old one, late.
    rig.peer('P. 11:21 ack 1', { timestamp: 500 });
    expect(rig.tcb?.tsRecent).toBe(3000);
  });

  it('sends the first again at the third duplicate ACK, not at the second (RFC 5681 3.2)', () => {
    const { rig, user } = warmedUp('linux');
    user.write(10_000);
    expect(rig.sent()).toHaveLength(10);
    rig.run(50);
    rig.peer('. 1 ack 1');
    rig.peer('. 1 ack 1');
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1');
    expect(rig.sent()).toEqual(['. 1:1001 ack 1']);
    expect(rig.tcb?.ssthresh).toBe(5);
  });

  it('at an ACK of a part sends the next lost one (RFC 6582 3.2)', () => {
    const { rig, user } = warmedUp('linux');
    user.write(10_000);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    rig.sent();
    rig.peer('. 1 ack 3001');
    expect(rig.sent()[0]).toBe('. 3001:4001 ack 1');
    expect(rig.tcb?.recovery).toBe('fast-recovery');
    rig.peer('. 1 ack 10001');
    expect(rig.tcb?.recovery).toBe('open');
    expect(rig.tcb?.cwnd).toBe(5);
    expect(rig.sent()).toEqual([]);
  });

  it('right after a timeout is made good, duplicate ACKs are answers to what was sent then, and mean no loss (RFC 6582 3.2 step 1)', () => {
    const { rig, user } = warmedUp('linux');
    user.write(3000);
    rig.run(1500);
    expect(rig.tcb?.recovery).toBe('loss');
    rig.peer('. 1 ack 3001');
    expect(rig.tcb?.recovery).toBe('open');
    user.write(2000);
    rig.sent();
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 3001');
    expect(rig.tcb?.recovery).toBe('open');
    expect(rig.sent()).toEqual([]);
    // Duplicate ACKs for later data do mean a loss.
    rig.peer('. 1 ack 4001');
    user.write(3000);
    rig.sent();
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 4001');
    expect(rig.tcb?.recovery).toBe('fast-recovery');
  });

  it('after a pause of more than an RTO the window starts again (RFC 5681 4.1)', () => {
    for (const [pauseMs, cwnd] of [[150, 20], [400, 10]] as const) {
      const { rig, user } = warmedUp('linux');
      user.write(10_000);
      rig.peer('. 1 ack 10001');
      expect(rig.tcb?.cwnd).toBe(20);
      rig.run(pauseMs);
      user.write(100);
      expect(rig.tcb?.cwnd).toBe(cwnd);
    }
  });

  it('a window that changes is no duplicate ACK', () => {
    const { rig, user } = warmedUp('linux');
    user.write(10_000);
    rig.sent();
    for (const win of [50_000, 50_100, 50_200, 50_300]) rig.peer(`. 1 ack 1 win ${win}`);
    expect(rig.sent()).toEqual([]);
    expect(rig.tcb?.recovery).toBe('open');
  });

  it('after a timeout begins with one segment, and doubles (RFC 5681 3.1)', () => {
    const { rig, user } = warmedUp('linux');
    user.write(10_000);
    rig.run(320);
    rig.sent();
    rig.run(400);
    expect(rig.sent()).toEqual(['. 1:1001 ack 1']);
    rig.peer('. 1 ack 1001');
    expect(rig.sent()).toEqual(['. 1001:2001 ack 1', '. 2001:3001 ack 1']);
  });
});

describe('lwip', () => {
  it('tries 12 times, by its table, in slow ticks, and ends with ECONNABORTED', () => {
    const { rig, user } = warmedUp('lwip');
    user.write(10);
    rig.runTo(2000_000);
    const between = gaps(rig.times());
    expect(between).toHaveLength(12);
    const [first = 0] = between;
    // tcp_backoff: 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7
    const base = (between[1] ?? 0) / 2;
    expect(first).toBeCloseTo(base, 0);
    expect(between.slice(1)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7].map((shift) => expect.closeTo(base * 2 ** shift, 0)),
    );
    expect(user.told.at(-1)).toBe('ended ECONNABORTED');
  });

  it('forgets the back-off with the first ACK, though it measures nothing (tcp_receive)', () => {
    const { rig, user } = warmedUp('lwip');
    user.write(10);
    rig.run(20_000);
    const fresh = PROFILES.lwip.retransmission.rtoInitialMs;
    rig.sent();
    rig.peer('. 1 ack 11');
    user.write(10);
    rig.sent();
    rig.run(fresh + 500);
    expect(rig.sent()).toEqual(['P. 11:21 ack 1']);
  });
});

describe('w5500', () => {
  it('sends 8 times more, 0.2 s to 6.4 s apart, and gives up 31.8 s after the first (data sheet 4.1, RCR)', () => {
    const { rig, user } = warmedUp('w5500');
    user.write(10);
    rig.run(31_790);
    expect(gaps(rig.times())).toEqual([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 6.4, 6.4]);
    expect(user.told).toEqual(['writable']);
    rig.run(20);
    expect(user.told).toEqual(['writable', 'ended ETIMEDOUT']);
  });

  it('begins with 0.2 s again for what is sent after', () => {
    const { rig, user } = warmedUp('w5500');
    user.write(10);
    rig.run(3000);
    rig.peer('. 1 ack 11');
    rig.sent();
    user.write(10);
    rig.run(201);
    expect(rig.sent()).toEqual(['P. 11:21 ack 1', 'P. 11:21 ack 1']);
  });
});

describe('the tail loss probe (RFC 8985 7, tcp_send_loss_probe)', () => {
  it('of a full congestion window is new data, beyond that window ("Force out a loss probe pkt")', () => {
    const { rig, user } = warmedUp('linux');
    user.write(15_000);
    expect(rig.sent()).toHaveLength(10);
    // The probe comes after two round trips and two milliseconds, because more than one segment is out.
    rig.runTo(rig.nowMs + 200);
    expect(rig.sent()).toEqual([]);
    rig.run(20);
    expect(rig.sent()).toEqual(['. 10001:11001 ack 1']);
    // The RTO follows, counted from now, and no second probe.
    const { timer, timerTick = 0 } = rig.tcb ?? {};
    expect(timer).toBe('retransmit');
    expect(timerTick - rig.stack.clock.nowTick).toBeGreaterThan(70);
    // The probe was new data: its ACK shows that nothing was lost, and the next tail gets a probe again.
    rig.peer('. 1 ack 11001');
    expect(rig.tcb?.ssthresh).toBe(0x7fff_ffff);
    expect(rig.tcb?.timer).toBe('loss-probe');
  });

  it('of a small segment that waits for another (Nagle) is that one', () => {
    const { rig, user } = warmedUp('linux');
    user.write(10);
    user.write(10);
    expect(rig.sent()).toEqual(['P. 1:11 ack 1']);
    rig.run(320);
    expect(rig.sent()).toEqual(['P. 11:21 ack 1']);
  });

  it('is the last segment again, where the window does not take the next (tcp_snd_wnd_test)', () => {
    const { rig, user } = warmedUp('linux', 'win 500 mss 1000');
    user.write(200);
    user.write(400);
    expect(rig.sent()).toEqual(['P. 1:201 ack 1']);
    rig.run(320);
    expect(rig.sent()).toEqual(['P. 1:201 ack 1']);
  });

  it('comes two round trips and 2 ms after, with one rounding, where several segments are out', () => {
    // A timer without a wheel fires at the first tick that is not early, one more than these.
    for (const [addedUs, ticks] of [[0, 2], [4, 3]] as const) {
      const { rig, user } = warmedUp({ ...PROFILES.linux, timers: 'tick' });
      if (rig.tcb === undefined) throw new Error('no connection');
      // Eight times a round trip of 1 ms, and so much.
      rig.tcb.srttUs8 = 8000 + addedUs;
      user.write(2000);
      expect(rig.tcb.timerTick - rig.stack.clock.nowTick).toBe(ticks);
    }
  });

  it('comes after 1 s, where no round trip was measured', () => {
    const rig = new Rig({ ...PROFILES.linux, timers: 'tick' });
    const user = rig.connect();
    // SYN was sent twice, and nothing is echoed: neither it nor the data after it measures anything.
    rig.run(1500);
    rig.peer('S. 0 ack 1 win 60000 mss 1000');
    user.write(10);
    rig.run(2500);
    rig.peer('. 1 ack 11');
    rig.sent();
    user.write(10);
    expect(rig.tcb?.srttUs8).toBe(0);
    expect(rig.tcb?.rtoTicks).toBeGreaterThan(250);
    const fromMs = rig.nowMs;
    rig.run(5000);
    expect((rig.times()[1] ?? NaN) - fromMs).toBe(1004);
  });

  it('is not for what is lost: after a timeout the RTO runs', () => {
    const { rig, user } = warmedUp('linux');
    user.write(3000);
    rig.run(1500);
    expect(rig.tcb?.recovery).toBe('loss');
    rig.peer('. 1 ack 1001', { echoMs: 10 });
    expect(rig.tcb?.recovery).toBe('loss');
    expect(rig.tcb?.timer).toBe('retransmit');
  });

  it('counts from when the oldest was sent, and is no later than its RTO', () => {
    const { rig, user } = warmedUp('linux');
    user.socket?.setNoDelay(true);
    user.write(10);
    rig.run(200);
    user.write(10);
    const leftTicks = (rig.tcb?.timerTick ?? 0) - rig.stack.clock.nowTick;
    expect(leftTicks).toBeGreaterThanOrEqual(25);
    expect(leftTicks).toBeLessThan(25 + 8);
  });

  it('of what is sent when that RTO is over, and the timer late, is as of what is sent now (tcp_rto_delta_us)', () => {
    const lateBy = [0, 1, 2, 3, 4, 5, 6, 7].map((offsetTicks) => {
      const { rig, user } = warmedUp('linux');
      user.socket?.setNoDelay(true);
      // The first timer is on time, and the wheel stands so that it is.
      user.write(10);
      rig.peer('. 1 ack 11');
      rig.run(4 * offsetTicks);
      const { rtoTicks = 0 } = rig.tcb ?? {};
      user.write(10);
      const lateTicks = (rig.tcb?.timerTick ?? 0) - rig.stack.clock.nowTick - rtoTicks;
      if (lateTicks < 3) return lateTicks;
      for (const waitTicks of [rtoTicks, 1]) {
        rig.run(4 * waitTicks);
        user.write(10);
        expect((rig.tcb?.timerTick ?? 0) - rig.stack.clock.nowTick).toBeGreaterThan(rtoTicks / 2);
      }
      return lateTicks;
    });
    expect(Math.max(...lateBy)).toBeGreaterThanOrEqual(3);
  });
});

describe('an ACK of new data', () => {
  it('starts the timer again for what is left (RFC 6298 5.3)', () => {
    const { rig, user } = warmedUp('w5500');
    user.write(10);
    rig.run(50);
    user.write(10);
    rig.run(50);
    rig.peer('. 1 ack 11');
    rig.sent();
    rig.run(199);
    expect(rig.sent()).toEqual([]);
    rig.run(2);
    expect(rig.sent()).toEqual(['P. 11:21 ack 1']);
  });

  it('a duplicate ACK does not', () => {
    const { rig, user } = warmedUp('w5500');
    user.write(10);
    rig.run(100);
    rig.peer('. 1 ack 1');
    rig.sent();
    rig.run(101);
    expect(rig.sent()).toEqual(['P. 1:11 ack 1']);
  });
});

describe("the end of Linux's attempts", () => {
  /** Timers that fire at the first tick that is not early: 4 ms after what they are set to. */
  function exact(retransmission: Partial<Profile['retransmission']>): Profile {
    return {
      ...PROFILES.linux,
      timers: 'tick',
      retransmission: { ...PROFILES.linux.retransmission, tailLossProbe: false, ...retransmission },
    };
  }

  /** Times of the segments after the first, and of the end, less that of the first retransmission. */
  function ending(profile: Profile, atBegin?: (rig: Rig, user: User) => void): number[] {
    const rig = new Rig(profile);
    const user = rig.connected();
    atBegin?.(rig, user);
    user.write(10);
    rig.sent();
    const seen: number[] = [];
    while (user.told.every((text) => !text.startsWith('ended')) && rig.nowMs < 3600_000) rig.run(1);
    seen.push(...rig.times(), Math.floor(rig.nowMs));
    const [first = 0] = seen;
    return seen.map((ms) => Math.round(ms - first));
  }

  it('tcp_model_timeout: doublings up to the largest RTO, then that; at the first timeout that is not before', () => {
    // 200 + 2 * 248 = 696 ms.
    expect(ending(exact({ rtoMaxMs: 248, giveUp: { by: 'elapsed', retries: 2 } }))).toEqual([0, 252, 504, 756]);
    // 200 + 400 + 600 = 1200 ms.
    expect(ending(exact({ rtoMaxMs: 600, giveUp: { by: 'elapsed', retries: 2 } }))).toEqual([0, 412, 1016, 1620]);
    // 200 + 400 = 600 ms.
    expect(ending(exact({ rtoMaxMs: 400, giveUp: { by: 'elapsed', retries: 1 } }))).toEqual([0, 404, 808]);
  });

  it('a user timeout of a tick or less ends it with the next tick after the first retransmission', () => {
    const set = (_: Rig, user: User): void => void user.socket?.setUserTimeout(1);
    expect(ending(exact({}), set)).toEqual([0, 8]);
  });

  it('a connect whose user timeout is over before SYN is sent again ends right after that', () => {
    const rig = new Rig(exact({}));
    const user = rig.connect((socket) => socket.setUserTimeout(500));
    rig.runTo(1011);
    expect(user.told).toEqual([]);
    expect(rig.times()).toEqual([0, 1004]);
    rig.runTo(1013);
    expect(user.told).toEqual(['ended ETIMEDOUT']);
  });

  it('the retries of SYN do not count for SYN and ACK (tcp_write_timeout: TCP_SYN_SENT)', () => {
    const rig = new Rig({ ...exact({}), handshake: { ...PROFILES.linux.handshake, synRetries: 1 } });
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.run(100_000);
    expect(rig.times()).toEqual([0, 1004, 3008, 7012, 15_016, 31_020]);
  });

  describe('to a peer that takes back its window', () => {
    /** A largest RTO of 1 s: 2 s of silence are too many (tcp_rtx_probe0_timed_out). */
    const SHORT = exact({ rtoMaxMs: 1000, giveUp: { by: 'elapsed', retries: 3 } });

    function shrunk(profile: Profile, answersMs: number, roundTripMs = 0): { rig: Rig; user: User; startMs: number } {
      const rig = new Rig(profile);
      const user = rig.connect();
      rig.run(roundTripMs);
      rig.peer('S. 0 ack 1 win 60000 mss 1460');
      user.write(10);
      const startMs = rig.nowMs;
      rig.onSent = ({ payloadBytes }) => {
        if (payloadBytes > 0 && rig.nowMs < answersMs) {
          rig.engine.at(rig.engine.nowUs + 1000, () => rig.peer('. 1 ack 1 win 0'), 'the peer');
        }
      };
      rig.peer('. 1 ack 1 win 0');
      return { rig, user, startMs };
    }

    /** The connection ends then, and no earlier. */
    function expectEnd({ rig, user, startMs }: ReturnType<typeof shrunk>, endMs: number): void {
      rig.runTo(startMs + endMs - 1);
      expect(user.told).toEqual(['writable']);
      rig.runTo(startMs + endMs + 1);
      expect(user.told).toEqual(['writable', 'ended ETIMEDOUT']);
    }

    it('is over after more than two of the largest RTO since the last ACK', () => {
      // Sent again after 208, 620, 1440, 2444, 3448, 4452 ms.
      expectEnd(shrunk(SHORT, 0), 2444);
      expectEnd(shrunk(SHORT, 700), 3448);
    });

    it('is not over after exactly that', () => {
      for (const [answerMs, endMs] of [[1447, 3448], [1448, 4452]] as const) {
        const one = shrunk(SHORT, 0);
        one.rig.engine.at(answerMs * 1000, () => one.rig.peer('. 1 ack 1 win 0'), 'the peer');
        expectEnd(one, endMs);
      }
    });

    it('is not over before that time has passed since the first retransmission, too', () => {
      // The first retransmission is at 1004 ms, the second at 2008 ms, which is 2007 ms after the last ACK.
      expectEnd(shrunk(SHORT, 0, 400), 3012);
    });

    it('a closed connection is given up as an orphan, though each segment is answered (SOCK_DEAD)', () => {
      const { rig, user } = shrunk(exact({ rtoMaxMs: 1000 }), Infinity);
      user.socket?.close();
      rig.run(60_000);
      expect(rig.leftovers).toBe('0 0 0 ');
    });

    it.each(['lwip', 'w5500'] as const)('%s counts as ever', (name) => {
      const { rig, user } = shrunk(PROFILES[name], Infinity);
      rig.run(2_000_000);
      expect(user.told.at(-1)).toMatch(/^ended E/);
    });
  });
});

describe('freertos-tcp', () => {
  it('a connect sends SYN three times, and ends 11 s after the third (prvTCPNextTimeout)', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connect();
    rig.run(19_999);
    expect(rig.times()).toEqual([0, 3001, 9002]);
    expect(user.told).toEqual([]);
    rig.run(5);
    expect(user.told).toEqual(['ended ENOTCONN']);
  });

  /** Nothing is acknowledged, so that nothing is sent again after so much of it. */
  function stopped(): { rig: Rig; user: User; stoppedMs: number; rtoMs: number } {
    const rig = new Rig('freertos-tcp');
    // The window takes no more than the first segment.
    const user = rig.connected('win 10 mss 1460');
    user.write(10);
    rig.run(150_000);
    const stoppedMs = rig.times().at(-1) ?? NaN;
    expect(rig.tcb?.timer).toBe('none');
    return { rig, user, stoppedMs, rtoMs: rig.tcb?.rtoTicks ?? NaN };
  }

  it('a stopped retransmission is looked at when the user sends: too early, or time for a timer, or due', () => {
    // The RTO of 1 s has been doubled until it did not fit.
    const outcomes = [[0x1_0000, 'nothing'], [0xffff, 'a timer'], [1, 'a timer'], [0, 'at once']] as const;
    for (const [leftMs, outcome] of outcomes) {
      const { rig, user, stoppedMs, rtoMs } = stopped();
      expect(rtoMs).toBe(128_000);
      rig.runTo(stoppedMs + rtoMs - leftMs);
      rig.sent();
      user.write(1);
      expect(rig.sent()).toEqual(outcome === 'at once' ? ['P. 1:11 ack 1'] : []);
      if (outcome === 'at once') continue;
      expect(rig.tcb?.timer).toBe(outcome === 'nothing' ? 'none' : 'retransmit');
      if (outcome === 'nothing') continue;
      rig.run(leftMs + 0.5);
      expect(rig.sent()).toEqual([]);
      rig.run(1);
      expect(rig.sent()).toEqual(['P. 1:11 ack 1']);
    }
  });

  it.each([
    // Sent again after 1001, 3002, 7003, 15004, 31005 ms.
    [30_000, 31_005],
    [2001, 3002],
    [2002, 7003],
  ])('a closed connection is given up at the first timeout %i ms after the first retransmission', (orphanMs, endMs) => {
    // prvTCPStatusAgeCheck: ipconfigTCP_HANG_PROTECTION_TIME is 30 s.
    const rig = new Rig({ ...PROFILES['freertos-tcp'], orphanMs });
    const user = rig.connected();
    user.write(10);
    user.socket?.close();
    rig.run(endMs - 0.5);
    expect(rig.stack.connections.size).toBe(1);
    rig.run(1);
    expect(rig.leftovers).toBe('0 0 0 ');
  });
});

describe('the retries of data are not those of the handshake', () => {
  it.each([
    [2, 8, 8],
    [8, 2, 2],
  ])('%i for data, %i for SYN: %i of those', (retries, synRetries, count) => {
    const rig = new Rig({
      ...PROFILES.w5500,
      retransmission: { ...PROFILES.w5500.retransmission, giveUp: { by: 'count', retries } },
      handshake: { ...PROFILES.w5500.handshake, synRetries },
    });
    rig.connect();
    rig.run(60_000);
    expect(rig.sent()).toHaveLength(1 + count);
  });
});

describe('LAST-ACK', () => {
  /** The peer's FIN comes after 1 s, the user's after 10 s, and an ACK of something older after 60 s. */
  function lastAck(name: 'lwip' | 'freertos-tcp', end: 'close' | 'shutdown'): { rig: Rig; user: User } {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.run(1000);
    rig.peer('F. 1 ack 1');
    rig.run(9000);
    user.socket?.[end]();
    expect(rig.state).toBe('LAST-ACK');
    rig.runTo(60_000);
    if (rig.tcb !== undefined) rig.peer('. 2 ack 1');
    return { rig, user };
  }

  it('lwip: of a closed socket ends 120 s after what came last before close', () => {
    const { rig } = lastAck('lwip', 'close');
    rig.runTo(121_000);
    expect(rig.state).toBe('LAST-ACK');
    rig.runTo(122_000);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('lwip: of one that has only shut down, after what came last', () => {
    const { rig } = lastAck('lwip', 'shutdown');
    rig.runTo(180_000);
    expect(rig.state).toBe('LAST-ACK');
    rig.runTo(181_500);
    expect(rig.state).toBe('CLOSED');
  });

  it('lwip: of one that was silent for longer than that before close, at the first timeout', () => {
    const rig = new Rig('lwip');
    const user = rig.connected();
    rig.peer('F. 1 ack 1');
    rig.run(300_000);
    user.socket?.close();
    rig.run(3500);
    expect(rig.leftovers).toBe('0 0 0 ');
  });
});

it('Karn: what was sent twice measures nothing, where there are no timestamps', () => {
  const { rig, user } = warmedUp('freertos-tcp');
  user.write(10);
  rig.peer('. 1 ack 11');
  const { srttUs8 } = rig.tcb ?? { srttUs8: 0 };
  expect(srttUs8).toBeGreaterThan(0);
  user.write(10);
  rig.run(5000);
  rig.peer('. 1 ack 21');
  expect(rig.tcb?.srttUs8).toBe(srttUs8);
});
