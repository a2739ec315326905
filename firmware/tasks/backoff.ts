/** The wait before the next attempt to connect. */

import type { Random } from '../../hal/random.ts';
import { checkSettings, isRecord, refuse, type SettingRule } from '../settings.ts';

/**
 * Full jitter: a random time from 0 to `baseMs` doubled with every failure, at most `capMs`, so that a server that
 * comes back is not met by all its devices at once. Fixed: the same time after every failure, as in `vTaskDelay(100)`.
 */
export type Retry = { readonly baseMs: number; readonly capMs: number } | { readonly fixedMs: number };

/**
 * The delay in ms. `failures` counts the attempts in a row that failed, or gave a connection that did not last; it is 0
 * when one that lasted is lost: then a fixed retry does not wait at all.
 */
export function retryDelayMs(retry: Retry, failures: number, random: Random): number {
  if ('fixedMs' in retry) return failures === 0 ? 0 : retry.fixedMs;
  const limitMs = Math.min(retry.capMs, retry.baseMs * 2 ** failures);
  return Math.floor((random.uint32() / 2 ** 32) * (limitMs + 1));
}

/** The rule for a retry, whose times are checked by `durationMs`. */
export function checkRetry(value: unknown, field: string, durationMs: SettingRule): void {
  if (!isRecord(value)) return refuse(field, '{ baseMs, capMs } or { fixedMs }', value);
  if (Object.hasOwn(value, 'fixedMs')) return checkSettings(value, { fixedMs: durationMs }, `${field}.`);
  checkSettings(value, { baseMs: durationMs, capMs: durationMs }, `${field}.`);
  const { baseMs, capMs } = value;
  if (Number(capMs) < Number(baseMs)) {
    refuse(`${field}.capMs`, `at least ${field}.baseMs, which is ${String(baseMs)}`, capMs);
  }
}
