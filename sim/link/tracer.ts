/** Frames in lines for people, somewhat as tcpdump has them. */

import { formatAddress } from '../packet/address.ts';
import {
  ACK,
  ARP,
  ARP_REQUEST,
  ECHO_REQUEST,
  FIN,
  FRAGMENTATION_NEEDED,
  HOST_UNREACHABLE,
  ICMP,
  isIcmpError,
  type Packet,
  PORT_UNREACHABLE,
  PSH,
  RST,
  SYN,
  TCP,
  TIME_EXCEEDED,
  UDP,
} from '../packet/packet.ts';

const FLAG_LETTERS = [
  [FIN, 'F'],
  [SYN, 'S'],
  [RST, 'R'],
  [PSH, 'P'],
  [ACK, '.'],
] as const;

/** Wide enough for a day. */
const TIME_WIDTH = '86400.000000s'.length - 1;

/** Numbers of TCP are shown as counted from each connection's start, and so a tracer must see all of its frames. */
export class Tracer {
  /** The initial sequence number of each direction of a connection, by its addresses and ports. */
  readonly #initialSeqs = new Map<string, number>();

  /**
   * A frame from one host to another, at `atUs`; `fate`: what became of it, where it did not simply arrive (`lost`,
   * `corrupt`, `no carrier`).
   */
  line(atUs: number, from: string, to: string, packet: Packet, fate?: string): string {
    const time = `${(atUs / 1e6).toFixed(6)}s`.padStart(TIME_WIDTH);
    return `${time} ${from} > ${to}  ${this.#describe(packet)}${fate === undefined ? '' : `  ${fate}`}`;
  }

  #describe(packet: Packet): string {
    switch (packet.protocol) {
      case TCP:
        return this.#describeTcp(packet);
      case UDP:
        return `${describeEnds(packet)} udp len ${packet.payloadBytes}`;
      case ICMP:
        return isIcmpError(packet) ? describeIcmpError(packet) : describePing(packet);
      case ARP:
        return describeArp(packet);
    }
  }

  #describeTcp(packet: Packet): string {
    const { flags, payloadBytes } = packet;
    const sent = directionOf(packet.source, packet.sourcePort, packet.destination, packet.destinationPort);
    const answered = directionOf(packet.destination, packet.destinationPort, packet.source, packet.sourcePort);
    if ((flags & SYN) !== 0) {
      // A new connection: facts about the last connection between the same ports no longer hold.
      if ((flags & ACK) === 0 && this.#initialSeqs.get(sent) !== packet.seq) this.#initialSeqs.delete(answered);
      this.#initialSeqs.set(sent, packet.seq);
    }
    const words = [`[${FLAG_LETTERS.map(([flag, letter]) => ((flags & flag) !== 0 ? letter : '')).join('')}]`];
    const seq = this.#relative(sent, packet.seq);
    words.push(payloadBytes > 0 ? `seq ${seq}:${seq + payloadBytes}` : `seq ${seq}`);
    if ((flags & ACK) !== 0) words.push(`ack ${this.#relative(answered, packet.ack)}`);
    words.push(`win ${packet.window}`);
    if (packet.mss > 0) words.push(`mss ${packet.mss}`);
    if (packet.windowScale >= 0) words.push(`wscale ${packet.windowScale}`);
    words.push(`len ${payloadBytes}`);
    return `${describeEnds(packet)} ${words.join(' ')}`;
  }

  /** Counted from the SYN; where none was seen, the first number that was seen is 1, as if a SYN had just gone. */
  #relative(direction: string, seq: number): number {
    const initial = this.#initialSeqs.get(direction);
    if (initial !== undefined) return (seq - initial) >>> 0;
    this.#initialSeqs.set(direction, (seq - 1) | 0);
    return 1;
  }
}

function directionOf(source: number, sourcePort: number, destination: number, destinationPort: number): string {
  return `${source}:${sourcePort}>${destination}:${destinationPort}`;
}

function describeEnds({ source, sourcePort, destination, destinationPort }: Packet): string {
  return `${formatAddress(source)}:${sourcePort} > ${formatAddress(destination)}:${destinationPort}`;
}

function describeArp({ source, destination, code, isBroadcast }: Packet): string {
  if (code !== ARP_REQUEST) return `arp ${formatAddress(source)} is here, to ${formatAddress(destination)}`;
  return `arp who has ${formatAddress(destination)}, tell ${formatAddress(source)}${isBroadcast ? '' : ', unicast'}`;
}

function describePing({ source, destination, icmpType, payloadBytes }: Packet): string {
  const what = icmpType === ECHO_REQUEST ? 'echo request' : 'echo reply';
  return `${formatAddress(source)} > ${formatAddress(destination)} icmp ${what} len ${payloadBytes}`;
}

function describeIcmpError(packet: Packet): string {
  const { source, destination, quoted } = packet;
  const about = quoted === undefined ? '' : `: ${quoted.protocol === TCP ? 'tcp' : 'udp'} ${describeEnds(quoted)}`;
  return `${formatAddress(source)} > ${formatAddress(destination)} icmp ${describeCode(packet)}${about}`;
}

function describeCode({ icmpType, code, nextHopMtuBytes }: Packet): string {
  if (icmpType === TIME_EXCEEDED) return 'time exceeded';
  if (code === FRAGMENTATION_NEEDED) return `fragmentation needed, mtu ${nextHopMtuBytes}`;
  if (code === HOST_UNREACHABLE) return 'host unreachable';
  if (code === PORT_UNREACHABLE) return 'port unreachable';
  return `unreachable, code ${code}`;
}
