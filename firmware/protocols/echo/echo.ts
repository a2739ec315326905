/**
 * The FreeRTOS + lwIP keepalive task: it connects, turns keepalive on, and returns in upper case what it receives. It
 * sends no beats: only TCP keepalive tells the device and its server that the other side is gone.
 */

import { errnoOf, failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { EventListener } from '../../events.ts';
import { READABLE, WRITABLE } from '../../net/select.ts';
import type { Socket } from '../../net/socket.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { MAX_DELAY } from '../../rtos/ticks.ts';
import {
  keepConnected, serverName, type ConnectionConfig, type Dialogue, type Server, type SessionEnd,
} from '../../tasks/connection.ts';

/** Bytes that are read and returned at once. */
const BUFFER_BYTES = 128;

/**
 * Interval at which a blocked writer checks the connection after the peer's FIN: the network reports nothing more,
 * while writing may continue.
 */
const LOOK_MS = 1000;

const EAGAIN = failure('EAGAIN');

export function echoTask(
  os: Kernel,
  hal: Hal,
  config: ConnectionConfig,
  onEvent: EventListener | undefined,
): Task {
  return keepConnected(os, hal, config, new UpperCaseEcho(os, hal, onEvent), onEvent);
}

class UpperCaseEcho implements Dialogue {
  readonly #os: Kernel;
  readonly #hal: Hal;
  readonly #tell: EventListener | undefined;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** Bytes that were read and are to be returned, and how many of them were. */
  #textBytes = 0;
  #sentBytes = 0;

  constructor(os: Kernel, hal: Hal, tell: EventListener | undefined) {
    this.#os = os;
    this.#hal = hal;
    this.#tell = tell;
  }

  begin(_socket: Socket, server: Server): void {
    this.#hal.console.print(`connected to ${serverName(server)}`);
    this.#textBytes = 0;
    this.#sentBytes = 0;
  }

  turn(socket: Socket): SessionEnd | undefined {
    for (;;) {
      const count = this.#textBytes === 0 ? this.#read(socket) : this.#write(socket);
      if (count === EAGAIN) return undefined;
      if (count === 0) return { by: 'closed' };
      if (count < 0) return { by: errnoOf(count) };
    }
  }

  get waitsFor(): number {
    return this.#textBytes === 0 ? READABLE : WRITABLE;
  }

  waitTicks(): number {
    return this.#textBytes === 0 ? MAX_DELAY : this.#os.msToTicks(LOOK_MS);
  }

  #read(socket: Socket): number {
    const count = socket.tryRead(this.#buffer);
    if (count <= 0) return count;
    this.#tell?.({ kind: 'data-received', bytes: count });
    toUpperCase(this.#buffer.subarray(0, count));
    this.#textBytes = count;
    return count;
  }

  #write(socket: Socket): number {
    const count = socket.tryWrite(this.#buffer.subarray(this.#sentBytes, this.#textBytes));
    if (count < 0) return count;
    this.#sentBytes += count;
    if (this.#sentBytes < this.#textBytes) return EAGAIN;
    this.#tell?.({ kind: 'data-sent', bytes: this.#textBytes });
    this.#tell?.({ kind: 'served', afterMs: 0 });
    this.#textBytes = 0;
    this.#sentBytes = 0;
    return count;
  }
}

/** toupper of the C locale, on every byte. */
function toUpperCase(text: Uint8Array): void {
  for (const [i, byte] of text.entries()) {
    if (byte >= 0x61 && byte <= 0x7a) text[i] = byte - 0x20;
  }
}
