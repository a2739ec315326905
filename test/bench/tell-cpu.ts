/** Loaded into a process before all else: at its end it tells what it took of the processor, all its threads together. */

import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** File descriptor from which the parent process reads the report. */
const REPORT_FD = 3;

if (isMainThread) process.on('exit', () => void writeSync(REPORT_FD, JSON.stringify(process.cpuUsage())));
