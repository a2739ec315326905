/**
 * The neighbour table of a stack: the hosts on its local network, which it finds by ARP (RFC 826) before it can send to
 * them. Each stack has its own rules for when it asks, how long it believes the answer, and how it treats packets
 * meanwhile; they are in one file for each stack.
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
  /**
   * Returns whether an arrived packet may be handled now. If not, the packet is kept here until its sender is known, or
   * dropped.
   */
  admits(packet: Packet): boolean;
  /**
   * Returns the tick since which the connection's segment waits here for its next hop; undefined if it does not wait.
   */
  heldSinceTick(remoteAddress: number, remotePort: number, localPort: number, seq: number): number | undefined;
  /** Confirms that packets sent to `destination` have arrived: TCP knows it from acknowledgements. */
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
