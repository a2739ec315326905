/**
 * One connection of a device on the bench: a real socket that goes silent with the device's cable or power, and behaves
 * afterwards as hardware would. What a device's own TCP does while its cable is out, the host's cannot do for it,
 * as it is not cut off; the little of it that firmware can notice, keepalive's giving up, is done here.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { Clock } from '../../hal/clock.ts';
import type { KeepAlive, KeepAliveSupport, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { BenchNic } from './bench-nic.ts';

/** What the device's stack takes from the firmware while nothing can be sent. */
const SEND_BUFFER_BYTES = 16 * 1024;

const SCRATCH = new Uint8Array(4096);

/**
 * - `new`: no connection was asked for; `waiting`: it was, without a carrier, and starts when there is one;
 * - `connecting`; `open`;
 * - `closing`: the firmware has closed it, and the stack still has something to send: the rest, and FIN;
 * - `ghost`: the device knows nothing of it any more, the far end does;
 * - `over`.
 */
type State = 'new' | 'waiting' | 'connecting' | 'open' | 'closing' | 'ghost' | 'over';

export class BenchStream implements StreamSocket {
  readonly #nic: BenchNic;
  readonly #interrupts: Interrupts;
  readonly #handler: StreamHandler;
  readonly #inner: StreamSocket;
  #state: State = 'new';
  /** Where to connect when the cable is in. */
  #target: SocketAddress | undefined;
  /** Taken from the firmware and not yet given to the host. */
  #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #finPending = false;
  #firmwareWantsRoom = false;
  /** The firmware has closed it: it is not called any more. */
  #closed = false;
  /** How the far end has hung up, where the firmware cannot know it yet. */
  #hangUp: Errno | 'closed' | undefined;
  /** What the firmware has been told; from then on every call gives it. */
  #errno: Errno | undefined;
  #keepAlive: KeepAlive | 'off' = 'off';
  #heardAtMs = 0;
  #carrierLostAtMs = 0;
  #clock: Clock | undefined;
  /** The far end has sent something to a ghost, and so will send it again. */
  #ghostWasSpokenTo = false;

  readonly #raiseReadable = (): void => {
    if (this.#isFirmwares()) this.#handler.readable();
  };
  readonly #raiseWritable = (): void => {
    if (this.#isFirmwares()) this.#handler.writable();
  };
  readonly #raiseEnded = (): void => {
    if (this.#endReason !== undefined && this.#isFirmwares()) this.#handler.ended(this.#endReason);
  };
  #endReason: Errno | 'closed' | undefined;

  constructor(nic: BenchNic, interrupts: Interrupts, handler: StreamHandler) {
    this.#nic = nic;
    this.#interrupts = interrupts;
    this.#handler = handler;
    this.#inner = nic.options.network.openStream({
      readable: () => this.#innerReadable(),
      writable: () => this.#innerWritable(),
      ended: (reason) => this.#innerEnded(reason),
    });
  }

  // ---- what the firmware calls ----

  get local(): SocketAddress | undefined {
    return this.#inner.local;
  }

  get remote(): SocketAddress | undefined {
    return this.#inner.remote;
  }

  bind(local: SocketAddress): number {
    return this.#inner.bind(local);
  }

  connect(remote: SocketAddress): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (this.#state === 'new' && !this.#nic.carrier) {
      this.#target = { address: remote.address, port: remote.port };
      this.#state = 'waiting';
      return 0;
    }
    if (this.#state === 'waiting') return failure('EALREADY');
    const result = this.#inner.connect(remote);
    if (result === 0) this.#state = 'connecting';
    return result;
  }

  read(into: Uint8Array): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (this.#state === 'open' && !this.#nic.carrier) return failure('EAGAIN');
    // What came before an error can still be read; of what came to a ghost the device knows nothing.
    const count = this.#state === 'ghost' ? 0 : this.#inner.read(into);
    return count > 0 || this.#errno === undefined ? count : failure(this.#errno);
  }

  write(from: Uint8Array): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (this.#errno !== undefined) return failure(this.#errno);
    if (this.#state !== 'open') return failure('ENOTCONN');
    if (this.#finPending) return failure('EPIPE');
    if (this.#nic.carrier && this.#outboxBytes === 0 && this.#hangUp === undefined) {
      this.#heardAtMs = this.#nic.clock.now();
      return this.#inner.write(from);
    }
    const taken = Math.min(from.length, SEND_BUFFER_BYTES - this.#outboxBytes);
    if (taken < from.length) this.#firmwareWantsRoom = true;
    if (taken === 0) return from.length === 0 ? 0 : failure('EAGAIN');
    this.#outbox.push(from.slice(0, taken));
    this.#outboxBytes += taken;
    this.#watchKeepAlive();
    if (this.#nic.carrier) this.#sendSoon();
    return taken;
  }

  shutdown(): number {
    if (this.#state !== 'open') return failure('ENOTCONN');
    if (this.#nic.carrier && this.#outboxBytes === 0) return this.#inner.shutdown();
    this.#finPending = true;
    return 0;
  }

  close(): void {
    this.#closed = true;
    if (this.#state === 'closing' || this.#state === 'ghost') return;
    if (this.#state === 'open' && (!this.#nic.carrier || this.#outboxBytes > 0)) {
      this.#state = 'closing';
      this.#stopClock();
      return;
    }
    this.#inner.close();
    this.#over();
  }

  abort(): void {
    this.#closed = true;
    if (this.#state === 'closing' || this.#state === 'ghost') return;
    // A reset that cannot leave is not sent again (RFC 9293, 3.10.7.1): the far end hears of it when it speaks next.
    if (this.#state === 'open' && !this.#nic.carrier) return this.lose();
    this.#inner.abort();
    this.#over();
  }

  setNoDelay(on: boolean): boolean {
    return this.#inner.setNoDelay(on);
  }

  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport {
    const support = this.#inner.setKeepAlive(keepAlive);
    this.#keepAlive = support === 'none' ? 'off' : keepAlive;
    this.#watchKeepAlive();
    return support;
  }

  setUserTimeout(timeoutMs: number): boolean {
    return this.#inner.setUserTimeout(timeoutMs);
  }

  // ---- what happens to the board ----

  /** The device loses the connection without a word. */
  lose(): void {
    this.#stopClock();
    this.#outbox = [];
    this.#outboxBytes = 0;
    if (this.#state === 'open' || this.#state === 'closing') {
      if (this.#hangUp !== undefined) {
        this.#inner.close();
        this.#over();
        return;
      }
      this.#state = 'ghost';
      this.#nic.becameGhost(this);
      this.#drainGhost();
    } else if (this.#state !== 'ghost' && this.#state !== 'over') {
      this.#inner.abort();
      this.#over();
    }
  }

  /** A ghost's device answers again: the next segment for it gets a reset (RFC 9293, 3.10.7.1), one repeated by now at once. */
  stackIsUp(): void {
    if (this.#ghostWasSpokenTo) this.release();
  }

  /** Lets go of the host's socket, with a reset. */
  release(): void {
    this.#inner.abort();
    this.#over();
  }

  carrierChanged(): void {
    if (this.#nic.carrier) {
      this.#stopClock();
      this.#plugged();
    } else {
      this.#carrierLostAtMs = this.#nic.clock.now();
      this.#watchKeepAlive();
    }
  }

  /** A box on the way resets it: a reset to either end. */
  resetByTheWay(): void {
    if (this.#state !== 'open') return;
    this.#inner.abort();
    this.#fail('ECONNRESET');
  }

  #plugged(): void {
    if (this.#state === 'waiting' && this.#target !== undefined) {
      this.#state = 'connecting';
      const result = this.#inner.connect(this.#target);
      if (result < 0) throw new Error(`the host cannot connect to ${this.#target.address}: ${result}`);
      return;
    }
    if (this.#state !== 'open' && this.#state !== 'closing') return;
    const hangUp = this.#hangUp;
    if (hangUp === 'closed') {
      // The far end's FIN is sent again until it is acknowledged; what the device still had to send meets a reset.
      this.#hangUp = undefined;
      this.#end('closed');
    } else if (hangUp !== undefined && this.#keepAlive !== 'off') {
      // The far end's reset came once, and was lost. The next probe gets another.
      this.#setClock(this.#nextProbeMs(this.#keepAlive), () => this.#fail(hangUp));
    }
    this.#send();
    this.#interrupts.raise(this.#raiseReadable);
  }

  // ---- what the host's socket tells ----

  #innerReadable(): void {
    if (this.#state === 'ghost') return this.#drainGhost();
    this.#heardAtMs = this.#nic.clock.now();
    if (this.#nic.carrier) this.#interrupts.raise(this.#raiseReadable);
  }

  #innerWritable(): void {
    if (this.#state === 'connecting') {
      this.#state = 'open';
      this.#heardAtMs = this.#nic.clock.now();
      this.#interrupts.raise(this.#raiseWritable);
    } else if (this.#nic.carrier) {
      this.#send();
      if (this.#outboxBytes === 0) this.#interrupts.raise(this.#raiseWritable);
    }
  }

  #innerEnded(reason: Errno | 'closed'): void {
    if (this.#state === 'connecting') return this.#fail(reason === 'closed' ? 'ECONNRESET' : reason);
    this.#nic.options.onHungUp({ kind: 'hung-up', local: this.#inner.local, by: reason });
    if (this.#state === 'open' && !this.#nic.carrier) {
      this.#hangUp = reason;
    } else if (this.#state === 'open') {
      if (reason === 'closed') this.#end('closed');
      else this.#fail(reason);
    } else {
      this.#inner.close();
      this.#over();
    }
  }

  // ---- within ----

  #isFirmwares(): boolean {
    return !this.#closed && !this.#interrupts.off;
  }

  #drainGhost(): void {
    // Nobody is there to read, but only what is read lets the far end's FIN through.
    while (this.#inner.read(SCRATCH) > 0) this.#ghostWasSpokenTo = true;
    if (this.#ghostWasSpokenTo && this.#nic.answers) this.stackIsUp();
  }

  #sendSoon(): void {
    // Not from within the firmware's call: what comes of it are interrupts.
    this.#setClock(this.#nic.clock.now(), () => this.#send());
  }

  /** Gives the host what the device had to keep. */
  #send(): void {
    if (this.#hangUp !== undefined && this.#outboxBytes > 0) {
      // The far end has reset the connection while it could not say so; what is sent now is answered by a reset.
      this.#inner.close();
      return this.#fail(this.#hangUp === 'closed' ? 'ECONNRESET' : this.#hangUp);
    }
    for (let chunk = this.#outbox[0]; chunk !== undefined; chunk = this.#outbox[0]) {
      const taken = this.#inner.write(chunk);
      if (taken <= 0) break;
      this.#outboxBytes -= taken;
      if (taken < chunk.length) this.#outbox[0] = chunk.subarray(taken);
      else this.#outbox.shift();
    }
    if (this.#outboxBytes > 0) return;
    if (this.#state === 'closing') {
      this.#inner.close();
      return this.#over();
    }
    if (this.#finPending) this.#inner.shutdown();
    if (this.#firmwareWantsRoom) {
      this.#firmwareWantsRoom = false;
      this.#interrupts.raise(this.#raiseWritable);
    }
  }

  /**
   * Keepalive without a carrier gives up (RFC 1122, 4.2.3.6; TCP_KEEPCNT probes without an answer). It does not run while
   * data is unacknowledged: then retransmission decides, whose many minutes are not waited for here.
   */
  #watchKeepAlive(): void {
    if (this.#nic.carrier || this.#state !== 'open') return;
    if (this.#keepAlive === 'off' || this.#outboxBytes > 0) return this.#stopClock();
    const { interval, count } = this.#keepAlive;
    this.#setClock(this.#firstLostProbeMs(this.#keepAlive) + interval * count * 1000, () => this.#giveUp());
  }

  /** Probes that were answered, as long as there was a carrier, count as heard. */
  #firstLostProbeMs({ idle }: KeepAlive): number {
    const answered = Math.max(Math.floor((this.#carrierLostAtMs - this.#heardAtMs) / (idle * 1000)), 0);
    return this.#heardAtMs + (answered + 1) * idle * 1000;
  }

  #nextProbeMs(keepAlive: KeepAlive): number {
    const firstMs = this.#firstLostProbeMs(keepAlive);
    const intervalMs = keepAlive.interval * 1000;
    const missed = Math.ceil((this.#nic.clock.now() - firstMs) / intervalMs);
    return firstMs + Math.max(missed, 0) * intervalMs;
  }

  #setClock(atMs: number, isr: () => void): void {
    this.#clock ??= this.#nic.options.newClock();
    this.#clock.setAlarm(this.#clock.now() + atMs - this.#nic.clock.now(), isr);
  }

  #giveUp(): void {
    if (this.#nic.carrier || this.#state !== 'open') return;
    this.#errno = 'ETIMEDOUT';
    this.lose();
    this.#end('ETIMEDOUT');
  }

  #stopClock(): void {
    this.#clock?.clearAlarm();
  }

  /** The connection is gone for the device and for the host. */
  #fail(errno: Errno): void {
    this.#errno = errno;
    this.#over();
    this.#end(errno);
  }

  #end(reason: Errno | 'closed'): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#interrupts.raise(this.#raiseEnded);
  }

  #over(): void {
    this.#state = 'over';
    this.#stopClock();
    this.#nic.forget(this);
  }
}
