/** The Ethernet heartbeat's frame, byte by byte; and what a device does whose port sends none. */

import { expect, it } from 'vitest';
import { frameCheckSequence, heartbeatFrame } from '../../../../firmware/protocols/ethernet-heartbeat/frame.ts';
import { rig, servers } from '../../rig.ts';

const source = { mac: [2, 0, 10, 0, 0, 2], ip: [10, 0, 0, 2], port: 0x1234 };
const destination = { mac: [255, 255, 255, 255, 255, 255], ip: [10, 0, 0, 1], port: 39_002 };

it('the CRC is that of IEEE 802.3: its check value', () => {
  expect(frameCheckSequence(new TextEncoder().encode('123456789'))).toBe(0xcbf4_3926);
});

it('has 118 bytes, each in its place', () => {
  const frame = heartbeatFrame(source, destination, 0x0102);
  expect(frame.length).toBe(118);
  expect([...frame.subarray(0, 50)]).toEqual([
    0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5,
    255, 255, 255, 255, 255, 255, 2, 0, 10, 0, 0, 2, 0x08, 0x00,
    0x45, 0, 0, 92, 0x01, 0x02, 0, 0, 64, 17, 0x65, 0x8d, 10, 0, 0, 2, 10, 0, 0, 1,
    0x12, 0x34, 0x98, 0x5a, 0, 72, 0x40, 0xcd,
  ]);
  expect(frame.subarray(50, 114).every((byte) => byte === 0)).toBe(true);
  // A receiver runs its CRC over the check sequence, too, and gets this number for every frame.
  expect(frameCheckSequence(frame.subarray(8))).toBe(0x2144_df1c);
});

it('on a port without raw frames it says so, and tries again', () => {
  const { world, start } = rig({ protocol: 'ethernet-heartbeat', servers });
  const device = start();
  world.advance(60_000);
  expect(device.all('beat-sent')).toEqual([]);
  expect(device.all('connect-failed').length).toBeGreaterThan(1);
  expect(device.all('connect-failed').every(({ errno }) => errno === 'EOPNOTSUPP')).toBe(true);
});
