/** lwIP's ARP table (src/core/ipv4/etharp.c): small, aged by a timer of 1 s, and one packet waits for each answer. */

import { ARP_REQUEST, type Packet } from '../../packet/packet.ts';
import type { Waiter } from '../../time/event.ts';
import type { LwipArp } from '../profile.ts';
import type { Stack } from '../stack.ts';
import type { HeldPacket, NeighbourRow, Neighbours } from './neighbours.ts';
import { isSegment, sendArpReply, sendArpRequest } from './packets.ts';

/** ARP_TMR_INTERVAL. */
const TIMER_US = 1_000_000;
/**
 * ARP_AGE_REREQUEST_USED_UNICAST and _BROADCAST: the time before its end at which an entry in use is requested again.
 */
const REREQUEST_UNICAST_S = 30;
const REREQUEST_BROADCAST_S = 15;

type State = 'PENDING' | 'STABLE' | 'STABLE_REREQUESTING_1' | 'STABLE_REREQUESTING_2';

interface Entry {
  readonly address: number;
  state: State;
  /** Age in calls of the timer. */
  age: number;
  waiting: HeldPacket | undefined;
}

export class LwipNeighbours implements Neighbours, Waiter {
  readonly #stack: Stack;
  readonly #rules: LwipArp;
  readonly #bootUs: number;
  #entries: Entry[] = [];
  /** Handle of the timer, which does nothing while the table is empty. */
  #handle = -1;

  constructor(stack: Stack, rules: LwipArp) {
    this.#stack = stack;
    this.#rules = rules;
    this.#bootUs = stack.host.world.timeline.nowUs;
  }

  /** etharp_output and etharp_query. */
  send(packet: Packet): void {
    const { host, clock } = this.#stack;
    const address = host.nextHop(packet.destination);
    const known = this.#find(address);
    if (known !== undefined && known.state !== 'PENDING') {
      this.#askAgain(known);
      host.link.send(packet);
      return;
    }
    const entry = known ?? this.#add(address, 'PENDING');
    clock.read();
    this.#release(entry);
    entry.waiting = { packet, sinceTick: clock.nowTick };
    if (known === undefined) sendArpRequest(this.#stack, address, true);
  }

  /** etharp_output_to_arp_index. */
  #askAgain(entry: Entry): void {
    if (entry.state !== 'STABLE') return;
    const leftS = this.#rules.maxAgeS - entry.age;
    if (leftS > REREQUEST_UNICAST_S) return;
    sendArpRequest(this.#stack, entry.address, leftS <= REREQUEST_BROADCAST_S);
    entry.state = 'STABLE_REREQUESTING_1';
  }

  /** etharp_input: who asks for us, or answers us, is noted. */
  arpArrives(packet: Packet): void {
    const { host } = this.#stack;
    if (packet.destination !== host.address) return;
    const entry = this.#find(packet.source) ?? this.#add(packet.source, 'STABLE');
    entry.state = 'STABLE';
    entry.age = 0;
    const { waiting } = entry;
    entry.waiting = undefined;
    if (waiting !== undefined) host.link.send(waiting.packet);
    if (packet.code === ARP_REQUEST) sendArpReply(this.#stack, packet);
  }

  /** etharp_tmr. */
  fire(): void {
    const { maxAgeS, maxPendingS } = this.#rules;
    for (const entry of [...this.#entries]) {
      entry.age++;
      if (entry.age >= maxAgeS || (entry.state === 'PENDING' && entry.age >= maxPendingS)) {
        this.#remove(entry);
        continue;
      }
      switch (entry.state) {
        case 'STABLE':
          break;
        case 'STABLE_REREQUESTING_1':
          entry.state = 'STABLE_REREQUESTING_2';
          break;
        case 'STABLE_REREQUESTING_2':
          entry.state = 'STABLE';
          break;
        case 'PENDING':
          sendArpRequest(this.#stack, entry.address, true);
          break;
      }
    }
    if (this.#entries.length > 0) this.#arm();
  }

  describe(): string {
    return `the ARP timer of ${this.#stack.host.name}`;
  }

  admits(): boolean {
    return true;
  }

  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined {
    const waiting = this.#find(this.#stack.host.nextHop(remoteAddress))?.waiting;
    if (waiting === undefined) return undefined;
    return isSegment(waiting.packet, remoteAddress, remotePort, localPort, seq) ? waiting.sinceTick : undefined;
  }

  confirm(): void {}

  /** netif_set_link_down leaves the table as it is. */
  carrierLost(): void {}

  /** netif_set_down: etharp_cleanup_netif. */
  clear(): void {
    for (const entry of [...this.#entries]) this.#remove(entry);
    if (this.#handle >= 0) this.#stack.host.world.timeline.close(this.#handle);
    this.#handle = -1;
  }

  rows(): NeighbourRow[] {
    return this.#entries.map(({ address, state }) => ({ address, state }));
  }

  #find(address: number): Entry | undefined {
    return this.#entries.find((entry) => entry.address === address);
  }

  /** etharp_find_entry with ETHARP_FLAG_TRY_HARD: where the table is full, the oldest stable one goes, or pending. */
  #add(address: number, state: State): Entry {
    if (this.#entries.length >= this.#rules.tableSize) {
      const stable = this.#entries.filter((entry) => entry.state !== 'PENDING');
      const idle = this.#entries.filter((entry) => entry.waiting === undefined);
      const candidates = [stable, idle, this.#entries].find(({ length }) => length > 0) ?? [];
      const oldest = candidates.reduce<Entry | undefined>(
        (old, entry) => (old === undefined || entry.age >= old.age ? entry : old), undefined);
      if (oldest !== undefined) this.#remove(oldest);
    }
    const entry: Entry = { address, state, age: 0, waiting: undefined };
    this.#entries.push(entry);
    if (this.#entries.length === 1) this.#arm();
    return entry;
  }

  #remove(entry: Entry): void {
    this.#release(entry);
    this.#entries = this.#entries.filter((other) => other !== entry);
  }

  #release({ waiting }: Entry): void {
    if (waiting !== undefined) this.#stack.host.world.packets.release(waiting.packet);
  }

  #arm(): void {
    const { timeline } = this.#stack.host.world;
    if (this.#handle < 0) this.#handle = timeline.open(this);
    const calls = Math.floor((timeline.nowUs - this.#bootUs) / TIMER_US) + 1;
    timeline.set(this.#handle, this.#bootUs + calls * TIMER_US);
  }
}
