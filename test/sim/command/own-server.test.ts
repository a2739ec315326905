/** `cablepull run ... -- COMMAND`: the command line against servers that are not ours, in namespaces of their own. */

import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { HAS_NAMESPACES } from '../../support/namespaces.ts';
import { Program } from '../../support/process.ts';
import { CLI } from './cablepull.ts';

const SERVER = fileURLToPath(new URL('../server-bench/server.py', import.meta.url));
const TWO_PORTS =
  'import socket, time; servers = [socket.create_server(("0.0.0.0", port)) for port in (8883, 1883)]; time.sleep(60)';
const folders: string[] = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function cablepull(...args: readonly string[]): Program {
  return new Program(process.execPath, [CLI, 'run', ...args]);
}

/** Returns the number of processes that have the word in their command line. */
function processesWith(word: string): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return (
        /^\d+$/.test(name) &&
        Number(name) !== process.pid &&
        readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word)
      );
    } catch {
      return false;
    }
  }).length;
}

/** Waits until no such process is left. Returns how many are left after a second. */
async function leftWith(word: string): Promise<number> {
  for (let i = 0; i < 50 && processesWith(word) > 0; i++) await sleep(20);
  return processesWith(word);
}

describe.skipIf(!HAS_NAMESPACES).concurrent('cablepull run -- COMMAND', () => {
  it('reports that the server noticed a device without power, by its keepalive', async () => {
    const { status, stdout, stderr } = await cablepull(
      '--devices',
      '3',
      '--no-answers',
      '--beat',
      '1s',
      '--fault',
      'power-loss on dev-2 at 1s',
      '--for',
      '14s',
      '--netstat',
      '--expect',
      'server notices within 13s',
      '--',
      'python3',
      SERVER,
      '39002',
      'keepalive',
      'mute',
    ).ended();
    expect(stdout).toMatch(/^power-loss on dev-2 at 1s +was off +1[12]\.\d s by ETIMEDOUT /m);
    expect(stdout).toMatch(/^tcp +0 +0 +server:39002 +dev-3:\d+ +ESTABLISHED +keepalive /m);
    expect(stdout).toMatch(/^Tier T2 \(power-loss\):$/m);
    expect(stderr).toMatch(/^server \| offline 10\.0\.0\.3:\d+ ETIMEDOUT$/m);
    expect(status).toBe(0);
  });

  it('judges the server by its own log and by its kernel, and prints the faults on the server', async () => {
    const { status, stdout, stderr } = await cablepull(
      '--devices',
      '2',
      '--no-answers',
      '--beat',
      '1s',
      '--for',
      '16s',
      '--offline-log',
      '^(?:silent|offline) (\\S+)',
      '--fault',
      'power-loss on dev-2 at 1s',
      '--fault',
      'crash on server at 14s for 500ms',
      '--fault',
      'hang on server at 4s for 1s',
      '--expect',
      'server notices within 13s',
      '--',
      'python3',
      SERVER,
      '39002',
      'keepalive',
      'mute',
      'scan',
    ).ended();
    expect(stdout).toMatch(/^power-loss on dev-2 at 1s +was off +1[12]\.\d s by ETIMEDOUT +[4-6]\.\d s by log /m);
    expect(stdout).toMatch(/^crash on server at 14s for 0\.5s \(dev-1\) +0\.\d s by closed +was dead /m);
    expect(stderr).toMatch(/^ +14\.\d s +server +its process has ended, by signal 9$/m);
    expect(stdout).toMatch(/^as expected: server notices within 13s$/m);
    expect(status).toBe(0);
  });

  it.each([
    [
      'exits at once',
      ['sh', '-c', 'echo no license >&2; exit 7'],
      'cablepull: sh ended before it listened, with status 7; it printed last:\n  no license\n',
    ],
    ['is not there', ['/nowhere/server'], 'cablepull: /nowhere/server could not be started: No such file or directory'],
    [
      'listens on loopback alone',
      ['python3', '-m', 'http.server', '--bind', '127.0.0.1', '8000'],
      'cablepull: the server listens on 127.0.0.1:8000 alone, where devices cannot reach it: let it listen on 0.0.0.0',
    ],
    [
      'listens on several ports',
      ['python3', '-c', TWO_PORTS],
      'cablepull: python3 listens on ports 1883, 8883: say which is meant, as in --server :1883',
    ],
  ])('says in a sentence that the server %s', async (_, command, sentence) => {
    const { status, stderr } = await cablepull('--for', '1s', '--', ...command).ended();
    expect(stderr).toContain(sentence);
    expect(stderr.includes('its process has started')).toBe(!sentence.includes('could not be started'));
    expect(status).toBe(1);
  });

  it('connects to the port that --port names', async () => {
    const { status, stdout } = await cablepull(
      '--for',
      '1s',
      '--devices',
      '2',
      '--server',
      ':8883',
      '--',
      'sh',
      '-c',
      `python3 ${SERVER} 1883 & python3 ${SERVER} 8883`,
    ).ended();
    expect(stdout).toMatch(/^ended after 1\.0 s: 2 of 2 devices connected/m);
    expect(status).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const)('leaves nothing behind after %s, not even what the server has detached', async (signal, status) => {
    const seconds = `${90_000 + Math.floor(process.pid / 7)}.${status ?? 9}`;
    const run = cablepull('--json', '--', 'sh', '-c', `setsid sleep ${seconds} & exec python3 ${SERVER} 39002`);
    await run.line(/"kind":"connected"/);
    expect(processesWith(seconds)).toBeGreaterThan(0);
    run.child.kill(signal);
    expect((await run.ended()).status).toBe(status);
    expect(await leftWith(seconds)).toBe(0);
  });

  it('finds a server over UDP, whose log says that a device is gone', async () => {
    const receiver = [
      'import select, socket, time',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 39003)); heard = {}',
      'while True:',
      '  if select.select([s], [], [], 0.1)[0]: heard[s.recvfrom(2000)[1][0]] = time.monotonic()',
      '  for who in [who for who, when in heard.items() if time.monotonic() - when > 2]:',
      '    print("gone", who, flush=True); del heard[who]',
    ].join('\n');
    const { status, stdout } = await cablepull(
      '--devices', '2', '--protocol', 'udp-heartbeat', '--beat', '500ms', '--for', '8s',
      '--fault', 'cable-pull on dev-2 at 2s', '--offline-log', '^gone (\\S+)', '--', 'python3', '-c', receiver,
    ).ended();
    // The last beat came at most 500 ms before the pull; the server looks ten times a second.
    expect(stdout).toMatch(/^cable-pull on dev-2 at 2s .* (1\.[5-9]|2\.[0-2]) s by log /m);
    expect(status).toBe(0);
  });

  it('can be ended while it waits for the server to listen', async () => {
    const seconds = `${91_000 + Math.floor(process.pid / 7)}.5`;
    const run = cablepull('--', 'sleep', seconds);
    while (processesWith(seconds) < 3) await sleep(20);
    run.child.kill('SIGINT');
    expect((await run.ended()).status).toBe(130);
    expect(await leftWith(seconds)).toBe(0);
  });

  it('works for an ordinary user, who may gain no privileges', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
    folders.push(folder);
    chmodSync(folder, 0o755);
    for (const part of ['dist', 'package.json', 'sim/server-bench']) {
      cpSync(fileURLToPath(new URL(`../../../${part}`, import.meta.url)), join(folder, part), { recursive: true });
    }
    cpSync(SERVER, join(folder, 'server.py'));
    // The server runs as the user, not as root, and at a port that only root could use elsewhere.
    const asItself = `test $(id -u) != 0 && exec /usr/bin/python3 ${join(folder, 'server.py')} 80`;
    const command = ['sh', '-c', asItself];
    const run = [
      process.execPath,
      join(folder, 'dist/sim/cli.js'),
      'run',
      '--devices',
      '3',
      '--for',
      '2s',
      '--',
      ...command,
    ];
    // If root runs this test: become nobody, and have a /dev/net/tun that everybody may use, as on most systems.
    const become = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--no-new-privs', ...run]
      .map((word) => `'${word}'`)
      .join(' ');
    const asNobody = `mknod ${folder}/tun c 10 200 && chmod 666 ${folder}/tun && mount --bind ${folder}/tun /dev/net/tun && exec ${become}`;
    const [program = '', ...args] = process.geteuid?.() === 0 ? ['unshare', '--mount', 'sh', '-c', asNobody] : run;
    const { status, stdout, stderr } = await new Program(program, args).ended();
    expect(stderr).toMatch(/^server \| online 10\.0\.0\.4:\d+$/m);
    expect(stdout).toMatch(/^ended after 2\.0 s: 3 of 3 devices connected/m);
    expect(status).toBe(0);
  });

  it('joins devices by a TUN interface to a network where a server runs already, and leaves nothing there', async () => {
    // The host's network is that of a namespace here, so everything that is made there is gone with it.
    const run = `${process.execPath} ${CLI} run --network tun --server 10.77.0.1:39002 --devices 3 --no-answers --beat 1s --netstat`;
    const script = [
      'exec 2>&1',
      `(unshare --fork --pid --kill-child python3 ${SERVER} 39002 keepalive mute & echo $! > /dev/null)`,
      'sleep 1',
      `${run} --fault 'power-loss on dev-2 at 1s' --for 14s --expect 'server notices within 13s'`,
      'echo status $?',
      'echo interfaces $(ls /sys/class/net)',
      'kill -9 -1',
    ].join('\n');
    const isRoot = process.geteuid?.() === 0;
    const user = isRoot ? [] : ['--user', '--map-root-user'];
    const unshare = [...user, '--net', '--mount', '--pid', '--fork', '--kill-child'];
    const mounted = `mount -t sysfs none /sys && mount -t proc none /proc; ${script}`;
    const { stdout } = await new Program('unshare', [...unshare, 'sh', '-c', mounted]).ended();
    expect(stdout).toMatch(/^power-loss on dev-2 at 1s +was off +1[12]\.\d s by ETIMEDOUT /m);
    expect(stdout).toMatch(/^as expected: server notices within 13s$/m);
    expect(stdout).toMatch(/^status 0\ninterfaces lo$/m);
  });
});

describe('cablepull run --network tun', () => {
  it.each([
    [['--server', '10.77.0.1:1', '--network', 'bridge'], "--network must be tun, not 'bridge'"],
    [['--network', 'tun'], '--network tun needs one --server, as in --server 10.77.0.1:1883'],
    [['--network', 'tun', '--server', 'host:1'], "--server must be an IPv4 address and a port, not 'host:1'"],
    [['--subnet', '10.0.0.0/8'], '--subnet and --interface need --network tun'],
    [['--network', 'tun', '--', 'node'], 'it cannot be used with --network'],
    [['--network', 'tun', '--server', '10.77.0.1:1', '--fault', 'hang on server at 1s'], "cablepull can only stop a server that it has started: put the server's command behind --"],
  ])('refuses %j', async (args, sentence) => {
    const { status, stderr } = await cablepull(...args).ended();
    expect(stderr).toContain(sentence);
    expect(status).toBe(2);
  });
});
