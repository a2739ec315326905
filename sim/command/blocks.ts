/**
 * Blocks of a large fleet. Each block is up to 250 devices in a world of its own with a server of its own. A block
 * fits into the processor's cache, several blocks are simulated at a time, and several processes can share the blocks
 * out. If no device sees what another does, this is the same fleet as in one world. Only the number of devices decides
 * which blocks there are.
 */

import type { Fault } from '../faults/fault.ts';
import type { FaultKind } from '../faults/kinds/index.ts';
import { SERVER_NAME } from '../programs.ts';
import type { ServerProtocol } from '../server/protocols/protocol.ts';
import type { Shard } from '../swarm/part.ts';

/**
 * Largest number of devices in a block. With 1,000, a device-second took more of the processor's time, and the
 * thread that was done first waited longer for the last block of another.
 */
export const BLOCK_DEVICES = 250;

export interface DeviceBlock {
  readonly index: number;
  /**
   * Number of devices in the blocks before this one. The first device of this block is `dev-${before + 1}` of the whole
   * fleet.
   */
  readonly before: number;
  readonly deviceCount: number;
}

/** Returns the blocks that a part of the run simulates. */
export function blocksOf(deviceCount: number, { number, count }: Shard): DeviceBlock[] {
  const blockCount = Math.ceil(deviceCount / BLOCK_DEVICES);
  const before = (index: number): number => Math.floor((index * deviceCount) / blockCount);
  const blocks: DeviceBlock[] = [];
  for (let index = number - 1; index < blockCount; index += count) {
    blocks.push({ index, before: before(index), deviceCount: before(index + 1) - before(index) });
  }
  return blocks;
}

/**
 * Faults on a server that act on each client alone. Other faults act on what the clients share, such as the capacity of
 * the server's cable.
 */
const MET_ALONE: readonly FaultKind[] = ['cable-pull', 'power-loss', 'crash', 'reset'];

/** Returns why the fleet cannot be split into blocks, as the end of a sentence; undefined if it can be split. */
export function whyWhole({ clientsNeverMeet }: ServerProtocol, plan: readonly Fault[]): string | undefined {
  if (clientsNeverMeet !== true) return 'the clients of this server see each other, so they need one server';
  const shared = plan.find(({ kind, target }) => target === SERVER_NAME && !MET_ALONE.includes(kind));
  return shared && `the fault ${shared.kind} on the server acts on all clients together, so they need one server`;
}
