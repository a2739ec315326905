/**
 * A large fleet in blocks of devices, each a world of its own with a server of its own: so a block stays in the
 * processor's cache however many there are, several are simulated at a time, and the processes of a cluster each take a
 * share. It is the same fleet where nothing that one device does is seen by another; which blocks there are depends on
 * nothing but how many devices there are.
 */

import type { Fault } from '../faults/fault.ts';
import type { FaultKind } from '../faults/kinds/index.ts';
import { SERVER_NAME } from '../programs.ts';
import type { ServerProtocol } from '../server/protocols/protocol.ts';
import type { Shard } from '../swarm/part.ts';

/** At most so many to a block. */
export const BLOCK_DEVICES = 1000;

export interface DeviceBlock {
  readonly index: number;
  /** Its first device is dev-1, and so on, of the whole fleet: this plus one. */
  readonly before: number;
  readonly deviceCount: number;
}

/** The blocks that a part of the run does. */
export function blocksOf(deviceCount: number, { number, count }: Shard): DeviceBlock[] {
  const blockCount = Math.ceil(deviceCount / BLOCK_DEVICES);
  const before = (index: number): number => Math.floor((index * deviceCount) / blockCount);
  const blocks: DeviceBlock[] = [];
  for (let index = number - 1; index < blockCount; index += count) {
    blocks.push({ index, before: before(index), deviceCount: before(index + 1) - before(index) });
  }
  return blocks;
}

/** The faults on a server that each of its clients meets alone; others they share: its cable's capacity, its queue. */
const MET_ALONE: readonly FaultKind[] = ['cable-pull', 'power-loss', 'crash', 'reset'];

/** Why such a fleet cannot be split, as the end of a sentence; undefined where it can. */
export function whyWhole({ clientsNeverMeet }: ServerProtocol, plan: readonly Fault[]): string | undefined {
  if (clientsNeverMeet !== true) return 'the clients of this server meet: they must have one server';
  const shared = plan.find(({ kind, target }) => target === SERVER_NAME && !MET_ALONE.includes(kind));
  return shared && `a fault ${shared.kind} on the server is shared by all of its clients: they must have one server`;
}
