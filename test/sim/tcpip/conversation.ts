/**
 * Two boards that send each other a stream of known bytes, in random pieces and with random pauses, half-close when
 * theirs is sent, and close when the other's has come too; and what each end has seen of it.
 */

import { errnoOf, failure, type Errno } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { KeepAlive, StreamHandler, StreamSocket } from '../../../hal/network.ts';
import type { Seeded } from '../../support/seeded.ts';

const EAGAIN = failure('EAGAIN');
const PORT = 4000;

/** The byte at a place of a stream: neither constant nor of a short period. */
export function byteAt(salt: number, at: number): number {
  return (Math.imul(at + salt * 7919 + 1, 0x9e3779b1) >>> 23) & 0xff;
}

export interface Manners {
  readonly bytes: number;
  readonly writeMax: number;
  readonly readMax: number;
  /** The longest pause before it reads or writes again; 0: at once. */
  readonly pauseMaxMs: number;
  readonly noDelay: boolean;
  readonly keepAlive: KeepAlive | 'off';
}

/** One end. */
export class Talker implements StreamHandler {
  readonly name: string;
  socket: StreamSocket | undefined = undefined;
  /** Number of bytes that the stack has taken. `isShutDown`: whether FIN was asked for. */
  written = 0;
  isShutDown = false;
  received = 0;
  /** The end of the stream was read. */
  sawEnd = false;
  errno: Errno | undefined = undefined;
  isClosed = false;
  /** Message about a byte that differs from the one that was sent. There must be no such byte. */
  wrong: string | undefined = undefined;
  readonly #hal: Hal;
  readonly #salt: number;
  readonly #peerSalt: number;
  readonly #manners: Manners;
  readonly #random: Seeded;
  #wakeAtMs = Infinity;

  constructor(name: string, hal: Hal, salts: readonly [own: number, peer: number], manners: Manners, random: Seeded) {
    this.name = name;
    this.#hal = hal;
    [this.#salt, this.#peerSalt] = salts;
    this.#manners = manners;
    this.#random = random;
  }

  connect(address: string): void {
    this.socket = this.#hal.network.openStream(this);
    this.#options();
    this.socket.connect({ address, port: PORT });
  }

  listen(): void {
    const listener = this.#hal.network.listen({ address: '0.0.0.0', port: PORT }, 4, {
      listening: () => {},
      incoming: () => {
        this.socket = listener.accept(this);
        this.#options();
        this.#go();
      },
      ended: (reason) => {
        throw new Error(`${this.name} does not listen: ${reason}`);
      },
    });
  }

  get isOver(): boolean {
    return this.errno !== undefined || this.isClosed;
  }

  readable(): void {
    this.#goSoon();
  }

  writable(): void {
    this.#goSoon();
  }

  ended(reason: Errno | 'closed'): void {
    if (reason !== 'closed') this.errno ??= reason;
    this.#goSoon();
  }

  #options(): void {
    this.socket?.setNoDelay(this.#manners.noDelay);
    this.socket?.setKeepAlive(this.#manners.keepAlive);
  }

  #goSoon(): void {
    if (this.#manners.pauseMaxMs === 0) this.#go();
    else this.#wakeIn(this.#random.below(this.#manners.pauseMaxMs));
  }

  #wakeIn(delayMs: number): void {
    const atMs = this.#hal.clock.now() + delayMs;
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#hal.clock.setAlarm(atMs, () => {
      this.#wakeAtMs = Infinity;
      this.#go();
    });
  }

  #go(): void {
    const { socket } = this;
    if (socket === undefined || this.isClosed) return;
    const more = this.#read(socket);
    this.#write(socket);
    if (more) this.#wakeIn(this.#random.below(this.#manners.pauseMaxMs + 1) + 1);
    if (this.errno !== undefined || (this.sawEnd && this.isShutDown)) {
      this.isClosed = true;
      socket.close();
    }
  }

  /** Reads a few times. Whether there may be more. */
  #read(socket: StreamSocket): boolean {
    for (let times = this.#random.below(4); times >= 0; times--) {
      const into = new Uint8Array(1 + this.#random.below(this.#manners.readMax));
      const count = socket.read(into);
      if (count === EAGAIN) return false;
      if (count === 0) this.sawEnd = true;
      if (count < 0) this.errno ??= errnoOf(count);
      if (count <= 0) return false;
      for (let i = 0; i < count; i++) {
        const expected = byteAt(this.#peerSalt, this.received + i);
        if (into[i] !== expected) {
          this.wrong ??= `${this.name}: byte ${this.received + i} is ${into[i] ?? -1}, not ${expected}`;
        }
      }
      this.received += count;
    }
    return true;
  }

  #write(socket: StreamSocket): void {
    const { bytes, writeMax } = this.#manners;
    while (this.written < bytes && this.errno === undefined) {
      const size = Math.min(bytes - this.written, 1 + this.#random.below(writeMax));
      const piece = new Uint8Array(size);
      for (let i = 0; i < size; i++) piece[i] = byteAt(this.#salt, this.written + i);
      const count = socket.write(piece);
      if (count === EAGAIN) return;
      if (count < 0) {
        this.errno ??= errnoOf(count);
        return;
      }
      this.written += count;
      if (this.#manners.pauseMaxMs > 0 && this.#random.chance(8)) {
        this.#wakeIn(this.#random.below(this.#manners.pauseMaxMs) + 1);
        return;
      }
    }
    if (this.written === bytes && !this.isShutDown && this.errno === undefined) {
      const result = socket.shutdown();
      if (result === 0) this.isShutDown = true;
      else this.errno ??= errnoOf(result);
    }
  }
}

/**
 * Returns the fault of a conversation that is in this state during or after its run, or undefined if there is no fault.
 */
export function problemOf(a: Talker, b: Talker): string | undefined {
  return a.wrong ?? b.wrong ?? silentlyShort(a, b) ?? silentlyShort(b, a);
}

/** An end of the stream that comes before the stream has ended. */
function silentlyShort(from: Talker, to: Talker): string | undefined {
  if (to.received > from.written) return `${to.name} has received ${to.received} bytes of ${from.written}`;
  if (!to.sawEnd || (from.isShutDown && to.received === from.written)) return undefined;
  return `${to.name} saw the end of the stream after ${to.received} bytes of ${from.written}, shut down: ${from.isShutDown}`;
}
