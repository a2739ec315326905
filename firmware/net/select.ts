/** One task waits for several sockets. */

import type { Kernel } from '../rtos/kernel.ts';
import { Semaphore } from '../rtos/semaphore.ts';
import { MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';

/** POLLIN: there may be something to read, the peer's FIN and an error among it. */
export const READABLE = 1;
/** POLLOUT: there may be room to write; an error counts. */
export const WRITABLE = 2;

/** An object that a task can wait for in a `select`: a Socket, a DatagramEndpoint or a ServerSocket. */
export interface Selectable {
  /** @internal Given at every event. */
  selector: Semaphore | undefined;
  /** @internal The events that there are now. */
  readonly ready: number;
}

/** A socket, and what to wait for: READABLE, WRITABLE, or both. A connection to accept is READABLE. */
export interface Interest {
  readonly socket: Selectable;
  readonly events: number;
}

/**
 * select, FreeRTOS_select: waits until it may be worth a try to read or to write one of the sockets, and gives those of
 * which it is, in the order given; none after `timeout` ticks. Only one task at a time may select a socket.
 */
export function* select<I extends Interest>(
  os: Kernel,
  interests: readonly I[],
  timeout = MAX_DELAY,
): Generator<void, I[], void> {
  const startTick = os.getTickCount();
  const changed = new Semaphore(os);
  for (const { socket } of interests) socket.selector = changed;
  let remaining = timeout;
  let ready = interests.filter(isReady);
  while (ready.length === 0 && remaining > 0) {
    yield* changed.take(remaining);
    ready = interests.filter(isReady);
    if (timeout !== MAX_DELAY) remaining = Math.max(timeout - ticksBetween(startTick, os.getTickCount()), 0);
  }
  for (const { socket } of interests) socket.selector = undefined;
  return ready;
}

function isReady({ socket, events }: Interest): boolean {
  return (socket.ready & events) !== 0;
}
