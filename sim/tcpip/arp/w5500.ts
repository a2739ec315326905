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

/** A socket, told by its protocol and port: whom it sends to, and what waits until that is known. */
class Sender implements Waiter {
  readonly key: number;
  /** Sn_DHAR is that of this address, once it is known. */
  address = -1;
  isKnown = false;
  requests = 0;
  /** In the order of their SENDs. */
  waiting: HeldPacket[] = [];
  handle = -1;
  readonly #chip: W5500Neighbours;

  constructor(chip: W5500Neighbours, key: number) {
    this.#chip = chip;
    this.key = key;
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
  readonly #senders = new Map<number, Sender>();

  constructor(stack: Stack, rules: W5500Arp) {
    this.#stack = stack;
    this.#rules = rules;
  }

  send(packet: Packet): void {
    const { host, clock, profile } = this.#stack;
    const { protocol, sourcePort, payloadBytes } = packet;
    const isConnect = protocol === TCP && (packet.flags & (SYN | ACK)) === SYN;
    if (!isConnect && protocol !== UDP) {
      host.link.send(packet);
      return;
    }
    const key = (protocol << 16) | sourcePort;
    let sender = this.#senders.get(key);
    // Another CONNECT from the same port is another socket's.
    if (isConnect && sender !== undefined && sender.address !== host.nextHop(packet.destination)) {
      this.#forget(sender);
      sender = undefined;
    }
    if (sender === undefined) {
      sender = new Sender(this, key);
      this.#senders.set(key, sender);
    }
    // ioLibrary_Driver (1d2582a), socket.c, sendto: the next SEND comes after SENDOK or TIMEOUT of the one before. Who
    // does not wait for that fills the socket's buffer, Sn_TXBUF_SIZE.
    const waitingBytes = sender.waiting.reduce((sum, held) => sum + held.packet.payloadBytes, 0);
    if (waitingBytes + payloadBytes > profile.sendBufferBytes) {
      host.world.packets.release(packet);
      return;
    }
    clock.read();
    sender.waiting.push({ packet, sinceTick: clock.nowTick });
    if (sender.requests === 0) this.#advance(sender);
  }

  /** Sends what waits, up to the first packet whose next hop is not known. */
  #advance(sender: Sender): void {
    const { host } = this.#stack;
    for (let [held] = sender.waiting; held !== undefined; [held] = sender.waiting) {
      const address = host.nextHop(held.packet.destination);
      if (sender.address !== address || !sender.isKnown) {
        sender.address = address;
        sender.isKnown = false;
        this.#ask(sender);
        return;
      }
      sender.waiting.shift();
      host.link.send(held.packet);
    }
  }

  #ask(sender: Sender): void {
    const { timeline } = this.#stack.host.world;
    sender.requests++;
    sendArpRequest(this.#stack, sender.address, true);
    if (sender.handle < 0) sender.handle = timeline.open(sender);
    timeline.set(sender.handle, timeline.nowUs + this.#rules.retryMs * 1000);
  }

  /** RTR has passed; after RCR repetitions it is ARPTO: of a CONNECT, or of one SEND. */
  timeout(sender: Sender): void {
    if (sender.requests <= this.#rules.retries) {
      this.#ask(sender);
      return;
    }
    this.#disarm(sender);
    const isTcp = sender.key >> 16 === TCP;
    const failed = sender.waiting.splice(0, isTcp ? sender.waiting.length : 1);
    if (isTcp) this.#senders.delete(sender.key);
    for (const { packet, sinceTick } of failed) this.#stack.neighbourFailed(packet, sinceTick);
    this.#advance(sender);
  }

  arpArrives(packet: Packet): void {
    const { host } = this.#stack;
    if (packet.destination !== host.address) return;
    if (packet.code === ARP_REQUEST) {
      sendArpReply(this.#stack, packet);
      return;
    }
    for (const sender of [...this.#senders.values()]) {
      if (sender.address !== packet.source || sender.requests === 0) continue;
      sender.isKnown = true;
      this.#disarm(sender);
      // The next CONNECT of the port is another socket's.
      if (sender.key >> 16 === TCP) this.#senders.delete(sender.key);
      this.#advance(sender);
    }
  }

  admits(): boolean {
    return true;
  }

  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined {
    const sender = this.#senders.get((TCP << 16) | localPort);
    return sender?.waiting.find(({ packet }) => isSegment(packet, remoteAddress, remotePort, localPort, seq))
      ?.sinceTick;
  }

  confirm(): void {}

  carrierLost(): void {}

  clear(): void {
    for (const sender of [...this.#senders.values()]) this.#forget(sender);
  }

  rows(): NeighbourRow[] {
    return [...this.#senders.values()].map(({ address, isKnown }) => ({ address, state: isKnown ? 'known' : 'asked' }));
  }

  #forget(sender: Sender): void {
    for (const { packet } of sender.waiting) this.#stack.host.world.packets.release(packet);
    sender.waiting = [];
    this.#disarm(sender);
    this.#senders.delete(sender.key);
  }

  #disarm(sender: Sender): void {
    if (sender.handle >= 0) this.#stack.host.world.timeline.close(sender.handle);
    sender.handle = -1;
    sender.requests = 0;
  }
}
