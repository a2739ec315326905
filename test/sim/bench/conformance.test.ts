/** A board's HAL keeps the contract, as every port must: in virtual time, and over this machine's sockets. */

import { afterAll, describe, test } from 'vitest';
import { checks, type Check, type CheckResult, type Subject } from '../../../hal/conformance/index.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { Clock } from '../../../hal/clock.ts';
import type { Network } from '../../../hal/network.ts';
import { nodeClock, nodeNetwork } from '../../../hal/node/index.ts';
import { Bench } from '../../../sim/bench/bench.ts';
import { expectSound } from '../../support/conformance.ts';
import { Loopback } from '../../support/loopback.ts';
import { clocksOf } from './rig.ts';

/** Two boards: what cannot listen needs a peer that can, so that the second one has the host's own network. */
function subjects(
  network: Network,
  peerNetwork: Network,
  newClock: () => Clock,
  addresses: readonly [string, string],
): { bench: Bench; tested: Subject; peer: Subject } {
  const bench = new Bench({ network, newClock, seed: 1, onTrace: () => {} });
  const hals = ['tested', 'peer'].map((name) => {
    let booted: Hal | undefined;
    bench.addDevice(name, (hal) => (booted = hal)).power.restore();
    if (booted === undefined) throw new Error('did not boot');
    return booted;
  });
  const [tested, peer] = hals;
  if (tested === undefined || peer === undefined) throw new Error('two boards');
  // A board's HAL is one object that gives itself for most of its parts: it cannot be spread.
  const { clock, storage, random, console, system } = peer;
  const peerHal: Hal = { clock, network: peerNetwork, storage, random, console, system };
  return { bench, tested: { hal: tested, address: addresses[0] }, peer: { hal: peerHal, address: addresses[1] } };
}

/** Checks that listen on the tested port itself, which a board on the bench cannot do. */
const NEED_TO_LISTEN = ['stream: the local port can be chosen', 'stream: a local port that is taken'];

/** Names of the checks of features that a board on the bench lacks. */
const NOT_HERE = /^(frame|listen):|IPv6|storage: only what was committed/;

describe('in virtual time', () => {
  /** The loopback below is for firmware that hands it good addresses; these checks hand it bad ones. */
  const leftOut = [...NEED_TO_LISTEN, 'stream: a closed port refuses', 'stream: what is no address'];
  const world = new Loopback();
  world.names.set('localhost', ['127.0.0.1']);
  const [first, second] = [world.host('10.0.0.1'), world.host('10.0.0.2')];
  const { tested, peer } = subjects(first.hal.network, second.hal.network, clocksOf(world), ['10.0.0.1', '10.0.0.2']);
  for (const check of checks(tested, peer)) {
    test.skipIf(leftOut.some((start) => check.name.startsWith(start)))(check.name, () => {
      let result: CheckResult | undefined;
      check.run((ended) => {
        result = ended;
      });
      world.until(() => result !== undefined, 60_000);
      expectSound(check, result, NOT_HERE);
    });
  }
});

describe('over real sockets', () => {
  const network = nodeNetwork();
  const { bench, tested, peer } = subjects(network, network, nodeClock, ['127.0.0.1', '127.0.0.1']);
  const run = (check: Check): Promise<CheckResult> => new Promise((resolve) => check.run(resolve));
  for (const check of checks(tested, peer)) {
    test.skipIf(NEED_TO_LISTEN.some((start) => check.name.startsWith(start)))(check.name, async () => {
      expectSound(check, await run(check), NOT_HERE);
    });
  }
  afterAll(() => bench.stop());
});
