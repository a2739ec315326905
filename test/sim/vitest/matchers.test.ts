/** The matchers in virtual time: both sides of each deadline, and what a failure says, word for word. */

import { describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import type { Device } from '../../../sim/device.ts';
import {
  type DeviceOptions,
  Simulation,
  type SimulatedServer,
  type SimulationOptions,
} from '../../../sim/simulation.ts';
import type { ServerOptions } from '../../../sim/server/settings.ts';
import '../../../sim/vitest/index.ts';

interface World {
  readonly sim: Simulation;
  readonly server: SimulatedServer;
  readonly device: Device;
}

/** The README's world, ten seconds old. */
async function world({
  server = {},
  device = {},
  sim: options = {},
}: { server?: ServerOptions; device?: Partial<DeviceOptions>; sim?: SimulationOptions } = {}): Promise<World> {
  const sim = new Simulation({ seed: 1, ...options });
  const host = sim.addServer(referenceServer({ keepAlive: { idle: 3, interval: 3, count: 3 }, ...server }));
  const board = sim.addDevice({ firmware: heartbeatFirmware(), link: { loss: '1%' }, ...device });
  await sim.runFor('10s');
  return { sim, server: host, device: board };
}

/** A world whose device's cable was pulled at that time. */
async function pulled(): Promise<World> {
  const made = await world();
  made.device.cable.pull();
  return made;
}

/** Returns the lines of a matcher's failure. */
async function failure(assertion: Promise<unknown>): Promise<string[]> {
  try {
    await assertion;
  } catch (error) {
    if (error instanceof Error) return error.message.split('\n');
  }
  throw new Error('it did not fail');
}

/** Returns the first line of a matcher's failure. */
async function firstLineOf(assertion: Promise<unknown>): Promise<string | undefined> {
  return (await failure(assertion))[0];
}

/** A call from JavaScript, in which no type says what is required. */
function ask(
  sim: Simulation,
  matcher: 'toNotice' | 'toRecover' | 'toMeet',
  ...args: readonly unknown[]
): Promise<string | undefined> {
  const assertion = expect(sim);
  return firstLineOf(Reflect.apply(assertion[matcher], assertion, args));
}

/** Returns the time from the pull until an end notices, in ms, to the microsecond. */
async function noticedMs(by: 'server' | 'device'): Promise<number> {
  const { sim } = await pulled();
  await sim.runFor('1m');
  const [verdict] = sim.testbed.witness.judge.verdicts();
  const afterMs = (by === 'server' ? verdict?.serverNoticed : verdict?.deviceNoticed)?.afterMs ?? NaN;
  return Math.round(afterMs * 1000) / 1000;
}

describe('toNotice', () => {
  it('lets time pass until it was noticed: both sides of a deadline can be told, one after the other', async () => {
    const { sim, device } = await pulled();
    await expect(sim).not.toNotice(device, { by: 'server', within: '11s' });
    expect(sim.nowMs).toBe(21_000);
    await expect(sim).toNotice(device, { by: 'server', within: '15s' });
    expect(sim.nowMs).toBe(10_000 + await noticedMs('server'));
    await expect(sim).not.toNotice('dev-1', { by: 'device', within: '16s' });
    await expect(sim).toNotice('dev-1', { by: 'device', within: '18s' });
    expect(sim.nowMs).toBe(10_000 + await noticedMs('device'));
  });

  it.each(['server', 'device'] as const)('is exact to the microsecond: %s', async (by) => {
    const afterMs = await noticedMs(by);
    for (const isLate of [false, true]) {
      const { sim, device } = await pulled();
      if (isLate) await sim.runFor('1m');
      await expect(sim).not.toNotice(device, { by, within: afterMs - 0.001 });
      await expect(sim).toNotice(device, { by, within: afterMs });
      await expect(expect(sim).toNotice(device, { by, within: afterMs - 0.001 })).rejects.toThrow();
      await expect(expect(sim).not.toNotice(device, { by, within: afterMs })).rejects.toThrow();
    }
  });

  it('says that it was not noticed, in time or at all, and what happened meanwhile', async () => {
    const { sim, device } = await pulled();
    const lines = await failure(expect(sim).toNotice(device, { by: 'server', within: '10s' }));
    expect(lines).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: the server has not noticed in 10.000 s; expected: that the server notices within 10s',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '     10.0 s  dev-1     carrier down',
      '     15.0 s  dev-1     1 beat unanswered',
      '     18.0 s  dev-1     2 beats unanswered',
      '     20.0 s  deadline  10s after the fault',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toNotice.*says that it was not noticed, in time or at all, and what happened meanwhile"',
    ]);
    expect(sim.nowMs).toBe(20_000);
  });

  it('says that it was noticed too late, when time has gone on', async () => {
    const { sim, device } = await pulled();
    await sim.runFor('20s');
    expect(await failure(expect(sim).toNotice(device, { by: 'server', within: '11s' }))).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: the server noticed after 11.452 s (ETIMEDOUT); expected: that the server notices within 11s',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '     10.0 s  dev-1     carrier down',
      '     15.0 s  dev-1     1 beat unanswered',
      '     18.0 s  dev-1     2 beats unanswered',
      '     21.0 s  dev-1     3 beats unanswered',
      '     21.0 s  deadline  11s after the fault',
      '     21.5 s  server    client 1 (10.0.0.2:58599) offline after 21.5 s: ETIMEDOUT (last heard 12.5 s ago)',
      '     24.0 s  dev-1     4 beats unanswered',
      '     27.0 s  dev-1     5 beats unanswered',
      '     27.0 s  dev-1     lost server:39002 after 27.0 s: missed-beats',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toNotice.*says that it was noticed too late, when time has gone on"',
    ]);
    expect(sim.nowMs).toBe(30_000);
  });

  it('says with `.not` that it was noticed, and puts the deadline where it would have been', async () => {
    const { sim, device } = await pulled();
    expect(await failure(expect(sim).not.toNotice(device, { by: 'server', within: '15s' }))).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: the server noticed after 11.452 s (ETIMEDOUT); expected: that the server does not notice within 15s',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '     10.0 s  dev-1     carrier down',
      '     15.0 s  dev-1     1 beat unanswered',
      '     18.0 s  dev-1     2 beats unanswered',
      '     21.0 s  dev-1     3 beats unanswered',
      '     21.5 s  server    client 1 (10.0.0.2:58599) offline after 21.5 s: ETIMEDOUT (last heard 12.5 s ago)',
      '     25.0 s  deadline  15s after the fault',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toNotice.*says with ..not. that it was noticed, and puts the deadline where it would have been"',
    ]);
  });

  it('says that the connection survived, and waits no longer', async () => {
    const { sim, device } = await world();
    device.cable.pull();
    sim.at('11s', () => device.cable.plug());
    expect(await failure(expect(sim).toNotice(device, { by: 'server', within: '1m' }))).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: the connection survived; expected: that the server notices within 1m',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '     10.0 s  dev-1     carrier down',
      '     11.0 s  dev-1     healed cable-pull on dev-1 at 10s',
      '     11.0 s  dev-1     carrier up',
      '     70.0 s  deadline  1m after the fault',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toNotice.*says that the connection survived, and waits no longer"',
    ]);
    expect(sim.nowMs).toBeLessThan(20_000);
    await expect(sim).not.toNotice(device, { by: 'server', within: '1m' });
    expect(sim.nowMs).toBeLessThan(20_000);
  });

  it.each([
    [
      'power-loss',
      'power-loss on dev-1 at 10s, dev-1: the device could not notice, as it was off; expected: that the device notices within 10s',
    ],
    [
      'crash',
      'crash on dev-1 at 10s, dev-1: the device could not notice, as it was dead; expected: that the device notices within 10s',
    ],
    [
      'hang',
      'hang on dev-1 at 10s, dev-1: the device could not notice, as it was hung; expected: that the device notices within 10s',
    ],
  ] as const)('says why a device under %s could not notice', async (kind, sentence) => {
    const { sim, device } = await world();
    sim.schedule(`${kind} on dev-1 at 10s`);
    await sim.runFor(0);
    expect(await firstLineOf(expect(sim).toNotice(device, { by: 'device', within: '10s' }))).toBe(sentence);
    await expect(sim).not.toNotice(device, { by: 'device', within: '20s' });
    expect(sim.nowMs).toBe(30_000);
  });

  it('says why a server could not, and is told by the device what happened to the server', async () => {
    const { sim, server, device } = await world();
    server.board.hang();
    expect(await failure(expect(sim).toNotice(device, { by: 'server', within: '15s' }))).toEqual([
      'hang on server at 10s, dev-1: the server could not notice, as it was hung; expected: that the server notices within 15s',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  server    listening on 10.0.0.1:39002',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  server    FAULT hang on server at 10s',
      '     15.0 s  dev-1     1 beat unanswered',
      '     18.0 s  dev-1     2 beats unanswered',
      '     21.0 s  dev-1     3 beats unanswered',
      '     24.0 s  dev-1     4 beats unanswered',
      '     25.0 s  deadline  15s after the fault',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toNotice.*says why a server could not, and is told by the device what happened to the server"',
    ]);
    await expect(sim).toNotice(device, { by: 'device', within: '20s' });
  });

  it('is about the last fault, and stays with it, whatever happens to the device while time passes', async () => {
    const { sim, device } = await pulled();
    await expect(sim).toNotice(device, { by: 'device', within: '20s' });
    device.cable.plug();
    await sim.runFor('30s');
    device.power.cut();
    sim.schedule(`cable-pull on dev-1 at ${sim.nowMs + 5000}ms`);
    const atMs = sim.nowMs;
    expect(await firstLineOf(expect(sim).toNotice(device, { by: 'server', within: '6s' }))).toMatch(
      /^power-loss on dev-1 at .*: the server has not noticed in 6.000 s; /,
    );
    expect(sim.nowMs).toBe(atMs + 6000);
  });

  it('is about a fault that cuts: one that harms there is nothing to notice of', async () => {
    const { sim, device } = await world();
    sim.schedule('loss 10% on dev-1 at 11s');
    await sim.runFor('5s');
    await expect(expect(sim).toNotice(device, { by: 'server', within: '15s' })).rejects.toThrow(
      'no fault has cut dev-1 yet',
    );
  });

  it('fails, with `.not` as without, where there was no connection that could have been missed', async () => {
    const { sim, device } = await pulled();
    await sim.runFor('1m');
    device.power.cut();
    expect(await failure(expect(sim).toNotice(device, { by: 'server', within: '15s' }))).toEqual([
      'power-loss on dev-1 at 70s, dev-1: there was no connection then, or the server had given it up before: there was nothing to notice',
      '',
      '     39.3 s  dev-1     could not connect to server:39002: EAI_FAIL',
      '     47.0 s  dev-1     could not connect to server:39002: EAI_FAIL',
      '     58.6 s  dev-1     could not connect to server:39002: EAI_FAIL',
      '     63.9 s  dev-1     could not connect to server:39002: EAI_FAIL',
      '>    70.0 s  dev-1     FAULT power-loss on dev-1 at 70s',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toNotice.*fails, with ..not. as without, where there was no connection that could have been missed"',
    ]);
    expect(await firstLineOf(expect(sim).not.toNotice(device, { by: 'server', within: '15s' }))).toMatch(
      /^power-loss on dev-1 at 70s, dev-1: there was no connection then/,
    );
    expect(sim.nowMs).toBe(70_000);
  });

  it('says when the run was stopped before', async () => {
    const { sim, device } = await pulled();
    sim.at('12s', () => sim.engine.stop());
    await expect(expect(sim).not.toNotice(device, { by: 'server', within: '11s' })).rejects.toThrow(
      'the run was stopped at 12.0 s, before what was expected by 21.0 s could be seen',
    );
  });
});

describe('toRecover', () => {
  it('lets time pass until service is back, and counts from the heal', async () => {
    const { sim, device } = await world();
    sim.schedule('cable-pull on dev-1 at 11s for 30s');
    await sim.runFor('1s');
    await expect(sim).not.toRecover(device, { within: '500ms' });
    expect(sim.nowMs).toBe(41_500);
    await expect(sim).toRecover(device, { within: '20s' });
    const [verdict] = sim.testbed.witness.judge.verdicts();
    const backMs = Math.round((verdict?.backAfterMs ?? NaN) * 1000) / 1000;
    expect(sim.nowMs).toBe(41_000 + backMs);
    await expect(sim).not.toRecover(device, { within: backMs - 0.001 });
    await expect(sim).toRecover(device, { within: backMs });
  });

  it('says that service is not back, or was not in time, or was', async () => {
    const { sim, device } = await world();
    sim.schedule('cable-pull on dev-1 at 11s for 30s');
    await sim.runFor('1s');
    expect(await failure(expect(sim).toRecover(device, { within: '500ms' }))).toEqual([
      'cable-pull on dev-1 at 11s for 30s, dev-1: service is not back 0.500 s after the heal; expected: that it is back within 0.5s',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    11.0 s  dev-1     FAULT cable-pull on dev-1 at 11s for 30s',
      '     11.0 s  dev-1     carrier down',
      '     15.0 s  dev-1     1 beat unanswered',
      '     18.0 s  dev-1     2 beats unanswered',
      '     21.0 s  dev-1     3 beats unanswered',
      '     21.5 s  server    client 1 (10.0.0.2:58599) offline after 21.5 s: ETIMEDOUT (last heard 12.5 s ago)',
      '     24.0 s  dev-1     4 beats unanswered',
      '     27.0 s  dev-1     5 beats unanswered',
      '     27.0 s  dev-1     lost server:39002 after 27.0 s: missed-beats',
      '     32.4 s  dev-1     could not connect to server:39002: EAI_FAIL',
      '     39.3 s  dev-1     could not connect to server:39002: EAI_FAIL',
      '     41.0 s  dev-1     healed cable-pull on dev-1 at 11s for 30s',
      '     41.0 s  dev-1     carrier up',
      '     41.5 s  deadline  0.5s after the heal',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toRecover.*says that service is not back, or was not in time, or was"',
    ]);
    await sim.runFor('30s');
    expect(await firstLineOf(expect(sim).toRecover(device, { within: '500ms' }))).toBe(
      'cable-pull on dev-1 at 11s for 30s, dev-1: service was back 0.997 s after the heal; expected: that it is back within 0.5s',
    );
    expect(await firstLineOf(expect(sim).not.toRecover(device, { within: '20s' }))).toBe(
      'cable-pull on dev-1 at 11s for 30s, dev-1: service was back 0.997 s after the heal; expected: that it is not back within 20s',
    );
  });

  it('waits for all the faults that touch the device', async () => {
    const { sim, device } = await world();
    sim.schedule('power-loss on dev-1 at 11s for 1m\ncable-pull on dev-1 at 12s for 1s');
    await sim.runFor('2s');
    await expect(sim).toRecover(device, { within: '10s' });
    expect(sim.nowMs).toBe(71_000);
  });

  it('waits for a watchdog, too, of which no plan speaks', async () => {
    const { sim, device } = await world({ device: { firmware: heartbeatFirmware({ watchdogMs: 8000 }) } });
    device.hang();
    expect(await firstLineOf(expect(sim).toRecover(device, { within: '5s' }))).toMatch(
      /^hang on dev-1 at 10s, dev-1: not healed by 15.000 s: /,
    );
    await expect(sim).toRecover(device, { within: '12s' });
  });

  it('fails, with `.not` as without, where nothing was healed, or there had been no service', async () => {
    const { sim, device } = await pulled();
    expect(await failure(expect(sim).toRecover(device, { within: '5s' }))).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: not healed by 15.000 s: plug the cable in (device.cable.plug()), or say in the plan how long the fault lasts (for 30s)',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '     10.0 s  dev-1     carrier down',
      '     15.0 s  dev-1     1 beat unanswered',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toRecover.*fails, with ..not. as without, where nothing was healed, or there had been no service"',
    ]);
    expect(await firstLineOf(expect(sim).not.toRecover(device, { within: '5s' }))).toMatch(/not healed by 20.000 s/);
    // The matcher does not wait for the fault of another device.
    const other = sim.addDevice({ firmware: () => {} });
    sim.schedule('cable-pull on dev-2 at 20s for 1h');
    await sim.runFor(0);
    expect(await firstLineOf(expect(sim).toRecover(device, { within: '5s' }))).toMatch(/not healed by 25.000 s/);
    other.cable.plug();
    for (const assertion of [
      expect(sim).toRecover(other, { within: '5s' }),
      expect(sim).not.toRecover(other, { within: '5s' }),
    ]) {
      expect(await firstLineOf(assertion)).toBe(
        'cable-pull on dev-2 at 20s for 1h, dev-2: the device had never been connected by then: there was no service that could come back',
      );
    }
  });
});

describe('toMeet', () => {
  it('holds all faults so far against an expectation, and lets no time pass', async () => {
    const { sim } = await pulled();
    await sim.runFor('20s');
    await expect(sim).toMeet('server notices within 12s');
    await expect(sim).not.toMeet('server notices within 11s');
    await expect(sim).toMeet('device notices within 18s');
    expect(sim.nowMs).toBe(30_000);
  });

  it('says which were not as expected, the worst first, and what happened around that one', async () => {
    const { sim } = await world();
    for (let i = 0; i < 6; i++) sim.addDevice({ firmware: heartbeatFirmware() });
    await sim.runFor('1s');
    sim.schedule('cable-pull on dev-* at 12s');
    await sim.runFor('20s');
    expect(await failure(expect(sim).toMeet('server notices within 5s'))).toEqual([
      'cable-pull on dev-* at 12s, dev-1: the server noticed after 18.0 s by silent (limit: 5s)',
      'cable-pull on dev-* at 12s, dev-2: the server noticed after 10.5 s by ETIMEDOUT (limit: 5s)',
      'cable-pull on dev-* at 12s, dev-3: the server noticed after 10.5 s by ETIMEDOUT (limit: 5s)',
      'cable-pull on dev-* at 12s, dev-4: the server noticed after 10.5 s by ETIMEDOUT (limit: 5s)',
      'cable-pull on dev-* at 12s, dev-5: the server noticed after 10.5 s by ETIMEDOUT (limit: 5s)',
      'and 2 more',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    12.0 s  dev-1     FAULT cable-pull on dev-* at 12s',
      '     12.0 s  dev-1     carrier down',
      '     15.0 s  dev-1     1 beat unanswered',
      '     17.0 s  deadline  5s after the fault',
      '     18.0 s  dev-1     2 beats unanswered',
      '     21.0 s  dev-1     3 beats unanswered',
      '     24.0 s  dev-1     4 beats unanswered',
      '     27.0 s  dev-1     5 beats unanswered',
      '     27.0 s  dev-1     lost server:39002 after 27.0 s: missed-beats',
      '     30.0 s  server    client 1 (10.0.0.2:58599) offline after 30.0 s: silent for 18.0 s',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toMeet.*says which were not as expected, the worst first, and what happened around that one"',
    ]);
  });

  it('says with `.not` that all were', async () => {
    const { sim } = await pulled();
    await sim.runFor('20s');
    expect(await failure(expect(sim).not.toMeet('server notices within 12s'))).toEqual([
      'all faults were as expected; expected: not that server notices within 12s',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toMeet.*says with ..not. that all were"',
    ]);
  });

  it('fails, with `.not` as without, where nothing was put to the test', async () => {
    const { sim } = await world();
    expect(await failure(expect(sim).toMeet('server notices within 12s'))).toEqual([
      'server notices within 12s: no fault has come by 10.000 s: toMeet lets no time pass, so let it pass before, as in ' +
        "await sim.runFor('2m')",
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "toMeet.*fails, with ..not. as without, where nothing was put to the test"',
    ]);
    expect(await firstLineOf(expect(sim).not.toMeet('server notices within 12s'))).toBe(
      'server notices within 12s: no fault has come by 10.000 s: toMeet lets no time pass, so let it pass before, as in ' +
        "await sim.runFor('2m')",
    );
  });
});

describe('the time line', () => {
  it('knows the device behind a NAT box', async () => {
    const { sim } = await world();
    const nat = sim.addNat();
    const behind = sim.addDevice({ firmware: heartbeatFirmware(), nat });
    await sim.runFor('10s');
    behind.cable.pull();
    await sim.runFor('20s');
    const lines = await failure(expect(sim).toNotice(behind, { by: 'server', within: '5s' }));
    expect(lines.filter((line) => / server {4}/.test(line))).toEqual([
      '     10.0 s  server    client 2 (10.0.0.3:1024) online',
      '     31.4 s  server    client 2 (10.0.0.3:1024) offline after 21.4 s: ETIMEDOUT (last heard 12.4 s ago)',
    ]);
  });

  it('knows which of two it was, behind one NAT box', async () => {
    const sim = new Simulation();
    sim.addServer(referenceServer());
    const nat = sim.addNat();
    for (let i = 0; i < 2; i++) sim.addDevice({ firmware: heartbeatFirmware(), nat });
    await sim.runFor('10s');
    sim.schedule('cable-pull on * at 11s');
    await sim.runFor('30s');
    await expect(sim).toNotice('dev-1', { by: 'server', within: '20s' });
    const lines = await failure(expect(sim).toNotice('dev-1', { by: 'server', within: '5s' }));
    expect(lines.filter((line) => / server {4}/.test(line))).toEqual([
      '      0.0 s  server    client 1 (10.0.0.2:1024) online',
      '     27.0 s  server    client 1 (10.0.0.2:1024) offline after 27.0 s: silent for 18.0 s',
    ]);
  });

  it('marks, of two faults of one instant, the one that it is about, and leaves out those of servers that the device has nothing to do with', async () => {
    const { sim, device } = await world();
    sim.addServer(referenceServer(), { name: 'spare' });
    sim.schedule('hang on spare at 11s\npower-loss on dev-1 at 11s\ncable-pull on dev-1 at 11s');
    await sim.runFor('1s');
    const lines = await failure(expect(sim).toNotice(device, { by: 'server', within: '1s' }));
    expect(lines.filter((line) => line.includes('FAULT'))).toEqual([
      '     11.0 s  dev-1     FAULT power-loss on dev-1 at 11s',
      '>    11.0 s  dev-1     FAULT cable-pull on dev-1 at 11s',
    ]);
  });

  it('leaves out what is far from the fault, the deadline and the end', async () => {
    const { sim, device } = await world({
      device: { firmware: heartbeatFirmware({ beatIntervalMs: 1000, missedLimit: 100 }) },
    });
    device.cable.pull();
    await sim.runFor('1m');
    expect(await failure(expect(sim).toNotice(device, { by: 'device', within: '30s' }))).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: the device has not noticed in 60.000 s; expected: that the device notices within 30s',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '     10.0 s  dev-1     carrier down',
      '     12.0 s  dev-1     1 beat unanswered',
      '     13.0 s  dev-1     2 beats unanswered',
      '     14.0 s  dev-1     3 beats unanswered',
      '     15.0 s  dev-1     4 beats unanswered',
      '     16.0 s  dev-1     5 beats unanswered',
      '     17.0 s  dev-1     6 beats unanswered',
      '     18.0 s  dev-1     7 beats unanswered',
      '        ...',
      '     38.0 s  dev-1     27 beats unanswered',
      '     39.0 s  dev-1     28 beats unanswered',
      '     40.0 s  dev-1     29 beats unanswered',
      '     40.0 s  deadline  30s after the fault',
      '     41.0 s  dev-1     30 beats unanswered',
      '     42.0 s  dev-1     31 beats unanswered',
      '     43.0 s  dev-1     32 beats unanswered',
      '        ...',
      '     62.0 s  dev-1     51 beats unanswered',
      '     63.0 s  dev-1     52 beats unanswered',
      '     64.0 s  dev-1     53 beats unanswered',
      '     65.0 s  dev-1     54 beats unanswered',
      '     66.0 s  dev-1     55 beats unanswered',
      '     67.0 s  dev-1     56 beats unanswered',
      '     68.0 s  dev-1     57 beats unanswered',
      '     69.0 s  dev-1     58 beats unanswered',
      '     70.0 s  dev-1     59 beats unanswered',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "the time line.*leaves out what is far from the fault, the deadline and the end"',
    ]);
  });

  it('describes a fault whose event is so old that it is not kept any more', async () => {
    const { sim, device } = await pulled();
    await sim.runFor('2d');
    const lines = await failure(expect(sim).toNotice(device, { by: 'device', within: '1s' }));
    expect(lines.slice(0, 6)).toEqual([
      'cable-pull on dev-1 at 10s, dev-1: the device noticed after 17.000 s (missed-beats); expected: that the device notices within 1s',
      '',
      '>    10.0 s  dev-1     FAULT cable-pull on dev-1 at 10s',
      '        ...',
      '     11.0 s  deadline  1s after the fault',
      '  28424.0 s  dev-1     could not connect to server:39002: EAI_FAIL',
    ]);
  });

  it('marks when a box on the way forgot the connection, of which no plan tells the time', async () => {
    const sim = new Simulation();
    sim.addServer(referenceServer({ liveness: { policy: 'none' } }));
    const device = sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 60_000 }) });
    sim.schedule('nat-timeout 20s on dev-1 at 0s');
    await sim.runFor('30s');
    expect(await failure(expect(sim).toNotice(device, { by: 'server', within: '5m' }))).toEqual([
      'nat-timeout 20s on dev-1 at 0s, dev-1: the server has not noticed in 300.000 s; expected: that the server notices within 5m',
      '',
      '      0.0 s  dev-1     boot 1 (power-on)',
      '      0.0 s  dev-1     FAULT nat-timeout 20s on dev-1 at 0s',
      '      0.0 s  dev-1     connected to server:39002 from port 58599',
      '      0.0 s  server    client 1 (10.0.0.2:58599) online',
      '>    20.2 s  dev-1     has forgotten 10.0.0.2:58599 to 10.0.0.1:39002, idle for 20s',
      '    120.0 s  dev-1     1 beat unanswered',
      '    180.0 s  dev-1     2 beats unanswered',
      '    240.0 s  dev-1     3 beats unanswered',
      '    300.0 s  dev-1     4 beats unanswered',
      '    320.2 s  deadline  5m after the fault',
      '',
      'to repeat: seed 1; npx vitest run test/sim/vitest/matchers.test.ts -t "the time line.*marks when a box on the way forgot the connection, of which no plan tells the time"',
    ]);
  });
});

describe('the line that repeats it', () => {
  it('has the command of the world, where there is one', async () => {
    const { sim, device } = await world({ sim: { seed: 7, repeat: 'npm run nightly -- --seed 7' } });
    device.cable.pull();
    expect((await failure(expect(sim).toNotice(device, { by: 'server', within: '1s' }))).at(-1)).toBe(
      'to repeat: seed 7; npm run nightly -- --seed 7; npx vitest run test/sim/vitest/matchers.test.ts -t "the line that repeats it.*has the command of the world, where there is one"',
    );
  });

  it('has a name that means (itself) > "$this", as a pattern', async () => {
    const { sim, device } = await pulled();
    const line = (await failure(expect(sim).toNotice(device, { by: 'server', within: '1s' }))).at(-1) ?? '';
    expect(line).toContain('-t "the line that repeats it.*has a name that means .itself..*..this., as a pattern"');
    const [, pattern = ''] = / -t "(.*)"$/.exec(line) ?? [];
    // The pattern is matched against the names of the suites and the test, with a blank between, as vitest does.
    expect('the line that repeats it has a name that means (itself) > "$this", as a pattern').toMatch(
      new RegExp(pattern),
    );
  });
});

describe('senseless arguments are refused in words', () => {
  const right = { by: 'server', within: '15s' } as const;

  it.each([
    [undefined, 'not of undefined'],
    ['sim', "not of 'sim'"],
    [{}, 'not of an object'],
    [new Map(), 'not of a Map'],
  ])('no world: %s', async (received, end) => {
    for (const [matcher, assertion] of Object.entries({
      toNotice: expect(received).toNotice('dev-1', right),
      toRecover: expect(received).toRecover('dev-1', right),
      toMeet: expect(received).toMeet('server notices within 1s'),
    })) {
      expect(await firstLineOf(assertion)).toBe(
        `${matcher} is asked of a world, a Simulation or a Bench, as in expect(sim).${matcher}(...), ${end}`,
      );
    }
  });

  it('no device', async () => {
    const { sim, server } = await pulled();
    const { device: other } = await pulled();
    expect(await ask(sim, 'toNotice', 'dev-2', right)).toBe("no device is called 'dev-2'; there is dev-1");
    expect(await ask(sim, 'toNotice', undefined, right)).toBe(
      'toNotice is about a device, as addDevice gives it, or its name, not about undefined',
    );
    expect(await ask(sim, 'toNotice', server, right)).toBe(
      'toNotice is about a device, as addDevice gives it, or its name, not about a ServerHost',
    );
    expect(await ask(sim, 'toNotice', server.board, right)).toBe(
      'server is no device of this world: it is one of another world, or the board of a server',
    );
    expect(await ask(sim, 'toNotice', other, right)).toBe(
      'dev-1 is no device of this world: it is one of another world, or the board of a server',
    );
    sim.addDevice({ firmware: heartbeatFirmware() });
    expect(await ask(sim, 'toNotice', 'server', right)).toBe("no device is called 'server'; there are dev-1 to dev-2");
    await expect(expect(new Simulation()).toNotice('dev-1', right)).rejects.toThrow(
      "no device is called 'dev-1'; there is none yet",
    );
  });

  it('no fault', async () => {
    const { sim, device } = await world();
    const sentence =
      'no fault has cut dev-1 yet: pull its cable (device.cable.pull()), or schedule a plan and let time pass';
    for (const assertion of [
      expect(sim).toNotice(device, right),
      expect(sim).not.toNotice(device, right),
      expect(sim).toRecover(device, right),
    ]) {
      expect(await firstLineOf(assertion)).toBe(sentence);
    }
  });

  it.each([
    [undefined, "there must be options, as in toNotice(device, { by: 'server', within: '15s' }), not undefined"],
    ['15s', "there must be options, as in toNotice(device, { by: 'server', within: '15s' }), not '15s'"],
    [{ within: '15s' }, "by must be 'server' or 'device', not undefined"],
    [{ by: 'srever', within: '15s' }, "by must be 'server' or 'device', not 'srever'"],
    [{ by: 'server' }, 'within must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not undefined'],
    [{ by: 'server', within: '15' }, "within must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not '15'"],
    [{ by: 'server', within: -1 }, 'within must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not -1'],
    [{ by: 'server', within: Infinity }, 'within must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not Infinity'],
    [{ by: 'server', within: '99999d' }, "within must be a duration of at most 13031d (35 years), not '99999d'"],
  ])('options of toNotice: %j', async (options, sentence) => {
    const { sim, device } = await pulled();
    expect(await ask(sim, 'toNotice', device, options)).toBe(sentence);
    expect(sim.nowMs).toBe(10_000);
  });

  it('options of toRecover', async () => {
    const { sim, device } = await pulled();
    expect(await ask(sim, 'toRecover', device, null)).toBe(
      "there must be options, as in toRecover(device, { within: '10s' }), not null",
    );
    expect(await ask(sim, 'toRecover', device, { within: 'soon' })).toBe(
      "within must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not 'soon'",
    );
  });

  it('an expectation that is none', async () => {
    const { sim } = await pulled();
    expect(await firstLineOf(expect(sim).toMeet('server sees within 15s'))).toMatch(
      /^'server sees within 15s' is no expectation: it must be such as 'server notices within 15s', /,
    );
    expect(await ask(sim, 'toMeet', 15)).toBe("toMeet takes a text such as 'server notices within 15s', not 15");
  });

  it('a world that keeps nothing to judge by', async () => {
    const { sim, device } = await world({ sim: { witness: false } });
    device.cable.pull();
    await expect(expect(sim).toNotice(device, right)).rejects.toThrow(
      'this world keeps nothing of what happens (witness: false): there is nothing to judge by',
    );
  });
});

it('gives after how long, and by what', async () => {
  const { sim, device } = await pulled();
  expect(await expect(sim).toNotice(device, { by: 'server', within: '15s' })).toEqual({
    afterMs: expect.closeTo(12_000, -3.5),
    by: 'ETIMEDOUT',
  });
  device.cable.plug();
  expect(await expect(sim).toRecover(device, { within: '20s' })).toBeLessThan(20_000);
});

it('toMeet right after schedule says that time must pass first', async () => {
  const { sim } = await world();
  sim.schedule('cable-pull on dev-1 at 20s for 5s');
  expect(await firstLineOf(expect(sim).toMeet('server notices within 15s'))).toBe(
    'server notices within 15s: no fault has come by 10.000 s: toMeet lets no time pass, so let it pass before, as in ' +
      "await sim.runFor('2m')",
  );
});

it('has the failure of a server to listen in the time line, however long ago it was', async () => {
  const sim = new Simulation({ seed: 1 });
  const local = { address: '0.0.0.0', port: 39_002 };
  sim.addServer(referenceServer([{ local }, { local }]));
  const device = sim.addDevice({ firmware: heartbeatFirmware() });
  await sim.runFor('1h');
  device.cable.pull();
  const lines = await failure(expect(sim).toNotice(device, { by: 'server', within: '1ms' }));
  expect(lines.join('\n')).toMatch(/ 0\.0 s {2}server {4}.*EADDRINUSE/);
});

it('connected waits for the device, in virtual time', async () => {
  const sim = new Simulation({ seed: 1 });
  const server = sim.addServer(referenceServer());
  const device = sim.addDevice({ firmware: heartbeatFirmware(), power: false });
  sim.at('3s', () => device.power.restore());
  await sim.connected(device);
  expect(sim.nowMs).toBeGreaterThanOrEqual(3000);
  expect(sim.nowMs).toBeLessThan(3100);
  server.board.power.cut();
  await sim.until(() => !sim.testbed.isConnected(device), '5m');
  await expect(sim.connected(device, '10s')).rejects.toThrow(/^dev-1 is not connected; last: .*dev-1 /);
});
