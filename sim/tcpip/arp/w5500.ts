/**
 * The W5500's ARP: the chip has no table. A socket asks with its CONNECT, or with its first SEND to another address,
 * and keeps the answer as its destination (Sn_DHAR). Nobody answers: ARPTO, a timeout of the socket (Sn_IR, TIMEOUT).
 * The data sheet does not say whether a connection that came from outside asks: here it answers to where SYN came from.
 */

import { ACK, ARP_REQUEST, type Packet, SYN, TCP, UDP } from '../../packet/packet.ts';
import type { Waiter } from '../../time/event.ts';
import type { W5500Arp } from '../profile.ts';
import type { Stack } from '../stack.ts';
import type { HeldPacket, NeighbourRow, Neighbours } from './neighbours.ts';
import { isSegment, sendArpReply, sendArpRequest } from './packets.ts';

/** A driver waits for each SEND; so many datagrams of one that does not are kept. */
const HELD_MAX = 8;

/** A socket, told by its protocol and port, and whom it sends to. */
class Destination implements Waiter {
  readonly address: number;
  isKnown = false;
  requests = 0;
  waiting: HeldPacket[] = [];
  handle = -1;
  readonly #chip: W5500Neighbours;

  constructor(chip: W5500Neighbours, address: number) {
    this.#chip = chip;
    this.address = address;
  }

  fire(): void {
    this.#chip.timeout(this);
  }

  describe(): string {
    return 'the ARP of a socket of a W5500';
  }
}

export class W5500Neighbours implements Neighbours {
  readonly #stack: Stack;
  readonly #rules: W5500Arp;
  readonly #bySocket = new Map<number, Destination>();

  constructor(stack: Stack, rules: W5500Arp) {
    this.#stack = stack;
    this.#rules = rules;
  }

  send(packet: Packet): void {
    const { host, clock } = this.#stack;
    const { protocol, sourcePort } = packet;
    const isConnect = protocol === TCP && (packet.flags & (SYN | ACK)) === SYN;
    if (!isConnect && protocol !== UDP) {
      host.link.send(packet);
      return;
    }
    const address = host.nextHop(packet.destination);
    const socket = (protocol << 16) | sourcePort;
    let destination = this.#bySocket.get(socket);
    if (destination?.address !== address) {
      if (destination !== undefined) this.#forget(destination);
      destination = new Destination(this, address);
      this.#bySocket.set(socket, destination);
    }
    if (destination.isKnown) {
      host.link.send(packet);
      return;
    }
    clock.read();
    if (destination.waiting.length >= HELD_MAX) host.world.packets.release(packet);
    else destination.waiting.push({ packet, sinceTick: clock.nowTick });
    if (destination.requests === 0) this.#ask(destination);
  }

  #ask(destination: Destination): void {
    const { timeline } = this.#stack.host.world;
    destination.requests++;
    sendArpRequest(this.#stack, destination.address, true);
    if (destination.handle < 0) destination.handle = timeline.open(destination);
    timeline.set(destination.handle, timeline.nowUs + this.#rules.retryMs * 1000);
  }

  /** RTR has passed; after RCR repetitions it is ARPTO. */
  timeout(destination: Destination): void {
    if (destination.requests <= this.#rules.retries) {
      this.#ask(destination);
      return;
    }
    const { waiting } = destination;
    destination.waiting = [];
    this.#forget(destination);
    for (const { packet, sinceTick } of waiting) this.#stack.neighbourFailed(packet, sinceTick);
  }

  arpArrives(packet: Packet): void {
    const { host } = this.#stack;
    if (packet.destination !== host.address) return;
    if (packet.code === ARP_REQUEST) {
      sendArpReply(this.#stack, packet);
      return;
    }
    for (const [socket, destination] of this.#bySocket) {
      if (destination.address !== packet.source || destination.isKnown) continue;
      const { waiting } = destination;
      destination.waiting = [];
      destination.isKnown = true;
      this.#disarm(destination);
      // The next CONNECT of the port is another socket's.
      if (socket >> 16 === TCP) this.#bySocket.delete(socket);
      for (const held of waiting) host.link.send(held.packet);
    }
  }

  admits(): boolean {
    return true;
  }

  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined {
    const destination = this.#bySocket.get((TCP << 16) | localPort);
    return destination?.waiting.find(({ packet }) => isSegment(packet, remoteAddress, remotePort, localPort, seq))
      ?.sinceTick;
  }

  confirm(): void {}

  carrierLost(): void {}

  clear(): void {
    for (const destination of this.#bySocket.values()) this.#forget(destination);
  }

  rows(): NeighbourRow[] {
    const destinations = [...this.#bySocket.values()];
    return destinations.map(({ address, isKnown }) => ({ address, state: isKnown ? 'known' : 'asked' }));
  }

  #forget(destination: Destination): void {
    for (const { packet } of destination.waiting) this.#stack.host.world.packets.release(packet);
    destination.waiting = [];
    this.#disarm(destination);
    for (const [socket, other] of this.#bySocket) {
      if (other === destination) this.#bySocket.delete(socket);
    }
  }

  #disarm(destination: Destination): void {
    if (destination.handle >= 0) this.#stack.host.world.timeline.close(destination.handle);
    destination.handle = -1;
  }
}
