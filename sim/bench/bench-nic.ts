/**
 * A board's network interface over real sockets, with a cable that can be pulled: tier T0. A device that is cut off, or
 * has no power, goes silent: nothing is read and nothing written, no FIN, no RST. But its host keeps the sockets, and
 * the host's kernel goes on acknowledging: so this tests whether the server counts beats, and never its TCP keepalive.
 */

import type { Errno } from '../../hal/errno.ts';
import type { Clock } from '../../hal/clock.ts';
import type {
  Capabilities, DatagramHandler, DatagramSocket, ListenHandler, ListeningSocket, Lookup, Network, SocketAddress,
  StreamHandler, StreamSocket,
} from '../../hal/network.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { InterfaceLoss } from '../board/machine.ts';
import type { Nic } from '../board/nic.ts';
import type { BenchEvent } from '../trace/trace.ts';
import { BenchDatagram } from './bench-datagram.ts';
import { BenchStream } from './bench-stream.ts';

/** State that all devices of a bench share. */
export interface BenchHost {
  /** The host's real network. */
  readonly network: Network;
  readonly newClock: () => Clock;
  /** Tells the time; nobody sets its alarm. */
  readonly clock: Clock;
  readonly onHungUp: (event: BenchEvent, device: string) => void;
}

/** Number of lost connections that the host keeps for a device; beyond it, the oldest is reset. */
const GHOSTS_MAX = 100;

/** The list of those who have none. */
const NONE: readonly never[] = [];

export class BenchNic implements Nic {
  readonly host: BenchHost;
  readonly name: string;
  carrier = true;
  /** Bytes that its connections have written and read. */
  bytes = 0;
  /** Connections of this boot, and those the stack still has to close. */
  #streams: readonly BenchStream[] = NONE;
  /** Connections that only the far end believes in: the device has lost them without a word. The oldest first. */
  #ghosts: readonly BenchStream[] = NONE;
  /** Datagram sockets of this boot. */
  #datagrams: readonly BenchDatagram[] = NONE;
  /** Sockets that the device no longer has, and that nobody can learn of yet. */
  #deaf: readonly BenchDatagram[] = NONE;
  /** Look-ups that wait for a carrier. */
  #questions: readonly (() => void)[] = NONE;
  #powered = false;
  /** The firmware's handler of the carrier's interrupt. */
  #watcher: ((up: boolean) => void) | undefined;
  #interrupts: Interrupts | undefined;

  constructor(host: BenchHost, name: string) {
    this.host = host;
    this.name = name;
  }

  /** The bench's time, in ms. */
  get clock(): Clock {
    return this.host.clock;
  }

  /** True if a segment that arrives for the device would be answered. */
  get answers(): boolean {
    return this.#powered && this.carrier;
  }

  setLost(loss: InterfaceLoss): never {
    throw new Error(`there is no ${loss} over real sockets; the simulated network has it`);
  }

  hasLost(loss: InterfaceLoss): boolean {
    return this.setLost(loss);
  }

  changeAddress(): never {
    throw new Error('there is no roam over real sockets; the simulated network has it');
  }

  powerOn(interrupts: Interrupts): Network {
    this.#powered = true;
    this.#interrupts = interrupts;
    this.#watcher = undefined;
    this.#answerForGhosts();
    return new BenchNetwork(this, interrupts);
  }

  /** @internal */
  openStream(interrupts: Interrupts, handler: StreamHandler): BenchStream {
    const stream = new BenchStream(this, interrupts, handler);
    this.#streams = plus(this.#streams, stream);
    return stream;
  }

  /** @internal */
  openDatagram(interrupts: Interrupts, local: SocketAddress, handler: DatagramHandler): BenchDatagram {
    // The port is the device's: a socket from before a reset does not keep it.
    for (const deaf of this.#deaf) if (local.port !== 0 && deaf.local?.port === local.port) deaf.release();
    const datagrams = new BenchDatagram(this, interrupts, local, handler);
    this.#datagrams = plus(this.#datagrams, datagrams);
    return datagrams;
  }

  /** @internal */
  watchCarrier(isr: (up: boolean) => void): void {
    this.#watcher = isr;
  }

  powerOff(): void {
    this.#powered = false;
    this.#interrupts = undefined;
    this.#questions = NONE;
    for (const stream of this.#streams) stream.lose();
    for (const datagrams of this.#datagrams) datagrams.lose();
  }

  setCarrier(up: boolean): void {
    this.carrier = up;
    for (const stream of this.#streams) stream.carrierChanged();
    this.#answerForGhosts();
    if (up) {
      const questions = this.#questions;
      this.#questions = NONE;
      for (const ask of questions) ask();
    }
    if (this.#watcher !== undefined) this.#interrupts?.raise(this);
  }

  /** @internal The carrier's interrupt. */
  serve(): void {
    this.#watcher?.(this.carrier);
  }

  closeAll(): void {
    for (const stream of this.#streams) stream.close();
    for (const datagrams of this.#datagrams) datagrams.close();
  }

  resetAll(): void {
    for (const stream of [...this.#streams, ...this.#ghosts]) stream.resetByTheWay();
  }

  /**
   * Ends what only the far ends believe in, for the end of a run: with a FIN, as a reset would be a fault of its own.
   */
  releaseGhosts(): void {
    for (const ghost of this.#ghosts) ghost.endInOrder();
    for (const deaf of this.#deaf) deaf.release();
  }

  /** @internal The stream is done with. */
  forget(stream: BenchStream): void {
    this.#streams = without(this.#streams, stream);
    this.#ghosts = without(this.#ghosts, stream);
  }

  /** @internal The device has lost the connection, the far end has not. */
  becameGhost(stream: BenchStream): void {
    this.#streams = without(this.#streams, stream);
    this.#ghosts = plus(this.#ghosts, stream);
    if (this.#ghosts.length > GHOSTS_MAX) this.#ghosts[0]?.release();
  }

  /** @internal The device has this datagram socket no more, and nobody can learn of it yet. */
  becameDeaf(datagrams: BenchDatagram): void {
    this.#datagrams = without(this.#datagrams, datagrams);
    this.#deaf = plus(this.#deaf, datagrams);
    if (this.#deaf.length > GHOSTS_MAX) this.#deaf[0]?.release();
  }

  /** @internal The datagram socket is done with. */
  forgetDatagrams(datagrams: BenchDatagram): void {
    this.#datagrams = without(this.#datagrams, datagrams);
    this.#deaf = without(this.#deaf, datagrams);
  }

  #answerForGhosts(): void {
    if (!this.answers) return;
    for (const ghost of this.#ghosts) ghost.stackIsUp();
    for (const deaf of this.#deaf) deaf.release();
  }

  /**
   * A question that was asked, or should have been answered, without a carrier is asked again when there is one.
   * @internal
   */
  lookup(interrupts: Interrupts, name: string, done: Parameters<Network['lookup']>[1]): Lookup {
    // An address in text needs no asking.
    const needsCarrier = !/^[\d.]+$|:/.test(name);
    let isCancelled = false;
    let asked: Lookup | undefined;
    const ask = (): void => {
      if (interrupts.off) return;
      if (needsCarrier && !this.carrier) {
        this.#questions = plus(this.#questions, ask);
        return;
      }
      asked = this.host.network.lookup(name, (result) => {
        if (needsCarrier && !this.carrier) this.#questions = plus(this.#questions, ask);
        else interrupts.raise(() => {
          if (!isCancelled) done(result);
        });
      });
    };
    ask();
    return {
      cancel: () => {
        isCancelled = true;
        this.#questions = without(this.#questions, ask);
        asked?.cancel();
      },
    };
  }

  /** @internal Tells `handler` that there is no such socket here; gives its `close`. */
  refuse(interrupts: Interrupts, handler: { ended(reason: Errno): void }): () => void {
    let isClosed = false;
    this.host.newClock().setAlarm(0, () => interrupts.raise(() => {
      if (!isClosed) handler.ended('EOPNOTSUPP');
    }));
    return () => {
      isClosed = true;
    };
  }
}

/**
 * The network for the firmware of one boot. A class, and its own link: closures for it would take ten times as much.
 */
class BenchNetwork implements Network {
  readonly #nic: BenchNic;
  readonly #interrupts: Interrupts;

  constructor(nic: BenchNic, interrupts: Interrupts) {
    this.#nic = nic;
    this.#interrupts = interrupts;
  }

  get capabilities(): Capabilities {
    return { ...this.#nic.host.network.capabilities, listen: false, carrier: true };
  }

  get link(): this {
    return this;
  }

  get carrier(): boolean {
    return this.#nic.carrier;
  }

  watch(isr: (up: boolean) => void): void {
    if (!this.#interrupts.off) this.#nic.watchCarrier(isr);
  }

  openStream(handler: StreamHandler): StreamSocket {
    return this.#nic.openStream(this.#interrupts, handler);
  }

  listen(_local: SocketAddress, _backlog: number, handler: ListenHandler): ListeningSocket {
    return { local: undefined, accept: () => undefined, close: this.#nic.refuse(this.#interrupts, handler) };
  }

  openDatagram(local: SocketAddress, handler: DatagramHandler): DatagramSocket {
    return this.#nic.openDatagram(this.#interrupts, local, handler);
  }

  lookup(name: string, done: Parameters<Network['lookup']>[1]): Lookup {
    return this.#nic.lookup(this.#interrupts, name, done);
  }
}

/** Not by `push`, which makes room for 17. */
function plus<T>(list: readonly T[], item: T): readonly T[] {
  return list.length === 0 ? [item] : [...list, item];
}

function without<T>(list: readonly T[], item: T): readonly T[] {
  if (!list.includes(item)) return list;
  const rest = list.filter((other) => other !== item);
  return rest.length === 0 ? NONE : rest;
}
