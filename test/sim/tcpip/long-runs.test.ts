/** Connections that last longer than a stack's ticks of 32 bits, or half of them, can count. */

import { expect, it } from 'vitest';
import type { ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { Rig } from './rig.ts';

const HOUR_MS = 3_600_000;
const KEEP_ALIVE = { idle: 60, interval: 60, count: 3 };

/** Returns after how many ms a silent peer is noticed that has only answered keepalive for `hours` hours. */
function noticedAfterMs(profile: ProfileName, hours: number): number {
  const rig = new Rig(profile);
  const user = rig.connected('win 60000 mss 1460', (socket) => void socket.setKeepAlive(KEEP_ALIVE));
  // The W5500 wants data before it probes.
  rig.peer('P. 1:2 ack 1');
  let probes = 0;
  const answer = (): void => {
    probes++;
    rig.engine.at(rig.engine.nowUs + 1000, () => rig.peer('. 2 ack 1'), 'the peer');
  };
  rig.run(1000);
  rig.onSent = answer;
  rig.engine.runUntil(hours * HOUR_MS * 1000);
  // A probe goes once a minute, except for the first one and for coarse timers. FreeRTOS+TCP looks every 20 s: after a
  // round trip the minute is not over, so it probes 20 s later.
  const leastAnHour = PROFILES[profile].keepAlive.looks === undefined ? 58 : 42;
  expect(probes).toBeGreaterThan(hours * leastAnHour);
  expect(user.told).toEqual(['readable']);
  rig.onSent = undefined;
  const silentMs = rig.nowMs;
  const isOver = (): boolean => rig.tcb === undefined;
  expect(rig.engine.until(isOver, rig.engine.nowUs + HOUR_MS * 1000)).toBe(true);
  return rig.nowMs - silentMs;
}

// Half of all ticks, from where a difference with a sign is below 0, and all of them: the W5500's of 100 us, FreeRTOS's
// of 1 ms, Linux's of 4 ms.
it.each([
  ['w5500', 59],
  ['w5500', 60],
  ['w5500', 119],
  ['w5500', 120],
  ['freertos-tcp', 597],
  ['freertos-tcp', 1194],
  ['linux', 2387],
] as const)(
  '%s: keepalive goes on after %i h without data, and finds a dead peer within its 4 min and an idle time',
  (profile, hours) => {
    expect(noticedAfterMs(profile, hours)).toBeLessThan(5 * 60_000 + 20_000);
  },
);
