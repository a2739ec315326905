/** IPv4 addresses: text for people, 32-bit integers with a sign for packets. */

/**
 * `10.0.0.1` as an integer; undefined where `text` is no IPv4 address. A leading zero, which some read as octal, is
 * none.
 */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = (address << 8) | Number(part);
  }
  return address;
}

export function formatAddress(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}
