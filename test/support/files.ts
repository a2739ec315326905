/** Files, for tests about the tree itself. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

/** Returns the files below `root` whose path from there, with slashes, matches. */
export function filesBelow(root: string, pattern: RegExp): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => pattern.test(path) && !path.includes('node_modules/'))
    .toSorted();
}
