/**
 * The script of a report's page: the files of verdict/page/browser, compiled, one after the other in a scope of their
 * own.
 */

import { readFileSync } from 'node:fs';

/** In this order: what a file does at once may need what stands in those before it. */
const PARTS = ['state', 'draw', 'controls'];

/** Beside this file, where it is compiled itself; else where the compiler puts it. */
const FOLDER = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/sim/verdict/page/browser/', import.meta.url)
  : new URL('../verdict/page/browser/', import.meta.url);

export function pageScript(): string {
  const parts = PARTS.map((name) => readFileSync(new URL(`${name}.js`, FOLDER), 'utf8'));
  return `(function () {\n${parts.join('')}}());\n`;
}
