/**
 * Which Node this project needs, as package.json says to those who install it. Every Node must be able to load this
 * file.
 */

const LEAST = [20, 19] as const;

/** A sentence for a Node that is too old, by its version. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `this is Node ${version}; cablepull needs ${LEAST.join('.')} or later (https://nodejs.org)`;
}
