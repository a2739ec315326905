/** Cryptography of programs: what Node does at once holds nothing up, and what it does on its threads comes in no time. */

import { createHook } from 'node:async_hooks';
import crypto from 'node:crypto';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { Simulation } from '../../../sim/simulation.ts';

/** Runs a program for 10 s; gives how many timers of real time were waited for. */
async function turnsOf(program: (nowMs: () => number) => unknown): Promise<number> {
  let timers = 0;
  const hook = createHook({
    init(_, type) {
      if (type === 'Timeout') timers++;
    },
  });
  const sim = new Simulation({ seed: 1 });
  sim.addServer(nodeProgram(() => void program(() => sim.nowMs)));
  await sim.runFor('1s');
  hook.enable();
  await sim.runFor('9s');
  hook.disable();
  return timers;
}

it('is waited for where it is done on threads, with virtual time standing still', async () => {
  const tookMs: number[] = [];
  await turnsOf((nowMs) => {
    setInterval(async () => {
      const beganMs = nowMs();
      await promisify(crypto.pbkdf2)('word', 'salt', 1000, 32, 'sha256');
      await crypto.subtle.digest('SHA-256', new Uint8Array(8));
      await promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' });
      tookMs.push(nowMs() - beganMs);
    }, 2000);
  });
  expect(tookMs).toEqual([0, 0, 0, 0, 0]);
});

it('is not waited for where it is done at once, until the collector finds its job', async () => {
  let calls = 0;
  const turns = await turnsOf(() => {
    setInterval(() => {
      crypto.pbkdf2Sync('word', 'salt', 1, 32, 'sha256');
      crypto.scryptSync('word', 'salt', 16, { N: 2 });
      crypto.hkdfSync('sha256', 'key', 'salt', 'info', 16);
      const { privateKey } = crypto.generateKeyPairSync('ed25519');
      crypto.sign(null, Buffer.from('text'), privateKey);
      expect(() => crypto.sign('sha256', Buffer.from('text'), privateKey)).toThrow();
      calls++;
    }, 500);
  });
  expect(calls).toBe(20);
  // The program's own intervals are armed again without a timer of Node's.
  expect(turns).toBeLessThan(20);
});
