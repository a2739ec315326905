/**
 * Segments that no peer in its right mind sends, to connections in every state and to listeners: no exception, no
 * broken invariant, nothing that grows without bound, and nothing left over when all is over. A failing case names its
 * seed; `CASE=<seed>` runs it alone.
 */

import { describe, expect, it } from 'vitest';
import { decodePacket } from '../../../sim/packet/decode.ts';
import { encodePacket } from '../../../sim/packet/encode.ts';
import { ipBytes, ACK, FIN, Packet, PSH, RST, SYN } from '../../../sim/packet/packet.ts';
import { PROFILE_NAMES, type Profile } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { shutdown } from '../../../sim/tcpip/tcp/calls.ts';
import { Seeded } from '../../support/seeded.ts';
import { checkStack, forgetWindow } from './invariants.ts';
import { PEER_PORT, PORT, Rig } from './rig.ts';

const TCP_STATES = [
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;

/** Answers to one segment, beside the data that it lets go: ACKs, the FIN. */
const ANSWERS_MAX = 5;

class Fuzz {
  readonly rig: Rig;
  readonly #random: Seeded;
  #answers = 0;

  constructor(profile: Profile, random: Seeded, seed: number) {
    this.rig = new Rig(profile, seed);
    this.#random = random;
    this.rig.onSent = () => this.#answers++;
  }

  /** A segment that is almost right for the connection; or for none. */
  segment(): Packet {
    const random = this.#random;
    const { tcb } = this.rig;
    const packet = this.rig.newPeerPacket();
    packet.sourcePort = tcb?.remotePort ?? PEER_PORT;
    packet.destinationPort = tcb?.localPort ?? PORT;
    if (random.chance(20)) packet.destinationPort = PORT;
    packet.flags = random.chance(4)
      ? random.below(32)
      : random.pick([ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, RST, RST | ACK, ACK | PSH | FIN]);
    packet.seq = this.#near(random.pick([tcb?.rcvNxt ?? 0, tcb?.rcvEdge ?? 0, tcb?.rcvAcked ?? 0]));
    packet.ack = this.#near(random.pick([tcb?.sndUna ?? 0, tcb?.sndNxt ?? 0, tcb?.sndNxt ?? 0]));
    packet.window = random.pick([0, 1, 10, 500, 5000, 65_535, random.below(65_536)]);
    if (random.chance(4)) packet.mss = random.pick([0, 1, 2, 536, 1460, 65_535]);
    if (random.chance(4)) packet.windowScale = random.pick([-1, 0, 7, 14, 15, 255]);
    packet.reserve(random.chance(2) ? 0 : random.pick([1, 2, 10, 536, 1460, random.below(3000)]));
    return packet;
  }

  #near(seq: number): number {
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
        return (seq + random.below(2000) - 1000) | 0;
      case 1:
        return (seq + random.pick([-1, 1, -2, 2])) | 0;
      case 2:
        return (seq + random.pick([-0x8000_0000, 0x7fff_ffff, 65_535, -65_535, 100_000])) | 0;
      case 3:
        return random.chance(4) ? random.below(2 ** 32) | 0 : seq;
      default:
        return seq;
    }
  }

  /**
   * Delivers a packet: over the wire's codec or not; whole or with bits flipped; with checksums made right again or
   * not.
   */
  arrive(packet: Packet): void {
    const random = this.#random;
    this.#answers = 0;
    if (random.chance(4)) {
      const bytes = new Uint8Array(ipBytes(packet));
      encodePacket(packet, bytes);
      if (random.chance(2)) for (let flips = random.below(4); flips >= 0; flips--) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      const read = new Packet();
      const isRead =
        decodePacket(bytes.subarray(0, random.chance(8) ? random.below(bytes.length) : bytes.length), read) ===
        undefined;
      if (isRead) packet.copy(read);
      else packet.payloadBytes = 0;
      if (!isRead) {
        this.rig.pool.release(packet);
        return;
      }
    }
    const { tcb } = this.rig;
    const data = tcb === undefined ? 0 : Math.ceil((tcb.sending?.length ?? 0) / tcb.sndMss);
    this.rig.arrive(packet);
    if (this.#answers > ANSWERS_MAX + 2 * data) throw new Error(`${this.#answers} packets in answer to one`);
  }

  /** Does something as the user, and lets time pass. */
  live(): void {
    const random = this.#random;
    const user = this.rig.accepted.at(-1) ?? this.user;
    switch (random.below(9)) {
      case 0:
        user?.write(1 + random.below(4000));
        break;
      case 1:
        user?.read(1 + random.below(4000));
        break;
      case 2:
        if (random.chance(4)) user?.socket?.shutdown();
        break;
      case 3:
        if (random.chance(20)) user?.socket?.close();
        break;
      case 4:
        if (random.chance(40)) user?.socket?.abort();
        break;
      case 5:
        user?.socket?.setKeepAlive(
          random.chance(2) ? 'off' : { idle: 1 + random.below(5), interval: 1, count: 1 + random.below(3) },
        );
        break;
      case 6:
        user?.socket?.setNoDelay(random.chance(2));
        break;
      case 7:
        user?.socket?.setUserTimeout(random.pick([0, 1, 1000, 60_000]));
        break;
      case 8:
        this.#answers = 0;
        this.rig.run(random.pick([0.1, 1, 50, 300, 3000]));
        break;
    }
    checkStack(this.rig.stack);
  }

  get user(): ReturnType<Rig['connect']> | undefined {
    return this.#user;
  }

  #user: ReturnType<Rig['connect']> | undefined = undefined;

  begin(): void {
    const isActive = this.#random.chance(2);
    this.rig.listen(this.#random.below(4));
    if (isActive) this.#user = this.rig.connect();
  }

  /** Brings the connection to a state. */
  bring(state: (typeof TCP_STATES)[number]): void {
    const { rig } = this;
    const { crossedSyn } = rig.host.profile.handshake;
    const isOpened = state === 'SYN-SENT' || this.#random.chance(2);
    const isHere = isOpened && (state !== 'SYN-RECEIVED' || crossedSyn === 'opens');
    const user = isHere ? this.#opened(state) : this.#accept(state);
    this.#user = user;
    const finish = (): void => {
      if (rig.tcb !== undefined) rig.stack.perform(rig.tcb, shutdown, undefined);
    };
    const fin = (): void => rig.peer('F. 1 ack 1');
    const data = this.#random.chance(2) ? user?.write(3000) : 0;
    switch (state) {
      case 'SYN-SENT':
      case 'SYN-RECEIVED':
      case 'ESTABLISHED':
        break;
      case 'FIN-WAIT-1':
        finish();
        break;
      case 'FIN-WAIT-2':
      case 'TIME-WAIT':
      case 'CLOSING':
        finish();
        if (state === 'CLOSING') fin();
        else this.#acknowledgeAll();
        if (state === 'TIME-WAIT') rig.peer(`F. 1 ack ${typeof data === 'number' ? data + 2 : 2}`);
        break;
      case 'CLOSE-WAIT':
        fin();
        break;
      case 'LAST-ACK':
        fin();
        finish();
        break;
    }
  }

  #acknowledgeAll(): void {
    for (let i = 0; i < 100 && this.rig.tcb !== undefined && this.rig.tcb.state === 'FIN-WAIT-1'; i++) {
      const packet = this.rig.newPeerPacket({
        sourcePort: this.rig.tcb.remotePort,
        destinationPort: this.rig.tcb.localPort,
      });
      packet.flags = ACK;
      packet.seq = this.rig.tcb.rcvNxt;
      packet.ack = this.rig.tcb.sndNxt;
      packet.window = 60_000;
      this.rig.arrive(packet);
      this.rig.run(300);
    }
  }

  #opened(state: string): ReturnType<Rig['connect']> {
    const user = this.rig.connect();
    if (state !== 'SYN-SENT') this.rig.peer(state === 'SYN-RECEIVED' ? 'S 0 mss 1460' : 'S. 0 ack 1 mss 1460');
    return user;
  }

  #accept(state: string): ReturnType<Rig['connect']> | undefined {
    if (this.rig.listener === undefined) this.rig.listen();
    this.rig.peer('S 0 mss 1460');
    if (state !== 'SYN-RECEIVED') this.rig.peer('. 1 ack 1');
    return this.rig.accepted.at(-1);
  }

  /** Both ends close, and all timeouts pass: two hours, as FreeRTOS+TCP retransmits without end and so is reset. */
  end(): void {
    const { rig } = this;
    rig.listener?.close();
    this.user?.socket?.close();
    for (const user of rig.accepted) user.socket?.close();
    rig.run(3600_000);
    for (const tcb of rig.stack.connections.all()) {
      const reset = rig.newPeerPacket({ sourcePort: tcb.remotePort, destinationPort: tcb.localPort });
      reset.flags = RST | ACK;
      reset.source = tcb.remoteAddress;
      reset.seq = tcb.rcvNxt;
      reset.ack = tcb.sndNxt;
      reset.reserve(0);
      rig.arrive(reset);
    }
  }
}

function guarded(seed: number, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new Error(`CASE=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const only = process.env['CASE'];
const CASES = only === undefined ? Number(process.env['CASES'] ?? 500) : 1;
const FIRST = only === undefined ? 1 : Number(only);
const SEGMENTS = 120;

function seeds(): number[] {
  return Array.from({ length: CASES }, (_, i) => FIRST + i);
}

describe.each(PROFILE_NAMES)('the stack of %s', (name) => {
  // FreeRTOS+TCP waits for nobody to close after the peer has.
  const states = TCP_STATES.filter((state) => PROFILES[name].fin === 'linux' || state !== 'CLOSE-WAIT');
  it.each(states)('in %s, takes any segment', (state) => {
    for (const seed of seeds()) {
      guarded(seed, () => {
        const fuzz = new Fuzz(PROFILES[name], new Seeded(seed), seed);
        fuzz.bring(state);
        const reached = fuzz.rig.state;
        if (reached !== state) throw new Error(`it is in ${reached}, not in ${state}`);
        for (let i = 0; i < SEGMENTS / 8; i++) fuzz.arrive(fuzz.segment());
        fuzz.end();
        expect(fuzz.rig.leftovers).toBe('0 0 0 ');
      });
    }
  });

  it('through a whole life, takes any segment', () => {
    for (const seed of seeds()) {
      guarded(seed, () => {
        const random = new Seeded(seed);
        const fuzz = new Fuzz(PROFILES[name], random, seed);
        fuzz.begin();
        for (let i = 0; i < SEGMENTS; i++) {
          fuzz.arrive(fuzz.segment());
          if (random.chance(2)) fuzz.live();
        }
        fuzz.end();
        expect(fuzz.rig.leftovers).toBe('0 0 0 ');
      });
    }
  });
});

describe('the codec and a stack behind it', () => {
  it('take any bytes', () => {
    for (const seed of seeds()) {
      guarded(seed, () => {
        const random = new Seeded(seed);
        const rig = new Rig('linux', seed);
        rig.listen();
        for (let i = 0; i < 200; i++) {
          const bytes = new Uint8Array(random.below(100)).map(() => random.below(256));
          const packet = rig.pool.take();
          if (decodePacket(bytes, packet) === undefined) rig.arrive(packet);
          else rig.pool.release(packet);
        }
        expect(rig.packetsOut.size).toBe(0);
      });
    }
  });
});

describe('two ends that believe different things of one connection', () => {
  it.each(PROFILE_NAMES.flatMap((a) => PROFILE_NAMES.map((b) => [a, b] as const)))(
    '%s and %s do not answer each other without end',
    (a, b) => {
      for (const seed of seeds()) guarded(seed, () => disagree(PROFILES[a], PROFILES[b], new Seeded(seed), seed));
    },
  );
});

/** Segments at one instant, on cables that take no time. */
const AT_ONCE_MAX = 100;

function disagree(a: Profile, b: Profile, random: Seeded, seed: number): void {
  const rigs = [new Rig(a, seed), new Rig(b, seed + 1)] as const;
  for (const rig of rigs) {
    rig.connected();
    const { tcb } = rig;
    if (tcb === undefined) throw new Error('no connection');
    if (random.chance(2)) {
      tcb.rcvNxt = tcb.rcvAcked = (tcb.rcvNxt + random.pick([1, -1, 1000, -1000, 100_000, 0x7000_0000])) | 0;
    }
    tcb.rcvEdge = (tcb.rcvNxt + 2000) | 0;
    forgetWindow(tcb);
    if (random.chance(2)) {
      tcb.sndUna = tcb.sndNxt = (tcb.sndUna + random.pick([1, -1, 1000, -1000, 100_000, 0x7000_0000])) | 0;
    }
  }
  const onTheWay: { readonly to: Rig; readonly packet: Packet }[] = [];
  rigs.forEach((rig, i) => {
    const other = rigs[1 - i] ?? rig;
    rig.onSent = (sent) => {
      const packet = other.newPeerPacket({
        sourcePort: other.tcb?.remotePort ?? PEER_PORT,
        destinationPort: other.tcb?.localPort ?? PORT,
      });
      const { source, sourcePort, destination, destinationPort } = packet;
      packet.copy(sent);
      Object.assign(packet, { source, sourcePort, destination, destinationPort });
      onTheWay.push({ to: other, packet });
    };
  });
  const [first] = rigs;
  const segment = first.newPeerPacket({
    sourcePort: first.tcb?.remotePort ?? 0,
    destinationPort: first.tcb?.localPort ?? 0,
  });
  segment.flags = random.pick([ACK, ACK | PSH, ACK | FIN]);
  segment.seq = random.chance(2) ? (first.tcb?.rcvNxt ?? 0) : random.below(2 ** 32) | 0;
  segment.ack = random.chance(2) ? (first.tcb?.sndNxt ?? 0) : random.below(2 ** 32) | 0;
  segment.window = 1000;
  segment.reserve((segment.flags & PSH) !== 0 ? 10 : 0);
  first.arrive(segment);
  let count = 0;
  for (let next = onTheWay.shift(); next !== undefined; next = onTheWay.shift()) {
    if (++count > AT_ONCE_MAX) throw new Error(`${count} segments at one instant`);
    next.to.arrive(next.packet);
  }
}

