/**
 * One stack on a cable whose other end is the test: segments are made by hand, and those that come are read as text.
 * Numbers count from each end's first, as in a trace: `P. 1:9 ack 1` is data from 1 up to 9, `S 0 mss 1460` a SYN, `. 1
 * ack 9 win 0` an ACK.
 */

import { errnoOf, failure, type Errno } from '../../../hal/errno.ts';
import type { ListeningSocket, Network, StreamHandler, StreamSocket } from '../../../hal/network.ts';
import { Interrupts } from '../../../sim/board/interrupts.ts';
import { Cable } from '../../../sim/link/cable.ts';
import { Fabric } from '../../../sim/link/fabric.ts';
import {
  ACK, DESTINATION_UNREACHABLE, FIN, ICMP, Packet, PacketPool, PSH, RST, SYN, TCP,
} from '../../../sim/packet/packet.ts';
import { ByteQueuePool } from '../../../sim/tcpip/byte-queue.ts';
import { Host } from '../../../sim/tcpip/host.ts';
import type { Profile, ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import type { Stack } from '../../../sim/tcpip/stack.ts';
import type { Tcb } from '../../../sim/tcpip/tcp/tcb.ts';
import { Engine } from '../../../sim/time/engine.ts';
import { byteAt } from './conversation.ts';
import { checkStack } from './invariants.ts';
import { ofConnections, watchHandles, watchPackets, watchQueues } from './ledger.ts';

export const OWN_ADDRESS = (10 << 24) | 1;
export const PEER_ADDRESS = (10 << 24) | 2;
/** Address that the host gets when its address changes. */
export const OTHER_ADDRESS = (10 << 24) | 7;
export const PORT = 80;
export const PEER_PORT = 5000;
/** The peer's first sequence number: its numbers wrap soon. */
const PEER_ISN = -3;

const LETTERS = [['F', FIN], ['S', SYN], ['R', RST], ['P', PSH], ['.', ACK]] as const;
const EAGAIN = failure('EAGAIN');

/** Fields of an ICMP message from a router. */
export type IcmpFields = Partial<Pick<Packet, 'icmpType' | 'code' | 'nextHopMtuBytes'>>;

/** The user of a connection. It notes all events as words. */
export class User implements StreamHandler {
  readonly told: string[] = [];
  socket: StreamSocket | undefined = undefined;

  readable(): void {
    this.told.push('readable');
  }

  writable(): void {
    this.told.push('writable');
  }

  ended(reason: Errno | 'closed'): void {
    this.told.push(`ended ${reason}`);
  }

  /** Returns the number of bytes that were taken, or the errno. */
  write(bytes: number): number | Errno {
    return outcome(this.socket?.write(new Uint8Array(bytes).fill(7)) ?? EAGAIN);
  }

  /** Returns the number of bytes that were read, at most `bytes`, or the errno. */
  read(bytes: number): number | Errno {
    return outcome(this.socket?.read(new Uint8Array(bytes)) ?? EAGAIN);
  }
}

function outcome(count: number): number | Errno {
  return count < 0 ? errnoOf(count) : count;
}

export interface SegmentOptions {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** The peer's own timestamp, and how old the one is that it echoes. */
  readonly timestamp?: number;
  readonly echoMs?: number;
  /** Numbers of ours that have come to the peer twice (RFC 2883). */
  readonly duplicate?: readonly [from: number, to: number];
}

export class Rig {
  readonly engine = new Engine();
  readonly pool = new PacketPool();
  readonly packetsOut = watchPackets(this.pool);
  readonly queues = new ByteQueuePool();
  readonly queuesOut = watchQueues(this.queues);
  readonly handles = watchHandles(this.engine);
  readonly interrupts = new Interrupts();
  readonly host: Host;
  readonly network: Network;
  readonly link: Cable;
  /** Users of the accepted connections, in the order of acceptance. */
  readonly accepted: User[] = [];
  listener: ListeningSocket | undefined = undefined;
  /** Called with each packet that the stack sends, before it is released. */
  onSent: ((packet: Packet) => void) | undefined = undefined;
  #sent: { readonly atMs: number; readonly text: string }[] = [];
  #ownIsn: number | undefined = undefined;
  #lastPort = 0;

  constructor(profile: ProfileName | Profile, seed = 1) {
    const fabric = new Fabric(this.engine, this.pool, seed);
    const { engine, pool, queues } = this;
    const world = {
      timeline: engine, packets: pool, queues, salt: 0, move: () => OTHER_ADDRESS, addressesOf: () => undefined,
    };
    this.host = new Host(OWN_ADDRESS, world, typeof profile === 'string' ? PROFILES[profile] : profile);
    this.link = new Cable(fabric, 'dut', this.host, { receive: (packet) => this.#take(packet) });
    this.host.attach(this.link);
    this.network = this.host.powerOn(this.interrupts);
  }

  get stack(): Stack {
    if (this.host.stack === undefined) throw new Error('no power');
    return this.host.stack;
  }

  /** The only connection; undefined when there is none. */
  get tcb(): Tcb | undefined {
    return this.stack.connections.all()[0];
  }

  get state(): string {
    return this.tcb?.state ?? 'CLOSED';
  }

  // ---- the user's side ----

  listen(backlog = 8): void {
    this.listener = this.network.listen({ address: '0.0.0.0', port: PORT }, backlog, {
      listening: () => {},
      incoming: () => {
        const user = new User();
        user.socket = this.listener?.accept(user);
        this.accepted.push(user);
      },
      ended: (reason) => {
        throw new Error(reason);
      },
    });
    this.run(0);
  }

  connect(prepare: (socket: StreamSocket) => void = () => {}): User {
    const user = new User();
    user.socket = this.network.openStream(user);
    prepare(user.socket);
    user.socket.connect({ address: '10.0.0.2', port: PEER_PORT });
    return user;
  }

  /** A connection that the stack has opened; the peer's SYN says so much, and comes so long after the stack's. */
  connected(
    options = 'win 60000 mss 1460', prepare?: (socket: StreamSocket) => void, roundTripMs?: number,
  ): User {
    const user = this.connect(prepare);
    if (roundTripMs !== undefined) this.run(roundTripMs);
    this.peer(`S. 0 ack 1 ${options}`);
    this.sent();
    user.told.length = 0;
    return user;
  }

  /** A connection that the peer has opened. */
  acceptedFrom(options = 'win 60000 mss 1460'): User {
    this.listen();
    this.peer(`S 0 ${options}`);
    this.peer(`. 1 ack 1 ${/win \d+/.exec(options)?.[0] ?? ''}`);
    this.sent();
    const user = this.accepted.at(-1);
    if (user === undefined) throw new Error('nobody was accepted');
    return user;
  }

  /** Closes the connection before the peer does, so that it comes to TIME-WAIT. */
  toTimeWait({ socket }: User): void {
    socket?.close();
    this.peer('. 1 ack 2');
    this.peer('F. 1 ack 2');
    this.sent();
  }

  // ---- the peer's side ----

  /** A router complains of the first segment that the connection has in flight, or of one that is `offset` behind. */
  complain(fields: IcmpFields, offset = 0): void {
    const { tcb } = this;
    if (tcb === undefined) throw new Error('no connection');
    const quoted = Object.assign(new Packet(), {
      source: tcb.localAddress,
      sourcePort: tcb.localPort,
      destination: tcb.remoteAddress,
      destinationPort: tcb.remotePort,
      seq: (tcb.sndUna + offset) | 0,
    });
    const icmp = { protocol: ICMP, icmpType: DESTINATION_UNREACHABLE, quoted };
    this.arrive(Object.assign(this.newPeerPacket(), icmp, fields));
  }

  /** The peer sends a segment; its window is 60000 unless said otherwise. */
  peer(text: string, options: SegmentOptions = {}): void {
    const match =
      /^([FSRP.]+) (-?\d+)(?::(-?\d+))?(?: ack (-?\d+))?(?: win (\d+))?(?: mss (\d+))?(?: wscale (\d+))? *$/.exec(text);
    if (match === null) throw new Error(`not a segment: ${text}`);
    const [, letters = '', from = '0', to = from, ack = '0', win = '60000', mss = '0', wscale = '-1'] = match;
    const packet = this.newPeerPacket(options);
    packet.flags = LETTERS.reduce((flags, [letter, flag]) => (letters.includes(letter) ? flags | flag : flags), 0);
    packet.seq = (PEER_ISN + Number(from)) | 0;
    packet.ack = (packet.flags & ACK) === 0 ? 0 : ((this.#ownIsn ?? 0) + Number(ack)) | 0;
    packet.window = Number(win);
    packet.mss = Number(mss);
    packet.windowScale = Number(wscale);
    packet.reserve(Number(to) - Number(from));
    for (let i = 0; i < packet.payloadBytes; i++) packet.payload[i] = byteAt(1, Number(from) - 1 + i);
    this.arrive(packet);
  }

  /** An empty packet from the peer to the stack. */
  newPeerPacket(options: SegmentOptions = {}): Packet {
    const { sourcePort = PEER_PORT, destinationPort = this.#lastPort, timestamp = 0, echoMs } = options;
    const { duplicate = [0, 0] } = options;
    const packet = this.pool.take();
    packet.timestamp = timestamp;
    if (echoMs !== undefined) packet.timestampEcho = (this.stack.clock.timestamp - echoMs) | 0;
    packet.duplicateFrom = ((this.#ownIsn ?? 0) + duplicate[0]) | 0;
    packet.duplicateTo = ((this.#ownIsn ?? 0) + duplicate[1]) | 0;
    packet.protocol = TCP;
    packet.source = PEER_ADDRESS;
    packet.destination = OWN_ADDRESS;
    packet.sourcePort = sourcePort;
    packet.destinationPort = destinationPort === 0 ? PORT : destinationPort;
    return packet;
  }

  arrive(packet: Packet): void {
    packet.flown = true;
    this.link.receive(packet);
    checkStack(this.stack);
  }

  // ---- time, and what was sent ----

  get nowMs(): number {
    return this.engine.nowUs / 1000;
  }

  run(ms: number): void {
    this.runTo(this.nowMs + ms);
  }

  runTo(atMs: number): void {
    while (this.engine.runSome(Math.round(atMs * 1000), 1) === 'more') checkStack(this.stack);
  }

  /** Returns the segments that the stack has sent since the last call. */
  sent(): string[] {
    return this.#sent.splice(0).map(({ text }) => text);
  }

  /** Returns the same segments, each with its time in ms. */
  sentAt(): string[] {
    return this.#sent.splice(0).map(({ atMs, text }) => `${atMs} ${text}`);
  }

  /** Returns only the times. */
  times(): number[] {
    return this.#sent.splice(0).map(({ atMs }) => atMs);
  }

  /** Nothing is lent out any more: no connection, no packet, no queue, no appointment. */
  get leftovers(): string {
    return `${this.stack.connections.size} ${this.packetsOut.size} ${this.queuesOut.size} ${ofConnections(this.handles).join()}`;
  }

  #take(packet: Packet): void {
    this.onSent?.(packet);
    if (packet.protocol === TCP) {
      // A reset of nobody's connection counts from the number that was made up for it.
      if ((packet.flags & SYN) !== 0) {
        this.#ownIsn = packet.seq;
        this.#lastPort = packet.sourcePort;
      }
      this.#sent.push({ atMs: this.nowMs, text: this.#describe(packet) });
    }
    this.pool.release(packet);
  }

  #describe(packet: Packet): string {
    const { flags, seq, ack, payloadBytes, mss, windowScale, duplicateFrom, duplicateTo } = packet;
    const letters = LETTERS.map(([letter, flag]) => ((flags & flag) !== 0 ? letter : '')).join('');
    const from = (seq - (this.#ownIsn ?? 0)) | 0;
    const words = [letters, payloadBytes > 0 ? `${from}:${from + payloadBytes}` : `${from}`];
    if ((flags & ACK) !== 0) words.push(`ack ${(ack - PEER_ISN) | 0}`);
    if (mss > 0) words.push(`mss ${mss}`);
    if (windowScale >= 0) words.push(`wscale ${windowScale}`);
    if (duplicateFrom !== duplicateTo) {
      words.push(`twice ${(duplicateFrom - PEER_ISN) | 0}:${(duplicateTo - PEER_ISN) | 0}`);
    }
    return words.join(' ');
  }
}

/** The window in each packet that a stack sends. */
export function windows(rig: Rig): number[] {
  const seen: number[] = [];
  rig.onSent = ({ window }) => seen.push(window);
  return seen;
}
