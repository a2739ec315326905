/**
 * The picture of each device, from traces written by hand: spans of either view, ghosts, faults, beats, marks; and that
 * it stays small.
 */

import { describe, expect, it } from 'vitest';
import type { LossReason } from '../../../firmware/events.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { ResetReason } from '../../../hal/system.ts';
import type { FaultKind } from '../../../sim/faults/kinds/index.ts';
import type { OfflineReason } from '../../../sim/server/events.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { type DeviceLine, TimeLines } from '../../../sim/verdict/time-line.ts';
import type { FaultEvent, TraceEvent } from '../../../sim/trace/trace.ts';

const server = 'server:39002';
const end = (port: number, address = '10.0.0.2'): SocketAddress => ({ address, port });

// Each line of a trace, times in seconds.
const boot = (s: number, resetReason: ResetReason = 'power-on', boots = 1, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'boot',
  boots,
  resetReason,
  atMs: s * 1000,
});
const connected = (s: number, port: number, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'connected',
  server,
  local: end(port),
  atMs: s * 1000,
});
const beat = (s: number, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'beat-sent',
  atMs: s * 1000,
});
const answered = (s: number, afterMs = 1): TraceEvent => ({
  source: 'device',
  device: 'dev-1',
  kind: 'served',
  afterMs,
  atMs: s * 1000,
});
const missed = (s: number, count = 1): TraceEvent => ({
  source: 'device',
  device: 'dev-1',
  kind: 'beat-missed',
  missed: count,
  atMs: s * 1000,
});
const failed = (s: number): TraceEvent => ({
  source: 'device',
  device: 'dev-1',
  kind: 'connect-failed',
  server,
  errno: 'ECONNREFUSED',
  atMs: s * 1000,
});
const lost = (s: number, by: LossReason, detail?: string): TraceEvent => {
  return {
    source: 'device',
    device: 'dev-1',
    kind: 'lost',
    server,
    by,
    afterMs: 1,
    ...(detail !== undefined && { detail }),
    atMs: s * 1000,
  };
};
const online = (s: number, port: number, address?: string): TraceEvent => ({
  source: 'server',
  server: 'server',
  kind: 'online',
  client: 1,
  peer: end(port, address),
  atMs: s * 1000,
});
const offline = (
  s: number,
  port: number,
  reason: OfflineReason = { kind: 'silent', silentMs: 15_000 },
  address?: string,
): TraceEvent => {
  return {
    source: 'server',
    server: 'server',
    kind: 'offline',
    client: 1,
    peer: end(port, address),
    onlineMs: 1,
    silentMs: 1,
    reason,
    atMs: s * 1000,
  };
};
const hungUp = (s: number, port: number, by: 'closed' | 'ECONNRESET' = 'closed'): TraceEvent => ({
  source: 'bench',
  device: 'dev-1',
  kind: 'hung-up',
  local: end(port),
  by,
  atMs: s * 1000,
});
const change = (
  kind: 'fault' | 'healed',
  s: number,
  id: number,
  fault: FaultKind,
  more: Partial<FaultEvent> = {},
): TraceEvent => {
  return {
    source: 'fault',
    kind,
    id,
    fault,
    host: 'dev-1',
    on: 'device',
    tier: 'T3',
    text: `${fault} ${id}`,
    ...more,
    atMs: s * 1000,
  };
};
const fault = (s: number, id: number, kind: FaultKind, more?: Partial<FaultEvent>): TraceEvent =>
  change('fault', s, id, kind, more);
const healed = (s: number, id: number, kind: FaultKind, more?: Partial<FaultEvent>): TraceEvent =>
  change('healed', s, id, kind, more);
const ON_SERVER = { host: 'server', on: 'server' } as const;

function read(trace: Iterable<TraceEvent>): TimeLines {
  const sessions = new Sessions();
  const lines = new TimeLines(sessions);
  for (const event of trace) sessions.add(event);
  return lines;
}

function lineOf(trace: readonly TraceEvent[], endS = 100): DeviceLine {
  const [line] = read(trace).lines(endS * 1000);
  if (line === undefined) throw new Error('no device in this trace');
  // The line is plain data: it survives JSON.
  expect(JSON.parse(JSON.stringify(line))).toEqual(line);
  return line;
}

const up = [boot(0), connected(1, 5000), online(1.1, 5000), beat(2), answered(2.1)];

describe('connected, as the device sees it', () => {
  it('lasts until it is lost, with the reason', () => {
    expect(lineOf([...up, lost(20, 'bad-frame', 'type 9')]).connected).toEqual([
      { fromMs: 1000, toMs: 20_000, end: 'bad-frame, type 9' },
    ]);
  });

  it('lasts until the end, if nothing ends it', () => {
    expect(lineOf(up).connected).toEqual([{ fromMs: 1000, toMs: 100_000 }]);
  });

  it('ends with the power, and with a crash; but not with a hang, until the watchdog bites', () => {
    expect(lineOf([...up, fault(10, 1, 'power-loss')]).connected).toEqual([
      { fromMs: 1000, toMs: 10_000, end: 'power-loss' },
    ]);
    expect(lineOf([...up, fault(10, 1, 'crash')]).connected).toEqual([{ fromMs: 1000, toMs: 10_000, end: 'crash' }]);
    expect(lineOf([...up, fault(10, 1, 'hang'), boot(18, 'watchdog', 2)]).connected).toEqual([
      { fromMs: 1000, toMs: 18_000, end: 'reboot (watchdog)' },
    ]);
  });

  it('ends with a panic, before the boot that follows', () => {
    const panic: TraceEvent = {
      source: 'device',
      device: 'dev-1',
      kind: 'panic',
      task: 'beat',
      reason: 'boom',
      stack: '',
      atMs: 9000,
    };
    const { connected: spans, marks } = lineOf([...up, panic, boot(9.1, 'panic', 2)]);
    expect(spans).toEqual([{ fromMs: 1000, toMs: 9000, end: 'panic' }]);
    expect(marks.map(({ text }) => text)).toEqual(['PANIC in task beat: boom', 'boot 2 (panic)']);
  });
});

describe('online, as the server sees it', () => {
  it('lasts from when the server takes it online, until it says why not', () => {
    expect(lineOf([...up, offline(30, 5000)]).online).toEqual([
      { server: 'server', fromMs: 1100, toMs: 30_000, end: 'silent for 15.0 s', ghosts: [] },
    ]);
  });

  it('is told from the device by its end, also dressed as IPv6, and whichever side tells first', () => {
    const trace = [
      boot(0),
      online(1, 5000, '::ffff:10.0.0.2'),
      connected(1.1, 5000),
      offline(3, 5000, { kind: 'error', errno: 'ETIMEDOUT' }, '::ffff:10.0.0.2'),
    ];
    expect(lineOf(trace).online).toEqual([
      { server: 'server', fromMs: 1000, toMs: 3000, end: 'ETIMEDOUT', ghosts: [] },
    ]);
  });

  it('is told through NAT', () => {
    const mapped: TraceEvent = {
      source: 'link',
      kind: 'mapped',
      nat: 'nat-1',
      inside: end(5000),
      outside: end(40_000, '10.0.0.9'),
      atMs: 500,
    };
    const trace = [
      boot(0),
      mapped,
      online(0.9, 9, '10.9.9.9'),
      connected(1, 5000),
      online(1.1, 40_000, '10.0.0.9'),
      offline(30, 40_000, undefined, '10.0.0.9'),
    ];
    expect(lineOf(trace).online).toMatchObject([{ fromMs: 1100, toMs: 30_000 }]);
  });

  it('of a server that is not ours lasts from connected until it hangs up', () => {
    expect(lineOf([boot(0), connected(1, 5000), hungUp(12, 5000)]).online).toEqual([
      { server: 'server', fromMs: 1000, toMs: 12_000, end: "the server's end was closed (FIN)", ghosts: [] },
    ]);
  });

  it('overlaps, where an older session lives on', () => {
    const trace = [
      ...up,
      fault(10, 1, 'power-loss'),
      healed(12, 1, 'power-loss'),
      boot(12, 'power-on', 2),
      connected(13, 5001),
      online(13, 5001),
      offline(25, 5000),
    ];
    expect(lineOf(trace).online).toEqual([
      {
        server: 'server',
        fromMs: 1100,
        toMs: 25_000,
        end: 'silent for 15.0 s',
        ghosts: [{ fromMs: 10_000, toMs: 25_000, why: 'power-loss 1' }],
      },
      { server: 'server', fromMs: 13_000, toMs: 100_000, ghosts: [] },
    ]);
  });

  it('ends at once when the server dies, which believes in nobody; a server that hangs goes on', () => {
    for (const kind of ['power-loss', 'crash'] as const) {
      expect(lineOf([...up, fault(10, 1, 'cable-pull'), fault(20, 2, kind, ON_SERVER)]).online).toEqual([
        {
          server: 'server',
          fromMs: 1100,
          toMs: 20_000,
          end: `the server was under ${kind}`,
          ghosts: [{ fromMs: 10_000, toMs: 20_000, why: 'cable-pull 1' }],
        },
      ]);
    }
    expect(lineOf([...up, fault(20, 2, 'hang', ON_SERVER)]).online).toMatchObject([{ toMs: 100_000, ghosts: [] }]);
  });
});

describe('a ghost', () => {
  const ghosts = (trace: readonly TraceEvent[]): readonly (readonly [number, number])[] => {
    return lineOf(trace).online.flatMap((span) =>
      span.ghosts.map(({ fromMs, toMs }) => [fromMs / 1000, toMs / 1000] as const),
    );
  };

  it('lasts from the cut until the server gives up, though the cable is back before', () => {
    expect(
      ghosts([...up, fault(10, 1, 'cable-pull'), healed(20, 1, 'cable-pull'), offline(25, 5000), lost(26, 'closed')]),
    ).toEqual([[10, 25]]);
  });

  it('ends with the cut, if the connection survives it; the next one is another', () => {
    const trace = [
      ...up,
      fault(10, 1, 'cable-pull'),
      healed(12, 1, 'cable-pull'),
      answered(13, 5000),
      fault(40, 2, 'hang'),
      healed(43, 2, 'hang'),
      answered(44),
    ];
    expect(ghosts(trace)).toEqual([[10, 12], [40, 43]]);
  });

  it('of two faults at a time ends with the last of them', () => {
    expect(
      ghosts([
        ...up,
        fault(10, 1, 'cable-pull'),
        fault(11, 2, 'one-way', { argument: 'tx' }),
        healed(12, 1, 'cable-pull'),
        healed(15, 2, 'one-way', { argument: 'tx' }),
        answered(16),
      ]),
    ).toEqual([[10, 15]]);
  });

  it('is not what is only worse: less than all packets lost', () => {
    expect(ghosts([...up, fault(10, 1, 'loss', { argument: '40%' }), offline(30, 5000)])).toEqual([]);
    expect(ghosts([...up, fault(10, 1, 'loss', { argument: '100%' }), offline(30, 5000)])).toEqual([[10, 30]]);
  });

  it('does not wait for the end of a fault that only makes the way worse', () => {
    expect(
      ghosts([
        ...up,
        fault(5, 1, 'loss', { argument: '10%' }),
        fault(10, 2, 'cable-pull'),
        healed(12, 2, 'cable-pull'),
        answered(13),
      ]),
    ).toEqual([[10, 12]]);
    expect(
      ghosts([
        ...up,
        fault(5, 1, 'loss', { argument: '10%' }),
        fault(10, 2, 'cable-pull'),
        healed(12, 2, 'cable-pull'),
        healed(14, 1, 'loss', { argument: '10%' }),
        answered(15),
      ]),
    ).toEqual([[10, 12]]);
  });

  it('is not ended by an answer that was on its way while the cut lasts', () => {
    expect(
      ghosts([
        ...up,
        fault(10, 1, 'one-way', { argument: 'tx' }),
        answered(10.02),
        healed(30, 1, 'one-way', { argument: 'tx' }),
        offline(31, 5000),
      ]),
    ).toEqual([[10, 31]]);
    expect(ghosts([...up, fault(10, 1, 'cable-pull', ON_SERVER), answered(10.02), offline(25, 5000)])).toEqual([
      [10, 25],
    ]);
  });

  it('begins when the device leaves what the server holds', () => {
    expect(ghosts([...up, lost(10, 'missed-beats'), offline(22, 5000)])).toEqual([[10, 22]]);
    expect(ghosts([...up, boot(10, 'software', 2), offline(22, 5000)])).toEqual([[10, 22]]);
  });

  it('is made by a box that forgets, until the connection is gone', () => {
    const forgotten: TraceEvent = {
      source: 'link',
      kind: 'forgotten',
      at: 'nat-1',
      ends: [end(5000), end(39_002, '10.0.0.1')],
      idleMs: 300_000,
      atMs: 10_000,
    };
    const line = lineOf([...up, forgotten, offline(30, 5000)]);
    expect(line.online[0]?.ghosts).toEqual([
      { fromMs: 10_000, toMs: 30_000, why: 'nat-1 has forgotten this connection, idle for 5m' },
    ]);
    expect(line.marks).toMatchObject([
      { kind: 'error', atMs: 10_000, text: 'nat-1 has forgotten this connection, idle for 5m' },
    ]);
  });

  it('is no matter of the box, if the device has left before', () => {
    const forgotten: TraceEvent = {
      source: 'link',
      kind: 'forgotten',
      at: 'nat-1',
      ends: [end(5000), end(39_002, '10.0.0.1')],
      idleMs: 300_000,
      atMs: 10_000,
    };
    expect(lineOf([...up, lost(5, 'missed-beats'), forgotten]).marks).toHaveLength(1);
  });

  it('after what is over at once is disproved only by the answer to what was sent after it', () => {
    const cut = fault(10, 1, 'nat-timeout');
    expect(ghosts([...up, cut, answered(10.5, 1000), offline(25, 5000)])).toEqual([[10, 25]]);
    expect(ghosts([...up, cut, answered(12, 1000), offline(25, 5000)])).toEqual([]);
  });

  it('after what is over at once is not disproved by a beat, where nobody answers', () => {
    const boots: TraceEvent = {
      source: 'device',
      device: 'dev-1',
      kind: 'boot',
      boots: 1,
      resetReason: 'power-on',
      atMs: 0,
    };
    const assumed = (s: number): TraceEvent => ({ source: 'device', device: 'dev-1', kind: 'served', atMs: s * 1000 });
    const begun = [boots, connected(1, 5000), online(1.1, 5000), assumed(2)];
    expect(ghosts([...begun, fault(10, 1, 'nat-timeout'), assumed(12), offline(25, 5000)])).toEqual([[10, 25]]);
    expect(
      ghosts([...begun, fault(10, 1, 'cable-pull'), healed(12, 1, 'cable-pull'), assumed(14), offline(25, 5000)]),
    ).toEqual([[10, 12]]);
  });

  it("is everybody's, when the server's cable is out", () => {
    const trace = [...up, fault(10, 1, 'cable-pull', ON_SERVER), healed(16, 1, 'cable-pull', ON_SERVER), answered(17)];
    expect(ghosts(trace)).toEqual([[10, 16]]);
    expect(read(trace).serverFaults(100_000)).toEqual([
      { host: 'server', kind: 'cable-pull', effect: 'cuts', text: 'cable-pull 1', fromMs: 10_000, toMs: 16_000 },
    ]);
    expect(lineOf(trace).faults).toEqual([]);
  });

  it('lasts to the end, if nobody ever notices', () => {
    expect(ghosts([...up, fault(10, 1, 'cable-pull')])).toEqual([[10, 100]]);
  });
});

describe('faults', () => {
  it('last until healed, until the end, or no time at all', () => {
    const trace = [
      ...up,
      fault(10, 1, 'cable-pull'),
      fault(11, 2, 'reset'),
      healed(12, 1, 'cable-pull'),
      fault(20, 3, 'loss', { argument: '5%' }),
    ];
    expect(lineOf(trace).faults).toMatchObject([
      { text: 'cable-pull 1', effect: 'cuts', fromMs: 10_000, toMs: 12_000 },
      { text: 'reset 2', fromMs: 11_000, toMs: 11_000 },
      { text: 'loss 3', effect: 'harms', fromMs: 20_000, toMs: 100_000 },
    ]);
  });

  it('that stopped the firmware are over when it boots', () => {
    expect(lineOf([...up, fault(10, 1, 'hang'), boot(18, 'watchdog', 2), healed(40, 1, 'hang')]).faults).toMatchObject([
      { fromMs: 10_000, toMs: 18_000 },
    ]);
  });

  it('on a server that is still under them at the end last until then', () => {
    expect(read([...up, fault(10, 1, 'hang', ON_SERVER)]).serverFaults(50_000)).toMatchObject([
      { fromMs: 10_000, toMs: 50_000 },
    ]);
  });

  it('that stopped a server are over when its program listens again', () => {
    const listening: TraceEvent = {
      source: 'server',
      server: 'server',
      kind: 'listening',
      local: end(39_002),
      atMs: 25_000,
    };
    const spans = read([
      ...up,
      fault(10, 1, 'hang', ON_SERVER),
      fault(12, 2, 'cable-pull', ON_SERVER),
      listening,
    ]).serverFaults(50_000);
    expect(spans).toMatchObject([{ kind: 'hang', fromMs: 10_000, toMs: 25_000 }, { kind: 'cable-pull', toMs: 50_000 }]);
  });
});

describe('beats', () => {
  const beats = (...times: number[]): unknown =>
    lineOf([boot(0), ...times.map((s) => beat(s))]).beats.map(({ fromMs, toMs, count }) => [
      fromMs / 1000,
      toMs / 1000,
      count,
    ]);

  it('at regular intervals are one run; a gap of more than two and a half intervals begins another', () => {
    expect(beats(0, 3, 6, 9, 16.5, 19.5)).toEqual([[0, 19.5, 6]]);
    expect(beats(0, 3, 6, 9, 16.6, 19.6)).toEqual([[0, 9, 4], [16.6, 19.6, 2]]);
  });

  it('of which the first stands alone belong to no interval', () => {
    expect(beats(0, 60, 63, 66)).toEqual([[0, 0, 1], [60, 66, 3]]);
  });

  it('come in runs again after a burst', () => {
    expect(beats(0, 3, 6, 60, 60.01, 63, 66, 69)).toEqual([[0, 6, 3], [60, 60.01, 2], [63, 69, 3]]);
  });

  it('missed are runs of their own', () => {
    expect(lineOf([...up, missed(5), missed(8, 2), missed(11, 3), missed(60)]).missed).toEqual([
      { fromMs: 5000, toMs: 11_000, count: 3 },
      { fromMs: 60_000, toMs: 60_000, count: 1 },
    ]);
  });

  it('of a device that sends none are what it was served', () => {
    expect(lineOf([boot(0), answered(1), answered(2)]).beats).toEqual([{ fromMs: 1000, toMs: 2000, count: 2 }]);
    expect(lineOf([boot(0), beat(1), answered(1.5)]).beats).toEqual([{ fromMs: 1000, toMs: 1000, count: 1 }]);
  });
});

describe('marks', () => {
  it('tell of what went wrong; not that a device was switched on', () => {
    expect(lineOf([...up, lost(20, 'ETIMEDOUT'), boot(30, 'power-on', 2), boot(40, 'watchdog', 3)]).marks).toEqual([
      { kind: 'error', atMs: 20_000, toMs: 20_000, count: 1, text: 'lost server:39002: ETIMEDOUT' },
      { kind: 'note', atMs: 30_000, toMs: 30_000, count: 1, text: 'boot 2 (power-on)' },
      { kind: 'error', atMs: 40_000, toMs: 40_000, count: 1, text: 'boot 3 (watchdog)' },
    ]);
  });

  it('of what is tried again and again are one; not of what happens again much later', () => {
    expect(lineOf([boot(0), failed(1), failed(2), failed(4)]).marks).toEqual([
      { kind: 'error', atMs: 1000, toMs: 4000, count: 3, text: 'could not connect to server:39002: ECONNREFUSED' },
    ]);
    expect(lineOf([...up, lost(20, 'closed'), connected(21, 5001), lost(90, 'closed')]).marks).toHaveLength(2);
  });
});

describe('a line stays small', () => {
  it('with beats for a day', () => {
    const sessions = new Sessions();
    const lines = new TimeLines(sessions);
    for (let s = 0; s < 86_400; s += 3) sessions.add(beat(s));
    expect(lines.lines(86_400_000)[0]?.beats).toEqual([{ fromMs: 0, toMs: 86_397_000, count: 28_800 }]);
  });

  it('with beats at no interval at all, and loses none', () => {
    const sessions = new Sessions();
    const lines = new TimeLines(sessions);
    let s = 0;
    for (let i = 0; i < 20_000; i++) sessions.add(beat((s += i % 3 === 0 ? 1000 : (i % 7) + 1)));
    const { beats = [] } = lines.lines(s * 1000)[0] ?? {};
    expect(beats.length).toBeLessThanOrEqual(256);
    expect(beats.reduce((sum, { count }) => sum + count, 0)).toBe(20_000);
  });

  it('with connections lost without end: the earliest spans and marks are kept, the rest is counted', () => {
    const sessions = new Sessions();
    const lines = new TimeLines(sessions);
    for (let i = 0; i < 5000; i++) for (const event of [connected(i, 5000), lost(i + 0.5, 'closed')]) {
      sessions.add(event);
    }
    const [line] = lines.lines(5_000_000);
    expect(line?.connected).toHaveLength(2000);
    expect(line?.connected[0]).toMatchObject({ fromMs: 0 });
    expect(line?.leftOut).toBeGreaterThanOrEqual(6000);
  });

  it('of a thousand devices with a beat every 3 s for half an hour', () => {
    const sessions = new Sessions();
    const lines = new TimeLines(sessions);
    for (let i = 0; i < 1000; i++) {
      for (const event of [boot(0, 'power-on', 1, `dev-${i}`), connected(1, 5000 + i, `dev-${i}`)]) {
      sessions.add(event);
    }
    }
    for (let s = 1; s < 1800; s += 3) for (let i = 0; i < 1000; i++) sessions.add(beat(s, `dev-${i}`));
    expect(JSON.stringify(lines.lines(1_800_000)).length).toBeLessThan(500_000);
  }, 60_000);
});
