/**
 * The account of connections, from traces written by hand: who has which online, who left or dropped it, and what is a
 * ghost.
 */

import { describe, expect, it } from 'vitest';
import type { LossReason } from '../../../firmware/index.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { ResetReason } from '../../../hal/system.ts';
import type { FaultKind } from '../../../sim/faults/kinds/index.ts';
import type { OfflineReason } from '../../../sim/server/events.ts';
import { ghostsOf, type Session } from '../../../sim/sessions/session.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { Judge } from '../../../sim/verdict/judge.ts';
import { TimeLines } from '../../../sim/verdict/time-line.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

const end = (port: number, address = '10.0.0.2'): SocketAddress => ({ address, port });

// Each line of a trace, times in seconds.
const boot = (s: number, resetReason: ResetReason = 'power-on', device = 'dev-1'): TraceEvent => {
  return { source: 'device', device, kind: 'boot', boots: 1, resetReason, atMs: s * 1000 };
};
const connected = (s: number, port: number, device = 'dev-1'): TraceEvent => {
  return { source: 'device', device, kind: 'connected', server: 'server:39002', local: end(port), atMs: s * 1000 };
};
const served = (s: number, afterMs: number | undefined = 1): TraceEvent => {
  return {
    source: 'device',
    device: 'dev-1',
    kind: 'served',
    ...(afterMs !== undefined && { afterMs }),
    atMs: s * 1000,
  };
};
const assumed = (s: number): TraceEvent => ({ source: 'device', device: 'dev-1', kind: 'served', atMs: s * 1000 });
const lost = (s: number, by: LossReason = 'missed-beats'): TraceEvent => {
  return { source: 'device', device: 'dev-1', kind: 'lost', server: 'server:39002', by, afterMs: 1, atMs: s * 1000 };
};
const listening = (s: number): TraceEvent => ({
  source: 'server',
  server: 'server',
  kind: 'listening',
  local: end(39_002),
  atMs: s * 1000,
});
const online = (s: number, port: number, client = port, address?: string): TraceEvent => {
  return { source: 'server', server: 'server', kind: 'online', client, peer: end(port, address), atMs: s * 1000 };
};
const beat = (s: number, port: number): TraceEvent => {
  return { source: 'server', server: 'server', kind: 'beat', client: port, peer: end(port), atMs: s * 1000 };
};
const offline = (
  s: number,
  port: number,
  reason: OfflineReason = { kind: 'silent', silentMs: 1 },
  address?: string,
): TraceEvent => {
  return {
    source: 'server',
    server: 'server',
    kind: 'offline',
    client: port,
    peer: end(port, address),
    onlineMs: 1,
    silentMs: 1,
    reason,
    atMs: s * 1000,
  };
};
const hungUp = (s: number, port: number, device = 'dev-1'): TraceEvent => {
  return { source: 'bench', device, kind: 'hung-up', local: end(port), by: 'ETIMEDOUT', atMs: s * 1000 };
};
const forgotten = (s: number, port: number): TraceEvent => {
  return {
    source: 'link',
    kind: 'forgotten',
    at: 'nat-1',
    ends: [end(port), end(39_002, '10.0.0.1')],
    idleMs: 60_000,
    atMs: s * 1000,
  };
};

/** A fault from then on, up to its heal, if that comes. */
function fault(s: number, kind: FaultKind, toS?: number, host = 'dev-1', argument?: string): TraceEvent[] {
  const event = {
    source: 'fault',
    id: s * 100 + kind.length,
    fault: kind,
    host,
    on: host.startsWith('dev-') ? 'device' : 'server',
    tier: 'T3',
    text: kind,
    ...(argument !== undefined && { argument }),
  } as const;
  const came: TraceEvent = { ...event, kind: 'fault', atMs: s * 1000 };
  return toS === undefined ? [came] : [came, { ...event, kind: 'healed', atMs: toS * 1000 }];
}

const END_S = 100;

/** Returns the account of a trace, whose events may be given in any order. All listeners must agree. */
function account(...events: readonly (TraceEvent | readonly TraceEvent[])[]) {
  const sessions = new Sessions();
  const seen: Session[] = [];
  const see = (session: Session): void => void (seen.includes(session) || seen.push(session));
  sessions.listen({ taken: see, dropped: see });
  const [judge, lines] = [new Judge(sessions), new TimeLines(sessions)];
  for (const event of events.flat().toSorted((a, b) => a.atMs - b.atMs)) sessions.add(event);
  const endMs = END_S * 1000;
  const ghosts = seen.filter(({ device }) => device !== undefined)
    .flatMap((session) => ghostsOf(session, endMs).map(({ fromMs, toMs }) => [fromMs / 1000, toMs / 1000] as const));
  const sumS = ghosts.reduce((sum, [fromS, toS]) => sum + toS - fromS, 0);
  const drawn = lines.lines(endMs).flatMap((line) => line.online.flatMap((span) => span.ghosts));
  const { verdicts, ghostMs, overlappingSessions, falseAlarms } = judge.findings(endMs);
  expect(sessions.ghostMs(endMs)).toBeCloseTo(sumS * 1000, 3);
  expect(ghostMs).toBeCloseTo(sumS * 1000, 3);
  expect(drawn.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBeCloseTo(sumS * 1000, 3);
  return {
    sessions,
    seen,
    ghosts,
    verdicts,
    blamedS: verdicts.map((verdict) => verdict.ghostMs / 1000),
    overlappingSessions,
    falseAlarms,
  };
}

const up = [listening(0), boot(0), connected(1, 5000), online(2, 5000), served(3)];

describe('a session', () => {
  it('is the device\'s from when it tells so until it is lost, and the server\'s from the take to the drop', () => {
    const { seen: [session] } = account(up, lost(20), offline(30, 5000));
    expect(session).toMatchObject({
      device: { name: 'dev-1' },
      connectedMs: 1000,
      online: { server: 'server', sinceMs: 2000 },
      left: { atMs: 20_000, by: { kind: 'lost', by: 'missed-beats' } },
      dropped: { atMs: 30_000, by: { kind: 'offline', reason: { kind: 'silent' } } },
    });
  });

  it('is one, with either end reported first, and under any name that a NAT box gives it', () => {
    const mapped: TraceEvent = {
      source: 'link',
      kind: 'mapped',
      nat: 'nat-1',
      inside: end(5000),
      outside: end(1024, '10.0.0.9'),
      atMs: 0,
    };
    const { seen } = account(
      listening(0),
      boot(0),
      mapped,
      online(1, 1024, 1, '::ffff:10.0.0.9'),
      connected(2, 5000),
      offline(9, 1024, undefined, '10.0.0.9'),
    );
    expect(seen).toMatchObject([
      { device: { name: 'dev-1' }, connectedMs: 2000, online: { sinceMs: 1000 }, dropped: { atMs: 9000 } },
    ]);
  });

  it('of which no device tells is nobody\'s, and no ghost', () => {
    const { seen, ghosts } = account(
      up,
      online(5, 6000),
      fault(10, 'cable-pull', undefined, 'server'),
      offline(20, 5000),
      offline(20, 6000),
    );
    expect(seen.map(({ device }) => device?.name)).toEqual(['dev-1', undefined]);
    expect(ghosts).toEqual([[10, 20]]);
  });

  it.each<[string, readonly TraceEvent[], object]>([
    [
      'a fault that takes the power',
      fault(10, 'power-loss'),
      { atMs: 10_000, by: { kind: 'fault', fault: 'power-loss' } },
    ],
    ['a crash', fault(10, 'crash'), { atMs: 10_000, by: { kind: 'fault', fault: 'crash' } }],
    [
      'a panic',
      [
        { source: 'device', device: 'dev-1', kind: 'panic', task: 't', reason: 'r', stack: '', atMs: 10_000 },
        boot(11, 'panic'),
      ],
      { by: { kind: 'panic' } },
    ],
    ['a boot', [boot(10, 'watchdog')], { by: { kind: 'boot', resetReason: 'watchdog' } }],
    ['its next one', [connected(10, 5001)], { by: { kind: 'reconnected' } }],
  ])('is left by %s', (_, how, left) => {
    expect(account(up, how).seen[0]?.left).toMatchObject(left);
  });

  it('is not left by a hang, until the watchdog bites', () => {
    expect(account(up, fault(10, 'hang')).seen[0]?.left).toBeUndefined();
    expect(account(up, fault(10, 'hang'), boot(18, 'watchdog')).seen[0]?.left?.atMs).toBe(18_000);
  });

  it('is dropped by a server that loses its power or crashes, and held by one that hangs', () => {
    for (const kind of ['power-loss', 'crash'] as const) {
      expect(account(up, fault(10, kind, undefined, 'server')).seen[0]?.dropped).toEqual({
        atMs: 10_000,
        by: { kind: 'fault', fault: kind },
      });
    }
    expect(account(up, fault(10, 'hang', undefined, 'server')).seen[0]?.dropped).toBeUndefined();
  });

  it('is dropped when its end is that of a newer one, without the server\'s noticing', () => {
    const { seen } = account(up, boot(10), connected(12, 5000), online(13, 5000));
    expect(seen[0]?.dropped).toEqual({ atMs: 12_000, by: { kind: 'replaced' } });
    expect(seen[1]).toMatchObject({ dropped: undefined, online: { sinceMs: 13_000 } });
  });

  it('that was never online is nobody\'s belief, however the device fares', () => {
    expect(account(listening(0), boot(0), connected(1, 5000), fault(10, 'cable-pull'), lost(30)).ghosts).toEqual([]);
  });
});

describe('a ghost without a fault', () => {
  it('lasts from when the device has left until the server drops it', () => {
    expect(account(up, lost(10), offline(22, 5000))).toMatchObject({ ghosts: [[10, 22]], blamedS: [] });
    expect(account(up, boot(10, 'software'), offline(22, 5000)).ghosts).toEqual([[10, 22]]);
    expect(account(up, lost(10)).ghosts).toEqual([[10, END_S]]);
  });

  it('is none where the server drops first', () => {
    expect(account(up, offline(10, 5000), lost(10.02, 'closed')).ghosts).toEqual([]);
  });

  it('begins with the take, where the server takes what the device has left', () => {
    const late = [listening(0), boot(0), connected(1, 5000), lost(10)];
    expect(account(late, online(30, 5000), offline(31, 5000)).ghosts).toEqual([[30, 31]]);
    expect(account(late, offline(31, 5000)).ghosts).toEqual([[10, 31]]);
  });
});

describe('a ghost by a fault', () => {
  it('lasts from the fault to the drop, and the fault is to blame for all of it, even if an end leaves meanwhile', () => {
    expect(account(up, fault(10, 'cable-pull', 15), offline(25, 5000))).toMatchObject({
      ghosts: [[10, 25]],
      blamedS: [15],
    });
    expect(account(up, fault(10, 'cable-pull', 40), lost(20), offline(25, 5000))).toMatchObject({
      ghosts: [[10, 25]],
      blamedS: [15],
    });
  });

  it('lasts to the heal, where the session survives', () => {
    expect(account(up, fault(10, 'cable-pull', 15), served(16))).toMatchObject({ ghosts: [[10, 15]], blamedS: [5] });
    // An answer that comes under the fault was on its way.
    expect(account(up, fault(10, 'cable-pull', 15), served(14))).toMatchObject({
      ghosts: [[10, END_S]],
      blamedS: [90],
    });
  });

  it('begins with the take, where that comes later; and so does what the fault is to blame for', () => {
    const late = [listening(0), boot(0), connected(1, 5000)];
    expect(account(late, fault(10, 'cable-pull', 50), online(30, 5000), offline(45, 5000))).toMatchObject({
      ghosts: [[30, 45]],
      blamedS: [15],
    });
    expect(account(late, fault(10, 'cable-pull', 20), online(30, 5000), served(31))).toMatchObject({
      ghosts: [],
      blamedS: [0],
    });
  });

  it('begins when the device connects, where it is cut off by then', () => {
    expect(
      account(
        listening(0),
        boot(0),
        fault(1, 'one-way', 40, 'dev-1', 'rx'),
        connected(2, 5000),
        online(3, 5000),
        offline(30, 5000),
      ),
    ).toMatchObject({ ghosts: [[3, 30]], blamedS: [0] });
    expect(
      account(
        listening(0),
        boot(0),
        connected(2, 5000),
        fault(5, 'one-way', 40, 'server', 'tx'),
        online(6, 5000),
        offline(30, 5000),
      ).ghosts,
    ).toEqual([[6, 30]]);
  });

  it('by two faults is one: each is to blame from when it came, and no moment counts twice', () => {
    expect(account(up, fault(10, 'cable-pull', 30), fault(14, 'hang', 30), offline(25, 5000))).toMatchObject({
      ghosts: [[10, 25]],
      blamedS: [15, 11],
    });
  });

  it('goes on where the next cut comes before service is back; after that, the next one is another', () => {
    expect(account(up, fault(10, 'cable-pull', 12), fault(14, 'cable-pull', 16), served(17)).ghosts).toEqual([
      [10, 16],
    ]);
    expect(account(up, fault(10, 'cable-pull', 12), served(13), fault(14, 'cable-pull', 16), served(17)))
      .toMatchObject({ ghosts: [[10, 12], [14, 16]], blamedS: [2, 2] });
  });

  it('of what a box has forgotten is disproved only by the answer to what was sent after that', () => {
    expect(account(up, forgotten(10, 5000), served(10.5, 1000), offline(25, 5000))).toMatchObject({
      ghosts: [[10, 25]],
      blamedS: [15],
    });
    expect(account(up, forgotten(10, 5000), served(12, 1000), offline(25, 5000))).toMatchObject({
      ghosts: [],
      blamedS: [0],
    });
  });

  it('is not made by a box that forgets what the device has left', () => {
    expect(account(up, lost(8), forgotten(10, 5000), offline(25, 5000))).toMatchObject({
      ghosts: [[8, 25]],
      blamedS: [],
    });
  });

  it('is not what is only worse: who gives up under it, is', () => {
    expect(account(up, fault(10, 'loss', 20, 'dev-1', '40%'), offline(30, 5000))).toMatchObject({
      ghosts: [],
      blamedS: [0],
    });
    expect(account(up, fault(10, 'loss', 40, 'dev-1', '40%'), lost(20), offline(30, 5000))).toMatchObject({
      ghosts: [[20, 30]],
      blamedS: [0],
    });
  });
});

describe('a fault on the server', () => {
  it('that cuts its cable makes a ghost of everybody; one that stops it, of nobody', () => {
    const two = [boot(0, 'power-on', 'dev-2'), connected(1, 6000, 'dev-2'), online(2, 6000)];
    expect(
      account(up, two, fault(10, 'cable-pull', 30, 'server'), offline(25, 5000), offline(26, 6000)).ghosts,
    ).toEqual([
      [10, 25],
      [10, 26],
    ]);
    expect(account(up, two, fault(10, 'power-loss', 30, 'server')).ghosts).toEqual([]);
  });

  it('that takes its power ends what it believed', () => {
    expect(account(up, fault(10, 'cable-pull', 90), fault(20, 'power-loss', 30, 'server'))).toMatchObject({
      ghosts: [[10, 20]],
      blamedS: [10, 0],
    });
  });

  it('that hangs it makes a ghost of whom leaves it meanwhile, and is to blame', () => {
    const hang = fault(10, 'hang', 40, 'server');
    expect(account(up, hang, served(41))).toMatchObject({ ghosts: [], blamedS: [0] });
    expect(account(up, hang, lost(25), offline(40, 5000, { kind: 'closed', halfFrame: false }))).toMatchObject({
      ghosts: [[25, 40]],
      blamedS: [15],
    });
  });

  it('that hangs it leaves those who connect in its queue: it takes them when it goes on, one beside the other', () => {
    const queued = [connected(26, 5001), lost(36), connected(37, 5002)];
    const goesOn = [online(40, 5001), online(40, 5002), offline(41, 5001, { kind: 'closed', halfFrame: false })];
    const { ghosts, overlappingSessions } = account(
      up,
      fault(10, 'hang', 40, 'server'),
      lost(25),
      queued,
      offline(40, 5000),
      goesOn,
    );
    expect(ghosts).toEqual([[25, 40], [40, 41]]);
    expect(overlappingSessions).toBe(1);
  });
});

describe('sessions of one device', () => {
  it('overlap where a server takes one while it has another', () => {
    const again = [...fault(10, 'power-loss', 12), boot(12), connected(13, 5001), online(14, 5001)];
    expect(account(up, again, offline(25, 5000))).toMatchObject({ ghosts: [[10, 25]], overlappingSessions: 1 });
    expect(account(up, again, offline(13.9, 5000)).overlappingSessions).toBe(0);
  });

  it('do not overlap at two servers', () => {
    const elsewhere: TraceEvent = {
      source: 'server',
      server: 'other',
      kind: 'online',
      client: 1,
      peer: end(5001),
      atMs: 14_000,
    };
    expect(account(up, lost(10), connected(13, 5001), elsewhere).overlappingSessions).toBe(0);
  });
});

describe('a server that tells nothing', () => {
  const quiet = [boot(0), connected(1, 5000), served(3)];

  it('is taken to have a session online from when the device has it, until its end is seen to go', () => {
    const { seen: [session], ghosts } = account(quiet, fault(10, 'cable-pull', 50), hungUp(25, 5000));
    expect(session).toMatchObject({
      online: { server: 'server', sinceMs: 1000, isAssumed: true },
      dropped: { by: { kind: 'hung-up', by: 'ETIMEDOUT' } },
    });
    expect(ghosts).toEqual([[10, 25]]);
  });

  it('is under faults as one that tells', () => {
    expect(account(quiet, fault(10, 'cable-pull', 30, 'server'), hungUp(25, 5000))).toMatchObject({
      ghosts: [[10, 25]],
      blamedS: [15],
    });
    expect(account(quiet, fault(10, 'power-loss', 30, 'server'))).toMatchObject({ ghosts: [], blamedS: [0] });
    expect(account(quiet, fault(10, 'cable-pull', 30, 'other'))).toMatchObject({ ghosts: [], blamedS: [] });
  });

  it('may be seen to have a ghost without a fault', () => {
    expect(account(quiet, lost(10), hungUp(22, 5000)).ghosts).toEqual([[10, 22]]);
  });

  it('drops what is of that device alone, where two have one end', () => {
    const two = [boot(0, 'power-on', 'dev-2'), connected(1, 5000, 'dev-2')];
    const { seen } = account(quiet, two, hungUp(22, 5000, 'dev-2'));
    expect(seen.map(({ device, dropped }) => [device?.name, dropped?.atMs])).toEqual([
      ['dev-1', undefined],
      ['dev-2', 22_000],
    ]);
  });

  it('is asked no more for what one that tells has never taken', () => {
    expect(account(quiet, listening(5), fault(10, 'cable-pull')).ghosts).toEqual([]);
    expect(account(quiet, listening(5), fault(10, 'cable-pull'), offline(25, 5000)).ghosts).toEqual([[10, 25]]);
  });
});

describe('without answers', () => {
  const quiet = [listening(0), boot(0), connected(1, 5000), online(2, 5000), assumed(3)];

  it('a sent beat is a sign of service, but not after a momentary fault', () => {
    expect(account(quiet, fault(10, 'cable-pull', 15), assumed(16)).ghosts).toEqual([[10, 15]]);
    expect(account(quiet, fault(10, 'nat-timeout'), assumed(16), offline(25, 5000)).ghosts).toEqual([[10, 25]]);
  });

  it('a server that tells of beats has the say', () => {
    expect(account(quiet, beat(4, 5000), fault(10, 'cable-pull', 15), assumed(16), offline(25, 5000)).ghosts).toEqual([
      [10, 25],
    ]);
    expect(account(quiet, beat(4, 5000), fault(10, 'cable-pull', 15), assumed(16), beat(17, 5000)).ghosts).toEqual([
      [10, 15],
    ]);
  });
});

describe('without answers, after a momentary fault', () => {
  const sent = (s: number): TraceEvent[] => [
    { source: 'device', device: 'dev-1', kind: 'beat-sent', atMs: s * 1000 }, assumed(s),
  ];
  const heard = (s: number): TraceEvent[] => [...sent(s), beat(s + 0.1, 5000)];
  const missing = (s: number, count: number): TraceEvent => {
    return {
      source: 'server', server: 'server', kind: 'sequence', client: 5000, what: 'missing', count, atMs: s * 1000,
    };
  };
  const begun = [listening(0), boot(0), connected(1, 5000), online(2, 5000), ...heard(2), ...heard(4)];

  it('a beat that was on its way is no sign, and the next one is', () => {
    // The one of 9.9 s comes after the fault.
    const onItsWay = [...sent(9.9), ...fault(10, 'nat-timeout'), beat(10.1, 5000)];
    expect(account(begun, onItsWay, offline(25, 5000)).ghosts).toEqual([[10, 25]]);
    const { ghosts, verdicts } = account(begun, onItsWay, heard(12));
    expect(ghosts).toEqual([]);
    expect(verdicts).toMatchObject([{ survived: true, backAfterMs: 2100, ghostMs: 0 }]);
  });

  it('the sign comes later by as many beats as were lost before, unless the server knows of these', () => {
    const cut = [...begun, ...sent(6), ...sent(8), ...fault(10, 'nat-timeout')];
    expect(account(cut, heard(12), heard(14), offline(25, 5000)).ghosts).toEqual([[10, 25]]);
    expect(account(cut, heard(12), heard(14), heard(16)).ghosts).toEqual([]);
    expect(account(cut, heard(12), missing(12.1, 2), offline(25, 5000)).ghosts).toEqual([[10, 25]]);
    expect(account(cut, heard(12), missing(12.1, 2), heard(14)).ghosts).toEqual([]);
  });

  it('a beat that came twice is not two', () => {
    const cut = [...begun, beat(4.2, 5000), ...sent(9.9), ...fault(10, 'nat-timeout'), beat(10.1, 5000)];
    expect(account(cut, offline(25, 5000)).ghosts).toEqual([[10, 25]]);
  });
});

it('an end that finds the other one gone raises no false alarm; an end that gives up a live one does', () => {
  expect(account(up, boot(10, 'software'), offline(25, 5000)).falseAlarms).toEqual([]);
  expect(account(up, offline(10, 5000, { kind: 'stopped' }), lost(25)).falseAlarms).toEqual([]);
  expect(account(up, offline(25, 5000)).falseAlarms).toMatchObject([{ side: 'server' }]);
  expect(account(up, lost(25)).falseAlarms).toMatchObject([{ side: 'device' }]);
});

it('keeps little of a device that a server never takes, however often it connects', () => {
  const { sessions } = account(
    listening(0),
    boot(0),
    Array.from({ length: 1000 }, (_, i) => [connected(i / 20, i), lost(i / 20 + 0.01)]).flat(),
  );
  expect(sessions.devices.get('dev-1')?.left.length).toBe(16);
});

describe('over datagrams, where a device knows of no connection', () => {
  it('a device that the server has dropped has a new session with its next word, from the same end', () => {
    const trace = [
      boot(0), connected(1, 5000), online(1, 5000, 1), ...fault(10, 'cable-pull', 40), offlineOf(25, 5000, 1),
      online(41, 5000, 2), ...beatsOf(2, 41, 46),
    ];
    const sessions = new Sessions();
    const judge = new Judge(sessions);
    for (const event of trace.toSorted((a, b) => a.atMs - b.atMs)) sessions.add(event);
    const device = sessions.devices.get('dev-1');
    expect(device?.session).toMatchObject({ online: { sinceMs: 41_000 }, dropped: undefined });
    expect(judge.findings(60_000).verdicts).toMatchObject([
      { serverNoticed: { afterMs: 15_000 }, survived: false, ghostMs: 15_000, backAfterMs: 1000 },
    ]);
  });

  it('a device that starts again from the same address and port goes on with the client that the server has', () => {
    const trace = [
      boot(0), connected(1, 5000), online(1, 5000, 1), ...beatsOf(1, 1, 6), ...fault(10, 'power-loss', 4),
      boot(14), connected(14, 5000), ...beatsOf(1, 14, 19),
    ];
    const sessions = new Sessions();
    const judge = new Judge(sessions);
    for (const event of trace.toSorted((a, b) => a.atMs - b.atMs)) sessions.add(event);
    const device = sessions.devices.get('dev-1');
    expect(device?.session).toMatchObject({ online: { sinceMs: 14_000, client: 1 }, dropped: undefined });
    // A ghost while it was off; nobody noticed.
    const { verdicts } = judge.findings(60_000);
    expect(verdicts).toMatchObject([{ ghostMs: 4000, backAfterMs: 0 }]);
  });

  it('a device whose box shows another port has left the session of the one before, a ghost until it is dropped', () => {
    const mapped = (s: number, port: number): TraceEvent => {
      const outside = end(port, '10.0.0.9');
      return { source: 'link', kind: 'mapped', nat: 'nat-1', inside: end(5000), outside, atMs: s * 1000 };
    };
    const { ghosts, sessions, falseAlarms } = account(
      boot(0), connected(1, 5000), mapped(1, 1024), online(1, 1024, 1, '10.0.0.9'), beatsOf(1, 1, 6),
      mapped(11, 1025), online(11, 1025, 2, '10.0.0.9'), beatsOf(2, 11, 16), offline(21, 1024, undefined, '10.0.0.9'),
    );
    expect(ghosts).toEqual([[11, 21]]);
    expect(falseAlarms).toEqual([]);
    expect(sessions.devices.get('dev-1')?.session).toMatchObject({ online: { sinceMs: 11_000 }, dropped: undefined });
  });

  const offlineOf = (s: number, port: number, client: number): TraceEvent => {
    const reason: OfflineReason = { kind: 'silent', silentMs: 1 };
    return {
      source: 'server', server: 'server', kind: 'offline', client, peer: end(port), onlineMs: 1, silentMs: 1, reason,
      atMs: s * 1000,
    };
  };
  /** Nobody answers, and the server tells of each beat. */
  const beatsOf = (client: number, ...times: number[]): TraceEvent[] => times.flatMap((s) => [
    assumed(s), { source: 'server', server: 'server', kind: 'beat', client, peer: end(5000), atMs: s * 1000 } as const,
  ]);
});
