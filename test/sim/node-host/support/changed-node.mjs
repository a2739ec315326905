/** A Node whose inside is not what it was, as a later version's may be: what a run says of it. Run by Node alone. */

import net from 'node:net';
import { nodeProgram, Simulation } from '../../../../dist/sim/index.js';

const { JSStream } = process.binding('js_stream');
const timer = setTimeout(() => undefined);
clearTimeout(timer);

const CHANGES = {
  'no js_stream': () => {
    const { binding } = process;
    process.binding = (name) => {
      if (name === 'js_stream') throw new Error(`No such module: ${name}`);
      return binding(name);
    };
  },
  'no _listen2': () => delete net.Server.prototype._listen2,
  'reads go nowhere': () => (JSStream.prototype.readBuffer = () => undefined),
  'ends go nowhere': () => (JSStream.prototype.emitEOF = () => undefined),
  // A field that is there from the start of each timer hides the accessor of the prototype.
  'timers without _idleStart': () => {
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (callback, ms) => Object.assign(setTimeout(callback, ms), { _onTimeout: () => undefined });
  },
};

CHANGES[process.argv[2]]();
const sim = new Simulation({ seed: 1 });
sim.addServer(nodeProgram(() => console.log('the program runs')));
try {
  await sim.runFor('1s');
} catch (error) {
  console.log(error.message);
}
