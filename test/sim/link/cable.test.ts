/** Cables: what they take, what they keep in order, and what being pulled out does. */

import { beforeEach, describe, expect, it } from 'vitest';
import { bothWays, type Line, makeLine, PERFECT } from '../../../sim/link/line.ts';
import { Cable } from '../../../sim/link/cable.ts';
import { Host, packet, type World, world } from './rig.ts';

let w: World;
let board: Host;
let far: Host;

beforeEach(() => {
  w = world();
  board = new Host(w.engine);
  far = new Host(w.engine);
});

const cable = (tx: Partial<Line>, rx: Partial<Line> = tx) =>
  new Cable(w.fabric, 'dev-1', board, far, { tx: makeLine(tx), rx: makeLine(rx) });

/** Calls `run` with 0 to `count` - 1. */
const times = (count: number, run: (i: number) => void) => {
  for (let i = 0; i < count; i++) run(i);
};

describe('delay', () => {
  it('is taken by each direction as it is set', () => {
    const link = cable({ delayUs: 20_000 }, { delayUs: 5000 });
    link.send(packet(1));
    link.receive(packet(2));
    w.run(4999);
    expect(board.arrivals).toEqual([]);
    w.run(1);
    expect(board.arrivals).toEqual([[5000, 2]]);
    w.run(14_999);
    expect(far.arrivals).toEqual([]);
    w.run(1);
    expect(far.arrivals).toEqual([[20_000, 1]]);
  });

  it('keeps packets that are sent at one time in their order', () => {
    const link = cable({ delayUs: 10 });
    times(5, (i) => link.send(packet(i)));
    w.run(10);
    expect(far.arrivals).toEqual([[10, 0], [10, 1], [10, 2], [10, 3], [10, 4]]);
  });

  it('of 0 still parts what a host sends from what it receives: no host is entered while it sends', () => {
    const link = new Cable(w.fabric, 'dev-1', board, { receive: (arrived) => echo.receive(arrived) });
    const echo = new Cable(w.fabric, 'dev-2', far, link);
    let isSending = false;
    let rounds = 0;
    far.onPacket = (arrived) => {
      expect(isSending).toBe(false);
      if (++rounds === 10_000) return;
      isSending = true;
      echo.send(arrived);
      isSending = false;
    };
    board.onPacket = (arrived) => {
      expect(isSending).toBe(false);
      isSending = true;
      link.send(arrived);
      isSending = false;
    };
    link.send(packet(1));
    expect(far.arrivals).toEqual([]);
    w.run(0);
    expect(rounds).toBe(10_000);
  });

  it('takes one event on a way of two cables only one of which takes time', () => {
    const near = cable({ delayUs: 100 });
    const server = new Cable(w.fabric, 'server', far, near);
    const out = new Cable(w.fabric, 'dev-2', board, server, bothWays(makeLine({ delayUs: 100 })));
    out.send(packet(1));
    expect(w.engine.runSome(1000, 1)).toBe('more');
    expect(far.arrivals).toEqual([[100, 1]]);
    server.send(packet(2));
    w.engine.runSome(1000, 1);
    expect(board.arrivals).toEqual([[200, 2]]);
  });
});

describe('jitter', () => {
  it('is spread evenly from nothing to its bound, where packets are far apart', () => {
    const link = cable({ delayUs: 1000, jitterUs: 99 });
    const counts = new Array<number>(100).fill(0);
    times(10_000, () => {
      const sentUs = w.engine.nowUs;
      link.send(packet(0));
      w.run(2000);
      const extraUs = (far.arrivals.at(-1)?.[0] ?? 0) - sentUs - 1000;
      counts[extraUs] = (counts[extraUs] ?? 0) + 1;
    });
    expect(counts).toHaveLength(100);
    // Five standard deviations of 100 expected.
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(50);
  });

  it('lets no packet overtake another', () => {
    const link = cable({ delayUs: 1000, jitterUs: 10_000 });
    times(1000, (i) => {
      link.send(packet(i));
      w.run(100);
    });
    w.run(20_000);
    expect(far.numbers).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    const delays = far.arrivals.map(([atUs, i]) => atUs - i * 100);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(11_000);
    expect(new Set(delays).size).toBeGreaterThan(20);
  });

  it('is the same for the same seed and name, and another for another', () => {
    const arrivals = (seed: number, name: string) => {
      const other = world(seed);
      const host = new Host(other.engine);
      const link = new Cable(other.fabric, name, host, host, bothWays(makeLine({ jitterUs: 1_000_000 })));
      times(5, () => {
        link.send(packet(0));
        other.run(1_000_000);
      });
      return host.arrivals;
    };
    expect(arrivals(1, 'a')).toEqual(arrivals(1, 'a'));
    expect(arrivals(1, 'a')).not.toEqual(arrivals(2, 'a'));
    expect(arrivals(1, 'a')).not.toEqual(arrivals(1, 'b'));
  });
});

describe('bandwidth', () => {
  it('spaces packets by the time each takes on the line', () => {
    // 82 + 40 + 18 bytes are 1120 bits.
    const link = cable({ delayUs: 500, bandwidthBps: 1_000_000 });
    times(3, (i) => link.send(packet(i, 82)));
    w.run(10_000);
    expect(far.arrivals).toEqual([[1620, 0], [2740, 1], [3860, 2]]);
    link.send(packet(3, 82));
    w.run(10_000);
    expect(far.arrivals.at(-1)).toEqual([11_620, 3]);
  });

  it('is exact in the long run, though a packet takes no whole number of microseconds', () => {
    // 58 bytes at 10 Mbit/s are 46.4 us.
    const link = cable({ bandwidthBps: 10_000_000 });
    times(1000, (i) => link.send(packet(i)));
    w.run(1_000_000);
    expect(far.arrivals[0]).toEqual([47, 0]);
    expect(far.arrivals.at(-1)).toEqual([46_400, 999]);
  });

  it('is of each direction', () => {
    const link = cable({ bandwidthBps: 1_000_000 });
    link.send(packet(1, 82));
    link.receive(packet(2, 82));
    w.run(1120);
    expect([...far.arrivals, ...board.arrivals]).toEqual([[1120, 1], [1120, 2]]);
  });

  it('lets as many bytes wait as its queue holds, and drops what is more', () => {
    const link = cable({ bandwidthBps: 1_000_000, queueBytes: 420 });
    times(4, (i) => link.send(packet(i, 82)));
    expect(w.dropped).toEqual([[0, 3, 'queue-full', 'dev-1']]);
    // One packet takes 1120 us. A byte of it, 8 us, is left on the line: there is no room for another yet.
    w.run(1112);
    link.send(packet(4, 82));
    expect(w.fabric.drops['queue-full']).toBe(2);
    w.run(8);
    link.send(packet(5, 82));
    expect(w.fabric.drops['queue-full']).toBe(2);
    w.run(100_000);
    expect(far.arrivals).toEqual([[1120, 0], [2240, 1], [3360, 2], [4480, 5]]);
  });

  it('takes a packet that is larger than the queue when the line is free', () => {
    const link = cable({ bandwidthBps: 1_000_000, queueBytes: 0 });
    link.send(packet(1, 82));
    link.send(packet(2, 82));
    w.run(1120);
    link.send(packet(3, 82));
    w.run(1120);
    expect(far.arrivals).toEqual([[1120, 1], [2240, 3]]);
  });
});

describe('a cable that is pulled', () => {
  it('tells the board at once, and the far end nothing', () => {
    const link = cable({ delayUs: 100 });
    w.run(10);
    link.pull();
    link.pull();
    w.run(10);
    link.plug();
    link.plug();
    expect(board.carrier).toEqual([[10, false], [20, true]]);
    expect(far.carrier).toEqual([]);
    expect(link.isUp).toBe(true);
  });

  it('lets what is on the way die when it would have arrived, in both directions', () => {
    const link = cable({ delayUs: 100 });
    link.send(packet(1));
    link.receive(packet(2));
    w.run(99);
    link.pull();
    expect(w.dropped).toEqual([]);
    w.run(1);
    expect(w.dropped).toEqual([[100, 1, 'no-carrier', 'dev-1'], [100, 2, 'no-carrier', 'dev-1']]);
    w.run(1000);
    expect([...far.arrivals, ...board.arrivals]).toEqual([]);
  });

  it('does not touch what has arrived', () => {
    const link = cable({ delayUs: 100 });
    link.send(packet(1));
    w.run(100);
    link.pull();
    expect(far.numbers).toEqual([1]);
  });

  it('kills what was on the way though it is back in before it would have arrived', () => {
    const link = cable({ delayUs: 100, bandwidthBps: 1_000_000 });
    times(10, () => link.send(packet(1, 82)));
    w.run(50);
    link.pull();
    w.run(1);
    link.plug();
    link.send(packet(2, 82));
    w.run(20_000);
    // The queue was emptied too: 2 does not wait for the ghosts of the others.
    expect(far.arrivals).toEqual([[51 + 1120 + 100, 2]]);
    expect(w.fabric.drops['no-carrier']).toBe(10);
  });

  it('takes nothing while it is out', () => {
    const link = cable({ delayUs: 100 });
    link.pull();
    link.send(packet(1));
    link.receive(packet(2));
    expect(w.dropped).toEqual([[0, 1, 'no-carrier', 'dev-1'], [0, 2, 'no-carrier', 'dev-1']]);
    link.plug();
    w.run(1000);
    expect([...far.arrivals, ...board.arrivals]).toEqual([]);
  });

  it('uses packets again that died on the way, as good as new', () => {
    const link = cable({ delayUs: 100 });
    link.send(packet(1));
    link.pull();
    w.run(100);
    link.plug();
    const again = w.fabric.pool.take();
    again.seq = 2;
    link.send(again);
    w.run(100);
    expect(far.arrivals).toEqual([[200, 2]]);
  });
});

describe('loss', () => {
  it('is as much as it is set to, and of each direction', () => {
    const link = cable({ loss: 0.01 }, {});
    times(100_000, () => {
      link.send(packet(0));
      link.receive(packet(0));
    });
    w.run(0);
    expect(board.arrivals).toHaveLength(100_000);
    // Five standard deviations of 31.5.
    expect(Math.abs(w.fabric.drops.loss - 1000)).toBeLessThan(158);
  });

  it('of 1 is of all, and of 0 of none', () => {
    const link = cable({ loss: 1 }, { loss: 0 });
    times(1000, () => {
      link.send(packet(0));
      link.receive(packet(0));
    });
    w.run(0);
    expect([far.arrivals.length, board.arrivals.length]).toEqual([0, 1000]);
  });
});

it('tells an observer what becomes of each packet', () => {
  const link = cable({ delayUs: 10 });
  link.send(packet(1));
  w.run(5);
  link.receive(packet(2));
  w.run(5);
  link.pull();
  w.run(5);
  link.send(packet(3));
  expect(w.told).toEqual([
    '0 sent 1 dev-1 tx',
    '5 sent 2 dev-1 rx',
    '10 delivered 1 dev-1 tx',
    '15 dropped 2 no-carrier dev-1 rx',
    '15 dropped 3 no-carrier dev-1 tx',
  ]);
});

it('has no event pending and no packet of its own when nothing is on the way', () => {
  const link = cable({ delayUs: 10, jitterUs: 5, bandwidthBps: 1e6 });
  times(100, (i) => link.send(packet(i)));
  w.run(1_000_000);
  expect(far.numbers).toHaveLength(100);
  expect(w.engine.runSome(Number.MAX_SAFE_INTEGER, 1)).toBe('reached');
});

it('refuses lines that make no sense', () => {
  expect(() => makeLine({ delayUs: -1 })).toThrow(RangeError);
  expect(() => makeLine({ jitterUs: 0.5 })).toThrow(RangeError);
  expect(() => makeLine({ bandwidthBps: 0 })).toThrow(RangeError);
  expect(() => makeLine({ bandwidthBps: Number.NaN })).toThrow(RangeError);
  expect(() => makeLine({ queueBytes: -1 })).toThrow(RangeError);
  expect(() => makeLine({ loss: 1.01 })).toThrow(RangeError);
  expect(makeLine({})).toEqual(PERFECT);
});
