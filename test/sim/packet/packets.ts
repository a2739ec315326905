/** Packets for tests, of all kinds. */

import { ACK, FIN, ICMP, Packet, PSH, RST, SYN, TCP, UDP } from '../../../sim/packet/packet.ts';
import type { Seeded } from '../../support/seeded.ts';

const DEVICE = { address: 0x0a000008, port: 49152 };
const SERVER = { address: 0x0a000001, port: 39002 };

/** A packet from the device to the server, with what `fields` say. */
export function packet(fields: Partial<Packet> = {}, payload: string | Uint8Array = ''): Packet {
  const made = new Packet();
  made.source = DEVICE.address;
  made.sourcePort = DEVICE.port;
  made.destination = SERVER.address;
  made.destinationPort = SERVER.port;
  Object.assign(made, fields);
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  made.reserve(bytes.length);
  made.payload.set(bytes);
  return made;
}

/** A packet from the server to the device. */
export function answer(fields: Partial<Packet> = {}, payload: string | Uint8Array = ''): Packet {
  const { address, port } = SERVER;
  return packet(
    { source: address, sourcePort: port, destination: DEVICE.address, destinationPort: DEVICE.port, ...fields },
    payload,
  );
}

/** Any packet that a stack might send. */
export function anyPacket(random: Seeded): Packet {
  const int32 = (): number => random.below(2 ** 32) | 0;
  const payload = Uint8Array.from({ length: random.pick([0, 0, 1, 2, 8, 9, 63, 64, 65, 536, 1460]) }, () =>
    random.below(256),
  );
  const ends = {
    source: int32(),
    destination: int32(),
    sourcePort: random.below(65536),
    destinationPort: random.below(65536),
  };
  const tcp = {
    seq: int32(),
    ack: int32(),
    flags: random.below(32) & (FIN | SYN | RST | PSH | ACK),
    window: random.below(65536),
    mss: random.pick([0, 0, 1, 536, 1460, 65535]),
    windowScale: random.pick([-1, -1, 0, 7, 14, 255]),
  };
  switch (random.pick([TCP, TCP, UDP, ICMP] as const)) {
    case TCP:
      return packet({ ...ends, ...tcp }, payload);
    case UDP:
      return packet({ ...ends, protocol: UDP }, payload);
    case ICMP: {
      const about = random.chance(2) ? packet({ ...ends, protocol: UDP }) : packet({ ...ends, seq: int32() });
      const unreachable = {
        protocol: ICMP,
        sourcePort: 0,
        destinationPort: 0,
        code: random.below(16),
        quoted: about,
      } as const;
      return packet({ ...ends, source: int32(), destination: ends.source, ...unreachable });
    }
  }
}

/** Returns the fields of a packet that count in a comparison. */
export function contents(of: Packet | undefined): object | undefined {
  if (of === undefined) return undefined;
  const { payload, payloadBytes, next, quoted, ...fields } = of;
  return { ...fields, payload: [...payload.subarray(0, payloadBytes)], quoted: contents(quoted) };
}
