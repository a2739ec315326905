/**
 * The Node version that this project needs; package.json states the same. Every Node must be able to load this file.
 */

const LEAST = [20, 19] as const;

/** Returns a sentence if this version of Node is too old; otherwise undefined. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `this is Node ${version}; cablepull needs ${LEAST.join('.')} or later (https://nodejs.org)`;
}
