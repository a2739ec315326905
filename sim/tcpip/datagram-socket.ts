/**
 * The HAL's datagram socket on a simulated stack (RFC 768). There is no fragmentation: a datagram is one packet,
 * with any length.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { DatagramHandler, DatagramSocket, SocketAddress } from '../../hal/network.ts';
import { formatAddress, parseAddress } from '../packet/address.ts';
import { type Packet, UDP } from '../packet/packet.ts';
import type { Stack } from './stack.ts';

/** Largest datagram that IPv4 can carry: 65,535 bytes less the two headers. */
const DATAGRAM_BYTES_MAX = 65_507;
/** Linux's net.core.rmem_default, and about what it counts for a datagram beside its bytes. */
const QUEUED_BYTES_MAX = 212_992;
const OVERHEAD_BYTES = 768;

interface Datagram {
  readonly bytes: Uint8Array;
  readonly sender: SocketAddress;
}

export class UdpSocket implements DatagramSocket {
  readonly #stack: Stack;
  readonly #handler: DatagramHandler;
  readonly #queue: Datagram[] = [];
  #queuedBytes = 0;
  #address: SocketAddress | undefined = undefined;
  #failure: Errno | undefined = undefined;
  #sender: SocketAddress | undefined = undefined;
  #isClosed = false;
  readonly #isrOutcome = (): void => this.#tellOutcome();
  readonly #isrReadable = (): void => {
    if (!this.#isClosed) this.#handler.readable();
  };

  constructor(stack: Stack, local: SocketAddress, handler: DatagramHandler) {
    this.#stack = stack;
    this.#handler = handler;
    const port = stack.isOwnAddress(local.address) ? stack.ports.claimDatagram(this, local.port) : 'EADDRNOTAVAIL';
    if (typeof port === 'number') this.#address = { address: formatAddress(stack.host.address), port };
    else this.#failure = port;
    stack.later(this.#isrOutcome);
  }

  get local(): SocketAddress | undefined {
    return this.#address;
  }

  get sender(): SocketAddress | undefined {
    return this.#sender;
  }

  receive(into: Uint8Array): number {
    const datagram = this.#queue.shift();
    if (datagram === undefined) return failure('EAGAIN');
    const count = Math.min(datagram.bytes.length, into.length);
    into.set(datagram.bytes.subarray(0, count));
    this.#queuedBytes -= datagram.bytes.length + OVERHEAD_BYTES;
    this.#sender = datagram.sender;
    return count;
  }

  sendTo(from: Uint8Array, remote: SocketAddress): number {
    const destination = parseAddress(remote.address);
    if (destination === undefined || !Number.isInteger(remote.port) || remote.port < 1 || remote.port > 0xffff) {
      return failure('EINVAL');
    }
    if (this.#isClosed || this.#address === undefined || this.#stack.interrupts.off) return failure('ENETDOWN');
    if (!this.#stack.hasRouteTo(destination)) return failure(this.#stack.profile.noRouteErrno);
    if (from.length > DATAGRAM_BYTES_MAX) return failure('EMSGSIZE');
    const packet = this.#stack.host.world.packets.take();
    packet.protocol = UDP;
    packet.source = this.#stack.host.address;
    packet.destination = destination;
    packet.sourcePort = this.#address.port;
    packet.destinationPort = remote.port;
    packet.reserve(from.length);
    packet.payload.set(from);
    this.#stack.transmit(packet);
    return from.length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.length = 0;
    if (this.#address !== undefined) this.#stack.ports.releaseDatagram(this.#address.port);
  }

  /** A datagram has come for this port; one that finds no room is lost. */
  arrived({ source, sourcePort, payload, payloadBytes }: Packet): void {
    if (this.#queuedBytes + payloadBytes + OVERHEAD_BYTES > QUEUED_BYTES_MAX) return;
    this.#queuedBytes += payloadBytes + OVERHEAD_BYTES;
    this.#queue.push({
      bytes: payload.slice(0, payloadBytes),
      sender: { address: formatAddress(source), port: sourcePort },
    });
    this.#stack.interrupts.raise(this.#isrReadable);
  }

  #tellOutcome(): void {
    if (this.#isClosed) return;
    if (this.#failure === undefined) {
      this.#handler.bound();
    } else {
      this.#isClosed = true;
      this.#handler.ended(this.#failure);
    }
  }
}
