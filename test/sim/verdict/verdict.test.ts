/** Verdicts, from traces written by hand: who noticed, after how long, by what; and what is nobody's doing. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { SocketAddress } from '../../../hal/network.ts';
import type { ResetReason } from '../../../hal/system.ts';
import { type FaultKind, tierOf } from '../../../sim/faults/kinds/index.ts';
import type { OfflineReason } from '../../../sim/server/events.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { Judge } from '../../../sim/verdict/judge.ts';
import { describeTraceEvent, type TraceEvent } from '../../../sim/trace/trace.ts';
import type { Findings, Verdict } from '../../../sim/verdict/verdict.ts';

const server = 'server:39002';
const end = (port: number, address = '127.0.0.1'): SocketAddress => ({ address, port });

// Each line of a trace, times in seconds.
const boot = (s: number, resetReason: ResetReason = 'power-on', device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'boot',
  boots: 1,
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
const answered = (s: number, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'served',
  afterMs: 1,
  atMs: s * 1000,
});
const beat = (s: number, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'beat-sent',
  atMs: s * 1000,
});
const assumed = (s: number, device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'served',
  atMs: s * 1000,
});
const lost = (s: number, by: 'ETIMEDOUT' | 'ECONNRESET' | 'missed-beats' | 'closed', device = 'dev-1'): TraceEvent => ({
  source: 'device',
  device,
  kind: 'lost',
  server,
  by,
  afterMs: 1,
  atMs: s * 1000,
});
/** A fault's number in the trace, the same when it comes and when it goes. */
const ids = new Map<string, number>();
const idOf = (text: string, host: string): number =>
  ids.get(`${text} ${host}`) ?? (ids.set(`${text} ${host}`, ids.size + 1), ids.size);
const faultFacts = (kind: FaultKind, text: string, host: string, argument?: string) => {
  const tier = tierOf(kind, 'real') ?? 'T3';
  return {
    source: 'fault',
    host,
    on: host === 'server' ? 'server' : 'device',
    fault: kind,
    id: idOf(text, host),
    tier,
    text,
    ...(argument !== undefined && { argument }),
  } as const;
};
const fault = (
  s: number,
  kind: FaultKind,
  text = `${kind} on dev-1 at ${s}s`,
  host = 'dev-1',
  argument?: string,
): TraceEvent => ({ ...faultFacts(kind, text, host, argument), kind: 'fault', atMs: s * 1000 });
const healed = (s: number, kind: FaultKind, text: string, host = 'dev-1', argument?: string): TraceEvent => ({
  ...faultFacts(kind, text, host, argument),
  kind: 'healed',
  atMs: s * 1000,
});
const hungUp = (s: number, port: number, by: 'closed' | 'ECONNRESET' = 'closed', device = 'dev-1'): TraceEvent => ({
  source: 'bench',
  device,
  kind: 'hung-up',
  local: end(port),
  by,
  atMs: s * 1000,
});
const offline = (
  s: number,
  port: number,
  reason: OfflineReason = { kind: 'silent', silentMs: 1 },
  address = '127.0.0.1',
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

function judge(trace: readonly TraceEvent[], endS = 100): Verdict[] {
  return [...findings(trace, endS).verdicts];
}

function findings(trace: readonly TraceEvent[], endS = 100): Findings {
  const [told, stored] = [new Sessions(), new Sessions()];
  const [made, read] = [new Judge(told), new Judge(stored)];
  for (const event of trace) {
    told.add(event);
    stored.add(JSON.parse(JSON.stringify(event)));
  }
  const found = made.findings(endS * 1000);
  // A trace that was printed and read again says the same.
  expect(read.findings(endS * 1000)).toEqual(found);
  return found;
}

const up = [boot(0), connected(1, 5000), answered(2)];
const PULL = 'cable-pull on dev-1 at 10s';
const CUT = 'power-loss on dev-1 at 10s';

describe('a cable', () => {
  it('pulled for long: both notice, by themselves; service comes back after the plug', () => {
    expect(
      judge([
        ...up,
        fault(10, 'cable-pull'),
        offline(25, 5000),
        hungUp(25.001, 5000),
        lost(22, 'ETIMEDOUT'),
        healed(40, 'cable-pull', PULL),
        connected(41, 5001),
        answered(41.5),
        answered(42),
      ]),
    ).toEqual([
      {
        fault: 'cable-pull',
        effect: 'cuts',
        tier: 'T0',
        text: PULL,
        on: 'device',
        device: 'dev-1',
        atMs: 10_000,
        forMs: undefined,
        isOver: true,
        healedAfterMs: 30_000,
        wasConnected: true,
        hadService: true,
        firmware: 'running',
        server: 'running',
        survived: false,
        deviceNoticed: { afterMs: 12_000, by: 'ETIMEDOUT' },
        serverNoticed: { afterMs: 15_000, by: 'silent' },
        ghostMs: 15_000,
        backAfterMs: 1500,
      },
    ]);
  });

  it('back before anyone noticed: the connection survived, and a later loss of it has no part in this', () => {
    const trace = [
      ...up,
      fault(10, 'cable-pull'),
      healed(12, 'cable-pull', PULL),
      answered(12.5),
      lost(60, 'ECONNRESET'),
      offline(60, 5000),
    ];
    expect(judge(trace)).toMatchObject([
      { survived: true, deviceNoticed: undefined, serverNoticed: undefined, ghostMs: 2000, backAfterMs: 500 },
    ]);
    expect([...findings(trace).unexplainedLosses]).toEqual([['ECONNRESET', 1]]);
  });

  it('pulled for good: nobody noticed until the end', () => {
    expect(judge([...up, fault(10, 'cable-pull')])).toMatchObject([
      {
        healedAfterMs: undefined,
        deviceNoticed: undefined,
        serverNoticed: undefined,
        survived: false,
        ghostMs: 90_000,
        backAfterMs: undefined,
      },
    ]);
  });

  it('back, but the run ends before the next sign: neither survived nor noticed', () => {
    expect(judge([...up, fault(10, 'cable-pull'), healed(12, 'cable-pull', PULL)], 13)).toMatchObject([
      { healedAfterMs: 2000, survived: false, ghostMs: 3000, backAfterMs: undefined },
    ]);
  });

  it('back after the server gave up: a beat into what the server has left is no service', () => {
    expect(
      judge([
        ...up,
        fault(10, 'cable-pull'),
        hungUp(25, 5000),
        healed(40, 'cable-pull', PULL),
        assumed(40.1),
        lost(40.2, 'closed'),
        connected(41, 5001),
        assumed(41),
      ]),
    ).toMatchObject([
      {
        survived: false,
        serverNoticed: { afterMs: 15_000, by: 'closed' },
        deviceNoticed: { afterMs: 30_200, by: 'closed' },
        backAfterMs: 1000,
      },
    ]);
  });
});

describe('power', () => {
  it('lost: the device cannot notice; a reset, in answer to what the server says after the reboot, tells that server', () => {
    expect(
      judge([
        ...up,
        fault(10, 'power-loss'),
        healed(15, 'power-loss', CUT),
        boot(15),
        connected(15.5, 5001),
        hungUp(16, 5000, 'ECONNRESET'),
        answered(16.5),
        answered(17),
      ]),
    ).toMatchObject([
      {
        deviceNoticed: undefined,
        serverNoticed: { afterMs: 6000, by: 'ECONNRESET' },
        survived: false,
        ghostMs: 6000,
        backAfterMs: 1500,
      },
    ]);
  });

  it('lost and back, the old connection never missed: a ghost until the end, though the device is served', () => {
    expect(
      judge([
        ...up,
        fault(10, 'power-loss'),
        healed(15, 'power-loss', CUT),
        boot(15),
        connected(15.5, 5001),
        answered(16),
      ]),
    ).toMatchObject([{ serverNoticed: undefined, survived: false, ghostMs: 90_000, backAfterMs: 1000 }]);
  });

  it('lost on a device that is not connected: a verdict without a connection', () => {
    const nothing = {
      wasConnected: false,
      deviceNoticed: undefined,
      serverNoticed: undefined,
      ghostMs: 0,
      backAfterMs: 1000,
    };
    const after = [healed(15, 'power-loss', CUT), boot(15), connected(15.5, 5001), answered(16)];
    expect(judge([...up, lost(9, 'ECONNRESET'), fault(10, 'power-loss'), offline(11, 5000), ...after])).toMatchObject([
      nothing,
    ]);
    // The server had given it up, and the device did not know.
    expect(judge([...up, offline(9, 5000), fault(10, 'power-loss'), ...after])).toMatchObject([nothing]);
  });

  it('lost on a device that was never connected: no service was there that could come back', () => {
    const after = [healed(15, 'power-loss', CUT), boot(15), connected(15.5, 5001), answered(16)];
    for (const before of [[], [boot(0)]]) {
      expect(judge([...before, fault(10, 'power-loss'), ...after])).toMatchObject([
        { wasConnected: false, hadService: false, healedAfterMs: 5000, backAfterMs: undefined },
      ]);
    }
  });

  it('cut again before anyone noticed: each cut has its verdict on the connection that it found', () => {
    const again = 'power-loss on dev-1 at 20s';
    expect(
      judge([
        ...up,
        fault(10, 'power-loss'),
        healed(12, 'power-loss', CUT),
        boot(12),
        connected(13, 5001),
        fault(20, 'power-loss', again),
        healed(22, 'power-loss', again),
        boot(22),
        offline(26, 5000),
        connected(27, 5002),
        answered(28),
        offline(35, 5001),
      ]),
    ).toMatchObject([
      { atMs: 10_000, healedAfterMs: 12_000, serverNoticed: { afterMs: 16_000 }, backAfterMs: 6000 },
      { atMs: 20_000, healedAfterMs: 2000, serverNoticed: { afterMs: 15_000 }, backAfterMs: 6000 },
    ]);
  });
});

describe('a hang', () => {
  const HANG = 'hang on dev-1 at 10s';

  it('ended by a watchdog is noticed by the device, and healed, though the plan had it for good', () => {
    expect(
      judge([...up, fault(10, 'hang'), boot(18.1, 'watchdog'), connected(19, 5001), answered(20), offline(25, 5000)]),
    ).toMatchObject([
      {
        healedAfterMs: 8100,
        deviceNoticed: { afterMs: 8100, by: 'watchdog' },
        serverNoticed: { afterMs: 15_000 },
        backAfterMs: 1900,
      },
    ]);
  });

  it('ended by a watchdog before its time: the end of its time changes nothing', () => {
    expect(
      judge([
        ...up,
        fault(10, 'hang'),
        boot(18.1, 'watchdog'),
        connected(19, 5001),
        healed(40, 'hang', HANG),
        answered(41),
      ]),
    ).toMatchObject([{ healedAfterMs: 8100 }]);
  });

  it('ended by a power cycle was noticed by nobody on the device', () => {
    const cut = 'power-loss on dev-1 at 15s';
    expect(
      judge([
        ...up,
        fault(10, 'hang'),
        fault(15, 'power-loss', cut),
        healed(16, 'power-loss', cut),
        boot(16),
        connected(17, 5001),
        answered(18),
        offline(25, 5000),
      ]),
    ).toMatchObject([
      {
        fault: 'hang',
        healedAfterMs: 6000,
        deviceNoticed: undefined,
        serverNoticed: { afterMs: 15_000 },
        backAfterMs: 2000,
      },
      {
        fault: 'power-loss',
        healedAfterMs: 1000,
        wasConnected: true,
        serverNoticed: { afterMs: 10_000 },
        backAfterMs: 2000,
      },
    ]);
  });

  it('over in time: the firmware finds what has happened meanwhile', () => {
    expect(
      judge([
        ...up,
        fault(10, 'hang'),
        offline(25, 5000),
        healed(30, 'hang', HANG),
        lost(30, 'closed'),
        connected(31, 5001),
        answered(32),
      ]),
    ).toMatchObject([
      {
        deviceNoticed: { afterMs: 20_000, by: 'closed' },
        serverNoticed: { afterMs: 15_000, by: 'silent' },
        backAfterMs: 2000,
      },
    ]);
  });
});

it.each([
  ['cable-pull', 'T0'],
  ['power-loss', 'T0'],
  ['hang', 'T0'],
  ['crash', 'T1'],
  ['reset', 'T1'],
] as const)('a %s over real sockets is of tier %s', (kind, tier) => {
  expect(judge([...up, fault(10, kind)])[0]?.tier).toBe(tier);
});

it('a crash is told to the server at once; the boot after it ends it', () => {
  expect(
    judge([
      ...up,
      fault(10, 'crash'),
      offline(10.001, 5000, { kind: 'closed', halfFrame: false }),
      boot(12, 'panic'),
      connected(12.5, 5001),
      answered(13),
    ]),
  ).toMatchObject([
    { healedAfterMs: 2000, deviceNoticed: undefined, serverNoticed: { afterMs: 1, by: 'closed' }, backAfterMs: 1000 },
  ]);
});

it('a reset is healed at once, and both ends see it', () => {
  expect(
    judge([
      ...up,
      fault(10, 'reset'),
      hungUp(10, 5000, 'ECONNRESET'),
      lost(10, 'ECONNRESET'),
      offline(10.001, 5000, { kind: 'error', errno: 'ECONNRESET' }),
      connected(11, 5001),
      answered(12),
    ]),
  ).toMatchObject([
    {
      healedAfterMs: 0,
      deviceNoticed: { afterMs: 0, by: 'ECONNRESET' },
      serverNoticed: { afterMs: 0, by: 'ECONNRESET' },
      backAfterMs: 2000,
    },
  ]);
});

describe('several faults on one device', () => {
  const [long, short] = ['cable-pull on dev-1 at 10s for 30s', 'hang on dev-1 at 20s for 5s'];

  it('share what is noticed of their connection, each from its own time, and are healed when all are over', () => {
    expect(
      judge([
        ...up,
        fault(10, 'cable-pull', long),
        fault(20, 'hang', short),
        offline(24, 5000),
        healed(25, 'hang', short),
        lost(26, 'missed-beats'),
        healed(40, 'cable-pull', long),
        connected(41, 5001),
        answered(42),
      ]),
    ).toMatchObject([
      {
        text: long,
        healedAfterMs: 30_000,
        deviceNoticed: { afterMs: 16_000 },
        serverNoticed: { afterMs: 14_000 },
        backAfterMs: 2000,
      },
      {
        text: short,
        healedAfterMs: 20_000,
        deviceNoticed: { afterMs: 6000 },
        serverNoticed: { afterMs: 4000 },
        backAfterMs: 2000,
      },
    ]);
  });

  it('a reset among them is healed with them', () => {
    expect(
      judge([
        ...up,
        fault(10, 'cable-pull', long),
        fault(20, 'reset'),
        healed(40, 'cable-pull', long),
        connected(41, 5001),
        answered(42),
      ]),
    ).toMatchObject([
      { healedAfterMs: 30_000, backAfterMs: 2000 },
      { healedAfterMs: 20_000, backAfterMs: 2000 },
    ]);
  });

  describe('of which one has stopped the firmware: it could notice none', () => {
    const pull = 'cable-pull on dev-1 at 10s for 30s';
    const rest = [
      offline(25, 5000),
      healed(20, 'power-loss', CUT),
      boot(20),
      healed(40, 'cable-pull', pull),
      connected(41, 5001),
      answered(42),
    ];

    it('at the same instant, whichever comes first', () => {
      for (const faults of [
        [fault(10, 'cable-pull', pull), fault(10, 'power-loss')],
        [fault(10, 'power-loss'), fault(10, 'cable-pull', pull)],
      ]) {
        expect(judge([...up, ...faults, ...rest])).toMatchObject([
          { firmware: 'off', deviceNoticed: undefined },
          { firmware: 'off', deviceNoticed: undefined },
        ]);
      }
      expect(
        judge([...up, fault(10, 'hang'), fault(10, 'power-loss'), fault(10, 'crash')]).map(({ firmware }) => firmware),
      ).toEqual(['off', 'off', 'off']);
    });

    it('before, or after, as long as it has not noticed', () => {
      expect(judge([...up, fault(10, 'power-loss'), fault(12, 'cable-pull', pull), ...rest])[1]).toMatchObject({
        firmware: 'off',
        serverNoticed: { afterMs: 13_000 },
      });
      expect(judge([...up, fault(10, 'cable-pull', pull), fault(10.001, 'power-loss'), ...rest])[0]).toMatchObject({
        firmware: 'off',
      });
    });

    it('unless a hang is over before: then the device could notice', () => {
      const hang = 'hang on dev-1 at 10s';
      const hung = [...up, fault(10, 'hang'), fault(12, 'cable-pull', pull)];
      expect(judge([...hung, healed(15, 'hang', hang)]).map(({ firmware }) => firmware)).toEqual(['hung', 'running']);
      expect(
        judge([...hung, healed(30, 'cable-pull', pull), healed(31, 'hang', hang)]).map(({ firmware }) => firmware),
      ).toEqual(['hung', 'hung']);
      // After a boot it runs without the connection that it could have missed.
      expect(judge([...hung, boot(15, 'watchdog')]).map(({ firmware }) => firmware)).toEqual(['hung', 'hung']);
    });
  });

  it('a reset has no effect where there is no power, and nobody has noticed it; on a firmware that is hung it has', () => {
    const after = [offline(25, 5000), healed(30, 'power-loss', CUT), boot(30), connected(31, 5001), answered(32)];
    expect(judge([...up, fault(10, 'power-loss'), fault(12, 'reset'), ...after])).toMatchObject([
      { fault: 'power-loss', serverNoticed: { afterMs: 15_000 } },
      { fault: 'reset', wasConnected: false, serverNoticed: undefined, ghostMs: 0 },
    ]);
    expect(judge([...up, fault(10, 'hang'), fault(12, 'reset'), offline(12, 5000)])[1]).toMatchObject({
      wasConnected: true,
      firmware: 'hung',
      serverNoticed: { afterMs: 0 },
    });
  });

  it('one for good leaves none healed', () => {
    expect(judge([...up, fault(10, 'cable-pull'), fault(20, 'hang', short), healed(25, 'hang', short)])).toMatchObject([
      { healedAfterMs: undefined },
      { healedAfterMs: undefined },
    ]);
  });

  it('one long over has no part in the next', () => {
    const again = 'cable-pull on dev-1 at 50s';
    expect(
      judge([
        ...up,
        fault(10, 'cable-pull'),
        healed(12, 'cable-pull', PULL),
        answered(13),
        fault(50, 'cable-pull', again),
        offline(65, 5000),
        lost(70, 'missed-beats'),
        healed(80, 'cable-pull', again),
      ]),
    ).toMatchObject([
      { survived: true, serverNoticed: undefined, deviceNoticed: undefined },
      { serverNoticed: { afterMs: 15_000 }, deviceNoticed: { afterMs: 20_000 } },
    ]);
  });
});

it('one line of a plan on several devices: each has its own verdict, and its own heal', () => {
  const text = 'cable-pull on dev-* at 10s for 30s';
  const of = (device: string, port: number) => [boot(0, 'power-on', device), connected(1, port, device)];
  expect(
    judge([
      ...of('dev-1', 5000),
      ...of('dev-2', 5001),
      fault(10, 'cable-pull', text, 'dev-1'),
      fault(10, 'cable-pull', text, 'dev-2'),
      offline(25, 5001),
      offline(26, 5000),
      healed(40, 'cable-pull', text, 'dev-1'),
      healed(40.5, 'cable-pull', text, 'dev-2'),
      answered(41, 'dev-2'),
      connected(42, 5002, 'dev-2'),
      answered(43, 'dev-2'),
    ]),
  ).toMatchObject([
    { device: 'dev-1', healedAfterMs: 30_000, serverNoticed: { afterMs: 16_000 }, backAfterMs: undefined },
    { device: 'dev-2', healedAfterMs: 30_500, serverNoticed: { afterMs: 15_000 }, backAfterMs: 2500 },
  ]);
});

describe('the server', () => {
  it('that is stopped has noticed nothing, and holds no ghost any more', () => {
    expect(
      judge([...up, fault(10, 'cable-pull'), offline(20, 5000, { kind: 'stopped' }), hungUp(20.001, 5000)]),
    ).toMatchObject([{ serverNoticed: undefined, ghostMs: 10_000 }]);
  });

  it('that dies takes its devices with it: losses without a fault, by reason', () => {
    const sessions = new Sessions();
    const one = new Judge(sessions);
    for (const [i, by] of (['closed', 'ECONNRESET', 'ECONNRESET'] as const).entries()) {
      for (const event of [
        boot(0, 'power-on', `dev-${i}`),
        connected(1, 5000 + i, `dev-${i}`),
        lost(50, by, `dev-${i}`),
      ]) {
        sessions.add(event);
      }
    }
    expect(one.verdicts(100)).toEqual([]);
    expect([...one.findings().unexplainedLosses]).toEqual([['closed', 1], ['ECONNRESET', 2]]);
  });

  it('names its reason', () => {
    const by = (reason: OfflineReason) =>
      judge([...up, fault(10, 'cable-pull'), offline(20, 5000, reason)])[0]?.serverNoticed?.by;
    expect(by({ kind: 'error', errno: 'ETIMEDOUT' })).toBe('ETIMEDOUT');
    expect(by({ kind: 'closed', halfFrame: true })).toBe('closed');
    expect(by({ kind: 'not-reading', queuedBytes: 1 })).toBe('not-reading');
  });

  it('may see an IPv4 address as IPv6 has it', () => {
    expect(judge([...up, fault(10, 'cable-pull'), offline(20, 5000, undefined, '::FFFF:127.0.0.1')])).toMatchObject([
      { serverNoticed: { afterMs: 10_000 } },
    ]);
    expect(judge([...up, fault(10, 'cable-pull'), offline(20, 5000, undefined, '::1')])).toMatchObject([
      { serverNoticed: undefined },
    ]);
  });

  it('that is not ours is asked by what the bench sees, also where two devices have one port, to two servers', () => {
    expect(
      judge([
        boot(0, 'power-on', 'dev-1'),
        connected(1, 5000, 'dev-1'),
        boot(0, 'power-on', 'dev-2'),
        connected(1, 5000, 'dev-2'),
        fault(10, 'power-loss', 'power-loss on * at 10s', 'dev-1'),
        fault(10, 'power-loss', 'power-loss on * at 10s', 'dev-2'),
        hungUp(20, 5000, 'closed', 'dev-2'),
        hungUp(30, 5000, 'closed', 'dev-1'),
      ]),
    ).toMatchObject([
      { device: 'dev-1', serverNoticed: { afterMs: 20_000, by: 'closed' } },
      { device: 'dev-2', serverNoticed: { afterMs: 10_000, by: 'closed' } },
    ]);
  });

  it('is heard first where both tell: the bench\'s sight of it comes later', () => {
    expect(judge([...up, fault(10, 'hang'), offline(25, 5000), hungUp(25.001, 5000)])).toMatchObject([
      { serverNoticed: { afterMs: 15_000, by: 'silent' } },
    ]);
  });

  it('that is not ours and dies cannot be told from one that closes: it counts as having noticed', () => {
    expect(
      judge([
        ...up,
        connected(1, 5001, 'dev-2'),
        fault(10, 'cable-pull'),
        hungUp(20, 5000),
        hungUp(20, 5001, 'closed', 'dev-2'),
      ]),
    ).toMatchObject([{ serverNoticed: { afterMs: 10_000, by: 'closed' }, ghostMs: 10_000 }]);
  });

  it('is not said to have closed first, as its FIN may be the answer to the device\'s', () => {
    expect(describeTraceEvent(hungUp(20, 5000))).toBe("   20.0 s  dev-1     the server's end is closed (FIN)");
    expect(describeTraceEvent(hungUp(20, 5000, 'ECONNRESET'))).toBe(
      "   20.0 s  dev-1     the server's end is gone (ECONNRESET)",
    );
  });

  it('may hold a connection of which the device cannot tell its end', () => {
    const unknown: TraceEvent = {
      source: 'device',
      device: 'dev-1',
      kind: 'connected',
      server,
      local: undefined,
      atMs: 1000,
    };
    expect(judge([boot(0), unknown, fault(10, 'cable-pull'), lost(22, 'ETIMEDOUT')])).toMatchObject([
      { wasConnected: true, deviceNoticed: { afterMs: 12_000 }, serverNoticed: undefined },
    ]);
  });
});

it("only the firmware's event of service shows service", () => {
  const again = [fault(10, 'reset'), lost(10, 'ECONNRESET'), connected(11, 5001)];
  const sent: TraceEvent = { source: 'device', device: 'dev-1', kind: 'data-sent', bytes: 1, atMs: 13_000 };
  expect(judge([...up, ...again, beat(12), sent])[0]?.backAfterMs).toBeUndefined();
  expect(judge([...up, ...again, beat(12), sent, answered(14)])[0]?.backAfterMs).toBe(4000);
  expect(judge([...up, ...again, beat(12), assumed(12), sent, answered(14)])[0]?.backAfterMs).toBe(2000);
});

/** Returns the memory in use, after a garbage collection. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
  return process.memoryUsage().heapUsed;
}

it('keeps nothing of a long run without faults', () => {
  const sessions = new Sessions();
  const one = new Judge(sessions);
  const reconnects = (count: number) => {
    for (let i = 0; i < count; i++) {
      for (const event of [
        connected(i, i),
        answered(i),
        lost(i, 'closed'),
        offline(i, i),
        hungUp(i, i),
        boot(i),
        connected(i, i),
        boot(i),
      ]) {
        sessions.add(event);
      }
    }
  };
  reconnects(1000);
  const beforeBytes = usedBytes();
  reconnects(100_000);
  // Kept, these would be 100,000 connections of 100 bytes and more.
  expect(usedBytes() - beforeBytes).toBeLessThan(3_000_000);
  expect(one.verdicts(0)).toEqual([]);
});
