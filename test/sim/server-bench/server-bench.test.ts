/**
 * Simulated devices against real servers, in namespaces of their own, in real time: what the kernel's TCP notices, and
 * when.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, heartbeatFirmware, type TraceEvent } from '../../../sim/index.ts';
import { ServerBench } from '../../../sim/server-bench/index.ts';
import { HAS_NAMESPACES } from '../../support/namespaces.ts';

const PYTHON = ['python3', fileURLToPath(new URL('server.py', import.meta.url)), '39002'];
const NODE = [process.execPath, fileURLToPath(new URL('server.mjs', import.meta.url)), '39002'];
const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
const C = [join(folder, 'server'), '39002'];

const worlds: World[] = [];

beforeAll(() => {
  execFileSync('cc', [
    '-Wall',
    '-Werror',
    '-o',
    join(folder, 'server'),
    fileURLToPath(new URL('server.c', import.meta.url)),
  ]);
});

afterAll(async () => {
  await Promise.all(worlds.map(({ bench }) => bench.stop()));
  rmSync(folder, { recursive: true });
});

/** A bench, what happened on it, and what the server said of it. */
class World {
  readonly trace: TraceEvent[] = [];
  readonly lines: { readonly atMs: number; readonly line: string }[] = [];
  readonly bench: ServerBench;

  constructor(command: readonly string[], interpreter: 'perl' | 'python3' = 'perl') {
    this.bench = new ServerBench({
      command,
      interpreter,
      onTrace: (event) => this.trace.push(event),
      onOutput: (line) => this.lines.push({ atMs: this.bench.nowMs, line }),
    });
    worlds.push(this);
  }

  /** Devices that say one word and then nothing, unless they have something to answer. */
  devices(count: number, beatIntervalMs = 600_000): Device[] {
    const firmware = heartbeatFirmware({ servers: this.bench.servers, expectAnswers: false, beatIntervalMs });
    return Array.from({ length: count }, () => this.bench.addDevice({ firmware, link: { delay: '10ms' } }));
  }

  /** Returns the time and the cause of the end of a device's first connection at the server. */
  gone({ name }: Device): { readonly atMs: number; readonly by: string } | undefined {
    const gone = this.trace.find((event) => event.kind === 'hung-up' && event.device === name);
    return gone?.kind === 'hung-up' ? { atMs: gone.atMs, by: gone.by } : undefined;
  }

  /** The device's first beat. */
  wordMs({ name }: Device): number {
    return this.trace.find((event) => event.kind === 'beat-sent' && event.device === name)?.atMs ?? Number.NaN;
  }

  /** Returns the time and the reason at which a device's first connection went offline, by the server's own log. */
  logged({ name }: Device): { readonly atMs: number; readonly by: string | undefined } | undefined {
    const connected = this.trace.find((event) => event.kind === 'connected' && event.device === name);
    const port = connected?.kind === 'connected' ? connected.local?.port : undefined;
    const found = this.lines.find(({ line }) => line.startsWith('offline') && line.includes(`:${port} `));
    return found && { atMs: found.atMs, by: found.line.split(' ').at(-1) };
  }

  /** Greatest lag of device time behind the kernel's time. It grows while the machine is too busy. */
  get lagS(): number {
    return (this.bench.realTime?.lagMsMax ?? 0) / 1000;
  }

  /**
   * Expects that the server noticed by `by`, from `fromS` to `toS` seconds after `sinceMs`, and that its own log says
   * the same.
   */
  expectNoticed(device: Device, by: string, fromS: number, toS: number, sinceMs = this.wordMs(device)): void {
    const gone = this.gone(device) ?? expect.fail(`${device.name} was not noticed`);
    const afterS = (gone.atMs - sinceMs) / 1000;
    expect({ device: device.name, by: gone.by }).toEqual({ device: device.name, by });
    expect(afterS).toBeGreaterThanOrEqual(fromS - this.lagS);
    expect(afterS).toBeLessThanOrEqual(toS + this.lagS);
    const logged = this.logged(device) ?? expect.fail(`the server has not logged ${device.name}`);
    expect(logged.by).toBe(by);
    expect(Math.abs(logged.atMs - gone.atMs)).toBeLessThan(50 + 1000 * this.lagS);
  }
}

async function start(command: readonly string[], interpreter?: 'perl' | 'python3'): Promise<World> {
  const world = new World(command, interpreter);
  await world.bench.open();
  return world;
}

describe.skipIf(!HAS_NAMESPACES).concurrent('a real server', () => {
  it('is beaten to over cables of 5 ms in little more than 10 ms', async () => {
    const { bench, trace } = await start(PYTHON);
    expect(bench.servers).toEqual([{ host: 'server', port: 39_002 }]);
    const firmware = heartbeatFirmware({ servers: bench.servers, beatIntervalMs: 200 });
    for (let i = 0; i < 3; i++) bench.addDevice({ firmware, link: { delay: '5ms' } });
    await bench.runFor('2s');
    const answers = trace.flatMap((event) =>
      event.kind === 'served' && event.afterMs !== undefined ? [event.afterMs] : [],
    );
    expect(answers.length).toBeGreaterThanOrEqual(20);
    expect(Math.min(...answers)).toBeGreaterThanOrEqual(10);
    expect(Math.min(...answers)).toBeLessThan(13);
  });

  it.each([
    ['that ends at once', ['sh', '-c', 'echo no configuration; exit 3'],
      'sh ended before it listened, with status 3; it printed last:\n  no configuration'],
    ['that is not there', ['/nowhere/server'], '/nowhere/server could not be started: No such file or directory'],
  ])('is told of in a sentence where it is one %s', async (_, command, sentence) => {
    await expect(start(command)).rejects.toThrow(sentence);
  });

  it.each(['perl', 'python3'] as const)('is not started, nor ended, if its program does not exist (%s)', async (helper) => {
    const world = new World(['/nowhere/server'], helper);
    await expect(world.bench.open()).rejects.toThrow('could not be started: No such file or directory');
    expect(world.trace.filter(({ source }) => source === 'process')).toEqual([]);
  });

  // Idle, and so many probes: 3 s + 3 x 3 s as Python and C set it, 3 s + 10 x 1 s as Node does.
  it.each([
    ['Python', [...PYTHON, 'keepalive', 'mute'], 12, 6],
    ['C', C, 12, 6],
    ['Node', [...NODE, 'mute'], 13, 5],
  ] as const)(
    'in %s notices by its keepalive what is without power or cable, and a reboot; never a hang',
    async (_, command, afterS, probeS) => {
      const world = await start(command);
      const { bench } = world;
      const devices = world.devices(4);
      const [off, cut, reboots, hangs] = devices;
      if (off === undefined || cut === undefined || reboots === undefined || hangs === undefined) {
        throw new Error('four devices');
      }
      await bench.runFor('2s');
      off.power.cut();
      cut.cable.pull();
      reboots.power.cut();
      hangs.hang();
      await bench.runFor('2600ms');
      reboots.power.restore();
      await bench.runFor('10s');
      world.expectNoticed(off, 'ETIMEDOUT', afterS, afterS + 0.7);
      world.expectNoticed(cut, 'ETIMEDOUT', afterS, afterS + 0.7);
      // The probe that follows the boot is answered by a RST.
      world.expectNoticed(reboots, 'ECONNRESET', probeS, probeS + 0.5);
      expect(world.gone(hangs)).toBeUndefined();
    },
  );

  it.each([
    'perl',
    'python3',
  ] as const)('gives up in silence, with data outstanding; that is seen, by a helper in %s', async (interpreter) => {
    const world = await start([...PYTHON, 'push', 'mute', 'usertimeout', 'keepalive'], interpreter);
    const [off, cut, lives] = world.devices(3);
    if (off === undefined || cut === undefined || lives === undefined) throw new Error('three devices');
    await world.bench.runFor('1500ms');
    off.power.cut();
    cut.cable.pull();
    await world.bench.runFor('8s');
    // The first push that nobody acknowledges comes within a second of the fault.
    world.expectNoticed(off, 'ETIMEDOUT', 6.4, 8);
    world.expectNoticed(cut, 'ETIMEDOUT', 6.4, 8);
    expect(world.gone(lives)).toBeUndefined();
  });

  it.each([
    'perl',
    'python3',
  ] as const)('closes a dead client while data holds its FIN back; that is seen, by a helper in %s', async (interpreter) => {
    // Two writes in flight, and a third behind the congestion window, which is one segment after a timeout.
    const closing = `require('node:net').createServer((socket) => {
      const pushing = setInterval(() => socket.write('beat'), 1000);
      socket.on('error', () => {}).on('close', () => clearInterval(pushing)).resume();
      setTimeout(() => socket.destroy(), 4500);
    }).listen(39002)`;
    const world = await start([process.execPath, '--eval', closing], interpreter);
    const [off, lives] = world.devices(2);
    if (off === undefined || lives === undefined) throw new Error('two devices');
    await world.bench.runFor('500ms');
    off.power.cut();
    await world.bench.runFor('6s');
    const [connected] = world.trace.filter((event) => event.kind === 'connected' && event.device === off.name);
    const gone = world.gone(off) ?? expect.fail('not noticed');
    expect(gone.by).toBe('closed');
    const afterMs = gone.atMs - (connected?.atMs ?? Number.NaN);
    expect(afterMs).toBeGreaterThan(4400);
    expect(afterMs).toBeLessThan(4800 + 1000 * world.lagS);
    expect(world.gone(lives)?.by).toBe('closed');
  });

  it('sees its clients reset where a box on the way does that', async () => {
    const world = await start([...PYTHON, 'mute']);
    const [reset, lives] = world.devices(2);
    if (reset === undefined || lives === undefined) throw new Error('two devices');
    await world.bench.runFor('500ms');
    const resetMs = world.bench.nowMs;
    reset.resetConnections();
    await world.bench.runFor('500ms');
    world.expectNoticed(reset, 'ECONNRESET', 0, 0.1, resetMs);
    expect(world.gone(lives)).toBeUndefined();
  });
});

it.skipIf(!HAS_NAMESPACES)('notices each of 1,500 devices of 3,000 that lose their power at once', async () => {
  const world = await start([...PYTHON, 'keepalive', 'mute']);
  const devices = world.devices(3000);
  await world.bench.runFor('4s');
  expect(world.lines.filter(({ line }) => line.startsWith('online'))).toHaveLength(3000);
  const dead = devices.filter((_, i) => i % 2 === 0);
  for (const device of dead) device.power.cut();
  await world.bench.runFor('13s');
  const ends = dead.map((device) => world.gone(device));
  expect(ends.filter((end) => end?.by === 'ETIMEDOUT')).toHaveLength(1500);
  expect(devices.filter((device, i) => i % 2 === 1 && world.gone(device) !== undefined)).toEqual([]);
});
