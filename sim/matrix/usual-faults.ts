/** The rows that every matrix of faults has: what breaks on the device and on the server, by the row's name. */

import type { MatrixFault } from './matrix.ts';

const USUAL_FAULTS = {
  cable: (at: string) => `cable-pull on dev-1 at ${at}`,
  power: (at: string) => `power-loss on dev-1 at ${at}`,
  'power and reboot': (at: string) => `power-loss on dev-1 at ${at} for 5s`,
  hang: (at: string) => `hang on dev-1 at ${at}`,
  'server power': (at: string) => `power-loss on server at ${at}`,
  'server hang': (at: string) => `hang on server at ${at}`,
} as const;

export type UsualFault = keyof typeof USUAL_FAULTS;

/** Returns the maker of a matrix's usual rows, whose faults come at that time; `why` is about the matrix's protocol. */
export function usualFaultsAt(at: string): (name: UsualFault, why: string) => MatrixFault {
  return (name, why) => ({ name, plan: USUAL_FAULTS[name](at), why });
}
