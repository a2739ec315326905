/** Ethernet addresses of simulated hosts: each follows from the host's IPv4 address. */

export const ETHERNET_BROADCAST = new Uint8Array(6).fill(0xff);

/** Locally administered (IEEE 802, 8.4): 02:00, and the IPv4 address. */
export function ethernetAddress(address: number): Uint8Array {
  return Uint8Array.of(0x02, 0x00, address >>> 24, address >>> 16, address >>> 8, address);
}
