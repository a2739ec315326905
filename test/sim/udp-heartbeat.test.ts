/** A UDP heartbeat fleet in virtual time: what a box on the way does to who has whom online. */

import { describe, expect, it } from 'vitest';
import { firmware, referenceServer, SERVER_NAME, SERVER_PORT } from '../../sim/programs.ts';
import { type SimulatedServer, Simulation } from '../../sim/simulation.ts';

const image = firmware({
  protocol: 'udp-heartbeat', servers: [{ host: SERVER_NAME, port: SERVER_PORT }], beatIntervalMs: 5000,
});

function world(): { readonly sim: Simulation; readonly server: SimulatedServer } {
  const sim = new Simulation({ seed: 1 });
  return { sim, server: sim.addServer(referenceServer({ protocol: { kind: 'udp-heartbeat' }, beatEvents: true })) };
}

describe('a box that forgets', () => {
  it('a flow without translation: the next beat comes from the same end, and the session has survived', async () => {
    const { sim, server } = world();
    sim.addDevice({ firmware: image, link: { delay: '20ms' } });
    sim.schedule('nat-timeout on dev-1 at 62s');
    await sim.runFor('2m');
    const { verdicts, ghostMs, falseAlarms } = sim.testbed.witness.judge.findings();
    // This is the beat of 65 s.
    expect(verdicts).toMatchObject([{ survived: true, backAfterMs: expect.closeTo(3020, -1), ghostMs: 0 }]);
    expect([ghostMs, falseAlarms, server.program?.clients().length]).toEqual([0, [], 1]);
  });

  it("the same in front of the server, where every device's datagrams come unasked", async () => {
    const { sim, server } = world();
    sim.addDevice({ firmware: image, link: { delay: '20ms' } });
    sim.schedule('nat-timeout on server at 62s');
    await sim.runFor('2m');
    expect(server.program?.clients()).toMatchObject([{ beats: 24 }]);
  });

  it('of a NAT box: the server has another client, and a ghost until it misses the one before', async () => {
    const { sim, server } = world();
    const nat = sim.addNat();
    sim.addDevice({ firmware: image, nat, link: { delay: '20ms' } });
    sim.at('62s', () => nat.forgetAll());
    await sim.runFor('70s');
    expect(server.program?.clients().map(({ peer }) => peer.port)).toEqual([1024, 1025]);
    await sim.runFor('50s');
    expect(server.program?.clients().map(({ peer }) => peer.port)).toEqual([1025]);
    const { ghostMs, falseAlarms, overlappingSessions } = sim.testbed.witness.judge.findings();
    // The ghost lasts from the beat of 65 s on. The previous beat came at 60 s, and the scan is 15 s later.
    expect(ghostMs).toBeGreaterThanOrEqual(10_000 - 20);
    expect(ghostMs).toBeLessThanOrEqual(11_000);
    expect([falseAlarms, overlappingSessions]).toEqual([[], 1]);
  });
});
