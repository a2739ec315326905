/** The thread of `endless-loop.ts`. It hears the signals that the main thread does not take. */

import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import node from 'node:process';
import { parentPort } from 'node:worker_threads';

/** Time for which the main thread may be busy with its own work. */
const PATIENCE_MS = 2000;
/** V8 gets into JavaScript at once. What is not JavaScript, such as a read of a pipe, cannot be interrupted. */
const INTERRUPT_MS = 1000;

/** node::SignalWrap. */
interface Signal {
  onsignal: (number: number) => void;
  start(number: number): number;
}

interface Internals {
  internalBinding(name: 'signal_wrap'): { readonly Signal: new () => Signal };
}

const internals: Internals = createRequire(import.meta.url)('internal/test/binding');
const { Signal } = internals.internalBinding('signal_wrap');
const port = parentPort;
if (port === null) throw new Error('this file is for a thread of cablepull');

let unanswered: NodeJS.Timeout | undefined;
let isInterrupting = false;

function heard(signal: string): void {
  if (unanswered !== undefined) return interrupt(signal);
  unanswered = setTimeout(() => interrupt(signal), PATIENCE_MS);
  port?.postMessage('there?');
}

function interrupt(signal: string): void {
  if (isInterrupting) return;
  isInterrupting = true;
  clearTimeout(unanswered);
  setTimeout(() => {
    writeSync(2, `cablepull: ended by force at ${signal}: a program waits in a call of Node that cannot be interrupted\n`);
    node.kill(node.pid, 'SIGKILL');
  }, INTERRUPT_MS);
  const session = new Session();
  // From Node 20.11 on; the types are older.
  const connect: unknown = Reflect.get(session, 'connectToMainThread');
  if (typeof connect === 'function') Reflect.apply(connect, session, []);
  const expression = `globalThis[Symbol.for('cablepull endless loop')]('${signal}')`;
  session.post('Runtime.evaluate', { expression });
}

port.on('message', () => {
  clearTimeout(unanswered);
  unanswered = undefined;
});
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const signal = new Signal();
  signal.onsignal = () => heard(name);
  signal.start(constants.signals[name]);
}
port.postMessage('listening');
