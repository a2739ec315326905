/**
 * What a stack knows of the others on its local network, whom it finds by ARP (RFC 826) before it can send to them.
 * When it asks, how long it believes the answer, and what becomes of packets meanwhile is each stack's own, in a file
 * each.
 */

import type { Packet } from '../../packet/packet.ts';
import type { Stack } from '../stack.ts';
import { FreeRtosTcpNeighbours } from './freertos-tcp.ts';
import { LinuxNeighbours } from './linux.ts';
import { LwipNeighbours } from './lwip.ts';
import { W5500Neighbours } from './w5500.ts';

/** A neighbour, as `ip neigh` shows it on Linux. */
export interface NeighbourRow {
  readonly address: number;
  readonly state: string;
}

export interface Neighbours {
  /** Sends a packet that leaves the host, now or when its next hop is known; takes it over. */
  send(packet: Packet): void;
  /** An ARP packet has come. It is still the caller's. */
  arpArrives(packet: Packet): void;
  /** Whether a packet that has come may be handled now; if not, it is kept here till its sender is known, or dropped. */
  admits(packet: Packet): boolean;
  /** Since which tick the segment of a connection waits here for its next hop; undefined: it does not wait. */
  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined;
  /** What was sent to `destination` has arrived: TCP knows it by acknowledgements. */
  confirm(destination: number): void;
  /** The cable is out. */
  carrierLost(): void;
  /** The interface is down, or the power has gone: all is forgotten. */
  clear(): void;
  /** All entries, for people. */
  rows(): NeighbourRow[];
}

/** A packet that waits for an answer. */
export interface HeldPacket {
  readonly packet: Packet;
  readonly sinceTick: number;
}

/** The neighbours of a stack that has just booted. */
export function neighboursOf(stack: Stack): Neighbours {
  const { arp } = stack.profile;
  switch (arp.kind) {
    case 'linux':
      return new LinuxNeighbours(stack, arp);
    case 'lwip':
      return new LwipNeighbours(stack, arp);
    case 'freertos-tcp':
      return new FreeRtosTcpNeighbours(stack, arp);
    case 'w5500':
      return new W5500Neighbours(stack, arp);
  }
}
