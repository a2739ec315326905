/** The matrix of MQTT: the numbers of clients and brokers, found by experiment. */

import { expect, it } from 'vitest';
import { type End, matrix } from '../../../sim/matrix/matrix.ts';
import { MQTT_FAULTS, MQTT_POLICIES } from '../../../sim/matrix/mqtt.ts';
import { matrixText } from '../../../sim/matrix/text.ts';

const found = await matrix({ policies: MQTT_POLICIES, faults: MQTT_FAULTS });

function ends(fault: string, end: 'server' | 'device'): Record<string, End> {
  const row = found.rows.find((one) => one.fault === fault);
  return Object.fromEntries((row?.cells ?? []).map((cell) => [cell.policy, cell[end]]));
}

it('is as it was, to the byte', async () => {
  await expect(`${matrixText(found)}\n`).toMatchFileSnapshot('mqtt.golden.txt');
});

it('only who takes QoS 0 for a sign of life never notices that the server hangs', () => {
  const devices = ends('server hang', 'device');
  const never = Object.keys(devices).filter((policy) => devices[policy]?.kind === 'never');
  expect(never).toEqual(['qos0-is-life, hivemq']);
});

it('a device whose cable is out goes offline 35 to 51 s after it, with keep alive 30 s', () => {
  for (const [policy, end] of Object.entries(ends('cable', 'server'))) {
    // The last message came up to 10 s before. Keep alive is over 45 s after it, and brokers look up to 6 s later.
    expect(end, policy).toMatchObject({ kind: 'noticed', by: 'silent' });
    if (end.kind === 'noticed') expect(end.afterMs, policy).toBeGreaterThan(34_900);
    if (end.kind === 'noticed') expect(end.afterMs, policy).toBeLessThan(51_100);
  }
});
