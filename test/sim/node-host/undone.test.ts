/** A simulation with Node programs undoes its changes to the process; a simulation without them changes nothing. */

import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { describeTraceEvent } from '../../../sim/trace/trace.ts';
import { PAIRS, runPair } from './support/npm-pairs.ts';

const require = createRequire(import.meta.url);

/** Returns the objects that the simulation patches, as programs find them. */
function places(): Record<string, object> {
  const network = ['net', 'tls', 'http', 'https', 'dgram', 'dns', 'dns/promises'];
  const modules = [...network, 'crypto', 'zlib', 'os', 'child_process', 'cluster'];
  const builtins = [...modules, 'worker_threads', 'module', 'url', 'timers', 'timers/promises'].map(
    (name): [string, object] => [name, require(name)],
  );
  const timer = setTimeout(() => undefined);
  clearTimeout(timer);
  const immediate = setImmediate(() => undefined);
  clearImmediate(immediate);
  return {
    globalThis,
    process,
    Math,
    Date,
    performance,
    'Date.prototype': Date.prototype,
    'Timeout.prototype': Object.getPrototypeOf(timer),
    'Immediate.prototype': Object.getPrototypeOf(immediate),
    'net.Socket.prototype': require('net').Socket.prototype,
    'net.Server.prototype': require('net').Server.prototype,
    'tls.TLSSocket.prototype': require('tls').TLSSocket.prototype,
    'http.OutgoingMessage.prototype': require('http').OutgoingMessage.prototype,
    'process.stdout': process.stdout,
    'crypto.webcrypto': Object.getPrototypeOf(globalThis.crypto),
    ...Object.fromEntries(builtins),
  };
}

type Seen = Map<string, PropertyDescriptor | undefined>;

function look(): Seen {
  const seen: Seen = new Map();
  for (const [place, object] of Object.entries(places())) {
    for (const key of Reflect.ownKeys(object))
      seen.set(`${place}: ${String(key)}`, Object.getOwnPropertyDescriptor(object, key));
  }
  return seen;
}

/** Returns the functions and accessors that differ. Data change by themselves. */
function changes(before: Seen, after: Seen): string[] {
  const isSame = (one: PropertyDescriptor | undefined, other: PropertyDescriptor | undefined): boolean =>
    one?.get === other?.get && (one?.value === other?.value || typeof one?.value !== 'function');
  return [...before.keys()].filter((name) => !isSame(before.get(name), after.get(name)));
}

it('changes nothing without a Node program', async () => {
  const before = look();
  await import('../../../sim/vitest/index.ts');
  const sim = new Simulation({ seed: 1 });
  await sim.runFor('10s');
  expect(changes(before, look())).toEqual([]);
});

it('puts everything back after each run', async () => {
  // Node makes a new object at the first access.
  Reflect.get(require('crypto'), 'pseudoRandomBytes');
  const before = look();
  const sim = new Simulation({ seed: 1 });
  let during: Seen = new Map();
  sim.addServer(nodeProgram(() => void (during = look())));
  await sim.runFor('10s');
  expect(changes(before, during)).toEqual(expect.arrayContaining(['Date: now', 'net.Socket.prototype: connect']));
  expect(changes(before, look())).toEqual([]);
});

it('has simulations that run at once take no notice of each other', async () => {
  const pairs = PAIRS.filter(({ packages }) => packages.length === 0).filter(({ name }) => !/^http(s|2)$/.test(name));
  const alone = [];
  for (const pair of pairs) alone.push((await runPair(pair, 'cable')).hash);
  const together = await Promise.all([...pairs, ...pairs].map((pair) => runPair(pair, 'cable')));
  expect(together.map(({ hash }) => hash)).toEqual([...alone, ...alone]);
});

it('has a run that fails leave nothing behind', async () => {
  const before = look();
  const failing = new Simulation();
  failing.addServer(
    nodeProgram(() => {
      throw new Error('no such thing');
    }),
  );
  await expect(failing.runFor('1s')).rejects.toThrow('no such thing');
  expect(changes(before, look())).toEqual([]);
  const lines: string[] = [];
  const next = new Simulation({ seed: 1, onTrace: (event) => lines.push(describeTraceEvent(event)) });
  next.addServer(nodeProgram(() => void require('net').createServer().listen(80)));
  await next.runFor('1s');
  expect(lines.join('\n')).toContain('listening on 0.0.0.0:80');
});
