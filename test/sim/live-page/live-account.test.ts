/** A live page is told what the fleet is like, and after that what has changed, and no more. */

import { describe, expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer, Simulation } from '../../../sim/index.ts';
import { LiveAccount, LiveReader } from '../../../sim/live-page/live-account.ts';
import { readRequest } from '../../../sim/live-page/wire.ts';

const PACE = { speed: 1, isPaused: false };

function world(): { sim: Simulation; account: LiveAccount; reader: () => LiveReader } {
  const account = new LiveAccount();
  const sim = new Simulation({ seed: 1, onTrace: (event) => account.add(event) });
  sim.addServer(referenceServer());
  for (const name of ['dev-1', 'dev-2']) sim.addDevice({ name, firmware: heartbeatFirmware() });
  return { sim, account, reader: () => new LiveReader(account, sim.testbed) };
}

describe('a live page', () => {
  it('begins with every host, and then hears only of those that have changed', async () => {
    const { sim, reader } = world();
    await sim.runFor('5s');
    const page = reader();
    const hello = page.hello('a run', PACE, 0);
    expect(hello.hosts).toEqual(['dev-1', 'dev-2', 'server']);
    expect(hello.deviceCount).toBe(2);
    expect(hello.update.hosts).toEqual([
      [0, 'connected', 'online', []],
      [1, 'connected', 'online', []],
      [2, 'running', '-', []],
    ]);
    expect(page.update(PACE, 10).hosts).toEqual([]);
    sim.schedule('power-loss on dev-2 at 6s for 30s');
    await sim.runFor('2s');
    expect(page.update(PACE, 20).hosts).toEqual([[1, 'off', 'ghost', ['power-loss']]]);
  });

  it('shows a ghost until the server drops the device, not longer', async () => {
    const { sim, reader } = world();
    const page = reader();
    sim.schedule('cable-pull on dev-1 at 10s');
    await sim.runFor('20s');
    expect(page.update(PACE, 0).hosts[0]).toEqual([0, 'connected', 'ghost', ['cable-pull']]);
    await sim.runFor('20s');
    expect(page.update(PACE, 0).hosts[0]).toEqual([0, 'connecting', 'offline', ['cable-pull']]);
  });

  it('says of who has not noticed that it may still happen, and what nobody does', async () => {
    const { sim, account } = world();
    sim.schedule('cable-pull on dev-1 at 10s');
    await sim.runFor('20s');
    const summary = account.summary(20_000);
    expect(summary).toContain('<b class="bad">1 not yet</b>');
    expect(summary).not.toContain('by the end');
    expect(summary).toContain('none</div><div class="rest">in any second</div>');
  });

  it('gets each line of the log once, also the page that is opened late', async () => {
    const { sim, reader } = world();
    const early = reader();
    await sim.runFor('5s');
    const first = early.update(PACE, 0).log;
    expect(first.length).toBeGreaterThan(3);
    expect(early.update(PACE, 0).log).toEqual([]);
    expect(reader().hello('a run', PACE, 0).update.log).toEqual(first);
  });

  it('gets the summary again only when the summary has changed, and at most once a second', async () => {
    const { sim, reader } = world();
    const page = reader();
    await sim.runFor('5s');
    expect(page.update(PACE, 0).summary).toContain('The server noticed');
    expect(page.update(PACE, 2000).summary).toBeUndefined();
    sim.schedule('power-loss on dev-2 at 6s');
    await sim.runFor('5s');
    expect(page.update(PACE, 2999).summary).toBeUndefined();
    expect(page.update(PACE, 3000).summary).toContain('1 not yet');
  });

  it('keeps the rows of devices in their order, while some are in trouble', async () => {
    const { sim, account } = world();
    sim.schedule('power-loss on dev-2 at 6s');
    await sim.runFor('15s');
    expect(account.timeLines(sim.nowMs).devices.map(([name]) => name)).toEqual(['dev-1', 'dev-2']);
  });
});

describe('a request of a page', () => {
  it.each([
    [
      { act: 'begin', kind: 'latency', argument: '9ms', hosts: ['dev-1'] },
      { act: 'begin', kind: 'latency', argument: '9ms', hosts: ['dev-1'] },
    ],
    [{ act: 'heal', kind: 'loss', hosts: ['dev-1'] }, { act: 'heal', kind: 'loss', hosts: ['dev-1'] }],
    [{ act: 'pace', speed: 10, isPaused: true }, { act: 'pace', speed: 10, isPaused: true }],
    [{ act: 'end' }, { act: 'end' }],
  ])('is read: %j', (given, read) => {
    expect(readRequest(given)).toEqual(read);
  });

  it.each([
    [null, /an object with 'act'/],
    [[], /an object with 'act'/],
    [{ act: 'explode' }, /there is no act "explode"/],
    [{ act: 'begin', kind: 'toString', hosts: ['dev-1'] }, /no kind of fault "toString"/],
    [{ act: 'begin', kind: 'hang', hosts: [] }, /at least one name/],
    [{ act: 'begin', kind: 'hang', hosts: [1] }, /at least one name/],
    [{ act: 'begin', kind: 'loss', argument: '10% on server at 0s', hosts: ['dev-1'] }, /'argument' must be a word/],
    [{ act: 'pace', speed: 0, isPaused: false }, /'speed' must be a number from 0.01 to 100000/],
    [{ act: 'pace', speed: 1 }, /'isPaused' must be true or false/],
  ])('is refused with a sentence: %j', (given, sentence) => {
    expect(readRequest(given)).toMatch(sentence);
  });
});
