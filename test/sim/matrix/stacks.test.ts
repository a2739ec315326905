/**
 * The matrix with each of the four stacks at either end: every experiment comes to its end, and what the stacks make
 * differ is what tcpip/STACKS.md says of them.
 */

import { describe, expect, it } from 'vitest';
import { type End, matrix, type Matrix } from '../../../sim/matrix/matrix.ts';
import { COMPARISONS } from '../../../sim/matrix/protocols.ts';
import { endText, matrixText } from '../../../sim/matrix/text.ts';
import { PROFILE_NAMES, type ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { table } from '../../../sim/text.ts';

interface Pair {
  readonly profile: ProfileName;
  readonly serverProfile: ProfileName;
  readonly found: Matrix;
}

const pairs: readonly Pair[] = await Promise.all(PROFILE_NAMES.flatMap((profile) => {
  return PROFILE_NAMES.map(async (serverProfile): Promise<Pair> => {
    return { profile, serverProfile, found: await matrix({ profile, serverProfile }) };
  });
}));

const TITLES: Readonly<Record<ProfileName, string>> = {
  linux: 'Linux', lwip: 'lwIP', w5500: 'W5500', 'freertos-tcp': 'FreeRTOS+TCP',
};

const KEEPALIVE = 'TCP keepalive 3/3/3';
const BEATS = 'beats 3 s x 5';

function cellOf({ rows }: Matrix, fault: string, policy: string): { server: End; device: End } {
  const cell = rows.find((row) => row.fault === fault)?.cells.find((one) => one.policy === policy);
  if (cell === undefined) throw new Error(`there is no cell of ${fault} and ${policy}`);
  return cell;
}

/** Returns the first and the last moment after a fault at which keepalive 3/3/3 ends a connection that was idle. */
function keepAliveEndsMs(name: ProfileName): readonly [leastMs: number, mostMs: number] {
  const { keepAlive: { unanswered, unitS, idleExtraMs, looks }, retransmission } = PROFILES[name];
  const idleMs = 1000 * unitS * Math.ceil(3 / unitS);
  switch (unanswered) {
    // The least is three probes in silence. The most is idle time and three intervals, and a tick of the slow timer.
    case 'probe': return [9000, idleMs + 9000 + 2 * idleExtraMs];
    // Retransmissions after 0.2, 0.4 ... 6.4 s.
    case 'retransmission': {
      const waitsMs = Array.from({ length: retransmission.giveUp.retries + 1 }, (_, i) => {
        return Math.min(retransmission.rtoInitialMs * 2 ** i, retransmission.rtoMaxMs);
      });
      const sumMs = waitsMs.reduce((sum, ms) => sum + ms, 0);
      return [sumMs, idleMs + sumMs];
    }
    case 'looks': {
      if (looks === undefined) throw new Error(`${name} has no looks`);
      const roundMs = looks.everyMs + looks.afterProbeMs;
      return [(looks.probes - 1) * roundMs + looks.afterProbeMs, looks.probes * roundMs + looks.afterProbeMs];
    }
  }
}

it('one line a pair of stacks is as it was, to the byte', async () => {
  const rows = pairs.map(({ profile, serverProfile, found }) => {
    const cable = cellOf(found, 'cable', KEEPALIVE);
    return [
      profile,
      serverProfile,
      endText(cable.device),
      endText(cable.server),
      endText(cellOf(found, 'cable', 'both').device),
      endText(cellOf(found, 'power and reboot', 'nothing').server),
      endText(cellOf(found, 'power and reboot', KEEPALIVE).server),
    ];
  });
  const head = [
    'device', 'server', 'cable, keepalive: device', 'server', 'both: device', 'power and reboot, nothing: server',
    'keepalive: server',
  ];
  await expect(`${table([head, ...rows])}\n`).toMatchFileSnapshot('stacks.golden.txt');
});

describe.each(pairs)('a $profile device and a $serverProfile server', ({ profile, serverProfile, found }) => {
  it('put every fault to the test, with every policy', () => {
    for (const { fault, cells } of found.rows) for (const { policy, server, device } of cells) {
      expect([server.kind, device.kind], `${fault}, ${policy}`).not.toContain('untested');
    }
  });

  it('notice by keepalive when the rules of their own stacks say so, and by their own errno', () => {
    const { server, device } = cellOf(found, 'cable', KEEPALIVE);
    for (const [name, end] of [[profile, device], [serverProfile, server]] as const) {
      expect(end, name).toMatchObject({ kind: 'noticed', by: PROFILES[name].keepAlive.errno });
      if (end.kind !== 'noticed') continue;
      const [leastMs, mostMs] = keepAliveEndsMs(name);
      expect(end.afterMs, name).toBeGreaterThanOrEqual(leastMs);
      expect(end.afterMs, name).toBeLessThanOrEqual(mostMs);
    }
  });

  it('notice by beats alike, as these are no stack\'s', () => {
    for (const fault of ['cable', 'power', 'hang']) {
      const { server } = cellOf(found, fault, BEATS);
      expect(server, fault).toMatchObject({ kind: 'noticed', by: 'silent' });
      if (server.kind === 'noticed') expect(Math.abs(server.afterMs - 15_000), fault).toBeLessThan(100);
    }
  });

  it('learn of a reboot at once where the device takes the old port again, and the server answers its SYN', () => {
    const { server } = cellOf(found, 'power and reboot', 'nothing');
    const { ephemeralPorts } = PROFILES[profile];
    const meets = ephemeralPorts.order === 'from-first' && PROFILES[serverProfile].synInConnection !== 'ignored';
    if (!meets) expect(server).toEqual({ kind: 'never' });
    else expect(server).toMatchObject({ kind: 'noticed', by: PROFILES[serverProfile].resetErrno });
  });

  it('learn of a reboot from a keepalive probe where the rebooted stack answers it', () => {
    const { server } = cellOf(found, 'power and reboot', KEEPALIVE);
    const { resetErrno, keepAlive } = PROFILES[serverProfile];
    const by = PROFILES[profile].resetsStrayAcks ? resetErrno : keepAlive.errno;
    expect(server).toMatchObject({ kind: 'noticed', by });
  });

  it('say in the text whose stacks they are', () => {
    const [device, server] = [TITLES[profile], TITLES[serverProfile]];
    const text = matrixText(found);
    expect(text).toContain(`: a ${device} device and a ${server} server, 20 ms apart.\n`);
    expect(text.includes(`\n${device}: `)).toBe(profile !== 'lwip' || serverProfile === 'lwip');
  });
});

it.each(PROFILE_NAMES)('the other protocols have a matrix with %s at both ends, too', async (name) => {
  for (const protocol of ['mqtt', 'framed', 'dubbo', 'udp-heartbeat']) {
    const found = await matrix({ ...COMPARISONS[protocol], profile: name, serverProfile: name });
    for (const { fault, cells } of found.rows) for (const { policy, server, device } of cells) {
      expect([server.kind, device.kind], `${protocol}: ${fault}, ${policy}`).not.toContain('untested');
    }
  }
});

it('data that nobody acknowledges is given up by each stack in its own time, and by FreeRTOS+TCP never', async () => {
  const { policies = [], faults = [] } = COMPARISONS['framed'] ?? {};
  const only = {
    policies: policies.filter(({ name }) => name === 'server alone'),
    faults: faults.filter(({ name }) => name === 'cable'),
  };
  const ends = await Promise.all(PROFILE_NAMES.map(async (profile) => {
    const [row] = (await matrix({ ...only, profile })).rows;
    return [profile, row?.cells[0] && endText(row.cells[0].device)];
  }));
  expect(Object.fromEntries(ends)).toEqual({
    linux: '971.7 s by ETIMEDOUT',
    lwip: '1151.0 s by ECONNABORTED',
    w5500: '31.8 s by ETIMEDOUT',
    'freertos-tcp': 'never',
  });
});
