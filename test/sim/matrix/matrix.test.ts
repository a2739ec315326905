/** The matrix: what the experiments find, held against a golden file; and faults and policies of one's own. */

import { describe, expect, it } from 'vitest';
import { type End, matrix, MATRIX_FAULTS, type MatrixOptions } from '../../../sim/matrix/matrix.ts';
import { POLICIES, type Policy } from '../../../sim/matrix/policy.ts';
import { matrixPage } from '../../../sim/matrix/page.ts';
import { matrixText } from '../../../sim/matrix/text.ts';

const found = await matrix();

/** Returns the result in a cell of the matrix. */
function cell(fault: string, policy: string): { server: End; device: End } {
  const one = found.rows.find((row) => row.fault === fault)?.cells.find((those) => those.policy === policy);
  if (one === undefined) throw new Error(`there is no cell of ${fault} and ${policy}`);
  return one;
}

const KEEPALIVE = 'TCP keepalive 3/3/3';
const BEATS = 'beats 3 s x 5';
/**
 * idle + interval * count, and what an lwIP device's slow timer and a beat before it add (half a second, three
 * seconds).
 */
const KEEPALIVE_MAX_MS = 12_000 + 500;

it('is as it was, to the byte', async () => {
  await expect(`${matrixText(found)}\n`).toMatchFileSnapshot('matrix.golden.txt');
  await expect(`${JSON.stringify(found, undefined, 1)}\n`).toMatchFileSnapshot('matrix.golden.json');
});

it('is a page that needs nothing beside itself, and escapes what it is given', () => {
  const page = matrixPage({ ...found, policies: ['<b>mine</b>', ...found.policies.slice(1)] });
  expect(page).toMatch(/^<!DOCTYPE html>/);
  expect(page).not.toMatch(/https?:|src=|<b>mine/);
  expect(page).toContain('&lt;b&gt;mine&lt;/b&gt;');
  for (const { fault, plan, why = '' } of found.rows) for (const text of [fault, plan, why]) {
    expect(page).toContain(text.replaceAll("'", '&#39;'));
  }
  expect(page.match(/<span class="bad">never<\/span>/g)).toHaveLength(9);
  expect(matrixPage(found)).toBe(matrixPage(found));
});

describe('by experiment', () => {
  it('without any policy nobody notices anything, ever', () => {
    for (const { name } of MATRIX_FAULTS) {
      const { server, device } = cell(name, 'nothing');
      for (const end of [server, device]) expect(['never', 'stopped']).toContain(end.kind);
    }
  });

  it('keepalive finds a cable and a power cut within 12 s, and a hang never', () => {
    for (const fault of ['cable', 'power']) {
      const { server } = cell(fault, KEEPALIVE);
      expect(server).toMatchObject({ kind: 'noticed', by: 'ETIMEDOUT' });
      if (server.kind === 'noticed') expect(server.afterMs).toBeLessThan(KEEPALIVE_MAX_MS);
    }
    expect(cell('hang', KEEPALIVE).server).toEqual({ kind: 'never' });
    expect(cell('power and reboot', KEEPALIVE).server).toMatchObject({ kind: 'noticed', by: 'ECONNRESET' });
  });

  it('beats find all of it, later', () => {
    for (const fault of ['cable', 'power', 'power and reboot', 'hang']) {
      expect(cell(fault, BEATS).server).toMatchObject({ kind: 'noticed', by: 'silent' });
    }
    for (const fault of ['cable', 'server power']) {
      expect(cell(fault, BEATS).device).toMatchObject({ kind: 'noticed', by: 'missed-beats' });
    }
  });

  it('both are as quick as keepalive, and see a hang', () => {
    expect(cell('cable', 'both').server).toMatchObject({ by: 'ETIMEDOUT' });
    expect(cell('hang', 'both').server).toMatchObject({ by: 'silent' });
  });

  it('a NAT box forgets silent connections, and no others', () => {
    expect(cell('NAT expiry (5 min)', 'nothing')).toMatchObject({
      server: { kind: 'never' },
      device: { kind: 'never' },
    });
    for (const { name } of POLICIES.slice(1)) {
      expect(cell('NAT expiry (5 min)', name)).toMatchObject({
        server: { kind: 'spared' },
        device: { kind: 'spared' },
      });
    }
  });
});

it('takes faults, policies and a horizon of one\'s own', async () => {
  const slow: Policy = { name: 'a beat a minute', keepAlive: 'off', beats: { intervalMs: 60_000, missedLimit: 2 } };
  const faults = [
    { name: 'blink', plan: 'cable-pull on dev-1 at 1m for 1s' },
    { name: 'pull', plan: 'cable-pull on dev-1 at 1m' },
  ];
  const own = await matrix({ policies: [slow], faults, horizon: '1m', seed: 3 });
  expect(own).toMatchObject({ seed: 3, horizonMs: 60_000, policies: ['a beat a minute'] });
  expect(own.rows.map(({ cells }) => cells[0]?.server.kind)).toEqual(['survived', 'never']);
  const longer = await matrix({ policies: [slow], faults, horizon: '4m', seed: 3 });
  expect(longer.rows[1]?.cells[0]?.server).toMatchObject({ kind: 'noticed', by: 'silent' });
});

it('looks at a fault for the whole horizon, however late it comes', async () => {
  const slow: Policy = {
    name: 'three beats an hour',
    keepAlive: 'off',
    beats: { intervalMs: 1_200_000, missedLimit: 2 },
  };
  const faults = [
    { name: 'late', plan: 'cable-pull on dev-1 at 65m' },
    { name: 'later', plan: 'cable-pull on dev-1 at 5h' },
    { name: 'NAT', plan: 'nat-timeout 19m on dev-1 from 1h' },
  ];
  const { rows } = await matrix({ policies: [slow], faults, horizon: '1h' });
  expect(rows.map(({ cells }) => cells[0]?.server.kind)).toEqual(['noticed', 'noticed', 'noticed']);
});

it('says what was not put to the test, and what only harmed', async () => {
  const [beats] = POLICIES.slice(2);
  if (beats === undefined) throw new Error('there are beats');
  const faults = [
    { name: 'early', plan: 'cable-pull on dev-1 at 0s' },
    { name: 'bad way', plan: 'latency 200ms on dev-1 at 1m' },
    { name: 'slow box', plan: 'nat-timeout 2h on dev-1 from 0s' },
  ];
  const own = await matrix({ policies: [beats], faults, horizon: '5m' });
  expect(own.rows.map(({ cells }) => cells[0]?.server.kind)).toEqual(['untested', 'held', 'spared']);
  expect(matrixText(own)).toMatch(/^early +server +not tested\n +device +not tested\nbad way +server +held on$/m);
});

it('refuses a plan that cannot be', async () => {
  await expect(matrix({ faults: [{ name: 'x', plan: 'cable-cut on dev-1 at 1m' }] })).rejects.toThrow(
    /^line 1 of the plan: expected a fault \(/,
  );
  await expect(matrix({ faults: [{ name: 'x', plan: 'hang on dev-2 at 1m' }] })).rejects.toThrow(
    "hang on dev-2 at 1m: no device is called 'dev-2'; there is dev-1, and server",
  );
});

it('refuses a policy or a horizon that cannot be, and says which field it is', async () => {
  const policy = (more: Partial<Policy>): Policy => ({
    name: 'mine',
    keepAlive: 'off',
    beats: { intervalMs: 3000, missedLimit: 5 },
    ...more,
  });
  const refused = (options: MatrixOptions) =>
    matrix({ faults: MATRIX_FAULTS.slice(0, 1), ...options }).then(
      () => 'taken',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
  expect(await refused({ policies: [policy({ beats: { intervalMs: -1, missedLimit: 5 } })] })).toMatch(
    /scanIntervalMs is -1, must be a whole number of at least 1|beatIntervalMs must be a whole number .*, not -1/,
  );
  expect(await refused({ policies: [policy({ beats: { intervalMs: 3000, missedLimit: 0 } })] })).toMatch(
    /missedLimit is 0, must be a whole number of at least 1/,
  );
  expect(await refused({ policies: [policy({ keepAlive: { idle: 0, interval: 3, count: 3 } })] })).toMatch(
    /keepAlive\.idle is 0, must be a whole number of at least 1/,
  );
  expect(await refused({ horizon: -1 })).toBe(
    '-1 is no duration: it can be a number of milliseconds, or such as 500ms, 30s, 1.5m, 2h or 1d',
  );
});
