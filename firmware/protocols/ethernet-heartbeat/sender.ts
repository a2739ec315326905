/** The Ethernet heartbeat's sender: a frame at once and then every period, on a port that can send raw frames. */

import { failure, type Errno } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { EventListener } from '../../events.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import type { Server } from '../../tasks/connection.ts';
import { type BeatPath, type DatagramBeatsConfig, sendBeats } from '../../tasks/datagram-beats.ts';
import { openDatagramPath, ownEnd } from '../../tasks/datagram-path.ts';
import { type FrameEnd, heartbeatFrame } from './frame.ts';

/** No ARP here: the frame is for every host that hears it. */
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

export function ethernetHeartbeatTask(
  os: Kernel, hal: Hal, config: DatagramBeatsConfig, onEvent: EventListener | undefined,
): Task {
  if (hal.network.sendFrame === undefined) hal.console.print('this port cannot send raw frames: no beat can be sent');
  return sendBeats(os, hal, config, onEvent, (server, timeout) => open(os, hal, server, timeout));
}

/** Opens a socket, which holds the device's address and port. Returns the errno if there is no such path. */
function* open(
  os: Kernel, { network }: Hal, server: Server, timeout: number,
): Generator<void, BeatPath | Errno, void> {
  if (network.sendFrame === undefined) return 'EOPNOTSUPP';
  const path = yield* openDatagramPath(os, network, server, timeout);
  if (typeof path === 'string') return path;
  const { endpoint, remote } = path;
  const local = ownEnd(endpoint);
  // An address of its own, under the locally administered ones (IEEE 802, 8.2).
  const source = local && frameEnd(local, (ip) => [0x02, 0, ...ip]);
  const destination = frameEnd(remote, () => BROADCAST);
  if (source === undefined || destination === undefined) {
    endpoint.close();
    return 'EADDRNOTAVAIL';
  }
  return {
    endpoint,
    // The identification of an IPv4 packet has 16 bits (RFC 791).
    send: (number) =>
      network.sendFrame?.(heartbeatFrame(source, destination, number & 0xffff)) ?? failure('EOPNOTSUPP'),
  };
}

/** Returns undefined if it is not the IPv4 address of one host. */
function frameEnd(
  { address, port }: SocketAddress, mac: (ip: readonly number[]) => readonly number[],
): FrameEnd | undefined {
  const ip = address.split('.').map(Number);
  const isAddress = ip.length === 4 && ip.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return isAddress && address !== '0.0.0.0' ? { mac: mac(ip), ip, port } : undefined;
}
