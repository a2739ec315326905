/**
 * Ctrl-C while a program is in an endless loop. Node tells of a signal in a turn of its loop, and there are no turns
 * then. So a thread of its own listens, too, and stops the loop where it stands by way of V8's inspector.
 */

import { once } from 'node:events';
import { closeSync } from 'node:fs';
import node from 'node:process';
import { Worker } from 'node:worker_threads';
import { asNobody, owner } from './owner.ts';
import { programStack } from './program-stack.ts';

/** A signal that came while the process did nothing but run one callback of a program. */
export interface EndlessLoop {
  readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP';
  /** The host whose program is running; undefined: nobody's. */
  readonly host: string | undefined;
  /** The lines of the program's own stack, the innermost call first. */
  readonly stack: string;
}

/** The function that the watching thread calls here, in the middle of the loop. */
const INTERRUPT = Symbol.for('cablepull endless loop');

/**
 * Watches for a signal that this thread does not take within 2 s, or two of them. `onSignal` is called where the loop
 * stands, and returns the exit status of the process, which ends then. Resolves to the function that ends the watch.
 */
export async function watchForEndlessLoops(onSignal: (loop: EndlessLoop) => number): Promise<() => void> {
  const interrupt = (signal: EndlessLoop['signal']): void => {
    const host = owner()?.name;
    const stack = ownStack();
    asNobody(() => {
      const status = onSignal({ signal, host, stack });
      // Node says on standard error that it waits for a debugger, which is the watching thread.
      node.on('exit', () => closeSync(2));
      node.exit(status);
    });
  };
  Reflect.set(globalThis, INTERRUPT, interrupt);
  const watcher = new Worker(new URL('./endless-loop-watcher.js', import.meta.url), {
    // Node has no public class for signals in a thread.
    execArgv: ['--expose-internals', '--no-warnings'],
  });
  // A signal that comes before the thread listens would be lost.
  await once(watcher, 'message');
  watcher.on('message', () => watcher.postMessage('here'));
  watcher.unref();
  return () => {
    Reflect.deleteProperty(globalThis, INTERRUPT);
    void watcher.terminate();
  };
}

function ownStack(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const error = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const lines = programStack(error).split('\n').slice(1);
  // The inspector's own.
  return lines.filter((line) => !/at <anonymous>:\d+:\d+$/.test(line)).join('\n');
}
