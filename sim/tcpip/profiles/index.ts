/** The TCP/IP stacks there are. */

import type { Profile, ProfileName } from '../profile.ts';
import { FREERTOS_TCP } from './freertos-tcp.ts';
import { LINUX } from './linux.ts';
import { LWIP } from './lwip.ts';
import { W5500 } from './w5500.ts';

/** Frozen: a stack that differs is a copy. */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = freeze({
  linux: LINUX,
  lwip: LWIP,
  w5500: W5500,
  'freertos-tcp': FREERTOS_TCP,
});

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freeze(part);
  }
  return Object.freeze(value);
}
