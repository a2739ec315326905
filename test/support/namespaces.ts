/**
 * Whether a network namespace of one's own is to be had here. Where it is not, the tests that need one are skipped, and
 * say so.
 */

import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** What such a test's `skipIf` is asked. */
export const HAS_NAMESPACES = hasNamespaces();

function hasNamespaces(): boolean {
  const args = [
    ...(process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user']),
    '--net',
    '--pid',
    '--fork',
    'test',
    '-c',
    '/dev/net/tun',
  ];
  const { status, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  if (status !== 0) {
    console.warn(
      `skipped: there are no network namespaces or no /dev/net/tun here (${stderr?.trim() ?? 'no unshare'})`,
    );
  }
  return status === 0;
}
