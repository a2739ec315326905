/** Dubbo's frames byte for byte, and a decoder that takes any stream. */

import { describe, expect, it } from 'vitest';
import {
  DUBBO_STATUS, DubboDecoder, type DubboMessage, encodeDubbo, HESSIAN_2,
} from '../../../../firmware/protocols/dubbo/frame.ts';
import {
  decodeCall, decodeEchoResult, encodeEchoCall, encodeEchoResult, HESSIAN_NULL,
} from '../../../../firmware/protocols/dubbo/invocation.ts';
import { Seeded } from '../../../support/seeded.ts';

const beat = { kind: 'request', id: 0x0102n, wantsResponse: true, isEvent: true, serialization: HESSIAN_2 } as const;
const answer = {
  kind: 'response', id: 2n ** 63n + 1n, status: DUBBO_STATUS.OK, isEvent: false, serialization: HESSIAN_2,
} as const;
const STREAM = [
  ...encodeDubbo(beat, HESSIAN_NULL),
  ...encodeDubbo(answer, Uint8Array.of(1, 2, 3)),
  ...encodeDubbo({ ...answer, id: 7n, isEvent: true }, new Uint8Array(0)),
];

function decoder(maxBodyBytes = 50) {
  const frames: [DubboMessage, number[]][] = [];
  const made = new DubboDecoder(maxBodyBytes);
  const sink = { message: (message: DubboMessage, body: Uint8Array) => void frames.push([message, [...body]]) };
  return { frames, made, decode: (bytes: Iterable<number>) => made.decode(Uint8Array.from(bytes), sink) };
}

it('a beat is the 17 bytes that Dubbo sends, a response has the number of its request', () => {
  expect([...encodeDubbo(beat, HESSIAN_NULL)]).toEqual([
    0xda, 0xbb, 0xe2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0x4e,
  ]);
  expect([...encodeDubbo(answer, Uint8Array.of(9))]).toEqual([
    0xda, 0xbb, 0x02, 20, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9,
  ]);
});

it.each([STREAM.length, 1, 7, 16])('a stream is decoded whole, in pieces of %i bytes', (pieceBytes) => {
  const { frames, made, decode } = decoder();
  for (let at = 0; at < STREAM.length; at += pieceBytes) {
    expect(decode(STREAM.slice(at, at + pieceBytes))).toBeUndefined();
  }
  expect(frames).toEqual([[beat, [0x4e]], [answer, [1, 2, 3]], [{ ...answer, id: 7n, isEvent: true }, []]]);
  expect(made.partial).toBe(false);
});

describe('a wrong frame is reported', () => {
  it.each([
    [[0xda, 0xbc], 'frame 1: byte 2 of the magic is 0xbc, must be 0xbb; the first bytes that came are da bc'],
    [
      [...new TextEncoder().encode('GET /')],
      'frame 1: byte 1 of the magic is 0x47, must be 0xda; the first bytes that came are "GET /"',
    ],
    [[...STREAM, 1], 'frame 4: byte 1 of the magic is 0x01, must be 0xda'],
    [[...STREAM.slice(0, 12), 0, 0, 0, 51], 'frame 1: length is 51, must be at most 50'],
    [[...STREAM.slice(0, 12), 255, 255, 255, 255], 'frame 1: length is 4294967295, must be at most 50'],
  ])('%j', (bytes, sentence) => {
    expect(decoder().decode(bytes)?.startsWith(sentence)).toBe(true);
  });

  it('ends the stream: nothing more is decoded, until another begins', () => {
    const { frames, made, decode } = decoder();
    decode([1]);
    expect(decode(STREAM)).toMatch(/^frame 1: byte 1/);
    made.reset();
    expect(decode(STREAM)).toBeUndefined();
    expect(frames.length).toBe(3);
  });
});

describe('$echo', () => {
  it('is called and answered as Hessian 2 has it', () => {
    const call = encodeEchoCall('a.B', 'x');
    const strings = (...texts: string[]): number[] =>
      texts.flatMap((text) => [text.length, ...new TextEncoder().encode(text)]);
    expect([...call]).toEqual([
      ...strings('2.0.2', 'a.B', '0.0.0', '$echo', 'Ljava/lang/Object;', 'x'), 0x48,
      ...strings('path', 'a.B', 'interface', 'a.B', 'version', '0.0.0'), 0x5a,
    ]);
    const argument = decodeCall(call)?.argument ?? new Uint8Array(0);
    expect([...argument]).toEqual([1, 0x78]);
    expect(decodeEchoResult(encodeEchoResult(argument))).toBe('x');
  });

  it.each([0, 31, 32, 255, 256, 1023])('gives back a text of %i characters', (length) => {
    const text = 'y'.repeat(length);
    const argument = decodeCall(encodeEchoCall('a.B', text))?.argument ?? new Uint8Array(0);
    expect(decodeEchoResult(encodeEchoResult(argument))).toBe(text);
  });

  it('is the only method with an argument; what is no call is none', () => {
    const other = encodeEchoCall('a.B', 'x');
    other[17] = 0x21;
    expect(decodeCall(other)).toEqual({ method: '!echo' });
    expect(decodeCall(HESSIAN_NULL)).toBeUndefined();
    expect(decodeCall(encodeEchoCall('a.B', 'x').subarray(0, 20))).toBeUndefined();
    // A null result, a result cut off, an exception.
    for (const body of [[0x92], [0x91, 5, 0x78], [0x90, 1, 0x78]]) {
      expect(decodeEchoResult(Uint8Array.from(body))).toBeUndefined();
    }
  });
});

it('a million streams that are spoilt, and cut anywhere, neither throw nor give more than came', { timeout: 120_000 }, () => {
  const random = new Seeded(4);
  const stream = [
    ...encodeDubbo(beat, encodeEchoCall('a.B', 'x')),
    ...encodeDubbo(answer, encodeEchoResult(Uint8Array.of(1, 0x78))),
  ];
  let [given, whole] = [0, 0];
  const sink = {
    message(_: DubboMessage, body: Uint8Array) {
      given += 16 + body.length;
      decodeCall(body);
      decodeEchoResult(body);
      return undefined;
    },
  };
  for (let round = 0; round < 1_000_000; round++) {
    const bytes = Uint8Array.from(stream);
    for (let i = random.below(4); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
    const count = random.below(bytes.length + 1);
    const made = new DubboDecoder(200);
    given = 0;
    const cut = random.below(count + 1);
    const wrong = made.decode(bytes, sink, cut) ?? made.decode(bytes.subarray(cut), sink, count - cut);
    if (given > count) expect.fail(`${given} bytes were given of ${count} that came`);
    if (wrong === undefined) whole++;
  }
  expect(whole).toBeGreaterThan(100_000);
});
