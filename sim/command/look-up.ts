/** Look-ups of hosts that the command line names. */

import type { Errno } from '../../hal/errno.ts';
import type { Network } from '../../hal/network.ts';

type Found = { readonly text: string; readonly errno?: undefined } | { readonly errno: Errno };

/** Returns why a name has no address, and what to check; undefined if the errno has another cause. */
export function lookUpProblem(host: string, errno: Errno): string | undefined {
  switch (errno) {
    case 'EAI_NONAME':
      return `the name ${host} was not found (${errno}): check its spelling, or use an IP address`;
    case 'EAI_FAIL':
      return `no name server could look up ${host} (${errno}): check the network, or use an IP address`;
    default:
      return undefined;
  }
}

/** Resolves to the first address of a name; an address as text is its own. Resolves to an errno if there is none. */
export function firstAddressOf(host: string, network: Network): Promise<Found> {
  return new Promise((resolve) => {
    network.lookup(host, (result) => {
      if (typeof result === 'string') resolve({ errno: result });
      else resolve(result[0] === undefined ? { errno: 'EAI_NONAME' } : { text: result[0] });
    });
  });
}
