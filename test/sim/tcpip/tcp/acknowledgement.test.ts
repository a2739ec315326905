/** ACKs: which are believed, which window they tell, and what a duplicate means (RFC 9293 3.10.7.4, RFC 5681). */

import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig } from '../rig.ts';
import { type Opened, opened } from './opened.ts';

describe('an ACK is believed (RFC 5961 5.2)', () => {
  it.each([
    ['of all that was sent', 20_001, 4, true],
    ['of more', 20_002, 4, false],
    ['as old as the largest window', 15_001, 1, true],
    ['older than that', 15_000, 1, false],
  ])('%s', (_, ack, seq, isBelieved) => {
    const { rig, user } = opened('linux', 'win 5000 mss 1000');
    for (let to = 1; to < 20_001; to += 4000) {
      user.write(4000);
      rig.peer(`. 1 ack ${Math.min(to + 4000, 20_001)} win 5000`);
    }
    rig.sent();
    rig.peer(`P. 1:4 ack ${ack} win 5000`);
    // An ACK that is not believed gets a challenge ACK, and its data is not taken.
    expect(rig.sent()).toEqual([`. 20001 ack ${isBelieved ? 4 : 1}`]);
    expect(user.read(10)).toBe(isBelieved ? seq === 4 || seq === 1 ? 3 : 0 : 'EAGAIN');
  });

  it('of one before the first, where the window was never open', () => {
    for (const [ack, isBelieved] of [[0, true], [-1, false]] as const) {
      const { rig, user } = opened('linux', 'win 0 mss 1000');
      rig.peer(`P. 1:4 ack ${ack} win 0`);
      expect(user.read(10)).toBe(isBelieved ? 3 : 'EAGAIN');
    }
  });

  it('an old one does not say that anybody is there, nor how large the window is', () => {
    const { rig, user, tcb } = opened('linux');
    user.write(10);
    rig.peer('. 1 ack 11 win 60000');
    const { lastAckTick } = tcb;
    rig.run(1000);
    rig.peer('. 1 ack 1 win 50');
    expect(tcb.lastAckTick).toBe(lastAckTick);
    expect(tcb.sndWnd).toBe(60_000);
  });
});

describe('the window is that of the newest segment (tcp_may_update_window)', () => {
  /** The window after these, on a stack that delays its ACK, so that what came before is still in its window. */
  function after(...texts: readonly string[]): number {
    const { rig, user, tcb } = opened('lwip');
    user.write(10);
    rig.peer('. 1 ack 1');
    for (const text of texts) rig.peer(text);
    return tcb.sndWnd;
  }

  it('with a later ACK, larger or smaller', () => {
    expect(after('. 1 ack 2 win 500')).toBe(500);
    expect(after('. 1 ack 2 win 60001')).toBe(60_001);
  });

  it('with a later number', () => {
    expect(after('P. 1:2 ack 1 win 500', '. 2 ack 1 win 400')).toBe(400);
    expect(after('. 1 ack 1 win 0', '. 2 ack 1 win 400')).toBe(400);
  });

  it('with both the same only if it is larger, or closed', () => {
    expect(after('. 1 ack 1 win 500')).toBe(60_000);
    expect(after('. 1 ack 1 win 60001')).toBe(60_001);
    expect(after('. 1 ack 1 win 0')).toBe(0);
    expect(after('. 1 ack 1 win 0', '. 1 ack 1 win 1')).toBe(1);
  });

  it('not with an earlier number', () => {
    expect(after('P. 1:2 ack 1 win 500', '. 2 ack 1 win 400', '. 1 ack 1 win 60000')).toBe(400);
    expect(after('P. 1:2 ack 1 win 500', '. 2 ack 1 win 400', '. 1 ack 1 win 0')).toBe(400);
    // With a later ACK the window counts, because it is new.
    expect(after('P. 1:2 ack 1 win 500', '. 2 ack 1 win 400', '. 1 ack 2 win 300')).toBe(300);
  });
});

describe('the timestamp to echo (RFC 7323 4.3)', () => {
  it('is the first, of either sign, and 0 without a timestamp', () => {
    const { rig, tcb } = opened('linux');
    rig.peer('P. 1:2 ack 1');
    expect(tcb.tsRecent).toBe(0);
    rig.peer('P. 2:3 ack 1', { timestamp: -5 });
    expect(tcb.tsRecent).toBe(-5);
    rig.peer('P. 3:4 ack 1');
    expect(tcb.tsRecent).toBe(-5);
    // The segment begins one byte beyond the last ACK.
    rig.peer('P. 5:6 ack 1', { timestamp: 10 });
    expect(tcb.tsRecent).toBe(-5);
    rig.peer('P. 4:5 ack 1', { timestamp: 11 });
    expect(tcb.tsRecent).toBe(11);
  });
});

describe('a tail loss probe that was the last segment again', () => {
  /** A connection whose probe is out, and whose original segment is acknowledged. */
  function probed(): Opened {
    const open = opened('linux');
    open.user.write(10);
    open.rig.run(310);
    open.rig.peer('. 1 ack 11', { echoMs: 1 });
    return open;
  }

  it.each([
    ['a duplicate ACK', '. 1 ack 11', 'loss-probe'],
    ['data', 'P. 1:5 ack 11', 'retransmit'],
    ['FIN', 'F. 1 ack 11', 'retransmit'],
    ['another window', '. 1 ack 11 win 60001', 'retransmit'],
    ['an old ACK', '. 1 ack 5', 'retransmit'],
  ])('after %s (%s) the next segment has the timer %s (tcp_process_tlp_ack)', (_, text, timer) => {
    const { rig, user, tcb } = probed();
    rig.peer(text);
    user.write(10);
    expect(tcb.timer).toBe(timer);
  });

  it('is not answered by a duplicate of what was before it', () => {
    const { rig, user, tcb } = opened('linux');
    user.write(2000);
    rig.run(240);
    expect(rig.sent()).toEqual(['. 1:1001 ack 1', 'P. 1001:2001 ack 1', 'P. 1001:2001 ack 1']);
    rig.peer('. 1 ack 1001', { echoMs: 1 });
    rig.peer('. 1 ack 1001', { echoMs: 1 });
    user.write(1000);
    expect(tcb.timer).toBe('retransmit');
    // An ACK beyond the probe shows that the probe has mended a loss, so the window is halved (RFC 8985 7.4.2).
    rig.peer('. 1 ack 3001', { echoMs: 1 });
    expect([tcb.cwnd, tcb.ssthresh]).toEqual([5, 5]);
  });
});

describe('duplicate ACKs', () => {
  function tenOut(): Opened {
    const open = opened('linux');
    open.user.write(10_000);
    open.rig.sent();
    return open;
  }

  it.each([
    ['data', 'P. 1:2 ack 1', 'P. 2:3 ack 1', 'P. 3:4 ack 1'],
    ['FIN', 'F. 1 ack 1', 'F. 1 ack 1', 'F. 1 ack 1'],
    ['other windows', '. 1 ack 1 win 60001', '. 1 ack 1 win 60002', '. 1 ack 1 win 60003'],
  ])('are none with %s (RFC 5681 2)', (_, ...texts) => {
    const { rig, tcb } = tenOut();
    for (const text of texts) rig.peer(text);
    expect(tcb.recovery).toBe('open');
    expect(tcb.trouble.dupAcks).toBe(0);
  });

  it('count from the start after an ACK of something new', () => {
    for (const isChallenged of [false, true]) {
      const { rig, tcb } = tenOut();
      // A connection that is in some trouble has not forgotten it with an ACK.
      if (isChallenged) rig.peer('S 70000 mss 1460');
      rig.sent();
      for (const ack of [1, 1, 1001, 1001, 1001]) rig.peer(`. 1 ack ${ack}`);
      expect(tcb.recovery).toBe('open');
      rig.peer('. 1 ack 1001');
      expect(tcb.recovery).toBe('fast-recovery');
      expect(rig.sent()).toEqual(['. 1001:2001 ack 1']);
    }
  });

  it('each make the window one larger in fast recovery, and an ACK of a part smaller by that part (RFC 6582 3.2)', () => {
    const { rig, tcb } = tenOut();
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    expect([tcb.ssthresh, tcb.cwnd]).toEqual([5, 8]);
    for (let i = 0; i < 2; i++) rig.peer('. 1 ack 1');
    expect(tcb.cwnd).toBe(10);
    rig.peer('. 1 ack 3001');
    expect(tcb.cwnd).toBe(8);
    rig.peer('. 1 ack 10001');
    expect([tcb.recovery, tcb.cwnd, tcb.trouble.dupAcks]).toEqual(['open', 5, 0]);
  });

  it('start the RTO again with what they let be sent again', () => {
    const { rig, tcb } = tenOut();
    rig.run(150);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    expect(tcb.timer).toBe('retransmit');
    expect(tcb.timerTick - rig.stack.clock.nowTick).toBeGreaterThanOrEqual(75);
  });

  it('mean nothing in the recovery of a timeout', () => {
    const { rig, tcb } = tenOut();
    rig.run(1000);
    expect(tcb.recovery).toBe('loss');
    rig.sent();
    for (let i = 0; i < 4; i++) rig.peer('. 1 ack 1');
    expect([tcb.recovery, tcb.cwnd, tcb.trouble.dupAcks]).toEqual(['loss', 1, 0]);
    expect(rig.sent()).toEqual([]);
  });
});

describe('after a timeout', () => {
  it('the first ACK of one segment alone makes the congestion window two (RFC 5681 3.1)', () => {
    const { rig, user, tcb } = opened('linux');
    user.write(10);
    rig.run(700);
    expect(tcb.cwnd).toBe(1);
    rig.peer('. 1 ack 11');
    expect([tcb.cwnd, tcb.recovery]).toEqual([2, 'open']);
  });

  it('an ACK of a part sets the count of retransmissions back to 0, for the rest (tcp_receive: nrtx)', () => {
    const { rig, user } = opened('lwip');
    user.write(1000);
    user.write(1000);
    const { tcb } = rig;
    while ((tcb?.trouble.timeouts ?? 6) < 6) rig.run(100);
    rig.sent();
    rig.peer('. 1 ack 1001');
    rig.sent();
    rig.run(3_600_000);
    expect(rig.sent().filter((text) => text.includes(' 1001:2001 '))).toHaveLength(12);
    expect(user.told.at(-1)).toBe('ended ECONNABORTED');
  });

  it('leaves nothing behind when something beyond it is acknowledged', () => {
    const fresh = opened('lwip').tcb;
    const { rig, user, tcb } = opened('lwip');
    user.write(10);
    rig.run(7000);
    rig.peer('. 1 ack 11');
    expect(tcb.trouble === fresh.trouble).toBe(false);
    user.write(10);
    rig.peer('. 1 ack 21');
    expect(tcb.trouble === fresh.trouble).toBe(true);
  });
});

describe('a round trip', () => {
  /** A connection whose time is a number that wraps, soon. */
  function late(): Opened {
    const open = opened('linux');
    open.rig.runTo(2 ** 31 / 1000 - 50);
    return open;
  }

  it('is of the segment that is timed, and not of one before it (RFC 6298 3)', () => {
    const { rig, user, tcb } = opened('linux');
    user.socket?.setNoDelay(true);
    user.write(10);
    rig.run(10);
    user.write(10);
    rig.run(90);
    rig.peer('. 1 ack 11');
    const { srttUs8 } = tcb;
    user.write(10);
    rig.run(10);
    rig.peer('. 1 ack 21');
    expect(tcb.srttUs8).toBe(srttUs8);
    rig.run(90);
    rig.peer('. 1 ack 31');
    expect(tcb.srttUs8 / 8000).toBeCloseTo(100, 0);
  });

  it('is what it is where the clock of microseconds wraps', () => {
    const { rig, user, tcb } = late();
    user.write(10);
    rig.run(100);
    rig.peer('. 1 ack 11');
    expect(tcb.srttUs8 / 8000).toBeCloseTo(100, 0);

    const handshake = new Rig('linux');
    handshake.runTo(2 ** 31 / 1000 - 50);
    handshake.connect();
    handshake.run(100);
    handshake.peer('S. 0 ack 1 win 60000 mss 1000');
    expect((handshake.tcb?.srttUs8 ?? 0) / 8000).toBeCloseTo(100, 0);
  });

  it('is measured by time again when what was sent twice is acknowledged', () => {
    const { rig, user, tcb } = opened('linux');
    user.write(10_000);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    const { srttUs8 } = tcb;
    // Two parts of what was sent twice, without an echo: nothing is known.
    rig.run(50);
    rig.peer('. 1 ack 501');
    rig.peer('. 1 ack 1001');
    expect(tcb.srttUs8).toBe(srttUs8);
    rig.peer('. 1 ack 10001');
    user.write(10);
    rig.run(20);
    rig.peer('. 1 ack 10011');
    expect(tcb.srttUs8 / 8000).toBeCloseTo(90, 0);
  });

  it('is measured by the echo for as long as any part of what was sent twice is acknowledged', () => {
    const { rig, user, tcb } = opened('linux');
    user.write(10_000);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    rig.run(50);
    rig.peer('. 1 ack 501', { echoMs: 20 });
    expect(tcb.srttUs8 / 8000).toBeCloseTo(90, 0);
    rig.peer('. 1 ack 1001', { echoMs: 10 });
    expect(tcb.srttUs8 / 8000).toBeCloseTo(80, 0);
  });
});

describe('the segments in flight', () => {
  it('are forgotten with their times: the probe of a later one is no later than its RTO', () => {
    const { rig, user, tcb } = opened('linux');
    user.write(2000);
    rig.run(100);
    rig.peer('. 1 ack 2001');
    rig.run(5000);
    user.write(10);
    // The probe of one segment would take two round trips and 200 ms, but the RTO is less.
    const left = tcb.timerTick - rig.stack.clock.nowTick;
    expect(tcb.rtoTicks).toBeLessThan(76);
    expect(left).toBeLessThan(76 + 8);
  });
});

describe('room to write (sk_stream_write_space)', () => {
  it.each([
    [1000, 'writable'],
    [999, undefined],
  ])('is told when a third of the buffer is free: %i of 3000 bytes acknowledged', (bytes, told) => {
    const { rig, user } = opened({ ...PROFILES.linux, sendBufferBytes: 3000 });
    expect(user.write(4000)).toBe(3000);
    rig.peer(`. 1 ack ${bytes + 1}`);
    expect(user.told.at(-1)).toBe(told);
    // The user is told once, and only if it offered more than was taken.
    rig.peer('. 1 ack 2001');
    expect(user.told).toEqual(['writable']);
    rig.peer('. 1 ack 3001');
    expect(user.told).toEqual(['writable']);
  });
});

describe('an answer to a probe of a closed window', () => {
  it.each(['linux', 'lwip'] as const)('%s: says that somebody is there, and the next one is asked for from now', (name) => {
    const { rig, user, tcb } = opened(name, 'win 0 mss 1000');
    user.write(500);
    while (tcb.backoff < 3) rig.run(100);
    expect(tcb.trouble.probesOut).toBe(3);
    rig.sent();
    const wasTicks = tcb.timerTick;
    rig.run(500);
    rig.peer('. 1 ack 1 win 0');
    expect([tcb.timer, tcb.backoff, tcb.trouble.probesOut]).toEqual(['persist', 3, 0]);
    expect(tcb.timerTick).toBeGreaterThan(wasTicks);
  });

  it('that opens it too little for the next segment is none: it is asked on', () => {
    const cases = [[500, 499, false], [500, 500, true], [5000, 999, false], [5000, 1000, true]] as const;
    for (const [bytes, window, isOpen] of cases) {
      const { rig, user, tcb } = opened('lwip', 'win 60000 mss 1000');
      rig.peer('. 1 ack 1 win 0');
      user.write(Math.min(bytes, 2920));
      while (tcb.backoff < 3) rig.run(100);
      rig.sent();
      rig.peer(`. 1 ack 1 win ${window}`);
      expect(tcb.timer).toBe(isOpen ? 'retransmit' : 'persist');
      expect(tcb.backoff).toBe(isOpen ? 0 : 3);
      expect(rig.sent()).toHaveLength(isOpen ? 1 : 0);
    }
  });

  it('opens a window that closes again: then a user timeout counts from the first probe after that', () => {
    const { rig, user } = opened('linux', 'win 0 mss 1000');
    user.socket?.setUserTimeout(10_000);
    user.write(1000);
    const answer = (ms: number): void => {
      const untilMs = rig.nowMs + ms;
      while (rig.nowMs < untilMs) {
        rig.run(100);
        if (rig.sent().length > 0) rig.peer('. 1 ack 1 win 0');
      }
    };
    answer(7000);
    rig.peer('. 1 ack 1 win 1000');
    rig.peer('. 1 ack 1001 win 0');
    rig.sent();
    user.write(1000);
    const fromMs = rig.nowMs;
    while (user.told.every((text) => !text.startsWith('ended')) && rig.nowMs < fromMs + 20_000) {
      rig.run(100);
      if (rig.sent().length > 0 && rig.tcb !== undefined) rig.peer('. 1 ack 1001 win 0');
    }
    expect(rig.nowMs - fromMs).toBeGreaterThan(10_000);
    expect(rig.nowMs - fromMs).toBeLessThan(13_000);
  });
});
