/**
 * Each invariant catches what it is there for: in what a run showed, one thing is changed; and in worlds that are
 * broken on purpose.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Errno } from '../../../hal/errno.ts';
import type { Firmware } from '../../../sim/board/board.ts';
import { parsePlan } from '../../../sim/faults/plan.ts';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { backMs, ghostMs, settledMs, silenceMs } from '../../../sim/swarm/bounds.ts';
import {
  brokenProtocols,
  corruptStreams,
  differingAccounts,
  hastyDrops,
  lateDevices,
  leakedSessions,
  lostInCalm,
  longGhosts,
  silentClients,
  unboundedMemory,
  type Violation,
  violationsOf,
  wrongVerdicts,
  wrongMessages,
  wrongRefusals,
  wrongSequences,
  wrongWills,
} from '../../../sim/swarm/invariants.ts';
import type { Observation } from '../../../sim/swarm/observation.ts';
import { observe, runScenario } from '../../../sim/swarm/run.ts';
import { Replay } from '../../../sim/swarm/replay.ts';
import type { FleetProtocol } from '../../../sim/swarm/fleet.ts';
import { markedDownMs, wrongMarks } from '../../../sim/swarm/peers.ts';
import type { Scenario } from '../../../sim/swarm/scenario.ts';
import { Streams } from '../../../sim/swarm/streams.ts';
import { scenarioOf } from '../../../sim/swarm/swarm.ts';
import type { FaultSpan } from '../../../sim/sessions/fault-span.ts';
import type { Ghost } from '../../../sim/sessions/session.ts';
import type { DeviceLine } from '../../../sim/verdict/time-line.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

const cable = { delayMs: 20, jitterMs: 0, bandwidthBps: undefined, loss: 0 };

/** Two devices and a server; beats every second, three may be missed. */
function scenario(...lines: readonly string[]): Scenario {
  const plan = parsePlan(lines.join('\n'));
  if ('message' in plan) throw new Error(plan.message);
  const policy = {
    beatIntervalMs: 1000,
    missedLimit: 3,
    keepAlive: 'off',
    connectTimeoutMs: 5000,
    retry: { baseMs: 1000, capMs: 5000 },
    speaks: { kind: 'heartbeat', silence: 'missed-beats' },
  } as const;
  const device = { profile: 'lwip', socketsMax: undefined, cable, nat: undefined, driftPpm: 0, watchdogMs: 0 } as const;
  const devices = [{ ...device, name: 'dev-1' }, { ...device, name: 'dev-2', profile: 'linux' as const }];
  return {
    index: 0,
    seed: 1,
    forMs: 180_000,
    calmMs: 90_000,
    policy,
    arp: false,
    server: { profile: 'linux', backlog: undefined, cable, driftPpm: 0 },
    nats: [],
    devices,
    plan,
  };
}

const PULL = 'cable-pull on dev-1 at 30s for 30s';

let well: Observation;

beforeAll(async () => {
  well = await observe(scenario(PULL));
});

const sentences = (violations: readonly Violation[]): string[] =>
  violations.map(({ invariant, sentence }) => `${invariant}: ${sentence}`);

it('a run that is as it must be violates none of them', () => {
  expect(violationsOf(well)).toEqual([]);
  expect(well.sessions.map(({ device }) => device).toSorted()).toEqual(['dev-1', 'dev-1', 'dev-2']);
});

describe('silence', () => {
  it('a client that is heard no more, and stays online', () => {
    const heard = { device: 'dev-1', heardMs: [1000, 2000], sequence: [] };
    const sessions = [{ ...heard, overMs: 2000 + silenceMs(well.scenario) + 1 }];
    expect(silentClients({ ...well, sessions })).toEqual([
      'the server kept dev-1 online from 2.0 s, silent, for 10.0 s: its policy allows 10.0 s',
    ]);
    const inTime = [{ ...heard, overMs: 2000 + silenceMs(well.scenario) }];
    expect(silentClients({ ...well, sessions: inTime })).toEqual([]);
  });

  it('not while the server hangs: the count starts again when it goes on', () => {
    const faults: readonly FaultSpan[] = [{
      id: 1, kind: 'hang', argument: undefined, effect: 'cuts', tier: 'T3', text: 'hang', host: 'server', on: 'server',
      fromMs: 3000, forMs: undefined, isMomentary: false, toMs: 60_000,
    }];
    const heard = { device: 'dev-1', heardMs: [2000], sequence: [] };
    expect(silentClients({ ...well, faults, sessions: [{ ...heard, overMs: 70_000 }] })).toEqual([]);
    expect(silentClients({ ...well, faults, sessions: [{ ...heard, overMs: 71_100 }] })).toHaveLength(1);
  });
});

describe('patience', () => {
  it('a client that is dropped for silence before its time', () => {
    expect(well.gone).toMatchObject([{ device: 'dev-1', how: { kind: 'silent' } }]);
    const dropped = (silentMs: number): Observation => (
      { ...well, gone: [{ device: 'dev-1', atMs: 33_000, how: { kind: 'silent', silentMs }, wills: 0 }] }
    );
    expect(hastyDrops(dropped(2000))).toEqual([
      'the server dropped dev-1 at 33.0 s, silent for 2.0 s: its policy waits for 3.0 s',
    ]);
    expect(hastyDrops(dropped(3000))).toEqual([]);
  });
});

describe('ghosts', () => {
  it('a pulled cable that the server does not notice in time', () => {
    const boundMs = ghostMs(well.scenario);
    const lasting = (lastsMs: number): Observation => ({
      ...well,
      lines: withGhosts([{ fromMs: 30_000, toMs: 30_000 + lastsMs, why: PULL }]),
    });
    expect(longGhosts(lasting(29_000))).toEqual([
      `${PULL}: the server believed in dev-1 from 30.0 s on for 29.0 s: ${(boundMs / 1000).toFixed(1)} s are allowed`,
    ]);
    expect(longGhosts(lasting(boundMs))).toEqual([]);
  });

  it('a server that counts no beats', async () => {
    // The server's policy says three; the simulated server has a thousand.
    const { policy } = well.scenario;
    const lax = await observe({ ...well.scenario, policy: { ...policy, missedLimit: 1000 } });
    const found = violationsOf({ ...lax, scenario: well.scenario });
    expect(found.map(({ invariant }) => invariant)).toEqual(expect.arrayContaining(['silence', 'ghost']));
  });
});

describe('back', () => {
  const boundMs = (): number => backMs(well.scenario);

  it('a device that is served too late after the last heal', () => {
    const [one, two] = well.devices;
    if (one === undefined || two === undefined) throw new Error('two devices');
    expect(lateDevices({ ...well, devices: [{ ...one, servedMs: [60_000 + boundMs() + 1] }, two] })).toEqual([
      `dev-1 was well from 60.0 s on, and was served after ${((boundMs() + 1) / 1000).toFixed(1)} s: ${(boundMs() / 1000).toFixed(1)} s are allowed`,
    ]);
    expect(lateDevices({ ...well, devices: [{ ...one, servedMs: [60_000 + boundMs()] }, two] })).toEqual([]);
  });

  it('a device that is not served any more', () => {
    const devices = well.devices.map((device) => ({
      ...device,
      servedMs: device.servedMs.filter((ms) => ms < 60_000),
    }));
    expect(lateDevices({ ...well, devices })).toEqual([
      expect.stringMatching(/^dev-1 was well from 60\.0 s on, and was not served any more: /),
    ]);
  });

  it('counts from when the stack of the device had room for a connection', () => {
    const [one, two] = well.devices;
    if (one === undefined || two === undefined) throw new Error('two devices');
    const late = (tableFullMs: readonly number[]): Observation => {
      return { ...well, devices: [{ ...one, tableFullMs, servedMs: [62_000 + boundMs()] }, two] };
    };
    expect(lateDevices(late([30_000]))).toEqual([expect.stringMatching(/^dev-1 was well from 60\.0 s on, and was served/)]);
    expect(lateDevices(late([30_000, 62_000]))).toEqual([]);
  });

  it('is asked of nobody whose fault is not over', async () => {
    expect(sentences(violationsOf(await observe(scenario('cable-pull on dev-1 at 30s'))))).toEqual([]);
  });
});

describe('streams', () => {
  const change = (host: string, of: (read: Uint8Array) => Uint8Array): Observation => {
    const streams = well.streams.map((end) => (end.host === host ? { ...end, read: of(end.read) } : end));
    return { ...well, streams };
  };

  it.each<[string, (read: Uint8Array) => Uint8Array]>([
    ['a byte that is another', (read) => read.with(10, (read[10] ?? 0) ^ 1)],
    ['a beat that came twice', (read) => new Uint8Array([...read.subarray(0, 8), ...read])],
    ['a beat that did not come', (read) => read.subarray(8)],
    ['more than was written', (read) => new Uint8Array([...read, ...read, ...read])],
  ])('%s', (_, of) => {
    expect(corruptStreams(change('dev-2', of))).toEqual([
      expect.stringMatching(
        /^what dev-2 has read from 10\.0\.0\.1 port 39002, \d+ bytes, is not what was written there, of which byte \d+ is the first that differs$/,
      ),
    ]);
  });

  it('bytes that no program wrote', () => {
    const streams = well.streams.filter(({ host }) => host !== 'server');
    expect(corruptStreams({ ...well, streams })).toContainEqual(
      expect.stringMatching(/^what dev-1 has read .* is not what was written there: nobody has written anything$/),
    );
  });

  it('a network between that changes a byte', async () => {
    const sim = new Simulation({ seed: 1 });
    const streams = new Streams();
    sim.addServer(streams.watchServer(referenceServer(), 'server'));
    sim.addDevice({ firmware: spoilt(streams.watchFirmware(heartbeatFirmware(), 'dev-1')) });
    await sim.runFor('20s');
    expect(corruptStreams({ ...well, streams: streams.ends() })).not.toEqual([]);
  });

  it('programs do not see that they are watched', async () => {
    const beats = async (streams: Streams | undefined): Promise<number> => {
      const sim = new Simulation({ seed: 1 });
      const server = sim.addServer(streams?.watchServer(referenceServer(), 'server') ?? referenceServer());
      sim.addDevice({ firmware: streams?.watchFirmware(heartbeatFirmware(), 'dev-1') ?? heartbeatFirmware() });
      await sim.runFor('1m');
      return server.program?.statistics.beats ?? 0;
    };
    expect(await beats(new Streams())).toBe(await beats(undefined));
  });
});

/** A firmware whose network changes the twentieth byte that it reads, above the sum that TCP makes. */
function spoilt(firmware: Firmware): Firmware {
  return ({ clock, network, storage, random, console, system }, onEvent) => {
    let place = 0;
    firmware(
      {
        clock,
        storage,
        random,
        console,
        system,
        network: {
          capabilities: network.capabilities,
          link: network.link,
          listen: (...args) => network.listen(...args),
          openDatagram: (...args) => network.openDatagram(...args),
          lookup: (...args) => network.lookup(...args),
          openStream: (handler) => {
            const socket = network.openStream(handler);
            const read = socket.read.bind(socket);
            socket.read = (into) => {
              const count = read(into);
              for (let i = 0; i < count; i++) if (place++ === 19) into[i] = (into[i] ?? 0) ^ 1;
              return count;
            };
            return socket;
          },
        },
      },
      onEvent,
    );
  };
}

describe('sessions', () => {
  it('a client that is left, one that is not there, a stranger, a device without', () => {
    const clients = (...entries: [string, number][]): Observation => ({ ...well, clients: new Map(entries) });
    expect(leakedSessions(clients(['dev-1', 2], ['dev-2', 1]))).toEqual([
      'the server has 2 clients at the end that are dev-1, 90.0 s after the last heal',
    ]);
    expect(leakedSessions(clients(['dev-1', 1]))).toEqual([
      'the server has 0 clients at the end that are dev-2, 90.0 s after the last heal',
    ]);
    expect(leakedSessions(clients(['dev-1', 1], ['dev-2', 1], ['?', 1]))).toEqual([
      'the server has a client at the end that is none of the devices: ?',
    ]);
    expect(leakedSessions({ ...well, clients: undefined })).toEqual([
      'the server does not run at the end, though its last fault was over at 90.0 s',
    ]);
    expect(
      leakedSessions({
        ...well,
        devices: well.devices.map((device) => ({ ...device, isConnected: device.name === 'dev-1' })),
      }),
    ).toEqual(['dev-2 is not connected at the end, 90.0 s after the last heal']);
  });
});

describe('room', () => {
  const failed = (errno: Errno, turnedAway: Observation['devices'][number]['turnedAway'] = []): string[] => {
    const failures = [{ fromMs: 100_000, atMs: 105_000, errno }];
    return wrongRefusals({
      ...well,
      devices: well.devices.map((device) => (device.name === 'dev-2' ? { ...device, failures, turnedAway } : device)),
    });
  };

  it('an attempt that fails though all is well, or by an error that its stack has not for it', () => {
    expect(failed('ETIMEDOUT')).toEqual([
      'dev-2 could not connect at 105.0 s by ETIMEDOUT: it was well from 0.0 s on, and the server had room',
    ]);
    const away = [{ atMs: 104_000, by: 'full-table' }] as const;
    expect(failed('ETIMEDOUT', away)).toEqual([]);
    expect(failed('ECONNREFUSED', away)).toEqual([
      'dev-2 could not connect at 105.0 s by ECONNREFUSED: the server turned it away for its full table, which is told '
      + 'by ETIMEDOUT or ETIMEDOUT',
    ]);
    expect(failed('ETIMEDOUT', [{ atMs: 99_000, by: 'full-table' }])).toHaveLength(1);
    expect(failed('ENOBUFS', away)).toEqual(['dev-2 could not connect at 105.0 s by ENOBUFS: its table has no end']);
  });

  it.each([
    { profile: 'lwip', devices: 7, backlog: undefined, room: 5, told: { linux: 'ETIMEDOUT', lwip: 'ETIMEDOUT' } },
    { profile: 'w5500', devices: 10, backlog: undefined, room: 8, told: { linux: 'ECONNREFUSED', lwip: 'ECONNRESET' } },
    { profile: 'freertos-tcp', devices: 4, backlog: 2, room: 2, told: { linux: 'ECONNREFUSED', lwip: 'ECONNRESET' } },
  ] as const)('a $profile server with more devices than it has room for keeps those that it has', async (one) => {
    const { profile, devices: count, backlog, room, told } = one;
    const small = scenario('cable-pull on dev-1 at 20s for 5s');
    const [ofLwip, ofLinux] = small.devices;
    if (ofLwip === undefined || ofLinux === undefined) throw new Error('there are two devices');
    const crowd = await observe({
      ...small,
      server: { ...small.server, profile, backlog },
      devices: Array.from({ length: count }, (_, i) => ({ ...(i % 2 === 0 ? ofLwip : ofLinux), name: `dev-${i + 1}` })),
    });
    expect(violationsOf(crowd)).toEqual([]);
    expect([...(crowd.clients ?? [])]).toHaveLength(room);
    const outside = crowd.devices.filter(({ isConnected }) => !isConnected);
    expect(outside).toHaveLength(count - room);
    for (const { name, failures, turnedAway } of outside) {
      const stack = crowd.scenario.devices.find((device) => device.name === name)?.profile;
      expect(turnedAway.length, name).toBeGreaterThan(3);
      const later = failures.filter(({ fromMs }) => fromMs > 30_000);
      expect(new Set(later.map(({ errno }) => errno)), name).toEqual(
        new Set([stack === 'linux' ? told.linux : told.lwip]),
      );
    }
  });

  it('a device whose own table is full of dead connections cannot connect until one is gone', async () => {
    const one = scenario('power-loss on server at 20s for 20s');
    const devices = one.devices.map((device) => (device.name === 'dev-1' ? { ...device, socketsMax: 1 } : device));
    const full = await observe({ ...one, devices });
    expect(violationsOf(full)).toEqual([]);
    // The FIN of the dead connection is sent again and again; when the server is back, it answers that with RST.
    const [device, other] = full.devices;
    expect(device?.tableFullMs.length).toBeGreaterThan(1);
    expect(other?.tableFullMs).toEqual([]);
    expect(device?.isConnected).toBe(true);
  });

  it('a FreeRTOS+TCP server does not answer the SYN of a rebooted W5500 as long as it has the old connection', async () => {
    const one = scenario('power-loss on dev-1 at 20s for 1s');
    const devices = one.devices.map((device) => ({ ...device, profile: 'w5500' as const }));
    const reboot = await observe({ ...one, devices, server: { ...one.server, profile: 'freertos-tcp' } });
    expect(violationsOf(reboot)).toEqual([]);
    const [device] = reboot.devices;
    expect(device?.turnedAway.map(({ by }) => by)).toContain('old-connection');
    const silentMs = reboot.gone.find(({ how }) => how.kind === 'silent')?.atMs ?? 0;
    expect(device?.servedMs.find((ms) => ms > 20_000)).toBeGreaterThan(silentMs);
  });
});

describe('calm', () => {
  it('a connection that is lost though nothing is wrong, at either end', () => {
    const { scenario: { calmMs } } = well;
    const lateMs = calmMs + settledMs(well.scenario);
    const lost = (atMs: number): string[] => {
      const devices = well.devices.map((device) => {
        const losses = device.name === 'dev-1' ? [{ atMs, by: 'missed-beats' as const, detail: '' }] : [];
        return { ...device, losses };
      });
      const gone = [{ device: 'dev-2', atMs, how: { kind: 'closed', halfFrame: false }, wills: 0 } as const];
      return lostInCalm({ ...well, devices, gone });
    };
    expect(lost(30_000)).toHaveLength(1);
    expect(lost(lateMs)).toEqual([
      `dev-1 lost its connection at ${(lateMs / 1000).toFixed(1)} s by missed-beats: it was well from 60.0 s on`,
      `the server lost dev-2 at ${(lateMs / 1000).toFixed(1)} s by closed: it was well from 0.0 s on`,
    ]);
  });
});

describe('protocols', () => {
  const fleet = (speaks: FleetProtocol, ...lines: string[]): Promise<Observation> => {
    const one = scenario(PULL, ...lines);
    return observe({ ...one, policy: { ...one.policy, speaks } });
  };

  it('a framed fleet, whose ends take each other at their word', async () => {
    const speaks: FleetProtocol = { kind: 'framed', asksWhen: 'writer-idle', pushIntervalMs: 700, dataBeats: 1.5 };
    const framed = await fleet(speaks, 'hang on server at 70s for 10s');
    expect(violationsOf(framed)).toEqual([]);
    expect(framed.gone.map(({ how }) => how.kind)).toContain('silent');
    const how = { kind: 'dropped', reason: 'a second login' } as const;
    const gone = [{ device: 'dev-1', atMs: 33_000, how, wills: 0 }];
    expect(brokenProtocols({ ...framed, gone })).toEqual(['the server dropped dev-1 at 33.0 s: a second login']);
    const devices = framed.devices.map((device) => (
      { ...device, losses: [{ atMs: 4000, by: 'bad-frame' as const, detail: 'frame 1: type is 9, must be 2 to 6' }] }
    ));
    expect(brokenProtocols({ ...framed, devices })).toEqual([
      'dev-1 gave the server up at 4.0 s: frame 1: type is 9, must be 2 to 6',
      'dev-2 gave the server up at 4.0 s: frame 1: type is 9, must be 2 to 6',
    ]);
  });

  it('a Dubbo fleet, whose answers are to its calls, though they come late and in any order', async () => {
    const speaks: FleetProtocol = { kind: 'dubbo', callIntervalMs: 700, workMs: [7000, 0, 400] };
    const dubbo = await fleet(speaks, 'hang on server at 70s for 30s');
    expect(violationsOf(dubbo)).toEqual([]);
    expect(dubbo.gone.map(({ how }) => how.kind)).toContain('silent');
    const devices = dubbo.devices.map((device) => ({ ...device, badAnswersMs: device.name === 'dev-1' ? [4000] : [] }));
    expect(brokenProtocols({ ...dubbo, devices })).toEqual(['dev-1 had an answer at 4.0 s that is none to its call']);
  });

  it('a UDP fleet, whose beats are counted', async () => {
    const udp = await fleet({ kind: 'udp-heartbeat', numbered: true }, 'loss 50% on dev-2 at 30s for 20s');
    expect(violationsOf(udp)).toEqual([]);
    const [device] = udp.devices.filter(({ name }) => name === 'dev-2');
    const [session] = udp.sessions.filter((one) => one.device === 'dev-2');
    if (session === undefined || device === undefined) throw new Error('dev-2 has a session');
    expect(session.sequence.length).toBeGreaterThan(0);
    const found = (atMs: number, what: 'missing' | 'late' | 'double', count: number): string[] => {
      const one = { ...session, sequence: [...session.sequence, { atMs, what, count }] };
      return wrongSequences({ ...udp, sessions: [one] });
    };
    expect(found(60_000, 'missing', 1000)).toEqual([
      expect.stringMatching(/^dev-2 has sent \d+ beats, of which the server knows \d+$/),
    ]);
    expect(found(60_000, 'double', 1)).toEqual(['1 beats of dev-2 came twice, and nothing doubles']);
    expect(found(60_000, 'late', 1)).toEqual(['1 beats of dev-2 came late, and nothing reorders']);
    expect(found(170_000, 'missing', 1)).toContain(
      'a beat of dev-2 was missing at 170.0 s: it was well from 50.0 s on',
    );
  });
});

describe('peers', () => {
  const speaks = { kind: 'peers', pingIntervalMs: 1000, graceMs: 5000, minReporters: 2 } as const;
  const group = (...lines: string[]): Promise<Observation> => {
    const one = scenario(...lines);
    const [device] = one.devices;
    if (device === undefined) throw new Error('there is a device');
    const devices = Array.from({ length: 4 }, (_, i) => ({ ...device, name: `dev-${i + 1}` }));
    return observe({ ...one, devices, policy: { ...one.policy, speaks } });
  };

  it('a peer that is down is marked down in time, and a healthy one is not', async () => {
    const down = await group('power-loss on dev-1 at 30s for 40s');
    expect(violationsOf(down)).toEqual([]);
    const [mark, ...others] = down.gone;
    expect(others).toEqual([]);
    expect(mark).toMatchObject({ device: 'dev-1', how: { kind: 'reported' } });
    expect(mark?.atMs).toBeLessThan(30_000 + markedDownMs(down.scenario, speaks));
    const sessions = down.sessions.map((session) => ({ ...session, overMs: 70_000 }));
    expect(wrongMarks({ ...down, sessions })).toEqual([
      expect.stringMatching(/^power-loss .*: dev-1 was not marked down within \d\.\d s, though dev-2, dev-3, dev-4 pinged it$/),
    ]);
    const marked = (device: string, atMs: number, by: readonly string[]): string[] => {
      return wrongMarks({ ...down, gone: [{ device, atMs, how: { kind: 'reported', by }, wills: 0 }] });
    };
    expect(marked('dev-2', 150_000, ['dev-3', 'dev-4'])).toEqual([
      'dev-2 was marked down at 150.0 s by dev-3, dev-4: it was well, and so was dev-3',
    ]);
    expect(marked('dev-1', 40_000, ['dev-3'])).toEqual(['dev-1 was marked down at 40.0 s by dev-3: it takes 2']);
    expect(marked('dev-1', 40_000, ['dev-3', 'dev-4'])).toEqual([]);
  });
});

describe('memory', () => {
  it('connections that nobody has made, places that nobody needs', () => {
    const [sample] = well.samples.slice(-1);
    if (sample === undefined) throw new Error('a sample');
    expect(unboundedMemory({ ...well, samples: [{ ...sample, connections: new Map([['server', 99]]) }] })).toEqual([
      expect.stringMatching(
        /^server holds 99 connections at 180\.0 s: of \d+ attempts in the last 342\.2 s it can be \d+$/,
      ),
    ]);
    expect(unboundedMemory({ ...well, samples: [{ ...sample, connections: new Map([['dev-1', 6]]) }] })).toHaveLength(
      1,
    );
    expect(unboundedMemory({ ...well, samples: [{ ...sample, connections: new Map([['dev-1', 5]]) }] })).toEqual([]);
    expect(unboundedMemory({ ...well, openConnections: 3 })).toEqual([
      'the server has 3 connections open at 180.0 s, and 2 clients',
    ]);
    expect(unboundedMemory({ ...well, samples: [{ ...sample, waiters: 1000 }] })).toEqual([
      expect.stringMatching(
        /^1000 places in the queue of events are taken at 180\.0 s: of 3 hosts with \d+ connections it can be \d+$/,
      ),
    ]);
  });
});

describe('verdicts', () => {
  it('a time that is none, a time beyond the end, a device that is none, a trace that goes back', () => {
    const [verdict] = well.findings.verdicts;
    if (verdict === undefined) throw new Error('a verdict');
    const of = (changed: object): string[] =>
      wrongVerdicts({ ...well, findings: { ...well.findings, verdicts: [{ ...verdict, ...changed }] } });
    expect(of({})).toEqual([]);
    expect(of({ serverNoticed: { afterMs: -1, by: 'silent' } })).toEqual([
      `${PULL}, dev-1: server noticed after -1 ms, and the run had 180.0 s`,
    ]);
    expect(of({ backAfterMs: 200_000 })).toEqual([
      `${PULL}, dev-1: service back after 200000 ms, and the run had 180.0 s`,
    ]);
    expect(of({ device: 'dev-9' })).toEqual([`${PULL}, dev-9: it is none of the devices, and the run had 180.0 s`]);
    expect(wrongVerdicts({ ...well, traceProblems: ['the trace goes back'] })).toEqual(['the trace goes back']);
  });
});

describe('accounts', () => {
  const ghost: Ghost = { fromMs: 30_000, toMs: 35_000, why: PULL };
  const of = (ghosts: readonly Ghost[], ownMs = 5000, sumMs = 5000): string[] => {
    const verdicts = well.findings.verdicts.map((verdict) => ({ ...verdict, ghostMs: ownMs }));
    return differingAccounts({
      ...well,
      lines: withGhosts(ghosts),
      findings: { ...well.findings, verdicts, ghostMs: sumMs },
    });
  };

  it('that agree', () => {
    expect(differingAccounts(well)).toEqual([]);
    expect(well.findings.ghostMs).toBeGreaterThan(0);
    expect(of([ghost])).toEqual([]);
    // A connection that the device left without a fault is in no verdict.
    expect(
      of([ghost, { fromMs: 60_000, toMs: 61_000, why: 'the device has left this connection' }], 5000, 6000),
    ).toEqual([]);
  });

  it('a sum that is another than that of the time lines', () => {
    expect(of([ghost], 5000, 5001)).toEqual(['the time lines of all devices: 5000 ms of ghosts, not 5001 ms']);
    expect(of([])).toContain('the time lines of all devices: 0 ms of ghosts, not 5000 ms');
    expect(violationsOf({ ...well, lines: withGhosts([]) }).map(({ invariant }) => invariant)).toEqual([
      'account',
      'account',
    ]);
  });

  it('a verdict with more than the time line has since its fault', () => {
    expect(of([ghost], 5001)).toEqual([
      `${PULL}, dev-1: the verdict has a ghost of 5.0 s, and the time line has 5.0 s since`,
    ]);
    expect(of([{ ...ghost, fromMs: 20_000 }], 5001, 15_000)).toEqual([
      `${PULL}, dev-1: the verdict has a ghost of 5.0 s, and the time line has 5.0 s since`,
    ]);
  });
});

describe('messages and wills of a fleet that speaks MQTT', () => {
  const mqtt: FleetProtocol = {
    kind: 'mqtt', version: '5.0', pings: 'spec', broker: 'spec', publishIntervalMs: 1000, publishQos: 2,
    keepSession: true,
  };
  let fleet: Observation;
  beforeAll(async () => {
    const { scenario: heartbeat } = well;
    fleet = await observe({ ...heartbeat, policy: { ...heartbeat.policy, beatIntervalMs: 5000, speaks: mqtt } });
  });

  it('that are as they must be', () => {
    expect(violationsOf(fleet)).toEqual([]);
    expect(fleet.mqtt.acknowledged.length).toBeGreaterThan(100);
    expect(fleet.gone.map(({ device, wills }) => `${device} ${wills}`)).toEqual(['dev-1 1']);
  });

  it('a message that was acknowledged, and never came', () => {
    const [first = ''] = fleet.mqtt.acknowledged;
    const accepted = new Map([...fleet.mqtt.accepted].filter(([message]) => message !== first));
    expect(wrongMessages({ ...fleet, mqtt: { ...fleet.mqtt, accepted } })).toEqual([
      `${first} was acknowledged, and is lost`,
    ]);
  });

  it('a message of QoS 2 that came twice, which QoS 1 may', () => {
    const [first = ''] = fleet.mqtt.acknowledged;
    const accepted = new Map([...fleet.mqtt.accepted, [first, 2] as const]);
    const twice = { ...fleet, mqtt: { ...fleet.mqtt, accepted } };
    expect(wrongMessages(twice)).toEqual([`${first}, of QoS 2, was published 2 times`]);
    const policy = { ...fleet.scenario.policy, speaks: { ...mqtt, publishQos: 1 as const } };
    expect(wrongMessages({ ...twice, scenario: { ...fleet.scenario, policy } })).toEqual([]);
  });

  it('a will that never came, and one that came twice', () => {
    const withWills = (wills: number): Observation => (
      { ...fleet, gone: fleet.gone.map((gone) => ({ ...gone, wills })) }
    );
    for (const wills of [0, 2]) {
      expect(wrongWills(withWills(wills))).toEqual([
        expect.stringMatching(
          new RegExp(`^the will of dev-1, offline at .* by silent, was published ${wills} times$`),
        ),
      ]);
    }
  });
});

/** The time lines of the run, with these ghosts of dev-1 and no others. */
function withGhosts(ghosts: readonly Ghost[]): readonly DeviceLine[] {
  return well.lines.map((line) => ({
    ...line,
    online: line.online.map((span, i) => ({ ...span, ghosts: line.name === 'dev-1' && i === 0 ? ghosts : [] })),
  }));
}

describe('a stored trace', () => {
  const replayed = (change: (event: TraceEvent) => object): Promise<string[]> => {
    const replay = new Replay();
    const sim = new Simulation({ seed: 1, onTrace: (event) => replay.add(JSON.parse(JSON.stringify(change(event)))) });
    sim.addServer(referenceServer());
    sim.addDevice({ firmware: heartbeatFirmware() });
    sim.schedule('cable-pull on dev-1 at 30s for 30s');
    return sim.runFor('2m').then(() => replay.problems(sim.testbed.witness.judge.findings(sim.nowMs)));
  };

  it('gives what the run itself gave', async () => expect(await replayed((event) => event)).toEqual([]));

  it('that says something else does not', async () => {
    expect(await replayed((event) => (event.kind === 'offline' ? { ...event, atMs: event.atMs + 1 } : event))).toEqual([
      'the stored trace gives other findings than the run itself',
    ]);
    expect(await replayed((event) => (event.kind === 'offline' ? { ...event, atMs: 'later' } : event))).toContainEqual(
      expect.stringMatching(/^a line of the trace cannot be read again, .*atMs/),
    );
    expect(await replayed((event) => (event.kind === 'offline' ? { ...event, kind: 'gone' } : event))).toContainEqual(
      expect.stringMatching(/^a line of the trace is passed over when it is read again: /),
    );
  });
});

it('an exception in a run is a violation, and not the end of the swarm', async () => {
  const { violations } = await runScenario({
    ...well.scenario,
    policy: { ...well.scenario.policy, beatIntervalMs: -1 },
  });
  expect(sentences(violations)).toEqual([expect.stringMatching(/^exception: threw: .*-1/)]);
});

describe('mistakes that the swarm has found, and that are mended', () => {
  const TEN_MIN = 600_000;

  it.each([
    ['FreeRTOS+TCP retransmitted a closed connection without end', 1, 247, ['dev-6'], ['nat-timeout on dev-6 at 1m']],
    [
      'the alarm of a server whose clock drifts rang without end at one instant',
      4,
      2526,
      ['dev-5', 'dev-7'],
      ['power-loss on server at 173s for 50s', 'loss 73% on dev-5 at 220s for 24s'],
    ],
    ['the same, by corruption', 2, 2162, ['dev-1', 'dev-2', 'dev-3', 'dev-4'], ['corrupt 69% on server at 28s for 1m']],
    ['a server was told to believe in whom it had never taken online', 1, 531, undefined, []],
    ['what a device had left without a fault was a ghost for the page alone', 1, 55, undefined, []],
    ['what a server took late was a ghost from the fault on, for the verdicts alone', 1, 13, undefined, []],
  ])('%s', async (_, seed, index, devices, plan) => {
    const { violations } = await runScenario(scenarioOf({ seed, runs: 1, forMs: TEN_MIN, plan }, index, devices));
    expect(sentences(violations)).toEqual([]);
  });
});
