/** Lines of the tracer. */

import { expect, it } from 'vitest';
import { Tracer } from '../../../sim/link/tracer.ts';
import { ACK, FIN, HOST_UNREACHABLE, ICMP, PORT_UNREACHABLE, PSH, RST, SYN, UDP } from '../../../sim/packet/packet.ts';
import { answer, packet } from '../packet/packets.ts';

const DEVICE = '10.0.0.8:49152 > 10.0.0.1:39002';
const SERVER = '10.0.0.1:39002 > 10.0.0.8:49152';
const window = 64240;

/** Returns the tracer's text for each packet, without time and hosts. */
function textsOf(...packets: readonly ReturnType<typeof packet>[]): string[] {
  const tracer = new Tracer();
  return packets.map((of) => tracer.line(0, 'a', 'b', of).replace(/^ *0\.000000s a > b {2}/, ''));
}

it('has the time, the hosts, and what became of a frame', () => {
  const tracer = new Tracer();
  const data = packet({ flags: PSH | ACK, window }, 'beatbeat');
  const line = `12.003004s dev-7 > server  ${DEVICE} [P.] seq 1:9 ack 1 win 64240 len 8`;
  expect(tracer.line(12_003_004, 'dev-7', 'server', data)).toBe(`  ${line}`);
  expect(tracer.line(12_003_004, 'dev-7', 'server', data, 'lost')).toBe(`  ${line}  lost`);
  expect(tracer.line(86_400_000_001, 'dev-7', 'server', data)).toMatch(/^86400\.000001s dev-7/);
});

it('counts the numbers of a connection from its start, across their end', () => {
  expect(
    textsOf(
      packet({ flags: SYN, seq: -5, window, mss: 1460, windowScale: 7 }),
      answer({ flags: SYN | ACK, seq: 0x7fffffff, ack: -4, window, mss: 536 }),
      packet({ flags: ACK, seq: -4, ack: -0x80000000, window }),
      packet({ flags: PSH | ACK, seq: -4, ack: -0x80000000, window }, 'beatbeat'),
      // A keepalive probe has a number one below the next byte.
      packet({ flags: ACK, seq: 3, ack: -0x80000000, window }),
      answer({ flags: FIN | ACK, seq: -0x80000000, ack: 4, window }),
      packet({ flags: RST, seq: 4 }),
    ),
  ).toEqual([
    `${DEVICE} [S] seq 0 win 64240 mss 1460 wscale 7 len 0`,
    `${SERVER} [S.] seq 0 ack 1 win 64240 mss 536 len 0`,
    `${DEVICE} [.] seq 1 ack 1 win 64240 len 0`,
    `${DEVICE} [P.] seq 1:9 ack 1 win 64240 len 8`,
    `${DEVICE} [.] seq 8 ack 1 win 64240 len 0`,
    `${SERVER} [F.] seq 1 ack 9 win 64240 len 0`,
    `${DEVICE} [R] seq 9 win 0 len 0`,
  ]);
});

it('starts its count again when the same ports connect again, and not when a SYN is only sent again', () => {
  const seqs = textsOf(
    packet({ flags: SYN, seq: 100 }),
    answer({ flags: SYN | ACK, seq: 500, ack: 101 }),
    packet({ flags: SYN, seq: 100 }),
    answer({ flags: SYN | ACK, seq: 500, ack: 101 }),
    packet({ flags: ACK, seq: 101, ack: 501 }),
    packet({ flags: SYN, seq: 100 }),
    answer({ flags: ACK, seq: 509, ack: 101 }),
    packet({ flags: SYN, seq: 9000 }),
    answer({ flags: ACK | RST, seq: 700, ack: 9001 }),
  ).map((line) => line.replace(/.*\] (.*) win.*/, '$1'));
  expect(seqs).toEqual([
    'seq 0',
    'seq 0 ack 1',
    'seq 0',
    'seq 0 ack 1',
    'seq 1 ack 1',
    'seq 0',
    'seq 9 ack 1',
    'seq 0',
    'seq 1 ack 1',
  ]);
});

it('tells datagrams, and what could not be delivered', () => {
  const datagram = packet({ protocol: UDP }, 'data');
  expect(
    textsOf(
      datagram,
      answer({ protocol: ICMP, code: PORT_UNREACHABLE, quoted: datagram }),
      answer({ protocol: ICMP, code: HOST_UNREACHABLE, quoted: packet(), source: 0x0a0000fe }),
      answer({ protocol: ICMP, code: 13 }),
    ),
  ).toEqual([
    `${DEVICE} udp len 4`,
    `10.0.0.1 > 10.0.0.8 icmp port unreachable: udp ${DEVICE}`,
    `10.0.0.254 > 10.0.0.8 icmp host unreachable: tcp ${DEVICE}`,
    '10.0.0.1 > 10.0.0.8 icmp unreachable, code 13',
  ]);
});
