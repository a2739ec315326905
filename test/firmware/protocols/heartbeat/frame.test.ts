/** The heartbeat codec reads and writes what C programs on x86 do, in any pieces of the stream. */

import { describe, expect, it } from 'vitest';
import { BEAT, encodeOther, HEAD_BYTES, HeartbeatDecoder } from '../../../../firmware/protocols/heartbeat/frame.ts';

const MAX_DATA_BYTES = 1000;

/** Decodes a sequence of pieces. Returns a text for each whole frame, `beat` or `data [1,2]`, and then the reason. */
function decoded(pieces: readonly Uint8Array[]): {
  readonly frames: string[];
  readonly reason: string | undefined;
  readonly partial: boolean;
} {
  const decoder = new HeartbeatDecoder();
  const frames: string[] = [];
  let data: number[] = [];
  let reason: string | undefined;
  for (const piece of pieces) {
    reason = decoder.decode(piece, {
      maxDataBytes: MAX_DATA_BYTES,
      beat: () => frames.push('beat'),
      data: (part, remainingBytes) => {
        data.push(...part);
        if (remainingBytes > 0) return;
        frames.push(`data ${JSON.stringify(data)}`);
        data = [];
      },
    })?.reason;
  }
  return { frames, reason, partial: decoder.partial };
}

function int32s(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setInt32(i * 4, value, true));
  return new Uint8Array(view.buffer);
}

function glued(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function other(...data: number[]): Uint8Array {
  const into = new Uint8Array(HEAD_BYTES + data.length);
  expect(encodeOther(into, Uint8Array.from(data))).toBe(into.length);
  return into;
}

describe('encoding', () => {
  it('makes the bytes that x86 has in memory for struct { int type; int length; }', () => {
    expect([...BEAT]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...other(7, 8, 9)]).toEqual([1, 0, 0, 0, 3, 0, 0, 0, 7, 8, 9]);
    const large = new Uint8Array(HEAD_BYTES + 0x012345);
    encodeOther(large.fill(0xff), new Uint8Array(0x012345));
    expect([...large.subarray(0, 8)]).toEqual([1, 0, 0, 0, 0x45, 0x23, 0x01, 0]);
  });

  it('leaves the bytes behind the frame alone, and refuses a buffer that is too small', () => {
    const into = new Uint8Array(12).fill(0xaa);
    expect(encodeOther(into, Uint8Array.of(1, 2))).toBe(10);
    expect([...into.subarray(8)]).toEqual([1, 2, 0xaa, 0xaa]);
    expect(() => encodeOther(new Uint8Array(9), Uint8Array.of(1, 2))).toThrow(
      'a frame of 10 bytes does not fit into 9',
    );
  });
});

describe('decoding', () => {
  const stream = glued(BEAT, other(0, 0, 0), BEAT, BEAT, other(), other(1), BEAT);
  const frames = ['beat', 'data [0,0,0]', 'beat', 'beat', 'data []', 'data [1]', 'beat'];

  it('finds the same frames for every cut of the stream into three', () => {
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const pieces = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
        expect(decoded(pieces)).toEqual({ frames, reason: undefined, partial: false });
      }
    }
  });

  it('finds the same frames byte by byte, and for every way to cut a short stream', () => {
    expect(decoded([...stream].map((byte) => Uint8Array.of(byte))).frames).toEqual(frames);
    const short = glued(other(5), BEAT).subarray(0, 13);
    for (let cuts = 0; cuts < 1 << (short.length - 1); cuts++) {
      const pieces: Uint8Array[] = [];
      let start = 0;
      for (let at = 1; at <= short.length; at++) {
        if (at < short.length && ((cuts >> (at - 1)) & 1) === 0) continue;
        pieces.push(short.subarray(start, at));
        start = at;
      }
      const result = decoded(pieces);
      if (result.frames.join() !== 'data [5]' || !result.partial) {
        expect([cuts, result]).toEqual('one frame and half a head');
      }
    }
  });

  it('takes no more of a buffer than it is told to', () => {
    const buffer = glued(other(1, 2, 3), BEAT);
    const seen: number[][] = [];
    new HeartbeatDecoder().decode(
      buffer,
      { maxDataBytes: MAX_DATA_BYTES, beat: () => seen.push([]), data: (piece) => seen.push([...piece]) },
      10,
    );
    expect(seen).toEqual([[1, 2]]);
  });

  it('knows that it is within a frame', () => {
    expect(decoded([BEAT.subarray(0, 1)]).partial).toBe(true);
    expect(decoded([other(1, 2).subarray(0, 9)]).partial).toBe(true);
    expect(decoded([other(1, 2)]).partial).toBe(false);
  });

  it('takes a frame of the largest length, and refuses one byte more', () => {
    const data = Array.from({ length: MAX_DATA_BYTES }, (_, i) => i & 0xff);
    expect(decoded([other(...data)]).frames).toEqual([`data ${JSON.stringify(data)}`]);
    expect(decoded([int32s(1, MAX_DATA_BYTES + 1)]).reason).toBe('frame 1: length is 1001, must be 0 to 1000');
  });

  it.each([
    [int32s(2, 0), 'frame 2: type is 2, must be 0 (HEART) or 1 (OTHER)'],
    [int32s(-1, 0), 'frame 2: type is -1, must be 0 (HEART) or 1 (OTHER)'],
    [int32s(0x01000000, 0), 'frame 2: type is 16777216, must be 0 (HEART) or 1 (OTHER)'],
    [int32s(0, 1), 'frame 2: length is 1, must be 0 with type 0 (HEART)'],
    [int32s(1, -1), 'frame 2: length is -1, must be 0 to 1000'],
    [int32s(1, -0x80000000), 'frame 2: length is -2147483648, must be 0 to 1000'],
    [int32s(1, 0x7fffffff), 'frame 2: length is 2147483647, must be 0 to 1000'],
  ])('refuses %s with a sentence, however it is cut, and everything after it', (bad, reason) => {
    const bytes = glued(BEAT, bad, BEAT);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const result = decoded([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect([result.frames, result.reason]).toEqual([['beat'], reason]);
    }
  });

  it('refuses a wrong type as soon as it is there, without waiting for the length', () => {
    expect(decoded([glued(BEAT, int32s(2).subarray(0, 3))]).reason).toBeUndefined();
    expect(decoded([glued(BEAT, int32s(2))]).reason).toMatch('type is 2');
  });
});
