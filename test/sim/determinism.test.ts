/**
 * The same seed and the same calls give the same events, to the byte: in one process and in another, alone and among
 * others.
 */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { PROFILES } from '../../sim/tcpip/profiles/index.ts';
import { Program } from '../support/process.ts';
import { record } from './recorded-run.ts';

const DEVICES = 6;

it('the same seed gives the same capture and the same trace, and another seed others', async () => {
  const first = await record(7, DEVICES);
  expect(first.frames).toBeGreaterThan(1000);
  expect(await record(7, DEVICES)).toEqual(first);
  const other = await record(8, DEVICES);
  expect(other.capture).not.toBe(first.capture);
  expect(other.trace).not.toBe(first.trace);
});

it('in another process too', async () => {
  const here = await record(7, DEVICES);
  // Another run comes first. It must leave no traces.
  await record(9, 2);
  const script = fileURLToPath(new URL('recorded-run.ts', import.meta.url));
  const program = new Program(process.execPath, ['--import', 'tsx', script, '7', String(DEVICES)]);
  const { stdout, stderr } = await program.ended();
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe(`${here.capture} ${here.trace} ${here.frames}`);
});

it('one more device changes nothing for the others', async () => {
  // The server does not have Linux's timer wheel here, because the wheel belongs to the whole server: its slots make
  // one device a few ms late because of another.
  const few = await record(7, DEVICES, 'freertos-tcp');
  const more = await record(7, DEVICES + 1, 'freertos-tcp');
  for (let i = 1; i <= DEVICES; i++) {
    expect(more.devices.get(`dev-${i}`), `dev-${i}`).toBe(few.devices.get(`dev-${i}`));
  }
  // No device is like another. The first ports show it, because lwIP's first sequence numbers are all the same. Only
  // the W5500 begins with the same port everywhere.
  const first = [...more.firstPorts.values()].filter((port) => port !== PROFILES.w5500.ephemeralPorts.first);
  expect(new Set(first).size).toBe(first.length);
  expect(first.length).toBeGreaterThan(DEVICES / 2);
});
