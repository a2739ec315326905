#!/usr/bin/env node
/**
 * The command: looks whether this Node can run it, in words that every Node understands, and only then loads the rest.
 */

import process from 'node:process';
import { tooOld } from './command/node-version.ts';

const problem = tooOld(process.versions.node);
if (problem === undefined) {
  const { runCommandLine } = await import('./command/command-line-main.ts');
  await runCommandLine();
} else {
  process.stderr.write(`cablepull: ${problem}\n`);
  process.exitCode = 1;
}
