/** The message of a matcher when vitest ends the test by its own timeout. */

import type { RunningTest } from './repeat.ts';

const MORE_TIME = "give the test more time, as in it('...', { timeout: 30_000 }, async () => { ... })";

/**
 * Runs `wait`. Should vitest end the test meanwhile, its error says so much more: what `describe` gives, which is why
 * the test was waiting.
 */
export async function explainTimeout(
  { task }: RunningTest, describe: () => string, wait: () => Promise<void>,
): Promise<void> {
  const signal = task?.context.signal;
  const explain = (): void => {
    const error: unknown = signal?.reason;
    if (error instanceof Error) error.message = `${error.message}\n\n${MORE_TIME}\n\n${describe()}`;
  };
  signal?.addEventListener('abort', explain);
  try {
    await wait();
  } finally {
    signal?.removeEventListener('abort', explain);
  }
}
