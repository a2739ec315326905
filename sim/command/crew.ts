/** A crew of worker threads: each takes the next order when it has finished one. */

import { Worker } from 'node:worker_threads';
import { reasonOf } from './problem.ts';

/**
 * Answer to an order: the reply of the thread, or the reason why there is none, as when the thread ran out of memory.
 */
export type Answer<Order, Reply> = Reply | { readonly kind: 'failed'; readonly order: Order; readonly reason: string };

export class Crew<Order, Reply extends { readonly kind: string }> {
  /** File that a thread runs, and the data that each thread gets once. */
  readonly #file: URL;
  readonly #data: unknown;
  readonly #jobs: number;
  readonly #ordersMax: number;
  #isStopped = false;
  /** Resolves the promise on which `work` waits. */
  #giveUp: () => void = () => {};

  /**
   * `jobs` is the number of threads. After `ordersMax` orders a new thread replaces a thread, which frees what the old
   * thread held.
   */
  constructor(file: URL, data: unknown, jobs: number, ordersMax = Infinity) {
    this.#file = file;
    this.#data = data;
    this.#jobs = jobs;
    this.#ordersMax = ordersMax;
  }

  /** Carries out all orders, and calls `onAnswer` for each. Resolves when all are done, or soon after `stop`. */
  async work(orders: Iterable<Order>, onAnswer: (answer: Answer<Order, Reply>) => void): Promise<void> {
    const rest = orders[Symbol.iterator]();
    const stopped = new Promise<void>((resolve) => (this.#giveUp = resolve));
    const threads: Worker[] = [];
    const hands = Array.from({ length: this.#jobs }, () => this.#hand(rest, threads, (answer) => {
      if (!this.#isStopped) onAnswer(answer);
    }));
    await Promise.race([Promise.all(hands), stopped]);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  /** Stops soon: the orders that are being carried out are dropped. */
  stop(): void {
    this.#isStopped = true;
    this.#giveUp();
  }

  async #hand(
    rest: Iterator<Order>, threads: Worker[], onAnswer: (answer: Answer<Order, Reply>) => void,
  ): Promise<void> {
    let thread: Worker | undefined;
    let done = 0;
    for (let next = rest.next(); next.done !== true && !this.#isStopped; next = rest.next()) {
      const order = next.value;
      if (thread === undefined) {
        thread = new Worker(this.#file, { workerData: this.#data });
        threads.push(thread);
        done = 0;
      }
      const answer = await this.#ask(thread, order);
      // This thread is dead: the next order needs a new one.
      if (answer.kind === 'failed') thread = undefined;
      onAnswer(answer);
      if (++done < this.#ordersMax) continue;
      await thread?.terminate();
      thread = undefined;
    }
  }

  #ask(thread: Worker, order: Order): Promise<Answer<Order, Reply>> {
    return new Promise((resolve) => {
      const failed = (reason: string): void => settle({ kind: 'failed', order, reason });
      const onError = (error: unknown): void => failed(reasonOf(error));
      const onExit = (status: number): void => failed(`its thread ended with status ${status}`);
      // Not removeAllListeners: a Worker has listeners of its own, without which it does not hear its thread.
      const settle = (answer: Answer<Order, Reply>): void => {
        thread.off('message', settle).off('error', onError).off('exit', onExit);
        resolve(answer);
      };
      thread.on('message', settle).on('error', onError).on('exit', onExit);
      thread.postMessage(order);
    });
  }
}
