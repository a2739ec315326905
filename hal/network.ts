/**
 * The device's network: stream, listening and datagram sockets, name look-up, and the link.
 *
 * The rules that hold for every call and callback here:
 * - Nothing blocks. What cannot be done now says so (`EAGAIN`), and an event tells when to try again.
 * - A port MUST NOT call back from within a call that the firmware makes: callbacks are interrupts,
 *   they come when no firmware code is running. From within a callback the firmware MAY call anything.
 * - Events are edges, and one that comes for nothing is harmless: the firmware tries, and gets EAGAIN.
 * - After `close()` or `abort()` nothing is called back any more, not even what was already on its way.
 * - A port MUST NOT keep the `Uint8Array` it is handed; it copies before it returns.
 */

import type { Errno } from './errno.ts';

/** An address in text (`192.0.2.1`, `2001:db8::1`) and a port; the form of the text tells the family. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** The features that this port really has. Firmware adapts to them; reports repeat them. */
export interface Capabilities {
  /** `full`: idle, interval and count; `idle`: only the idle time, the rest is the platform's; `none`: not at all. */
  readonly keepAlive: KeepAliveSupport;
  /** TCP_USER_TIMEOUT (RFC 5482) can be set. */
  readonly userTimeout: boolean;
  /** `abort()` sends RST. Where false, it is a `close()`, or forgets the connection without a word to the peer. */
  readonly reset: boolean;
  /** `ended` names the true reason. Where false, every failure is `EIO` and may even look like `closed`. */
  readonly errorReason: boolean;
  /** `shutdown()` sends FIN and the other direction stays open. Where false, it is refused. */
  readonly halfClose: boolean;
  readonly ipv6: boolean;
  readonly listen: boolean;
  readonly datagram: boolean;
  /** `link` follows the real carrier. If false, the carrier is always up. */
  readonly carrier: boolean;
}

export type KeepAliveSupport = 'none' | 'idle' | 'full';

/** TCP_KEEPIDLE, TCP_KEEPINTVL (both in seconds) and TCP_KEEPCNT. All are whole and at least 1. */
export interface KeepAlive {
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
}

export interface Network {
  readonly capabilities: Capabilities;
  readonly link: LinkStatus;

  /** socket(SOCK_STREAM). The socket is new: neither bound nor connected. */
  openStream(handler: StreamHandler): StreamSocket;

  /**
   * socket + bind + listen. `local.port` 0 takes any free port. The outcome comes as an event:
   * `listening`, or `ended` with EADDRINUSE, EADDRNOTAVAIL, EACCES, or EOPNOTSUPP.
   * `backlog` bounds the connections that wait to be accepted, where a stack may let one more wait, as Linux does; what
   * comes beyond is turned away.
   */
  listen(local: SocketAddress, backlog: number, handler: ListenHandler): ListeningSocket;

  /**
   * socket(SOCK_DGRAM) + bind. `local.port` 0 takes any free port. The outcome comes as an event:
   * `bound`, or `ended` with an errno.
   */
  openDatagram(local: SocketAddress, handler: DatagramHandler): DatagramSocket;

  /**
   * Sends one Ethernet frame unchanged, from preamble to frame check sequence. Returns its length, EMSGSIZE for a frame
   * longer than the link allows, EAGAIN if there is no room, or ENETDOWN without a carrier. Loss is not reported, and
   * neither is a frame that no receiver accepts, such as one with a wrong check sequence. Undefined: the port sends
   * none.
   */
  sendFrame?(frame: Uint8Array): number;

  /**
   * Looks a host name up; an address in text comes back as it is. `done` gets the addresses in the
   * order to try them, at least one, or an errno (EAI_NONAME, EAI_FAIL).
   */
  lookup(name: string, done: (result: readonly string[] | Errno) => void): Lookup;
}

/** A look-up under way. */
export interface Lookup {
  /** `done` is not called any more. Idempotent. */
  cancel(): void;
}

/** Callbacks of a stream socket. */
export interface StreamHandler {
  /** There is something to read: bytes, or the peer's FIN (`read` gives 0 once the bytes are taken). */
  readable(): void;

  /** The first time: connected. Later: room again, after `write` took less than it was offered. */
  writable(): void;

  /**
   * The last event, at most one; only who waits for room after a `closed` MAY still be told `writable`.
   * `closed`: the peer's FIN came after all its data; what was not yet read can still be, and writing may go
   * on until a write fails. An errno: the connection is gone; bytes that came before can still be read, then
   * `read` and `write` give this errno.
   */
  ended(reason: Errno | 'closed'): void;
}

/** A TCP socket. Calls that give a number give a failure as `failure(errno)`, below 0. */
export interface StreamSocket {
  /** The local end, once it is known; a platform that does not tell leaves it undefined. */
  readonly local: SocketAddress | undefined;
  /** The peer, once connected. */
  readonly remote: SocketAddress | undefined;

  /**
   * Chooses the local address or port (0: any) before `connect`. Returns 0, EINVAL, or EOPNOTSUPP if the platform
   * cannot bind. Some platforms find out only at `connect` that an address is not available (`ended` with EADDRINUSE or
   * EADDRNOTAVAIL).
   */
  bind(local: SocketAddress): number;

  /**
   * Starts to connect. Returns 0, EISCONN, EALREADY or EINVAL. The outcome comes as `writable` or `ended`
   * (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ...). The errno is what the platform's own sockets say, in POSIX's words: a
   * refusal is ECONNRESET on lwIP, which has one error for every RST, and a reset is ENOTCONN on FreeRTOS+TCP.
   */
  connect(remote: SocketAddress): number;

  /**
   * Copies received bytes into `into`. Returns their number; 0 if the peer has closed and everything was read; EAGAIN
   * if there is nothing yet; ENOTCONN before the connection; EINVAL if `into` has no room, because 0 would mean the
   * end; an errno if the connection failed.
   */
  read(into: Uint8Array): number;

  /**
   * Takes as many bytes of `from` as fit and gives how many; EAGAIN when none fit. When it takes less than
   * it was offered, `writable` follows. ENOTCONN before the connection, EPIPE after `shutdown`.
   * The port MUST bound what it takes but has not sent: an endless writer is held back, not buffered.
   */
  write(from: Uint8Array): number;

  /**
   * shutdown(SHUT_WR): sends FIN after the bytes that were accepted. Returns 0, ENOTCONN, or EOPNOTSUPP
   * (`capabilities.halfClose`).
   */
  shutdown(): number;

  /** Closes; what was taken is still sent, then FIN. Idempotent, and nothing is called back after it. */
  close(): void;

  /** Closes with RST; what was not sent is dropped. Idempotent, and nothing is called back after it. */
  abort(): void;

  /** TCP_NODELAY. Answers whether it took. MAY be called at any time. */
  setNoDelay(on: boolean): boolean;

  /**
   * SO_KEEPALIVE and its times, or off. Answers how much of it took: `capabilities.keepAlive`, or `none` where the
   * values cannot be. MAY be called at any time.
   */
  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport;

  /** TCP_USER_TIMEOUT in milliseconds, 0 = the platform's own. Answers whether it took. */
  setUserTimeout(timeoutMs: number): boolean;
}

/** Callbacks of a listening socket. */
export interface ListenHandler {
  /** The socket listens; `local` is known. */
  listening(): void;
  /** There is a connection to accept. */
  incoming(): void;
  /** The socket failed and is closed. */
  ended(reason: Errno): void;
}

export interface ListeningSocket {
  /** The local end, once it listens. */
  readonly local: SocketAddress | undefined;
  /** Takes the next waiting connection, which is connected: no first `writable` comes. Undefined when none waits. */
  accept(handler: StreamHandler): StreamSocket | undefined;
  /** Stops listening; connections that were accepted live on, those that wait are reset. Idempotent. */
  close(): void;
}

/** Callbacks of a datagram socket. */
export interface DatagramHandler {
  /** The socket is bound; `local` is known. */
  bound(): void;
  /** There is a datagram to receive. */
  readable(): void;
  /** The socket failed and is closed. */
  ended(reason: Errno): void;
}

export interface DatagramSocket {
  readonly local: SocketAddress | undefined;
  /** Sender of the datagram that `receive` returned last. */
  readonly sender: SocketAddress | undefined;
  /** Takes one datagram; gives its length, cut to `into` as recvfrom does, or EAGAIN. 0 is an empty datagram. */
  receive(into: Uint8Array): number;
  /** Sends one datagram; gives its length, or EMSGSIZE, EAGAIN, ENETUNREACH, ... Loss is not reported. */
  sendTo(from: Uint8Array, remote: SocketAddress): number;
  /** Idempotent, and nothing is called back after it. */
  close(): void;
}

/** The cable. */
export interface LinkStatus {
  /** True while there is a carrier. */
  readonly carrier: boolean;
  /** `isr` is called at every change. There is one watcher: a new one replaces the old. */
  watch(isr: (carrier: boolean) => void): void;
}
