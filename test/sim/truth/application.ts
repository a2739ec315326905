/**
 * A program on a simulated host that uses connections by the calls of POSIX, as the programs did that the kernel was
 * measured with: poll, then recv; send when its time has come. What each call gives is noted.
 */

import { errnoOf } from '../../../hal/errno.ts';
import type { KeepAlive, Network } from '../../../hal/network.ts';
import { Interrupts } from '../../../sim/board/interrupts.ts';
import { formatAddress } from '../../../sim/packet/address.ts';
import type { Host } from '../../../sim/tcpip/host.ts';
import type { Stack } from '../../../sim/tcpip/stack.ts';
import { abort, close, receive, send, setNoDelay, shutdown } from '../../../sim/tcpip/tcp/calls.ts';
import { setKeepAlive } from '../../../sim/tcpip/tcp/keepalive.ts';
import {
  CONNECTED, ENDED, ERROR_TOLD, FIN_RECEIVED, READABLE, type Tcb, type TcbUser,
} from '../../../sim/tcpip/tcp/tcb.ts';
import type { Engine } from '../../../sim/time/engine.ts';
import type { SocketOptions } from './data.ts';

/** Result of a call. */
export type Result = number | string;

export interface Call {
  readonly who: string;
  readonly what: string;
  readonly atUs: number;
  readonly result: Result;
}

/** Time from the moment at which poll could return until the program has made its call. */
const WAKE_UP_US = 250;

/** A host with a program on it. */
export class Machine {
  readonly engine: Engine;
  readonly host: Host;
  #network: Network;
  readonly calls: Call[] = [];
  /** The accepted connections, in their order. */
  readonly accepted: Socket[] = [];

  constructor(engine: Engine, host: Host) {
    this.engine = engine;
    this.host = host;
    this.#network = this.boot();
  }

  boot(): Network {
    return (this.#network = this.host.powerOn(new Interrupts()));
  }

  get stack(): Stack {
    const { stack } = this.host;
    if (stack === undefined) throw new Error(`${this.host.name} has no power`);
    return stack;
  }

  /** Accepts every connection, and hands it to `onAccept`. */
  listen(port: number, onAccept: (socket: Socket) => Socket): void {
    const { stack } = this;
    const network = this.#network;
    const deaf = { writable: () => {}, readable: () => {}, ended: () => {} };
    const listener = network.listen({ address: '0.0.0.0', port }, 16, {
      listening: () => {},
      ended: () => {},
      incoming: () => {
        const taken = listener.accept(deaf);
        const { address, port: remotePort } = taken?.remote ?? { address: '', port: 0 };
        const tcb = stack.connections
          .all()
          .find((other) => other.remotePort === remotePort && formatAddress(other.remoteAddress) === address);
        if (tcb === undefined) throw new Error('nothing was accepted');
        const socket = new Socket(this, 'server', tcb);
        this.accepted.push(onAccept(socket));
      },
    });
  }

  /** socket, setsockopt, bind, connect. The result of connect is noted when it returns. */
  connect(
    who: string,
    localPort: number,
    remoteAddress: number,
    remotePort: number,
    options: SocketOptions = {},
  ): Socket | undefined {
    const { stack } = this;
    let socket: Socket | undefined;
    const outcome = stack.connect({ address: '0.0.0.0', port: localPort }, remoteAddress, remotePort, (tcb) => {
      socket = new Socket(this, who, tcb);
      socket.setOptions(options);
    });
    if (typeof outcome === 'string') this.note(who, 'connect', outcome);
    return socket;
  }

  note(who: string, what: string, result: Result): void {
    this.calls.push({ who, what, atUs: this.engine.nowUs, result });
  }
}

/** One end of a connection. */
export class Socket implements TcbUser {
  readonly machine: Machine;
  readonly who: string;
  readonly tcb: Tcb;
  /** Whether the program reads as soon as it can. `quietly`: the reads are not noted. */
  reads: boolean | 'quietly' = false;
  #isConnecting: boolean;
  #isAwake = false;
  #isOver = false;

  constructor(machine: Machine, who: string, tcb: Tcb) {
    this.machine = machine;
    this.who = who;
    this.tcb = tcb;
    this.#isConnecting = tcb.state === 'SYN-SENT' || tcb.state === 'CLOSED';
    tcb.user = this;
  }

  setOptions({ keepAlive, userTimeoutMs, noDelay }: SocketOptions): void {
    const { tcb } = this;
    this.#do(() => {
      if (keepAlive !== undefined) setKeepAlive(tcb, keepAlive);
      if (userTimeoutMs !== undefined) tcb.userTimeoutMs = userTimeoutMs;
      if (noDelay === true) setNoDelay(tcb, true);
    });
  }

  /**
   * Keepalive of a connection that is open: times first, then SO_KEEPALIVE; or the other way about, so that it is on
   * with the times of the system when its own come.
   */
  switchKeepAliveOn(keepAlive: KeepAlive, isSwitchedFirst: boolean): void {
    this.#do(() => {
      if (isSwitchedFirst) setKeepAlive(this.tcb, this.tcb.stack.profile.keepAlive.defaults);
      setKeepAlive(this.tcb, keepAlive);
    });
  }

  send(bytes: number): number {
    const count = this.#do(() => send(this.tcb, new Uint8Array(bytes)));
    this.#note('send', count);
    return count;
  }

  /** Sends pieces until there is no more room, and notes how many bytes were taken. */
  fill(pieceBytes: number): void {
    const piece = new Uint8Array(pieceBytes);
    let bytes = 0;
    for (;;) {
      const count = this.#do(() => send(this.tcb, piece));
      if (count <= 0) break;
      bytes += count;
    }
    this.#note('filled', bytes);
  }

  recv(): number {
    const count = this.#do(() => receive(this.tcb, new Uint8Array(65_536)));
    if (this.reads !== 'quietly') this.#note('recv', count);
    return count;
  }

  /** Reads from now on as soon as there is something, and what is there already. */
  startReading(): void {
    if (this.reads !== false) return;
    this.reads = true;
    const { receiving, state, flags } = this.tcb;
    const isReadable = receiving !== undefined || state === 'CLOSED' || (flags & FIN_RECEIVED) !== 0;
    if (!this.#isConnecting && isReadable) this.#wake();
  }

  close(): void {
    this.#do(() => close(this.tcb));
  }

  shutdown(): void {
    this.#do(() => shutdown(this.tcb));
  }

  /** close with SO_LINGER on and 0. */
  abort(): void {
    this.#do(() => abort(this.tcb));
  }

  // ---- for the connection ----

  tell(tcb: Tcb): void {
    const { news } = tcb;
    tcb.news = 0;
    if (this.#isConnecting && (news & (CONNECTED | ENDED)) !== 0) {
      this.#isConnecting = false;
      // connect() reports the error, so no other call does.
      if (tcb.trouble.error !== undefined) tcb.flags |= ERROR_TOLD;
      this.machine.note(this.who, 'connect', tcb.trouble.error ?? 'ok');
      if (tcb.trouble.error !== undefined) return;
    }
    if (this.reads !== false && !this.#isAwake && !this.#isOver && (news & (READABLE | ENDED)) !== 0) this.#wake();
  }

  abandon(): void {
    this.close();
  }

  #wake(): void {
    const { engine } = this.machine;
    this.#isAwake = true;
    const wokenBy = this.machine.host.stack;
    engine.at(engine.nowUs + WAKE_UP_US, () => {
      this.#isAwake = false;
      if (this.machine.host.stack === wokenBy && this.recv() <= 0) this.#isOver = true;
    }, 'poll');
  }

  #do<T>(what: () => T): T {
    // A connection that has not begun, or that is over. The stack has nothing of it to arm or to forget.
    if (this.tcb.state === 'CLOSED') return what();
    return this.machine.stack.perform(this.tcb, what, undefined);
  }

  #note(what: string, count: number): void {
    this.machine.note(this.who, what, count < 0 ? errnoOf(count) : count);
  }
}
