/**
 * `cablepull/hal/conformance`: what every port must do, as checks that need nothing but the HAL, so that they run on
 * the device itself. No test framework, no promises.
 */

import { checkOf } from './check.ts';
import type { Check, Definition, Subject } from './check.ts';
import { clockChecks } from './clock.ts';
import { datagramChecks } from './datagram.ts';
import { frameChecks } from './frame.ts';
import { listenChecks } from './listen.ts';
import { lookupChecks } from './lookup.ts';
import { storageChecks } from './storage.ts';
import { streamDataChecks } from './stream-data.ts';
import { streamEndChecks } from './stream-end.ts';
import { streamOpenChecks } from './stream-open.ts';
import { systemChecks } from './system.ts';

export type { Check, Subject } from './check.ts';

/**
 * The checks of a port, in the order in which to build it. `peer` is what the port talks to: itself over its loopback,
 * or another port on the same network. They use the alarm of the clock, and must be run one after another.
 */
export function checks(tested: Subject, peer: Subject = tested): Check[] {
  const { network } = tested.hal;
  const { listen, datagram } = network.capabilities;
  const definitions: readonly Definition[] = [
    ...clockChecks,
    ...streamOpenChecks,
    ...streamDataChecks,
    ...streamEndChecks,
    ...lookupChecks,
    ...(listen ? listenChecks : []),
    ...(datagram ? datagramChecks : []),
    ...(network.sendFrame === undefined ? [] : frameChecks),
    ...storageChecks,
    ...systemChecks,
  ];
  return definitions.map((definition) => checkOf(definition, tested, peer));
}

/** Runs all checks. `report` gets each when it is over, with undefined or what is wrong; `done` how many failed. */
export function runAll(
  all: readonly Check[],
  report: (name: string, failure: string | undefined) => void,
  done: (failedCount: number) => void,
): void {
  let failedCount = 0;
  const next = (index: number) => {
    const check = all[index];
    if (check === undefined) {
      done(failedCount);
      return;
    }
    check.run((failure) => {
      if (failure !== undefined) failedCount += 1;
      report(check.name, failure);
      next(index + 1);
    });
  };
  next(0);
}
