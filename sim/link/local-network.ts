/** The local network that a host's cable leads to, as its stack knows it. */

export interface LocalNetwork {
  /** True if the hosts of the network find one another by ARP. */
  readonly arp: boolean;
  /** Returns the next hop of a packet for `destination`: the destination itself, or the router of the network. */
  nextHop(destination: number): number;
}
