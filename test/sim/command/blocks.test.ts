/** `cablepull run --jobs`, `--shard`, and `cablepull merge` of what they write: a large fleet in blocks. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BLOCK_DEVICES, blocksOf, whyWhole } from '../../../sim/command/blocks.ts';
import { planOf } from '../../../sim/faults/plan.ts';
import { PROTOCOLS } from '../../../sim/server/protocols/index.ts';
import { ended } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-blocks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string): string => join(folder, name);

describe('the blocks', () => {
  it('have every device once, in order, with any number of threads', () => {
    for (const deviceCount of [1, 999, 1000, 1001, 2500, 12_345]) {
      for (const count of [1, 3, 16]) {
        const shards = Array.from({ length: count }, (_, i) => blocksOf(deviceCount, { number: i + 1, count }));
        const blocks = shards.flat().toSorted((a, b) => a.index - b.index);
        let before = 0;
        for (const block of blocks) {
          expect(block.before).toBe(before);
          expect(block.deviceCount).toBeGreaterThan(0);
          expect(block.deviceCount).toBeLessThanOrEqual(BLOCK_DEVICES);
          before += block.deviceCount;
        }
        expect(before).toBe(deviceCount);
      }
    }
  });

  it('are not used if clients affect each other: at the server, in its queue, or on its cable', () => {
    const plan = planOf('power-loss on server at 10s for 5s\nhang on dev-3 at 10s\nloss 10% on dev-* at 10s');
    expect(whyWhole(PROTOCOLS.heartbeat.server, plan)).toBeUndefined();
    expect(whyWhole(PROTOCOLS.mqtt.server, [])).toMatch(/^the clients of this server see each other/);
    for (const kind of ['hang', 'loss 10%', 'bandwidth 1Mbit/s']) {
      const shared = planOf(`${kind} on server at 10s for 5s`);
      expect(whyWhole(PROTOCOLS.heartbeat.server, shared)).toContain('acts on all clients together');
    }
  });
});

describe('a run in blocks', () => {
  // The plan affects two and a half blocks, and has one fault that all blocks share.
  const run = [
    'run', '--devices', '1500', '--for', '1m', '--seed', '3', '--fault', 'cable-pull on dev-700..800 at 10s..20s for 15s',
    '--fault', 'power-loss on server at 40s for 5s', '--expect', 'device notices within 19s',
  ];

  it('prints the same bytes with any number of threads, and from parts of other processes', async () => {
    const [one, two] = await Promise.all([ended(...run, '--jobs', '1'), ended(...run, '--jobs', '2')]);
    expect(one).toMatchObject({ status: 0 });
    expect(one.stdout).toContain('1500 of 1500 devices connected');
    expect(one.stdout).toContain('as expected: device notices within 19s');
    expect(two.stdout).toBe(one.stdout);
    // Faults on the one server are reported once, and faults on devices of all blocks in one line.
    expect(one.stderr.match(/ FAULT power-loss on server/g)).toHaveLength(1);

    const parts = [file('1.json'), file('2.json')];
    await Promise.all(parts.map((out, i) => ended(...run, '--shard', `${i + 1}/2`, '--out', out)));
    expect(await ended('merge', ...parts.toReversed())).toMatchObject({ status: 0, stdout: one.stdout });
    const report: unknown = JSON.parse((await ended('merge', '--json', ...parts)).stdout);
    expect(report).toMatchObject({ kind: 'report', devices: { devices: 1500, connected: 1500 }, endMs: 60_000 });

    const [first = '', second = ''] = parts;
    expect(await ended('merge', first)).toMatchObject({ status: 1 });
    expect((await ended('merge', first)).stderr).toContain('cablepull: a part is missing: 2/2');
    writeFileSync(second, readFileSync(second, 'utf8').replace('"beats":', '"beats":1'));
    expect((await ended('merge', first, second)).stderr).toBe(
      `cablepull: ${second}: it is incomplete or was changed: its checksum is wrong\n`,
    );
  });

  it('has the results of one world, except for milliseconds, because timers of one host fire together', async () => {
    const fleet = ['run', '--devices', '1200', '--for', '40s', '--fault', 'cable-pull on dev-500..700 at 10s for 30s'];
    const [blocks, world] = await Promise.all([ended(...fleet, '--jobs', '2'), ended(...fleet)]);
    const rounded = (text: string): string => text.replaceAll(/\d+ answered|(\d+\.\d) s|\d+\.\d [kM]B/g, '#');
    expect(blocks.stdout).toMatch(/^ended after 40\.0 s: 999 of 1200 devices connected, 1200 connections made, /);
    expect(blocks.stdout).toMatch(/^cable-pull on dev-500\.\.700 at 10s for 30s \(201 devices\) .* by silent /m);
    expect(rounded(blocks.stdout)).toBe(rounded(world.stdout));
    expect([blocks.status, world.status]).toEqual([0, 0]);
  });
});

describe('a fleet that nobody asked to split', () => {
  const startLine = async (...more: string[]): Promise<string | undefined> =>
    (await ended('run', '--for', '1s', ...more)).stderr.split('\n')[0];

  it('is split when one world would take longer', async () => {
    expect(await startLine('--devices', '5000')).toContain('against our own server on a simulated network');
    expect(await startLine('--devices', '5001')).toContain('against 21 of our own servers, one for at most 250');
  });

  it('stays in one world if something needs one', async () => {
    const whole = 'against our own server on a simulated network';
    expect(await startLine('--devices', '5001', '--netstat')).toContain(whole);
    expect(await startLine('--devices', '5001', '--fault', 'hang on server at 500ms')).toContain(whole);
  });
});

describe('a run that cannot be split is refused in one sentence', () => {
  it.each<[readonly string[], string]>([
    [['--json'], '--jobs splits the fleet over several servers: it cannot be used with --json'],
    [['--pcap', 'x'], '--jobs splits the fleet over several servers: it cannot be used with --pcap'],
    [
      ['--protocol', 'mqtt'],
      '--jobs splits the fleet over several servers, but the clients of this server see each other, so they need one server',
    ],
    [
      ['--server', '127.0.0.1:1'],
      '--jobs splits a simulated fleet: it cannot be used with your own server',
    ],
  ])('%j', async (more, sentence) => {
    const refused = { status: 2, stdout: '', stderr: `cablepull: ${sentence}\n` };
    expect(await ended('run', '--jobs', '2', ...more)).toEqual(refused);
  });
});
