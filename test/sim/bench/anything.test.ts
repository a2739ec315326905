/**
 * Rules that must hold while anything happens in any order. Each seed is a run of its own; a failing one is
 * named, and repeats by itself.
 */

import { expect, it } from 'vitest';
import { Seeded } from '../../support/seeded.ts';
import { Probe, Rig, SERVER, pattern, type FarEnd } from './rig.ts';

const SEEDS = 150;
const STEPS = 120;

/** A device's socket, and what was said over it in either direction. */
interface Talk {
  readonly probe: Probe;
  readonly boot: number;
  said: number;
  readonly heard: number[];
}

class Run {
  readonly rig: Rig;
  readonly random: Seeded;
  readonly talks: Talk[] = [];
  readonly pushed = new Map<FarEnd, number>();
  readonly log: string[] = [];

  constructor(seed: number) {
    this.random = new Seeded(seed);
    this.rig = new Rig({ bufferBytes: 8192, seed });
  }

  /** One thing that happens. */
  step(): void {
    const { rig, random } = this;
    const what = random.pick(WHAT);
    this.log.push(`${rig.world.now} ${what}`);
    this.do(what);
    rig.world.advance(random.pick([0, 0, 0.5, 1, 2, 10, 1000, 70_000]));
  }

  do(what: (typeof WHAT)[number]): void {
    const { rig } = this;
    const { board } = rig;
    switch (what) {
      case 'pull': return board.cable.pull();
      case 'plug': return board.cable.plug();
      case 'cut': return board.power.cut();
      case 'restore': return board.power.restore();
      case 'hang': return board.hang();
      case 'unhang': return board.unhang();
      case 'crash': return board.crash();
      case 'restart crashed': return board.restartCrashed();
      case 'reset': return rig.resetConnections();
      case 'firmware restarts':
        if (board.state === 'running') rig.hal.system.restart('software');
        return;
      case 'far': return this.far();
      case 'firmware': return this.firmware();
    }
  }

  /** Does one random thing in the firmware, if the board runs. */
  firmware(): void {
    const { rig, random } = this;
    if (rig.board.state !== 'running') return;
    const ownTalks = this.talks.filter(({ boot }) => boot === rig.boots.length);
    if (ownTalks.length === 0 || random.chance(4)) {
      const talk: Talk = { probe: rig.stream(), boot: rig.boots.length, said: 0, heard: [] };
      if (random.chance(2)) talk.probe.onReadable = () => this.read(talk);
      this.talks.push(talk);
      talk.probe.socket.connect(random.chance(8) ? { ...SERVER, port: 1 } : SERVER);
      return;
    }
    const talk = random.pick(ownTalks);
    const { socket } = talk.probe;
    switch (random.below(9)) {
      case 0: case 1: case 2: case 3: {
        const taken = socket.write(pattern(random.pick([1, 100, 3000, 9000]), talk.said));
        if (taken > 0) talk.said += taken;
        return;
      }
      case 4: case 5: return this.read(talk);
      case 6: return void socket.shutdown();
      case 7: return void (random.chance(2) ? talk.probe.close() : talk.probe.abort());
      case 8: return void socket.setKeepAlive({ idle: random.pick([1, 30]), interval: 1, count: 2 });
    }
  }

  read(talk: Talk): void {
    talk.heard.push(...talk.probe.readAll()[0]);
  }

  far(): void {
    const { rig, random } = this;
    rig.serverReads = !random.chance(5);
    if (rig.accepted.length === 0) return;
    const far = random.pick(rig.accepted);
    switch (random.below(8)) {
      case 0: case 1: case 2: case 3: {
        const before = this.pushed.get(far) ?? 0;
        const taken = far.socket.write(pattern(random.pick([1, 100, 5000]), before));
        if (taken > 0) this.pushed.set(far, before + taken);
        return;
      }
      case 4: case 5: return far.read();
      case 6: return far.socket.close();
      case 7: return void (random.chance(2) ? far.socket.abort() : far.socket.shutdown());
    }
  }
}

const WHAT = [
  'pull',
  'plug',
  'plug',
  'cut',
  'restore',
  'restore',
  'hang',
  'unhang',
  'unhang',
  'crash',
  'restart crashed',
  'reset',
  'firmware restarts',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'firmware',
  'far',
  'far',
  'far',
  'far',
  'far',
] as const;

/** Whether the bytes are the beginning of the pattern. */
function isPattern(bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => byte === i % 251);
}

it(`${SEEDS} runs: silence, order, no event where none may be, no socket left`, () => {
  let said = 0;
  let heard = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = new Run(seed);
    const { rig } = run;
    for (let i = 0; i < STEPS; i++) {
      const isOver = rig.board.state !== 'running' && rig.board.state !== 'hung';
      const dead = run.talks
        .filter(({ boot }) => isOver || boot < rig.boots.length)
        .map(({ probe }) => ({ probe, told: probe.events.length }));
      run.step();
      for (const { probe, told } of dead) expect(probe.events.length, `seed ${seed}: a dead boot was told`).toBe(told);
    }
    const context = `seed ${seed}\n${run.log.join('\n')}`;
    expect(rig.leaks, context).toEqual([]);
    expect(run.talks.flatMap(({ probe }) => probe.violations), context).toEqual([]);
    for (const far of rig.accepted) {
      expect(isPattern(far.received), context).toBe(true);
      heard += far.received.length;
    }
    for (const talk of run.talks) {
      expect(isPattern(talk.heard), context).toBe(true);
      said += talk.heard.length;
    }
    expect(rig.stop(), context).toBe(0);
    rig.world.advance(10_000_000);
    expect(rig.openSockets, context).toBe(0);
  }
  // The runs were not idle.
  expect(said).toBeGreaterThan(SEEDS * 300);
  expect(heard).toBeGreaterThan(SEEDS * 300);
});

it('after any run that leaves the connection whole, everything arrives', () => {
  let whole = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = new Run(seed);
    const { rig, random } = run;
    const [probe, far] = rig.connect();
    const talk: Talk = { probe, boot: 1, said: 0, heard: [] };
    run.talks.push(talk);
    for (let i = 0; i < 40; i++) {
      run.do(random.pick(['pull', 'plug', 'hang', 'unhang']));
      rig.serverReads = random.chance(2);
      if (rig.board.state === 'running') {
        const taken = probe.socket.write(pattern(random.pick([1, 100, 9000]), talk.said));
        if (taken > 0) talk.said += taken;
        if (random.chance(2)) run.read(talk);
      }
      const before = run.pushed.get(far) ?? 0;
      run.pushed.set(far, before + Math.max(far.socket.write(pattern(random.pick([1, 5000]), before)), 0));
      rig.world.advance(random.pick([0, 1, 100]));
    }
    rig.board.unhang();
    rig.board.cable.plug();
    rig.serverReads = true;
    for (let i = 0; i < 10; i++) {
      far.read();
      run.read(talk);
      rig.world.advance(10);
    }
    const context = `seed ${seed}`;
    expect(rig.leaks, context).toEqual([]);
    expect([far.received.length, talk.heard.length], context).toEqual([talk.said, run.pushed.get(far)]);
    expect(isPattern(far.received) && isPattern(talk.heard), context).toBe(true);
    // A socket that had no room to write was told `writable` later.
    expect(probe.toldAt('writable'), context).toBeGreaterThan(2);
    if (talk.said > 20_000) whole++;
    expect(rig.stop(), context).toBe(0);
  }
  expect(whole).toBeGreaterThan(SEEDS / 4);
});
