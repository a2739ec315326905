/** UTF-8 as MQTT asks for it (3.1.1 section 1.5.3, 5.0 section 1.5.4): strict, and without U+0000. */

/** The longest string: its length has two bytes. */
export const TEXT_MAX_BYTES = 65_535;

/**
 * The text that `bytes` from `start` to `end` are. Undefined where they are not well-formed UTF-8 (RFC 3629: no code
 * point in more bytes than it needs, none of a surrogate, none above U+10FFFF), or have a U+0000 among them.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let at = start;
  while (at < end) {
    const lead = bytes[at++] ?? 0;
    if (lead < 0x80) {
      if (lead === 0) return undefined;
      text += String.fromCharCode(lead);
      continue;
    }
    // Number of bytes that follow, and the least code point that needs so many.
    const [count, least] = lead >= 0xf0 ? [3, 0x1_0000] : lead >= 0xe0 ? [2, 0x800] : [1, 0x80];
    if (lead < 0xc2 || lead > 0xf4 || at + count > end) return undefined;
    let point = lead & (0x3f >> count);
    for (let i = 0; i < count; i++) {
      const next = bytes[at++] ?? 0;
      if ((next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    if (point < least || point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

/** The bytes of `text`. Throws a RangeError where MQTT cannot carry it: a U+0000, half a surrogate pair, too long. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point === 0 || (point >= 0xd800 && point <= 0xdfff)) {
      throw new RangeError(`U+${point.toString(16).toUpperCase().padStart(4, '0')} cannot stand in a text of MQTT`);
    }
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x1_0000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else {
      bytes.push(
        0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f),
      );
    }
  }
  if (bytes.length > TEXT_MAX_BYTES) {
    throw new RangeError(`a text of ${bytes.length} bytes does not fit: MQTT carries at most ${TEXT_MAX_BYTES}`);
  }
  return Uint8Array.from(bytes);
}
