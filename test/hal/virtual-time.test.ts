/** The conformance suite assumes no wall time: it passes in virtual time too, on the loopback of the tests. */

import { describe, expect, test } from 'vitest';
import { type CheckCounts, checks, type CheckResult, runAll, type Subject } from '../../hal/conformance/index.ts';
import type { Hal } from '../../hal/index.ts';
import { expectSound } from '../support/conformance.ts';
import { Loopback } from '../support/loopback.ts';
import { withClock, withNetwork, withStreams } from './wrap.ts';

describe('in virtual time', () => {
  const world = new Loopback();
  world.names.set('localhost', ['127.0.0.1']);
  const [tested, peer] = ['10.0.0.1', '10.0.0.2'].map((address) => ({ hal: world.host(address).hal, address }));
  if (tested === undefined || peer === undefined) throw new Error('two hosts');
  for (const check of checks(tested, peer)) {
    test(check.name, () => {
      let result: CheckResult | undefined;
      check.run((ended) => {
        result = ended;
      });
      world.until(() => result !== undefined, 60_000);
      expectSound(check, result, /^frame:|IPv6|storage: only what was committed/);
    });
  }
});

/** Runs all checks of a port of two hosts, the first of which `change` has spoilt. Returns the lines. */
function runSpoilt(change: (hal: Hal) => Hal): { lines: readonly string[]; counts: CheckCounts; tookMs: number } {
  const world = new Loopback();
  world.names.set('localhost', ['127.0.0.1']);
  const subject = (address: string): Subject => ({ hal: world.host(address).hal, address });
  const [sound, peer] = [subject('10.0.0.1'), subject('10.0.0.2')];
  const lines: string[] = [];
  let counts: CheckCounts | undefined;
  const all = checks({ ...sound, hal: change(sound.hal) }, peer);
  runAll(all, (line) => lines.push(line), (ended) => (counts = ended));
  world.until(() => counts !== undefined, 600_000);
  if (counts === undefined) throw new Error(`stopped after ${lines.length} of ${all.length} checks`);
  return { lines, counts, tookMs: world.now };
}

test('a port whose alarm rings 1 ms early fails that check, and all others are run', () => {
  const early = withClock((clock) => ({ setAlarm: (atMs, isr) => clock.setAlarm(atMs - 1, isr) }));
  const { lines, counts } = runSpoilt(early);
  expect(lines[0]).toMatch(/^FAIL clock: an alarm comes once.*: an alarm of 20 ms came 1 ms early$/);
  expect(counts.fail).toBe(2);
  expect(counts.ok).toBeGreaterThan(30);
});

test('a port whose streams never call back is reported within 30 s', () => {
  const mute = withStreams(() => ({ handler: { readable: () => {}, writable: () => {}, ended: () => {} } }));
  const { lines, counts, tookMs } = runSpoilt(mute);
  expect(lines.join('\n')).toContain('waited 10 s in vain for the connection');
  expect(counts.fail).toBeGreaterThan(10);
  expect(tookMs).toBeLessThan(30_000);
});

test('a check that does not apply is skipped, with the reason; an exception of a port is reported in words', () => {
  const withoutAll = withNetwork((network) => ({
    capabilities: { ...network.capabilities, listen: false, datagram: false },
    lookup: () => {
      throw { reason: 'no resolver' };
    },
  }));
  const { lines } = runSpoilt(withoutAll);
  expect(lines).toContain('skip datagram: over IPv6: the port has no datagrams');
  expect(lines).toContain('skip stream: a connection over IPv6: the port, or its peer, has no IPv6 address');
  expect(lines.join('\n')).toContain('lookup: an address comes back as it is: the port threw {"reason":"no resolver"}');
  expect(lines.join('\n')).not.toContain('[object Object]');
});
