/** Rules on a cable: what each does to packets, and that its undo takes exactly it away. */

import { beforeEach, describe, expect, it } from 'vitest';
import { bothWays, type Line, makeLine } from '../../../sim/link/line.ts';
import { Cable } from '../../../sim/link/cable.ts';
import { bandwidth } from '../../../sim/link/rules/bandwidth.ts';
import { blackhole } from '../../../sim/link/rules/blackhole.ts';
import { burstLoss } from '../../../sim/link/rules/burst-loss.ts';
import { corrupt } from '../../../sim/link/rules/corrupt.ts';
import { duplicate } from '../../../sim/link/rules/duplicate.ts';
import { jitter } from '../../../sim/link/rules/jitter.ts';
import { latency } from '../../../sim/link/rules/latency.ts';
import { loss } from '../../../sim/link/rules/loss.ts';
import { reorder } from '../../../sim/link/rules/reorder.ts';
import { ICMP, type Packet, UDP } from '../../../sim/packet/packet.ts';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { Host, packet, type World, world } from './rig.ts';

let w: World;
let board: Host;
let far: Host;

beforeEach(() => {
  w = world();
  board = new Host(w.engine);
  far = new Host(w.engine);
});

const cable = (line: Partial<Line> = {}) => new Cable(w.fabric, 'dev-1', board, far, bothWays(makeLine(line)));

/** Sends packets 0, 1, 2, ... at this distance, and waits until all have arrived that are not lost. */
function send(link: Cable, count: number, everyUs = 0, make: (i: number) => Packet = packet): void {
  for (let i = 0; i < count; i++) {
    link.send(make(i));
    w.run(everyUs);
  }
  w.run(10_000_000);
}

/** The lengths of the runs of packets that did not arrive. */
function gaps(count: number): number[] {
  const lengths: number[] = [];
  let expected = 0;
  for (const number of [...far.numbers, count]) {
    if (number > expected) lengths.push(number - expected);
    expected = number + 1;
  }
  return lengths;
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

describe('loss', () => {
  it('comes on top of what the line loses anyway', () => {
    const link = cable({ loss: 0.5 });
    link.install('tx', loss(0.2));
    send(link, 100_000);
    // 0.4 arrive; five standard deviations of 155.
    expect(Math.abs(far.arrivals.length - 40_000)).toBeLessThan(775);
  });
});

describe('loss in bursts', () => {
  it('loses as much, and in bursts as long, as its parameters say', () => {
    const link = cable();
    link.install('tx', burstLoss({ goodToBad: 0.01, badToGood: 0.25, lossInGood: 0, lossInBad: 1 }));
    const count = 200_000;
    send(link, count);
    const lengths = gaps(count);
    // Bad for 0.01 / (0.01 + 0.25) of the time; bursts of 4 packets, geometrically.
    expect((count - far.arrivals.length) / count).toBeCloseTo(0.0385, 2);
    expect(Math.abs(mean(lengths) - 4)).toBeLessThan(0.25);
    const longer = lengths.filter((length) => length > 4).length / lengths.length;
    expect(Math.abs(longer - 0.75 ** 4)).toBeLessThan(0.04);
  });

  it('loses some in the good state and spares some in the bad one', () => {
    const link = cable();
    link.install('tx', burstLoss({ goodToBad: 0.1, badToGood: 0.1, lossInGood: 0.1, lossInBad: 0.5 }));
    send(link, 100_000);
    expect(w.fabric.drops.loss / 100_000).toBeCloseTo(0.3, 1);
  });

  it('has a state for each direction of each cable', () => {
    const link = cable();
    // The first packet turns it bad, for good.
    link.install('both', burstLoss({ goodToBad: 1, badToGood: 0, lossInGood: 0, lossInBad: 1 }));
    send(link, 3);
    link.receive(packet(7));
    w.run(0);
    expect([far.numbers, board.numbers]).toEqual([[0], [7]]);
  });
});

describe('duplicate', () => {
  it('makes two of a packet, which arrive one after the other and are of their own', () => {
    const link = cable({ delayUs: 10 });
    link.install('tx', duplicate(1));
    send(link, 2, 1, (i) => packet(i, 8));
    expect(far.arrivals).toEqual([[10, 0], [10, 0], [11, 1], [11, 1]]);
    const [first, second] = far.packets;
    expect(first).not.toBe(second);
    expect(first?.payload).not.toBe(second?.payload);
    expect(first?.payloadBytes).toBe(8);
  });

  it('is as frequent as it is set to', () => {
    const link = cable();
    link.install('tx', duplicate(0.1));
    send(link, 10_000);
    // Five standard deviations of 30.
    expect(Math.abs(far.arrivals.length - 11_000)).toBeLessThan(150);
  });

  it('makes a copy that arrives at no host while its sender is sending', () => {
    const link = new Cable(w.fabric, 'dev-1', board, new Cable(w.fabric, 'dev-2', far, board));
    link.install('tx', duplicate(1));
    link.send(packet(1));
    expect(far.arrivals).toEqual([]);
    w.run(0);
    expect(far.numbers).toEqual([1, 1]);
  });

  it('takes its part of the bandwidth', () => {
    const link = cable({ bandwidthBps: 1_000_000 });
    link.install('tx', duplicate(1));
    send(link, 1, 0, () => packet(1, 82));
    expect(far.arrivals).toEqual([[1120, 1], [2240, 1]]);
  });
});

describe('reorder', () => {
  it('holds packets back while others overtake them', () => {
    const link = cable({ delayUs: 100 });
    const undo = link.install('tx', reorder(1, 0.025));
    link.send(packet(0));
    undo();
    w.run(10);
    link.send(packet(1));
    w.run(14);
    link.send(packet(2));
    w.run(1);
    link.send(packet(3));
    w.run(1);
    link.send(packet(4));
    w.run(1000);
    // Packet 3 arrives at the same time, and was sent later.
    expect(far.arrivals).toEqual([[110, 1], [124, 2], [125, 0], [125, 3], [126, 4]]);
  });

  it('holds back as many as it is set to, and keeps the others in their order', () => {
    const link = cable({ delayUs: 100, jitterUs: 50 });
    link.install('tx', reorder(0.2, 1));
    send(link, 10_000, 10);
    const delays = far.arrivals.map(([atUs, number]) => [atUs - number * 10, number] as const);
    const held = delays.filter(([delayUs]) => delayUs >= 1000).map(([, number]) => number);
    const kept = delays.filter(([delayUs]) => delayUs < 1000).map(([, number]) => number);
    expect(far.arrivals).toHaveLength(10_000);
    // Five standard deviations of 40.
    expect(Math.abs(held.length - 2000)).toBeLessThan(200);
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
  });

  it('lets no held packet escape a pull', () => {
    const link = cable({ delayUs: 100 });
    link.install('tx', reorder(0.5, 1));
    for (let i = 0; i < 20; i++) link.send(packet(i));
    link.pull();
    link.plug();
    w.run(10_000);
    expect(far.arrivals).toEqual([]);
    expect(w.fabric.drops['no-carrier']).toBe(20);
  });
});

describe('corrupt', () => {
  it('flips a bit that the checksums find, so that the packet does not arrive', () => {
    const link = cable();
    link.install('tx', corrupt(1));
    send(link, 5000, 0, (i) =>
      packet(i, i % 100, { source: i, destination: -i, sourcePort: i, destinationPort: 80, window: 5 }),
    );
    expect(far.arrivals).toEqual([]);
    expect(w.fabric.drops.corrupt).toBe(5000);
  });

  it('finds it in datagrams and ICMP errors too', () => {
    const link = cable();
    link.install('tx', corrupt(1));
    send(link, 2000, 0, (i) => packet(i, 40, { protocol: UDP }));
    send(link, 2000, 0, (i) => packet(i, 0, { protocol: ICMP, code: 1, quoted: packet(i) }));
    expect(w.fabric.drops.corrupt).toBe(4000);
  });

  it('leaves the others as they are', () => {
    const link = cable();
    link.install('tx', corrupt(0.1));
    send(link, 10_000, 0, (i) => packet(i, 4, { ack: 7, window: 9 }));
    expect(Math.abs(w.fabric.drops.corrupt - 1000)).toBeLessThan(150);
    for (const { ack, window, payloadBytes } of far.packets) expect([ack, window, payloadBytes]).toEqual([7, 9, 4]);
  });
});

describe('blackhole', () => {
  it('is of one direction; the other one lives', () => {
    const link = cable();
    link.install('rx', blackhole());
    link.send(packet(1));
    link.receive(packet(2));
    w.run(0);
    expect([far.numbers, board.numbers]).toEqual([[1], []]);
    expect(w.dropped).toEqual([[0, 2, 'one-way', 'dev-1']]);
    expect(board.carrier).toEqual([]);
  });

  it('spares what was on its way when it began', () => {
    const link = cable({ delayUs: 100 });
    link.send(packet(1));
    w.run(50);
    link.install('tx', blackhole());
    w.run(50);
    expect(far.numbers).toEqual([1]);
  });
});

describe('rules that make the line another one', () => {
  it('latency adds to the delay, and packets do not overtake when it ends', () => {
    const link = cable({ delayUs: 100 });
    const undo = link.install('tx', latency(0.05));
    link.send(packet(1));
    w.run(10);
    undo();
    link.send(packet(2));
    w.run(90);
    link.send(packet(3));
    w.run(1000);
    expect(far.arrivals).toEqual([[150, 1], [150, 2], [200, 3]]);
  });

  it('jitter adds to the jitter', () => {
    const link = cable({ delayUs: 100, jitterUs: 10 });
    link.install('tx', jitter(0.02));
    send(link, 1000, 1000);
    const delays = far.arrivals.map(([atUs, number]) => atUs - number * 1000);
    expect([Math.min(...delays), Math.max(...delays)]).toEqual([100, 130]);
  });

  it('bandwidth that is back lets go at once what waited for the narrow line, in its order', async () => {
    const sim = new Simulation();
    sim.addServer(referenceServer());
    sim.addDevice({ firmware: heartbeatFirmware({ beatIntervalMs: 1000 }), link: { delay: '20ms' } });
    sim.schedule('bandwidth 8bit/s on dev-1 at 10s for 50s');
    await sim.runFor('1m');
    // 66 bytes took 66 s, so the line would have been busy for many more minutes.
    await sim.runFor('10s');
    const [verdict] = sim.testbed.witness.judge.verdicts();
    expect(verdict?.backAfterMs).toBeLessThan(5000);
  });

  it('bandwidth narrows a line, and does not widen one', () => {
    const link = cable({ bandwidthBps: 1_000_000 });
    const undoWide = link.install('tx', bandwidth(2_000_000));
    link.install('tx', bandwidth(500_000));
    undoWide();
    const undo = link.install('tx', bandwidth(4_000_000));
    send(link, 2, 0, (i) => packet(i, 82));
    undo();
    expect(far.arrivals).toEqual([[2240, 0], [4480, 1]]);
  });
});

describe('undo', () => {
  it('takes away exactly its rule, in any order, once', () => {
    const link = cable({ delayUs: 1000 });
    const delayOf = () => {
      const sentUs = w.engine.nowUs;
      link.send(packet(0));
      w.run(1_000_000);
      return (far.arrivals.at(-1)?.[0] ?? 0) - sentUs;
    };
    const ten = latency(0.01);
    const undos = [
      link.install('tx', ten),
      link.install('tx', latency(0.2)),
      link.install('tx', ten),
      link.install('tx', reorder(1, 0.004)),
    ];
    expect(delayOf()).toBe(1224);
    undos[1]?.();
    undos[1]?.();
    expect(delayOf()).toBe(1024);
    undos[0]?.();
    undos[0]?.();
    expect(delayOf()).toBe(1014);
    undos[3]?.();
    expect(delayOf()).toBe(1010);
    undos[2]?.();
    expect(delayOf()).toBe(1000);
    // A rule that is new must survive the undo of one that is gone.
    link.install('tx', latency(0.003));
    for (const undo of undos) undo();
    expect(delayOf()).toBe(1003);
  });

  it('of both directions takes it from both', () => {
    const link = cable();
    const undo = link.install('both', blackhole());
    link.send(packet(1));
    link.receive(packet(2));
    undo();
    link.send(packet(3));
    link.receive(packet(4));
    w.run(0);
    expect([far.numbers, board.numbers]).toEqual([[3], [4]]);
  });
});

it('judges by all rules, and gives back to the pool what one of them drops', () => {
  const link = cable();
  link.install('tx', duplicate(1));
  link.install('tx', blackhole());
  const sent = packet(1);
  link.send(sent);
  w.run(0);
  expect(far.arrivals).toEqual([]);
  expect(w.dropped).toHaveLength(1);
  expect(w.fabric.pool.take()).toBe(sent);
});

it('does not draw by chance for cables that have no rule: one more of them changes nothing for the others', () => {
  const lost = (others: number) => {
    const other = world(5);
    const host = new Host(other.engine);
    const links = Array.from({ length: others + 1 }, (_, i) => new Cable(other.fabric, `dev-${i}`, host, host));
    for (const link of links) link.install('tx', loss(0.5));
    for (let i = 0; i < 50; i++) for (const link of links) link.send(packet(i));
    other.run(0);
    return other.dropped.filter(([, , , at]) => at === 'dev-0').map(([, number]) => number);
  };
  expect(lost(0)).toEqual(lost(3));
});

it('refuses rules that make no sense', () => {
  expect(() => loss(2)).toThrow(RangeError);
  expect(() => latency(-1)).toThrow(RangeError);
  expect(() => jitter(Number.NaN)).toThrow(RangeError);
  expect(() => bandwidth(0)).toThrow(RangeError);
  expect(() => reorder(0.1, Infinity)).toThrow(RangeError);
  expect(() => duplicate(-0.1)).toThrow(RangeError);
  expect(() => corrupt(Number.NaN)).toThrow(RangeError);
  expect(() => burstLoss({ goodToBad: 0, badToGood: 0, lossInGood: 0, lossInBad: 7 })).toThrow(RangeError);
});
