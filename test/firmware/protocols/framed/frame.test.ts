/** Frames are written and read as their layout says, in any pieces of the stream; a wrong frame is named. */

import { describe, expect, it } from 'vitest';
import { encodeFramed, FramedDecoder, type FramedSink } from '../../../../firmware/protocols/framed/frame.ts';
import { Seeded } from '../../../support/seeded.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

function frame(length: number, type: number, ...body: number[]): number[] {
  return [0xab, 0xef, 1, 1, 0, 0, length >> 8, length & 0xff, type, ...body];
}

/** Writes down what it is told. */
class Log implements FramedSink {
  readonly lines: string[] = [];

  message(type: string, body: Uint8Array): undefined {
    this.lines.push(`${type} ${[...body].join(' ')}`.trim());
  }

  data(pieceBytes: number, remainingBytes: number): undefined {
    this.lines.push(`DATA ${pieceBytes}, ${remainingBytes} to come`);
  }
}

interface Decoded {
  readonly lines: readonly string[];
  readonly wrong: string | undefined;
}

function decoded(bytes: readonly number[]): Decoded {
  const log = new Log();
  const wrong = new FramedDecoder(1000).decode(Uint8Array.from(bytes), log);
  return { lines: log.lines, wrong };
}

it('is written byte for byte as its layout says', () => {
  expect([...encodeFramed('LOGIN_REQ', text('dev'))]).toEqual(frame(4, 3, 100, 101, 118));
  expect([...encodeFramed('LOGIN_RESP', Uint8Array.of(0))]).toEqual(frame(2, 4, 0));
  expect([...encodeFramed('HEARTBEAT_REQ')]).toEqual(frame(1, 5));
  expect([...encodeFramed('HEARTBEAT_RESP')]).toEqual(frame(1, 6));
  expect([...encodeFramed('DATA', new Uint8Array(300))].slice(0, 9)).toEqual(frame(301, 2));
});

const STREAM = [
  ...frame(4, 3, 100, 101, 118), ...frame(2, 4, 0), ...frame(1, 5), ...frame(1, 2), ...frame(4, 2, 7, 8, 9),
  ...frame(1, 6),
];

describe('a stream', () => {
  it('that comes at once gives all its frames', () => {
    expect(decoded(STREAM)).toEqual({
      lines: [
        'LOGIN_REQ 100 101 118', 'LOGIN_RESP 0', 'HEARTBEAT_REQ', 'DATA 0, 0 to come', 'DATA 3, 0 to come',
        'HEARTBEAT_RESP',
      ],
      wrong: undefined,
    });
  });

  it('that comes in any two pieces gives the same, with its data in two where it is cut', () => {
    const whole = decoded(STREAM).lines;
    for (let cut = 1; cut < STREAM.length; cut++) {
      const [log, decoder] = [new Log(), new FramedDecoder(1000)];
      expect(decoder.decode(Uint8Array.from(STREAM.slice(0, cut)), log)).toBeUndefined();
      expect(decoder.partial).toBe(![12, 22, 31, 40, 52].includes(cut));
      expect(decoder.decode(Uint8Array.from(STREAM.slice(cut)), log)).toBeUndefined();
      expect(decoder.partial).toBe(false);
      const isMessage = (line: string): boolean => !line.startsWith('DATA');
      expect(log.lines.filter(isMessage)).toEqual(whole.filter(isMessage));
    }
  });
});

describe('a wrong frame', () => {
  it.each([
    [[0xab, 0xee], 'frame 1: byte 2 of the mark is 0xee, must be 0xef; the first bytes that came are ab ee'],
    [
      [...text('HTTP/1.1 400')],
      'frame 1: byte 1 of the mark is 0x48, must be 0xab; the first bytes that came are "HTTP/1.1 400"',
    ],
    [[...frame(1, 5), ...frame(1, 7)], 'frame 2: type is 7, must be 2 to 6'],
    [frame(2, 5, 0), 'frame 1: length is 2, must be 1 with type 5 (HEARTBEAT_REQ)'],
    [frame(1, 3), 'frame 1: length is 1, must be 2 to 65 with type 3 (LOGIN_REQ)'],
    [frame(66, 3), 'frame 1: length is 66, must be 2 to 65 with type 3 (LOGIN_REQ)'],
    [frame(0, 2), 'frame 1: length is 0, must be 1 to 1001 with type 2 (DATA)'],
    [frame(1002, 2), 'frame 1: length is 1002, must be 1 to 1001 with type 2 (DATA)'],
    [
      [0xab, 0xef, 1, 1, 0xff, 0xff, 0xff, 0xff, 2],
      'frame 1: length is 4294967295, must be 1 to 1001 with type 2 (DATA)',
    ],
  ])('%j', (bytes, sentence) => {
    expect(decoded(bytes).wrong?.startsWith(sentence)).toBe(true);
  });

  it('ends the stream: nothing more is decoded, until another begins', () => {
    const [log, decoder] = [new Log(), new FramedDecoder(1000)];
    decoder.decode(Uint8Array.of(1), log);
    expect(decoder.decode(Uint8Array.from(STREAM), log)).toMatch(/^frame 1: byte 1 of the mark/);
    expect(log.lines).toEqual([]);
    decoder.reset();
    expect(decoder.decode(Uint8Array.from(STREAM), log)).toBeUndefined();
  });

  it('can also be declared by the user of the decoder', () => {
    const sink: FramedSink = { message: (type) => `${type} is not wanted`, data: () => 'data is not wanted' };
    const decode = (bytes: number[]): string | undefined => new FramedDecoder(10).decode(Uint8Array.from(bytes), sink);
    expect(decode(frame(1, 5))).toMatch(/^frame 1: HEARTBEAT_REQ is not wanted/);
    expect(decode(frame(3, 2, 1, 2))).toMatch(/^frame 1: data is not wanted/);
  });
});

it('a million streams that are spoilt, and cut anywhere, neither throw nor give more bytes than came', { timeout: 120_000 }, () => {
  const random = new Seeded(4);
  const sink = { message: () => undefined, data: (bytes: number) => void (given += bytes) };
  let given = 0;
  let whole = 0;
  for (let round = 0; round < 1_000_000; round++) {
    const bytes = Uint8Array.from(STREAM);
    for (let i = random.below(3); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
    const count = random.below(bytes.length + 1);
    const decoder = new FramedDecoder(50);
    given = 0;
    const cut = random.below(count + 1);
    const wrong = decoder.decode(bytes, sink, cut) ?? decoder.decode(bytes.subarray(cut), sink, count - cut);
    if (given > count) expect.fail(`${given} bytes of data were given of ${count} that came`);
    if (wrong === undefined) whole++;
  }
  expect(whole).toBeGreaterThan(100_000);
});
