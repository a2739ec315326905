/** A server that does not give back control: where, its argument says. */

import { readFileSync } from 'node:fs';
import net from 'node:net';

const [, , where] = process.argv;

function spin() {
  console.log('in the loop');
  for (;;) {
    try {
      for (;;);
    } catch {}
  }
}

if (where === 'top') spin();

const serve = {
  handler: () => spin(),
  async microtasks() {
    console.log('in the loop');
    for (;;) await undefined;
  },
  /** Blocks in the system's open(2) until somebody writes to it. */
  pipe([, , , fifo]) {
    console.log('in the loop');
    readFileSync(fifo);
  },
};

net.createServer((socket) => socket.on('data', () => serve[where](process.argv))).listen(8080);
