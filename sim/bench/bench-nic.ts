/**
 * A board's network interface over real sockets, with a cable that can be pulled: tier T0. A device that is cut off, or has no
 * power, goes silent: nothing is read and nothing written, no FIN, no RST. But its host keeps the sockets, and the host's
 * kernel goes on acknowledging: so this tests whether the server counts beats, and never its TCP keepalive.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { Clock } from '../../hal/clock.ts';
import type { Lookup, Network, SocketAddress } from '../../hal/network.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { Nic } from '../board/nic.ts';
import { BenchStream } from './bench-stream.ts';

/** What the bench sees below the firmware: the far end hangs up, whether or not the device can know. */
export interface HungUp {
  readonly kind: 'hung-up';
  /** The device's end of that connection. */
  readonly local: SocketAddress | undefined;
  /** FIN, or a reset. */
  readonly by: Errno | 'closed';
}

export interface BenchNicOptions {
  /** The host's real network. */
  readonly network: Network;
  readonly newClock: () => Clock;
  readonly onHungUp: (event: HungUp) => void;
}

export class BenchNic implements Nic {
  readonly options: BenchNicOptions;
  /** Since this nic was made, in ms. */
  readonly clock: Clock;
  carrier = true;
  /** Connections of this boot, and those the stack still has to close. */
  readonly #streams = new Set<BenchStream>();
  /** Connections that only the far end believes in: the device has lost them without a word. */
  readonly #ghosts = new Set<BenchStream>();
  /** Look-ups that wait for a carrier. */
  readonly #questions = new Set<() => void>();
  #powered = false;
  #watcher: (() => void) | undefined;
  #interrupts: Interrupts | undefined;

  constructor(options: BenchNicOptions) {
    this.options = options;
    this.clock = options.newClock();
  }

  /** Whether a segment that comes for the device would be answered. */
  get answers(): boolean {
    return this.#powered && this.carrier;
  }

  powerOn(interrupts: Interrupts): Network {
    const { network } = this.options;
    this.#powered = true;
    this.#interrupts = interrupts;
    this.#watcher = undefined;
    for (const ghost of this.#ghosts) ghost.stackIsUp();
    return {
      capabilities: { ...network.capabilities, listen: false, datagram: false, carrier: true },
      link: this.#link(interrupts),
      openStream: (handler) => {
        const stream = new BenchStream(this, interrupts, handler);
        this.#streams.add(stream);
        return stream;
      },
      listen: (_local, _backlog, handler) => {
        this.options.newClock().setAlarm(0, () => interrupts.raise(() => handler.ended('EOPNOTSUPP')));
        return { local: undefined, accept: () => undefined, close: () => {} };
      },
      openDatagram: (_local, handler) => {
        this.options.newClock().setAlarm(0, () => interrupts.raise(() => handler.ended('EOPNOTSUPP')));
        const refuse = (): number => failure('EOPNOTSUPP');
        return { local: undefined, sender: undefined, receive: refuse, sendTo: refuse, close: () => {} };
      },
      lookup: (name, done) => this.#lookup(name, (result) => interrupts.raise(() => done(result))),
    };
  }

  /** Without a carrier a question for a name is asked again until there is one; an address needs no asking. */
  #lookup(name: string, done: Parameters<Network['lookup']>[1]): Lookup {
    const { network } = this.options;
    if (this.carrier || /^[\d.]+$|:/.test(name)) return network.lookup(name, done);
    let asked: Lookup | undefined;
    const ask = (): void => {
      asked = network.lookup(name, done);
    };
    this.#questions.add(ask);
    return {
      cancel: () => {
        this.#questions.delete(ask);
        asked?.cancel();
      },
    };
  }

  powerOff(): void {
    this.#powered = false;
    this.#interrupts = undefined;
    this.#questions.clear();
    for (const stream of [...this.#streams]) stream.lose();
  }

  setCarrier(up: boolean): void {
    this.carrier = up;
    for (const stream of [...this.#streams]) stream.carrierChanged();
    if (this.answers) for (const ghost of this.#ghosts) ghost.stackIsUp();
    if (up) {
      for (const ask of this.#questions) ask();
      this.#questions.clear();
    }
    if (this.#watcher !== undefined) this.#interrupts?.raise(this.#watcher);
  }

  closeAll(): void {
    for (const stream of [...this.#streams]) stream.close();
  }

  resetAll(): void {
    if (!this.answers) return;
    for (const stream of [...this.#streams]) stream.resetByTheWay();
  }

  /** Ends what only the far ends believe in, for the end of a run. */
  releaseGhosts(): void {
    for (const ghost of this.#ghosts) ghost.release();
  }

  /** @internal The stream is done with. */
  forget(stream: BenchStream): void {
    this.#streams.delete(stream);
    this.#ghosts.delete(stream);
  }

  /** @internal The device has lost the connection, the far end has not. */
  becameGhost(stream: BenchStream): void {
    this.#streams.delete(stream);
    this.#ghosts.add(stream);
  }

  #link(interrupts: Interrupts): Network['link'] {
    const nic = this;
    return {
      get carrier() {
        return nic.carrier;
      },
      watch: (isr) => {
        if (!interrupts.off) this.#watcher = () => isr(this.carrier);
      },
    };
  }
}
