/**
 * Captures that Wireshark and tshark read: pcapng (draft-ietf-opsawg-pcapng). Each packet is to be captured once, where
 * it is sent: a copy of it further on would look like a retransmission. Its interface is the name of its sender.
 */

import { encodePacket } from '../packet/encode.ts';
import { capturedBytes } from '../packet/ethernet.ts';
import { ipBytes, type Packet } from '../packet/packet.ts';

/** Block types. */
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;

/** Options; the numbers from 2 on mean something else in each kind of block. */
const END_OF_OPTIONS = 0;
const COMMENT = 1;
const SECTION_APPLICATION = 4;
const INTERFACE_NAME = 2;
/** if_fcslen: so many bytes of each packet are its frame check sequence. */
const INTERFACE_FCS_BYTES = 13;

/** Magic number from which a reader knows the byte order; here the least significant byte comes first. */
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** LINKTYPE_IPV4: a packet begins with its IPv4 header. LINKTYPE_ETHERNET: with that of its frame. */
const IPV4 = 228;
const ETHERNET = 1;

type LinkType = typeof IPV4 | typeof ETHERNET;

const OPTION_BYTES_MAX = 0xffff;

interface Option {
  readonly code: number;
  readonly value: string;
}

/** The data of a packet that is held until the next packet comes. */
interface Held {
  readonly body: Uint8Array;
  readonly comments: string[];
}

/** Writes a capture, block by block: a packet is written when the next one comes. */
export class PcapngWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #interfaces = new Map<string, number>();
  /** Comments that wait for a packet. */
  #pending: string[] = [];
  #held: Held | undefined = undefined;

  /** `write` gets bytes that it may keep. `comments` are about the whole capture: seed, command line. */
  constructor(write: (bytes: Uint8Array) => void, comments: readonly string[] = []) {
    this.#write = write;
    const body = new Uint8Array(16);
    const view = new DataView(body.buffer);
    view.setUint32(0, BYTE_ORDER_MAGIC, true);
    // Version 1.0, and a section whose length is not known beforehand.
    view.setUint16(4, 1, true);
    view.setBigInt64(8, -1n, true);
    write(
      block(SECTION_HEADER, body, [{ code: SECTION_APPLICATION, value: 'cablepull' }, ...comments.map(commentOption)]),
    );
  }

  /**
   * Writes that `from` sends `packet` at `atUs`. Wireshark shows this time as the time since the start of 1970. Times
   * must not go back. `frame`: the Ethernet frame that carries the packet, if there is one.
   */
  packet(atUs: number, from: string, packet: Packet, comment?: string, frame?: Uint8Array): void {
    this.#flush();
    const captured = frame && capturedBytes(frame);
    const interfaceNumber = this.#interfaceOf(from, captured === undefined ? IPV4 : ETHERNET);
    const bytes = captured?.length ?? ipBytes(packet);
    const body = new Uint8Array(20 + padded(bytes));
    const view = new DataView(body.buffer);
    view.setUint32(0, interfaceNumber, true);
    // Microseconds, as long as an interface's description says nothing else.
    view.setUint32(4, Math.floor(atUs / 2 ** 32), true);
    view.setUint32(8, atUs % 2 ** 32, true);
    view.setUint32(12, bytes, true);
    view.setUint32(16, bytes, true);
    if (captured === undefined) encodePacket(packet, body.subarray(20));
    else body.set(captured, 20);
    if (comment !== undefined) this.#pending.push(comment);
    this.#held = { body, comments: this.#pending };
    this.#pending = [];
  }

  /**
   * Something that is no packet happens at `atUs`: a fault. Wireshark shows comments at packets alone, and so it
   * stands, with its time, at the next packet; at the last one, where none comes any more.
   */
  comment(atUs: number, text: string): void {
    this.#pending.push(`at ${(atUs / 1e6).toFixed(6)} s: ${text}`);
  }

  /** The capture is whole. */
  end(): void {
    this.#held?.comments.push(...this.#pending);
    this.#pending = [];
    this.#flush();
  }

  #flush(): void {
    if (this.#held === undefined) return;
    this.#write(block(ENHANCED_PACKET, this.#held.body, this.#held.comments.map(commentOption)));
    this.#held = undefined;
  }

  /** A host that sends packets and whole frames has two interfaces of its name. */
  #interfaceOf(name: string, linkType: LinkType): number {
    const key = `${linkType} ${name}`;
    const known = this.#interfaces.get(key);
    if (known !== undefined) return known;
    const body = new Uint8Array(8);
    // The longest packet that is captured stays 0: no limit.
    new DataView(body.buffer).setUint16(0, linkType, true);
    const fcs = linkType === ETHERNET ? [{ code: INTERFACE_FCS_BYTES, value: '\u0004' }] : [];
    this.#write(block(INTERFACE_DESCRIPTION, body, [{ code: INTERFACE_NAME, value: name }, ...fcs]));
    const number = this.#interfaces.size;
    this.#interfaces.set(key, number);
    return number;
  }
}

function commentOption(value: string): Option {
  return { code: COMMENT, value };
}

/** A block: its type, its length, its body, its options, its length again. */
function block(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array {
  const values = options.map(({ code, value }) => ({ code, bytes: utf8(value) }));
  const optionsBytes = values.reduce((sum, { bytes }) => sum + 4 + padded(bytes.length), values.length > 0 ? 4 : 0);
  const whole = new Uint8Array(12 + body.length + optionsBytes);
  const view = new DataView(whole.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, whole.length, true);
  whole.set(body, 8);
  let at = 8 + body.length;
  for (const { code, bytes } of values) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, bytes.length, true);
    whole.set(bytes, at + 4);
    at += 4 + padded(bytes.length);
  }
  if (values.length > 0) view.setUint32(at, END_OF_OPTIONS, true);
  view.setUint32(whole.length - 4, whole.length, true);
  return whole;
}

/** `text`, as much of it as an option holds, without half a character at its end. */
function utf8(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= OPTION_BYTES_MAX) return bytes;
  const cut = new Uint8Array(OPTION_BYTES_MAX);
  return cut.subarray(0, new TextEncoder().encodeInto(text, cut).written);
}

/** Everything in a block begins at a multiple of 4 bytes. */
function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}
