/** A worker thread of `cablepull run`: simulates the blocks that it is sent, one after another. */

import { parentPort, workerData } from 'node:worker_threads';
import type { DeviceBlock } from './blocks.ts';
import { readPlanLines } from './plan-file.ts';
import { type BlockResult, runBlock } from './run-block.ts';
import { readRun } from './run-command.ts';
import type { RunSettings } from './run-settings.ts';

/**
 * The run, as the words from which its settings are read. The settings themselves hold functions, which cannot be sent.
 */
export interface RunWords {
  readonly args: readonly string[];
  /** Lines of the plan, from a file and from `--fault`. */
  readonly plan: readonly string[];
}

/** Message that the thread sends when a block is done. */
export interface BlockReply {
  readonly kind: 'done';
  readonly block: DeviceBlock;
  readonly result: BlockResult;
}

async function carryOut(settings: Promise<RunSettings>, block: DeviceBlock): Promise<BlockReply> {
  return { kind: 'done', block, result: await runBlock(await settings, block) };
}

const port = parentPort;
if (port === null) throw new Error('this file is for a thread of cablepull run');
const { args, plan }: RunWords = workerData;
const settings = readRun(args, readPlanLines(plan));
port.on('message', (block: DeviceBlock) => void carryOut(settings, block).then((reply) => port.postMessage(reply)));
