/** Whole Ethernet frames in a simulated world: in captures, as tshark sees them, and at the server. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Hal } from '../../../hal/hal.ts';
import { failure } from '../../../hal/index.ts';
import { FRAME_BYTES, heartbeatFrame } from '../../../firmware/protocols/ethernet-heartbeat/frame.ts';
import { firmware, referenceServer, SERVER_NAME, SERVER_PORT } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';
import { needsTshark, tsharkFaults, tsharkFields } from '../../support/tshark.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
afterAll(() => rmSync(folder, { recursive: true }));

function world() {
  const pieces: Uint8Array[] = [];
  const trace: TraceEvent[] = [];
  const sim = new Simulation({ seed: 1, onTrace: (event) => trace.push(event) });
  const capture = sim.capture((bytes) => pieces.push(bytes));
  const server = sim.addServer(referenceServer({ protocol: { kind: 'ethernet-heartbeat' } }));
  const written = (name: string): string => {
    capture.end();
    const file = join(folder, name);
    writeFileSync(file, Buffer.concat(pieces));
    return file;
  };
  return { sim, server, trace, written };
}

const beating = firmware({ protocol: 'ethernet-heartbeat', servers: [{ host: SERVER_NAME, port: SERVER_PORT }] });

it('once a second a frame is in the capture as Ethernet, with a good FCS and good checksums', async (context) => {
  needsTshark(context);
  const { sim, written } = world();
  sim.addDevice({ firmware: beating, link: { delay: '20ms' } });
  await sim.runFor('9.5s');
  const file = written('frames.pcapng');
  const fields = [
    'frame.time_epoch', 'frame.len', 'frame.interface_name', 'eth.dst', 'eth.src', 'eth.fcs.status', 'ip.src', 'ip.dst',
    'ip.checksum.status', 'udp.dstport', 'udp.length', 'udp.checksum.status',
  ];
  const rows = tsharkFields(file, 'eth', fields);
  expect(rows.length).toBe(10);
  for (const [i, [time, ...row]] of rows.entries()) {
    expect(Number(time)).toBeCloseTo(i, 2);
    expect(row).toEqual([
      String(FRAME_BYTES - 8), 'dev-1', 'ff:ff:ff:ff:ff:ff', '02:00:0a:00:00:02', '1', '10.0.0.2', '10.0.0.1',
      '1', '39002', '72', '1',
    ]);
  }
  expect(tsharkFaults(file)).toEqual([]);
});

it('the server hears the frames, and takes the device offline 3 s after the last, at its next look', async () => {
  const { sim, server, trace } = world();
  const device = sim.addDevice({ firmware: beating, link: { delay: '20ms' } });
  await sim.runFor('10.5s');
  expect(server.program?.clients()).toMatchObject([{ beats: 11, peer: { address: '10.0.0.2' } }]);
  device.power.cut();
  await sim.runFor('5s');
  const offline = trace.filter((event) => event.kind === 'offline');
  expect(offline).toMatchObject([{ reason: { kind: 'silent' } }]);
  expect(offline[0]?.atMs).toBeGreaterThanOrEqual(13_020);
  expect(offline[0]?.atMs).toBeLessThanOrEqual(14_020);
});

it('a frame with a wrong bit is taken by nobody; one too long and one without a carrier are refused', async () => {
  const { sim, server } = world();
  let hal: Hal | undefined;
  const device = sim.addDevice({ firmware: (given) => void (hal = given) });
  const send = (bytes: Uint8Array): number | undefined => hal?.network.sendFrame?.(bytes);
  const [mac, ip] = [[2, 0, 0, 0, 0, 1], [10, 0, 0, 2]];
  const frame = heartbeatFrame({ mac, ip, port: 5000 }, { mac, ip: [10, 0, 0, 1], port: SERVER_PORT }, 1);
  for (let at = 0; at < FRAME_BYTES; at++) {
    const damaged = frame.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    expect(send(damaged)).toBe(FRAME_BYTES);
  }
  for (const length of [0, 1, 8, 22, 60, 72]) expect(send(frame.subarray(0, length))).toBe(length);
  await sim.runFor('1s');
  expect(server.program?.clients()).toEqual([]);
  expect(send(frame)).toBe(FRAME_BYTES);
  await sim.runFor('1s');
  expect(server.program?.clients().length).toBe(1);
  expect(send(new Uint8Array(1526))).toBe(1526);
  expect(send(new Uint8Array(1527))).toBe(failure('EMSGSIZE'));
  device.cable.pull();
  expect(send(frame)).toBe(failure('ENETDOWN'));
});
