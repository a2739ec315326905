/**
 * A packet on its way, as fields: nothing is encoded to bytes unless somebody looks (encode.ts). Packets are used again
 * and again, so that one on its way allocates nothing: the owner of a packet passes it on, or gives it back to the
 * pool.
 */

/** IPv4 protocol numbers (RFC 9293, 768, 792). */
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
/** ARP is no part of IPv4, but beside it: this is its EtherType (RFC 826). */
export const ARP = 0x0806;

/** ARP's operations (RFC 826). */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** TCP's control bits (RFC 9293 3.1). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** ICMP (RFC 792): destination unreachable, and the codes of it that are used here. */
export const DESTINATION_UNREACHABLE = 3;
export const NETWORK_UNREACHABLE = 0;
export const HOST_UNREACHABLE = 1;
export const PORT_UNREACHABLE = 3;
export const FRAGMENTATION_NEEDED = 4;
/** ICMP's other types (RFC 792): the packet has met too many routers; ping, and the answer to it. */
export const TIME_EXCEEDED = 11;
export const ECHO_REQUEST = 8;
export const ECHO_REPLY = 0;

/** Linux's ip_default_ttl, and what RFC 1700 recommends. */
export const TIME_TO_LIVE = 64;

/** Smallest buffer; it is enough for the payload of most packets. */
const PAYLOAD_BYTES_MIN = 64;
/** Room for a full Ethernet frame is kept; what a long datagram took is not. */
const KEPT_BYTES_MAX = 2048;

/**
 * A packet. Addresses and sequence numbers are 32-bit integers with a sign, as `| 0` gives them: so the engine keeps
 * them unboxed.
 */
export class Packet {
  protocol: typeof ICMP | typeof TCP | typeof UDP | typeof ARP = TCP;
  /** Of ARP: whose sender says that it has this address, and the address that is asked for or answered to. */
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** Routers that the packet may pass, and whether they may fragment it (RFC 791 3.1). */
  timeToLive = TIME_TO_LIVE;
  dontFragment = true;
  /** Identification of the packet's fragments; 0 if there will be none (RFC 6864 4.1). */
  identification = 0;
  /** TCP; of a ping its identifier and number, in the two halves. */
  seq = 0;
  ack = 0;
  flags = 0;
  /** Window as on the wire: 16 bits, not scaled. */
  window = 0;
  /** The MSS option; 0: not there. */
  mss = 0;
  /** The window scale option's shift; -1: not there. */
  windowScale = -1;
  /**
   * The timestamps option's two values (RFC 7323 3.2), in milliseconds; 0: not there. Simulated stacks tell them one
   * another; on a real wire the option is not sent.
   */
  timestamp = 0;
  timestampEcho = 0;
  /**
   * Start and end of the data that has arrived twice, the D-SACK block (RFC 2883); equal: not there. Simulated stacks
   * tell it one another, too; on a real wire the option is not sent.
   */
  duplicateFrom = 0;
  duplicateTo = 0;
  icmpType: typeof DESTINATION_UNREACHABLE | typeof TIME_EXCEEDED | typeof ECHO_REQUEST | typeof ECHO_REPLY =
    DESTINATION_UNREACHABLE;
  /** An ICMP error's code; `source` is who says so. Of ARP: its operation. */
  code = 0;
  /** True for an ARP packet whose frame goes to everybody on the local network. */
  isBroadcast = false;
  /** MTU of the router's next link, in a FRAGMENTATION_NEEDED (RFC 1191 4); 0: a router that does not report it. */
  nextHopMtuBytes = 0;
  /** An ICMP error's: the packet that could not be delivered, as far as it is quoted: addresses, ports, seq. */
  quoted: Packet | undefined = undefined;
  /** The data of a TCP segment, a UDP datagram or a ping: the first `payloadBytes` of `payload`. */
  payload = new Uint8Array(PAYLOAD_BYTES_MIN);
  payloadBytes = 0;
  /** The Ethernet frame that it was sent in, where the firmware made that itself: for captures. */
  frame: Uint8Array | undefined = undefined;
  /** @internal The next in the pool, or on the way (link/in-flight-queue.ts). */
  next: Packet | undefined = undefined;
  /**
   * @internal Where it is on the way: when it arrives. Not a whole number at first, so that the engine keeps it as a
   * double from the start.
   */
  arrivesAtUs = Number.NaN;
  /** @internal True once the packet has been on the way: its sender has finished sending it. */
  flown = false;
  /** @internal It is on the way, and will not arrive: the cable was pulled. */
  doomed = false;

  /** Makes room for `bytes` of payload; what was there is lost. */
  reserve(bytes: number): void {
    if (this.payload.length < bytes) this.payload = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
    this.payloadBytes = bytes;
  }

  /** Becomes a copy of `other`. */
  copy(other: Packet): void {
    this.protocol = other.protocol;
    this.source = other.source;
    this.destination = other.destination;
    this.sourcePort = other.sourcePort;
    this.destinationPort = other.destinationPort;
    this.timeToLive = other.timeToLive;
    this.dontFragment = other.dontFragment;
    this.identification = other.identification;
    this.seq = other.seq;
    this.ack = other.ack;
    this.flags = other.flags;
    this.window = other.window;
    this.mss = other.mss;
    this.windowScale = other.windowScale;
    this.timestamp = other.timestamp;
    this.timestampEcho = other.timestampEcho;
    this.duplicateFrom = other.duplicateFrom;
    this.duplicateTo = other.duplicateTo;
    this.icmpType = other.icmpType;
    this.code = other.code;
    this.isBroadcast = other.isBroadcast;
    this.nextHopMtuBytes = other.nextHopMtuBytes;
    this.quoted = other.quoted;
    this.reserve(other.payloadBytes);
    this.payload.set(other.payload.subarray(0, other.payloadBytes));
  }
}

/** Packets that nobody needs at the moment. */
export class PacketPool {
  #first: Packet | undefined = undefined;

  /** A packet, with no payload and no options; its other fields are as they were left. */
  take(): Packet {
    const packet = this.#first;
    if (packet === undefined) return new Packet();
    this.#first = packet.next;
    packet.next = undefined;
    packet.payloadBytes = 0;
    packet.mss = 0;
    packet.windowScale = -1;
    packet.timestamp = 0;
    packet.timestampEcho = 0;
    packet.duplicateFrom = 0;
    packet.duplicateTo = 0;
    packet.quoted = undefined;
    packet.frame = undefined;
    return packet;
  }

  /** Returns a packet to the pool: its owner must not look at it again. */
  release(packet: Packet): void {
    if (packet.payload.length > KEPT_BYTES_MAX) packet.payload = new Uint8Array(PAYLOAD_BYTES_MIN);
    packet.next = this.#first;
    this.#first = packet;
  }
}

/** An ARP packet with Ethernet's and IPv4's addresses (RFC 826). */
export const ARP_BYTES = 28;

/**
 * Returns the length of a packet on the wire, from the IPv4 header on (RFC 791, 9293 3.1, 768, 792); or of an ARP
 * packet.
 */
export function ipBytes(packet: Packet): number {
  switch (packet.protocol) {
    case TCP:
      return 40 + (packet.mss > 0 ? 4 : 0) + (packet.windowScale >= 0 ? 4 : 0) + packet.payloadBytes;
    case UDP:
      return 28 + packet.payloadBytes;
    case ICMP:
      // The header; and the data of a ping, or of what is quoted the IPv4 header and 8 bytes.
      return 20 + 8 + (isIcmpError(packet) ? 28 : packet.payloadBytes);
    case ARP:
      return ARP_BYTES;
  }
}

/** The sequence number behind a segment; SYN and FIN count (RFC 9293 3.4). */
export function segmentEnd({ seq, payloadBytes, flags }: Packet): number {
  return (seq + payloadBytes + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0)) | 0;
}

/** Returns whether an ICMP packet is about another packet, and no ping. */
export function isIcmpError({ icmpType }: Packet): boolean {
  return icmpType === DESTINATION_UNREACHABLE || icmpType === TIME_EXCEEDED;
}
