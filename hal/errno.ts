/**
 * The reasons an operation can fail, as POSIX names them, and how they travel.
 *
 * Calls that give a count (read, write, receive) give a failure as the negative of its number, as
 * lwIP and the Linux kernel do; everything else (events, look-ups, reports) names it by its word.
 */

/**
 * Linux's numbers (asm-generic/errno.h); the EAI_ codes, which POSIX keeps apart, carry lwIP's
 * (lwip/netdb.h), so that no number means two things.
 */
export const ERRNO = {
  /** The connection failed and the port cannot tell why (`capabilities.errorReason` is false). */
  EIO: 5,
  /** Nothing to read, or nothing fits, at the moment. The matching event will tell when to try again. */
  EAGAIN: 11,
  EACCES: 13,
  EINVAL: 22,
  EMFILE: 24,
  /** Storage is full. */
  ENOSPC: 28,
  /** Written after `shutdown`, or on a connection whose error was already reported. */
  EPIPE: 32,
  EMSGSIZE: 90,
  /** This port does not have what was asked for. */
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  /** The name does not exist, or has no address. */
  EAI_NONAME: 200,
  /** The name could not be looked up. */
  EAI_FAIL: 202,
} as const;

/** The name of a failure. A closed set: a port MUST map every error of its platform onto it. */
export type Errno = keyof typeof ERRNO;

/** The negative number by which a call that gives a count reports `errno`. */
export function failure(errno: Errno): number {
  return -ERRNO[errno];
}

const NAMES = new Map<number, Errno>();
for (const [name, number] of Object.entries(ERRNO)) {
  if (isErrno(name)) NAMES.set(-number, name);
}

/** Returns whether `word` is one of the names of `ERRNO`. */
export function isErrno(word: string): word is Errno {
  return Object.hasOwn(ERRNO, word);
}

/** The name behind a negative result of a call that gives a count. */
export function errnoOf(result: number): Errno {
  const name = NAMES.get(result);
  if (name === undefined) throw new Error(`${result} is not the negative of a number in ERRNO`);
  return name;
}
