/** The tables of protocols have all that there are: a folder, a file, or a name that stands alone is found. */

import { type Dirent, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DEVICE_PROTOCOLS } from '../../../firmware/index.ts';
import { PROTOCOL_NAMES, PROTOCOLS } from '../../../sim/server/protocols/index.ts';

function entries(folder: string): Dirent[] {
  return readdirSync(fileURLToPath(new URL(`../../../${folder}`, import.meta.url)), { withFileTypes: true });
}

it('every folder of firmware/protocols is in the table of devices, and every entry there has its own name', () => {
  const folders = entries('firmware/protocols').filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(DEVICE_PROTOCOLS).toSorted());
  expect(Object.values(DEVICE_PROTOCOLS).map(({ name }) => name)).toEqual(Object.keys(DEVICE_PROTOCOLS));
});

it("every file and folder of sim/server/protocols is in the server's table, with the device's side of its own", () => {
  const names = entries('sim/server/protocols').map(({ name }) => name.replace(/\.ts$/, ''));
  const protocols = names.filter((name) => name !== 'index' && name !== 'protocol');
  expect(protocols.toSorted()).toEqual([...PROTOCOL_NAMES].toSorted());
  for (const name of PROTOCOL_NAMES) expect(PROTOCOLS[name].device).toBe(DEVICE_PROTOCOLS[name]);
});

it("every protocol's options have their help, and flags that are on are told as off", () => {
  for (const name of PROTOCOL_NAMES) {
    const { summary, options = {} } = PROTOCOLS[name].words;
    expect(summary).toMatch(/^\S.*[^.]$/);
    for (const [word, { help }] of Object.entries(options)) expect([word, help.trim()]).not.toEqual([word, '']);
  }
});
