/**
 * FreeRTOS+TCP's ARP cache (source/FreeRTOS_ARP.c, V4.4.1), aged by a timer of 10 s. A connection keeps the Ethernet
 * address that it began with: only its SYN, and datagrams, are asked for. Nothing waits meanwhile, but for one packet
 * of a sender that is not known.
 */

import { ACK, ARP_REQUEST, type Packet, SYN, TCP, UDP } from '../../packet/packet.ts';
import type { Waiter } from '../../time/event.ts';
import type { FreeRtosTcpArp } from '../profile.ts';
import type { Stack } from '../stack.ts';
import type { NeighbourRow, Neighbours } from './neighbours.ts';
import { sendArpReply, sendArpRequest } from './packets.ts';

/** FreeRTOS_IP.c, ipARP_TIMER_PERIOD_MS. */
const TIMER_US = 10_000_000;
/** arpMAX_ARP_AGE_BEFORE_NEW_ARP_REQUEST. */
const AGE_TO_ASK_AGAIN = 3;
/** FreeRTOS_IP.c, ipARP_RESOLUTION_MAX_DELAY. */
const HELD_US = 2_000_000;

interface Entry {
  readonly address: number;
  isValid: boolean;
  /** Remaining age; it counts down. */
  age: number;
}

export class FreeRtosTcpNeighbours implements Neighbours, Waiter {
  readonly #stack: Stack;
  readonly #rules: FreeRtosTcpArp;
  readonly #bootUs: number;
  #entries: Entry[] = [];
  #handle = -1;
  /** pxARPWaitingNetworkBuffer. */
  #held: Packet | undefined = undefined;
  #heldHandle = -1;

  constructor(stack: Stack, rules: FreeRtosTcpArp) {
    this.#stack = stack;
    this.#rules = rules;
    this.#bootUs = stack.host.world.timeline.nowUs;
  }

  send(packet: Packet): void {
    const { host } = this.#stack;
    const isFirst =
      (packet.protocol === TCP && (packet.flags & (SYN | ACK)) === SYN) || packet.protocol === UDP;
    const address = host.nextHop(packet.destination);
    if (!isFirst || this.#find(address)?.isValid === true) {
      host.link.send(packet);
      return;
    }
    // prvTCPPrepareConnect asks, and comes again; FreeRTOS_UDP_IPv4.c, vProcessGeneratedUDPPacket_IPv4: the datagram
    // becomes the request, and a place is taken in the cache, for which the timer asks again.
    if (packet.protocol === UDP && this.#find(address) === undefined) {
      this.#add({ address, isValid: false, age: this.#rules.retransmissionsMax });
    }
    host.world.packets.release(packet);
    sendArpRequest(this.#stack, address, true);
  }

  /** vARPProcessPacketRequest, vARPProcessPacketReply. */
  arpArrives(packet: Packet): void {
    if (packet.destination !== this.#stack.host.address) return;
    this.#refresh(packet.source);
    if (packet.code === ARP_REQUEST) sendArpReply(this.#stack, packet);
    const held = this.#held;
    if (held?.source !== packet.source) return;
    this.#endHolding();
    this.#stack.receive(held);
  }

  /** FreeRTOS_IP.c, prvProcessIPPacket: what a neighbour sends that is not in the cache waits until it is asked. */
  admits(packet: Packet): boolean {
    const { host } = this.#stack;
    const isNeighbour = host.nextHop(packet.source) === packet.source;
    const known = this.#find(packet.source);
    if (!isNeighbour || known?.isValid === true) {
      if (known !== undefined) known.age = this.#rules.maxAge;
      return true;
    }
    sendArpRequest(this.#stack, packet.source, true);
    if (this.#held !== undefined) {
      host.world.packets.release(packet);
      return false;
    }
    const { timeline } = host.world;
    this.#held = packet;
    this.#heldHandle = timeline.open(this);
    timeline.set(this.#heldHandle, timeline.nowUs + HELD_US);
    return false;
  }

  fire(handle: number): void {
    if (handle === this.#heldHandle) this.#dropHeld();
    else this.#ageAll();
  }

  /** vARPAgeCache. */
  #ageAll(): void {
    for (const entry of this.#entries) {
      entry.age--;
      if (!entry.isValid || entry.age <= AGE_TO_ASK_AGAIN) sendArpRequest(this.#stack, entry.address, true);
    }
    this.#entries = this.#entries.filter(({ age }) => age > 0);
    if (this.#entries.length > 0) this.#arm();
  }

  describe(): string {
    return `the ARP timer of ${this.#stack.host.name}`;
  }

  /** A SYN "waits" while nobody has answered: it was not sent. */
  heldSinceTick(remoteAddress: number, _remotePort: number, localPort: number, seq: number): number | undefined {
    const { host, connections, clock } = this.#stack;
    if (this.#find(host.nextHop(remoteAddress))?.isValid === true) return undefined;
    const isConnecting = connections
      .all()
      .some((tcb) => tcb.state === 'SYN-SENT' && tcb.localPort === localPort && tcb.sndUna === seq);
    return isConnecting ? clock.nowTick : undefined;
  }

  confirm(): void {}

  /** FreeRTOS_IP.c, prvProcessNetworkDownEvent: FreeRTOS_ClearARP. */
  carrierLost(): void {
    this.clear();
  }

  clear(): void {
    this.#entries = [];
    this.#dropHeld();
    if (this.#handle >= 0) this.#stack.host.world.timeline.close(this.#handle);
    this.#handle = -1;
  }

  rows(): NeighbourRow[] {
    return this.#entries.map(({ address, isValid }) => ({ address, state: isValid ? 'valid' : 'waiting' }));
  }

  #find(address: number): Entry | undefined {
    return this.#entries.find((entry) => entry.address === address);
  }

  /** vARPRefreshCacheEntry. */
  #refresh(address: number): void {
    const { host } = this.#stack;
    if (host.nextHop(address) !== address) return;
    const entry = this.#find(address);
    if (entry === undefined) {
      this.#add({ address, isValid: true, age: this.#rules.maxAge });
    } else {
      entry.isValid = true;
      entry.age = this.#rules.maxAge;
    }
  }

  /** prvFindCacheEntry: where there is no room, the oldest goes. */
  #add(entry: Entry): void {
    if (this.#entries.length >= this.#rules.cacheEntries) {
      const oldest = this.#entries.reduce((old, other) => (other.age < old.age ? other : old));
      this.#entries = this.#entries.filter((other) => other !== oldest);
    }
    this.#entries.push(entry);
    this.#arm();
  }

  #arm(): void {
    const { timeline } = this.#stack.host.world;
    if (this.#handle < 0) this.#handle = timeline.open(this);
    const calls = Math.floor((timeline.nowUs - this.#bootUs) / TIMER_US) + 1;
    timeline.set(this.#handle, this.#bootUs + calls * TIMER_US);
  }

  #endHolding(): void {
    this.#held = undefined;
    if (this.#heldHandle >= 0) this.#stack.host.world.timeline.close(this.#heldHandle);
    this.#heldHandle = -1;
  }

  #dropHeld(): void {
    if (this.#held !== undefined) this.#stack.host.world.packets.release(this.#held);
    this.#endHolding();
  }
}
