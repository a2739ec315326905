/** The stacks' profiles: what their numbers come to is what their makers say, and what was measured. */

import { describe, expect, it } from 'vitest';
import type { Profile } from '../../../sim/tcpip/profile.ts';
import { PROFILE_NAMES } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';

/**
 * Returns how long each timeout of data waits if every segment is lost and the RTO is `rtoMs`. The last timeout gives
 * up.
 */
function dataWaitsMs({ retransmission }: Profile, rtoMs: number): number[] {
  const { giveUp, backoffShifts: shifts, rtoMaxMs, lastWaitMs } = retransmission;
  const waits = [rtoMs];
  for (let n = 0; n < giveUp.retries; n++) {
    const shift = shifts === undefined ? n + 1 : shifts[Math.min(n, shifts.length - 1)] ?? 0;
    waits.push(Math.min(rtoMs * 2 ** shift, rtoMaxMs));
  }
  return lastWaitMs === undefined ? waits : [...waits.slice(0, -1), lastWaitMs];
}

/** Returns the times at which a SYN without an answer is sent. The last time is the end of the attempt. */
function synTimesMs({ handshake }: Profile): number[] {
  const { synRetries, synLinearTimeouts, rtoMs, lastWaitMs } = handshake;
  const times = [0];
  let at = 0;
  let wait = rtoMs;
  for (let retry = 1; retry <= synRetries + synLinearTimeouts; retry++) {
    at += wait;
    times.push(at);
    if (retry > synLinearTimeouts) wait *= 2;
  }
  times.push(at + (lastWaitMs ?? wait));
  return times;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe('every profile', () => {
  it.each(PROFILE_NAMES)('%s: stands under its name and is frozen, all of it', (name) => {
    expect(PROFILES[name].name).toBe(name);
    expect(Object.isFrozen(PROFILES)).toBe(true);
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    expect(isFrozen(PROFILES[name])).toBe(true);
  });

  it.each(PROFILE_NAMES)('%s: counts in ticks that divide a second, and none of its times overflows them', (name) => {
    const { tickUs, retransmission, handshake, keepAlive, timeWaitMs, finWait2Ms, persist } = PROFILES[name];
    expect(1_000_000 % tickUs).toBe(0);
    const timesMs = [
      retransmission.rtoInitialMs,
      retransmission.rtoMinMs,
      retransmission.rtoMaxMs,
      handshake.rtoMs,
      timeWaitMs,
      finWait2Ms,
      keepAlive.defaults.idle * 1000,
      keepAlive.defaults.interval * 1000,
      ...(persist.kind === 'table' ? persist.intervalsMs : []),
    ];
    for (const ms of timesMs) {
      expect(Number.isInteger(ms) && ms >= 0).toBe(true);
      expect((ms * 1000) / tickUs).toBeLessThan(2 ** 31);
    }
    expect(retransmission.rtoMinMs).toBeLessThanOrEqual(retransmission.rtoInitialMs);
    expect(retransmission.rtoInitialMs).toBeLessThanOrEqual(retransmission.rtoMaxMs);
  });

  it.each(PROFILE_NAMES)(
    '%s: its window fits what it can say of it, and its keepalive can be told to the user',
    (name) => {
      const { receiveBufferBytes, windowScale, keepAlive, ephemeralPorts, mssBytes } = PROFILES[name];
      expect(receiveBufferBytes).toBeLessThanOrEqual(0xffff * 2 ** Math.max(windowScale, 0));
      expect(receiveBufferBytes).toBeGreaterThanOrEqual(mssBytes);
      for (const value of Object.values(keepAlive.defaults)) expect(Number.isInteger(value) && value >= 1).toBe(true);
      expect(ephemeralPorts.first).toBeLessThan(ephemeralPorts.last);
      expect(ephemeralPorts.last).toBeLessThanOrEqual(0xffff);
    },
  );
});

describe('linux', () => {
  const { linux } = PROFILES;

  it('gives up a connect after 131 s nominally: at 0, 1, 2, 3, 4 and 5 s, and then doubling', () => {
    expect(synTimesMs(linux).map((ms) => ms / 1000)).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131]);
  });

  it('K12d: with 6 retries and none of them linear, sends at 0, 1, 3, 7, 15, 31, 63 s and gives up at 127 s nominally', () => {
    const profile = { ...linux, handshake: { ...linux.handshake, synLinearTimeouts: 0 } };
    expect(synTimesMs(profile).map((ms) => ms / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63, 127]);
  });

  it('gives up data after 924.6 s nominally: 15 doublings of 200 ms, up to 120 s', () => {
    expect(sum(dataWaitsMs(linux, linux.retransmission.rtoMinMs))).toBe(924_600);
  });

  it('gives up an idle connection after 7875 s, with its defaults', () => {
    const { idle, interval, count } = linux.keepAlive.defaults;
    expect(idle + interval * count).toBe(7875);
  });
});

describe('lwip', () => {
  const { lwip } = PROFILES;

  it('sends SYNs 3 s apart, 7 of them, and gives up a slow tick after the last', () => {
    expect(synTimesMs(lwip).map((ms) => ms / 1000)).toEqual([0, 3, 6, 9, 12, 15, 18, 18.5]);
  });

  it('backs off 1, 2, 4, ... 128 times, and gives up a slow tick after the 12th retransmission', () => {
    expect(dataWaitsMs(lwip, 3000).map((ms) => ms / 1000)).toEqual([
      3, 6, 12, 24, 48, 96, 192, 384, 384, 384, 384, 384, 0.5,
    ]);
  });

  it('probes a closed window after 3, 6, 12, 24, 48, 96, 120 slow ticks', () => {
    const { persist } = lwip;
    expect(persist.kind === 'table' && persist.intervalsMs.map((ms) => ms / 500)).toEqual([3, 6, 12, 24, 48, 96, 120]);
  });

  it('is told ECONNABORTED, after any timeout', () => {
    expect([lwip.timeoutErrno, lwip.keepAlive.errno]).toEqual(['ECONNABORTED', 'ECONNABORTED']);
  });
});

describe('w5500', () => {
  const { w5500 } = PROFILES;

  it('gives up data 31.8 s after it was sent first, by the example of its data sheet', () => {
    const waits = dataWaitsMs(w5500, w5500.retransmission.rtoInitialMs);
    // 0x07D0 + 0x0FA0 + 0x1F40 + 0x3E80 + 0x7D00 + 0xFA00 + 0xFA00 + 0xFA00 + 0xFA00, times 0.1 ms.
    expect(waits).toEqual(
      [0x07d0, 0x0fa0, 0x1f40, 0x3e80, 0x7d00, 0xfa00, 0xfa00, 0xfa00, 0xfa00].map((rtr) => rtr / 10),
    );
    expect(sum(waits)).toBe(31_800);
    expect(w5500.finWait2Ms).toBe(31_800);
  });

  it('doubles as long as the time fits into the 16 bits of RTR', () => {
    const { rtoMaxMs } = w5500.retransmission;
    expect(rtoMaxMs * 10).toBeLessThanOrEqual(0xffff);
    expect(rtoMaxMs * 2 * 10).toBeGreaterThan(0xffff);
  });
});

describe('freertos-tcp', () => {
  const { 'freertos-tcp': freertos } = PROFILES;

  it('sends 3 SYNs, at 0, 3 and 9 s, and gives up 11 s after the last', () => {
    expect(synTimesMs(freertos).map((ms) => ms / 1000)).toEqual([0, 3, 9, 20]);
  });

  it('never gives up data, so that its keepalive has to', () => {
    expect(freertos.retransmission.giveUp.retries).toBe(Infinity);
    expect(freertos.keepAlive.waitsForAcks).toBe(false);
    expect(freertos.keepAlive.defaults).toEqual({ idle: 20, interval: 22, count: 4 });
  });
});
