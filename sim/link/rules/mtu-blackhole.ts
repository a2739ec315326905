/** Packets of more bytes than the path takes are dropped, and nobody is told: no ICMP "fragmentation needed" comes back. */

import { ipBytes } from '../../packet/packet.ts';
import type { Rule } from '../rule.ts';

/** `bytes` is the largest IPv4 packet that passes. */
export function mtuBlackhole(bytes: number): Rule {
  return { kind: 'packet', newJudge: () => (packet) => (ipBytes(packet) > bytes ? 'too-big' : 'pass') };
}
