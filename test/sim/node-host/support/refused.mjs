/** A program that does what is not simulated, one after the other, and prints what it hears. Run by Node alone. */

import { mkdtempSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeProgram, Simulation } from '../../../../dist/sim/index.js';

const FILE = fileURLToPath(import.meta.url);

/** A unix socket and a connected descriptor that truly exist. */
async function realThings() {
  const folder = mkdtempSync(join(tmpdir(), 'cablepull-refused-'));
  const path = join(folder, 'socket');
  const server = net.createServer().listen(path);
  const client = net.connect(path);
  await new Promise((resolve) => client.on('connect', resolve));
  const end = () => {
    client.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  };
  return { path, fd: client._handle.fd, end };
}

const { path, fd, end } = await realThings();
const file = openSync(FILE, 'r');

async function program() {
  const childProcess = await import('node:child_process');
  const { ChildProcess } = childProcess;
  const cluster = (await import('node:cluster')).default;
  const dgram = await import('node:dgram');
  const inspector = await import('node:inspector');
  const threads = await import('node:worker_threads');
  const emits = (emitter) => new Promise((resolve, reject) => emitter.on('error', reject));
  const calls = {
    spawn: () => childProcess.spawn('true'),
    spawnSync: () => {
      throw childProcess.spawnSync('true').error;
    },
    exec: () => childProcess.exec('true'),
    execSync: () => childProcess.execSync('true'),
    execFile: () => childProcess.execFile('true'),
    execFileSync: () => childProcess.execFileSync('true'),
    'child_process.fork': () => childProcess.fork(FILE),
    'ChildProcess.spawn': () => new ChildProcess().spawn({ file: 'true', args: ['true'] }),
    'cluster.fork': () => cluster.fork(),
    Worker: () => new threads.Worker(FILE),
    BoundSocket: () => (net.BoundSocket === undefined ? absent() : new net.BoundSocket({ port: 0 })),
    'inspector.open': () => inspector.open(0),
    'inspector.waitForDebugger': () => inspector.waitForDebugger(),
    'process.kill': () => process.kill(process.pid, 'SIGKILL'),
    'process.abort': () => process.abort(),
    'process.execve': () => (process.execve === undefined ? absent() : process.execve(process.execPath, ['true'])),
    'new Socket({ fd })': () => new net.Socket({ fd }),
    'bind({ fd })': () => dgram.createSocket('udp4').bind({ fd: file }),
    'listen(path)': () => emits(net.createServer().listen(`${path}-2`)),
    'listen({ fd })': () => emits(net.createServer().listen({ fd })),
    'connect(path)': () => emits(net.connect(path)),
    'connect({ path })': () => emits(net.connect({ path })),
    'connect(no such path)': () => emits(net.connect(`${path}-2`)),
  };
  for (const [name, call] of Object.entries(calls)) {
    try {
      await call();
      console.log(`${name}: it was done`);
    } catch (error) {
      console.log(`${name}: ${error.message.replaceAll(path, 'PATH').replace(/descriptor \d+/, 'descriptor N')}`);
    }
  }
  console.log(`process.send: ${process.send}`);
}

function absent() {
  throw new Error('this Node has none');
}

const sim = new Simulation({ seed: 1 });
sim.addServer(nodeProgram(program, { onOutput: (line) => console.log(line) }));
await sim.runFor('1s');
end();
