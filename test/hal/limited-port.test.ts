/**
 * The porting guide says how a platform with few means fits the contract. This is such a port, made as the guide says
 * from what ECMA-419's TCP offers: no keepalive, no reset, no half-close, no choice of the local end, and one `onError`
 * that tells neither why nor whether the peer has closed. The suite passes on it.
 */

import { afterAll, describe, test } from 'vitest';
import { checks } from '../../hal/conformance/index.ts';
import { failure } from '../../hal/index.ts';
import { expectSound } from '../support/conformance.ts';
import { nodeSubject, temporaryFolder } from './subject.ts';
import { withNetwork, withStreams } from './wrap.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const withLimitedStreams = withStreams((handler, accepted) => {
  let isConnected = accepted;
  let isOver = false;
  return {
    handler: {
      writable() {
        isConnected = true;
        handler.writable();
      },
      // onError: a failure to connect is EIO; later it may be the peer's FIN, and is taken for that.
      ended() {
        isOver = true;
        handler.ended(isConnected ? 'closed' : 'EIO');
      },
    },
    socket: (socket) => ({
      local: undefined,
      bind: () => failure('EOPNOTSUPP'),
      shutdown: () => failure(isConnected ? 'EOPNOTSUPP' : 'ENOTCONN'),
      abort: () => socket.close(),
      setKeepAlive: () => 'none',
      read(into) {
        const result = socket.read(into);
        if (!isOver || result > 0) return result;
        return isConnected ? 0 : failure('EIO');
      },
      write: (from) => (isOver ? failure('EIO') : socket.write(from)),
    }),
  };
});

const withLimitedNetwork = withNetwork((network) => ({
  capabilities: {
    ...network.capabilities,
    keepAlive: 'none',
    userTimeout: false,
    reset: false,
    errorReason: false,
    halfClose: false,
  },
}));

/** Names of the checks that the suite skips on such a port. */
const BEYOND_ITS_MEANS = /the local port can be chosen|a local port that is taken|a reset right|peer's reset|FIN, writing goes on/;

describe('a port with few means', () => {
  const limited = () => {
    const subject = nodeSubject(folder);
    return { ...subject, hal: withLimitedStreams(withLimitedNetwork(subject.hal)) };
  };
  for (const check of checks(limited(), limited())) {
    // Clock, storage and system are those of hal/node.
    if (!/^(stream|listen):/.test(check.name)) continue;
    test(check.name, async () => {
      expectSound(check, await new Promise(check.run), BEYOND_ITS_MEANS);
    });
  }
});
