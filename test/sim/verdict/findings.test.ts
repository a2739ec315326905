/**
 * Findings of a trace besides its verdicts: faults on servers, NAT boxes, false alarms, overlapping sessions, ghosts;
 * and their summary.
 */

import { describe, expect, it } from 'vitest';
import type { LossReason } from '../../../firmware/index.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { FaultKind } from '../../../sim/faults/kinds/index.ts';
import type { OfflineReason } from '../../../sim/server/events.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { Judge } from '../../../sim/verdict/judge.ts';
import { formatBytes } from '../../../sim/text.ts';
import { summaryLines, verdictTable } from '../../../sim/verdict/findings-text.ts';
import { quantile, summarize } from '../../../sim/verdict/summary.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';
import type { Findings } from '../../../sim/verdict/verdict.ts';

const SERVER = 'server:39002';
const end = (port: number, address = '10.0.0.1'): SocketAddress => ({ address, port });

// Each line of a trace, times in seconds.
const boot = (s: number, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'boot',
  boots: 1,
  resetReason: 'power-on',
  atMs: s * 1000,
});
const connected = (s: number, port: number, device = 'dev-1', address?: string): TraceEvent => ({
  source: 'device',
  device,
  kind: 'connected',
  server: SERVER,
  local: end(port, address),
  atMs: s * 1000,
});
const answered = (s: number, device = 'dev-1', afterMs = 40): TraceEvent => ({
  source: 'device',
  device,
  kind: 'served',
  afterMs,
  atMs: s * 1000,
});
const lost = (s: number, by: LossReason, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'lost',
  server: SERVER,
  by,
  afterMs: 1,
  atMs: s * 1000,
});
const online = (s: number, port: number, address?: string): TraceEvent => ({
  source: 'server',
  server: 'server',
  kind: 'online',
  client: 1,
  peer: end(port, address),
  atMs: s * 1000,
});
const silent: OfflineReason = { kind: 'silent', silentMs: 15_000 };
const offline = (s: number, port: number, reason: OfflineReason = silent, address?: string): TraceEvent => {
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
const fault = (
  s: number,
  kind: FaultKind,
  id: number,
  more: { host?: string; on?: 'device' | 'server'; argument?: string; healedAtS?: number } = {},
): TraceEvent => {
  const { host = 'dev-1', on = host === 'server' ? 'server' : 'device', argument, healedAtS } = more;
  return {
    source: 'fault',
    kind: healedAtS === undefined ? 'fault' : 'healed',
    id,
    fault: kind,
    host,
    on,
    tier: 'T3',
    text: `${kind}${argument === undefined ? '' : ` ${argument}`} on ${host} at ${s}s`,
    ...(argument !== undefined && { argument }),
    atMs: (healedAtS ?? s) * 1000,
  };
};
const healed = (
  atS: number,
  s: number,
  kind: FaultKind,
  id: number,
  more: { host?: string; on?: 'device' | 'server'; argument?: string } = {},
): TraceEvent => fault(s, kind, id, { ...more, healedAtS: atS });

/** A device with a connection that both ends know of. */
const up = (device = 'dev-1', port = 5000): TraceEvent[] => [
  boot(0, device),
  connected(1, port, device),
  online(1.02, port),
  answered(2, device),
];

function found(trace: readonly TraceEvent[], endS = 100): Findings {
  const sessions = new Sessions();
  const judge = new Judge(sessions);
  for (const event of trace) sessions.add(event);
  return judge.findings(endS * 1000);
}

describe('a fault on the server', () => {
  const off = (s: number, id = 1) => fault(s, 'power-loss', id, { host: 'server' });

  it('touches every device that is connected to it, and none that never was', () => {
    const { verdicts } = found([
      ...up('dev-1', 5000),
      ...up('dev-2', 5001),
      boot(0, 'dev-3'),
      off(10),
      lost(25, 'missed-beats', 'dev-1'),
      lost(27, 'missed-beats', 'dev-2'),
    ]);
    expect(verdicts).toMatchObject([
      {
        device: 'dev-1',
        on: 'server',
        wasConnected: true,
        server: 'off',
        firmware: 'running',
        deviceNoticed: { afterMs: 15_000 },
        serverNoticed: undefined,
        ghostMs: 0,
      },
      { device: 'dev-2', on: 'server', wasConnected: true, server: 'off', deviceNoticed: { afterMs: 17_000 } },
    ]);
  });

  it('is healed with the server, and service is back with the first answer of the new one', () => {
    const { verdicts } = found([
      ...up(),
      off(10),
      healed(20, 10, 'power-loss', 1, { host: 'server' }),
      lost(21, 'ECONNRESET'),
      connected(22, 5001),
      online(22.1, 5001),
      answered(23),
    ]);
    expect(verdicts).toMatchObject([
      {
        healedAfterMs: 10_000,
        deviceNoticed: { afterMs: 11_000, by: 'ECONNRESET' },
        backAfterMs: 3000,
        survived: false,
      },
    ]);
  });

  it('that dies with its devices: neither could notice, and it believes in nobody', () => {
    const { verdicts, ghostMs } = found([...up(), fault(10, 'power-loss', 1), off(10, 2)]);
    expect(verdicts).toMatchObject([
      { on: 'device', firmware: 'off', server: 'off', serverNoticed: undefined, ghostMs: 0 },
      { on: 'server', firmware: 'off', server: 'off', ghostMs: 0 },
    ]);
    expect(ghostMs).toBe(0);
    expect(
      verdictTable(verdicts, 60_000)
        .split('\n')
        .slice(1)
        .map((line) => line.split(/ {2,}/).slice(1, 3)),
    ).toEqual([
      ['was off', 'was off'],
      ['was off', 'was off'],
    ]);
  });

  it('that dies while it believes in a ghost, believes no longer', () => {
    const { verdicts } = found([...up(), fault(10, 'power-loss', 1), off(14, 2)]);
    expect(verdicts[0]).toMatchObject({ server: 'off', serverNoticed: undefined, ghostMs: 4000 });
    const noticed = [...up(), fault(10, 'power-loss', 1), offline(25, 5000), off(30, 2)];
    expect(found(noticed).verdicts[0]).toMatchObject({ server: 'running', serverNoticed: { afterMs: 15_000 } });
  });

  it('that cuts its cable leaves it believing: each device that it had is a ghost', () => {
    const pulled = fault(10, 'cable-pull', 1, { host: 'server' });
    const { verdicts, ghostMs } = found([
      ...up('dev-1', 5000),
      ...up('dev-2', 5001),
      pulled,
      offline(25, 5000),
      offline(26, 5001),
    ]);
    expect(verdicts).toMatchObject([
      { server: 'running', serverNoticed: { afterMs: 15_000 }, ghostMs: 15_000 },
      { serverNoticed: { afterMs: 16_000 }, ghostMs: 16_000 },
    ]);
    expect(ghostMs).toBe(31_000);
  });

  it('that hangs can notice what happened to its devices when it goes on', () => {
    const hung = [...up(), fault(10, 'hang', 1, { host: 'server' }), fault(12, 'cable-pull', 2)];
    expect(found(hung).verdicts[1]).toMatchObject({ fault: 'cable-pull', server: 'hung' });
    expect(found([...hung, healed(20, 10, 'hang', 1, { host: 'server' })]).verdicts[1]).toMatchObject({
      server: 'running',
    });
  });

  it('that is rebooted hangs no more: what comes after can be noticed, and healed', () => {
    const listening: TraceEvent = {
      source: 'server',
      server: 'server',
      kind: 'listening',
      local: end(39_002, '10.0.0.2'),
      atMs: 25_000,
    };
    const rebooted = [
      ...up(),
      fault(10, 'hang', 1, { host: 'server' }),
      off(20, 2),
      healed(25, 20, 'power-loss', 2, { host: 'server' }),
      listening,
    ];
    const trace = [
      ...rebooted,
      lost(26, 'ECONNRESET'),
      connected(27, 5001),
      online(27.1, 5001),
      answered(28),
      fault(60, 'cable-pull', 3),
      healed(62, 60, 'cable-pull', 3),
      answered(63),
    ];
    expect(found(trace).verdicts).toMatchObject([
      { fault: 'hang', isOver: true, healedAfterMs: 15_000, backAfterMs: 3000 },
      { fault: 'power-loss', healedAfterMs: 5000, backAfterMs: 3000 },
      { fault: 'cable-pull', server: 'running', healedAfterMs: 2000, survived: true },
    ]);
  });

  it('lets only its own devices be noticed again', () => {
    const elsewhere: TraceEvent = {
      source: 'server',
      server: 'other',
      kind: 'online',
      client: 1,
      peer: end(5001),
      atMs: 1020,
    };
    const trace = [
      ...up(),
      boot(0, 'dev-2'),
      connected(1, 5001, 'dev-2'),
      elsewhere,
      fault(10, 'hang', 1, { host: 'server' }),
      fault(11, 'cable-pull', 2),
    ];
    const other = { host: 'other', on: 'server' } as const;
    expect(found([...trace, fault(20, 'hang', 3, other), healed(25, 20, 'hang', 3, other)]).verdicts[1]).toMatchObject({
      fault: 'cable-pull',
      server: 'hung',
    });
  });

  it('for good cuts off nobody who has gone to another server', () => {
    const elsewhere: TraceEvent = {
      source: 'server',
      server: 'other',
      kind: 'online',
      client: 1,
      peer: end(5001),
      atMs: 27_100,
    };
    const gone = [...up(), off(10), lost(25, 'missed-beats'), connected(27, 5001), elsewhere, answered(28)];
    expect(
      found([...gone, fault(60, 'cable-pull', 2), healed(62, 60, 'cable-pull', 2), answered(63)]).verdicts,
    ).toMatchObject([
      { on: 'server', healedAfterMs: undefined, backAfterMs: undefined },
      { fault: 'cable-pull', healedAfterMs: 2000, survived: true, ghostMs: 2000, backAfterMs: 1000 },
    ]);
    // A cable that was back before is of use from when there is a server.
    const before = [
      ...up(),
      off(10),
      fault(12, 'cable-pull', 2),
      healed(14, 12, 'cable-pull', 2),
      ...gone.slice(up().length + 1),
    ];
    expect(found(before).verdicts[1]).toMatchObject({ fault: 'cable-pull', healedAfterMs: 15_100, backAfterMs: 900 });
    expect(found([...gone, healed(40, 10, 'power-loss', 1, { host: 'server' }), answered(43)]).verdicts).toMatchObject([
      { healedAfterMs: 30_000, backAfterMs: 3000 },
    ]);
  });

  it('touches only those that are connected to that server', () => {
    const elsewhere: TraceEvent = {
      source: 'server',
      server: 'other',
      kind: 'online',
      client: 1,
      peer: end(5001),
      atMs: 1020,
    };
    const { verdicts } = found([...up(), boot(0, 'dev-2'), connected(1, 5001, 'dev-2'), elsewhere, off(10)]);
    expect(verdicts.map(({ device }) => device)).toEqual(['dev-1']);
  });

  it('finds the server of a connection that the server told of first', () => {
    expect(found([boot(0), online(0.9, 5000), connected(1, 5000), off(10)]).verdicts).toHaveLength(1);
  });
});

describe('behind a NAT box', () => {
  const inside = end(40_000, '192.168.0.1');
  const mapped: TraceEvent = {
    source: 'link',
    kind: 'mapped',
    nat: 'nat-1',
    inside,
    outside: end(1024, '10.0.0.9'),
    atMs: 900,
  };
  const trace = [
    boot(0),
    mapped,
    connected(1, 40_000, 'dev-1', '192.168.0.1'),
    online(1.1, 1024, '10.0.0.9'),
    answered(2),
  ];

  it('a connection is known by both its faces', () => {
    expect(found([...trace, fault(10, 'cable-pull', 1), offline(25, 1024, silent, '10.0.0.9')]).verdicts).toMatchObject(
      [{ serverNoticed: { afterMs: 15_000 }, ghostMs: 15_000 }],
    );
  });

  it('that forgets a connection, that moment is the fault', () => {
    const forgotten: TraceEvent = {
      source: 'link',
      kind: 'forgotten',
      at: 'nat-1',
      ends: [inside, end(39_002, '10.0.0.2')],
      idleMs: 300_000,
      atMs: 310_000,
    };
    const { verdicts } = found([...trace, forgotten, offline(400, 1024, silent, '10.0.0.9')], 1000);
    expect(verdicts).toMatchObject([
      {
        fault: 'nat-timeout',
        text: 'nat-timeout on dev-1 at 310s',
        atMs: 310_000,
        healedAfterMs: 0,
        serverNoticed: { afterMs: 90_000 },
        ghostMs: 90_000,
      },
    ]);
  });

  it('by a plan, each connection that is forgotten has a verdict under the line of the plan, and the line itself none', () => {
    const latent = fault(0, 'nat-timeout', 1, { argument: '5m' });
    const forgotten: TraceEvent = {
      source: 'link',
      kind: 'forgotten',
      at: 'dev-1',
      ends: [end(5000), end(39_002, '10.0.0.2')],
      idleMs: 300_000,
      atMs: 310_000,
    };
    expect(found([latent, ...up()])).toMatchObject({ verdicts: [], spared: ['nat-timeout 5m on dev-1 at 0s'] });
    expect(verdictTable([], 0, ['nat-timeout 5m on dev-1 at 0s']).split('\n')[1]?.split(/ {2,}/)).toEqual([
      'nat-timeout 5m on dev-1 at 0s',
      'kept alive',
      'kept alive',
      '-',
      '-',
    ]);
    expect(found([latent, ...up(), forgotten], 1000).spared).toEqual([]);
    expect(found([latent, ...up(), forgotten], 1000).verdicts).toMatchObject([
      { text: 'nat-timeout 5m on dev-1 at 0s', atMs: 310_000, ghostMs: 690_000 },
    ]);
    // Another fault on the host comes and goes.
    const pull = [fault(5, 'cable-pull', 2), healed(6, 5, 'cable-pull', 2), answered(8)];
    expect(found([latent, ...up(), ...pull, forgotten], 1000).verdicts).toMatchObject([
      { fault: 'cable-pull' },
      { text: 'nat-timeout 5m on dev-1 at 0s' },
    ]);
  });

  it('an answer to what was sent before is no survival', () => {
    const now = fault(10, 'nat-timeout', 1);
    expect(found([...up(), now, answered(10.02, 'dev-1', 40)]).verdicts).toMatchObject([
      { survived: false, backAfterMs: undefined },
    ]);
    expect(found([...up(), now, answered(10.05, 'dev-1', 40)]).verdicts).toMatchObject([{ survived: true }]);
  });
});

describe('of a device that is answered nothing, service that is assumed', () => {
  const boots: TraceEvent = {
    source: 'device',
    device: 'dev-1',
    kind: 'boot',
    boots: 1,
    resetReason: 'power-on',
    atMs: 0,
  };
  const sent = (s: number): TraceEvent => ({ source: 'device', device: 'dev-1', kind: 'served', atMs: s * 1000 });
  const begun = [boots, connected(1, 5000), online(1.02, 5000), sent(2)];

  it('into a connection that a box has forgotten is no survival; into the next one, it is service', () => {
    const trace = [
      ...begun,
      fault(10, 'nat-timeout', 1),
      sent(11),
      offline(25, 5000),
      lost(26, 'ETIMEDOUT'),
      connected(27, 5001),
      online(27.1, 5001),
      sent(28),
    ];
    const { verdicts, falseAlarms } = found(trace);
    expect(verdicts).toMatchObject([
      {
        survived: false,
        serverNoticed: { afterMs: 15_000 },
        deviceNoticed: { afterMs: 16_000 },
        ghostMs: 15_000,
        backAfterMs: 18_000,
      },
    ]);
    expect(falseAlarms).toEqual([]);
  });

  it('after a fault that lasted is', () => {
    expect(
      found([...begun, fault(10, 'cable-pull', 1), healed(12, 10, 'cable-pull', 1), sent(14)]).verdicts,
    ).toMatchObject([{ survived: true, backAfterMs: 2000 }]);
  });
});

describe('a fault that only harms', () => {
  const lossy = fault(10, 'loss', 1, { argument: '30%' });

  it('need not be noticed, and makes no ghost', () => {
    const { verdicts, falseAlarms, ghostMs } = found([...up(), lossy, answered(20)]);
    expect(verdicts).toMatchObject([
      { effect: 'harms', deviceNoticed: undefined, serverNoticed: undefined, ghostMs: 0 },
    ]);
    expect(verdictTable(verdicts, 60_000).split('\n')[1]?.split(/ {2,}/).slice(1)).toEqual([
      'held on',
      'held on',
      '-',
      '-',
    ]);
    expect({ falseAlarms, ghostMs }).toEqual({ falseAlarms: [], ghostMs: 0 });
  });

  it('under which an end gives up: a false alarm', () => {
    const { verdicts, falseAlarms } = found([
      ...up(),
      lossy,
      lost(30, 'missed-beats'),
      offline(30.1, 5000, { kind: 'closed', halfFrame: false }),
    ]);
    expect(verdicts).toMatchObject([{ deviceNoticed: { afterMs: 20_000, by: 'missed-beats' } }]);
    expect(verdictTable(verdicts, 60_000).split('\n')[1]?.split(/ {2,}/).slice(1, 3)).toEqual([
      '20.0 s by missed-beats, a false alarm',
      '20.1 s by closed',
    ]);
    expect(falseAlarms).toEqual([{ atMs: 30_000, device: 'dev-1', side: 'device', by: 'missed-beats' }]);
  });

  it('for good keeps no other from being healed, and survived', () => {
    const { verdicts } = found([
      ...up(),
      fault(5, 'loss', 1, { argument: '1%' }),
      fault(10, 'cable-pull', 2),
      healed(12, 10, 'cable-pull', 2),
      answered(13),
      offline(85, 5000),
    ]);
    expect(verdicts).toMatchObject([
      { healedAfterMs: undefined, survived: false },
      { healedAfterMs: 2000, survived: true, serverNoticed: undefined, ghostMs: 2000, backAfterMs: 1000 },
    ]);
    const cutFor = [
      ...up(),
      fault(5, 'cable-pull', 1),
      fault(10, 'loss', 2, { argument: '1%' }),
      healed(12, 10, 'loss', 2, { argument: '1%' }),
    ];
    expect(found(cutFor).verdicts).toMatchObject([{ healedAfterMs: undefined }, { healedAfterMs: 2000 }]);
  });

  it('under which another cuts: that one is to blame', () => {
    const { verdicts, falseAlarms } = found([
      ...up(),
      lossy,
      fault(20, 'cable-pull', 2),
      lost(35, 'missed-beats'),
      offline(36, 5000),
    ]);
    expect(verdicts).toMatchObject([
      { fault: 'loss', deviceNoticed: undefined, serverNoticed: undefined },
      { fault: 'cable-pull', deviceNoticed: { afterMs: 15_000 }, serverNoticed: { afterMs: 16_000 } },
    ]);
    expect(falseAlarms).toEqual([]);
  });

  it('a loss of 100% cuts', () => {
    expect(found([...up(), fault(10, 'loss', 1, { argument: '100%' }), offline(25, 5000)])).toMatchObject({
      verdicts: [{ effect: 'cuts', ghostMs: 15_000 }],
      falseAlarms: [],
    });
  });
});

describe('a false alarm', () => {
  it('is when an end gives up a connection that no fault has touched; what the other end sees of it is none', () => {
    const { falseAlarms, unexplainedLosses } = found([...up(), offline(20, 5000), lost(20.1, 'closed')]);
    expect(falseAlarms).toEqual([{ atMs: 20_000, device: 'dev-1', side: 'server', by: 'silent' }]);
    expect([...unexplainedLosses]).toEqual([['closed', 1]]);
  });

  it.each<[LossReason, number]>([
    ['missed-beats', 1],
    ['ETIMEDOUT', 1],
    ['ECONNABORTED', 1],
    ['closed', 0],
    ['ECONNRESET', 0],
    ['bad-frame', 0],
  ])('by a device: %s, %i', (by, count) => {
    expect(found([...up(), lost(20, by)]).falseAlarms).toHaveLength(count);
  });

  it('is none while a fault cuts, but is one after it was survived', () => {
    const pull = [...up(), fault(10, 'cable-pull', 1)];
    expect(found([...pull, offline(25, 5000)]).falseAlarms).toEqual([]);
    expect(found([...pull, healed(12, 10, 'cable-pull', 1), answered(13), offline(40, 5000)]).falseAlarms).toHaveLength(
      1,
    );
  });

  it('is none where a hung server never took the connection that its stack has answered; nor is that one lost without a fault', () => {
    const hang = fault(10, 'hang', 1, { host: 'server' });
    const trace = [
      ...up(),
      hang,
      lost(25, 'missed-beats'),
      boot(0, 'dev-2'),
      connected(26, 5001),
      lost(41, 'missed-beats'),
      connected(26, 5002, 'dev-2'),
      lost(41, 'missed-beats', 'dev-2'),
    ];
    expect(found(trace).falseAlarms).toEqual([]);
    expect([...found(trace).unexplainedLosses]).toEqual([]);
    const after = [
      healed(50, 10, 'hang', 1, { host: 'server' }),
      connected(51, 5003),
      online(51.1, 5003),
      lost(70, 'missed-beats'),
    ];
    expect(found([...trace, ...after]).falseAlarms).toHaveLength(1);
  });

  it('of one connection is one, though both ends give up', () => {
    expect(found([...up(), lost(20, 'missed-beats'), offline(22, 5000)]).falseAlarms).toHaveLength(1);
  });
});

describe('sessions of one device', () => {
  it('overlap where the server has the new one online before the old one is off', () => {
    const cut = [...up(), fault(10, 'power-loss', 1), healed(12, 10, 'power-loss', 1), boot(12), connected(13, 5001)];
    expect(found([...cut, online(13.1, 5001), offline(25, 5000)]).overlappingSessions).toBe(1);
    expect(found([...cut, offline(13.05, 5000), online(13.1, 5001)]).overlappingSessions).toBe(0);
  });

  it('count each older one that is still there', () => {
    const cut = (s: number, id: number) => [
      fault(s, 'power-loss', id),
      healed(s + 1, s, 'power-loss', id),
      boot(s + 1),
    ];
    expect(
      found([
        ...up(),
        ...cut(10, 1),
        connected(12, 5001),
        online(12.1, 5001),
        ...cut(20, 2),
        connected(22, 5002),
        online(22.1, 5002),
      ]).overlappingSessions,
    ).toBe(3);
  });

  it('do not overlap where the device has closed the first', () => {
    expect(
      found([
        ...up(),
        lost(10, 'closed'),
        offline(10.1, 5000, { kind: 'closed', halfFrame: false }),
        connected(11, 5001),
        online(11.1, 5001),
      ]).overlappingSessions,
    ).toBe(0);
  });

  it('of two devices are no overlap', () => {
    expect(found([...up('dev-1', 5000), ...up('dev-2', 5001)]).overlappingSessions).toBe(0);
  });

  it('are judged by what the bench sees, where the server is not ours', () => {
    const trace = [
      boot(0),
      connected(1, 5000),
      fault(10, 'power-loss', 1),
      healed(12, 10, 'power-loss', 1),
      boot(12),
      connected(13, 5001),
    ];
    expect(found(trace).overlappingSessions).toBe(1);
    const gone: TraceEvent = {
      source: 'bench',
      device: 'dev-1',
      kind: 'hung-up',
      local: end(5000),
      by: 'closed',
      atMs: 12_500,
    };
    expect(found([...trace.slice(0, -1), gone, ...trace.slice(-1)]).overlappingSessions).toBe(0);
  });
});

it('a device cut again before anyone noticed has a verdict for each cut, and its ghost is counted once', () => {
  const { verdicts, ghostMs } = found([...up(), fault(10, 'cable-pull', 1), fault(14, 'hang', 2), offline(25, 5000)]);
  expect(verdicts.map((one) => one.ghostMs)).toEqual([15_000, 11_000]);
  expect(ghostMs).toBe(15_000);
});

it('faults that come again and again under one that lasts for good cost no more each time', () => {
  const sessions = new Sessions();
  const judge = new Judge(sessions);
  for (const event of [...up(), fault(5, 'cable-pull', 1)]) sessions.add(event);
  const perSecond = (from: number, to: number): void => {
    for (let s = from; s < to; s++) {
      for (const event of [fault(s, 'hang', 3 * s), fault(s, 'reset', 3 * s + 1), healed(s + 0.5, s, 'hang', 3 * s)]) {
        sessions.add(event);
      }
    }
  };
  // Were each held against all before it, this would be 10 billion steps.
  perSecond(10, 100_000);
  expect(judge.verdicts().slice(-2)).toMatchObject([
    { fault: 'hang', isOver: true, firmware: 'hung', healedAfterMs: undefined },
    { fault: 'reset', firmware: 'running' },
  ]);
});

describe('a device that is cut again before service is back', () => {
  const pull = (s: number, id: number) => fault(s, 'cable-pull', id);
  const plug = (atS: number, s: number, id: number) => healed(atS, s, 'cable-pull', id);

  it('is healed with the last cut: the time between is charged to neither', () => {
    const { verdicts } = found([
      ...up(),
      pull(10, 1),
      plug(12, 10, 1),
      pull(12.01, 2),
      offline(25, 5000),
      plug(60, 12.01, 2),
      connected(61, 5001),
      online(61.1, 5001),
      answered(62),
    ]);
    expect(verdicts).toMatchObject([
      { healedAfterMs: 50_000, backAfterMs: 2000 },
      { healedAfterMs: 47_990, backAfterMs: 2000 },
    ]);
  });

  it('at the instant of the heal: whichever comes first', () => {
    const after = [plug(20, 12, 2), answered(21)];
    const [one, other] = [
      [plug(12, 10, 1), pull(12, 2)],
      [pull(12, 2), plug(12, 10, 1)],
    ].map((both) => found([...up(), pull(10, 1), ...both, ...after]).verdicts);
    expect(one).toMatchObject([
      { healedAfterMs: 10_000, backAfterMs: 1000, survived: true },
      { healedAfterMs: 8000, survived: true },
    ]);
    expect(other).toEqual(one);
  });

  it('is healed all the same where an answer was on its way when the cut came', () => {
    const oneWay = { argument: 'rx' };
    const { verdicts } = found([
      ...up(),
      fault(10, 'one-way', 1, oneWay),
      answered(10.02),
      healed(12, 10, 'one-way', 1, oneWay),
      answered(13),
    ]);
    expect(verdicts).toMatchObject([{ healedAfterMs: 2000, backAfterMs: 1000, survived: true }]);
  });

  it('is not charged with what came after service was back', () => {
    const { verdicts } = found([...up(), pull(10, 1), plug(12, 10, 1), answered(13), pull(14, 2), plug(40, 14, 2)]);
    expect(verdicts).toMatchObject([{ healedAfterMs: 2000, backAfterMs: 1000 }, { healedAfterMs: 26_000 }]);
  });
});

it('a device that loses its power before it could notice a fault could not notice it', () => {
  const cut = [...up(), fault(10, 'cable-pull', 1), fault(20, 'power-loss', 2)];
  expect(found(cut).verdicts).toMatchObject([{ fault: 'cable-pull', firmware: 'off' }, { firmware: 'off' }]);
  const noticed = [...up(), fault(10, 'cable-pull', 1), lost(25, 'missed-beats'), fault(30, 'power-loss', 2)];
  expect(found(noticed).verdicts[0]).toMatchObject({ firmware: 'running', deviceNoticed: { afterMs: 15_000 } });
});

it.each(['reset', 'hang', 'crash'] as const)('a %s finds nothing on a device without power', (kind) => {
  expect(found([...up(), fault(10, 'power-loss', 1), fault(20, kind, 2), offline(25, 5000)]).verdicts[1]).toMatchObject(
    { fault: kind, wasConnected: false, serverNoticed: undefined },
  );
});

describe('the summary', () => {
  it('has the nearest ranks, the worst, and who never noticed', () => {
    const devices = Array.from({ length: 100 }, (_, i) => `dev-${i + 1}`);
    const trace = [
      ...devices.flatMap((device, i) => up(device, 5000 + i)),
      ...devices.map((host, i) => fault(10, 'cable-pull', i + 1, { host })),
      // The first never, the others after 1 to 99 s.
      ...devices.slice(1).map((_, i) => offline(11 + i, 5001 + i)),
    ];
    const summary = summarize(found(trace, 200));
    expect(summary).toMatchObject({
      faults: 100,
      survived: 0,
      server: { medianMs: 50_000, p99Ms: 99_000, worstMs: 99_000, never: 1 },
      device: { medianMs: undefined, never: 100 },
      falseAlarms: 0,
    });
    expect(summary.ghostMs).toBe(190_000 + (99 * 100 * 1000) / 2);
    expect(summaryLines(summary)[1]?.split(/ {2,}/)).toEqual([
      'server noticed',
      '99',
      '50.0 s',
      '99.0 s',
      '99.0 s',
      '1',
    ]);
  });

  it('leaves out who could not notice, and what was survived', () => {
    const trace = [
      ...up('dev-1', 5000),
      ...up('dev-2', 5001),
      fault(10, 'power-loss', 1),
      fault(10, 'cable-pull', 2, { host: 'dev-2' }),
      healed(11, 10, 'cable-pull', 2, { host: 'dev-2' }),
      answered(12, 'dev-2'),
    ];
    expect(summarize(found(trace))).toMatchObject({
      faults: 2,
      survived: 1,
      device: { timesMs: [], never: 0 },
      server: { timesMs: [], never: 1 },
      back: { timesMs: [1000] },
    });
  });

  it('takes no account of what a hung device learned when it went on, but of what its watchdog found', () => {
    const hang = [...up(), fault(10, 'hang', 1), offline(25, 5000), healed(60, 10, 'hang', 1), lost(60, 'closed')];
    expect(summarize(found(hang)).device).toMatchObject({ timesMs: [], never: 0 });
    const watched = [...up(), fault(10, 'hang', 1), { ...boot(12), resetReason: 'watchdog' } as const];
    expect(summarize(found([...watched])).device).toMatchObject({ timesMs: [2000] });
  });

  it('tells what was sent, a device a day, where the trace comes to its end', () => {
    const trace = [...up('dev-1', 5000), ...up('dev-2', 5001)];
    expect(summarize(found(trace)).trafficADay).toBeUndefined();
    expect(
      summarize(found([...trace, { source: 'run', kind: 'end', interrupted: false, bytes: 1000, atMs: 100_000 }]))
        .trafficADay,
    ).toEqual({ bytes: 432_000, counted: 'packets' });
    expect(summaryLines(summarize(found([])))).toEqual(['0 false alarms, 0 overlapping sessions']);
  });

  it.each([
    [[1], 0.5, 1],
    [[1, 2], 0.5, 1],
    [[1, 2, 3], 0.5, 2],
    [[1, 2, 3], 0.99, 3],
    [[], 0.5, undefined],
  ])('the nearest rank in %j at %d is %s', (sorted, share, rank) => {
    expect(quantile(sorted, share)).toBe(rank);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_234_567, '1.2 MB'],
    [5e9, '5.0 GB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
