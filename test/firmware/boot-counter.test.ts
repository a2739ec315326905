/** The boot counter counts on over everything that can happen to storage. */

import { describe, expect, it } from 'vitest';
import { countBoot } from '../../firmware/boot-counter.ts';
import { failure } from '../../hal/errno.ts';
import type { Storage } from '../../hal/storage.ts';
import { Loopback } from '../support/loopback.ts';

function device() {
  return new Loopback().host('10.0.0.1');
}

describe('the boot counter', () => {
  it('starts with 1 and counts on over resets and power cuts', () => {
    const host = device();
    const boots: number[] = [];
    for (let i = 0; i < 300; i++) {
      const { boots: count, committed } = countBoot(host.hal.storage);
      expect(committed).toBe(true);
      boots.push(count);
      host.boot(i % 2 === 0 ? 'power-on' : 'software');
    }
    expect(boots).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });

  it('is stored as 32 bits, little-endian, under `boots`', () => {
    const { storage } = device().hal;
    storage.set('boots', Uint8Array.of(0xff, 0xff, 0, 0));
    expect(countBoot(storage).boots).toBe(65_536);
    expect(storage.get('boots')).toEqual(Uint8Array.of(0, 0, 1, 0));
  });

  it('wraps around after 2^32 - 1', () => {
    const { storage } = device().hal;
    storage.set('boots', Uint8Array.of(0xfe, 0xff, 0xff, 0xff));
    expect(countBoot(storage).boots).toBe(2 ** 32 - 1);
    expect(countBoot(storage).boots).toBe(0);
  });

  it.each([[[]], [[1]], [[1, 2, 3]], [[1, 2, 3, 4, 5]]])('starts at 1 if something else is stored: %j', (stored) => {
    const { storage } = device().hal;
    storage.set('boots', Uint8Array.from(stored));
    expect(countBoot(storage).boots).toBe(1);
    expect(countBoot(storage).boots).toBe(2);
  });

  it('reports that it could not be stored, and counts that boot a second time', () => {
    const host = device();
    expect(countBoot(host.hal.storage).boots).toBe(1);
    host.boot();
    const full: Storage = { ...host.hal.storage, commit: () => failure('ENOSPC') };
    expect(countBoot(full)).toEqual({ boots: 2, committed: false });
    host.boot();
    expect(countBoot(host.hal.storage)).toEqual({ boots: 2, committed: true });
  });
});
