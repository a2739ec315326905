/** A Node that is too old gets a sentence, not a SyntaxError. */

import { expect, it } from 'vitest';
import { tooOld } from '../../../sim/command/node-version.ts';
import { readText } from '../../support/files.ts';

const fileOf = (path: string): string => readText(new URL(`../../../${path}`, import.meta.url).pathname);

it.each(['20.19.0', '20.20.1', '22.0.0', '24.11.1'])('runs on Node %s', (version) => {
  expect(tooOld(version)).toBeUndefined();
});

it.each(['12.22.12', '18.20.8', '20.18.3'])('says what Node %s lacks', (version) => {
  expect(tooOld(version)).toBe(`this is Node ${version}; cablepull needs 20.19 or later (https://nodejs.org)`);
});

it('needs the same version as package.json', () => {
  expect(JSON.parse(fileOf('package.json'))).toMatchObject({ engines: { node: '>=20.19' } });
});

it('is checked before a module is loaded that an old Node does not have', () => {
  const imports = Array.from(fileOf('sim/cli.ts').matchAll(/^import .* from '(.*)';$/gm), ([, from]) => from);
  expect(imports).toEqual(['node:process', './command/node-version.ts']);
  expect(fileOf('sim/command/node-version.ts')).not.toMatch(/^import /m);
});
