/** A capture of a whole run, as tshark sees it; and the same in lines. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { needsTshark, tsharkFaults, tsharkFields, tsharkFrames } from '../../support/tshark.ts';

const PLAN = `
cable-pull on dev-1 at 1m for 1m
power-loss on dev-2 at 1m for 1s
reset on dev-3 at 1m
`;

interface Captured {
  readonly bytes: Uint8Array;
  readonly lines: readonly string[];
}

/**
 * Ten minutes of four devices that beat every 20 s, lose packets and have the faults of the plan; the server probes
 * after 3 s.
 */
async function captured(seed: number): Promise<Captured> {
  const pieces: Uint8Array[] = [];
  const lines: string[] = [];
  const sim = new Simulation({
    seed,
    onTrace: (event) => event.source === 'fault' && capture.comment(`${event.host}: ${event.kind} ${event.text}`),
  });
  const capture = sim.capture((bytes) => pieces.push(bytes), [`seed ${seed}`]);
  sim.trace((line) => lines.push(line));
  sim.addServer(referenceServer({ keepAlive: { idle: 3, interval: 3, count: 3 }, liveness: { policy: 'none' } }));
  for (let i = 0; i < 4; i++) {
    sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 20_000 }), link: { delay: '20ms', loss: '5%' } });
  }
  sim.schedule(PLAN);
  await sim.runFor('10m');
  capture.end();
  return { bytes: Buffer.concat(pieces), lines };
}

const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
const file = join(folder, 'run.pcapng');
let run: Captured;

beforeAll(async () => {
  run = await captured(7);
  writeFileSync(file, run.bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('is the same to the byte for the same seed, and another one for another', async () => {
  expect(Buffer.compare((await captured(7)).bytes, run.bytes)).toBe(0);
  expect(Buffer.compare((await captured(8)).bytes, run.bytes)).not.toBe(0);
});

describe('in tshark', () => {
  beforeEach(needsTshark);

  it('has no malformed packet and no wrong checksum', () => {
    expect(tsharkFaults(file)).toEqual([]);
  });

  it('has every packet once: none seems to be missing, or to come twice at one time', () => {
    expect(tsharkFrames(file, 'tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment')).toEqual([]);
    const packets = tsharkFields(file, '', [
      'frame.time_epoch',
      'ip.src',
      'ip.dst',
      'tcp.srcport',
      'tcp.dstport',
      'tcp.seq_raw',
      'tcp.flags',
      'tcp.len',
    ]);
    expect(packets.length).toBeGreaterThan(1000);
    expect(new Set(packets.map(String)).size).toBe(packets.length);
  });

  it('marks probes, retransmissions and resets', () => {
    const probes = tsharkFields(file, 'tcp.analysis.keep_alive', ['frame.interface_name', 'tcp.len']);
    // The server alone has keepalive, and some 16 s of silence in 20.
    expect(probes.length).toBeGreaterThan(4 * 5 * 20);
    expect(new Set(probes.map(String))).toEqual(new Set(['server,0']));
    expect(tsharkFrames(file, 'tcp.analysis.retransmission').length).toBeGreaterThan(5);
    const resetters = new Set(tsharkFields(file, 'tcp.flags.reset == 1', ['frame.interface_name']).flat());
    // Dev-2, rebooted, knows nothing of its old connection; the server gives up dev-1's; a box on the way plays dev-3.
    expect(resetters).toEqual(new Set(['dev-2', 'dev-3', 'server']));
  });

  it('shows the server giving up after three probes', () => {
    const [[streamOfDev1] = []] = tsharkFields(file, 'tcp.flags.syn == 1 && ip.src == 10.0.0.2', ['tcp.stream']);
    const times = (filter: string): number[] => {
      return tsharkFields(
        file,
        `tcp.stream == ${streamOfDev1} && ip.src == 10.0.0.1 && frame.time_epoch > 60.1 && ${filter}`,
        ['frame.time_epoch'],
      ).map(([at]) => Number(at));
    };
    const probes = times('tcp.analysis.keep_alive').slice(-3);
    const [resetAt = NaN] = times('tcp.flags.reset == 1');
    const gaps = [...probes, resetAt].map((at, i, all) => at - (all[i - 1] ?? NaN)).slice(1);
    expect(probes).toHaveLength(3);
    for (const gap of gaps) expect(gap).toSatisfy((s: number) => s >= 3 && s < 3.4);
  });

  it('has the faults as comments, each with its time, in the order in which they came', () => {
    const comments = tsharkFields(file, 'frame.comment', ['frame.comment']).flat().join(',').split(/,(?=at )/);
    const [pull = '', cut = '', reset = ''] = PLAN.trim().split('\n');
    expect(comments).toEqual([
      `at 60.000000 s: dev-1: fault ${pull}`,
      `at 60.000000 s: dev-2: fault ${cut}`,
      `at 60.000000 s: dev-3: fault ${reset}`,
      `at 61.000000 s: dev-2: healed ${cut}`,
      `at 120.000000 s: dev-1: healed ${pull}`,
    ]);
  });

  it('has a packet for each line but those of what was dropped', () => {
    const fates = / {2}(loss|no-carrier) at [\w-]+$/;
    expect(tsharkFrames(file, '').length).toBe(run.lines.filter((line) => !fates.test(line)).length);
  });
});

describe('behind a NAT box that forgets', () => {
  beforeEach(needsTshark);

  it('there are two conversations, each whole', async () => {
    const pieces: Uint8Array[] = [];
    const sim = new Simulation({ seed: 1 });
    const capture = sim.capture((bytes) => pieces.push(bytes));
    sim.addServer(referenceServer());
    const nat = sim.addNat({ idleTimeout: '30s', onExpired: 'rst' });
    for (let i = 0; i < 2; i++) {
      sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 20_000 }), link: { delay: '20ms' }, nat });
    }
    await sim.runFor('1m');
    nat.forgetAll();
    await sim.runFor('1m');
    capture.end();
    const path = join(folder, 'nat.pcapng');
    writeFileSync(path, Buffer.concat(pieces));
    expect(tsharkFaults(path)).toEqual([]);
    expect(
      tsharkFrames(path, 'tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || tcp.analysis.out_of_order'),
    ).toEqual([]);
    const resets = tsharkFields(path, 'tcp.flags.reset == 1', ['frame.interface_name', 'ip.src', 'ip.dst']);
    expect(resets).toContainEqual(['nat-1', '10.0.0.1', '192.168.0.1']);
    expect(
      new Set(
        sim
          .netstat()
          .filter(({ host }) => host === 'server')
          .map(({ peer }) => peer),
      ),
    ).toEqual(new Set(['nat-1']));
  });
});

describe('of a local network with ARP', () => {
  beforeEach(needsTshark);

  it('is of Ethernet frames, with questions to all, and answers', async () => {
    const pieces: Uint8Array[] = [];
    const sim = new Simulation({ seed: 1, arp: true });
    const capture = sim.capture((bytes) => pieces.push(bytes));
    sim.addServer(referenceServer());
    sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 2000 }), profile: 'linux' });
    await sim.runFor('10s');
    capture.end();
    const path = join(folder, 'arp.pcapng');
    writeFileSync(path, Buffer.concat(pieces));
    expect(tsharkFaults(path)).toEqual([]);
    const fields = ['eth.src', 'eth.dst', 'arp.opcode', 'arp.src.proto_ipv4', 'arp.dst.proto_ipv4', 'arp.dst.hw_mac'];
    const [server, device] = ['02:00:0a:00:00:01', '02:00:0a:00:00:02'] as const;
    expect(tsharkFields(path, 'arp', fields).slice(0, 2)).toEqual([
      [device, 'ff:ff:ff:ff:ff:ff', '1', '10.0.0.2', '10.0.0.1', '00:00:00:00:00:00'],
      [server, device, '2', '10.0.0.1', '10.0.0.2', device],
    ]);
    const ends = tsharkFields(path, 'tcp', ['eth.src', 'eth.dst']).map(String);
    expect(new Set(ends)).toEqual(new Set([`${device},${server}`, `${server},${device}`]));
  });
});

it('tells in lines who sends what to whom, and where it is lost', () => {
  expect(run.lines[0]).toMatch(
    /^ +0\.000000s dev-1 > server {2}10\.0\.0\.2:\d+ > 10\.0\.0\.1:39002 \[S\] seq 0 win 5840 mss 1460 len 0$/,
  );
  expect(run.lines.some((line) => / {2}loss at dev-\d$/.test(line))).toBe(true);
  expect(run.lines.some((line) => / {2}no-carrier at dev-1$/.test(line))).toBe(true);
});
