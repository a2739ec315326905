/** A program of Node, unchanged, on a simulated host: who notices what, and when. */

import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
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
  const server = sim.addServer(
    nodeProgram(() => {
      sessions = echoServer(39_002);
    }),
  );
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
  sim.addServer(
    nodeProgram(() => {
      net.createServer((socket) => socket.setKeepAlive(true, 3000).on('error', () => undefined)).listen(39_002);
    }),
  );
  const device = sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 60_000 }) });
  await sim.runFor('10s');
  device.power.cut();
  await sim.runFor('1m');
  const server = events.filter(({ source }) => source === 'server');
  expect(server.map(({ kind }) => kind)).toEqual(['listening', 'online', 'offline']);
  expect(server.at(-1)).toMatchObject({ reason: { kind: 'error', errno: 'ETIMEDOUT' } });
});

it('rings a timer once, in virtual time, also where the start of the program takes long', async () => {
  const rungMs: number[] = [];
  const sim = new Simulation();
  const pause = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  const arm = (ms: number): unknown => global.setTimeout(() => rungMs.push(performance.now()), ms);
  // Node's own timers would be due when its loop turns next.
  const entry = async (): Promise<void> => {
    arm(20);
    pause();
    await setImmediate();
    arm(30);
    pause();
  };
  sim.addServer(nodeProgram(entry));
  await sim.runFor('1s');
  expect(rungMs).toEqual([20, 30]);
});

it("has a clock that is the host's, and gives the process its own back", async () => {
  const realNow = Date.now;
  const sim = new Simulation();
  const server = sim.addServer(nodeProgram(() => undefined));
  await sim.runFor('1h');
  expect(server.run(() => new Date().toISOString())).toBe('2025-01-01T01:00:00.000Z');
  expect(server.run(() => Math.round(performance.now()))).toBe(3_600_000);
  expect(Date.now).toBe(realNow);
  expect(new Date().getFullYear()).toBeGreaterThan(2025);
});

it('looks names up, talks http, udp and to itself, and waits for files that real time brings', async () => {
  const heard: string[] = [];
  const say = (what: string): void => void heard.push(`${performance.now()} ${what}`);
  const sim = new Simulation({ seed: 1 });
  sim.addServer(
    nodeProgram(() => {
      http.createServer((_request, response) => response.end('hello')).listen(80);
      const socket = dgram.createSocket('udp4');
      socket.on('message', (text, from) => socket.send(`${text}, too`, from.port, from.address));
      socket.bind(5000);
    }),
  );
  const client = nodeProgram(async () => {
    const response = await fetch('http://server/');
    say(`${await response.text()} at ${response.headers.get('date')}`);
    say(`read ${(await readFile(new URL(import.meta.url))).length > 0}`);
    const socket = dgram.createSocket('udp4');
    socket.on('message', (text) => socket.close(() => say(String(text))));
    socket.send('ping', 5000, 'server');
    await setTimeout(1000);
    const own = net
      .createServer((peer) => peer.end(`you are ${peer.remoteAddress}`))
      .listen(0, '127.0.0.1', () => {
        const address = own.address();
        if (typeof address === 'object') net.connect(address?.port ?? 0).on('data', (text) => say(String(text)));
      });
  });
  sim.addDevice({ firmware: client, link: { delay: '10ms' } });
  await sim.runFor('5s');
  expect(heard).toEqual([
    '40 hello at Wed, 01 Jan 2025 00:00:00 GMT',
    '40 read true',
    '60 ping, too',
    '1040.04 you are 127.0.0.1',
  ]);
});

it('connects to itself as on Linux: the server has its end before the client hears, and may close at once', async () => {
  const heard: string[] = [];
  const sim = new Simulation({ seed: 1 });
  const talk = (host: string, port: number): void => {
    const server = net.createServer((peer) => {
      heard.push('connection');
      peer.end('word');
    });
    server.listen(port, host, () => {
      const client = net.connect(port, host, () => {
        heard.push('connect');
        server.close();
      });
      client.on('data', (text) => heard.push(String(text)));
      client.on('error', ({ message }) => heard.push(message));
    });
  };
  const program = (): void => {
    talk('127.0.0.1', 7000);
    talk('10.0.0.1', 7001);
  };
  sim.addServer(nodeProgram(program));
  await sim.runFor('1s');
  expect(heard).toEqual(['connection', 'connect', 'connection', 'connect', 'word', 'word']);
});

it('crashes its host as a process would, is told in the trace, and starts again by its policy', async () => {
  const events: TraceEvent[] = [];
  const sim = new Simulation({ seed: 1, onTrace: (event) => events.push(event) });
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  let boots = 0;
  const server = sim.addServer(
    nodeProgram(
      () => {
        boots++;
        net.createServer((socket) => socket.on('data', () => Promise.reject(new Error('boom')))).listen(39_002);
      },
      { restart: { after: '1s' } },
    ),
  );
  sim.addDevice({ firmware: heartbeatFirmware() });
  await sim.runFor('500ms');
  expect(server.board.state).toBe('crashed');
  expect(error.mock.calls.flat().join('\n')).toMatch(/server at 0 s.*\nError: boom\n.*node-program\.test\.ts/);
  expect(events).toContainEqual(expect.objectContaining({ source: 'fault', fault: 'crash', host: 'server' }));
  await sim.runFor('600ms');
  expect(boots).toBe(2);
  error.mockRestore();
});

it('rejects the run where the program cannot even start, or where the test wants it', async () => {
  const unstartable = new Simulation();
  unstartable.addServer(
    nodeProgram(() => {
      throw new Error('no such thing');
    }),
  );
  await expect(unstartable.runFor('1s')).rejects.toThrow('the program of server failed: no such thing');
  const failing = new Simulation();
  failing.addServer(nodeProgram(() => void global.setTimeout(() => Reflect.get({}, 'x').y, 500), { onError: 'fail' }));
  await expect(failing.runFor('1s')).rejects.toThrow(/the program of server failed: .*undefined/);
  expect(failing.nowMs).toBe(500);
});

it('starts the program again when power returns, and tells it nothing of what was before', async () => {
  let sessions = new Set<net.Socket>();
  const sim = new Simulation({ seed: 1 });
  const server = sim.addServer(
    nodeProgram(() => {
      sessions = echoServer(39_002);
    }),
  );
  sim.addDevice({ firmware: heartbeatFirmware() });
  await sim.runFor('10s');
  const before = sessions;
  server.board.power.cut();
  await sim.runFor('30s');
  server.board.power.restore();
  await sim.runFor('1m');
  expect(sessions).not.toBe(before);
  expect(sessions.size).toBe(1);
  expect(before.size).toBe(1);
});

it('has no parent process, and refuses what cannot be simulated', async () => {
  const sim = new Simulation();
  const server = sim.addServer(nodeProgram(() => undefined));
  await sim.runFor('1s');
  // vitest has started this process with a channel to its own.
  expect([typeof process.send, server.run(() => typeof process.send)]).toEqual(['function', 'undefined']);
  expect(() => server.run(() => childProcess.spawn('true'))).toThrow(
    'not simulated: child_process.spawn, on host server',
  );
  expect(() =>
    server.run(() => {
      for (const end = Date.now() + 5; Date.now() < end;);
    }),
  ).toThrow('on host server a loop waits for the clock');
});
