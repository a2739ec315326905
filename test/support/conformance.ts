/** Expectations for the result of a conformance check. */

import { expect } from 'vitest';
import type { Check, CheckResult } from '../../hal/conformance/index.ts';

/** Expects that the check has passed, or was skipped if its name matches `skipped`. */
export function expectSound({ name }: Check, result: CheckResult | undefined, skipped: RegExp): void {
  if (skipped.test(name)) expect(result).toEqual({ kind: 'skip', why: expect.any(String) });
  else expect(result).toEqual({ kind: 'ok' });
}
