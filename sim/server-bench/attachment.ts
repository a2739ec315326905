/**
 * The network that devices are attached to: a network namespace of their server's own; or, by `tun`, the host's
 * network, where a server runs already, on this host or beyond it.
 */

import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import { type Block, OUTSIDE } from '../lan.ts';
import { formatAddress, parseAddress } from '../packet/address.ts';

/** A server that runs already. */
export interface TunOptions {
  /** Address of the server; names are to be looked up beforehand. */
  readonly server: { readonly address: string; readonly port: number };
  /** The devices' addresses, and the host's end of the way. Default 10.77.0.0/16. */
  readonly subnet?: string;
  /**
   * Default `cablepull0`. One that is there is taken as it is; else it is made, which only root may, and is gone
   * afterwards.
   */
  readonly interfaceName?: string;
}

export interface Attachment {
  readonly interfaceName: string;
  readonly block: Block;
  /** The host's end, as a number. */
  readonly address: number;
  /** Address for the helper to set; `-` if the interface exists and is not to be changed. */
  readonly setAddress: string;
  readonly netmask: string;
  readonly serverAddress: number;
  /** True if the server's sockets belong to this kernel and can be inspected. */
  readonly canLook: boolean;
}

const INTERFACE_NAME = 'cablepull0';
const SUBNET = '10.77.0.0/16';

/** In a namespace nobody else has addresses. */
export const IN_NAMESPACE: Attachment = {
  interfaceName: INTERFACE_NAME,
  block: OUTSIDE,
  address: OUTSIDE.base + 1,
  setAddress: formatAddress(OUTSIDE.base + 1),
  netmask: '255.0.0.0',
  serverAddress: OUTSIDE.base + 1,
  canLook: true,
};

/** Or a sentence that it cannot be so. */
export function attachByTun(options: TunOptions): Attachment | string {
  const { server, subnet = SUBNET, interfaceName = INTERFACE_NAME } = options;
  const block = parseSubnet(subnet);
  if (block === undefined) return `a subnet is an address and a length from 8 to 30, as in ${SUBNET}, not '${subnet}'`;
  if (!/^[\w.-]{1,15}$/.test(interfaceName)) {
    return `'${interfaceName}' is no name of an interface: 1 to 15 letters and digits`;
  }
  const serverAddress = parseAddress(server.address);
  if (serverAddress === undefined) return `the devices speak IPv4: '${server.address}' is no such address`;
  const isThere = existsSync(`/sys/class/net/${interfaceName}`);
  if (!isThere && process.geteuid?.() !== 0) {
    return (
      `there is no interface ${interfaceName}, and only root may make one: run this as root (sudo), or have it made ` +
      `for you, once: sudo ip tuntap add dev ${interfaceName} mode tun user $USER; ` +
      `sudo ip addr add ${formatAddress(block.base + 1)}/${prefixOf(block)} dev ${interfaceName}; ` +
      `sudo ip link set ${interfaceName} up`
    );
  }
  const others = Object.entries(networkInterfaces()).flatMap(([name, addresses]) => {
    return name === interfaceName ? [] : (addresses ?? []).map(({ address }) => ({ name, address }));
  });
  const clash = others.find(({ address }) => isIn(block, parseAddress(address)));
  if (clash !== undefined) {
    const taken = `${clash.name} has the address ${clash.address}`;
    return `${subnet} is not free: ${taken}; choose another one, as in --subnet 10.78.0.0/16`;
  }
  const addresses = networkInterfaces()[interfaceName]?.map((one) => parseAddress(one.address)) ?? [];
  const own = addresses.find((one) => one !== undefined);
  const address = own ?? block.base + 1;
  return {
    interfaceName,
    block,
    address,
    setAddress: isThere ? '-' : formatAddress(address),
    netmask: formatAddress(-block.size | 0),
    serverAddress,
    canLook: serverAddress === address || others.some((other) => other.address === server.address),
  };
}

function parseSubnet(text: string): Block | undefined {
  const [, address = '', length = ''] = /^([\d.]+)\/(\d+)$/.exec(text) ?? [];
  const base = parseAddress(address);
  const prefix = Number(length);
  if (base === undefined || prefix < 8 || prefix > 30) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: base & -size, size };
}

function prefixOf({ size }: Block): number {
  return 32 - Math.log2(size);
}

function isIn({ base, size }: Block, address: number | undefined): boolean {
  return address !== undefined && (address & -size) === base;
}
