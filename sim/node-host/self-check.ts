/**
 * The check that Node's inside does what this room stands on, before the first program of a process is started: one
 * HTTP request with a body, its answer, a timer, an immediate and a file, on a wire in memory. A Node whose inside has
 * changed is refused in one sentence then, in place of odd failures later.
 */

import { access } from 'node:fs';
import http from 'node:http';
import { ERRNO } from '../../hal/errno.ts';
import type { ListenHandler, ListeningSocket, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { newModules } from './modules.ts';
import { enter } from './owner.ts';
import { SimulatedProcess } from './process.ts';
import { unusable } from './unusable.ts';

const HOST = '10.0.0.1';
const CLIENT = '10.0.0.2';
const PORT = 80;
/** When the timer is due. */
const TIMER_MS = 5;

/** The things that have to happen. */
const STEPS = [
  'an immediate is caught',
  'a file is waited for',
  'a request comes',
  'ticks run between two pieces of its body',
  'its end comes',
  'an answer comes',
  'its body comes',
  'its end comes, that of the connection',
  'the connection closes',
  'a timer rings when it is due',
] as const;

type Step = (typeof STEPS)[number];

let isChecked = false;

/** Throws an Error that names Node's version and what is missing. Checks once in a process; only in a turn of the loop. */
export function checkNode(): void {
  if (isChecked) return;
  const done = stepsDone();
  const missing = STEPS.filter((step) => !done.has(step));
  if (missing.length > 0) throw unusable(`on a connection in memory it was not so that ${missing.join('; that ')}`);
  isChecked = true;
}

function stepsDone(): ReadonlySet<Step> {
  const done = new Set<Step>();
  const wire = new Wire();
  let isRunning = true;
  const process = new SimulatedProcess({
    name: 'self-check',
    hal: { clock: wire, network: wire, random: { uint32: () => 0 } },
    isRunning: () => isRunning,
    modules: newModules(() => undefined, []),
    print: undefined,
    timeOfDayMs: () => wire.now(),
    turn: () => undefined,
    tell: () => undefined,
    nextClient: () => 0,
    onEvent: undefined,
    nameOf: (address) => address,
    interface: () => undefined,
  });
  try {
    enter(process, () => {
      const immediate = setImmediate(() => undefined);
      if (process.immediates === 1) done.add('an immediate is caught');
      clearImmediate(immediate);
      access('.', () => undefined);
      if (process.realRequests === 1) done.add('a file is waited for');
      setTimeout(() => {
        if (wire.now() === TIMER_MS) done.add('a timer rings when it is due');
      }, TIMER_MS);
      exchange((step) => done.add(step));
    });
    wire.pass(TIMER_MS);
  } finally {
    isRunning = false;
  }
  return done;
}

/** A server, and a client that asks it. The body comes in one piece from the wire, and in two from the parser. */
function exchange(did: (step: Step) => void): void {
  const server = http.createServer((request, response) => {
    did('a request comes');
    let ticks = 0;
    request.on('data', () => {
      if (ticks === 1) did('ticks run between two pieces of its body');
      process.nextTick(() => ticks++);
    });
    request.on('end', () => {
      did('its end comes');
      // Without a length and without chunks, the end of the connection is that of the body (RFC 9112, section 6.3).
      response.useChunkedEncodingByDefault = false;
      response.write('pong');
      response.end();
    });
  });
  server.listen(PORT, HOST);
  const request = http.request({ host: HOST, port: PORT, method: 'POST', agent: false }, (response) => {
    did('an answer comes');
    response.on('data', (bytes) => {
      if (String(bytes) === 'pong') did('its body comes');
    });
    response.on('end', () => did('its end comes, that of the connection'));
  });
  request.on('close', () => {
    did('the connection closes');
    server.close();
  });
  request.write('pi');
  request.end('ng');
}

/** A clock, and a network on which one connection after the other can be made. Time passes in `pass` alone. */
class Wire {
  #nowMs = 0;
  #alarm: { readonly atMs: number; readonly ring: () => void } | undefined = undefined;
  #listener: ListenHandler | undefined = undefined;
  /** The server's end, until it is accepted. */
  #waiting: End | undefined = undefined;
  readonly #events: (() => void)[] = [];

  now(): number {
    return this.#nowMs;
  }

  setAlarm(atMs: number, ring: () => void): void {
    this.#alarm = { atMs, ring };
  }

  pass(untilMs: number): void {
    for (;;) {
      const event = this.#events.shift();
      const alarm = this.#alarm;
      if (event !== undefined) {
        event();
      } else if (alarm !== undefined && alarm.atMs <= untilMs) {
        this.#alarm = undefined;
        this.#nowMs = Math.max(this.#nowMs, alarm.atMs);
        alarm.ring();
      } else {
        return;
      }
    }
  }

  listen(local: SocketAddress, _backlog: number, handler: ListenHandler): ListeningSocket {
    this.#listener = handler;
    const accept = (peer: StreamHandler): StreamSocket | undefined => {
      const end = this.#waiting;
      this.#waiting = undefined;
      end?.handledBy(peer);
      return end;
    };
    return { local, accept, close: () => undefined };
  }

  openStream(handler: StreamHandler): StreamSocket {
    const soon = (event: () => void): void => void this.#events.push(event);
    const connect = (): void => {
      this.#waiting = far;
      this.#listener?.incoming();
      handler.writable();
    };
    const near: End = new End(soon, () => far, connect);
    const far: End = new End(soon, () => near);
    near.handledBy(handler);
    return near;
  }

  openDatagram(): never {
    throw new Error('the self-check has no datagrams');
  }

  lookup(): never {
    throw new Error('the self-check looks nothing up');
  }
}

/** One end of a connection. */
class End implements StreamSocket {
  readonly local = { address: CLIENT, port: PORT };
  readonly remote = { address: HOST, port: PORT };
  readonly #soon: (event: () => void) => void;
  readonly #other: () => End;
  readonly #onConnect: () => void;
  #handler: StreamHandler | undefined = undefined;
  #arrived = Buffer.alloc(0);
  #isAtEnd = false;

  constructor(soon: (event: () => void) => void, other: () => End, onConnect: () => void = () => undefined) {
    this.#soon = soon;
    this.#other = other;
    this.#onConnect = onConnect;
  }

  handledBy(handler: StreamHandler): void {
    this.#handler = handler;
  }

  connect(): number {
    this.#soon(this.#onConnect);
    return 0;
  }

  read(into: Uint8Array): number {
    const count = this.#arrived.copy(into);
    this.#arrived = this.#arrived.subarray(count);
    return count > 0 || this.#isAtEnd ? count : -ERRNO.EAGAIN;
  }

  write(from: Uint8Array): number {
    const other = this.#other();
    other.#arrived = Buffer.concat([other.#arrived, from]);
    this.#soon(() => other.#handler?.readable());
    return from.length;
  }

  shutdown(): number {
    const other = this.#other();
    other.#isAtEnd = true;
    this.#soon(() => other.#handler?.readable());
    return 0;
  }

  close(): void {
    this.shutdown();
  }

  abort(): void {
    this.shutdown();
  }

  bind(): number {
    return 0;
  }

  setNoDelay(): boolean {
    return true;
  }

  setKeepAlive(): 'full' {
    return 'full';
  }

  setUserTimeout(): boolean {
    return true;
  }
}
