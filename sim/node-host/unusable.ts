/** The one sentence for a Node whose inside is not as this room needs it. */

import node from 'node:process';

/** Returns the error for a Node that cannot be used. */
export function unusable(why: string): Error {
  return new Error(`a Node program cannot be simulated on Node ${node.version}: ${why}`);
}
