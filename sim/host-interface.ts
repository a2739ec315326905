/** The network interface of a simulated host as a program on it sees the interface. */

import { INSIDE, OUTSIDE } from './lan.ts';
import type { HostInterface } from './node-host/world.ts';
import { formatAddress } from './packet/address.ts';
import { ethernetAddress } from './packet/ethernet-address.ts';
import type { Host } from './tcpip/host.ts';

/** Returns the interface as it is now; undefined: the host has none, or no address. */
export function interfaceOf(host: Host | undefined): HostInterface | undefined {
  if (host === undefined || !host.hasRoute) return undefined;
  const { size } = (host.address & -INSIDE.size) === INSIDE.base ? INSIDE : OUTSIDE;
  const address = formatAddress(host.address);
  const mac = Array.from(ethernetAddress(host.address), (byte) => byte.toString(16).padStart(2, '0')).join(':');
  return { address, netmask: formatAddress(-size), mac, cidr: `${address}/${32 - Math.log2(size)}` };
}
