/**
 * A datagram socket of a device on the bench: a real one, that is deaf and mute with the device's cable or power. What
 * comes meanwhile is lost, and so is what is sent. The host's socket stays until the device could answer again: closed
 * sooner, the host would tell a sender that the port is unreachable, as no device without power or cable
 * does.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { DatagramHandler, DatagramSocket, SocketAddress } from '../../hal/network.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { BenchNic } from './bench-nic.ts';

/** Capacity of a socket: Linux's net.core.rmem_default, and about what Linux counts for a datagram beside its bytes. */
const QUEUED_BYTES_MAX = 212_992;
const OVERHEAD_BYTES = 768;

/** Buffer as long as any datagram. */
const SCRATCH = new Uint8Array(65_536);

interface Datagram {
  readonly bytes: Uint8Array;
  readonly sender: SocketAddress | undefined;
}

export class BenchDatagram implements DatagramSocket, DatagramHandler {
  readonly #nic: BenchNic;
  readonly #interrupts: Interrupts;
  readonly #handler: DatagramHandler;
  /** The host's socket. */
  readonly #inner: DatagramSocket;
  readonly #queue: Datagram[] = [];
  #queuedBytes = 0;
  #sender: SocketAddress | undefined;
  /** The firmware has closed it, or is gone, or the socket has failed: nothing is called any more. */
  #isOver = false;
  readonly #isrReadable = (): void => {
    if (!this.#isOver) this.#handler.readable();
  };

  constructor(nic: BenchNic, interrupts: Interrupts, local: SocketAddress, handler: DatagramHandler) {
    this.#nic = nic;
    this.#interrupts = interrupts;
    this.#handler = handler;
    this.#inner = nic.host.network.openDatagram(local, this);
  }

  // ---- what the firmware calls ----

  get local(): SocketAddress | undefined {
    return this.#inner.local;
  }

  get sender(): SocketAddress | undefined {
    return this.#sender;
  }

  receive(into: Uint8Array): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    const datagram = this.#queue.shift();
    if (datagram === undefined) return failure('EAGAIN');
    const { bytes, sender } = datagram;
    this.#queuedBytes -= bytes.length + OVERHEAD_BYTES;
    this.#sender = sender;
    const count = Math.min(bytes.length, into.length);
    into.set(bytes.subarray(0, count));
    return count;
  }

  sendTo(from: Uint8Array, remote: SocketAddress): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (!this.#nic.carrier) return from.length;
    const count = this.#inner.sendTo(from, remote);
    if (count > 0) this.#nic.bytes += count;
    return count;
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue.length = 0;
    // Without a cable nobody hears that the port is closed.
    if (this.#nic.answers) this.release();
    else this.#nic.becameDeaf(this);
  }

  // ---- what the bench calls ----

  /** The device has lost it: without power, or by a reset. */
  lose(): void {
    this.#isOver = true;
    this.#queue.length = 0;
    this.#nic.becameDeaf(this);
  }

  /** The host's socket is closed: from now on the host answers for the port. */
  release(): void {
    this.#isOver = true;
    this.#inner.close();
    this.#nic.forgetDatagrams(this);
  }

  // ---- what the host's network calls ----

  bound(): void {
    this.#interrupts.raise(() => {
      if (!this.#isOver) this.#handler.bound();
    });
  }

  readable(): void {
    for (let count = this.#inner.receive(SCRATCH); count >= 0; count = this.#inner.receive(SCRATCH)) {
      if (this.#isOver || !this.#nic.carrier || this.#queuedBytes + count + OVERHEAD_BYTES > QUEUED_BYTES_MAX) continue;
      this.#nic.bytes += count;
      this.#queuedBytes += count + OVERHEAD_BYTES;
      this.#queue.push({ bytes: SCRATCH.slice(0, count), sender: this.#inner.sender });
    }
    if (this.#queue.length > 0) this.#interrupts.raise(this.#isrReadable);
  }

  ended(reason: Errno): void {
    this.#nic.forgetDatagrams(this);
    this.#interrupts.raise(() => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#handler.ended(reason);
    });
  }
}
