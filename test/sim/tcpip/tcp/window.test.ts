/** Windows: closed ones and their probes, silly ones, and the small segments that wait: RFC 9293 3.7.4, 3.8.6. */

import { describe, expect, it } from 'vitest';
import { PROFILE_NAMES } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig, windows } from '../rig.ts';

describe.each(PROFILE_NAMES)('%s', (name) => {
  const { receiveBufferBytes, windowBytesMax, windowUpdate, sendBufferBytes, persist, nagle } = PROFILES[name];

  it.runIf(persist.kind !== 'none')('sends nothing into a closed window but probes, as long as they are answered', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 0 mss 1460');
    user.write(100);
    expect(rig.sent()).toEqual([]);
    // lwIP's carry the first byte that waits (tcp_zero_window_probe); the others' number is below the window.
    const probe = PROFILES[name].windowProbe === 'byte' ? '. 1:2 ack 1' : '. 0 ack 1';
    let probes = 0;
    for (let second = 0; second < 1800; second++) {
      rig.run(1000);
      const sent = rig.sent();
      if (sent.length === 0) continue;
      for (const text of sent) expect(text).toBe(probe);
      probes += sent.length;
      rig.peer('. 1 ack 1 win 0');
    }
    expect(probes).toBeGreaterThan(10);
    expect(rig.state).toBe('ESTABLISHED');
    rig.peer('. 1 ack 1 win 1000');
    expect(rig.sent()).toEqual(['P. 1:101 ack 1']);
  });

  it.skipIf(PROFILES[name].windowProbe === 'empty')(
    'goes on behind the byte of a probe that the peer has taken',
    () => {
      const rig = new Rig(name);
      const user = rig.connected('win 0 mss 1460');
      user.write(100);
      rig.run(1999);
      expect(rig.sent()).toEqual(['. 1:2 ack 1']);
      rig.peer('. 1 ack 2 win 0');
      expect(rig.sent()).toEqual([]);
      rig.run(4000);
      expect(rig.sent()).toEqual(['. 2:3 ack 1']);
      rig.peer('. 1 ack 2 win 1000');
      expect(rig.sent()).toEqual(['P. 2:101 ack 1']);
      rig.peer('. 1 ack 101 win 1000');
      rig.run(600_000);
      expect(rig.sent()).toEqual([]);
    },
  );

  it.runIf(PROFILES[name].fin === 'linux')('keeps FIN, which has a number too, until the window takes it; and nobody who closes is left without a timer', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('. 1 ack 1 win 8');
    user.write(8);
    user.socket?.close();
    expect(rig.sent()).toEqual(['P. 1:9 ack 1']);
    rig.peer('. 1 ack 9 win 0');
    rig.run(10_000);
    const probe = PROFILES[name].windowProbe === 'byte' ? 'F. 9 ack 1' : '. 8 ack 1';
    for (const text of rig.sent()) expect(text).toBe(probe);
    expect(rig.tcb?.timer).toBe('persist');
    rig.peer('. 1 ack 9 win 1');
    expect(rig.sent()).toEqual(['F. 9 ack 1']);
  });

  it.runIf(persist.kind !== 'none')('sends what the window takes when the probe\'s time has come (RFC 9293 3.8.6.2.1)', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 5000 mss 1460');
    user.write(1);
    rig.peer('. 1 ack 2 win 50');
    rig.sent();
    user.write(1000);
    expect(rig.sent()).toEqual([]);
    rig.run(4000);
    expect(rig.sent()[0]).toBe('. 2:52 ack 1');
  });

  it.runIf(persist.kind !== 'none')('fills half of the largest window there was, or a segment (RFC 9293 3.8.6.2.1)', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 1000 mss 1460');
    user.write(2000);
    // Linux's tcp_bound_to_half_wnd, lwIP's mss_local: no segment is longer than half of the largest window.
    const isBound = PROFILES[name].halfWindow !== 'none';
    expect(rig.sent()).toEqual(isBound ? ['. 1:501 ack 1', '. 501:1001 ack 1'] : ['. 1:1001 ack 1']);
    rig.peer('. 1 ack 1001 win 499');
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1001 win 500');
    expect(rig.sent()).toEqual(['. 1001:1501 ack 1']);
  });

  it.runIf(windowUpdate.kind !== 'emptied')('closes its own window as the buffer fills, and opens it by half of it or a segment', () => {
    const rig = new Rig(name);
    const seen = windows(rig);
    const user = rig.connected();
    let seq = 1;
    while (seq <= receiveBufferBytes) {
      const bytes = Math.min(1460, receiveBufferBytes + 1 - seq);
      rig.peer(`. ${seq}:${seq + bytes} ack 1`);
      seq += bytes;
    }
    rig.run(500);
    expect(seen.at(-1)).toBe(0);
    rig.sent();
    // A byte is not worth telling (RFC 9293 3.8.6.2.2).
    expect(user.read(1)).toBe(1);
    expect(rig.sent()).toEqual([]);
    expect(user.read(Math.min(receiveBufferBytes / 2, 1460))).toBeGreaterThan(0);
    expect(rig.sent()).toHaveLength(1);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(Math.min(receiveBufferBytes / 2, 1460));
  });

  it('takes nothing beyond its window, and says so', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    const windowBytes = Math.min(receiveBufferBytes, windowBytesMax);
    rig.peer(`. 1:${windowBytes + 501} ack 1`);
    rig.run(500);
    expect(rig.sent().at(-1)).toBe(`. 1 ack ${windowBytes + 1}`);
    if (windowBytes < receiveBufferBytes) return;
    rig.peer(`. ${windowBytes + 1}:${windowBytes + 2} ack 1`);
    expect(rig.sent()).toEqual([`. 1 ack ${windowBytes + 1}`]);
    expect(user.read(100_000)).toBe(windowBytes);
  });

  it.runIf(nagle !== 'none')('with Nagle a small segment waits for a small one', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.write(1);
    user.write(1);
    user.write(1);
    expect(rig.sent()).toEqual(['P. 1:2 ack 1']);
    rig.peer('. 1 ack 2');
    expect(rig.sent()).toEqual(['P. 2:4 ack 1']);
  });

  it.runIf(nagle !== 'none')('without Nagle each goes at once; turned off, what waits goes', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.write(1);
    user.write(1);
    rig.sent();
    user.socket?.setNoDelay(true);
    expect(rig.sent()).toEqual(['P. 2:3 ack 1']);
    user.write(1);
    expect(rig.sent()).toEqual(['P. 3:4 ack 1']);
  });

  it('takes no more than its buffer holds, and tells when there is room', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 60000 mss 1460');
    expect(user.write(sendBufferBytes + 1)).toBe(sendBufferBytes);
    expect(user.write(1)).toBe('EAGAIN');
    const first = rig.sent().length;
    expect(first).toBeGreaterThan(0);
    for (let acked = 1460; user.told.length === 0; acked += 1460) {
      rig.peer(`. 1 ack ${1 + Math.min(acked, sendBufferBytes)}`);
    }
    expect(user.told).toEqual(['writable']);
    expect(user.write(100)).toBe(100);
  });
});

it('keeps 128 pieces that came too early, and the stream is whole all the same', () => {
  const rig = new Rig('linux');
  const user = rig.connected();
  for (let seq = 3; seq < 600; seq += 2) rig.peer(`. ${seq}:${seq + 1} ack 1`);
  expect(rig.tcb?.fragments).toHaveLength(128);
  rig.peer('. 1:3 ack 1');
  rig.peer('. 1:601 ack 1');
  expect(rig.tcb?.fragments).toBeUndefined();
  expect(user.read(1000)).toBe(600);
});

describe('a closed window and a peer that answers no probe', () => {
  it('linux gives up as it does on data', () => {
    const rig = new Rig('linux');
    const user = rig.connected('win 0 mss 1460');
    user.write(100);
    rig.run(700_000);
    expect(user.told).toEqual([]);
    rig.run(1300_000);
    expect(user.told).toEqual(['ended ETIMEDOUT']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('lwip after 12 probes', () => {
    const rig = new Rig('lwip');
    const user = rig.connected('win 0 mss 1460');
    user.write(100);
    rig.run(3600_000);
    expect(rig.sent()).toHaveLength(12);
    expect(user.told).toEqual(['ended ECONNABORTED']);
  });
});

describe('acknowledging', () => {
  it('linux: the first segments at once, then 40 ms later, or with the answer', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    rig.peer('P. 1:9 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 9']);
    user.read(100);
    user.write(8);
    rig.sent();
    rig.peer('. 9 ack 9');
    rig.run(10);
    rig.peer('P. 9:17 ack 9');
    expect(rig.sent()).toEqual([]);
    rig.run(39);
    expect(rig.sent()).toEqual([]);
    rig.run(10);
    expect(rig.sent()).toEqual(['. 9 ack 17']);
  });

  it('lwip: at the next beat of its 250 ms timer, or with the second segment', () => {
    const rig = new Rig('lwip');
    rig.connected();
    rig.runTo(1100);
    rig.peer('P. 1:9 ack 1');
    rig.runTo(1249);
    expect(rig.sent()).toEqual([]);
    rig.runTo(1250);
    expect(rig.sent()).toEqual(['. 1 ack 9']);
    rig.peer('P. 9:17 ack 1');
    expect(rig.sent()).toEqual([]);
    rig.peer('P. 17:25 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 25']);
  });

  it('w5500: 200 ms later, or with the second segment', () => {
    const rig = new Rig('w5500');
    rig.connected();
    rig.peer('P. 1:9 ack 1');
    rig.run(199.9);
    expect(rig.sent()).toEqual([]);
    rig.run(1.2);
    expect(rig.sent()).toEqual(['. 1 ack 9']);
    rig.peer('P. 9:17 ack 1');
    expect(rig.sent()).toEqual([]);
    rig.peer('P. 17:25 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 25']);
  });

  it('freertos-tcp: at once, as its window is two segments (prvSendData)', () => {
    const rig = new Rig('freertos-tcp');
    rig.connected();
    rig.peer('P. 1:9 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 9']);
  });

  it.each(['lwip', 'w5500'] as const)('%s: an ACK alone is no second segment (tcp_receive: tcp_ack where tcplen > 0)', (name) => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.run(10);
    user.write(5);
    rig.sent();
    rig.peer('P. 1:9 ack 1');
    rig.peer('. 9 ack 6');
    expect(rig.sent()).toEqual([]);
    rig.run(260);
    expect(rig.sent()).toEqual(['. 6 ack 9']);
  });

  it('at once what is out of order, what fills the gap, and what came before (RFC 5681 4.2)', () => {
    const rig = new Rig('lwip');
    const user = rig.connected();
    rig.peer('P. 5:9 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    rig.peer('P. 1:5 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 9']);
    expect(user.read(100)).toBe(8);
    rig.peer('P. 1:5 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 9']);
  });
});
