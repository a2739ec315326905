/** Constants that encoding and decoding share: lengths of headers, TCP options. */

/** Without options (RFC 791, 9293 3.1, 768, 792). */
export const HEADER_BYTES = { ip: 20, tcp: 20, udp: 8, icmp: 8 } as const;

/** Bytes that an ICMP error quotes behind the IPv4 header: the least that RFC 792 allows, and the most here. */
export const QUOTED_DATA_BYTES = 8;

/** TCP options without a length (RFC 9293 3.2). */
export const END_OF_OPTIONS = 0;
export const NO_OPERATION = 1;

/** RFC 9293 3.2, and RFC 7323 2.2. */
export const MAXIMUM_SEGMENT_SIZE = { kind: 2, bytes: 4 } as const;
export const WINDOW_SCALE = { kind: 3, bytes: 3 } as const;
