/** A UDP beat is its text, with or without a number, and nothing else is one. */

import { describe, expect, it } from 'vitest';
import { decodeUdpBeat, encodeUdpBeat } from '../../../../firmware/protocols/udp-heartbeat/text.ts';
import { Seeded } from '../../../support/seeded.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const decoded = (text: string): number | undefined | 'none' => decodeUdpBeat(bytes(text), bytes(text).length);

describe('a beat', () => {
  it.each([
    [undefined, 'heartbeat'], [0, 'heartbeat 0'], [17, 'heartbeat 17'], [0xffff_ffff, 'heartbeat 4294967295'],
  ])('%s is %j', (number, text) => {
    expect(new TextDecoder().decode(encodeUdpBeat(number))).toBe(text);
    expect(decoded(text)).toBe(number);
    // People who send a beat by hand add a newline.
    expect([decoded(`${text}\n`), decoded(`${text}\r\n`)]).toEqual([number, number]);
  });

  it.each([
    '', 'heart', 'Heartbeat', 'heartbeat ', 'heartbeat  1', 'heartbeat -1', 'heartbeat 1.5',
    'heartbeat 4294967296', 'heartbeat 12345678901', ' heartbeat',
    'heartbeat\nheartbeat', 'heartbeat 1 ', 'heartbeat\0',
    `heartbeat ${'1'.repeat(1000)}`,
  ])('%j is no beat', (text) => {
    expect(decoded(text)).toBe('none');
  });
});

it('a million datagrams of noise, near the text and far from it, are beats only where they read as one', () => {
  const random = new Seeded(1);
  const beat = /^heartbeat( \d{1,10})?\r?\n?$/;
  const seed = [...bytes('heartbeat 4294967295')];
  let beats = 0;
  for (let round = 0; round < 1_000_000; round++) {
    const datagram = Uint8Array.from(seed);
    for (let i = random.below(3); i > 0; i--) datagram[random.below(datagram.length)] = random.below(256);
    const count = random.below(datagram.length + 1);
    const found = decodeUdpBeat(datagram, count);
    const text = String.fromCharCode(...datagram.subarray(0, count));
    const isBeat = beat.test(text) && Number(text.slice(9)) <= 0xffff_ffff;
    if ((found !== 'none') !== isBeat) expect.fail(`${JSON.stringify(text)} gives ${String(found)}`);
    if (isBeat) beats++;
  }
  expect(beats).toBeGreaterThan(10_000);
});
