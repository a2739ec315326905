/** A crew of worker threads: a thread that does not answer any more costs its order, and nothing else. */

import { expect, it } from 'vitest';
import { type Answer, Crew } from '../../../sim/command/crew.ts';

type Order = 'answer' | 'loop' | 'throw' | 'get on';
interface Reply {
  readonly kind: 'done';
  readonly order: Order;
}

/** A thread with an endless loop, an error, and a long way to an answer. */
const THREAD = `
  import { parentPort } from 'node:worker_threads';
  parentPort.on('message', (order) => {
    if (order === 'loop') for (;;);
    if (order === 'throw') throw new Error('no such order');
    const done = () => parentPort.postMessage({ kind: 'done', order });
    if (order !== 'get on') return done();
    let steps = 0;
    setInterval(() => ++steps < 50 ? parentPort.postMessage({ kind: 'getting-on' }) : done(), 100);
  });
`;
const FILE = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);

/** Well above the time that a thread takes to start, and below the time of the order that makes progress. */
const SILENCE_MS = 4000;

async function answersTo(orders: readonly Order[], silenceMs: number): Promise<Answer<Order, Reply>[]> {
  const crew = new Crew<Order, Reply>(FILE, undefined, 1, { ordersMax: Infinity, silenceMs });
  const answers: Answer<Order, Reply>[] = [];
  await crew.work(orders, (answer) => answers.push(answer));
  return answers;
}

it('a thread that is silent for too long is ended, and another one carries out the next order', async () => {
  expect(await answersTo(['answer', 'loop', 'answer'], SILENCE_MS)).toEqual([
    { kind: 'done', order: 'answer' },
    { kind: 'failed', order: 'loop', reason: 'its thread was silent for 4000 ms', isSilent: true },
    { kind: 'done', order: 'answer' },
  ]);
});

it('a thread that reports progress may take any time', async () => {
  expect(await answersTo(['get on'], SILENCE_MS)).toEqual([{ kind: 'done', order: 'get on' }]);
});

it('a thread that throws costs its order only, too', async () => {
  expect(await answersTo(['throw', 'answer'], Infinity)).toEqual([
    { kind: 'failed', order: 'throw', reason: expect.stringContaining('no such order'), isSilent: false },
    { kind: 'done', order: 'answer' },
  ]);
});
