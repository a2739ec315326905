/** The refusals: each names the call that cannot be simulated, and says what to do in its place. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Program } from '../../support/process.ts';
import { NODES } from './support/nodes.ts';

const OTHER_PROGRAM = 'let the other program be a host of its own';
const ENDS = 'a program ends by process.exit, or by an error that nobody handles';
const A_PORT = 'use a port of TCP or UDP';

/** Error message of each call, without the host's name. */
const REFUSED: Readonly<Record<string, string>> = {
  spawn: `child_process.spawn: ${OTHER_PROGRAM}`,
  spawnSync: `child_process.spawnSync: ${OTHER_PROGRAM}`,
  exec: `child_process.exec: ${OTHER_PROGRAM}`,
  execSync: `child_process.execSync: ${OTHER_PROGRAM}`,
  execFile: `child_process.execFile: ${OTHER_PROGRAM}`,
  execFileSync: `child_process.execFileSync: ${OTHER_PROGRAM}`,
  'child_process.fork': `child_process.fork: ${OTHER_PROGRAM}`,
  'ChildProcess.spawn': `child_process.ChildProcess.prototype.spawn: ${OTHER_PROGRAM}`,
  'cluster.fork': 'cluster.fork: let one process serve alone',
  Worker: "worker_threads.Worker: do the work in the program's own thread",
  BoundSocket: 'net.BoundSocket: let the server listen on the port itself',
  'inspector.open': 'inspector.open: start Node itself with --inspect',
  'inspector.waitForDebugger': 'inspector.waitForDebugger: start Node itself with --inspect',
  'process.kill': `process.kill: ${ENDS}`,
  'process.abort': `process.abort: ${ENDS}`,
  'process.execve': `process.execve: ${ENDS}`,
  'new Socket({ fd })': `a socket of descriptor N: ${A_PORT}`,
  'bind({ fd })': `a datagram socket of descriptor N: ${A_PORT}`,
  'listen(path)': `a unix socket, PATH-2: ${A_PORT}`,
  'listen({ fd })': `listening on descriptor N: ${A_PORT}`,
  'connect(path)': `a unix socket, PATH: ${A_PORT}`,
  'connect({ path })': `a unix socket, PATH: ${A_PORT}`,
};

/** Parts of newer versions of Node. */
const SINCE: Readonly<Record<string, number>> = { BoundSocket: 24, 'process.execve': 22 };

const SCRIPT = fileURLToPath(new URL('support/refused.mjs', import.meta.url));

for (const { version, node } of NODES) {
  it(`on Node ${version}`, async () => {
    const { stdout, stderr } = await new Program(node, ['--no-warnings', SCRIPT]).ended();
    const expected = Object.entries(REFUSED).map(([name, refusal]) => {
      if (Number.parseInt(version) < (SINCE[name] ?? 0)) return `${name}: this Node has none`;
      const [what, ...instead] = refusal.split(': ');
      return `${name}: not simulated: ${what}, on host server: ${instead.join(': ')}`;
    });
    expect(`${stderr}${stdout}`.trim().split('\n')).toEqual([
      ...expected,
      'connect(no such path): connect ENOENT PATH-2',
      'process.send: undefined',
    ]);
  });
}
