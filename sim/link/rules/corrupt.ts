/** A bit is flipped on the way. */

import type { Random } from '../../../hal/random.ts';
import { decodePacket } from '../../packet/decode.ts';
import { encodePacket } from '../../packet/encode.ts';
import { ipBytes, Packet } from '../../packet/packet.ts';
import { chance } from '../../random.ts';
import { probability, type Share } from '../options.ts';
import type { Rule, PacketVerdict } from '../rule.ts';

/**
 * One bit of the IPv4 packet is flipped in such a share of packets. The receiver's checksums find nearly all of that,
 * and the packet counts as corrupt; what they cannot find is passed on as it reads now.
 */
export function corrupt(share: Share): Rule {
  const p = probability(share);
  return { kind: 'packet', newJudge: () => (packet, random) => (chance(random, p) ? flipBit(packet, random) : 'pass') };
}

function flipBit(packet: Packet, random: Random): PacketVerdict {
  const bytes = new Uint8Array(ipBytes(packet));
  encodePacket(packet, bytes);
  const bit = random.uint32() % (bytes.length * 8);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  const read = new Packet();
  if (decodePacket(bytes, read) !== undefined) return 'corrupt';
  packet.copy(read);
  return 'pass';
}
