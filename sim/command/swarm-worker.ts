/** A worker thread of `cablepull swarm`: does the orders that it is sent, one after another. */

import { parentPort, workerData } from 'node:worker_threads';
import type { GettingOn } from './crew.ts';
import type { Invariant } from '../swarm/invariants.ts';
import type { ProgramWatch } from '../swarm/program-run.ts';
import type { Swarm } from '../swarm/swarm-text.ts';
import type { RunResult } from '../swarm/run.ts';
import type { Repetition } from '../swarm/shrink.ts';
import { runOf, shrunkOf } from '../swarm/swarm.ts';

/** Order for the thread: to do a run, or to find the smallest case for a run that fails. */
export type Order =
  | { readonly kind: 'run'; readonly index: number }
  | { readonly kind: 'shrink'; readonly index: number; readonly invariant: Invariant };

/** Message that the thread sends when an order is done. */
export type Reply =
  | { readonly kind: 'ran'; readonly result: RunResult }
  | { readonly kind: 'shrunk'; readonly index: number; readonly shrunk: Repetition };

async function carryOut(swarm: Swarm, order: Order, watch: ProgramWatch): Promise<Reply> {
  switch (order.kind) {
    case 'run':
      return { kind: 'ran', result: await runOf(swarm, order.index, watch) };
    case 'shrink':
      return {
        kind: 'shrunk',
        index: order.index,
        shrunk: await shrunkOf(swarm, order.index, order.invariant, watch),
      };
  }
}

const port = parentPort;
if (port === null) throw new Error('this file is for a thread of cablepull swarm');
const swarm: Swarm = workerData;
const watch: ProgramWatch = { onTurn: () => port.postMessage({ kind: 'getting-on' } satisfies GettingOn) };
port.on('message', (order: Order) => void carryOut(swarm, order, watch).then((reply) => port.postMessage(reply)));
