/**
 * A UDP socket over node:dgram. Node tells the outcome of a send too late for `sendTo` to give it, so all but the
 * plain cases (too long, no room, no such address) are loss, which UDP does not report.
 */

import { createSocket } from 'node:dgram';
import type { RemoteInfo } from 'node:dgram';
import { failure } from '../errno.ts';
import type { DatagramHandler, DatagramSocket, SocketAddress } from '../network.ts';
import { familyOf, socketAddressOf } from './address.ts';
import { errnoOfError } from './errno.ts';
import type { Home } from './home.ts';

/** Most bytes that a socket queues in each direction: Linux's default (net.core.rmem_default, wmem_default). */
const QUEUE_BOUND_BYTES = 212_992;
/** Bytes that each datagram counts for besides its payload, so that empty datagrams are bounded too. */
const OVERHEAD_BYTES = 256;

/** The longest payload: 65,535 less the headers of UDP (8) and, where its length counts, IP (20). */
const PAYLOAD_MAX_BYTES = { 4: 65_507, 6: 65_527 };

export function nodeOpenDatagram(home: Home, address: SocketAddress, handler: DatagramHandler): DatagramSocket {
  const family = familyOf(address);
  const received: { readonly bytes: Uint8Array; readonly from: RemoteInfo }[] = [];
  let receivedBytes = 0;
  let local: SocketAddress | undefined;
  let sender: SocketAddress | undefined;
  let closed = false;

  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Addresses are numeric here; Node's own look-up would put every send off to the next tick.
    lookup: (name, _options, done) => done(null, name, family),
  });

  socket.on('listening', () => {
    local = socketAddressOf(socket.address());
    handler.bound();
  });

  socket.on('message', (bytes, from) => {
    const costBytes = bytes.length + OVERHEAD_BYTES;
    // A queue that is full drops what comes, as UDP does.
    if (closed || receivedBytes + costBytes > QUEUE_BOUND_BYTES) return;
    received.push({ bytes, from });
    receivedBytes += costBytes;
    handler.readable();
  });

  socket.on('error', (error) => {
    if (closed) return;
    leave();
    socket.close();
    handler.ended(errnoOfError(error));
  });

  const datagram = {
    get local() {
      return local;
    },
    get sender() {
      return sender;
    },
    receive(into) {
      const datagram = received.shift();
      if (datagram === undefined) return failure('EAGAIN');
      const { bytes, from } = datagram;
      receivedBytes -= bytes.length + OVERHEAD_BYTES;
      sender = { address: from.address, port: from.port };
      const count = Math.min(bytes.length, into.length);
      into.set(bytes.subarray(0, count));
      return count;
    },
    sendTo(from, remote) {
      if (closed || remote.port === 0 || family === 0 || familyOf(remote) !== family) return failure('EINVAL');
      if (from.length > PAYLOAD_MAX_BYTES[family]) return failure('EMSGSIZE');
      if (local === undefined || socket.getSendQueueSize() + from.length > QUEUE_BOUND_BYTES) return failure('EAGAIN');
      socket.send(Buffer.from(from), remote.port, remote.address, ignore);
      return from.length;
    },
    close() {
      if (closed) return;
      leave();
      socket.close();
    },
    drop() {
      datagram.close();
    },
  } satisfies DatagramSocket & { drop(): void };

  function leave(): void {
    closed = true;
    received.length = 0;
    home.open.delete(datagram);
  }

  home.open.add(datagram);
  // In the next tick, because the outcome must not come from within this call.
  process.nextTick(() => {
    if (closed) return;
    if (family === 0) {
      leave();
      socket.close();
      handler.ended('EINVAL');
    } else {
      socket.bind({ address: address.address, port: address.port, exclusive: true });
    }
  });
  return datagram;
}

/** Given to every send: without it Node makes an error of one datagram an error of the socket. */
function ignore(): void {}
