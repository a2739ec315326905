/** A program of Node, unchanged, on a simulated host: who notices what, and when. */

import net from 'node:net';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { heartbeatFirmware } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';
import '../../../sim/vitest/index.ts';

/** A server as anybody writes one: it gives back what it is sent, and drops who says nothing for 15 s. */
function echoServer(port: number): Set<net.Socket> {
  const sessions = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sessions.add(socket);
    socket.setTimeout(15_000, () => socket.destroy());
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => sessions.delete(socket));
  });
  server.listen(port);
  return sessions;
}

it('drops a device whose cable is out at the time of its own timer, not before', async () => {
  let sessions = new Set<net.Socket>();
  const sim = new Simulation({ seed: 1 });
  const server = sim.addServer(nodeProgram(() => {
    sessions = echoServer(39_002);
  }));
  const device = sim.addDevice({ firmware: heartbeatFirmware() });
  await sim.runFor('46s');
  expect(server.run(() => sessions.size)).toBe(1);
  device.cable.pull();
  await expect(sim).not.toNotice(device, { by: 'server', within: '13999ms' });
  await expect(sim).toNotice(device, { by: 'server', within: '14s' });
  expect(server.run(() => sessions.size)).toBe(0);
});

it('tells the trace who came, and by what errno he went', async () => {
  const events: TraceEvent[] = [];
  const sim = new Simulation({ seed: 1, onTrace: (event) => events.push(event) });
  sim.addServer(nodeProgram(() => {
    net.createServer((socket) => socket.setKeepAlive(true, 3000).on('error', () => undefined)).listen(39_002);
  }));
  const device = sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 60_000 }) });
  await sim.runFor('10s');
  device.power.cut();
  await sim.runFor('1m');
  const server = events.filter(({ source }) => source === 'server');
  expect(server.map(({ kind }) => kind)).toEqual(['listening', 'online', 'offline']);
  expect(server.at(-1)).toMatchObject({ reason: { kind: 'error', errno: 'ETIMEDOUT' } });
});

it('has a clock that is the host\'s, and gives the process its own back', async () => {
  const realNow = Date.now;
  const sim = new Simulation();
  const server = sim.addServer(nodeProgram(() => undefined));
  await sim.runFor('1h');
  expect(server.run(() => new Date().toISOString())).toBe('2025-01-01T01:00:00.000Z');
  expect(server.run(() => Math.round(performance.now()))).toBe(3_600_000);
  expect(Date.now).toBe(realNow);
  expect(new Date().getFullYear()).toBeGreaterThan(2025);
});
