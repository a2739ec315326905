/** Captures, as tshark sees them: another's program reads what we wrote. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { PcapngWriter } from '../../../sim/link/pcapng.ts';
import {
  ACK,
  FIN,
  HOST_UNREACHABLE,
  ICMP,
  ipBytes,
  PORT_UNREACHABLE,
  PSH,
  RST,
  SYN,
  UDP,
} from '../../../sim/packet/packet.ts';
import { Seeded } from '../../support/seeded.ts';
import { needsTshark, tsharkFaults, tsharkFields, tsharkFrames } from '../../support/tshark.ts';
import { answer, anyPacket, packet } from '../packet/packets.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The capture of what `fill` writes. */
function captured(fill: (capture: PcapngWriter) => void, comments: readonly string[] = []): Buffer {
  const blocks: Uint8Array[] = [];
  const capture = new PcapngWriter((bytes) => blocks.push(bytes), comments);
  fill(capture);
  capture.end();
  return Buffer.concat(blocks);
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('a capture', () => {
  it('is made of whole blocks, each as long as it says at both its ends', () => {
    const bytes = captured((capture) => {
      for (let length = 0; length < 9; length++) {
        capture.packet(length, 'dev-1', packet({}, 'x'.repeat(length)), 'y'.repeat(length));
      }
      capture.comment(9, 'the end');
    });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const types: number[] = [];
    let at = 0;
    while (at < bytes.length) {
      const length = view.getUint32(at + 4, true);
      expect(length % 4).toBe(0);
      expect(view.getUint32(at + length - 4, true)).toBe(length);
      types.push(view.getUint32(at, true));
      at += length;
    }
    expect(at).toBe(bytes.length);
    expect(types).toEqual([0x0a0d0d0a, 1, 6, 6, 6, 6, 6, 6, 6, 6, 6]);
  });

  it('says what made it, and how', () => {
    const text = String(captured(() => {}, ['seed 7', 'cablepull run']));
    for (const part of ['cablepull\0', 'seed 7\0', 'cablepull run\0']) expect(text).toContain(part);
  });

  it('of nothing is a section header alone', () => {
    const bytes = captured((capture) => capture.comment(1, 'nobody can show this'));
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true)).toBe(bytes.length);
  });
});

describe('a connection that breaks, in tshark', () => {
  beforeEach(needsTshark);

  const tcp = { window: 64240, flags: ACK };
  const conversation = file(
    'conversation.pcapng',
    captured(
      (capture) => {
        const up = (atUs: number, fields: object, data = '', comment?: string): void =>
          capture.packet(atUs, 'dev-7', packet({ ...tcp, ...fields }, data), comment);
        const down = (atUs: number, fields: object, data = ''): void =>
          capture.packet(atUs, 'server', answer({ ...tcp, ...fields }, data));
        // 1 to 3: numbers wrap around in the middle of it.
        up(0, { flags: SYN, seq: -5, mss: 1460, windowScale: 7 });
        down(20_000, { flags: SYN | ACK, seq: 1000, ack: -4, mss: 1460, windowScale: 7 });
        up(40_000, { seq: -4, ack: 1001 });
        // 4 to 7: data, lost, sent again, answered.
        up(50_000, { flags: PSH | ACK, seq: -4, ack: 1001 }, 'beatbeat', 'lost');
        up(290_000, { flags: PSH | ACK, seq: -4, ack: 1001 }, 'beatbeat');
        down(310_000, { flags: PSH | ACK, seq: 1001, ack: 4 }, 'answered');
        up(330_000, { seq: 4, ack: 1009 });
        // 8 and 9: a probe, answered.
        up(3_330_000, { seq: 3, ack: 1009 });
        down(3_350_000, { seq: 1009, ack: 4 });
        // 10 to 12: two probes that nobody answers, and the reset.
        capture.comment(4_000_000, 'cable-pull on dev-7');
        down(6_350_000, { seq: 1008, ack: 4 });
        down(9_350_000, { seq: 1008, ack: 4 });
        down(12_350_000, { flags: RST | ACK, seq: 1009, ack: 4 });
        // 13 to 15: a datagram, and what cannot be delivered.
        capture.packet(12_400_000, 'dev-7', packet({ protocol: UDP, destinationPort: 5000 }, 'are you there'));
        const datagram = packet({ protocol: UDP, destinationPort: 5000 }, 'are you there');
        capture.packet(12_420_000, 'server', answer({ protocol: ICMP, code: PORT_UNREACHABLE, quoted: datagram }));
        capture.packet(
          12_430_000,
          'gateway',
          packet({ protocol: ICMP, code: HOST_UNREACHABLE, quoted: answer({ seq: 77 }), source: 0x0a0000fe }),
        );
        capture.comment(20_000_000, 'power-loss on dev-7: Größe');
      },
      ['seed 7', 'cablepull run'],
    ),
  );
  const frames = (filter: string): number[] => tsharkFrames(conversation, filter);

  it('has no malformed packet and no wrong checksum', () => {
    expect(frames('')).toHaveLength(15);
    expect(tsharkFaults(conversation)).toEqual([]);
    expect(frames('tcp.checksum.status == 1')).toHaveLength(12);
    expect(frames('udp.checksum.status == 1')).toEqual([13]);
    expect(frames('icmp.checksum.status == 1')).toEqual([14, 15]);
    expect(frames('ip.checksum.status == 1')).toHaveLength(15);
  });

  it('has probes, their answers, retransmissions and resets marked as such, and no other marks', () => {
    expect(frames('tcp.analysis.keep_alive')).toEqual([8, 10, 11]);
    expect(frames('tcp.analysis.keep_alive_ack')).toEqual([9]);
    expect(frames('tcp.analysis.retransmission')).toEqual([5]);
    expect(frames('tcp.flags.reset == 1')).toEqual([12]);
    expect(frames('tcp.analysis.flags')).toEqual([5, 8, 9, 10, 11]);
  });

  it('has the numbers, options and data that were sent', () => {
    const fields = [
      'tcp.flags.str',
      'tcp.seq',
      'tcp.ack',
      'tcp.len',
      'tcp.window_size',
      'tcp.options.mss_val',
      'tcp.options.wscale.shift',
    ];
    expect(tsharkFields(conversation, 'tcp && frame.number <= 5 && !icmp', fields).map((row) => row.join(' '))).toEqual(
      [
        '··········S· 0 0 0 64240 1460 7',
        '·······A··S· 0 1 0 64240 1460 7',
        `·······A···· 1 1 0 ${64240 * 128}  `,
        `·······AP··· 1 1 8 ${64240 * 128}  `,
        `·······AP··· 1 1 8 ${64240 * 128}  `,
      ],
    );
    expect(
      tsharkFields(conversation, 'udp && !icmp', ['ip.src', 'udp.srcport', 'ip.dst', 'udp.dstport', 'udp.payload']),
    ).toEqual([['10.0.0.8', '49152', '10.0.0.1', '5000', Buffer.from('are you there').toString('hex')]]);
    expect(tsharkFields(conversation, 'icmp', ['icmp.type', 'icmp.code', 'udp.dstport', 'tcp.srcport'])).toEqual([
      ['3', '3', '5000', ''],
      ['3', '1', '', '39002'],
    ]);
  });

  it('has the times and the senders', () => {
    expect(
      tsharkFields(conversation, 'frame.number in {1, 5, 15}', ['frame.time_epoch', 'frame.interface_name']),
    ).toEqual([
      ['0.000000000', 'dev-7'],
      ['0.290000000', 'dev-7'],
      ['12.430000000', 'gateway'],
    ]);
  });

  it('has faults as comments: at the next packet, and where none comes any more at the last', () => {
    expect(tsharkFields(conversation, 'frame.comment', ['frame.number', 'frame.comment'])).toEqual([
      ['4', 'lost'],
      ['10', 'at 4.000000 s: cable-pull on dev-7'],
      ['15', 'at 20.000000 s: power-loss on dev-7: Größe'],
    ]);
    expect(frames('frame.comment contains "cable-pull"')).toEqual([10]);
  });
});

describe('captures, in tshark', () => {
  beforeEach(needsTshark);

  it('have several comments at one packet, in the order they were made', () => {
    const path = file(
      'comments.pcapng',
      captured((capture) => {
        capture.comment(1_500_000, 'loss 10% on dev-1');
        capture.comment(1_500_001, 'hang on dev-2');
        capture.packet(2_000_000, 'dev-1', packet({ flags: ACK | FIN }), 'no carrier');
      }),
    );
    expect(tsharkFields(path, '', ['frame.comment'])).toEqual([
      ['at 1.500000 s: loss 10% on dev-1,at 1.500001 s: hang on dev-2,no carrier'],
    ]);
  });

  it('cut a comment that is too long for the format, between two characters', () => {
    const path = file(
      'long.pcapng',
      captured((capture) => capture.packet(0, 'dev-1', packet(), `${'x'.repeat(65_534)}ß`)),
    );
    expect(tsharkFields(path, '', ['frame.comment'])[0]?.[0]?.replaceAll('x', '')).toBe('');
    expect(tsharkFrames(path, 'frame.comment')).toEqual([1]);
  });

  it('have times beyond 32 bits of microseconds, to the microsecond', () => {
    const days = 35 * 365;
    const atUs = days * 86_400_000_000 + 1;
    const path = file('late.pcapng', captured((capture) => capture.packet(atUs, 'dev-1', packet())));
    expect(tsharkFields(path, '', ['frame.time_epoch'])).toEqual([[`${days * 86_400}.000001000`]]);
  });

  it('would have faults if one bit of a packet were another', () => {
    const sent = {
      tcp: packet({}, 'data'),
      udp: packet({ protocol: UDP }, 'data'),
      icmp: packet({ protocol: ICMP, quoted: packet() }),
    };
    for (const [name, of] of Object.entries(sent)) {
      const bytes = captured((capture) => capture.packet(0, 'dev-1', of));
      expect(tsharkFaults(file(`${name}.pcapng`, bytes))).toEqual([]);
      const header = bytes.indexOf(Uint8Array.of(0x45, 0, 0, ipBytes(of)));
      // The time to live; the port or code.
      for (const at of [header + 8, header + 21]) {
        const wrong = Uint8Array.from(bytes);
        wrong[at] = (wrong[at] ?? 0) ^ 1;
        expect(tsharkFaults(file(`${name}-${at}.pcapng`, wrong)), `${name}, byte ${at - header}`).toHaveLength(1);
      }
    }
  });

  it('have no fault, with any packets of a stack', () => {
    const random = new Seeded(4);
    const path = file(
      'anything.pcapng',
      captured((capture) => {
        for (let i = 0; i < 2000; i++) {
          capture.packet(i, `host-${i % 300}`, anyPacket(random));
        }
      }),
    );
    expect(tsharkFrames(path, '')).toHaveLength(2000);
    expect(tsharkFaults(path)).toEqual([]);
  });
});
