/** What is sent again, and when: RFC 6298, RFC 5681, RFC 6582, RFC 8985 7, and where each stack gives up. */

import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig, type User } from '../rig.ts';

/** A connection with a measured round trip of 100 ms, and nothing in flight. */
function warmedUp(
  profile: 'linux' | 'lwip' | 'w5500' | 'freertos-tcp',
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
    /** It says so to whatever comes with data, for so long. */
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

    it('gives up at the first time-out after 240 s of silence (tcp_rtx_probe0_timed_out)', () => {
      const { rig, user } = shrunk(1_000_000);
      rig.runTo(1_000_000);
      const answeredMs = rig.times().at(-1) ?? NaN;
      rig.runTo(answeredMs + 240_000);
      expect(user.told).toEqual(['writable']);
      // They are 120 s apart, and coarse.
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

  it('starts anew with what is acknowledged', () => {
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

  it('right after a time-out is made good, duplicate ACKs are answers to what was sent then, and mean no loss (RFC 6582 3.2 step 1)', () => {
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
    // What is beyond is another matter.
    rig.peer('. 1 ack 4001');
    user.write(3000);
    rig.sent();
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 4001');
    expect(rig.tcb?.recovery).toBe('fast-recovery');
  });

  it('after a pause of more than an RTO the window begins anew (RFC 5681 4.1)', () => {
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

  it('after a time-out begins with one segment, and doubles (RFC 5681 3.1)', () => {
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
