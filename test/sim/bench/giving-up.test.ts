/** A device's TCP gives up by itself while its cable is out: when, on both sides of every deadline. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig, pattern, type FarEnd, type Probe } from './rig.ts';

let rig: Rig;
let probe: Probe;
let far: FarEnd;

/** The connection is made at 2 ms. */
beforeEach(() => {
  rig = new Rig();
  [probe, far] = rig.connect();
});

afterEach(() => {
  expect(rig.leaks).toEqual([]);
  expect(probe.violations).toEqual([]);
  expect(rig.stop()).toBe(0);
});

const pullAt = (atMs: number) => {
  rig.world.advance(atMs - rig.world.now);
  rig.board.cable.pull();
};
const plugAt = (atMs: number) => {
  rig.world.advance(atMs - rig.world.now);
  rig.board.cable.plug();
};

/** Expects no event until a moment before `atMs`, and then ETIMEDOUT. */
function expectTimeoutAt(atMs: number): void {
  rig.world.advance(atMs - 0.001 - rig.world.now);
  expect(probe.saw('ETIMEDOUT')).toBe(false);
  rig.world.advance(0.001);
  expect(probe.events.at(-1)).toEqual([atMs, 'ETIMEDOUT']);
  expect(probe.readAll()).toEqual([[], 'ETIMEDOUT']);
}

/** Expects no time-out in the next three hours. */
function expectNoTimeout(): void {
  rig.world.advance(10_800_000);
  expect(probe.saw('ETIMEDOUT')).toBe(false);
}

describe('keepalive', () => {
  beforeEach(() => {
    probe.socket.setKeepAlive({ idle: 3, interval: 2, count: 4 });
  });

  it('gives up idle + interval x count after the last word of the far end', () => {
    rig.world.advance(500);
    far.push(1);
    rig.world.advance(1);
    pullAt(1000);
    expectTimeoutAt(503 + 3000 + 8000);
  });

  it('counts from the last word that was acknowledged, too', () => {
    rig.world.advance(500);
    probe.socket.write(pattern(1));
    pullAt(1000);
    expectTimeoutAt(502 + 3000 + 8000);
  });

  it('counts from the last probe that was answered before the cable came out', () => {
    // Probes at 3002, 6002 and 9002 were answered.
    pullAt(11_000);
    expectTimeoutAt(9002 + 3000 + 8000);
  });

  it('counts a probe that was answered at the last moment, and not one that was too late', () => {
    pullAt(3002);
    expectTimeoutAt(3002 + 3000 + 8000);
    rig.stop();
    rig = new Rig();
    [probe, far] = rig.connect();
    probe.socket.setKeepAlive({ idle: 3, interval: 2, count: 4 });
    pullAt(3001.999);
    expectTimeoutAt(3002 + 8000);
  });

  it('is content with a cable that is back at the last moment: the next probe is answered', () => {
    pullAt(1000);
    plugAt(11_001);
    pullAt(11_500);
    // At 11002 a probe was answered.
    expectTimeoutAt(11_002 + 3000 + 8000);
  });

  it('goes on counting when the cable was back between two probes only', () => {
    pullAt(1000);
    plugAt(9500);
    pullAt(10_500);
    expectTimeoutAt(11_002);
  });

  it('starts again when the far end is heard between two outages', () => {
    pullAt(1000);
    plugAt(9500);
    far.push(1);
    pullAt(10_500);
    expectTimeoutAt(9501 + 3000 + 8000);
  });

  it('does not run while data is unacknowledged', () => {
    pullAt(1000);
    rig.world.advance(5000);
    probe.socket.write(pattern(1));
    expectTimeoutAt(6000 + 924_600);
  });

  it('does not care for what comes while the cable is out', () => {
    pullAt(1000);
    rig.world.advance(5000);
    far.push(1);
    expectTimeoutAt(2 + 3000 + 8000);
  });

  it('leaves a ghost, which is reset as soon as the device answers again, if it was spoken to', () => {
    pullAt(1000);
    expectTimeoutAt(11_002);
    far.push(1);
    rig.world.advance(1000);
    expect(far.over).toBeUndefined();
    plugAt(20_000);
    rig.world.advance(1);
    expect(far.over).toEqual({ atMs: 20_001, reason: 'ECONNRESET' });
    expect(rig.hungUps()).toEqual([[20_000, 'ECONNRESET']]);
  });

  it('that is switched off gives nothing up', () => {
    pullAt(1000);
    probe.socket.setKeepAlive('off');
    expectNoTimeout();
  });

  it('that is switched on while the cable is out gives up, too', () => {
    probe.socket.setKeepAlive('off');
    pullAt(1000);
    rig.world.advance(9000);
    probe.socket.setKeepAlive({ idle: 3, interval: 2, count: 4 });
    // The idle time is over: the first probe goes at once.
    expectTimeoutAt(10_000 + 8000);
  });

  it('gives up on behalf of a firmware that hangs, which learns of it when it runs again', () => {
    pullAt(1000);
    rig.board.hang();
    rig.world.advance(30_000);
    expect(probe.saw('ETIMEDOUT')).toBe(false);
    rig.board.unhang();
    expect(probe.events.at(-1)).toEqual([31_000, 'ETIMEDOUT']);
  });
});

describe('retransmission', () => {
  it('gives up 924.6 s after the first unacknowledged byte, even if more bytes follow', () => {
    pullAt(1000);
    probe.socket.write(pattern(1));
    rig.world.advance(500_000);
    probe.socket.write(pattern(1));
    expectTimeoutAt(1000 + 924_600);
  });

  it('gives up after the user timeout', () => {
    probe.socket.setUserTimeout(7000);
    pullAt(1000);
    probe.socket.write(pattern(1));
    expectTimeoutAt(8000);
  });

  it('of a FIN gives up as well', () => {
    probe.socket.setUserTimeout(7000);
    pullAt(1000);
    probe.socket.shutdown();
    expectTimeoutAt(8000);
  });

  it('is over when the cable is back', () => {
    probe.socket.setUserTimeout(7000);
    pullAt(1000);
    probe.socket.write(pattern(1));
    plugAt(7999);
    rig.world.advance(1);
    expect(far.received).toEqual([0]);
    pullAt(8001);
    expectNoTimeout();
  });
});

it('a connection without keepalive on which nobody speaks is never given up', () => {
  pullAt(1000);
  expectNoTimeout();
});
