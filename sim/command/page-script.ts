/**
 * Scripts of the pages: the compiled files of verdict/page/browser, one after the other in a scope of their own. On a
 * live page the file of live-page/browser comes last.
 */

import { readFileSync } from 'node:fs';

/** Files in this order, because a file may use at once what the files before it define. */
const TIME_LINES = ['verdict/page/browser/state', 'verdict/page/browser/draw', 'verdict/page/browser/controls'];

/**
 * Folder of the compiled files of sim/: beside this file if this file is compiled, otherwise the compiler's output
 * folder.
 */
const FOLDER = new URL(import.meta.url.endsWith('.ts') ? '../../dist/sim/' : '../', import.meta.url);

export function pageScript(): string {
  return scriptOf(TIME_LINES);
}

export function livePageScript(): string {
  return scriptOf([...TIME_LINES, 'live-page/browser/live']);
}

function scriptOf(names: readonly string[]): string {
  const parts = names.map((name) => readFileSync(new URL(`${name}.js`, FOLDER), 'utf8'));
  return `(function () {\n${parts.join('')}}());\n`;
}
