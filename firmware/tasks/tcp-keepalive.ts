/**
 * The FreeRTOS + lwIP keepalive task: it connects, turns keepalive on, and gives back in upper case what it is sent. It beats
 * nothing by itself: only TCP keepalive tells it, and its server, that the other side is gone.
 */

import { errnoOf } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { EventListener } from '../events.ts';
import type { Socket } from '../net/socket.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Task } from '../rtos/task.ts';
import { keepConnected, serverName, type ConnectionConfig, type Conversation, type Server, type SessionEnd } from './connection.ts';

/** How much is read, and given back, at once. */
const BUFFER_BYTES = 128;

export function tcpKeepaliveTask(
  os: Kernel,
  hal: Hal,
  config: ConnectionConfig,
  onEvent: EventListener | undefined,
): Task {
  return keepConnected(os, hal, config, new UpperCaseEcho(hal, onEvent), onEvent);
}

class UpperCaseEcho implements Conversation {
  readonly #hal: Hal;
  readonly #tell: EventListener | undefined;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);

  constructor(hal: Hal, tell: EventListener | undefined) {
    this.#hal = hal;
    this.#tell = tell;
  }

  *session(socket: Socket, server: Server): Generator<void, SessionEnd, void> {
    this.#hal.console.print(`connected to ${serverName(server)}`);
    for (;;) {
      const received = yield* socket.read(this.#buffer);
      if (received === 0) return { by: 'closed' };
      if (received < 0) return { by: errnoOf(received) };
      this.#tell?.({ kind: 'data-received', bytes: received });
      const text = this.#buffer.subarray(0, received);
      toUpperCase(text);
      const sent = yield* socket.write(text);
      if (sent < 0) return { by: errnoOf(sent) };
      this.#tell?.({ kind: 'data-sent', bytes: sent });
    }
  }
}

/** toupper of the C locale, on every byte. */
function toUpperCase(text: Uint8Array): void {
  for (const [i, byte] of text.entries()) {
    if (byte >= 0x61 && byte <= 0x7a) text[i] = byte - 0x20;
  }
}
