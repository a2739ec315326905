/** netstat, as Linux has it: what waits in each connection, and the timer that runs, to the millisecond. */

import { describe, expect, it } from 'vitest';
import type { Hal } from '../../hal/hal.ts';
import type { StreamHandler, StreamSocket } from '../../hal/network.ts';
import type { Device } from '../../sim/device.ts';
import { netstatTable, type NetstatRow } from '../../sim/netstat.ts';
import { Simulation } from '../../sim/simulation.ts';

const QUIET: StreamHandler = { readable() {}, writable() {}, ended() {} };

interface Pair {
  readonly sim: Simulation;
  readonly client: Device;
  readonly server: Device;
  /** The client's socket and, when there is one, the server's. */
  readonly near: () => StreamSocket;
  readonly far: () => StreamSocket;
  /** The row of each end. */
  readonly nearRow: () => NetstatRow | undefined;
  readonly farRow: () => NetstatRow | undefined;
}

/** Two Linux hosts, 1 ms apart. `prepare` changes the sockets before the connection is made. */
function pair(prepare: (socket: StreamSocket) => void = () => {}): Pair {
  const sim = new Simulation({ seed: 1 });
  let near: StreamSocket | undefined;
  let far: StreamSocket | undefined;
  const server = sim.addDevice({
    name: 'server',
    profile: 'linux',
    firmware: ({ network }: Hal) => {
      const listening = network.listen({ address: '0.0.0.0', port: 80 }, 8, {
        listening() {},
        incoming: () => (far = listening.accept(QUIET)),
        ended() {},
      });
    },
  });
  const client = sim.addDevice({
    name: 'client',
    profile: 'linux',
    link: { delay: '1ms' },
    firmware: ({ network }: Hal) => {
      near = network.openStream(QUIET);
      prepare(near);
      near.connect({ address: '10.0.0.1', port: 80 });
    },
  });
  const there = (socket: StreamSocket | undefined): StreamSocket =>
    socket ?? expect.fail('there is no such socket yet');
  const rowOf = (name: string) => () => sim.netstat().find(({ host }) => host === name);
  return {
    sim,
    client,
    server,
    near: () => there(near),
    far: () => there(far),
    nearRow: rowOf('client'),
    farRow: rowOf('server'),
  };
}

describe('the timer', () => {
  it('is off where nothing is to happen', async () => {
    const { sim, nearRow, farRow } = pair();
    await sim.runFor('1s');
    expect(nearRow()).toMatchObject({
      host: 'client',
      peer: 'server',
      remote: { address: '10.0.0.1', port: 80 },
      state: 'ESTABLISHED',
      receiveQueueBytes: 0,
      sendQueueBytes: 0,
      timer: { kind: 'off' },
    });
    expect(farRow()).toMatchObject({
      host: 'server',
      peer: 'client',
      remote: nearRow()?.local,
      local: nearRow()?.remote,
    });
  });

  it('is on for a SYN, which waits to be acknowledged', async () => {
    const { sim, server, nearRow } = pair();
    server.cable.pull();
    // A second, which Linux's timer wheel makes one of 1.004.
    await sim.runFor('500ms');
    expect(nearRow()).toMatchObject({
      state: 'SYN-SENT',
      sendQueueBytes: 1,
      timer: { kind: 'on', remainingMs: 504, retransmissions: 0 },
    });
    await sim.runFor('600ms');
    expect(nearRow()?.timer).toMatchObject({ kind: 'on', retransmissions: 1 });
  });

  it('is on for data, and comes later with each timeout', async () => {
    const { sim, client, near, nearRow } = pair();
    await sim.runFor('1s');
    client.cable.pull();
    near().write(new Uint8Array(8));
    await sim.runFor('100ms');
    expect(nearRow()).toMatchObject({
      state: 'ESTABLISHED',
      sendQueueBytes: 8,
      timer: { kind: 'on', retransmissions: 0, probes: 0 },
    });
    // This time is in the middle of a jiffy.
    await sim.runFor('2001ms');
    const row = nearRow();
    if (row?.timer.kind !== 'on') expect.fail(`the timer is ${row?.timer.kind}`);
    expect(row.timer.retransmissions).toBeGreaterThanOrEqual(2);
    // The timer fires after the time that netstat shows.
    await sim.runFor(row.timer.remainingMs - 0.001);
    expect(nearRow()?.timer).toMatchObject({ retransmissions: row.timer.retransmissions });
    await sim.runFor(0.001);
    expect(nearRow()?.timer).toMatchObject({ retransmissions: row.timer.retransmissions + 1 });
  });

  it('is keepalive, with the probes that nobody answered', async () => {
    const { sim, server, nearRow } = pair((socket) => socket.setKeepAlive({ idle: 3, interval: 3, count: 3 }));
    await sim.runFor('1s');
    const timer = nearRow()?.timer;
    expect(timer).toMatchObject({ kind: 'keepalive', retransmissions: 0, probes: 0 });
    // Linux's timer wheel may round up by an eighth.
    expect(timer?.kind === 'keepalive' && timer.remainingMs).toSatisfy((ms: number) => ms >= 2000 && ms < 2300);
    server.cable.pull();
    await sim.runFor('3s');
    expect(nearRow()?.timer).toMatchObject({ kind: 'keepalive', probes: 1 });
    await sim.runFor('3s');
    expect(nearRow()?.timer).toMatchObject({ kind: 'keepalive', probes: 2 });
  });

  it('probes a window that the peer has closed, and shows what waits at both ends', async () => {
    const { sim, near, nearRow, farRow } = pair();
    await sim.runFor('1s');
    const taken = near().write(new Uint8Array(10_000_000));
    await sim.runFor('60s');
    expect(nearRow()).toMatchObject({ timer: { kind: 'probe' } });
    const received = farRow()?.receiveQueueBytes ?? 0;
    expect(received).toBeGreaterThan(10_000);
    expect(nearRow()?.sendQueueBytes).toBe(taken - received);
    // A FIN that waits behind data counts as one byte.
    near().shutdown();
    expect(nearRow()?.sendQueueBytes).toBe(taken - received + 1);
  });

  it('is timewait for who has closed first, at last', async () => {
    const { sim, near, far, nearRow, farRow } = pair();
    await sim.runFor('1s');
    near().close();
    await sim.runFor('10ms');
    expect(nearRow()).toMatchObject({ state: 'FIN-WAIT-2', sendQueueBytes: 0, timer: { kind: 'timewait' } });
    expect(farRow()).toMatchObject({ state: 'CLOSE-WAIT' });
    far().close();
    await sim.runFor('10ms');
    const row = nearRow();
    expect(row).toMatchObject({ state: 'TIME-WAIT', timer: { kind: 'timewait' } });
    expect(farRow()).toBeUndefined();
  });
});

it('counts a FIN that is not acknowledged', async () => {
  const { sim, client, near, nearRow } = pair();
  await sim.runFor('1s');
  client.cable.pull();
  near().shutdown();
  await sim.runFor('10ms');
  expect(nearRow()).toMatchObject({ state: 'FIN-WAIT-1', sendQueueBytes: 1 });
});

it('knows nothing of a host without power', async () => {
  const { sim, client } = pair();
  await sim.runFor('1s');
  client.power.cut();
  expect(sim.netstat().map(({ host }) => host)).toEqual(['server']);
});

it('looks without touching: the run goes on as if nobody had looked', async () => {
  const trace = async (look: boolean): Promise<string[]> => {
    const { sim, near, client } = pair((socket) => socket.setKeepAlive({ idle: 1, interval: 1, count: 3 }));
    const lines: string[] = [];
    sim.trace((line) => lines.push(line));
    for (let ms = 0; ms < 5000; ms += 7) {
      if (ms === 2100) near().write(new Uint8Array(100));
      if (ms === 3500) client.cable.pull();
      await sim.runFor(7);
      if (look) sim.netstat();
    }
    return lines;
  };
  const lines = await trace(true);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines).toEqual(await trace(false));
});

it('is printed as netstat -to prints it, with the names of hosts', () => {
  const end = { address: '10.0.0.2', port: 61_915 };
  const row = {
    host: 'dev-1',
    local: end,
    peer: 'server',
    remote: { address: '10.0.0.1', port: 39_002 },
    state: 'ESTABLISHED',
    receiveQueueBytes: 0,
    sendQueueBytes: 0,
  } as const;
  expect(netstatTable([
    { ...row, timer: { kind: 'keepalive', remainingMs: 2312, retransmissions: 0, probes: 1 } },
    { ...row, sendQueueBytes: 123_456, timer: { kind: 'on', remainingMs: 200, retransmissions: 3, probes: 0 } },
    { ...row, peer: undefined, state: 'TIME-WAIT', timer: { kind: 'off' } },
  ])).toBe([
    'Proto  Recv-Q  Send-Q  Local Address  Foreign Address  State        Timer',
    'tcp         0       0  dev-1:61915    server:39002     ESTABLISHED  keepalive (2.31/0/1)',
    'tcp         0  123456  dev-1:61915    server:39002     ESTABLISHED  on (0.20/3/0)',
    'tcp         0       0  dev-1:61915    10.0.0.1:39002   TIME-WAIT    off (0.00/0/0)',
  ].join('\n'));
});
