/** Look-ups of hosts that are named on the command line. */

import type { Errno } from '../../hal/errno.ts';
import type { Network } from '../../hal/network.ts';

type Found = { readonly text: string; readonly errno?: undefined } | { readonly errno: Errno };

/** The first address of a host's name; an address in text is its own. */
export function firstAddressOf(host: string, network: Network): Promise<Found> {
  return new Promise((resolve) => {
    network.lookup(host, (result) => {
      if (typeof result === 'string') resolve({ errno: result });
      else resolve(result[0] === undefined ? { errno: 'EAI_NONAME' } : { text: result[0] });
    });
  });
}
