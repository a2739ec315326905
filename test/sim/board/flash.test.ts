/** The flash: whenever the power fails, nothing that was committed is lost or half there; and it does not grow. */

import { describe, expect, it } from 'vitest';
import { failure } from '../../../hal/errno.ts';
import type { Random } from '../../../hal/random.ts';
import type { Storage } from '../../../hal/storage.ts';
import { type BoardClock, boardClock } from '../../../sim/board/board-clock.ts';
import { Board, type BoardContext } from '../../../sim/board/board.ts';
import { ClockedBoot } from '../../../sim/board/boot.ts';
import { crc32 } from '../../../sim/crc32.ts';
import { Flash, PAGE_BYTES, type PowerFailure } from '../../../sim/board/flash.ts';
import { load, store } from '../../../sim/board/flash-log.ts';
import { forkRandom } from '../../../sim/random.ts';
import { Loopback } from '../../support/loopback.ts';
import { clocksOf } from '../bench/rig.ts';

/** A board that is off, and runs `use` on its storage at every boot. */
function board(use: { firmware: (storage: Storage) => void }, seed = 1): Board {
  const world = new Loopback();
  const { network } = world.host('10.0.0.1').hal;
  const nic = {
    powerOn: () => network, powerOff() {}, setCarrier() {}, closeAll() {}, resetAll() {}, setLost() {},
    hasLost: () => false, changeAddress() {},
  };
  const newBoot: BoardContext['newBoot'] = (board, reason) => new ClockedBoot(board, reason);
  const newClock = (): BoardClock => boardClock(clocksOf(world)());
  return new Board({ seed, newBoot, newClock, onEvent() {} }, 'dev-1', nic, (hal) => use.firmware(hal.storage));
}

type Step =
  | { readonly kind: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'commit' };

const KEYS = ['boots', 'a', 'config.wifi-name', 'z'];

/** Most values are short, as they are in life; some take several pages. */
function randomSteps(random: Random, count: number): Step[] {
  const below = (limit: number): number => random.uint32() % limit;
  return Array.from({ length: count }, (): Step => {
    const key = KEYS[below(KEYS.length)] ?? '';
    const roll = below(10);
    if (roll < 4) return { kind: 'commit' };
    if (roll < 5) return { kind: 'delete', key };
    const value = new Uint8Array(roll < 6 ? below(300) : below(6)).map(() => (below(4) === 0 ? 0xff : below(256)));
    return { kind: 'set', key, value };
  });
}

/** The durable contents, as text that can be compared. */
type Contents = string;

const contents = (values: Iterable<readonly [string, Uint8Array]>): Contents =>
  [...values]
    .map(([key, value]) => `${key}=${value.join()}`)
    .sort()
    .join(' ');

function read(storage: Storage): Contents {
  return contents(KEYS.flatMap((key) => {
    const value = storage.get(key);
    return value === undefined ? [] : [[key, value] as const];
  }));
}

/**
 * Boots, takes the steps with a power failure at a write, boots again. Gives what may be there then, what is, and
 * whether it got through.
 */
function interrupted(
  made: Board,
  use: { firmware: (storage: Storage) => void },
  steps: readonly Step[],
  atWrite: number,
) {
  let allowed: Contents[] = [];
  let found: Contents | undefined;
  use.firmware = (storage) => {
    const model = new Map<string, Uint8Array>();
    for (const key of KEYS) {
      const value = storage.get(key);
      if (value !== undefined) model.set(key, value);
    }
    allowed = [contents(model)];
    for (const step of steps) {
      switch (step.kind) {
        case 'set':
          storage.set(step.key, step.value);
          model.set(step.key, step.value);
          break;
        case 'delete':
          storage.delete(step.key);
          model.delete(step.key);
          break;
        case 'commit': {
          const wasOn = made.state === 'running';
          const result = storage.commit();
          expect(result).toBe(made.state === 'running' ? 0 : failure('EIO'));
          // Cut in this commit: before or after. Committed: this and nothing else.
          if (made.state === 'running') allowed = [contents(model)];
          else if (wasOn) allowed.push(contents(model));
          break;
        }
      }
    }
  };
  made.power.cutAtWrite(atWrite);
  made.power.restore();
  const through = made.state === 'running';
  made.power.cutAtWrite(undefined);
  made.power.cut();
  use.firmware = (storage) => {
    found = read(storage);
  };
  made.power.restore();
  made.power.cut();
  return { allowed, found, through };
}

describe('the power fails at write 1, 2, 3, ...', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`seed ${seed}: what is there is what the last completed commit left, or the one it fell into, whole`, () => {
      const steps = randomSteps(forkRandom(seed, 'steps'), 24);
      let cutsAfterwards = 0;
      for (let atWrite = 1, through = false; !through; atWrite++) {
        const use = { firmware: (_: Storage): void => {} };
        const made = board(use, seed);
        const first = interrupted(made, use, steps, atWrite);
        expect(first.allowed, `at write ${atWrite}`).toContain(first.found);
        through = first.through;
        // The next boots write to the flash that the power failure left, and lose power again.
        const random = forkRandom(seed, `after ${atWrite}`);
        for (let again = 0; again < 4; again++) {
          const next = interrupted(made, use, randomSteps(random, 8), 1 + (random.uint32() % 40));
          expect(next.allowed, `at write ${atWrite}, then again (${again})`).toContain(next.found);
          if (!next.through) cutsAfterwards++;
        }
      }
      expect(cutsAfterwards).toBeGreaterThan(10);
    });
  }

  it('a counter that is committed at every boot, cut at every write of every boot, never goes back and never skips', () => {
    let count = 0;
    const use = {
      firmware: (storage: Storage): void => {
        count = storage.get('boots')?.[0] ?? 0;
        storage.set('boots', Uint8Array.of(count + 1));
        storage.commit();
      },
    };
    const made = board(use);
    let before = 0;
    for (let i = 0; i < 240; i++) {
      made.power.cutAtWrite(1 + (i % 15));
      made.power.restore();
      expect([before, before + 1]).toContain(count);
      before = count;
      made.power.cut();
    }
    expect(before).toBeGreaterThan(100);
  });

  it('a cut in the middle of a commit switches the board off there and then, and a call-off calls it off', () => {
    const results: number[] = [];
    const use = {
      firmware: (storage: Storage): void => {
        storage.set('a', Uint8Array.of(1));
        results.push(storage.commit());
      },
    };
    const made = board(use);
    made.power.cutAtWrite(3);
    made.power.restore();
    expect(made.state).toBe('off');
    made.power.cutAtWrite(1);
    made.power.cutAtWrite(undefined);
    made.power.restore();
    expect(made.state).toBe('running');
    expect(results).toEqual([failure('EIO'), 0]);
  });
});

describe('room', () => {
  const counter = (count: number) => new Map([['boots', Uint8Array.of(count, count >> 8, 0, 0)]]);

  it('commits without end stay on one page, and erase it once in five', () => {
    const flash = new Flash();
    for (let i = 0; i < 1000; i++) {
      flash.failure = { writes: 1_000_000, random: forkRandom(1, 'never'), happen() {} };
      expect(store(flash, counter(i))).toBe('done');
      // A record of 24 bytes is 6 words; the fifth time there is no room for one more on the page.
      expect(1_000_000 - flash.failure.writes).toBe(i > 0 && i % 5 === 0 ? 7 : 6);
      expect(flash.read('a').length + flash.read('b').length).toBe(PAGE_BYTES);
    }
    expect(load(flash)).toEqual(counter(999));
  });

  it('a commit that does not fit is refused, and neither the durable values nor those in RAM change', () => {
    const results: number[] = [];
    let found: Contents = '';
    const use = {
      firmware: (storage: Storage): void => {
        storage.set('a', Uint8Array.of(7));
        results.push(storage.commit());
        for (const key of ['b', 'c', 'd', 'e', 'f']) storage.set(key, new Uint8Array(4000));
        results.push(storage.commit());
        expect(storage.get('f')?.length).toBe(4000);
        made.power.cut();
      },
    };
    const made = board(use);
    made.power.restore();
    use.firmware = (storage) => {
      found = read(storage);
      for (const key of ['b', 'c', 'd', 'e']) storage.set(key, new Uint8Array(4000));
      results.push(storage.commit());
      expect(storage.get('e')?.length).toBe(4000);
    };
    made.power.restore();
    expect(results).toEqual([0, failure('ENOSPC'), 0]);
    expect(found).toBe('a=7');
  });

  it('a commit that changes nothing writes nothing', () => {
    const use = {
      firmware: (storage: Storage): void => {
        storage.commit();
        storage.get('a');
        storage.commit();
      },
    };
    const made = board(use);
    made.power.cutAtWrite(1);
    made.power.restore();
    expect(made.state).toBe('running');
  });
});

describe('the chip', () => {
  function failing(writes: number): { failure: PowerFailure; happened: () => boolean } {
    let happened = false;
    const happen = (): void => {
      happened = true;
    };
    return { failure: { writes, random: forkRandom(1, 'tear'), happen }, happened: () => happened };
  }

  it('programs zeros only, and erases to ones', () => {
    const flash = new Flash();
    expect(flash.read('a')).toHaveLength(0);
    flash.program('a', 4, Uint8Array.of(0x0f, 0xff, 0, 1));
    flash.program('a', 4, Uint8Array.of(0xf1, 0x55, 0xff, 3));
    expect([...flash.read('a').subarray(0, 9)]).toEqual([255, 255, 255, 255, 0x01, 0x55, 0, 1, 255]);
    flash.erase('a');
    expect(flash.read('a')).toHaveLength(0);
  });

  it('a torn program has done the words before, some of the zeros of one, and nothing behind', () => {
    const flash = new Flash();
    const { failure, happened } = failing(2);
    flash.failure = failure;
    expect(flash.program('a', 0, new Uint8Array(12))).toBe(false);
    expect(happened()).toBe(true);
    const bytes = flash.read('a');
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    const torn = bytes.subarray(4, 8).reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0);
    expect(torn).toBeGreaterThan(0);
    expect(torn).toBeLessThan(32);
    expect([...bytes.subarray(8, 12)]).toEqual([255, 255, 255, 255]);
  });

  it('a torn erase has done the pages before, some of the bits of one, and nothing behind', () => {
    const flash = new Flash();
    flash.program('b', 0, new Uint8Array(3 * PAGE_BYTES));
    const { failure } = failing(2);
    flash.failure = failure;
    expect(flash.erase('b')).toBe(false);
    const [first, second, third] = [0, 1, 2].map(
      (page) => new Set(flash.read('b').subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)),
    );
    expect([...(first ?? [])]).toEqual([255]);
    expect(second?.size).toBeGreaterThan(10);
    expect([...(third ?? [])]).toEqual([0]);
  });

  it('refuses half words, and what is beyond its end', () => {
    const flash = new Flash();
    expect(() => flash.program('a', 2, new Uint8Array(4))).toThrow('whole words');
    expect(() => flash.program('a', 0, new Uint8Array(5))).toThrow('whole words');
    expect(() => flash.program('a', 16 * 1024, new Uint8Array(4))).toThrow('beyond the end');
  });
});

it('CRC-32 is the one that everybody has', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});
