/**
 * A board's network interface over real sockets, with a cable that can be pulled: tier T0. A device that is cut off, or
 * has no power, goes silent: nothing is read and nothing written, no FIN, no RST. But its host keeps the sockets, and
 * the host's kernel goes on acknowledging: so this tests whether the server counts beats, and never its TCP keepalive.
 */

import type { Errno } from '../../hal/errno.ts';
import type { Clock } from '../../hal/clock.ts';
import type { Lookup, Network } from '../../hal/network.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { Nic } from '../board/nic.ts';
import type { BenchEvent } from '../trace/trace.ts';
import { BenchDatagram } from './bench-datagram.ts';
import { BenchStream } from './bench-stream.ts';

export interface BenchNicOptions {
  /** The host's real network. */
  readonly network: Network;
  readonly newClock: () => Clock;
  readonly onHungUp: (event: BenchEvent) => void;
}

/** Of the connections that a device has lost, the host keeps so many; beyond, the oldest is reset. */
const GHOSTS_MAX = 100;

export class BenchNic implements Nic {
  readonly options: BenchNicOptions;
  /** Since this nic was made, in ms. */
  readonly clock: Clock;
  carrier = true;
  /** What its connections have written and read. */
  bytes = 0;
  /** Connections of this boot, and those the stack still has to close. */
  readonly #streams: BenchStream[] = [];
  /** Connections that only the far end believes in: the device has lost them without a word. The oldest first. */
  readonly #ghosts: BenchStream[] = [];
  /** Datagram sockets of this boot. */
  readonly #datagrams: BenchDatagram[] = [];
  /** Those that the device has no more, and that nobody can learn of yet. */
  readonly #deaf: BenchDatagram[] = [];
  /** Look-ups that wait for a carrier. */
  readonly #questions: (() => void)[] = [];
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
    this.#answerForGhosts();
    return {
      capabilities: { ...network.capabilities, listen: false, carrier: true },
      link: this.#link(interrupts),
      openStream: (handler) => {
        const stream = new BenchStream(this, interrupts, handler);
        this.#streams.push(stream);
        return stream;
      },
      listen: (_local, _backlog, handler) => {
        return { local: undefined, accept: () => undefined, close: this.#refuse(interrupts, handler) };
      },
      openDatagram: (local, handler) => {
        // The port is the device's: whatever it had there before a reset does not keep it.
        for (const deaf of [...this.#deaf]) if (local.port !== 0 && deaf.local?.port === local.port) deaf.release();
        const datagrams = new BenchDatagram(this, interrupts, local, handler);
        this.#datagrams.push(datagrams);
        return datagrams;
      },
      lookup: (name, done) => this.#lookup(interrupts, name, done),
    };
  }

  powerOff(): void {
    this.#powered = false;
    this.#interrupts = undefined;
    this.#questions.length = 0;
    for (const stream of [...this.#streams]) stream.lose();
    for (const datagrams of [...this.#datagrams]) datagrams.lose();
  }

  setCarrier(up: boolean): void {
    this.carrier = up;
    for (const stream of [...this.#streams]) stream.carrierChanged();
    this.#answerForGhosts();
    if (up) {
      for (const ask of this.#questions.splice(0)) ask();
    }
    if (this.#watcher !== undefined) this.#interrupts?.raise(this.#watcher);
  }

  closeAll(): void {
    for (const stream of [...this.#streams]) stream.close();
    for (const datagrams of [...this.#datagrams]) datagrams.close();
  }

  resetAll(): void {
    for (const stream of [...this.#streams, ...this.#ghosts]) stream.resetByTheWay();
  }

  /** Ends what only the far ends believe in, for the end of a run. */
  releaseGhosts(): void {
    for (const ghost of [...this.#ghosts]) ghost.release();
    for (const deaf of [...this.#deaf]) deaf.release();
  }

  /** @internal The stream is done with. */
  forget(stream: BenchStream): void {
    remove(this.#streams, stream);
    remove(this.#ghosts, stream);
  }

  /** @internal The device has lost the connection, the far end has not. */
  becameGhost(stream: BenchStream): void {
    remove(this.#streams, stream);
    this.#ghosts.push(stream);
    if (this.#ghosts.length > GHOSTS_MAX) this.#ghosts[0]?.release();
  }

  /** @internal The device has this datagram socket no more, and nobody can learn of it yet. */
  becameDeaf(datagrams: BenchDatagram): void {
    remove(this.#datagrams, datagrams);
    this.#deaf.push(datagrams);
    if (this.#deaf.length > GHOSTS_MAX) this.#deaf[0]?.release();
  }

  /** @internal The datagram socket is done with. */
  forgetDatagrams(datagrams: BenchDatagram): void {
    remove(this.#datagrams, datagrams);
    remove(this.#deaf, datagrams);
  }

  #answerForGhosts(): void {
    if (!this.answers) return;
    for (const ghost of [...this.#ghosts]) ghost.stackIsUp();
    for (const deaf of [...this.#deaf]) deaf.release();
  }

  /** A question that was asked, or should have been answered, without a carrier is asked again when there is one. */
  #lookup(interrupts: Interrupts, name: string, done: Parameters<Network['lookup']>[1]): Lookup {
    // An address in text needs no asking.
    const needsCarrier = !/^[\d.]+$|:/.test(name);
    let isCancelled = false;
    let asked: Lookup | undefined;
    const ask = (): void => {
      if (interrupts.off) return;
      if (needsCarrier && !this.carrier) {
        this.#questions.push(ask);
        return;
      }
      asked = this.options.network.lookup(name, (result) => {
        if (needsCarrier && !this.carrier) this.#questions.push(ask);
        else interrupts.raise(() => {
          if (!isCancelled) done(result);
        });
      });
    };
    ask();
    return {
      cancel: () => {
        isCancelled = true;
        remove(this.#questions, ask);
        asked?.cancel();
      },
    };
  }

  /** Tells `handler` that there is no such socket here; gives its `close`. */
  #refuse(interrupts: Interrupts, handler: { ended(reason: Errno): void }): () => void {
    let isClosed = false;
    this.options.newClock().setAlarm(0, () => interrupts.raise(() => {
      if (!isClosed) handler.ended('EOPNOTSUPP');
    }));
    return () => {
      isClosed = true;
    };
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

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
