/** IPv4 addresses in text and as integers. */

import { expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../sim/packet/address.ts';

it('reads and writes addresses as 32-bit integers with a sign', () => {
  for (const [text, address] of [
    ['0.0.0.0', 0],
    ['10.0.0.1', 0x0a000001],
    ['127.255.255.255', 0x7fffffff],
    ['128.0.0.0', -0x80000000],
    ['255.255.255.255', -1],
  ] as const) {
    expect(parseAddress(text)).toBe(address);
    expect(formatAddress(address)).toBe(text);
  }
});

it('takes nothing else for an address', () => {
  for (const text of [
    '',
    '10',
    '10.0.0',
    '10.0.0.0.1',
    '10.0.0.256',
    '10.0.0.-1',
    '10.0.0.1 ',
    '10.0.0.01',
    '10..0.1',
    '0x0a.0.0.1',
    '1e1.0.0.1',
    '::1',
    'localhost',
  ]) {
    expect(parseAddress(text), text).toBeUndefined();
  }
});
