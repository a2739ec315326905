/** The rules of the house that a compiler does not hold: who may import whom, and who may touch clocks and dice. */

import { readdirSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { filesBelow, readText } from './support/files.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Source {
  readonly path: string;
  readonly text: string;
}

const sources: readonly Source[] = filesBelow(ROOT, /^(firmware|hal|sim)\/.*\.ts$/).map((path) => ({ path, text: readText(resolve(ROOT, path)) }));

/** The folder of rooms that a file belongs to. */
function room(path: string): string {
  if (path.startsWith('hal/node/')) return 'hal/node';
  return path.split('/')[0] ?? '';
}

/** What the files of a room may import: rooms, and Node. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  firmware: ['firmware', 'hal'],
  hal: ['hal'],
  'hal/node': ['hal', 'hal/node', 'node:'],
  sim: ['sim', 'firmware', 'hal'],
};

/** Entry points wire rooms together, and stand in the world of processes and files. */
const ENTRY_POINTS = /^sim\/(cli\.ts|command\/|server-bench\/)/;

/** Matchers, for those who have vitest: whoever has it not imports nothing from here. */
const MATCHERS = /^sim\/vitest\//;

function imports({ path, text }: Source): string[] {
  return Array.from(text.matchAll(/^(?:import|export)\s[^'"]*from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm), ([, from, bare]) => {
    const target = from ?? bare ?? '';
    return target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), target)) : target;
  });
}

it('finds the sources it is about', () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.flatMap(imports).length).toBeGreaterThan(200);
});

it('keeps every room to what it may import', () => {
  const trespasses = sources.flatMap((source) => {
    const allowed = [
      ...(MAY_IMPORT[room(source.path)] ?? []),
      ...(ENTRY_POINTS.test(source.path) ? ['hal/node', 'node:'] : []),
      ...(MATCHERS.test(source.path) ? ['vitest'] : []),
    ];
    const isAllowed = (target: string): boolean => {
      if (MATCHERS.test(target) && !MATCHERS.test(source.path)) return false;
      return allowed.includes(target.startsWith('node:') ? 'node:' : room(target));
    };
    return imports(source)
      .filter((target) => !isAllowed(target))
      .map((target) => `${source.path} imports ${target}`);
  });
  expect(trespasses).toEqual([]);
});

/** Wall clocks, dice and timers are hal/node's; everybody else is handed time and randomness. */
const BANNED = /\b(Date\.now|new Date\b|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|performance\.now|process\.hrtime)\b/;

it('takes time and chance from the HAL alone', () => {
  const code = ({ text }: Source): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  expect(sources.filter((source) => room(source.path) !== 'hal/node' && BANNED.test(code(source))).map(({ path }) => path)).toEqual([]);
});

it('begins every file with what it is for', () => {
  expect(sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
});

it('gives no file more than it can hold as one idea', () => {
  expect(sources.filter(({ text }) => text.split('\n').length > 600).map(({ path }) => path)).toEqual([]);
});

/** Names that stand for two things, each with the reason why. */
const SHARED_NAMES: ReadonlyMap<string, string> = new Map([
  ['READABLE', 'as POSIX poll has it, of a socket for tasks and of a TCP control block'],
  ['WRITABLE', 'as POSIX poll has it, of a socket for tasks and of a TCP control block'],
  ['Packet', 'as MQTT calls its messages, and as IP calls its own'],
  ['Listener', 'not looked at yet'],
  ['listen', 'as POSIX has it: the probes of the conformance suite are named after the call that they try'],
]);

/** The two ends of a protocol have its name. */
const PROTOCOLS = /^(firmware|sim\/server)\/protocols\//;

it('exports no two things of one name', () => {
  const places = new Map<string, string[]>();
  for (const { path, text } of sources) {
    const names = text.matchAll(/^export (?:abstract )?(?:async )?(?:class|function\*?|const|let|interface|type) (\w+)/gm);
    for (const [, name = ''] of names) places.set(name, [...(places.get(name) ?? []), path]);
  }
  const twice = [...places].filter(([name, [first = '', ...more]]) => {
    const isOfAProtocol = /^[A-Z]+$/.test(name) && [first, ...more].every((path) => PROTOCOLS.test(path));
    return more.length > 0 && !isOfAProtocol && !SHARED_NAMES.has(name);
  });
  expect(twice.map(([name, paths]) => `${name}: ${paths.join(', ')}`)).toEqual([]);
});

it('has no top-level folder beside its four rooms', () => {
  const kept = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const made = new Set(['node_modules', 'dist', 'coverage']);
  expect(kept.map(({ name }) => name).filter((name) => !made.has(name)).toSorted()).toEqual(['firmware', 'hal', 'sim', 'test']);
});

it('depends on nothing at run time', () => {
  const manifest: unknown = JSON.parse(readText(resolve(ROOT, 'package.json')));
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).toHaveProperty('devDependencies');
});
