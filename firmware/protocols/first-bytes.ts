/** First bytes from a peer, for the sentence that it speaks another protocol. */

const SHOWN_BYTES = 24;

/** Returns the bytes as text if they are text, otherwise in hexadecimal. */
export function firstBytes(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const more = bytes.length > shown.length ? '...' : '';
  const isText = shown.every((byte) => (byte >= 0x20 && byte < 0x7f) || [0x09, 0x0a, 0x0d].includes(byte));
  if (isText) return `${JSON.stringify(String.fromCharCode(...shown))}${more}`;
  return `${Array.from(shown, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}${more && ' ...'}`;
}
