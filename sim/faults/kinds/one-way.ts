/** Half of the cable is dead. */

import { blackhole } from '../../link/rules/index.ts';
import { WAY, wayOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const oneWayFault = cableFault({
  summary: 'one direction is dead, tx (from the host) or rx (to the host), and nobody learns it; the carrier stays',
  argument: WAY,
  rule: blackhole,
  effect: () => 'cuts',
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => dice.pick(['tx', 'rx']),
  way: (way) => wayOf(way) ?? 'both',
});
