/** A crew of worker threads: each takes the next order when it has finished one. */

import { Worker } from 'node:worker_threads';
import { nodeClock } from '../../hal/node/index.ts';
import { reasonOf } from './problem.ts';

/** An order without a reply, and the reason, as when the thread ran out of memory, or was silent for too long. */
export interface Failed<Order> {
  readonly kind: 'failed';
  readonly order: Order;
  readonly reason: string;
  readonly isSilent: boolean;
}

export type Answer<Order, Reply> = Reply | Failed<Order>;

/** Message of a thread in the middle of an order: it gets on. */
export interface GettingOn {
  readonly kind: 'getting-on';
}

export interface CrewLimits {
  /** Number of orders after which a new thread replaces a thread, which frees what the old thread held. */
  readonly ordersMax: number;
  /** Longest time without a message from a thread that has an order. Then the thread is ended. */
  readonly silenceMs: number;
}

export const NO_LIMITS: CrewLimits = { ordersMax: Infinity, silenceMs: Infinity };

export class Crew<Order, Reply extends { readonly kind: string }> {
  /** File that a thread runs, and the data that each thread gets once. */
  readonly #file: URL;
  readonly #data: unknown;
  readonly #jobs: number;
  readonly #limits: CrewLimits;
  #isStopped = false;
  /** Resolves the promise on which `work` waits. */
  #giveUp: () => void = () => {};

  /** `jobs` is the number of threads. */
  constructor(file: URL, data: unknown, jobs: number, limits: CrewLimits) {
    this.#file = file;
    this.#data = data;
    this.#jobs = jobs;
    this.#limits = limits;
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
      onAnswer(answer);
      // After a failure the thread is dead, or in an endless loop: the next order needs a new one.
      if (answer.kind !== 'failed' && ++done < this.#limits.ordersMax) continue;
      await thread.terminate();
      thread = undefined;
    }
  }

  #ask(thread: Worker, order: Order): Promise<Answer<Order, Reply>> {
    const clock = nodeClock();
    return new Promise((resolve) => {
      const failed = (reason: string, isSilent = false): void => settle({ kind: 'failed', order, reason, isSilent });
      const onError = (error: unknown): void => failed(reasonOf(error));
      const onExit = (status: number): void => failed(`its thread ended with status ${status}`);
      // Not removeAllListeners: a Worker has listeners of its own, without which it does not hear its thread.
      const settle = (answer: Answer<Order, Reply>): void => {
        clock.clearAlarm();
        thread.off('message', onMessage).off('error', onError).off('exit', onExit);
        resolve(answer);
      };
      const listen = (): void => {
        const { silenceMs } = this.#limits;
        if (silenceMs === Infinity) return;
        clock.setAlarm(clock.now() + silenceMs, () => failed(`its thread was silent for ${silenceMs} ms`, true));
      };
      const onMessage = (message: Reply | GettingOn): void => {
        if (isGettingOn(message)) listen();
        else settle(message);
      };
      thread.on('message', onMessage).on('error', onError).on('exit', onExit);
      thread.postMessage(order);
      listen();
    });
  }
}

function isGettingOn<Reply extends { readonly kind: string }>(message: Reply | GettingOn): message is GettingOn {
  return message.kind === 'getting-on';
}
