/** The UDP heartbeat's sender: a text in a datagram at once and then every period. */

import type { Errno } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { EventListener } from '../../events.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import type { Server } from '../../tasks/connection.ts';
import { type BeatPath, type DatagramBeatsConfig, sendBeats } from '../../tasks/datagram-beats.ts';
import { openDatagramPath } from '../../tasks/datagram-path.ts';
import { encodeUdpBeat } from './text.ts';

export interface UdpHeartbeatConfig extends DatagramBeatsConfig {
  /** Each beat has a number, so that the receiver can count what is lost, late or double. */
  readonly numbered: boolean;
}

export function udpHeartbeatTask(
  os: Kernel, hal: Hal, config: UdpHeartbeatConfig, onEvent: EventListener | undefined,
): Task {
  return sendBeats(os, hal, config, onEvent, (server, timeout) => open(os, hal, config, server, timeout));
}

function* open(
  os: Kernel, { network }: Hal, { numbered }: UdpHeartbeatConfig, server: Server, timeout: number,
): Generator<void, BeatPath | Errno, void> {
  const path = yield* openDatagramPath(os, network, server, timeout);
  if (typeof path === 'string') return path;
  const { endpoint, remote } = path;
  return { endpoint, send: (number) => endpoint.sendTo(encodeUdpBeat(numbered ? number : undefined), remote) };
}
