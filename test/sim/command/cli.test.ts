/**
 * The command line as its users meet it: a process, its two outputs, its exit status. It runs what `npm run build`
 * made.
 */

import { spawnSync } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FAULT_KINDS } from '../../../sim/faults/kinds/index.ts';
import { COMMANDS } from '../../../sim/command/commands.ts';
import { cablepull, CLI, ended, killAll } from './cablepull.ts';

let listening: Server[] = [];

afterEach(async () => {
  await killAll();
  for (const server of listening) server.close();
  listening = [];
});

async function listen(server = createServer()): Promise<{ server: Server; port: number }> {
  listening.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port }: Pick<AddressInfo, 'port'> = addressOf(server);
  return { server, port };
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address');
  return address;
}

describe('wrong usage is answered in one sentence, without a stack trace, and with exit status 2', () => {
  it.each<[string, readonly string[], RegExp]>([
    [
      'a command that is none',
      ['rum'],
      /^cablepull: there is no command 'rum'; the commands are matrix, run, .* \(see cablepull --help\)$/m,
    ],
    [
      'an option that is none',
      ['run', '--device', '3'],
      /^cablepull: unknown option '--device' \(see cablepull run --help\)$/m,
    ],
    [
      'an option that is none, of serve',
      ['serve', '-p', '3'],
      /^cablepull: unknown option '-p' \(see cablepull serve --help\)$/m,
    ],
    ['an option before a command', ['--json'], /--json needs a command: the commands are matrix, run, /],
    [
      'an option without its value',
      ['run', '--devices'],
      /^cablepull: --devices needs a value \(see cablepull run --help\)$/m,
    ],
    ['an option in place of a value', ['run', '--devices', '--json'], /^cablepull: --devices needs a value/],
    [
      'a value where none is taken',
      ['run', '--no-answers=foo'],
      /^cablepull: --no-answers takes no value, not 'foo'$/m,
    ],
    [
      'the contrary of what is not so',
      ['run', '--no-json'],
      /^cablepull: unknown option '--no-json' \(see cablepull run --help\)$/m,
    ],
    [
      'fewer than no devices',
      ['run', '--devices', '-1'],
      /^cablepull: --devices must be a whole number from 1 to 10000000, not '-1'$/m,
    ],
    [
      'a run into the past',
      ['run', '--for', '-1s'],
      /^cablepull: --for must be a duration such as 500ms, .*, not '-1s'$/m,
    ],
    [
      'beats into the past',
      ['run', '--beat', '-3s'],
      /^cablepull: --beat must be a duration such as 500ms, .*, not '-3s'$/m,
    ],
    [
      'keepalive into the past',
      ['run', '--keepalive', '-1/3/3'],
      /^cablepull: --keepalive must be idle\/interval\/count in seconds, as in 3\/3\/3, or off, not '-1\/3\/3'$/m,
    ],
    ['too few devices', ['run', '--devices', '0'], /--devices must be a whole number from 1 to 10000000, not '0'/],
    [
      'a number that is none',
      ['run', '--devices', '3x'],
      /--devices must be a whole number from 1 to 10000000, not '3x'/,
    ],
    [
      'a server without a port',
      ['run', '--server', 'localhost'],
      /--server must be host:port, as in 127.0.0.1:39002 or \[::1\]:39002, not 'localhost'/,
    ],
    [
      'a server that is more than a host',
      ['run', '--server', 'http//localhost:80'],
      /^cablepull: the host of --server must be a host name or an address, and nothing else, not /,
    ],
    [
      'a port beyond all ports',
      ['run', '--server', 'localhost:70000'],
      /the port of --server must be a whole number from 1 to 65535, not '70000'/,
    ],
    [
      'a protocol that is none',
      ['run', '--protocol', 'morse'],
      /--protocol must be heartbeat or .*, or a file as in .\/my-protocol.ts, not 'morse'/,
    ],
    [
      'a duration that is none',
      ['run', '--for', '5 minutes'],
      /--for must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not '5 minutes'/,
    ],
    ['no beat at all', ['run', '--beat', '0s'], /^cablepull: --beat must be above 0, not '0s'$/m],
    [
      'a run longer than time',
      ['run', '--for', '1000000d'],
      /^cablepull: --for must be a duration of at most 13031d \(35 years\), not '1000000d'$/m,
    ],
    [
      'half a millisecond',
      ['run', '--beat', '1.5ms'],
      /^cablepull: --beat must be a whole number of milliseconds, not '1.5ms'$/m,
    ],
    ['less than a millisecond', ['serve', '--scan', '0.5ms'], /^cablepull: --scan must be at least 1ms, not '0.5ms'$/m],
    [
      'keepalive in two numbers',
      ['run', '--keepalive', '3/3'],
      /--keepalive must be idle\/interval\/count in seconds, as in 3\/3\/3, or off, not '3\/3'/,
    ],
    [
      'beats too far apart',
      ['run', '--beat', '1000d'],
      /^cablepull: --beat must be at most 2147483.647s \(24.8 days\), not '1000d'$/m,
    ],
    [
      'a watchdog that sleeps',
      ['run', '--watchdog', '40d'],
      /^cablepull: --watchdog must be at most 2147483.647s \(24.8 days\), not '40d'$/m,
    ],
    [
      'a watchdog too quick to be fed',
      ['run', '--watchdog', '1ms'],
      /^cablepull: --watchdog must be at least 4ms, not '1ms'$/m,
    ],
    ['a fault without words', ['run', '--fault', ''], /--fault is empty/],
    [
      'a fault after the end',
      ['run', '--for', '2s', '--fault', 'crash on dev-1 at 30s'],
      /crash on dev-1 at 30s: the run ends before that time \(--for 2s\)/,
    ],
    [
      'answers where nobody beats',
      ['run', '--protocol', 'echo', '--no-answers'],
      /--no-answers has no effect with --protocol echo/,
    ],
    [
      'frames where there are none',
      ['serve', '--protocol', 'echo', '--push', '3s'],
      /--push has no effect with --protocol echo/,
    ],
    [
      'two policies',
      ['serve', '--idle', '3s', '--missed-limit', '2'],
      /--idle and --missed-limit are two policies: use only one/,
    ],
    [
      'keepalive beyond what a kernel takes',
      ['run', '--keepalive', '3/3/300'],
      /^cablepull: the count of --keepalive must be a whole number from 1 to 127, not '300'$/m,
    ],
    [
      'keepalive at once',
      ['serve', '--keepalive', '0/3/3'],
      /^cablepull: the idle time of --keepalive must be a whole number from 1 to 32767, not '0'$/m,
    ],
    [
      'a fault that is none',
      ['run', '--fault', 'cable-cut on dev-1 at 3s'],
      /--fault: expected a fault \(cable-pull, .*\), not 'cable-cut'\n {2}cable-cut on dev-1 at 3s\n {2}\^/,
    ],
    [
      'a fault that real sockets cannot do',
      ['run', '--server', '127.0.0.1:1', '--fault', 'loss 10% on dev-1 at 3s'],
      /^cablepull: loss 10% on dev-1 at 3s: there is no loss over real sockets, whose packets are out of reach; the simulated network has it$/m,
    ],
    [
      'a fault on a server that is not ours',
      ['run', '--server', '127.0.0.1:1', '--fault', 'hang on server at 3s'],
      /^cablepull: hang on server at 3s: the server is out of reach over real sockets; /m,
    ],
    [
      'a fault that may come after the end',
      ['run', '--for', '1m', '--fault', 'reset on dev-1 at 10s..2m'],
      /reset on dev-1 at 10s\.\.2m: the run ends before that time \(--for 1m\)/,
    ],
    [
      'a page in place of the plan',
      ['run', '--plan', 'p.txt', '--report', './p.txt'],
      /^cablepull: --plan and --report name the same file, \.\/p\.txt: they must be different files$/m,
    ],
    [
      'a page in place of the capture',
      ['run', '--pcap', 'x', '--report', 'x'],
      /^cablepull: --pcap and --report name the same file, x: they must be different files$/m,
    ],
    [
      'a page into standard output',
      ['run', '--report', '-'],
      /^cablepull: --report must be the name of a file, not '-'$/m,
    ],
    [
      'a word too many for faults',
      ['faults', 'loss'],
      /^cablepull: unexpected argument 'loss' \(see cablepull faults --help\)$/m,
    ],
    [
      'an option too many for faults',
      ['faults', '--html'],
      /^cablepull: unknown option '--html' \(see cablepull faults --help\)$/m,
    ],
    [
      'a seed of the matrix that is none',
      ['matrix', '--seed', 'x'],
      /^cablepull: --seed must be a whole number from 0 to 4294967295, not 'x'$/m,
    ],
    [
      'a page of a table that has none',
      ['matrix', '--adaptive', '--html', '/tmp/x.html'],
      /^cablepull: --adaptive has no page: it cannot be used with --html$/m,
    ],
    [
      'a page of the matrix without a name',
      ['matrix', '--html='],
      /^cablepull: --html must be the name of a file, not ''$/m,
    ],
    [
      'a capture of real sockets',
      ['run', '--server', '127.0.0.1:1', '--pcap', '/tmp/x'],
      /--pcap needs simulated devices: it cannot be used with --server/,
    ],
    [
      'connections of real sockets',
      ['run', '--server', '127.0.0.1:1', '--netstat'],
      /--netstat needs simulated devices: it cannot be used with --server/,
    ],
    [
      'a capture that cannot be written',
      ['run', '--pcap', '/nowhere/out.pcapng'],
      /^cablepull: --pcap: cannot write \/nowhere\/out.pcapng: ENOENT: no such file or directory$/m,
    ],
    [
      'a capture into standard output',
      ['run', '--pcap', '-'],
      /^cablepull: --pcap must be the name of a file, not '-'$/m,
    ],
    ['a capture into nothing', ['run', '--pcap', ''], /^cablepull: --pcap must be the name of a file, not ''$/m],
    [
      'a fault at no time',
      ['run', '--fault', 'hang on dev-1 at soon'],
      /expected a time such as .*, not 'soon'\n.*\n {19}\^/,
    ],
    [
      'a fault on a device that is none',
      ['run', '--devices', '3', '--fault', 'hang on dev-4 at 3s'],
      /hang on dev-4 at 3s: no device is called 'dev-4'; there are dev-1 to dev-3/,
    ],
    [
      'an expectation that is none',
      ['run', '--fault', 'hang on dev-1 at 1s', '--expect', 'server wakes within 3s'],
      /'server wakes within 3s' is no expectation: it must be such as 'server notices within 15s', /,
    ],
    [
      'an expectation of nothing',
      ['run', '--expect', 'server notices within 3s'],
      /--expect is about faults: it needs a --fault or a --plan/,
    ],
    [
      'a plan that is not there',
      ['run', '--plan', '/nowhere/plan.txt'],
      /^cablepull: --plan: cannot read \/nowhere\/plan.txt: ENOENT: no such file or directory$/m,
    ],
    ['a port that is none', ['serve', '--port', 'http'], /--port must be a whole number from 0 to 65535, not 'http'/],
    ['a word too many', ['serve', '39002'], /^cablepull: unexpected argument '39002' \(see cablepull serve --help\)$/m],
  ])('%s', async (_, args, sentence) => {
    const { status, stdout, stderr } = await ended(...args);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('a plan with an error is reported with file, line and column', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
    const plan = join(folder, 'plan.txt');
    writeFileSync(plan, '# a plan\nhang on dev-1 at 1s\npower-loss dev-2 at 1s\n');
    const { status, stderr } = await ended('run', '--plan', plan);
    rmSync(folder, { recursive: true });
    expect(stderr).toContain(
      `${plan}, line 3: expected 'on' and a device, not 'dev-2'\n  power-loss dev-2 at 1s\n             ^\n`,
    );
    expect(status).toBe(2);
  });
});

it('takes a plan and a trace from standard input', () => {
  const through = (input: string, ...args: readonly string[]) => {
    return spawnSync(process.execPath, [CLI, ...args], { input, encoding: 'utf8' });
  };
  const wrong = through('hang on dev-1 at 1s\nhang dev-1\n', 'run', '--plan', '-');
  expect(wrong.stderr).toContain("cablepull: standard input, line 2: expected 'on' and a device, not 'dev-1'\n");
  const ran = through('hang on dev-1 at 10s\n', 'run', '--plan', '-', '--for', '1m', '--json');
  const reported = through(ran.stdout, 'report', '-');
  expect(reported.stdout).toMatch(/^hang on dev-1 at 10s /m);
  expect({ status: reported.status, stderr: reported.stderr }).toEqual({ status: 0, stderr: '' });
  expect(through('no trace', 'report', '-').stderr).toMatch(/^cablepull: standard input, line 1: /);
});

it('--version prints the version', async () => {
  expect(await ended('--version')).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
});

describe('--help', () => {
  it('prints the commands', async () => {
    const { status, stdout, stderr } = await ended('--help');
    expect(stdout).toMatch(/^cablepull: /);
    expect(stdout).toContain('Exit status');
    for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}cablepull ${name} +\\S`, 'm'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.each(COMMANDS)('of $name prints its options', async ({ name }) => {
    const [before, after] = await Promise.all([ended(name, '--help'), ended(name, '--json', '-h')]);
    expect(before.stdout).toMatch(new RegExp(`^cablepull ${name}: `));
    expect(before).toEqual({ status: 0, stdout: after.stdout, stderr: '' });
  });

  it('is also a command, of the overview or of a command; a command that does not exist has no help', async () => {
    const [overview, all, option, faults, unknown] = await Promise.all([
      ended('help'), ended('--help'), ended('faults', '--help'), ended('help', 'faults'), ended('help', 'fault'),
    ]);
    expect(overview).toEqual(all);
    expect(faults).toEqual(option);
    expect(unknown).toMatchObject({ status: 2, stderr: expect.stringMatching(/^cablepull: there is no command 'fault'/) });
  });
});

describe('a run that cannot start is refused in one sentence, exit status 1', () => {
  it('a server that does not listen', async () => {
    const { server, port } = await listen();
    await new Promise((resolve) => server.close(resolve));
    const { status, stdout, stderr } = await ended('run', '--server', `127.0.0.1:${port}`, '--devices', '3');
    expect(stderr).toContain(
      `cablepull: no device could connect: 127.0.0.1:${port} gives ECONNREFUSED; is the server running, and is the address correct?`,
    );
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toMatch(
      /^ended after 0\.\d s: 0 of 3 devices connected, .*\n3 attempts to connect failed: ECONNREFUSED\n$/,
    );
    expect(status).toBe(1);
  });

  it('two servers that do not listen: both are tried first', async () => {
    const ports = await Promise.all([listen(), listen()]).then((two) =>
      two.map(({ server, port }) => (server.close(), port)),
    );
    const { status, stdout } = await ended(
      'run',
      ...ports.flatMap((port) => ['--server', `127.0.0.1:${port}`]),
      '--devices',
      '1',
    );
    expect(stdout).toContain('2 attempts to connect failed: ECONNREFUSED');
    expect(status).toBe(1);
  });

  it('a server that does not listen, and a device that never tries', async () => {
    const { server, port } = await listen();
    await new Promise((resolve) => server.close(resolve));
    const { status, stderr } = await ended(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '2',
      '--for',
      '1s',
      '--fault',
      'power-loss on dev-1 at 0s',
    );
    expect(stderr).toContain(`cablepull: no device could connect: 127.0.0.1:${port} gives ECONNREFUSED`);
    expect(status).toBe(1);
  });

  it('a server whose name does not exist', async () => {
    const { status, stderr } = await ended('run', '--server', 'no-such-host.invalid:80', '--devices', '1');
    expect(stderr).toMatch(/no device could connect: (the name no-such-host\.invalid was not found \(EAI_NONAME\): check its spelling|no name server could look up no-such-host\.invalid \(EAI_FAIL\): check the network), or use an IP address$/m);
    expect(status).toBe(1);
  });

  it('a host to listen on that does not exist', async () => {
    const { status, stderr } = await ended('serve', '--host', 'no-such-host.invalid');
    expect(stderr).toMatch(
      /^cablepull: cannot listen: (the name no-such-host\.invalid was not found \(EAI_NONAME\)|no name server could look up no-such-host\.invalid \(EAI_FAIL\)): .*\n$/,
    );
    expect(status).toBe(1);
  });

  it('a port that is in use', async () => {
    const { port } = await listen();
    const { status, stdout, stderr } = await ended('serve', '--port', String(port));
    expect(stderr).toBe(
      `cablepull: cannot listen on 127.0.0.1:${port}: EADDRINUSE (the port is in use; choose another with --port)\n`,
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

describe('the matrix', () => {
  it('is printed by cablepull without arguments', async () => {
    const [plain, named] = await Promise.all([ended(), ended('matrix', '--seed', '1')]);
    expect(plain.stdout).toMatch(/^fault +noticed by +nothing +TCP keepalive 3\/3\/3 +beats 3 s x 5 +both\n/);
    expect(named).toEqual(plain);
    expect(plain).toMatchObject({ status: 0, stderr: '' });
  });

  it('is an object with --json', async () => {
    const { stdout } = await ended('matrix', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      horizonMs: 3_600_000,
      policies: ['nothing', 'TCP keepalive 3/3/3', 'beats 3 s x 5', 'both'],
    });
  });
});

it('the matrix has only the stacks of --stacks', async () => {
  const fault = ['--fault', 'cable-pull on dev-1 at 1m'];
  const { status, stdout } = await ended('matrix', '--profile', 'w5500', '--server-profile', 'freertos-tcp', ...fault);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ +device +never +\d+\.\d s by ETIMEDOUT /m);
  expect(stdout).toMatch(/^cable-pull on dev-1 at 1m +server +never +\d+\.\d s by ENOTCONN /m);
  expect(stdout).toContain(': a W5500 device and a FreeRTOS+TCP server, 20 ms apart.');
  const named = await ended('matrix', '--profile', 'lwip', '--server-profile', 'linux');
  expect(named).toEqual(await ended('matrix'));

  for (const [args, sentence] of [
    [['--profile', 'lwp'], /--profile: there is no profile 'lwp'; the profiles are linux, lwip, w5500, freertos-tcp/],
    [['--server-profile', 'bsd'], /--server-profile: there is no profile 'bsd'/],
    [['--adaptive', '--profile', 'w5500'], /--adaptive always uses lwIP and Linux: it cannot be used with/],
    [['--protocol', 'peers', '--server-profile', 'w5500'], /--protocol peers always uses lwIP and Linux: /],
  ] as const) {
    expect(await ended('matrix', ...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(sentence) });
  }
});

it('the matrix of policies and faults of the user: keepalive and beats as given', async () => {
  const fault = ['--fault', 'cable-pull on dev-1 at 10m', '--fault', 'hang on dev-1 at 10m'];
  const { status, stdout } = await ended('matrix', '--keepalive', '60/10/6', '--beat', '30s', ...fault);
  expect(status).toBe(0);
  const [head, ...rows] = stdout.split('\n');
  expect(head).toMatch(/^fault +noticed by +nothing +TCP keepalive 60\/10\/6 +beats 30 s x 5 +both$/);
  expect(rows[0]).toMatch(/^cable-pull on dev-1 at 10m +server +never +\d+\.\d s by ETIMEDOUT +150\.0 s by silent +/);
  expect(rows[2]).toMatch(/^hang on dev-1 at 10m +server +never +never +150\.0 s by silent +/);

  const several = await ended('matrix', '--beat', '10s', '--beat', '1m', '--missed-limit', '2', ...fault);
  expect(several.stdout).toMatch(/^fault +noticed by +nothing +TCP keepalive 3\/3\/3 +beats 10 s x 2 +beats 60 s x 2$/m);

  for (const [args, sentence] of [
    [['--fault', 'cable-pull on dev-2 at 1m'], /no device is called 'dev-2'; there is dev-1, and server/],
    [['--beat', '3s', '--protocol', 'mqtt'], /change the heartbeat matrix: they cannot be used with --protocol or --adaptive/],
    [['--keepalive', 'off'], /--keepalive off is always compared/],
  ] as const) {
    expect(await ended('matrix', ...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(sentence) });
  }
});

describe('the matrix of periods', () => {
  it('has a line for each box; with --json the same for machines', async () => {
    const [{ stdout, status }, { stdout: json }] = await Promise.all([
      ended('matrix', '--adaptive'), ended('matrix', '--adaptive', '--json'),
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^GCP Cloud NAT +20m +1170\.0 s /m);
    expect(JSON.parse(json)).toHaveLength(6);
  });
});

describe('cablepull faults', () => {
  it('has a line for each kind, with the networks that can do it', async () => {
    const { stdout } = await ended('faults');
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(stdout).toMatch(/^cable-pull +T0 +T3 +T2 +the cable is out/m);
    expect(stdout).toMatch(/^crash +T1 +T3 +T2 /m);
    expect(stdout).toMatch(/^loss 10% +- +T3 +T2 +this share of packets is lost/m);
    expect(stdout).toMatch(/^nat-timeout \[5m\] +- +T3 +T2 /m);
    for (const kind of FAULT_KINDS) expect(stdout).toMatch(new RegExp(`^${kind}( \\S+)? +(T0|T1|-) +T3 +T2 `, 'm'));
  });

  it('has an object for each with --json', async () => {
    const { stdout } = await ended('faults', '--json');
    const rows = stdout.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(rows).toHaveLength(FAULT_KINDS.length);
    expect(rows[0]).toEqual({
      kind: 'cable-pull',
      networks: { real: 'T0', simulated: 'T3', gateway: 'T2' },
      summary: expect.stringContaining('cable'),
    });
  });
});

describe('run --server, against a server that is not ours', () => {
  /** Accepts connections, answers nothing, and closes a connection that is silent for `idleMs`. */
  async function silentServer(idleMs: number): Promise<number> {
    const { port } = await listen(createServer((socket) => {
      socket.setTimeout(idleMs, () => socket.end());
      socket.on('error', () => {}).resume();
    }));
    return port;
  }

  it('measures when that server closes the connection of a device that is off', async () => {
    const port = await silentServer(700);
    const { status, stdout } = await ended(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '2',
      '--no-answers',
      '--beat',
      '200ms',
      '--fault',
      'power-loss on dev-1 at 500ms for 1500ms',
      '--for',
      '3s',
      '--expect',
      'server notices within 1500ms',
      '--expect',
      'service back within 1s',
    );
    expect(stdout).toMatch(/power-loss on dev-1 at 0.5s for 1.5s {2}was off {9}[01]\.\d s by closed/);
    expect(stdout).toMatch(/as expected: server notices within 1\.5s\nas expected: service back within 1s\n$/);
    expect(status).toBe(0);
  });

  it('exits with 1 if an expectation is not met, and prints the actual result', async () => {
    const port = await silentServer(60_000);
    const { status, stdout } = await ended(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '1',
      '--no-answers',
      '--beat',
      '200ms',
      '--fault',
      'hang on dev-1 at 500ms',
      '--for',
      '2s',
      '--expect',
      'server notices within 1s',
    );
    expect(stdout).toMatch(
      /NOT AS EXPECTED: hang on dev-1 at 0.5s, dev-1: the server had not noticed when the run ended 1\.\d s later \(limit: 1s\)/,
    );
    // The server keeps the session until the end of the run.
    expect(stdout).toMatch(/hang on dev-1 at 0.5s {2}hung {12}not by the end \(1\.\d s\)  1\.5 s {2}not healed/);
    expect(status).toBe(1);
  });

  it('--json: each line an object, events first, the report last', async () => {
    const port = await silentServer(60_000);
    const { status, stdout, stderr } = await ended(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '1',
      '--no-answers',
      '--beat',
      '200ms',
      '--fault',
      'reset on dev-1 at 500ms',
      '--for',
      '1500ms',
      '--json',
    );
    const lines = stdout.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(lines[0]).toMatchObject({
      source: 'run',
      kind: 'start',
      format: 'cablepull-trace',
      version: 2,
      network: 'real',
    });
    expect(lines[1]).toMatchObject({ source: 'device', device: 'dev-1', kind: 'boot', boots: 1 });
    expect(lines.at(-2)).toMatchObject({ source: 'run', kind: 'end', interrupted: false });
    expect(lines.at(-1)).toMatchObject({
      kind: 'report',
      interrupted: false,
      verdicts: [{ fault: 'reset', tier: 'T1', deviceNoticed: { by: 'ECONNRESET' } }],
    });
    expect(stderr).not.toContain('boot 1');
    expect(status).toBe(0);
  });

  it('ends at once at Ctrl-C, with the results so far, exit status 130', async () => {
    const port = await silentServer(60_000);
    const program = cablepull(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '2',
      '--no-answers',
      '--fault',
      'hang on dev-2 at 100ms',
      '--json',
    );
    await program.line(/"kind":"fault"/);
    const atMs = performance.now();
    program.child.kill('SIGINT');
    const { status } = await program.ended();
    expect(performance.now() - atMs).toBeLessThan(2000);
    expect(status).toBe(130);
    expect(JSON.parse(program.lines.at(-1) ?? '')).toMatchObject({
      kind: 'report',
      interrupted: true,
      verdicts: [{ fault: 'hang', device: 'dev-2' }],
    });
  });
});

describe('run --server', () => {
  it('--wait: begins when the server listens, and says so if it never does', async () => {
    const { server, port } = await listen();
    await new Promise((resolve) => server.close(resolve));
    const run = cablepull('run', '--server', `127.0.0.1:${port}`, '--devices', '1', '--for', '1s', '--wait', '20s');
    const [first] = await once(run.child.stderr, 'data');
    expect(String(first)).toMatch(/^waiting for 127\.0\.0\.1:\d+ to listen, 20s at most$/m);
    const late = createServer((socket) => socket.pipe(socket).on('error', () => undefined));
    listening.push(late);
    late.listen(port, '127.0.0.1');
    const { status, stdout } = await run.ended();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ended after 1\.0 s: 1 of 1/);

    const { server: gone, port: unused } = await listen();
    await new Promise((resolve) => gone.close(resolve));
    expect(await ended('run', '--server', `127.0.0.1:${unused}`, '--wait', '200ms')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/127\.0\.0\.1:\d+ did not accept a connection within 0\.2s: ECONNREFUSED/),
    });
    expect(await ended('run', '--wait', '1s')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--wait needs --server HOST:PORT, over real sockets'),
    });
  });

  it('ends its connections in order at the end, those of a device without power among them', async () => {
    const ends: string[] = [];
    const server = createServer((socket) => {
      socket.pipe(socket).on('error', ({ message }) => ends.push(message));
      socket.on('end', () => ends.push('FIN'));
    });
    const { port } = await listen(server);
    const { status } = await ended(
      'run', '--server', `127.0.0.1:${port}`, '--devices', '3', '--for', '2s', '--fault', 'power-loss on dev-1 at 1s',
    );
    expect(status).toBe(0);
    await new Promise((resolve) => server.close(resolve));
    expect(ends).toEqual(['FIN', 'FIN', 'FIN']);
  });
});

it('prints equal events of several devices in one line', async () => {
  const { port } = await listen(createServer((socket) => socket.on('error', () => {}).resume()));
  const { stderr } = await ended(
    'run',
    '--server',
    `127.0.0.1:${port}`,
    '--devices',
    '3',
    '--no-answers',
    '--keepalive',
    '3/3/3',
    '--for',
    '500ms',
  );
  expect(stderr.match(/^.* console: .* cannot be had: .*$/gm)).toEqual([
    expect.stringMatching(/^ +0\.\d s {2}3 devices {1,2}console: /),
  ]);
});

describe('a hint that no beat was answered', () => {
  const HINT = 'does the server speak the protocol heartbeat? If the server never answers beats, use --no-answers';

  it.each(['1s', '150ms'])('is given if beats were missed, or if there was no time to miss them: %s', async (length) => {
    const { port } = await listen(createServer((socket) => socket.on('error', () => {}).resume()));
    const { stderr } = await ended(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '1',
      '--beat',
      '100ms',
      '--missed-limit',
      '2',
      '--for',
      length,
    );
    expect(stderr).toContain(HINT);
  });

  it('is not given if the server sends bytes that are no frame', async () => {
    const { port } = await listen(
      createServer((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end('220 mail.example.org ESMTP\r\n'),
      ),
    );
    const { stdout, stderr } = await ended(
      'run',
      '--server',
      `127.0.0.1:${port}`,
      '--devices',
      '1',
      '--beat',
      '100ms',
      '--for',
      '1s',
    );
    expect(stdout).toMatch(/connections lost without a fault: \d+ by bad-frame/);
    expect(stderr).not.toContain('--no-answers');
  });
});

it('ends quietly when its output has no reader any more', async () => {
  const program = cablepull('run', '--json', '--beat', '50ms', '--for', '20s');
  await program.line(/beat-sent/);
  program.child.stdout.destroy();
  const { stderr } = await program.ended();
  expect(stderr).not.toMatch(/EPIPE|^ {4}at /m);
});

it('serve prints each client that comes or goes, with the reason, and at Ctrl-C a summary', async () => {
  const server = cablepull('serve', '--port', '0', '--scan', '200ms', '--missed-limit', '2');
  const port = Number((await server.line(/listening on 127.0.0.1:\d+$/)).replace(/.*:/, ''));
  const client = cablepull(
    'run',
    '--server',
    `127.0.0.1:${port}`,
    '--devices',
    '1',
    '--beat',
    '100ms',
    '--fault',
    'hang on dev-1 at 300ms',
    '--for',
    '5s',
  );
  await server.line(/client 1 \(127.0.0.1:\d+\) online$/);
  await server.line(/client 1 \(127.0.0.1:\d+\) offline after \d\.\d s: silent for \d\.\d s$/);
  client.child.kill('SIGINT');
  await client.ended();
  server.child.kill('SIGINT');
  const { status, stderr } = await server.ended();
  expect(stderr).toMatch(/^stopped after \d+\.\d s: 1 connection, 0 turned away, \d+ beats?\n$/);
  expect(status).toBe(0);
});
