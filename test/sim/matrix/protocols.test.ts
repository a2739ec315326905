/** The matrices of the framed protocol, of Dubbo and of the UDP heartbeat, found by experiment. */

import { describe, expect, it } from 'vitest';
import { type End, matrix, type Matrix } from '../../../sim/matrix/matrix.ts';
import { COMPARISONS } from '../../../sim/matrix/protocols.ts';
import { matrixText } from '../../../sim/matrix/text.ts';

function ends(found: Matrix, fault: string, end: 'server' | 'device'): Record<string, End> {
  const row = found.rows.find((one) => one.fault === fault);
  return Object.fromEntries((row?.cells ?? []).map((cell) => [cell.policy, cell[end]]));
}

describe('the framed protocol', async () => {
  const found = await matrix({ ...COMPARISONS['framed'] });

  it('is as it was, to the byte', async () => {
    await expect(`${matrixText(found)}\n`).toMatchFileSnapshot('framed.golden.txt');
  });

  it('without a reader idle time a device never notices that the server hangs, and leaves its death to TCP', () => {
    const never = Object.entries(ends(found, 'server hang', 'device')).filter(([, { kind }]) => kind === 'never');
    expect(never.map(([policy]) => policy)).toEqual(['server alone']);
    expect(ends(found, 'server power', 'device')['server alone']).toMatchObject({ by: 'ECONNABORTED' });
  });

  it('a reader is idle 10 to 15 s after the cable is out, however often the other end was to write', () => {
    for (const [policy, end] of Object.entries(ends(found, 'cable', 'server'))) {
      expect(end, policy).toMatchObject({ kind: 'noticed', by: 'silent' });
      if (end.kind === 'noticed') expect(end.afterMs, policy).toBeGreaterThan(9_900);
      if (end.kind === 'noticed') expect(end.afterMs, policy).toBeLessThan(15_100);
    }
  });
});

describe('Dubbo', async () => {
  const found = await matrix({ ...COMPARISONS['dubbo'] });

  it('is as it was, to the byte', async () => {
    await expect(`${matrixText(found)}\n`).toMatchFileSnapshot('dubbo.golden.txt');
  });

  it('either end gives up within three beats of what it read last; calls alone end nothing', () => {
    for (const end of ['server', 'device'] as const) {
      const noticed = ends(found, 'cable', end)['beats 5 s x 3'];
      expect(noticed, end).toMatchObject({ kind: 'noticed' });
      if (noticed?.kind === 'noticed') expect(noticed.afterMs, end).toBeLessThanOrEqual(15_000);
    }
    expect(ends(found, 'server hang', 'device')['no beats, calls 10 s']).toMatchObject({ kind: 'never' });
    expect(ends(found, 'cable', 'server')['no beats, calls 10 s']).toMatchObject({ kind: 'never' });
  });
});

describe('the UDP heartbeat', async () => {
  const found = await matrix({ ...COMPARISONS['udp-heartbeat'] });

  it('is as it was, to the byte', async () => {
    await expect(`${matrixText(found)}\n`).toMatchFileSnapshot('udp-heartbeat.golden.txt');
  });

  it('a device never notices anything, and a server by silence alone', () => {
    for (const { fault, cells } of found.rows) for (const { server, device } of cells) {
      expect(['never', 'stopped', 'survived'], fault).toContain(device.kind);
      if (server.kind === 'noticed') expect(server.by).toBe('silent');
    }
  });

  it('10 s without a cable are survived by who allows for as much silence', () => {
    const servers = Object.values(ends(found, 'cable, for 10 s', 'server'));
    expect(servers.map(({ kind }) => kind)).toEqual(['noticed', 'survived', 'survived', 'survived']);
  });
});
