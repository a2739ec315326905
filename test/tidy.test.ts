/** The rules of the house that a compiler does not hold: who may import whom, and who may touch clocks and dice. */

import { readdirSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { filesBelow, readText } from './support/files.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Source {
  readonly path: string;
  readonly text: string;
}

const sources: readonly Source[] = filesBelow(ROOT, /^(firmware|hal|sim)\/.*\.ts$/).map((path) => ({
  path,
  text: readText(resolve(ROOT, path)),
}));

const tests: readonly Source[] = filesBelow(ROOT, /^test\/.*\.ts$/).map((path) => ({
  path,
  text: readText(resolve(ROOT, path)),
}));

/** JavaScript beside the tests: programs that they run. */
const scripts: readonly Source[] = filesBelow(ROOT, /^test\/.*\.(js|mjs|cjs)$/).map((path) => ({
  path,
  text: readText(resolve(ROOT, path)),
}));

/** The folder of rooms that a file belongs to. */
function room(path: string): string {
  if (path.startsWith('hal/node/')) return 'hal/node';
  return path.split('/')[0] ?? '';
}

/** Rooms, and Node, that the files of a room may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  firmware: ['firmware', 'hal'],
  hal: ['hal'],
  'hal/node': ['hal', 'hal/node', 'node:'],
  sim: ['sim', 'firmware', 'hal'],
};

/** Entry points wire rooms together, and stand in the world of processes and files. */
const ENTRY_POINTS = /^sim\/(cli\.ts|command\/|server-bench\/)/;

/**
 * The one place that changes Node's internals, to give Node programs another world. Its files program.ts and world.ts,
 * which others import, do not.
 */
const NODE_HOST = /^sim\/node-host\/(?!(program|world)\.ts)/;

/** Matchers for users who have vitest. Nobody else imports them. */
const MATCHERS = /^sim\/vitest\//;

/** An import or a re-export: the names and the module; or the module alone, which is imported for its effects. */
const IMPORT = /^(?:import|export)\s([^'"]*)from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm;

/**
 * Returns the imports of a file. A module of this project is named by its path. `isTypeOnly`: the import does not exist
 * at run time.
 */
function importsOf({ path, text }: Source): { readonly target: string; readonly isTypeOnly: boolean }[] {
  return Array.from(text.matchAll(IMPORT), ([, names = '', from, bare]) => {
    const target = from ?? bare ?? '';
    const inBraces = /^\{(.*)\}\s*$/s.exec(names.trim())?.[1]?.split(',').map((name) => name.trim()) ?? ['a value'];
    return {
      target: target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), target)) : target,
      isTypeOnly: names.startsWith('type ') || inBraces.every((name) => name === '' || name.startsWith('type ')),
    };
  });
}

function imports(source: Source): string[] {
  return importsOf(source).map(({ target }) => target);
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
      ...(NODE_HOST.test(source.path) ? ['node:'] : []),
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

/**
 * For each folder of sim/, and each file beside them, the parts of sim/ that it may import, types included: only those
 * farther up in the table. A new folder needs a new line.
 */
const SIM_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'crc32.ts': [],
  'random.ts': [],
  'dice.ts': ['random.ts'],
  'text.ts': ['time'],
  board: ['crc32.ts', 'random.ts'],
  time: ['board'],
  packet: ['crc32.ts'],
  link: ['packet', 'random.ts', 'time'],
  'lan.ts': ['link', 'packet'],
  tcpip: ['board', 'link', 'packet', 'time'],
  'netstat.ts': ['packet', 'tcpip', 'text.ts'],
  faults: ['board', 'dice.ts', 'link', 'time'],
  server: ['time'],
  trace: ['board', 'faults', 'server', 'time'],
  sessions: ['faults', 'server', 'time', 'trace'],
  verdict: ['board', 'faults', 'server', 'sessions', 'text.ts', 'time', 'trace'],
  'device.ts': ['board', 'faults'],
  'testbed.ts': ['board', 'device.ts', 'faults', 'random.ts', 'server', 'sessions', 'time', 'trace', 'verdict'],
  bench: ['board', 'device.ts', 'testbed.ts', 'time', 'trace'],
  'programs.ts': ['board', 'server'],
  gateway: ['lan.ts', 'link', 'netstat.ts', 'packet', 'time'],
  'node-host': ['device.ts', 'server', 'time'],
  'host-interface.ts': ['lan.ts', 'node-host', 'packet', 'tcpip'],
  'simulation.ts': [
    'board',
    'device.ts',
    'faults',
    'gateway',
    'host-interface.ts',
    'lan.ts',
    'link',
    'netstat.ts',
    'node-host',
    'packet',
    'programs.ts',
    'server',
    'tcpip',
    'testbed.ts',
    'time',
    'trace',
    'verdict',
  ],
  'program-port.ts': ['node-host', 'simulation.ts', 'time'],
  matrix: ['board', 'faults', 'programs.ts', 'simulation.ts', 'tcpip', 'text.ts', 'time', 'trace', 'verdict'],
  swarm: [
    'board',
    'device.ts',
    'dice.ts',
    'faults',
    'link',
    'node-host',
    'packet',
    'program-port.ts',
    'programs.ts',
    'server',
    'sessions',
    'simulation.ts',
    'tcpip',
    'text.ts',
    'time',
    'trace',
    'verdict',
  ],
  vitest: ['bench', 'device.ts', 'faults', 'simulation.ts', 'testbed.ts', 'time', 'trace', 'verdict'],
  'server-bench': [
    'board',
    'device.ts',
    'gateway',
    'lan.ts',
    'netstat.ts',
    'packet',
    'programs.ts',
    'simulation.ts',
    'time',
  ],
  tune: ['text.ts', 'time'],
  'live-page': ['board', 'faults', 'sessions', 'testbed.ts', 'time', 'trace', 'verdict'],
  command: [
    'bench',
    'board',
    'device.ts',
    'faults',
    'link',
    'live-page',
    'matrix',
    'netstat.ts',
    'node-host',
    'program-port.ts',
    'programs.ts',
    'server',
    'server-bench',
    'sessions',
    'simulation.ts',
    'swarm',
    'tcpip',
    'testbed.ts',
    'text.ts',
    'time',
    'trace',
    'tune',
    'verdict',
  ],
};

/**
 * Entry points for users of the project and for the operating system. They may import every folder, and no folder
 * imports them.
 */
const DOORS = ['cli.ts', 'index.ts'];

/** The folder of sim/ that a file is in, or the file beside those folders; undefined where it is not in sim/. */
function simFolder(path: string): string | undefined {
  return path.startsWith('sim/') ? path.split('/')[1] : undefined;
}

it('keeps every folder of sim/ to those below it', () => {
  const trespasses = sources.flatMap((source) => {
    const from = simFolder(source.path);
    if (from === undefined || DOORS.includes(from)) return [];
    const allowed = SIM_MAY_IMPORT[from];
    if (allowed === undefined) return [`SIM_MAY_IMPORT has no line for sim/${from}`];
    return imports(source)
      .filter((target) => ![undefined, from, ...allowed].includes(simFolder(target)))
      .map((target) => `${source.path} imports ${target}`);
  });
  expect(trespasses).toEqual([]);
});

it('has no circle of imports at run time', () => {
  const byPath = new Map(sources.map((source) => [source.path, importsOf(source)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' > '));
    if (way.includes(path) || done.has(path)) return;
    for (const { target, isTypeOnly } of byPath.get(path) ?? []) if (!isTypeOnly) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of byPath.keys()) visit(path, []);
  expect(circles).toEqual([]);
});

/** Files that are not loaded by an import. */
const LOADED_BY_OTHERS = [
  // The pages contain these files. A project of their own compiles them (sim/verdict/page/browser/tsconfig.json).
  /^sim\/verdict\/page\/browser\//,
  /^sim\/live-page\/browser\//,
  // Loaded by sim/cli.ts when it knows that this Node can.
  /^sim\/command\/command-line-main\.ts$/,
  // Loaded by sim/node-host/world.ts when the first Node program is to run.
  /^sim\/node-host\/runner\.ts$/,
];

it('has no file that nobody imports', () => {
  const manifest = readText(resolve(ROOT, 'package.json'));
  const imported = new Set(sources.flatMap(imports));
  const isUsed = (path: string): boolean => {
    const isPublished =
      manifest.includes(`"dist/${path.replace(/ts$/, 'js')}"`) ||
      manifest.includes(`"./dist/${path.replace(/ts$/, 'js')}"`);
    // A worker is loaded by its URL, as it is compiled.
    const isWorker = sources.some(({ text }) => text.includes(`new URL('./${basename(path, '.ts')}.js', import.meta.url)`));
    // Code that is not always needed is imported when it is needed.
    const isLoaded = sources.some(({ text }) => new RegExp(`\\bimport\\('[^']*/${basename(path)}'\\)`).test(text));
    const isElse = LOADED_BY_OTHERS.some((pattern) => pattern.test(path));
    return imported.has(path) || isPublished || isWorker || isLoaded || isElse;
  };
  expect(sources.map(({ path }) => path).filter((path) => !isUsed(path))).toEqual([]);
});

/** Wall clocks, random numbers and timers belong to hal/node. All other code gets time and randomness as arguments. */
const BANNED =
  /\b(Date\.now|new Date\b|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|performance\.now|process\.hrtime)\b/;

it('takes time and chance from the HAL alone', () => {
  const code = ({ text }: Source): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  expect(
    sources
      .filter(({ path }) => room(path) !== 'hal/node' && !NODE_HOST.test(path))
      .filter((source) => BANNED.test(code(source)))
      .map(({ path }) => path),
  ).toEqual([]);
});

it('begins every file with what it is for', () => {
  expect(sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
});

/** A line of a file that breaks a rule of words, as an editor opens it. */
function linesWith(pattern: RegExp, { path, text }: Source): string[] {
  return Array.from(text.matchAll(pattern), (found) => {
    return `${path}:${text.slice(0, found.index).split('\n').length}: ${found[0].replace(/\s+/g, ' ')}`;
  });
}

/** Words that no comment opens with: they name nothing, and begin half a sentence. */
const NAMELESS = [
  'What', 'Who', 'Whom', 'Whose', 'Whoever', 'Whatever', 'Which', 'Whichever', 'How', 'Where', 'That',
  'It', 'Its', 'They', 'Their', 'Those', 'And', 'But', 'The same(?=[,.:;]| (?:for|of|as|where|when|by|with|in|but|since)\\b)',
];

it('opens a comment with the thing it is about', () => {
  const first = `(?:${NAMELESS.join('|')})\\b.{0,40}`;
  const doc = new RegExp(String.raw`/\*\*[\s*]*${first}`, 'g');
  // Only the first of several lines with slashes is the opening.
  const line = new RegExp(String.raw`(?<!^ *//.*\n)^ *// ${first}`, 'gm');
  const written = [...sources, ...tests, ...scripts];
  expect(written.flatMap((source) => [...linesWith(doc, source), ...linesWith(line, source)])).toEqual([]);
});

it('names a test by its claim, not by half a sentence', () => {
  const name = /^ *(?:(?:it|test|describe)\b[^'"`\n]*|\](?: as const)?\))\(['"`](?:what|whom?|whoever|how|where|and|but|it|they)\b.{0,40}/gm;
  expect(tests.flatMap((source) => linesWith(name, source))).toEqual([]);
});

/** Words of old books, for which plain English has others. */
const ARCHAIC = new RegExp(String.raw`\b(?:${[
  'anew', 'shall', String.raw`befall(?:s|en|ing)?`, 'befell', 'thereof', 'whilst', 'whence', 'whoever', 'whomever',
  String.raw`heed(?:s|ed|ing)?`, 'midst', 'bidding', 'plight', String.raw`for\s+ever`, String.raw`for\s+so\s+long`,
].join('|')})\b`, 'gi');

it('uses no words of old books', () => {
  const texts = filesBelow(ROOT, /^([^/]+|(firmware|hal|sim|test)\/.*)\.(ts|js|mjs|cjs|md)$/)
    .filter((path) => path !== 'test/tidy.test.ts')
    .map((path) => ({ path, text: readText(resolve(ROOT, path)) }));
  expect(texts.length).toBeGreaterThan(sources.length);
  expect(texts.flatMap((source) => linesWith(ARCHAIC, source))).toEqual([]);
});

it('gives no file more than it can hold as one idea', () => {
  expect(sources.filter(({ text }) => text.split('\n').length > 600).map(({ path }) => path)).toEqual([]);
});

const COLUMNS_MAX = 120;

/**
 * A text or a pattern. It may be as long as it is, because a person who searches for it does not search for half of it.
 */
const LITERAL = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\/(?:[^/\\\n]|\\.)+\/[a-z]*/g;

it('has no line of code that a screen cannot show', () => {
  const tooLong = [...sources, ...tests].flatMap(({ path, text }) => text.split('\n').flatMap((line, i) => {
    if (line.length <= COLUMNS_MAX) return [];
    const longest = Math.max(...Array.from(line.matchAll(LITERAL), ([literal]) => literal.length), 0);
    // A line may be too long because of the one text in it, but not because of the code around it.
    return longest > 40 && line.length - longest < COLUMNS_MAX ? [] : [`${path}:${i + 1}`];
  }));
  expect(tooLong).toEqual([]);
});

/** Names that stand for two things, each with the reason why. */
const SHARED_NAMES: ReadonlyMap<string, string> = new Map([
  ['READABLE', 'as POSIX poll has it, of a socket for tasks and of a TCP control block'],
  ['WRITABLE', 'as POSIX poll has it, of a socket for tasks and of a TCP control block'],
  ['Packet', 'as MQTT calls its messages, and as IP calls its own'],
  ['listen', 'as POSIX has it: the probes of the conformance suite are named after the call that they try'],
]);

/** The two ends of a protocol have its name. */
const PROTOCOLS = /^(firmware|sim\/server)\/protocols\//;

it('exports no two things of one name', () => {
  const places = new Map<string, string[]>();
  for (const { path, text } of sources) {
    const names = text.matchAll(
      /^export (?:abstract )?(?:async )?(?:class|function\*?|const|let|interface|type) (\w+)/gm,
    );
    for (const [, name = ''] of names) places.set(name, [...(places.get(name) ?? []), path]);
  }
  const twice = [...places].filter(([name, [first = '', ...more]]) => {
    const isOfAProtocol = /^[A-Z_]+$/.test(name) && [first, ...more].every((path) => PROTOCOLS.test(path));
    return more.length > 0 && !isOfAProtocol && !SHARED_NAMES.has(name);
  });
  expect(twice.map(([name, paths]) => `${name}: ${paths.join(', ')}`)).toEqual([]);
});

it('has no top-level folder beside its four rooms', () => {
  const kept = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.'),
  );
  const made = new Set(['node_modules', 'dist', 'coverage']);
  expect(
    kept
      .map(({ name }) => name)
      .filter((name) => !made.has(name))
      .toSorted(),
  ).toEqual(['firmware', 'hal', 'sim', 'test']);
});

it('depends on nothing at run time', () => {
  const manifest: unknown = JSON.parse(readText(resolve(ROOT, 'package.json')));
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).toHaveProperty('devDependencies');
});
