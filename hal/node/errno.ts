/** Maps the error codes of Node (libuv, c-ares, and Node's own) to the closed set of the HAL. */

import { isErrno } from '../errno.ts';
import type { Errno } from '../errno.ts';

/** Codes that the HAL has no word for, each by the nearest one that it has. */
const NEAREST: ReadonlyMap<string, Errno> = new Map([
  // A local packet filter refuses a packet with EPERM.
  ['EPERM', 'EACCES'],
  ['ENFILE', 'EMFILE'],
  ['ENOMEM', 'ENOBUFS'],
  ['EDQUOT', 'ENOSPC'],
  ['EHOSTDOWN', 'EHOSTUNREACH'],
  ['ENONET', 'ENETUNREACH'],
  ['EAFNOSUPPORT', 'EOPNOTSUPP'],
  ['EPROTONOSUPPORT', 'EOPNOTSUPP'],
  ['ENOTSUP', 'EOPNOTSUPP'],
  ['ECANCELED', 'ECONNABORTED'],
  ['ENOTFOUND', 'EAI_NONAME'],
  ['ENODATA', 'EAI_NONAME'],
  ['EAI_NODATA', 'EAI_NONAME'],
]);

/** The HAL's name for a failure that Node reports; EIO when there is none. */
export function errnoOfError(error: Error): Errno {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return isErrno(code) ? code : (NEAREST.get(code) ?? 'EIO');
}
