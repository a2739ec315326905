/** Packets to bytes and back, and what is said of bytes that are no packet. */

import { describe, expect, it } from 'vitest';
import { addBytes, checksum } from '../../../sim/packet/checksum.ts';
import { decodePacket } from '../../../sim/packet/decode.ts';
import { encodePacket } from '../../../sim/packet/encode.ts';
import { ACK, ICMP, ipBytes, Packet, PORT_UNREACHABLE, PSH, SYN, TCP, UDP } from '../../../sim/packet/packet.ts';
import { check } from '../../support/check.ts';
import { Seeded } from '../../support/seeded.ts';
import { anyPacket, contents, packet } from './packets.ts';

function encoded(of: Packet): Uint8Array {
  const bytes = new Uint8Array(ipBytes(of)).fill(0xa5);
  encodePacket(of, bytes);
  return bytes;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Corrects the checksum at `at`, for packets that are wrong elsewhere. */
function withIpChecksum(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  view.setUint16(10, 0);
  view.setUint16(10, checksum(addBytes(0, view, 0, (view.getUint8(0) & 0xf) * 4)));
  return bytes;
}

function withTcpChecksum(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  const end = view.getUint16(2);
  view.setUint16(36, 0);
  view.setUint16(36, checksum(addBytes(TCP + end - 20, view, 12, end)));
  return bytes;
}

function withIcmpChecksum(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  view.setUint16(22, 0);
  view.setUint16(22, checksum(addBytes(0, view, 20, bytes.length)));
  return bytes;
}

/** A SYN with these bytes of options. */
function withOptions(options: string): Uint8Array {
  const added = bytesOf(options);
  const bytes = new Uint8Array([...encoded(packet({ flags: SYN, seq: 1 })), ...added]);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, bytes.length);
  view.setUint8(32, (20 + added.length) << 2);
  return withTcpChecksum(withIpChecksum(bytes));
}

describe('checksum', () => {
  const of = (text: string): number => {
    const bytes = bytesOf(text);
    return checksum(addBytes(0, new DataView(bytes.buffer), 0, bytes.length));
  };

  it("is that of RFC 1071's example", () => {
    expect(of('00 01 f2 03 f4 f5 f6 f7')).toBe(~0xddf2 & 0xffff);
  });

  it('takes an odd last byte for the upper half of a word', () => {
    expect(of('00 01 f2')).toBe(~0xf201 & 0xffff);
  });

  it('carries twice where the first carry makes another', () => {
    expect(of('ff ff 00 01'.repeat(2))).toBe(~2 & 0xffff);
    expect(of('ff ff'.repeat(32_767))).toBe(0);
  });
});

describe('encoding', () => {
  it('is what Linux puts on the wire: a SYN with MSS and window scale', () => {
    const syn = packet({ flags: SYN, seq: 0x01020304, window: 64240, mss: 1460, windowScale: 7 });
    // The sums were worked out by another program.
    expect(hex(encoded(syn)).match(/.{1,8}/g)).toEqual([
      ...['45000030', '00004000', '400626c0', '0a000008', '0a000001'],
      ...['c000985a', '01020304', '00000000', '7002faf0', '18be0000'],
      ...['020405b4', '01030307'],
    ]);
  });

  it('never sends a UDP checksum of 0, which would say that there is none', () => {
    const datagram = packet({ protocol: UDP }, new Uint8Array(2));
    const [high = 0, low = 0] = encoded(datagram).subarray(26, 28);
    // The checksum as data makes the sum all ones.
    datagram.payload.set([high, low]);
    expect(hex(encoded(datagram).subarray(26, 28))).toBe('ffff');
    expect(decodePacket(encoded(datagram), new Packet())).toBeUndefined();
  });

  it('refuses what cannot be a packet, in a sentence', () => {
    expect(() => encodePacket(packet(), new Uint8Array(39))).toThrow('does not fit');
    expect(() => encodePacket(packet({}, new Uint8Array(65_496)), new Uint8Array(70_000))).toThrow(
      '65535 bytes at most',
    );
    expect(() => encodePacket(packet({ protocol: ICMP }), new Uint8Array(100))).toThrow('quotes');
  });
});

describe('decoding', () => {
  it('gives back every packet that was encoded, of the length that ipBytes tells', () => {
    const random = new Seeded(1);
    const decoded = new Packet();
    for (let i = 0; i < 3000; i++) {
      const sent = anyPacket(random);
      const bytes = new Uint8Array(2000);
      const length = encodePacket(sent, bytes.subarray(7));
      check(length === ipBytes(sent), `packet ${i}: ${length} bytes`);
      // Bytes behind the packet are padding, as on Ethernet.
      expect(decodePacket(bytes.subarray(7, 7 + length + random.below(20)), decoded), `packet ${i}`).toBeUndefined();
      expect(contents(decoded), `packet ${i}`).toEqual(contents(sent));
    }
  });

  it('notices every single flipped bit, unless what arrives is right all the same', () => {
    const random = new Seeded(2);
    const decoded = new Packet();
    for (let i = 0; i < 100; i++) {
      const sent = anyPacket(random);
      const bytes = encoded(sent);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flip = (): void => void (bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7)));
        flip();
        // A UDP checksum of one bit, flipped, says that there is none.
        const said = decodePacket(bytes, decoded);
        if (said === undefined) expect(contents(decoded), `packet ${i}, bit ${bit}`).toEqual(contents(sent));
        check(said !== undefined || sent.protocol === UDP, `packet ${i}, bit ${bit}: taken`);
        flip();
      }
    }
  });

  it('says truncated, at every byte at which a packet may end too early', () => {
    for (const sent of [
      packet({ flags: PSH | ACK }, 'data'),
      packet({ protocol: UDP }, 'data'),
      packet({ protocol: ICMP, quoted: packet() }),
    ]) {
      const bytes = encoded(sent);
      for (let length = 0; length < bytes.length; length++) {
        expect(decodePacket(bytes.subarray(0, length), new Packet())).toMatch(/^truncated IPv4/);
        if (length < 20) continue;
        // The header itself says here that the packet is short.
        const short = bytes.slice(0, length);
        new DataView(short.buffer).setUint16(2, length);
        if (sent.protocol === ICMP && length >= 28) withIcmpChecksum(short);
        const why =
          sent.protocol === TCP && length >= 40
            ? /^bad TCP checksum/
            : /^truncated (TCP|UDP|ICMP)|^quoted in ICMP: truncated/;
        expect(decodePacket(withIpChecksum(short), new Packet())).toMatch(why);
        // The rest of the packet follows as padding, which does not count.
        const longer = new Uint8Array([...short, ...bytes.subarray(length)]);
        expect(decodePacket(longer, new Packet())).toMatch(/^truncated|^bad TCP checksum/);
      }
    }
  });

  it('says what is wrong', () => {
    const said = (
      change: (view: DataView) => void,
      sent: Packet = packet({}, 'data'),
      fix = withIpChecksum,
    ): string | undefined => {
      const bytes = encoded(sent);
      change(new DataView(bytes.buffer));
      return decodePacket(fix(bytes), new Packet());
    };
    const asItIs = (bytes: Uint8Array): Uint8Array => bytes;
    const datagram = packet({ protocol: UDP }, 'data');
    const unreachable = packet({ protocol: ICMP, code: PORT_UNREACHABLE, quoted: packet() });
    expect(said((view) => view.setUint8(0, 0x65))).toBe('not IPv4');
    expect(said((view) => view.setUint8(0, 0x44))).toBe('bad IPv4 header length');
    expect(said((view) => view.setUint16(2, 19))).toBe('bad IPv4 length');
    expect(said((view) => view.setUint16(6, 0x2000))).toBe('IPv4 fragment');
    expect(said((view) => view.setUint16(6, 1))).toBe('IPv4 fragment');
    expect(said((view) => view.setUint8(8, 63), packet(), asItIs)).toBe('bad IPv4 checksum');
    expect(said((view) => view.setUint8(9, 41))).toBe('unknown protocol 41');
    expect(said((view) => view.setUint8(40, 1))).toBe('bad TCP checksum');
    // The pseudo-header: a packet for another host is not for this one.
    expect(said((view) => view.setUint8(19, 2))).toBe('bad TCP checksum');
    expect(said((view) => view.setUint8(32, 0x40))).toBe('bad TCP header length');
    expect(said((view) => view.setUint8(32, 0xf0))).toBe('truncated TCP header');
    expect(said((view) => view.setUint8(28, 1), datagram)).toBe('bad UDP checksum');
    expect(said((view) => view.setUint16(24, 7), datagram)).toBe('bad UDP length');
    expect(said((view) => view.setUint16(24, 13), datagram)).toBe('truncated UDP datagram');
    expect(said((view) => view.setUint8(21, 1), unreachable)).toBe('bad ICMP checksum');
    // Redirect.
    expect(said((view) => view.setUint8(20, 5), unreachable, withIcmpChecksum)).toBe('unknown ICMP type 5');
    expect(said((view) => view.setUint8(36, 63), unreachable, withIcmpChecksum)).toBe(
      'quoted in ICMP: bad IPv4 checksum',
    );
    expect(
      said(
        (view) => (view.setUint8(37, ICMP), view.setUint16(38, view.getUint16(38) + 5)),
        unreachable,
        withIcmpChecksum,
      ),
    ).toBe('ICMP error about ICMP');
  });

  it('takes a UDP datagram without a checksum, and one that is shorter than its packet', () => {
    const bytes = encoded(packet({ protocol: UDP }, 'data'));
    const view = new DataView(bytes.buffer);
    view.setUint16(24, 8 + 3);
    view.setUint16(26, 0);
    const decoded = new Packet();
    expect(decodePacket(bytes, decoded)).toBeUndefined();
    expect(contents(decoded)).toEqual(contents(packet({ protocol: UDP }, 'dat')));
  });

  it('skips the options that it does not know: what Linux and others send', () => {
    const decoded = new Packet();
    // MSS, SACK permitted, timestamps, padding, window scale; an unknown one of 4 bytes; the end, and garbage behind
    // it.
    const options = '02 04 05 b4  04 02  08 0a 00000001 00000000  01  03 03 07  fe 04 0000  00 ff ff ff';
    expect(decodePacket(withOptions(options), decoded)).toBeUndefined();
    expect(contents(decoded)).toEqual(contents(packet({ flags: SYN, seq: 1, mss: 1460, windowScale: 7 })));
  });

  it('skips options of IPv4', () => {
    const plain = encoded(packet({ flags: ACK, seq: 5 }, 'x'));
    const bytes = new Uint8Array([...plain.subarray(0, 20), 1, 1, 1, 0, ...plain.subarray(20)]);
    bytes[0] = 0x46;
    new DataView(bytes.buffer).setUint16(2, bytes.length);
    const decoded = new Packet();
    expect(decodePacket(withIpChecksum(bytes), decoded)).toBeUndefined();
    expect(contents(decoded)).toEqual(contents(packet({ flags: ACK, seq: 5 }, 'x')));
  });

  it('names options that are wrong', () => {
    const said = (options: string): string | undefined => decodePacket(withOptions(options), new Packet());
    expect(said('fe 00 00 00')).toBe('bad TCP option length');
    expect(said('fe 01 00 00')).toBe('bad TCP option length');
    expect(said('fe 05 00 00')).toBe('bad TCP option length');
    expect(said('01 01 01 fe')).toBe('bad TCP option length');
    expect(said('02 03 05 00')).toBe('bad MSS option');
    expect(said('03 04 07 00')).toBe('bad window scale option');
  });

  it('drops flags that nobody here knows of', () => {
    const bytes = encoded(packet({ flags: ACK }));
    bytes[33] = 0xf0;
    const decoded = new Packet();
    expect(decodePacket(withTcpChecksum(bytes), decoded)).toBeUndefined();
    expect(decoded.flags).toBe(ACK);
  });

  it('never throws, and takes no more than is there: 50,000 mutated packets, checksums made right', () => {
    const random = new Seeded(3);
    const decoded = new Packet();
    let taken = 0;
    const said = new Set<string>();
    for (let i = 0; i < 50_000; i++) {
      const bytes = random.chance(20)
        ? new Uint8Array(random.below(100))
        : encoded(anyPacket(random)).slice(0, random.chance(3) ? random.below(80) : 2000);
      const changes = bytes.length === 0 ? 0 : random.below(5);
      for (let n = 0; n < changes; n++) {
        bytes[random.below(Math.min(bytes.length, 60))] = random.pick([
          0,
          1,
          2,
          3,
          0x45,
          0x4f,
          0xff,
          random.below(256),
        ]);
      }
      if (bytes.length >= 60 && random.below(10) > 0) withIpChecksum(bytes);
      if (bytes.length >= 60 && new DataView(bytes.buffer).getUint16(2) === bytes.length && bytes[9] === TCP) {
        withTcpChecksum(bytes);
      }
      if (bytes.length >= 28 && bytes[9] === ICMP) withIcmpChecksum(bytes);
      const what = decodePacket(bytes, decoded);
      if (what === undefined) taken++;
      else said.add(what.replace(/\d+$/, 'n'));
      check(
        what !== undefined || decoded.payloadBytes <= bytes.length - 28,
        `case ${i}: ${decoded.payloadBytes} bytes of payload from ${bytes.length}`,
      );
    }
    expect(taken).toBeGreaterThan(5000);
    expect(said.size).toBeGreaterThan(15);
  });
});
