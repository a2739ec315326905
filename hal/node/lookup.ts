/** Name look-up by the host's own resolver (getaddrinfo), as its /etc/hosts and settings say. */

import { lookup as resolve } from 'node:dns';
import { isIP } from 'node:net';
import type { Errno } from '../errno.ts';
import type { Lookup } from '../network.ts';
import { errnoOfError } from './errno.ts';

export function nodeLookup(name: string, done: (result: readonly string[] | Errno) => void): Lookup {
  let cancelled = false;
  const finish = (result: readonly string[] | Errno) => {
    if (!cancelled) done(result);
  };
  if (name === '' || name.includes('\0')) {
    // Node throws at these, or warns.
    process.nextTick(finish, 'EAI_NONAME');
  } else if (isIP(name) !== 0) {
    process.nextTick(finish, [name]);
  } else {
    // `verbatim`: in the order that the resolver gives (RFC 6724), which is the order to try them.
    resolve(name, { all: true, verbatim: true }, (error, found) => {
      if (error === null) finish(found.map(({ address }) => address));
      else finish(errnoOfError(error) === 'EAI_NONAME' ? 'EAI_NONAME' : 'EAI_FAIL');
    });
  }
  return {
    cancel() {
      cancelled = true;
    },
  };
}
