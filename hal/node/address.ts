/** Addresses as the HAL writes them, checked before Node sees them. */

import { isIP } from 'node:net';
import type { SocketAddress } from '../network.ts';

/** The family of an address in text: 4, 6, or 0 when the text is no address or the port is none. */
export function familyOf({ address, port }: SocketAddress): 0 | 4 | 6 {
  if (!Number.isInteger(port) || port < 0 || port > 65535) return 0;
  const family = isIP(address);
  return family === 4 || family === 6 ? family : 0;
}

/** Returns the address that Node reports; undefined if Node reports none. */
export function socketAddressOf(told: object | string | null): SocketAddress | undefined {
  if (told === null || typeof told === 'string') return undefined;
  if (!('address' in told) || typeof told.address !== 'string') return undefined;
  if (!('port' in told) || typeof told.port !== 'number') return undefined;
  return { address: told.address, port: told.port };
}
