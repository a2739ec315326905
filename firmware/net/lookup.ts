/** Name look-up for tasks. */

import type { Errno } from '../../hal/errno.ts';
import type { Network } from '../../hal/network.ts';
import type { Kernel } from '../rtos/kernel.ts';
import { Semaphore } from '../rtos/semaphore.ts';

/** getaddrinfo: the addresses of a name, in the order to try them; an errno, ETIMEDOUT after `timeout` ticks. */
export function* lookup(
  os: Kernel,
  network: Network,
  name: string,
  timeout: number,
): Generator<void, readonly string[] | Errno, void> {
  const answered = new Semaphore(os);
  let answer: readonly string[] | Errno = 'ETIMEDOUT';
  const query = network.lookup(name, (result) => {
    answer = result;
    answered.giveFromIsr();
  });
  if (!(yield* answered.take(timeout))) query.cancel();
  return answer;
}
