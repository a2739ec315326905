/** The network of this machine, as a device sees it. */

import { networkInterfaces } from 'node:os';
import type { Network } from '../network.ts';
import { nodeOpenDatagram } from './datagram.ts';
import type { Home } from './home.ts';
import { nodeListen } from './listen.ts';
import { nodeLookup } from './lookup.ts';
import { KEEPALIVE_SUPPORT, NodeStream } from './stream.ts';

export interface NodeNetworkOptions {
  /**
   * Is told, in one sentence, what a socket option asked for and Node could not apply: once for each kind
   * of thing, for the whole process. By default nothing is said.
   */
  readonly warn?: (sentence: string) => void;
}

export interface NodeNetwork extends Network {
  /**
   * Drops all that is open, as a reset of the device does: connections with RST, and nothing is called back.
   * (A real device that resets says nothing until its peer sends; the process cannot be as quiet.)
   */
  dropAll(): void;
}

/** Real sockets. Any number of devices may share one network, or have one each. */
export function nodeNetwork({ warn }: NodeNetworkOptions = {}): NodeNetwork {
  const home: Home = { open: new Set(), warn };
  return {
    capabilities: {
      keepAlive: KEEPALIVE_SUPPORT,
      userTimeout: false,
      reset: true,
      errorReason: true,
      halfClose: true,
      ipv6: Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6')),
      listen: true,
      datagram: true,
      carrier: false,
    },
    link: { carrier: true, watch() {} },
    openStream: (handler) => new NodeStream(home, handler),
    listen: (local, backlog, handler) => nodeListen(home, local, backlog, handler),
    openDatagram: (local, handler) => nodeOpenDatagram(home, local, handler),
    lookup: nodeLookup,
    dropAll() {
      for (const socket of [...home.open]) socket.drop();
    },
  };
}
