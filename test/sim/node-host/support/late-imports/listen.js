/** A module that a program imports when it needs it. */

import net from 'node:net';

export const listen = (port) => net.createServer().listen(port);
