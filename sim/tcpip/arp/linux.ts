/**
 * Linux's neighbour entries (net/core/neighbour.c, net/ipv4/arp.c): they age, and a neighbour that is not confirmed by TCP's
 * acknowledgements is probed. What waits for one who does not answer comes back as "host unreachable".
 */

import { ARP_REQUEST, type Packet } from '../../packet/packet.ts';
import type { Waiter } from '../../time/event.ts';
import { formatAddress } from '../../packet/address.ts';
import type { LinuxArp } from '../profile.ts';
import type { Stack } from '../stack.ts';
import { type Timers, timersOf } from '../timer-wheel.ts';
import type { HeldPacket, NeighbourRow, Neighbours } from './neighbours.ts';
import { isSegment, sendArpReply, sendArpRequest } from './packets.ts';

/** The NUD_ states. */
type State = 'NONE' | 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'DELAY' | 'PROBE' | 'FAILED';

/** neigh_timer_handler: no timer is set nearer than HZ/100. */
const TIMER_MS_MIN = 8;
/** neigh_periodic_work: the reachable time is drawn again every 300 s. */
const DRAWN_ANEW_S = 300;
/** neigh_forced_gc leaves alone what has changed within 5 s. */
const GC_SPARED_S = 5;

class Entry implements Waiter {
  readonly address: number;
  state: State = 'NONE';
  probes = 0;
  confirmedTick: number;
  usedTick: number;
  updatedTick: number;
  waiting: HeldPacket[] = [];
  handle = -1;
  readonly #table: LinuxNeighbours;

  constructor(table: LinuxNeighbours, address: number, nowTick: number, confirmedTick: number) {
    this.#table = table;
    this.address = address;
    this.usedTick = nowTick;
    this.updatedTick = nowTick;
    this.confirmedTick = confirmedTick;
  }

  /** NUD_VALID: packets go. */
  get isValid(): boolean {
    return this.state === 'REACHABLE' || this.state === 'STALE' || this.state === 'DELAY' || this.state === 'PROBE';
  }

  fire(): void {
    this.#table.timeout(this);
  }

  describe(): string {
    return `the neighbour entry of ${formatAddress(this.address)}`;
  }
}

export class LinuxNeighbours implements Neighbours {
  readonly #stack: Stack;
  readonly #rules: LinuxArp;
  /** Linux has one wheel for all; how it stands is open for these, as for each kind of timers (stack-clock.ts). */
  readonly timers: Timers;
  readonly #entries = new Map<number, Entry>();
  #reachableTicks = 0;
  #drawnTick = 0;

  constructor(stack: Stack, rules: LinuxArp) {
    this.#stack = stack;
    this.#rules = rules;
    this.timers = timersOf(stack.profile);
    this.#draw();
  }

  send(packet: Packet): void {
    const { host, clock } = this.#stack;
    clock.read();
    const entry = this.#entryOf(host.nextHop(packet.destination));
    if (entry === undefined) host.world.packets.release(packet);
    else this.#output(entry, packet);
  }

  /** neigh_output, and neigh_resolve_output with __neigh_event_send. */
  #output(entry: Entry, packet: Packet): void {
    const { host, clock } = this.#stack;
    if (entry.state === 'REACHABLE') {
      // The fast way, which does not count as use.
      host.link.send(packet);
      return;
    }
    entry.usedTick = clock.nowTick;
    if (entry.state === 'STALE') {
      this.#set(entry, 'DELAY');
      this.#arm(entry, this.#ticks(this.#rules.delayFirstProbeMs));
    }
    if (entry.isValid) {
      host.link.send(packet);
      return;
    }
    const isNew = entry.state !== 'INCOMPLETE';
    if (isNew) {
      entry.probes = 0;
      this.#set(entry, 'INCOMPLETE');
      this.#arm(entry, this.#ticks(this.#rules.retransMs));
    }
    if (entry.waiting.length >= this.#rules.queuePackets) {
      const oldest = entry.waiting.shift();
      if (oldest !== undefined) host.world.packets.release(oldest.packet);
    }
    entry.waiting.push({ packet, sinceTick: clock.nowTick });
    if (isNew) this.#probe(entry);
  }

  /** neigh_timer_handler. */
  timeout(entry: Entry): void {
    const { clock } = this.#stack;
    clock.read();
    const { nowTick } = clock;
    const delayTicks = this.#ticks(this.#rules.delayFirstProbeMs);
    let nextTicks = this.#ticks(this.#rules.retransMs);
    if (entry.state === 'REACHABLE') {
      const confirmed = (nowTick - entry.confirmedTick) | 0;
      if (confirmed <= this.#reachable) {
        nextTicks = this.#reachable - confirmed;
      } else if (((nowTick - entry.usedTick) | 0) <= delayTicks) {
        this.#set(entry, 'DELAY');
        nextTicks = delayTicks;
      } else {
        this.#set(entry, 'STALE');
        return;
      }
    } else if (entry.state === 'DELAY') {
      const confirmed = (nowTick - entry.confirmedTick) | 0;
      if (confirmed <= delayTicks) {
        this.#set(entry, 'REACHABLE');
        nextTicks = this.#reachable - confirmed;
      } else {
        entry.probes = 0;
        this.#set(entry, 'PROBE');
      }
    }
    const isAsking = entry.state === 'INCOMPLETE' || entry.state === 'PROBE';
    const { unicastProbes, multicastProbes } = this.#rules;
    if (isAsking && entry.probes >= (entry.state === 'PROBE' ? unicastProbes : multicastProbes)) {
      this.#fail(entry);
      return;
    }
    this.#arm(entry, Math.max(nextTicks, this.#ticks(TIMER_MS_MIN)));
    if (isAsking) this.#probe(entry);
  }

  #probe(entry: Entry): void {
    entry.probes++;
    sendArpRequest(this.#stack, entry.address, entry.state === 'INCOMPLETE');
  }

  /** neigh_invalidate; arp_error_report tells the senders of what has waited. */
  #fail(entry: Entry): void {
    const { waiting } = entry;
    entry.waiting = [];
    this.#disarm(entry);
    this.#set(entry, 'FAILED');
    for (const { packet, sinceTick } of waiting) this.#stack.neighbourFailed(packet, sinceTick);
  }

  arpArrives(packet: Packet): void {
    const { host, clock } = this.#stack;
    const { code, source, destination } = packet;
    if (destination !== host.address) return;
    clock.read();
    if (code === ARP_REQUEST) {
      // arp_process: who asks for us will soon be asked for; and is told first what has waited for it.
      const entry = this.#entryOf(source);
      if (entry !== undefined) this.#update(entry, 'STALE');
      sendArpReply(this.#stack, packet);
    } else {
      const entry = this.#entries.get(source);
      if (entry !== undefined) this.#update(entry, 'REACHABLE');
    }
  }

  /** neigh_update, of an address that has not changed. */
  #update(entry: Entry, wanted: 'STALE' | 'REACHABLE'): void {
    const { nowTick } = this.#stack.clock;
    const wasValid = entry.isValid;
    if (wanted === 'REACHABLE') entry.confirmedTick = nowTick;
    if (entry.state === wanted || (wasValid && wanted === 'STALE')) return;
    this.#disarm(entry);
    this.#set(entry, wanted);
    if (wanted === 'REACHABLE') this.#arm(entry, this.#reachable);
    if (wasValid) return;
    const { waiting } = entry;
    entry.waiting = [];
    for (const { packet } of waiting) this.#output(entry, packet);
  }

  admits(): boolean {
    return true;
  }

  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined {
    const entry = this.#entries.get(this.#stack.host.nextHop(remoteAddress));
    return entry?.waiting.findLast(({ packet }) => isSegment(packet, remoteAddress, remotePort, localPort, seq))
      ?.sinceTick;
  }

  confirm(destination: number): void {
    const entry = this.#entries.get(this.#stack.host.nextHop(destination));
    if (entry !== undefined) entry.confirmedTick = this.#stack.clock.nowTick;
  }

  /** neigh_carrier_down. */
  carrierLost(): void {
    this.clear();
  }

  /** neigh_ifdown: nobody is told of what has waited. */
  clear(): void {
    for (const entry of this.#entries.values()) this.#forget(entry);
  }

  rows(): NeighbourRow[] {
    return [...this.#entries.values()].map(({ address, state }) => ({ address, state }));
  }

  // ---- entries ----

  /** undefined: the table is full. */
  #entryOf(address: number): Entry | undefined {
    const known = this.#entries.get(address);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#rules.tableMax && !this.#collect()) return undefined;
    const { nowTick } = this.#stack.clock;
    const confirmedTick = (nowTick - 2 * this.#ticks(this.#rules.baseReachableMs)) | 0;
    const entry = new Entry(this, address, nowTick, confirmedTick);
    this.#entries.set(address, entry);
    return entry;
  }

  /** neigh_forced_gc: what has failed, or has not changed for a while, goes, as far as down to half of the table. */
  #collect(): boolean {
    const { nowTick } = this.#stack.clock;
    const { tableMax } = this.#rules;
    for (const entry of this.#entries.values()) {
      const isOld = ((nowTick - entry.updatedTick) | 0) > this.#ticks(GC_SPARED_S * 1000);
      if (entry.state === 'FAILED' || isOld) this.#forget(entry);
      if (this.#entries.size <= tableMax / 2) break;
    }
    return this.#entries.size < tableMax;
  }

  #forget(entry: Entry): void {
    for (const { packet } of entry.waiting) this.#stack.host.world.packets.release(packet);
    entry.waiting = [];
    this.#disarm(entry);
    this.#entries.delete(entry.address);
  }

  #set(entry: Entry, state: State): void {
    entry.state = state;
    entry.updatedTick = this.#stack.clock.nowTick;
  }

  #arm(entry: Entry, delayTicks: number): void {
    const { clock, host } = this.#stack;
    const { timeline } = host.world;
    if (entry.handle < 0) entry.handle = timeline.open(entry);
    timeline.set(entry.handle, timeline.nowUs + clock.usUntil(this.timers.expiry(clock.nowTick, delayTicks)));
  }

  #disarm(entry: Entry): void {
    if (entry.handle >= 0) this.#stack.host.world.timeline.close(entry.handle);
    entry.handle = -1;
  }

  get #reachable(): number {
    const since = (this.#stack.clock.nowTick - this.#drawnTick) | 0;
    if (since >= this.#ticks(DRAWN_ANEW_S * 1000)) this.#draw();
    return this.#reachableTicks;
  }

  /** neigh_rand_reach_time: from half of the base to one and a half. */
  #draw(): void {
    const { clock, host } = this.#stack;
    const baseTicks = this.#ticks(this.#rules.baseReachableMs);
    this.#reachableTicks = (host.random.uint32() % baseTicks) + (baseTicks >> 1);
    this.#drawnTick = clock.nowTick;
  }

  #ticks(ms: number): number {
    return Math.ceil((ms * 1000) / this.#stack.profile.tickUs);
  }
}
