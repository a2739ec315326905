/** The options of a simulation's NAT box. */

import { type Duration, durationUs } from '../time/duration.ts';
import type { Timeouts } from './flows.ts';
import type { NatOptions } from './nat.ts';

export interface SimulatedNatOptions {
  readonly name?: string;
  /** Time without a packet after which it forgets an established TCP connection. Default 2 h 4 min (RFC 5382 REQ-5). */
  readonly idleTimeout?: Duration;
  /**
   * Idle time of a TCP connection that is opening or closing: one side has sent FIN. Linux's conntrack has 60 s for
   * those that wait for the second FIN. Default 4 min (RFC 5382 REQ-5).
   */
  readonly transitoryTimeout?: Duration;
  /**
   * Treatment of a segment of a forgotten connection: it is dropped, or answered by RST, to both sides or to those
   * inside only, or taken up again from inside; or both ends are reset at the expiry. Default `silent`.
   */
  readonly onExpired?: NatOptions['onExpired'];
  /** True: the box and the devices behind it find one another by ARP, as in every home. Default true. */
  readonly arp?: boolean;
}

/** Returns the timeouts that are given, as the box has them. */
export function natTimeouts(
  { idleTimeout, transitoryTimeout }: Pick<SimulatedNatOptions, 'idleTimeout' | 'transitoryTimeout'>,
): Partial<Timeouts> {
  return {
    ...(idleTimeout === undefined ? {} : { establishedUs: durationUs(idleTimeout) }),
    ...(transitoryTimeout === undefined ? {} : { transitoryUs: durationUs(transitoryTimeout) }),
  };
}
