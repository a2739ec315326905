/** A device's way to a server over datagrams: a socket of its own, and the first address of the server. */

import { errnoOf, type Errno } from '../../hal/errno.ts';
import type { Network, SocketAddress } from '../../hal/network.ts';
import { DatagramEndpoint } from '../net/datagram-endpoint.ts';
import { lookup } from '../net/lookup.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Server } from './connection.ts';

export interface DatagramPath {
  readonly endpoint: DatagramEndpoint;
  readonly remote: SocketAddress;
}

/** Opens a path; `timeout` ticks for the look-up, and as many for the socket. Returns the errno where there is none. */
export function* openDatagramPath(
  os: Kernel, network: Network, server: Server, timeout: number,
): Generator<void, DatagramPath | Errno, void> {
  const addresses = yield* lookup(os, network, server.host, timeout);
  if (typeof addresses === 'string') return addresses;
  const [address] = addresses;
  if (address === undefined) return 'EAI_NONAME';
  const endpoint = new DatagramEndpoint(os, network);
  const bound = yield* endpoint.bind({ address: address.includes(':') ? '::' : '0.0.0.0', port: 0 }, timeout);
  if (bound === 0) return { endpoint, remote: { address, port: server.port } };
  endpoint.close();
  return errnoOf(bound);
}

/** The device's own end; undefined where the platform says only that any of its addresses may be used. */
export function ownEnd({ local }: DatagramEndpoint): SocketAddress | undefined {
  return local === undefined || local.address === '0.0.0.0' || local.address === '::' ? undefined : local;
}
