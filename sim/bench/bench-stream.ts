/**
 * One connection of a device on the bench: a real socket that goes silent with the device's cable or power, and behaves
 * afterwards as hardware would. What a device's own TCP does while its cable is out, the host's cannot do for it,
 * as it is not cut off; what firmware can notice of that, the giving up, is done here.
 *
 * What comes while the cable is out stays in the host's socket, within its bounds. So a far end that hangs up behind
 * more than these is not seen to until the cable is back: 64 KiB in hal/node.
 */

import { errnoOf, failure, type Errno } from '../../hal/errno.ts';
import type { Clock } from '../../hal/clock.ts';
import type { KeepAlive, KeepAliveSupport, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { BenchNic } from './bench-nic.ts';
import { KeepAliveProbes } from './keepalive-probes.ts';
import { SendBuffer } from './send-buffer.ts';

/** Time for which an unanswered SYN is retransmitted: Linux's tcp_syn_retries of 6. */
const CONNECT_GIVE_UP_MS = 127_000;

/** Time for which unanswered data is retransmitted without a user timeout: Linux's tcp_retries2 of 15. */
const RETRANSMIT_GIVE_UP_MS = 924_600;

/** Time that a connection which the firmware has closed waits for the far end's FIN: Linux's tcp_fin_timeout. */
const FIN_WAIT_MS = 60_000;

const SCRATCH = new Uint8Array(4096);

/**
 * - `new`: no connection was asked for; `waiting`: it was, without a carrier, and starts when there is one;
 * - `connecting`: also while the answer has come, but not to a device whose cable is out; `open`;
 * - `closing`: the firmware has closed it, and the stack has still to send the rest and its FIN, or to get the far
 *   end's;
 * - `ghost`: the device knows nothing of it any more, the far end does;
 * - `over`.
 */
type State = 'new' | 'waiting' | 'connecting' | 'open' | 'closing' | 'ghost' | 'over';

/** Notices for the firmware. */
const WRITABLE = 1;
const READABLE = 2;
const ENDED = 4;

export class BenchStream implements StreamSocket, StreamHandler {
  readonly #nic: BenchNic;
  readonly #interrupts: Interrupts;
  readonly #handler: StreamHandler;
  /** The host's socket. */
  readonly #inner: StreamSocket;
  #state: State = 'new';
  /** Address to connect to when the cable is in. */
  #target: SocketAddress | undefined;
  #local: SocketAddress | undefined;
  /** The firmware has closed it: it is not called any more. */
  #isClosed = false;
  /** The error that every call gives from now on. */
  #errno: Errno | undefined;
  /** Notices that the firmware is to get; with ENDED, the reason. */
  #pending = 0;
  #endReason: Errno | 'closed' | undefined;

  /** Taken from the firmware and not yet given to the host. Made when the host does not take something at once. */
  #outbox: SendBuffer | undefined;
  #finPending = false;
  #finSent = false;
  /** The firmware has closed it, and only the far end's FIN is waited for. */
  #isLingering = false;
  /** Time since which there has been something to send. */
  #unsentSinceMs = 0;

  // Actions of the far end, whether or not the device can know of them.
  #wasConnected = false;
  #finReceived = false;
  /** Errno with which the host refused or reset the connection while it could not report that. */
  #lostReset: Errno | undefined;
  #hangUpTold = false;
  /** True if the device has sent a ghost something that is not acknowledged, and so retransmits it. */
  #isSpokenTo = false;

  /** Made when keepalive is switched on. */
  #probes: KeepAliveProbes | undefined;
  #userTimeoutMs = 0;
  /** Time at which the cable came out, or a connection was asked for without a cable. */
  #cutAtMs = 0;
  #clock: Clock | undefined;

  constructor(nic: BenchNic, interrupts: Interrupts, handler: StreamHandler) {
    this.#nic = nic;
    this.#interrupts = interrupts;
    this.#handler = handler;
    this.#inner = nic.host.network.openStream(this);
  }

  // ---- what the firmware calls ----

  get local(): SocketAddress | undefined {
    return this.#local;
  }

  get remote(): SocketAddress | undefined {
    return this.#state === 'connecting' ? undefined : this.#inner.remote;
  }

  bind(local: SocketAddress): number {
    return this.#state === 'new' ? this.#inner.bind(local) : failure('EINVAL');
  }

  connect(remote: SocketAddress): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (this.#state === 'waiting') return failure('EALREADY');
    if (this.#state === 'new' && !this.#nic.carrier) {
      this.#target = { address: remote.address, port: remote.port };
      this.#state = 'waiting';
      this.#cutAtMs = this.#nic.clock.now();
      this.#watch();
      return 0;
    }
    const result = this.#inner.connect(remote);
    if (result === 0) this.#state = 'connecting';
    return result;
  }

  read(into: Uint8Array): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    // Of what came to a ghost the device knows nothing.
    if (this.#state === 'ghost') return failure(this.#errno ?? 'ENOTCONN');
    if (this.#state !== 'open' && this.#state !== 'over') return failure('ENOTCONN');
    // If the device knows of a FIN, all bytes before the FIN have arrived, too.
    if (this.#state === 'open' && !this.#nic.carrier && this.#endReason === undefined) return failure('EAGAIN');
    const count = this.#inner.read(into);
    if (count > 0) {
      this.#nic.bytes += count;
      return count;
    }
    if (this.#errno !== undefined) return failure(this.#errno);
    return this.#lostReset === undefined ? count : failure('EAGAIN');
  }

  write(from: Uint8Array): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (this.#errno !== undefined) return failure(this.#errno);
    if (this.#state !== 'open') return failure('ENOTCONN');
    if (this.#finPending || this.#finSent) return failure('EPIPE');
    if (this.#isClear()) {
      this.#heard();
      const count = this.#inner.write(from);
      if (count > 0) this.#nic.bytes += count;
      return count;
    }
    if (!this.#hasOutbox()) this.#unsentSinceMs = this.#nic.clock.now();
    const taken = (this.#outbox ??= new SendBuffer()).put(from);
    this.#nic.bytes += taken;
    this.#watch();
    return taken > 0 || from.length === 0 ? taken : failure('EAGAIN');
  }

  shutdown(): number {
    if (this.#interrupts.off) return failure('ENETDOWN');
    if (!this.#nic.host.network.capabilities.halfClose) return failure('EOPNOTSUPP');
    if (this.#state !== 'open') return failure('ENOTCONN');
    if (this.#finPending || this.#finSent) return 0;
    if (this.#isClear()) {
      this.#finSent = true;
      return this.#inner.shutdown();
    }
    if (!this.#hasOutbox()) this.#unsentSinceMs = this.#nic.clock.now();
    this.#finPending = true;
    this.#watch();
    return 0;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#state === 'ghost') return;
    // A device that has not heard the answer to its SYN forgets the connection; the far end need not.
    if (this.#state === 'connecting' && !this.#nic.carrier) return this.lose();
    if (this.#state !== 'open') return this.#leave();
    this.#state = 'closing';
    this.#stopClock();
    if (this.#nic.carrier) this.#send();
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#state === 'ghost') return;
    // A reset that cannot leave is not sent again (RFC 9293, 3.10.7.1): the far end hears of it when it speaks next.
    if ((this.#state === 'connecting' || this.#state === 'open') && !this.#nic.carrier) return this.lose();
    this.#reset();
  }

  setNoDelay(on: boolean): boolean {
    return this.#inner.setNoDelay(on);
  }

  /** Sets keepalive. If the host takes only the idle time, the rest is imitated while the cable is out. */
  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport {
    if (this.#state === 'ghost') return 'none';
    const support = this.#inner.setKeepAlive(keepAlive);
    if (support === 'none' || keepAlive === 'off') this.#probes = undefined;
    else this.#probes = new KeepAliveProbes(keepAlive, this.#nic.carrier ? this.#nic.clock.now() : this.#cutAtMs);
    this.#watch();
    return support;
  }

  setUserTimeout(timeoutMs: number): boolean {
    if (!this.#inner.setUserTimeout(timeoutMs)) return false;
    this.#userTimeoutMs = timeoutMs;
    this.#watch();
    return true;
  }

  // ---- what happens to the board ----

  /** The device loses the connection without a word. */
  lose(): void {
    this.#stopClock();
    this.#outbox = undefined;
    switch (this.#state) {
      case 'connecting':
      case 'open':
      case 'closing':
        if (this.#lostReset !== undefined) return this.#leave();
        // The far end repeats what was not acknowledged: the answer to a SYN, a FIN, data.
        this.#isSpokenTo = this.#state === 'connecting' || (this.#finReceived && this.#endReason === undefined);
        this.#state = 'ghost';
        // Nobody is there to send probes; and what the host's might find is not the far end's doing.
        this.#inner.setKeepAlive('off');
        if (this.#takeAll() && !this.#nic.carrier) this.#isSpokenTo = true;
        return this.#nic.becameGhost(this);
      case 'new':
      case 'waiting':
      case 'over':
        return this.#leave();
      case 'ghost':
    }
  }

  /**
   * A ghost's device answers again: the next segment for it gets a reset (RFC 9293, 3.10.7.1), one sent again by now at
   * once.
   */
  stackIsUp(): void {
    if (this.#isSpokenTo) this.#reset();
  }

  /** Lets go of the host's socket, with a reset. */
  release(): void {
    this.#inner.abort();
    this.#over();
  }

  /** Ends the connection in order, with a FIN: nobody is to learn from it what a device did. */
  endInOrder(): void {
    this.#leave();
  }

  carrierChanged(): void {
    if (this.#nic.carrier) this.#plugged();
    else this.#cutAtMs = this.#nic.clock.now();
    this.#watch();
  }

  /** A box on the way resets it: a reset to either end, though a device that is cut off does not get its own. */
  resetByTheWay(): void {
    if (!this.#wasConnected || this.#lostReset !== undefined || this.#state === 'over') return;
    const isKnown = this.#state === 'open' || this.#state === 'connecting';
    if (isKnown && !this.#nic.carrier) {
      this.#inner.abort();
      this.#lostReset = 'ECONNRESET';
      this.#tellHangUp('ECONNRESET');
    } else {
      this.#reset();
      if (isKnown) this.#fail('ECONNRESET');
    }
  }

  #plugged(): void {
    if (this.#state === 'waiting') return this.#startConnecting();
    if (this.#state === 'connecting') {
      if (this.#lostReset !== undefined) this.#fail(this.#lostReset);
      else if (this.#wasConnected) this.#opened();
    }
    if (this.#state === 'open') {
      this.#raise(WRITABLE | READABLE);
      if (this.#finReceived) this.#end('closed');
    }
    this.#send();
  }

  #startConnecting(): void {
    if (this.#target === undefined) throw new Error('a stream that waits for a carrier knows where to connect');
    this.#state = 'connecting';
    const result = this.#inner.connect(this.#target);
    if (result < 0) this.#fail(errnoOf(result));
  }

  /** @internal The interrupt: tells the firmware what there is to tell. */
  serve(): void {
    const pending = this.#pending;
    this.#pending = 0;
    if ((pending & WRITABLE) !== 0 && this.#isFirmwares()) this.#handler.writable();
    if ((pending & READABLE) !== 0 && this.#isFirmwares()) this.#handler.readable();
    if ((pending & ENDED) !== 0 && this.#isFirmwares() && this.#endReason !== undefined) {
      this.#handler.ended(this.#endReason);
    }
  }

  // ---- what the host's socket tells ----

  /** @internal */
  readable(): void {
    if (this.#state === 'ghost') {
      if (this.#takeAll()) this.#spokenTo();
    } else if (this.#state === 'closing') {
      if (this.#nic.carrier) this.#send();
    } else if (this.#nic.carrier) {
      this.#heard();
      this.#raise(READABLE);
    }
  }

  /** @internal */
  writable(): void {
    if (!this.#wasConnected) {
      this.#wasConnected = true;
      this.#local = this.#inner.local;
      if (this.#state === 'connecting' && this.#nic.carrier) this.#opened();
    } else if (this.#nic.carrier) {
      this.#send();
      if (!this.#hasOutbox()) this.#raise(WRITABLE);
    }
  }

  /** @internal */
  ended(reason: Errno | 'closed'): void {
    this.#tellHangUp(reason);
    if (reason === 'closed' && this.#wasConnected) {
      this.#finReceived = true;
      if (this.#state === 'ghost') this.#spokenTo();
      else if (this.#state === 'closing' && this.#finSent) this.#leave();
      else if (this.#state === 'closing' && this.#nic.carrier) this.#send();
      else if (this.#state === 'open' && this.#nic.carrier) this.#end('closed');
    } else if (this.#state === 'connecting' || this.#state === 'open') {
      const errno = reason === 'closed' ? 'ECONNRESET' : reason;
      if (this.#nic.carrier) this.#fail(errno);
      else this.#lostReset = errno;
    } else {
      this.#leave();
    }
  }

  // ---- sending ----

  /** Nothing stands between the firmware and the host's socket. */
  #isClear(): boolean {
    return this.#nic.carrier && !this.#hasOutbox() && this.#lostReset === undefined;
  }

  #hasUnsent(): boolean {
    return this.#hasOutbox() || this.#finPending;
  }

  #hasOutbox(): boolean {
    return this.#outbox !== undefined && !this.#outbox.isEmpty;
  }

  /** Hands the host what the device had to keep, and then, if the firmware has closed, ends the connection. */
  #send(): void {
    if (this.#state !== 'open' && this.#state !== 'closing') return;
    if (this.#lostReset !== undefined) {
      // The far end answers bytes that are sent now with another reset.
      if (this.#state === 'closing') this.#leave();
      else if (this.#hasUnsent()) this.#fail(this.#lostReset);
      return;
    }
    if (this.#outbox !== undefined && !this.#outbox.isEmpty) {
      const result = this.#outbox.flush(this.#inner);
      if (result === failure('EAGAIN')) return;
      if (result < 0) return this.#state === 'closing' ? this.#leave() : this.#fail(errnoOf(result));
      this.#heard();
    }
    if (this.#state === 'closing') return this.#finish();
    if (this.#finPending) {
      this.#finPending = false;
      this.#finSent = true;
      this.#inner.shutdown();
    }
  }

  /** Sends the device's FIN, and waits for the far end's: that shows when the far end has noticed. */
  #finish(): void {
    if (this.#finReceived || !this.#nic.host.network.capabilities.halfClose) return this.#leave();
    if (this.#isLingering) {
      // Bytes for a socket without a reader are answered with a reset (RFC 2525, 2.17).
      if (this.#takeAll()) this.#reset();
      return;
    }
    this.#isLingering = true;
    if (!this.#finSent) this.#inner.shutdown();
    this.#finSent = true;
    this.#takeAll();
    this.#setClock(this.#nic.clock.now() + FIN_WAIT_MS, () => this.#leave());
  }

  /**
   * Reads what nobody is there to read: what is left unread holds the far end's FIN back. Whether there was anything.
   */
  #takeAll(): boolean {
    let isAny = false;
    while (this.#inner.read(SCRATCH) > 0) isAny = true;
    return isAny;
  }

  #spokenTo(): void {
    this.#isSpokenTo = true;
    if (this.#nic.answers) this.#reset();
  }

  // ---- what time brings ----

  /** Arms the clock for what happens next if nothing else does. */
  #watch(): void {
    const { carrier, clock } = this.#nic;
    if (this.#state === 'closing') return;
    if (this.#state === 'waiting' || this.#state === 'connecting') {
      if (!carrier) return this.#setClock(this.#cutAtMs + CONNECT_GIVE_UP_MS, () => this.#giveUp());
    } else if (this.#state === 'open') {
      if (this.#hasUnsent()) {
        // Not from within the firmware's call: what comes of it are interrupts.
        if (carrier) return this.#setClock(clock.now(), () => this.#send());
        // No probes while data is unacknowledged (RFC 1122, 4.2.3.6): retransmission decides.
        return this.#setClock(this.#unsentSinceMs + (this.#userTimeoutMs || RETRANSMIT_GIVE_UP_MS), () =>
          this.#giveUp(),
        );
      }
      const probes = this.#probes;
      if (probes !== undefined && (!carrier || probes.isWaiting || this.#lostReset !== undefined)) {
        return this.#setClock(probes.nextAtMs(this.#cutAtMs, clock.now()), () => this.#probe());
      }
    }
    this.#stopClock();
  }

  #probe(): void {
    const probes = this.#probes;
    if (this.#state !== 'open' || probes === undefined) return;
    if (this.#nic.carrier) {
      // This one is answered.
      if (this.#lostReset !== undefined) this.#fail(this.#lostReset);
      else if (probes.isWaiting) this.#heard();
    } else if (probes.isExhausted) {
      this.#giveUp();
    } else {
      probes.send();
      this.#watch();
    }
  }

  #heard(): void {
    this.#probes?.heard(this.#nic.clock.now());
  }

  #giveUp(): void {
    this.lose();
    this.#errno = 'ETIMEDOUT';
    this.#end('ETIMEDOUT');
  }

  #setClock(atMs: number, run: () => void): void {
    this.#clock ??= this.#nic.host.newClock();
    this.#clock.setAlarm(this.#clock.now() + atMs - this.#nic.clock.now(), run);
  }

  #stopClock(): void {
    this.#clock?.clearAlarm();
  }

  // ---- what it comes to ----

  #opened(): void {
    this.#state = 'open';
    this.#heard();
    this.#raise(WRITABLE);
  }

  /** Ends the connection for the device, with this errno. */
  #fail(errno: Errno): void {
    this.#errno = errno;
    this.#state = 'over';
    this.#stopClock();
    this.#end(errno);
  }

  #end(reason: Errno | 'closed'): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#pending |= ENDED;
    this.#interrupts.raise(this);
  }

  #raise(what: number): void {
    // After the far end's FIN only room to write may still be told of.
    if (this.#endReason !== undefined) what &= this.#endReason === 'closed' ? WRITABLE : 0;
    if (what === 0) return;
    this.#pending |= what;
    this.#interrupts.raise(this);
  }

  #isFirmwares(): boolean {
    return !this.#isClosed && !this.#interrupts.off;
  }

  /** The far end is done with it: told once. */
  #tellHangUp(by: Errno | 'closed'): void {
    if (!this.#wasConnected || this.#hangUpTold) return;
    this.#hangUpTold = true;
    this.#nic.host.onHungUp({ kind: 'hung-up', local: this.#local, by }, this.#nic.name);
  }

  #reset(): void {
    this.release();
    this.#tellHangUp('ECONNRESET');
  }

  #leave(): void {
    this.#inner.close();
    this.#over();
  }

  #over(): void {
    this.#state = 'over';
    this.#stopClock();
    this.#nic.forget(this);
  }
}
