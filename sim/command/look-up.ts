/** Look-ups of hosts that the command line names. */

import type { Errno } from '../../hal/errno.ts';
import type { Network } from '../../hal/network.ts';

type Found = { readonly text: string; readonly errno?: undefined } | { readonly errno: Errno };

/** Resolves to the first address of a name; an address as text is its own. Resolves to an errno if there is none. */
export function firstAddressOf(host: string, network: Network): Promise<Found> {
  return new Promise((resolve) => {
    network.lookup(host, (result) => {
      if (typeof result === 'string') resolve({ errno: result });
      else resolve(result[0] === undefined ? { errno: 'EAI_NONAME' } : { text: result[0] });
    });
  });
}
