/** Options of devices, on the command line and in a plan file: links, stacks, boxes, clocks, boots, protocols. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DeviceNames } from '../../../sim/command/device-groups.ts';
import { deviceMake, targetedOption } from '../../../sim/command/device-options.ts';
import { parsePlanFile } from '../../../sim/command/plan-file.ts';
import { ended, killAll } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-devices-'));

afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

function made(option: string, text: string): object {
  return deviceMake([targetedOption(option, text, `--${option}`)], 'simulated');
}

describe('an option of devices', () => {
  it('belongs to all devices, or to the devices named after `on`', () => {
    expect(targetedOption('nat', '5m', '--nat')).toEqual({
      option: 'nat', value: '5m', target: undefined, place: '--nat',
    });
    expect(targetedOption('link', 'delay 50ms, loss 2% on dev-3..9', '--link')).toMatchObject({
      value: 'delay 50ms, loss 2%',
      target: 'dev-3..9',
    });
    expect(targetedOption('no-answers', 'on dev-1', 'plan')).toMatchObject({ value: undefined, target: 'dev-1' });
  });

  it.each([
    ['delay 50ms, loss 2%, rate 1mbit', { delay: 50, loss: 0.02, bandwidth: 1e6 }],
    ['jitter 5ms, rate 64kbit, queue 16000', { jitter: 5, bandwidth: 64_000, queueBytes: 16_000 }],
    ['rate 10Mbit/s', { bandwidth: 1e7 }],
    ['delay 0ms', { delay: 0 }],
  ])('--link "%s", each direction', (text, line) => {
    expect(made('link', text)).toEqual({ link: { tx: line, rx: line } });
  });

  it('--link has tx and rx for one direction alone', () => {
    expect(made('link', 'delay 50ms, tx loss 2%, rx rate 1mbit')).toEqual({
      link: { tx: { delay: 50, loss: 0.02 }, rx: { delay: 50, bandwidth: 1e6 } },
    });
  });

  it('that is given twice has its last value', () => {
    const options = ['lwip', 'w5500'].map((profile) => targetedOption('profile', profile, '--profile'));
    expect(deviceMake([...options, targetedOption('clock-drift', '-40ppm', '')], 'simulated')).toEqual({
      profile: 'w5500',
      driftPpm: -40,
    });
  });

  it.each([
    ['link', 'delay 50ms, los 2%', /^--link: a link must be written like 'delay 50ms, .*, not 'delay 50ms, los 2%'$/],
    ['link', 'loss 200%', /^--link: 2 is no probability$/],
    ['link', 'rate 0mbit', /^--link: a line of 0 bits per second carries nothing$/],
    ['profile', 'windows', /^--profile: there is no profile 'windows'; the profiles are linux, lwip, w5500, freertos-tcp$/],
    ['clock-drift', '40', /^--clock-drift: a drift must be a number such as 40ppm or -40ppm, at most 100000ppm, not '40'$/],
    ['nat', 'soon', /^--nat must be a duration/],
    ['nat', '5m, closing', /^--nat must be a duration/],
    ['nat', '5m, expired quietly', /^--nat: a NAT box must be written like '5m', .* \(silent, rst, .* or picked-up\), not '5m, expired quietly'$/],
    ['boot-time', '', /^--boot-time: boot-time needs a value$/],
  ])('--%s "%s" is refused', (option, text, sentence) => {
    expect(() => made(option, text)).toThrow(sentence);
  });

  it('is refused on a network whose packets we do not control', () => {
    const option = targetedOption('nat', '5m', '--nat');
    expect(() => deviceMake([option], 'real')).toThrow(
      '--nat: nat needs simulated devices: it cannot be used with --server HOST:PORT',
    );
    expect(deviceMake([targetedOption('boot-time', '2s', '--boot-time')], 'real')).toEqual({ bootMs: 2000 });
  });
});

it("blocks of a large fleet have the plan's devices, with any number of jobs", async () => {
  const file = join(folder, 'blocks.txt');
  const lines = ['devices 1500 meter', 'devices 700 pump', 'boot-time 2s on pump-*', 'link delay 1ms'];
  writeFileSync(file, [...lines, 'cable-pull on meter-7 at 20s for 10s'].join('\n'));
  const run = async (jobs: string): Promise<string> => {
    const { stdout, status } = await ended('run', '--plan', file, '--for', '40s', '--jobs', jobs);
    expect(status).toBe(0);
    return stdout;
  };
  const [one, two] = [await run('1'), await run('2')];
  expect(one).toMatch(/^ended after 40\.0 s: 2200 of 2200 devices connected/);
  expect(two).toBe(one);
});

describe('a plan file', () => {
  it('has devices, their options, faults and expectations, one a line', () => {
    const plan = parsePlanFile(
      [
        'devices 2 meter  # two of them',
        'devices 1',
        'profile w5500 on meter-*',
        'no-answers on dev-1',
        '',
        'cable-pull on meter-2 at 1m for 30s',
        'expect no false alarms',
      ].join('\n'),
      'plan.txt',
    );
    const names = new DeviceNames(plan.devices ?? []);
    expect(names.slice()).toEqual(['meter-1', 'meter-2', 'dev-1']);
    expect(names.slice().map((name) => names.indexOf(name))).toEqual([0, 1, 2]);
    expect(plan.targetedOptions).toEqual([
      { option: 'profile', value: 'w5500', target: 'meter-*', place: 'plan.txt, line 3' },
      { option: 'no-answers', value: undefined, target: 'dev-1', place: 'plan.txt, line 4' },
    ]);
    expect(plan.faults.map(({ target }) => target)).toEqual(['meter-2']);
    expect(plan.expectations).toEqual([{ kind: 'none', of: 'false alarms' }]);
  });

  it.each([
    ['devices many', /^plan\.txt, line 1: expected 'devices', a number above 0, and optionally a name/],
    ['devices 0', /^plan\.txt, line 1: expected 'devices', a number/],
    ['devices 2\ndevices 2', /^plan\.txt: two groups have a device dev-1: rename one group$/],
    ['expect peace', /^plan\.txt, line 1: 'peace' is no expectation/],
    ['devices 2\n\nflood on dev-1 at 1s', /^plan\.txt, line 3: expected a fault \(cable-pull, .*\n {2}flood on dev-1/],
    ['devces 2', /\n {2}devces 2\n {2}\^\na line can also begin with devices, expect, or an option of devices /],
    ['hang on dev-1 at 1', /^[^]* \^$/],
    ['# nothing', /^plan\.txt: the plan is empty$/],
  ])('%j is refused, with its line', (text, sentence) => {
    expect(() => parsePlanFile(text, 'plan.txt')).toThrow(sentence);
  });
});

interface Line {
  readonly kind: string;
  readonly atMs: number;
  readonly device?: string;
  readonly server?: string;
  readonly nat?: string;
  readonly by?: string;
  readonly peer?: { readonly address: string };
  readonly connected?: number;
  readonly devices?: { readonly connected: number };
}

async function trace(plan: string, ...args: readonly string[]): Promise<readonly Line[]> {
  const file = join(folder, `plan-${Math.random()}.txt`);
  writeFileSync(file, plan);
  const { stdout, stderr, status } = await ended('run', '--plan', file, '--json', ...args);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim().split('\n').map((line): Line => JSON.parse(line));
}

it('a fleet of several kinds: stacks, links, boxes, boots and protocols of their own, against one server', async () => {
  const lines = await trace(
    [
      'devices 2 meter',
      'devices 1 pump',
      'link delay 300ms on meter-1',
      'nat 5m on meter-*',
      'boot-time 2s on meter-2',
      'protocol mqtt on pump-1',
      'beat 10s on pump-1',
      'cable-pull on meter-1 at 1m for 1s',
      'expect service back after cable-pull within 1m',
      'expect no overlapping sessions',
    ].join('\n'),
    '--expect',
    'no false alarms',
    '--ramp',
    '300ms',
  );
  const first = (device: string, kind: string): number => {
    return lines.find((line) => line.device === device && line.kind === kind)?.atMs ?? NaN;
  };
  expect(first('meter-1', 'boot')).toBe(0);
  expect(first('meter-2', 'boot')).toBe(2100);
  expect(first('pump-1', 'boot')).toBe(200);
  // The round trip takes at least twice the delay.
  expect(first('meter-1', 'connected')).toBeGreaterThanOrEqual(600);
  expect(lines.filter(({ kind }) => kind === 'listening')).toHaveLength(2);
  expect(lines.at(-1)?.devices?.connected).toBe(3);
});

it('devices are behind boxes of several kinds, and notice an expired connection as each box has it', async () => {
  const lines = await trace(
    [
      'devices 4',
      'nat 1m on dev-1',
      'nat 1m, expired rst on dev-2',
      'nat 1m, expired rst-at-expiry on dev-3',
      'nat 1m, closing 30s, expired rst on dev-4',
      'beat 2m',
    ].join('\n'),
    ...['--for', '121s', '--link', 'delay 20ms'],
  );
  const noticed = ['dev-1', 'dev-2', 'dev-3', 'dev-4'].map((name) => {
    const lost = lines.find(({ kind, device }) => kind === 'lost' && device === name);
    return lost && `${lost.by} at ${Math.floor(lost.atMs / 1000)} s`;
  });
  expect(noticed).toEqual([undefined, 'ECONNRESET at 120 s', 'ECONNRESET at 60 s', 'ECONNRESET at 120 s']);
  // dev-2 and dev-4 are behind boxes that are not the same.
  const online = lines.filter(({ kind }) => kind === 'online').slice(0, 4);
  expect(new Set(online.map(({ peer }) => peer?.address)).size).toBe(4);
});

it('says when a fault hit devices that had never been connected', async () => {
  const pull = ['--fault', 'cable-pull on dev-* at 3s for 5s', '--for', '30s', '--devices', '100'];
  const late = await ended('run', ...pull, '--ramp', '6s');
  expect(late.stdout).toMatch(
    /^cable-pull on dev-\* at 3s for 5s: \d\d of 100 devices had not connected yet \(the last device is switched on at 6\.0 s\): use a later time, or a shorter --ramp$/m,
  );
  const inTime = await ended('run', ...pull, '--link', 'delay 1ms');
  expect(inTime.stdout).not.toContain('--ramp');
});

it.each([
  [['--devices', '3', '--profile', 'lwip on dev-4'], /--profile: no device is called 'dev-4'; there are dev-1 to dev-3/],
  [['--link', 'delay 1ms', '--server', '127.0.0.1:1'], /--link: link needs simulated devices/],
])('%j is refused', async (args, sentence) => {
  expect(await ended('run', ...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(sentence) });
});
