/**
 * A router between the gate and the kernel, whose next link takes less than the others: packets that are too long for
 * it are cut into fragments, or complained of (RFC 791 3.2, RFC 1191 4).
 */

import { Gate } from '../../../sim/gateway/gate.ts';
import { PacketSplitter } from '../../../sim/gateway/packet-splitter.ts';
import { checksum } from '../../../sim/packet/checksum.ts';
import { decodePacket } from '../../../sim/packet/decode.ts';
import { encodePacket } from '../../../sim/packet/encode.ts';
import { FRAGMENTATION_NEEDED, ICMP, ipBytes, Packet } from '../../../sim/packet/packet.ts';
import { ServerMachine } from '../../../sim/server-bench/server-machine.ts';

const HEADER_BYTES = 20;
const MORE_FRAGMENTS = 0x2000;

export class MiddleLink {
  complaintsToDevices = 0;
  complaintsToKernel = 0;
  fragmented = 0;
  readonly #mtuBytes: number;

  constructor(mtuBytes: number) {
    this.#mtuBytes = mtuBytes;
  }

  /** Routes every packet over the link from now on. Returns the function that ends this. */
  install(): () => void {
    const { arrive } = Gate.prototype;
    const { write } = ServerMachine.prototype;
    let gate: Gate | undefined = undefined;
    let machine: ServerMachine | undefined = undefined;
    const toKernel = new PacketSplitter((bytes) => {
      const outcome = this.#pass(bytes);
      if (outcome instanceof Packet) {
        this.complaintsToDevices++;
        if (gate !== undefined) arrive.call(gate, bytesOf(outcome));
      } else {
        if (outcome.length > 1) this.fragmented++;
        for (const piece of outcome) if (machine !== undefined) write.call(machine, piece);
      }
    });
    const toDevices = new PacketSplitter((bytes) => {
      const outcome = this.#pass(bytes);
      if (outcome instanceof Packet) {
        this.complaintsToKernel++;
        if (machine !== undefined) write.call(machine, bytesOf(outcome));
      } else {
        for (const piece of outcome) if (gate !== undefined) arrive.call(gate, piece);
      }
    });
    Gate.prototype.arrive = function (bytes) {
      gate = this;
      toDevices.add(bytes);
    };
    ServerMachine.prototype.write = function (bytes) {
      machine = this;
      toKernel.add(bytes);
    };
    return () => {
      Gate.prototype.arrive = arrive;
      ServerMachine.prototype.write = write;
    };
  }

  /** Returns the packet, or its fragments, or the ICMP message to its sender. */
  #pass(bytes: Uint8Array): Uint8Array[] | Packet {
    if (bytes.length <= this.#mtuBytes) return [bytes.slice()];
    const quoted = new Packet();
    const problem = decodePacket(bytes, quoted);
    if (problem !== undefined) throw new Error(problem);
    if (!quoted.dontFragment) return this.#fragments(bytes);
    return Object.assign(new Packet(), {
      protocol: ICMP,
      code: FRAGMENTATION_NEEDED,
      nextHopMtuBytes: this.#mtuBytes,
      source: (10 << 24) | 0xfffffe,
      destination: quoted.source,
      quoted,
    });
  }

  /** Cuts a packet into fragments (RFC 791 3.2): all but the last are a multiple of 8 bytes long. */
  #fragments(bytes: Uint8Array): Uint8Array[] {
    const roomBytes = (this.#mtuBytes - HEADER_BYTES) & ~7;
    const pieces: Uint8Array[] = [];
    for (let at = HEADER_BYTES; at < bytes.length; at += roomBytes) {
      const end = Math.min(at + roomBytes, bytes.length);
      const piece = new Uint8Array(HEADER_BYTES + end - at);
      piece.set(bytes.subarray(0, HEADER_BYTES));
      piece.set(bytes.subarray(at, end), HEADER_BYTES);
      const view = new DataView(piece.buffer);
      view.setUint16(2, piece.length);
      view.setUint16(6, ((at - HEADER_BYTES) >> 3) | (end < bytes.length ? MORE_FRAGMENTS : 0));
      view.setUint16(10, 0);
      let sum = 0;
      for (let word = 0; word < HEADER_BYTES; word += 2) sum += view.getUint16(word);
      view.setUint16(10, checksum(sum));
      pieces.push(piece);
    }
    return pieces;
  }
}

function bytesOf(packet: Packet): Uint8Array {
  const bytes = new Uint8Array(ipBytes(packet));
  encodePacket(packet, bytes);
  return bytes;
}
