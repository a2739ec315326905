/**
 * The scripts of pages: the files of verdict/page/browser, compiled, one after the other in a scope of their own; on a
 * live page the file of live-page/browser comes last.
 */

import { readFileSync } from 'node:fs';

/** In this order: what a file does at once may need what stands in those before it. */
const TIME_LINES = ['verdict/page/browser/state', 'verdict/page/browser/draw', 'verdict/page/browser/controls'];

/** The compiled files of sim/: beside this file, where it is compiled itself; else where the compiler puts them. */
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
