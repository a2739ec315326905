/** Checks of name look-ups. */

import type { Errno } from '../errno.ts';
import type { Lookup } from '../network.ts';
import { expect, expectEqual, inWords } from './check.ts';
import type { Definition, Stage, Steps } from './check.ts';

interface LookupProbe {
  readonly results: (readonly string[] | Errno)[];
  readonly lookup: Lookup;
}

function start(stage: Stage, name: string, cancelled = false): LookupProbe {
  const results: (readonly string[] | Errno)[] = [];
  const lookup = stage.call('lookup()', () =>
    stage.tested.hal.network.lookup(name, (result) => {
      results.push(result);
      stage.event(`the result of looking up "${name}"`, cancelled);
    }),
  );
  return { results, lookup };
}

function* lookUp(stage: Stage, name: string): Steps<readonly string[] | Errno> {
  const { results } = start(stage, name);
  yield* stage.until(`the result of looking up "${name}"`, () => results.length > 0);
  yield* stage.pause(5);
  expectEqual(results.length, 1, `the number of results of looking up "${name}"`);
  return results[0] ?? [];
}

export const lookupChecks: readonly Definition[] = [
  {
    name: 'lookup: an address comes back as it is',
    *steps(stage) {
      const { ipv6 } = stage.tested.hal.network.capabilities;
      for (const address of ['192.0.2.7', ...(ipv6 ? ['2001:db8::7'] : [])]) {
        expectEqual(String(yield* lookUp(stage, address)), address, `the result of looking up "${address}"`);
      }
    },
  },
  {
    name: 'lookup: localhost has an address',
    *steps(stage) {
      const result = yield* lookUp(stage, 'localhost');
      const addresses = typeof result === 'string' ? [] : result;
      const isLoopback = addresses.length > 0 && addresses.every((address) => /^(127\.|::1$)/.test(address));
      expect(isLoopback, `the result of looking up "localhost" is ${inWords(result)}`);
    },
  },
  {
    name: 'lookup: a name that does not exist is an error, and so is none at all',
    *steps(stage) {
      // RFC 6761, section 6.4: names in .invalid never exist. Without a name server that cannot be known.
      for (const name of ['name.invalid', '', 'a\0b']) {
        const result = yield* lookUp(stage, name);
        const isError = result === 'EAI_NONAME' || result === 'EAI_FAIL';
        expect(isError, `the result of looking up ${JSON.stringify(name)} is ${inWords(result)}`);
      }
    },
  },
  {
    name: 'lookup: nothing is called back after cancel()',
    *steps(stage) {
      for (const name of ['localhost', '192.0.2.7', 'name.invalid', '']) {
        const { lookup } = start(stage, name, true);
        stage.call('cancel()', () => lookup.cancel());
        stage.call('cancel()', () => lookup.cancel());
      }
      yield* stage.pause(100);
    },
  },
];
