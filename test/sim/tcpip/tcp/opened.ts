/** An open connection with nothing in flight, as tests of a connection's rules begin. */

import type { Profile, ProfileName } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import type { Tcb } from '../../../../sim/tcpip/tcp/tcb.ts';
import { Rig, type User } from '../rig.ts';

/** Timers that fire at the first tick that is not early: 4 ms after what they are set to. */
export const EXACT: Profile = { ...PROFILES.linux, timers: 'tick' };

export interface Opened {
  readonly rig: Rig;
  readonly user: User;
  readonly tcb: Tcb;
}

/** A connection whose handshake took `roundTripMs`, and nothing else was measured. */
export function opened(
  profile: ProfileName | Profile = EXACT, options = 'win 60000 mss 1000', { roundTripMs = 100, seed = 1 } = {},
): Opened {
  const rig = new Rig(profile, seed);
  const user = rig.connected(options, undefined, roundTripMs);
  const { tcb } = rig;
  if (tcb === undefined) throw new Error('no connection');
  return { rig, user, tcb };
}
