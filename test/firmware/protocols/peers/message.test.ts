/** Messages between peers, byte by byte, and bytes that are no message. */

import { expect, it } from 'vitest';
import {
  decodePeersMessage, encodePeersMessage, MESSAGE_BYTES_MAX, NAME_MAX, PEERS_MAX, type PeersMessage,
} from '../../../../firmware/protocols/peers/message.ts';
import { Seeded } from '../../../support/seeded.ts';

const dev3 = { id: 0x01020304, name: 'dev-3', address: '10.0.0.4', port: 0x1234 };

const EXAMPLES: readonly (readonly [PeersMessage, readonly number[]])[] = [
  [{ type: 'ping', stamp: 0xfffefdfc }, [1, 0xff, 0xfe, 0xfd, 0xfc]],
  [{ type: 'pong', stamp: 7 }, [2, 0, 0, 0, 7]],
  [{ type: 'report', name: 'ab', failed: [] }, [3, 2, 0x61, 0x62, 0]],
  [{ type: 'report', name: 'ab', failed: [1, 258] }, [3, 2, 0x61, 0x62, 2, 0, 0, 0, 1, 0, 0, 1, 2]],
  [{ type: 'peers', peers: [] }, [4, 0]],
  [
    { type: 'peers', peers: [dev3] },
    [
      4, 1, 1, 2, 3, 4, 5, 0x64, 0x65, 0x76, 0x2d, 0x33,
      8, 0x31, 0x30, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x34, 0x12, 0x34,
    ],
  ],
];

it.each(EXAMPLES)('%j', (message, bytes) => {
  expect([...encodePeersMessage(message)]).toEqual(bytes);
  expect(decodePeersMessage(Uint8Array.from(bytes), bytes.length)).toEqual(message);
  // Half of it is nothing, and neither is more than all of it.
  for (let count = 0; count < bytes.length; count++) {
    expect(decodePeersMessage(Uint8Array.from(bytes), count)).toBeUndefined();
  }
  expect(decodePeersMessage(Uint8Array.from([...bytes, 0]), bytes.length + 1)).toBeUndefined();
});

it('the longest message fits', () => {
  const longest = { ...dev3, name: 'n'.repeat(NAME_MAX), address: 'a'.repeat(64) };
  const bytes = encodePeersMessage({ type: 'peers', peers: Array.from({ length: PEERS_MAX }, () => longest) });
  expect(bytes.length).toBe(MESSAGE_BYTES_MAX);
  expect(decodePeersMessage(bytes, bytes.length)).toMatchObject({ peers: { length: PEERS_MAX } });
});

it('a name is cut, and its unprintable characters become question marks', () => {
  const bytes = encodePeersMessage({ type: 'report', name: `\u001b[2J\u00fc ${'x'.repeat(99)}`, failed: [] });
  const message = decodePeersMessage(bytes, bytes.length);
  expect(message).toMatchObject({ type: 'report', name: `?[2J??${'x'.repeat(NAME_MAX - 6)}` });
});

it('a million datagrams of noise, near to messages and far from them, give a message that says the same, or none', () => {
  const random = new Seeded(1);
  const seeds = EXAMPLES.map(([message]) => encodePeersMessage(message));
  let messages = 0;
  for (let round = 0; round < 1_000_000; round++) {
    const datagram = Uint8Array.from(seeds[random.below(seeds.length)] ?? []);
    for (let i = random.below(3); i > 0; i--) datagram[random.below(datagram.length)] = random.below(256);
    const count = random.below(4) > 0 ? datagram.length : random.below(datagram.length + 1);
    const message = decodePeersMessage(datagram, count);
    if (message === undefined) continue;
    messages++;
    const again = encodePeersMessage(message);
    if (again.length !== count || again.some((byte, i) => byte !== datagram[i])) expect.fail(JSON.stringify(message));
  }
  expect(messages).toBeGreaterThan(100_000);
});
