/**
 * The hardware abstraction layer: all that firmware may know of the world, handed to it as one object.
 *
 * It is written for two readers. Who writes firmware finds what to call. Who writes a port finds what it
 * MUST and MUST NOT do; README.md tells in which order to build it, and conformance/ says whether it is done.
 * It fits a device's own JavaScript runtime (ECMA-419): bytes are `Uint8Array`; there are no streams,
 * event emitters, promises or host classes in it.
 */

import type { Clock } from './clock.ts';
import type { Console } from './console.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import type { Storage } from './storage.ts';
import type { System } from './system.ts';

export interface Hal {
  readonly clock: Clock;
  readonly network: Network;
  readonly storage: Storage;
  readonly random: Random;
  readonly console: Console;
  readonly system: System;
}
