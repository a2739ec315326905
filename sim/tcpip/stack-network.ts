/** The HAL's network on a simulated stack: what the firmware of one boot sees of it. */

import type { Errno } from '../../hal/errno.ts';
import type {
  Capabilities, DatagramHandler, DatagramSocket, LinkStatus, ListenHandler, ListeningSocket, Lookup, Network,
  SocketAddress, StreamHandler, StreamSocket,
} from '../../hal/network.ts';
import { UdpSocket } from './datagram-socket.ts';
import { Listener } from './listener.ts';
import { Stack } from './stack.ts';
import { TcpSocket } from './stream-socket.ts';

/**
 * The network of a host. The object is its own stack and its own carrier, to save memory: there is one for each of
 * 100,000 devices.
 */
export class StackNetwork extends Stack implements Network, LinkStatus {
  #watcher: ((carrier: boolean) => void) | undefined = undefined;

  get capabilities(): Capabilities {
    return this.host.capabilities;
  }

  get link(): LinkStatus {
    return this;
  }

  get carrier(): boolean {
    return this.host.carrier;
  }

  watch(isr: (carrier: boolean) => void): void {
    this.#watcher = isr;
  }

  openStream(handler: StreamHandler): StreamSocket {
    return new TcpSocket(this, handler);
  }

  listen(local: SocketAddress, backlog: number, handler: ListenHandler): ListeningSocket {
    return new Listener(this, local, backlog, handler);
  }

  openDatagram(local: SocketAddress, handler: DatagramHandler): DatagramSocket {
    return new UdpSocket(this, local, handler);
  }

  sendFrame(frame: Uint8Array): number {
    return this.host.sendFrame(frame);
  }

  lookup(name: string, done: (result: readonly string[] | Errno) => void): Lookup {
    return this.host.lookup(this.interrupts, name, done);
  }

  carrierChanged(): void {
    if (this.#watcher !== undefined) this.interrupts.raise(this);
  }

  /** @internal The carrier's interrupt: while the firmware hangs, one waits, however often the carrier changes. */
  serve(): void {
    this.#watcher?.(this.carrier);
  }
}
