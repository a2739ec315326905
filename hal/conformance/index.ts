/**
 * `cablepull/hal/conformance`: what every port must do, as checks that need nothing but the HAL, so that they run on
 * the device itself. No test framework, no promises.
 */

import { checkOf, Patience, skip } from './check.ts';
import type { Check, CheckResult, Definition, Subject } from './check.ts';
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

export type { Check, CheckResult, Subject } from './check.ts';

/**
 * The checks of a port, in the order in which to build it. `peer` is what the port talks to: itself over its loopback,
 * or another port on the same network. They use the alarm of the clock, and must be run one after another. A check that
 * does not apply to the port is among them, and is skipped.
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
    ...(listen ? listenChecks : skipped(listenChecks, 'the port has no listening sockets')),
    ...(datagram ? datagramChecks : skipped(datagramChecks, 'the port has no datagrams')),
    ...(network.sendFrame === undefined ? skipped(frameChecks, 'the port sends no raw frames') : frameChecks),
    ...storageChecks,
    ...systemChecks,
  ];
  const patience = new Patience();
  return definitions.map((definition) => checkOf(definition, tested, peer, patience));
}

/** The same checks, of which none applies. */
function skipped(definitions: readonly Definition[], why: string): Definition[] {
  return definitions.map((definition) => ({
    ...definition,
    *steps() {
      skip(why);
    },
  }));
}

/** Number of checks for each outcome. */
export type CheckCounts = Readonly<Record<CheckResult['kind'], number>>;

/** Runs all checks. `report` gets the line of each when it has ended, and its result; `done` gets the counts. */
export function runAll(
  all: readonly Check[],
  report: (line: string, name: string, result: CheckResult) => void,
  done: (counts: CheckCounts) => void,
): void {
  const counts = { ok: 0, skip: 0, fail: 0 };
  const next = (index: number) => {
    const check = all[index];
    if (check === undefined) {
      done(counts);
      return;
    }
    check.run((result) => {
      counts[result.kind] += 1;
      report(lineOf(check.name, result), check.name, result);
      next(index + 1);
    });
  };
  next(0);
}

/** `ok   clock: ...`, `skip listen: ...: why`, `FAIL stream: ...: why`. */
function lineOf(name: string, result: CheckResult): string {
  switch (result.kind) {
    case 'ok': return `ok   ${name}`;
    case 'skip': return `skip ${name}: ${result.why}`;
    case 'fail': return `FAIL ${name}: ${result.why}`;
  }
}
