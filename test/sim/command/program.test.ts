/** `cablepull run --program`: the user's own Node programs, on simulated hosts in virtual time. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ended, killAll } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-program-'));

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(killAll);

/** Returns the path of a program in the folder programs/. */
function program(name: string): string {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

/** Returns the path of a program that a test makes. */
function made(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const SERVE = "import net from 'node:net'; const server = net.createServer((socket) => socket.pipe(socket));";
const BRIEF = ['--devices', '1', '--for', '10s'];

describe('devices of every protocol meet a program that speaks it', () => {
  it.each([
    ['heartbeat', 'echo.mjs', []],
    ['mqtt', 'mqtt.mjs', ['--beat', '10s', '--publish', '3s', '--qos', '1']],
    ['framed', 'framed.mjs', []],
    ['echo', 'lines.mjs', []],
  ])('%s', async (protocol, name, options) => {
    const { status, stdout } = await ended(
      ...['run', '--program', program(name), '--protocol', protocol, ...options, '--devices', '3'],
      ...['--fault', 'power-loss on dev-3 at 12s', '--expect', 'server notices within 16s'],
    );
    expect(stdout).toMatch(/^power-loss on dev-3 at 12s +was off +(9|1\d)\.\d s by dropped /m);
    expect(stdout).toMatch(/^ended after 72\.0 s: 2 of 3 devices connected, 3 connections made/);
    expect(status).toBe(0);
  });

  it.each(['udp-heartbeat', 'ethernet-heartbeat'])('%s: a device is offline when the program says so', async (protocol) => {
    const { status, stdout } = await ended(
      ...['run', '--program', program('datagrams.mjs'), '--protocol', protocol, '--devices', '3'],
      ...['--fault', 'cable-pull on dev-3 at 12s for 40s', '--offline-log', 'gone: (\\S+)'],
      ...['--expect', 'server notices within 16s', '--expect', 'service back within 15s'],
    );
    expect(stdout).toMatch(/^cable-pull on dev-3 .* 1\d\.\d s by dropped +1\d\.\d s by log /m);
    expect(status).toBe(0);
  });
});

it("shows the program's output with host and virtual time, and finds the line that says a device is gone", async () => {
  const { status, stdout, stderr } = await ended(
    ...['run', '--program', `${program('echo.mjs')} 9000`, '--devices', '3', '--offline-log', 'gone: (\\S+)'],
    ...['--fault', 'power-loss on dev-3 at 10s', '--fault', 'power-loss on server at 1m for 5s'],
  );
  expect(stderr).toMatch(/^ {4}0\.0 s {2}server {4}listening on 0\.0\.0\.0:9000$/m);
  expect(stderr).toMatch(/^ {4}0\.0 s {2}server \| listens, with 0 sessions$/m);
  expect(stderr).toMatch(/^ {3}24\.\d s {2}server \| gone: 10\.0\.0\.4 of 3$/m);
  // The program's own modules are new at each boot, too.
  expect(stderr).toMatch(/^ {3}65\.0 s {2}server \| listens, with 0 sessions$/m);
  expect(stdout).toMatch(/^power-loss on dev-3 at 10s +was off +14\.\d s by dropped +14\.\d s by log /m);
  expect(status).toBe(0);
});

it('runs a program as each device, each with modules of its own', async () => {
  const { status, stdout } = await ended(
    ...['run', '--program', program('echo.mjs'), '--device-program', program('device.mjs'), '--devices', '5'],
    ...['--fault', 'cable-pull on dev-3 at 10s for 40s', '--fault', 'crash on dev-2 at 80s for 1s'],
    ...['--expect', 'device notices within 46s', '--expect', 'service back within 10s'],
  );
  expect(stdout).toMatch(/^ended after 141\.0 s: 5 of 5 devices connected, 7 connections made$/m);
  expect(stdout).toMatch(/^cable-pull on dev-3 at 10s for 40s +4\d\.\d s by closed +14\.0 s by dropped /m);
  expect(stdout).toMatch(/^crash on dev-2 at 80s for 1s +was dead +0\.0 s by closed /m);
  expect(status).toBe(0);
});

it('the same seed gives the same bytes: events, report and capture', async () => {
  const run = async (name: string): Promise<readonly [string, string]> => {
    const pcap = join(folder, name);
    const { stdout } = await ended(
      ...['run', '--program', program('echo.mjs'), '--device-program', program('device.mjs'), '--devices', '4'],
      ...['--fault', 'cable-pull on dev-3 at 10s for 40s', '--json', '--pcap', pcap],
    );
    return [stdout, readFileSync(pcap, 'latin1')];
  };
  const [one, other] = await Promise.all([run('one'), run('other')]);
  expect(one[0].length).toBeGreaterThan(10_000);
  for (const line of one[0].trim().split('\n')) expect(JSON.parse(line)).toBeTypeOf('object');
  expect(other).toEqual(one);
});

describe('a program that ends by itself', () => {
  const CRASH = [...['run', '--program', `${program('echo.mjs')} 8080 crash`], ...BRIEF];

  it('is reported with its own stack, and fails the run', async () => {
    const { status, stdout, stderr } = await ended(...CRASH);
    expect(stderr).toMatch(/ server \| Error: the first byte is too much\n.* server \| +at Socket\.<anonymous> \(.*echo\.mjs:15:/);
    expect(stderr).not.toContain('node:internal');
    expect(stderr).toMatch(/ server {4}FAULT crash on server at 60ms: Error: the first byte is too much$/m);
    expect(stdout).toMatch(/^the program of server ended at 0\.1 s: Error: the first byte is too much$/m);
    expect(status).toBe(1);
  });

  it('is started again by --restart', async () => {
    const { status, stdout, stderr } = await ended(...CRASH, '--restart', '1s');
    expect(stderr).toMatch(/^ {4}1\.1 s {2}server \| listens, with 0 sessions$/m);
    expect(stdout).toMatch(/^the program of server ended at 0\.1 s: Error: the first byte is too much, and \d times? more$/m);
    // No device was ever served.
    expect(status).toBe(1);
  });

  it('is in the report as JSON', async () => {
    const { status, stdout } = await ended(...CRASH, '--json');
    const report: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    const why: unknown = expect.stringMatching(/^Error: the first byte is too much\n +at Socket/);
    expect(report).toMatchObject({ programEnds: [{ host: 'server', atMs: 60, why }] });
    expect(status).toBe(1);
  });

  it('by an unhandled rejection, or by process.exit', async () => {
    const rejects = made('rejects.mjs', `${SERVE} server.listen(80); setTimeout(async () => { throw new Error('late'); }, 3000)`);
    const exits = made('exits.mjs', `${SERVE} server.listen(80); setTimeout(() => process.exit(4), 3000)`);
    const [one, other] = await Promise.all([rejects, exits].map((file) => ended('run', '--program', file, ...BRIEF)));
    expect(one?.stdout).toMatch(/^the program of server ended at 3\.0 s: Error: late$/m);
    expect(other?.stdout).toMatch(/^the program of server ended at 3\.0 s: it called process\.exit\(4\)$/m);
    expect([one?.status, other?.status]).toEqual([1, 1]);
  });
});

describe('wrong usage is refused in words', () => {
  it.each([
    ['throws.mjs', "throw new TypeError('no such thing')", /throws\.mjs failed: TypeError: no such thing\n +at .*throws\.mjs:1:7$/m],
    ['syntax.mjs', 'const x = ;', /syntax\.mjs:1\nconst x = ;\n {10}\^\n\nSyntaxError: Unexpected token ';'$/m],
    ['missing.mjs', "import './nothere.mjs'", /missing\.mjs failed: .*Cannot find module '.*nothere\.mjs' imported from .*missing\.mjs$/m],
    ['silent.mjs', 'setInterval(() => {}, 1000)', /the program does not listen within 1m of virtual time\. A program that/],
    ['udp.mjs', "import dgram from 'node:dgram'; dgram.createSocket('udp4').bind(5000)", /does not listen within 1m of virtual time; it has UDP port 5000: --protocol/],
    ['exit.mjs', 'process.exit(3)', /exit\.mjs ended before it listened: it called process\.exit\(3\)$/m],
    ['two.mjs', `${SERVE} server.listen(80); net.createServer().listen(81)`, /listens on ports 80 and 81: say which is for devices, as in --port 80$/m],
    ['loopback.mjs', `${SERVE} server.listen(80, '127.0.0.1')`, /listens on 127\.0\.0\.1:80, where only its own host reaches it: let it listen on 0\.0\.0\.0$/m],
    ['ipv6.mjs', `${SERVE} server.listen(80, '::')`, /EAFNOSUPPORT: address family not supported :::80\nIPv6 is not simulated: let it listen on/],
    ['spawn.mjs', "import { spawn } from 'node:child_process'; spawn('true')", /not simulated: child_process\.spawn, on host server: .*\n +at .*spawn\.mjs:1:45$/m],
    ['unix.mjs', `${SERVE} server.listen('/tmp/server.sock')`, /not simulated: a unix socket, \/tmp\/server\.sock, on host server: use a port of TCP or UDP$/m],
  ])('%s', async (name, text, message) => {
    const { status, stderr } = await ended('run', '--program', made(name, text), ...BRIEF);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });

  it.each([
    [['--program', 'nowhere.mjs'], '--program: there is no file nowhere.mjs'],
    [['--program', folder], `--program: ${folder} is not a file`],
    [['--port', '80'], '--port is the port on which your program listens: it needs --program'],
    [['--restart', '1s'], '--restart needs --program or --device-program'],
    [['--program', program('echo.mjs'), '--server', '127.0.0.1:80'], 'cannot be used with --server; --port is the port on which your program listens'],
    [['--program', program('echo.mjs'), '--', 'node', 'x.mjs'], '--program runs on the simulated network: it cannot be used with -- COMMAND'],
  ])('%j', async (options, sentence) => {
    const { status, stderr } = await ended('run', ...options);
    expect(stderr).toContain(sentence);
    expect(status).toBe(2);
  });
});

it('runs CommonJS, as the main module, and TypeScript, if this Node loads it', async () => {
  const common = made(
    'main.cjs',
    "const net = require('node:net'); if (require.main === module) net.createServer((socket) => socket.pipe(socket)).listen(80)",
  );
  const typed = made('typed.mts', `${SERVE} const port: number = 80; server.listen(port)`);
  const again = ['--fault', 'power-loss on server at 3s for 1s', ...BRIEF];
  const [one, other] = await Promise.all([common, typed].map((file) => ended('run', '--program', file, ...again)));
  expect(one?.stderr.match(/listening on 0\.0\.0\.0:80/g)).toHaveLength(2);
  expect(one?.status).toBe(0);
  if (other?.status === 0) expect(other.stderr.match(/listening on 0\.0\.0\.0:80/g)).toHaveLength(2);
  else expect(other?.stderr).toMatch(/does not load TypeScript: use Node 22\.18 or later, or set NODE_OPTIONS='--import tsx'/);
});

it('uses --port to choose one of several ports', async () => {
  const two = made('chosen.mjs', `net.createServer().listen(81); ${SERVE} server.listen(80);`);
  const { status, stdout } = await ended('run', '--program', two, '--port', '80', ...BRIEF);
  expect(stdout).toMatch(/^ended after 10\.0 s: 1 of 1 devices connected/);
  expect(status).toBe(0);
});
