/** A free port of this machine, for servers that need a number before they start. */

import { createServer } from 'node:net';

/** Resolves to a port on which nothing listened a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address !== 'object' || address === null) return reject(new Error('there is no free port'));
      server.close(() => resolve(address.port));
    });
  });
}
