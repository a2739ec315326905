/** A program that says how often its parts were asked: once each, where they are its own. */

import { createRequire } from 'node:module';
import { next } from './counter.js';
import common from './counter.cjs';

const required = createRequire(import.meta.url)('./counter.cjs');

let count = 0;

console.log(`module ${++count}, imported ${next()}, CommonJS ${common.next()}, required ${required.next()}`);
