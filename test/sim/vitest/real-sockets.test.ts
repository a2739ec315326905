/** The matchers on the bench, over this machine's sockets, in real time. */

import { createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { boot, firmwareImage } from '../../../firmware/index.ts';
import { nodeClock, nodeNetwork } from '../../../hal/node/index.ts';
import { Bench } from '../../../sim/bench/bench.ts';
import type { Device } from '../../../sim/device.ts';
import { firmware } from '../../../sim/programs.ts';
import { startServer } from '../../../sim/server/server.ts';
import '../../../sim/vitest/index.ts';
import { explainTimeout } from '../../../sim/vitest/test-timeout.ts';

/** A server that misses three beats of 200 ms, and a device that it serves. */
async function bench(): Promise<{ bench: Bench; device: Device }> {
  const network = nodeNetwork();
  let port = 0;
  let isServed = false;
  const made = new Bench({
    network,
    newClock: nodeClock,
    seed: 1,
    onTrace: ({ kind }) => (isServed ||= kind === 'served'),
  });
  const server = startServer(
    { clock: nodeClock(), network },
    {
      local: { address: '127.0.0.1', port: 0 },
      liveness: { policy: 'missed-beats', scanIntervalMs: 200, missedLimit: 3 },
    },
    (event) => {
      if (event.kind === 'listening') ({ port } = event.local);
      made.addServerEvent(event);
    },
  );
  onTestFinished(() => {
    made.stop();
    server.stop();
  });
  expect(await made.reach(() => port !== 0, 5000)).toBe(true);
  const device = made.addDevice('dev-1', (hal, onEvent) => {
    boot(
      hal,
      firmwareImage({
        protocol: 'heartbeat',
        servers: [{ host: '127.0.0.1', port }],
        beatIntervalMs: 200,
        missedLimit: 3,
      }),
      onEvent,
    );
  });
  device.power.restore();
  expect(await made.reach(() => isServed, 5000)).toBe(true);
  return { bench: made, device };
}

// A late timer makes nothing notice too early, and three seconds leave it room.
it('a device without power: the server does not notice at once, and then it does', async () => {
  const { bench: made, device } = await bench();
  device.power.cut();
  await expect(made).not.toNotice(device, { by: 'server', within: '300ms' });
  await expect(made).toNotice(device, { by: 'server', within: '3s' });
  device.power.restore();
  await expect(made).toRecover('dev-1', { within: '3s' });
  await expect(made).toMeet('server notices within 3s');
});

it('a failure has the time line, and says that it may not happen again', async () => {
  const { bench: made, device } = await bench();
  device.cable.pull();
  const error = await expect(made).toNotice(device, { by: 'server', within: '100ms' }).then(() => '', String);
  const lines = error.split('\n');
  expect(lines[0]).toMatch(
    /^Error: cable-pull on dev-1 at [\d.]+m?s, dev-1: the server has not noticed in \d\.\d{3} s; expected: that the server notices within 0\.1s$/,
  );
  expect(lines.filter((line) => line.startsWith('>'))).toEqual([
    expect.stringMatching(/^> +\d\.\d s {2}dev-1 {5}FAULT cable-pull on dev-1 at /),
  ]);
  expect(lines).toContainEqual(
    expect.stringMatching(/^ +\d\.\d s {2}server {4}client 1 \(127\.0\.0\.1:\d+\) online$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^ +\d\.\d s {2}deadline {2}0\.1s after the fault$/));
  expect(lines.at(-1)).toBe(
    'to repeat: npx vitest run test/sim/vitest/real-sockets.test.ts -t "a failure has the time line, and says that it may not happen again" (over real sockets it may not happen twice alike)',
  );
});

it('connected waits for the device, and says what happened to it where it does not come', async () => {
  const { bench: made, device } = await bench();
  device.power.cut();
  device.power.restore();
  await made.connected(device, '3s');
  const servers = [{ host: '127.0.0.1', port: 1 }];
  const lonely = made.addDevice('dev-2', firmware({ protocol: 'heartbeat', servers }));
  lonely.power.restore();
  await expect(made.connected(lonely, '200ms')).rejects.toThrow(
    /^dev-2 is not connected; last: 0\.\d s {2}dev-2 .*ECONNREFUSED/,
  );
});

it("gives the time, and comes back after the 'close' handlers of a server in the same process", async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setTimeout(300, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  const made = new Bench({ network: nodeNetwork(), newClock: nodeClock, seed: 1 });
  onTestFinished(() => {
    made.stop();
    server.close();
  });
  const servers = [{ host: '127.0.0.1', port: address.port }];
  const settings = { protocol: 'heartbeat', servers, beatIntervalMs: 100, expectAnswers: false } as const;
  const device = made.addDevice('dev-1', firmware(settings));
  device.power.restore();
  await made.connected(device);
  await made.runFor('200ms');
  expect(sockets.size).toBe(1);
  device.power.cut();
  const noticed = await expect(made).toNotice(device, { by: 'server', within: '3s' });
  expect(sockets.size).toBe(0);
  expect(noticed).toEqual({ afterMs: expect.any(Number), by: 'closed' });
  expect(await expect(made).not.toNotice(device, { by: 'server', within: '1ms' })).toBeUndefined();
});

it("says why it was waiting when vitest's own timeout ends the test", async () => {
  const ending = new AbortController();
  const error = new Error('Test timed out in 5000ms.');
  const test = { task: { context: { signal: ending.signal } } };
  await explainTimeout(test, () => 'the server has not noticed', async () => ending.abort(error));
  expect(error.message).toBe(
    "Test timed out in 5000ms.\n\ngive the test more time, as in it('...', { timeout: 30_000 }, async () => { ... })" +
      '\n\nthe server has not noticed',
  );
  await explainTimeout(test, () => 'never told', async () => {});
  expect(error.message).not.toContain('never told');
});
