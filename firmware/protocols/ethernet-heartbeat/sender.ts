/** The Ethernet heartbeat's sender: a frame at once and then every period, on a port that can send raw frames. */

import { errnoOf, failure, type Errno } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { EventListener } from '../../events.ts';
import { DatagramEndpoint } from '../../net/datagram-endpoint.ts';
import { lookup } from '../../net/lookup.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { retryDelayMs, type Retry } from '../../tasks/backoff.ts';
import { serverName, type Server } from '../../tasks/connection.ts';
import type { ProtocolSettings } from '../protocol.ts';
import { type FrameEnd, heartbeatFrame } from './frame.ts';

export interface EthernetHeartbeatConfig extends ProtocolSettings {
  readonly beatIntervalMs: number;
  /** For the look-up of the server's name, and for the socket that has the device's address. */
  readonly connectTimeoutMs: number;
  readonly retry: Retry;
}

const EAGAIN = failure('EAGAIN');
/** No ARP here: the frame is for whoever hears it. */
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

export function* ethernetHeartbeatTask(
  os: Kernel, hal: Hal, config: EthernetHeartbeatConfig, onEvent: EventListener | undefined,
): Task {
  const { servers, retry } = config;
  if (hal.network.sendFrame === undefined) hal.console.print('this port cannot send raw frames: no beat can be sent');
  let failures = 0;
  let identification = 0;
  for (let turn = 0; ; turn = (turn + 1) % servers.length) {
    const server = servers[turn];
    if (server === undefined) throw new Error('there is no server to send to');
    onEvent?.({ kind: 'connecting', server: serverName(server) });
    const path = yield* open(os, hal, config, server);
    if (typeof path === 'string') {
      onEvent?.({ kind: 'connect-failed', server: serverName(server), errno: path });
    } else {
      const sinceMs = hal.clock.now();
      onEvent?.({ kind: 'connected', server: serverName(server), local: path.endpoint.local });
      const wake = { tick: os.getTickCount() };
      let sent = 0;
      for (;;) {
        sent = path.sendFrame(heartbeatFrame(path.source, path.destination, identification));
        // What there is no room for is lost, as a frame may be anyway.
        if (sent < 0 && sent !== EAGAIN) break;
        identification = (identification + 1) & 0xffff;
        failures = 0;
        onEvent?.({ kind: 'beat-sent' });
        onEvent?.({ kind: 'served' });
        yield* os.delayUntil(wake, os.msToTicks(config.beatIntervalMs));
      }
      path.endpoint.close();
      onEvent?.({ kind: 'lost', server: serverName(server), by: errnoOf(sent), afterMs: hal.clock.now() - sinceMs });
    }
    failures++;
    const delayMs = retryDelayMs(retry, failures, hal.random);
    if (delayMs > 0) onEvent?.({ kind: 'backing-off', delayMs });
    yield* os.delay(os.msToTicks(delayMs));
  }
}

interface Path {
  /** Holds the device's address and port. */
  readonly endpoint: DatagramEndpoint;
  readonly source: FrameEnd;
  readonly destination: FrameEnd;
  sendFrame(frame: Uint8Array): number;
}

/** Gives the errno where there is no such path. */
function* open(
  os: Kernel, { network }: Hal, config: EthernetHeartbeatConfig, server: Server,
): Generator<void, Path | Errno, void> {
  const timeout = os.msToTicks(config.connectTimeoutMs);
  if (network.sendFrame === undefined) return 'EOPNOTSUPP';
  const addresses = yield* lookup(os, network, server.host, timeout);
  if (typeof addresses === 'string') return addresses;
  const destination = frameEnd({ address: addresses[0] ?? '', port: server.port }, () => BROADCAST);
  const endpoint = new DatagramEndpoint(os, network);
  const bound = yield* endpoint.bind({ address: '0.0.0.0', port: 0 }, timeout);
  // An address of its own, under the locally administered ones (IEEE 802, 8.2).
  const source = endpoint.local && frameEnd(endpoint.local, (ip) => [0x02, 0, ...ip]);
  if (bound === 0 && source !== undefined && destination !== undefined) {
    return { endpoint, source, destination, sendFrame: (frame) => network.sendFrame?.(frame) ?? failure('EOPNOTSUPP') };
  }
  endpoint.close();
  return bound < 0 ? errnoOf(bound) : 'EADDRNOTAVAIL';
}

/** Undefined: it is not an IPv4 address of one host. */
function frameEnd(
  { address, port }: SocketAddress, mac: (ip: readonly number[]) => readonly number[],
): FrameEnd | undefined {
  const ip = address.split('.').map(Number);
  const isAddress = ip.length === 4 && ip.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return isAddress && address !== '0.0.0.0' ? { mac: mac(ip), ip, port } : undefined;
}
