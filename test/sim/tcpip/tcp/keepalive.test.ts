/** Keepalive (RFC 9293 3.8.4, RFC 1122 4.2.3.6): who is found dead by it, when, by what; and who is not. */

import { describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer } from '../../../../sim/programs.ts';
import { Simulation } from '../../../../sim/simulation.ts';
import type { ProfileName } from '../../../../sim/tcpip/profile.ts';
import type { TraceEvent } from '../../../../sim/trace/trace.ts';
import { Rig, type User } from '../rig.ts';

const THREE = { idle: 3, interval: 3, count: 3 };

function quiet(profile: ProfileName, keepAlive = THREE): { rig: Rig; user: User } {
  const rig = new Rig(profile);
  const user = rig.connected('win 60000 mss 1460', (socket) => void socket.setKeepAlive(keepAlive));
  return { rig, user };
}

describe('linux, 3/3/3', () => {
  it('probes after 3, 6 and 9 s; a dead peer is noticed after 12 s plus timer slack, with ETIMEDOUT, and not at 11.9 s', () => {
    const { rig, user } = quiet('linux');
    rig.runTo(11_900);
    expect(rig.sent()).toEqual(['. 0 ack 1', '. 0 ack 1', '. 0 ack 1']);
    expect(user.told).toEqual([]);
    rig.runTo(12_600);
    expect(user.told).toEqual(['ended ETIMEDOUT']);
    expect(rig.sent()).toEqual(['R. 1 ack 1']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('each answer starts it again: a hung firmware, whose stack answers, is never noticed', () => {
    const { rig, user } = quiet('linux');
    rig.onSent = ({ payloadBytes }) => {
      if (payloadBytes === 0) rig.engine.at(rig.engine.nowUs + 20_000, () => rig.peer('. 1 ack 1'), 'the peer');
    };
    rig.run(3600_000);
    expect(user.told).toEqual([]);
    expect(rig.sent().length).toBeGreaterThan(1000);
  });

  it('does nothing while data is unacknowledged: it is retransmission that ends it', () => {
    const { rig, user } = quiet('linux');
    rig.run(1000);
    user.write(8);
    rig.run(60_000);
    for (const text of rig.sent()) expect(text).toBe('P. 1:9 ack 1');
    expect(user.told).toEqual([]);
  });

  it('counts from when something came last', () => {
    const { rig } = quiet('linux');
    rig.run(2000);
    rig.peer('P. 1:2 ack 1');
    rig.sent();
    rig.runTo(4990);
    expect(rig.sent()).toEqual([]);
    rig.runTo(5300);
    expect(rig.sent()).toEqual(['. 0 ack 2']);
  });

  it('a user timeout takes the place of the count', () => {
    const { rig, user } = quiet('linux');
    user.socket?.setUserTimeout(5000);
    rig.runTo(5900);
    expect(user.told).toEqual([]);
    rig.runTo(6500);
    expect(user.told).toEqual(['ended ETIMEDOUT']);
  });

  it('turned off, nothing is sent any more', () => {
    const { rig, user } = quiet('linux');
    rig.runTo(4000);
    rig.sent();
    user.socket?.setKeepAlive('off');
    rig.run(3600_000);
    expect(rig.sent()).toEqual([]);
    expect(user.told).toEqual([]);
  });

  it('a rebooted peer answers the probe with RST: ECONNRESET', () => {
    const { rig, user } = quiet('linux');
    rig.runTo(3500);
    rig.peer('R 1');
    expect(user.told).toEqual(['ended ECONNRESET']);
  });
});

it('lwip ends with ECONNABORTED, at the slow timer\'s next call after 12 s', () => {
  const { rig, user } = quiet('lwip');
  rig.runTo(11_999);
  expect(user.told).toEqual([]);
  rig.runTo(13_600);
  expect(user.told).toEqual(['ended ECONNABORTED']);
});

it('w5500 probes only after data was exchanged, with a byte of garbage, and gives up as on data', () => {
  const { rig, user } = quiet('w5500', { idle: 5, interval: 5, count: 1 });
  rig.run(60_000);
  expect(rig.sent()).toEqual([]);
  user.write(1);
  rig.peer('. 1 ack 2');
  rig.sent();
  rig.run(10_100);
  expect(rig.sent()[0]).toBe('. 1:2 ack 1');
  rig.run(31_800);
  expect(user.told).toEqual(['ended ETIMEDOUT']);
});

it('freertos-tcp gives up even while data is unacknowledged, and says ENOTCONN', () => {
  const { rig, user } = quiet('freertos-tcp');
  user.write(8);
  rig.run(600_000);
  expect(user.told).toEqual(['ended ENOTCONN']);
});

describe('a device and its server', () => {
  function world(): { sim: Simulation; trace: TraceEvent[]; device: ReturnType<Simulation['addDevice']> } {
    const trace: TraceEvent[] = [];
    const sim = new Simulation({ seed: 3, onTrace: (event) => trace.push(event) });
    sim.addServer(
      referenceServer({
        keepAlive: THREE,
        liveness: { policy: 'none' },
        protocol: { kind: 'heartbeat', answerBeats: false },
      }),
    );
    const firmware = heartbeatFirmware({ expectAnswers: false, beatIntervalMs: 60_000 });
    const device = sim.addDevice({ firmware, link: { delay: '20ms' } });
    return { sim, trace, device };
  }

  function offline(trace: readonly TraceEvent[]): readonly (TraceEvent & { kind: 'offline' })[] {
    return trace.filter((event) => event.kind === 'offline');
  }

  it('a pulled cable is noticed by the server 12 s after the last that came, plus timer slack', async () => {
    const { sim, trace, device } = world();
    await sim.runFor('1s');
    const lastMs = 60;
    device.cable.pull();
    await sim.runFor('30s');
    const [end, more] = offline(trace);
    expect(end).toMatchObject({ reason: { kind: 'error', errno: 'ETIMEDOUT' } });
    expect(end?.atMs).toBeGreaterThan(lastMs + 12_000);
    expect(end?.atMs).toBeLessThan(lastMs + 12_700);
    expect(more).toBeUndefined();
  });

  it('hung firmware is never noticed', async () => {
    const { sim, trace, device } = world();
    await sim.runFor('1s');
    device.hang();
    await sim.runFor('10m');
    expect(offline(trace)).toEqual([]);
  });

  it('a rebooted device: its old connection ends with ECONNRESET at the server\'s next segment', async () => {
    const { sim, trace, device } = world();
    await sim.runFor('1s');
    device.power.cut();
    await sim.runFor('1s');
    device.power.restore();
    await sim.runFor('5s');
    expect(offline(trace)).toMatchObject([{ reason: { kind: 'error', errno: 'ECONNRESET' } }]);
    expect(offline(trace)[0]?.atMs).toBeLessThan(3500);
  });
});
