/**
 * Text of the UDP heartbeat: a datagram with the text `heartbeat`. Numbered beats have a blank and the beat's number
 * behind it, in decimal, from 0 at each start of the sender to 2^32 - 1, and then from 0 again.
 */

const WORD = 'heartbeat';

/** No beat is longer. */
export const BEAT_BYTES_MAX = WORD.length + 1 + 10;

/** One beat, as a datagram. `number` undefined: beats are not numbered. */
export function encodeUdpBeat(number: number | undefined): Uint8Array {
  const text = number === undefined ? WORD : `${WORD} ${number}`;
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** The number of the beat in the first `count` of `bytes`; undefined: it has none; `none`: the datagram is no beat. */
export function decodeUdpBeat(bytes: Uint8Array, count: number): number | undefined | 'none' {
  if (count > BEAT_BYTES_MAX + 2) return 'none';
  const [, , digits] = BEAT.exec(String.fromCharCode(...bytes.subarray(0, count))) ?? [undefined, undefined, 'none'];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  return number <= 0xffff_ffff ? number : 'none';
}

/** A line ending may follow: who sends by hand, as with `nc -u`, has one. */
const BEAT = new RegExp(`^${WORD}( (\\d{1,10}))?\\r?\\n?$`);
