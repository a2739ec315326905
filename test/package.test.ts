/** The package as somebody installs it: into an empty folder, from the tarball that `npm pack` makes. */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText } from './support/files.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules', '.bin', 'tsc');

const folder = mkdtempSync(join(tmpdir(), 'cablepull-package-'));
const user = join(folder, 'user');

function run(command: string, args: readonly string[], cwd = user): string {
  // Without colours, also where the tests themselves have them.
  return stripVTControlCharacters(
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

beforeAll(() => {
  mkdirSync(user);
  const packed = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], ROOT).trim();
  writeFileSync(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  run('npm', ['install', '--offline', '--silent', join(folder, packed)]);
  writeFileSync(
    join(user, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2023', 'DOM'],
        types: [],
        module: 'NodeNext',
        strict: true,
        skipLibCheck: false,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        rootDir: '.',
        outDir: 'out',
      },
      include: ['*.ts'],
    }),
  );
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('gives a working command', () => {
  expect(run('npx', ['--no-install', 'cablepull', '--help'])).toMatch(/^cablepull: pull the cable/);
});

it('gives the page of a run, with the script that draws it', () => {
  run('npx', ['--no-install', 'cablepull', 'run', '--devices', '1', '--for', '10s', '--report', 'page.html']);
  expect(readText(join(user, 'page.html'))).toMatch(/<script>\(function \(\) \{[\s\S]*requestAnimationFrame/);
});

it(
  'gives typed imports of firmware, hal and sim, which compile under every strictness and run',
  { timeout: 60_000 },
  () => {
    writeFileSync(
      join(user, 'main.ts'),
      `
    import { Kernel, MAX_DELAY, Queue, type Task } from 'cablepull/firmware';
    import { ERRNO, type Clock, type Errno } from 'cablepull/hal';
    import { parsePlan, type Fault } from 'cablepull/sim';

    const clock: Clock = { now: () => 0, setAlarm() {}, clearAlarm() {} };
    const os = new Kernel(clock);
    const queue = new Queue<number>(os, 1);
    function* producer(): Task {
      yield* queue.send(ERRNO.ETIMEDOUT);
    }
    function* consumer(): Task {
      const item: number | undefined = yield* queue.receive(MAX_DELAY);
      console.log('received', item);
    }
    os.createTask(consumer, 'consumer', 2);
    os.createTask(producer, 'producer', 1);
    os.start();

    const errno: Errno = 'ECONNRESET';
    const plan = parsePlan('hang on dev-1 at 20s');
    const fault: Fault | undefined = 'message' in plan ? undefined : plan[0];
    console.log(errno, fault?.kind, fault?.at.fromMs);
  `,
    );
    writeFileSync(
      join(user, 'wrong.ts'),
      `
    import { Queue, Kernel } from 'cablepull/firmware';
    declare const os: Kernel;
    // @ts-expect-error an object needs to be told how it is copied
    new Queue<{ celsius: number }>(os, 1);
  `,
    );
    run(TSC, ['--project', '.']);
    expect(run(process.execPath, ['out/main.js'])).toBe('received 110\nECONNRESET hang 20000\n');
  },
);

/** Documents with examples in TypeScript, and files that stand in for the reader's own files of those names. */
const DOCUMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'my-server.js': `import { createServer } from 'node:net';
      createServer((socket) => {
        socket.setTimeout(5000, () => socket.destroy()).on('error', () => {}).resume();
      }).listen(8080);`,
  },
  'sim/README.md': {},
  'firmware/README.md': {},
  'hal/README.md': {},
  'sim/node-host/README.md': {
    'server.ts': `import { createServer } from 'node:net';
      createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(8080);`,
    'device.ts': `import { connect } from 'node:net';
      const socket = connect(8080, 'server');
      socket.on('connect', () => void setInterval(() => socket.write('beat'), 1000));`,
  },
};

/** An example whose tasks go on forever is stopped after this time. */
const EXAMPLE_MS = 10_000;

describe.each(Object.entries(DOCUMENTS))('the examples of %s', (document, standIns) => {
  const place = join(user, document.replaceAll(/\W/g, '-'));
  const blocks = readText(join(ROOT, document)).matchAll(/^```ts\n([\s\S]*?)^```/gm);
  const examples = Array.from(blocks, ([, code = ''], i) => ({
    name: `example-${i}${code.includes("from 'vitest'") ? '.test' : ''}`, code,
  }));

  beforeAll(() => {
    mkdirSync(place);
    for (const { name, code } of examples) writeFileSync(join(place, `${name}.ts`), code);
    for (const [name, text] of Object.entries(standIns)) writeFileSync(join(place, name), text);
    compileWithVitest(place);
  }, 60_000);

  it('are there, and compile as they stand', () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  it.each(examples.filter(({ name }) => !name.endsWith('.test')))('$name runs', { timeout: 60_000 }, ({ name }) => {
    const { status, signal, stderr } = spawnSync(process.execPath, [join('out', `${name}.js`)], {
      cwd: place, encoding: 'utf8', timeout: EXAMPLE_MS, killSignal: 'SIGTERM',
    });
    expect(stderr).toBe('');
    if (signal === null) expect(status).toBe(0);
    else expect(signal).toBe('SIGTERM');
  });

  const tests = examples.filter(({ name }) => name.endsWith('.test'));

  it.runIf(tests.length > 0)('pass as tests', { timeout: 120_000 }, (context) => {
    const vitest = join(place, 'node_modules', 'vitest', 'vitest.mjs');
    const { stdout } = spawnSync(process.execPath, [vitest, 'run', '--root', place, '--exclude', 'out/**'], {
      cwd: place, encoding: 'utf8',
    });
    if (/ServerBenchError/.test(stdout)) context.skip('a server cannot have a network namespace of its own here');
    expect(stripVTControlCharacters(stdout)).toMatch(new RegExp(`Tests +${tests.length} passed \\(${tests.length}\\)`));
  });
});

it('gives matchers to those who have vitest, and nothing that needs it to others', { timeout: 120_000 }, () => {
  writeFileSync(
    join(user, 'sim-alone.mjs'),
    "await import('cablepull/sim'); console.log(await import('cablepull/vitest').catch(({ code }) => code));",
  );
  expect(run(process.execPath, ['sim-alone.mjs'])).toBe('ERR_MODULE_NOT_FOUND\n');

  const place = join(user, 'matchers');
  mkdirSync(place);
  writeFileSync(
    join(place, 'matchers.test.ts'),
    `
    import { expect, it } from 'vitest';
    import 'cablepull/vitest';
    import { heartbeatFirmware, referenceServer, Simulation } from 'cablepull/sim';

    it('is noticed', async () => {
      const sim = new Simulation({ seed: 1 });
      const server = sim.addServer(referenceServer({ keepAlive: { idle: 3, interval: 3, count: 3 } }));
      const device = sim.addDevice({ firmware: heartbeatFirmware(), link: { loss: '1%' } });
      await sim.runFor('10s');
      device.cable.pull();
      await expect(sim).not.toNotice(device, { by: 'server', within: '5s' });
      await expect(sim).toNotice(device, { by: 'server', within: '15s' });
      expect(server.program?.clients()).toEqual([]);
      await expect(expect(sim).not.toNotice(device, { by: 'server', within: '15s' }))
        .rejects.toThrow('the server noticed after');
    });
  `,
  );
  writeFileSync(join(place, 'wrong.ts'), `
    import { expect } from 'vitest';
    import 'cablepull/vitest';
    // @ts-expect-error nobody else can notice
    expect(1).toNotice('dev-1', { by: 'srever', within: '15s' });
    // @ts-expect-error a duration has a unit
    expect(1).toRecover('dev-1', { within: '15' });
    // @ts-expect-error it stands for no value
    expect.toMeet('server notices within 15s');
  `);
  compileWithVitest(place);
  const vitest = join(place, 'node_modules', 'vitest', 'vitest.mjs');
  expect(run(process.execPath, [vitest, 'run', '--root', place, '--exclude', 'out/**'])).toMatch(/Tests +1 passed/);
});

/** Compiles as a user does who has vitest and the types of Node, here ours. Errors in their types do not count. */
function compileWithVitest(place: string): void {
  mkdirSync(join(place, 'node_modules'));
  symlinkSync(join(ROOT, 'node_modules', 'vitest'), join(place, 'node_modules', 'vitest'));
  symlinkSync(join(ROOT, 'node_modules', '@types'), join(place, 'node_modules', '@types'));
  // Whole, as what is linked to would look for vitest where it really is.
  cpSync(join(user, 'node_modules', 'cablepull'), join(place, 'node_modules', 'cablepull'), { recursive: true });
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({
    extends: '../tsconfig.json',
    compilerOptions: { rootDir: '.', outDir: 'out', skipLibCheck: true, types: ['node'] },
    include: ['*.ts'],
  }));
  run(TSC, ['--project', place]);
}

it('carries no tests, no sources of its own kitchen, and a licence', () => {
  const [listing]: unknown[] = JSON.parse(
    run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json', '--silent'], ROOT),
  );
  const paths = Array.from(JSON.stringify(listing).matchAll(/"path":"([^"]+)"/g), ([, path]) => path ?? '');
  expect(paths).toContain('LICENSE');
  expect(paths).toContain('dist/sim/cli.js');
  expect(paths.filter((path) => /^dist\/(test|bench)|\.tsbuildinfo$/.test(path))).toEqual([]);
});
