/** Network namespaces on this machine. Tests that need one are skipped where there are none, and say so. */

import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** Condition for the `skipIf` of a test that needs a namespace. */
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
