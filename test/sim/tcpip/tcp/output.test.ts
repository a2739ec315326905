/** Sending: full segments, small ones that wait, FIN, and what is sent again. */

import { describe, expect, it } from 'vitest';
import { segmentBytesMax } from '../../../../sim/tcpip/tcp/output.ts';
import { lowerPathMtu } from '../../../../sim/tcpip/tcp/path-mtu.ts';
import type { Tcb } from '../../../../sim/tcpip/tcp/tcb.ts';
import { EXACT, opened } from './opened.ts';

/** The ends of the segments in flight, as the peer counts. */
function ends({ segmentEnds = [], sndUna }: Tcb, una = 1): number[] {
  return segmentEnds.map((end) => ((end - sndUna) | 0) + una);
}

describe('a segment is no larger than half of the largest window', () => {
  it.each([
    // tcp_bound_to_half_wnd: above 536 bytes; and 48 at least.
    ['linux', 1000, [[2001, 1000], [2000, 1000], [1999, 999], [537, 268], [536, 536], [535, 535]]],
    ['linux', 1000, [[49, 49], [48, 48], [47, 48], [1, 48], [0, 1000]]],
    ['linux', 200, [[401, 200], [399, 200], [40, 48]]],
    // tcp_write: mss_local.
    ['lwip', 1000, [[2001, 1000], [1999, 999], [536, 268], [3, 1], [2, 1], [1, 1000], [0, 1000]]],
    ['w5500', 1000, [[1999, 1000], [10, 1000]]],
    ['freertos-tcp', 1000, [[1999, 1000], [10, 1000]]],
  ] as const)('%s, MSS %i', (name, mss, sizes) => {
    for (const [window, bytes] of sizes) {
      expect(segmentBytesMax(opened(name, `win ${window} mss ${mss}`).tcb), `${window}`).toBe(bytes);
    }
  });
});

describe('a small segment waits for a small one (tcp_nagle_check)', () => {
  it('not for a full one', () => {
    const { rig, user } = opened();
    user.write(10);
    rig.peer('. 1 ack 11');
    user.write(1000);
    user.write(10);
    expect(rig.sent()).toEqual(['P. 1:11 ack 1', 'P. 11:1011 ack 1', 'P. 1011:1021 ack 1']);
    user.write(10);
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1011');
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1021');
    expect(rig.sent()).toEqual(['P. 1021:1031 ack 1']);
  });

  it('unless it is the last, with FIN, which nothing can follow', () => {
    const { rig, user } = opened(EXACT, 'win 10 mss 1000');
    user.write(10);
    user.write(10);
    user.socket?.shutdown();
    expect(rig.sent()).toEqual(['P. 1:11 ack 1']);
    rig.peer('. 1 ack 1 win 100');
    expect(rig.sent()).toEqual(['FP. 11:21 ack 1']);
  });
});

describe('nothing is sent', () => {
  it('when all is over, though FIN was still to go', () => {
    const { rig, user } = opened(EXACT, 'win 0 mss 1000');
    user.socket?.shutdown();
    rig.peer('R. 1 ack 1');
    rig.sent();
    user.socket?.setNoDelay(true);
    rig.run(10_000);
    expect(rig.sent()).toEqual([]);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('a FIN that was sent alone is no data: keepalive of the W5500 does not begin with it (Sn_KPALVTR)', () => {
    const { rig, user } = opened('w5500');
    user.socket?.setKeepAlive({ idle: 5, interval: 5, count: 1 });
    user.socket?.shutdown();
    rig.peer('. 1 ack 2');
    rig.sent();
    rig.run(60_000);
    expect(rig.sent()).toEqual([]);
  });
});

it('a write while the window is probed does not put the probe off', () => {
  const { rig, user } = opened(EXACT, 'win 0 mss 1000');
  const fromMs = rig.nowMs;
  user.write(10);
  rig.run(200);
  user.write(10);
  rig.run(200);
  expect(rig.times().map((ms) => ms - fromMs)).toEqual([304]);
});

describe('sent again', () => {
  it('small segments go together, and are one in flight then (tcp_retrans_try_collapse)', () => {
    const { rig, user, tcb } = opened();
    user.socket?.setNoDelay(true);
    for (let i = 0; i < 3; i++) user.write(10);
    expect(ends(tcb)).toEqual([11, 21, 31]);
    rig.sent();
    rig.run(900);
    expect(rig.sent().at(-1)).toBe('P. 1:31 ack 1');
    expect(ends(tcb)).toEqual([31]);
    expect(tcb.packetsOut).toBe(1);
  });

  it('a segment that is too long for the path by now is two (tcp_simple_retransmit)', () => {
    const { rig, user, tcb } = opened();
    user.write(2000);
    rig.sent();
    lowerPathMtu(tcb, 640);
    expect(rig.sent()).toEqual(['. 1:601 ack 1', '. 601:1201 ack 1', '. 1201:1801 ack 1', 'P. 1801:2001 ack 1']);
    expect(ends(tcb)).toEqual([601, 1201, 1801, 2001]);
  });

  it('FIN goes with the last piece only, and not once more', () => {
    const { rig, user } = opened();
    user.write(10);
    user.write(1500);
    user.socket?.shutdown();
    expect(rig.sent()).toEqual(['P. 1:11 ack 1', '. 11:1011 ack 1', 'FP. 1011:1511 ack 1']);
    rig.run(900);
    expect(rig.sent()).toEqual(['FP. 1011:1511 ack 1', '. 1:1001 ack 1']);
    rig.peer('. 1 ack 1001');
    expect(rig.sent()).toEqual(['FP. 1001:1511 ack 1']);
    rig.peer('. 1 ack 1512');
    expect(rig.state).toBe('FIN-WAIT-2');
  });

  it('after a timeout goes on behind what is acknowledged, which may be more than was sent again', () => {
    const { rig, user, tcb } = opened('lwip', 'win 60000 mss 900');
    user.write(2700);
    while (tcb.backoff === 0) rig.run(100);
    rig.sent();
    rig.peer('. 1 ack 1801');
    expect(rig.sent()).toEqual(['P. 1801:2701 ack 1']);
  });

  it('a segment that was sent before what is sent again is timed all the same (Karn)', () => {
    const { rig, user, tcb } = opened();
    user.write(2000);
    rig.run(250);
    expect(rig.sent()).toEqual(['. 1:1001 ack 1', 'P. 1001:2001 ack 1', 'P. 1001:2001 ack 1']);
    rig.peer('. 1 ack 1001');
    expect(tcb.srttUs8 / 8000).toBeCloseTo((7 * 100 + 250) / 8, 0);
  });

  it('all that was sent twice is known to be, whichever went first', () => {
    const { rig, user, tcb } = opened();
    user.write(3000);
    rig.run(250);
    // The probe was the last, the timeout brings the first.
    expect(rig.sent().at(-1)).toBe('P. 2001:3001 ack 1');
    rig.run(400);
    expect(rig.sent()).toEqual(['. 1:1001 ack 1']);
    const before = tcb.srttUs8 / 8000;
    rig.peer('. 1 ack 1001', { echoMs: 20 });
    const first = tcb.srttUs8 / 8000;
    expect(first).toBeCloseTo((7 * before + 20) / 8, 0);
    rig.peer('. 1 ack 3001', { echoMs: 30 });
    expect(tcb.srttUs8 / 8000).toBeCloseTo((7 * first + 30) / 8, 0);
  });

  it('each of several that go again in a row is known to be sent twice', () => {
    const { rig, user, tcb } = opened();
    user.write(4000);
    rig.run(900);
    rig.sent();
    rig.peer('. 1 ack 1001', { echoMs: 100 });
    expect(rig.sent()).toEqual(['. 1001:2001 ack 1', '. 2001:3001 ack 1']);
    rig.peer('. 1 ack 2001', { echoMs: 20 });
    const before = tcb.srttUs8 / 8000;
    rig.peer('. 1 ack 3001', { echoMs: 30 });
    expect(tcb.srttUs8 / 8000).toBeCloseTo((7 * before + 30) / 8, 0);
  });

  it('lwip: the byte of a window probe is the first that waits', () => {
    const { rig, user } = opened('lwip', 'win 0 mss 1000');
    const bytes: number[] = [];
    rig.onSent = ({ payload, payloadBytes }) => bytes.push(...payload.subarray(0, payloadBytes));
    user.socket?.write(Uint8Array.of(201, 202));
    rig.run(2000);
    expect(bytes).toEqual([201]);
  });
});
