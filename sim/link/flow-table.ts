/**
 * A box on a cable that knows connections, as NAT boxes and firewalls do, and forgets them: what a forgotten connection
 * sends is dropped, and nobody is told. A rule for both ways of one cable. It translates nothing.
 */

import { ARP, ICMP, type Packet, RST, TCP } from '../packet/packet.ts';
import type { Timeline } from '../time/event.ts';
import { Flow, type FlowEnds, Flows, isFirstSyn, type PacketEnds, TRANSITORY_US } from './flows.ts';
import type { Cable } from './cable.ts';
import type { PacketJudge, PacketVerdict } from './rule.ts';

export interface FlowTableOptions {
  /**
   * A connection that began before the box was there: its packets are dropped, or it is taken in with the first of
   * them.
   */
  readonly unknown: 'dropped' | 'adopted';
  /**
   * The side whose datagrams begin a connection of UDP. `inside`: only the host inside, as with a NAT box. `both`: its
   * peers, too, as with a box in front of a server. Default `inside`.
   */
  readonly udpFrom?: 'inside' | 'both';
  /** A connection is forgotten at this very time after its last packet. Default never. */
  readonly idleUs?: number;
  /** Both ends of a connection get a RST when it is forgotten, as from Azure's load balancer. */
  readonly resets?: boolean;
  /** The ends are the host that the cable leads to, and its peer. */
  readonly onForgotten?: (ends: FlowEnds, idleMs: number) => void;
}

export class FlowTable {
  readonly #timeline: Timeline;
  readonly #flows: Flows;
  readonly #adoptionUs: number;
  readonly #resets: boolean;
  #cable: Cable | undefined = undefined;
  readonly #udpFrom: 'inside' | 'both';
  #adoptsUntilUs = Number.NaN;

  constructor(
    timeline: Timeline,
    { unknown, udpFrom = 'inside', idleUs = Infinity, resets = false, onForgotten }: FlowTableOptions,
  ) {
    this.#timeline = timeline;
    this.#udpFrom = udpFrom;
    this.#resets = resets;
    // An unknown connection has had no packet since the box came: after `idleUs` it is forgotten like any other. So is
    // each that was known: the box need not remember what it has forgotten.
    this.#adoptionUs = unknown === 'adopted' ? idleUs : 0;
    this.#flows = new Flows(timeline, {
      name: 'a box on a cable',
      establishedUs: idleUs,
      // Also where nothing else is ever forgotten: connections come and go, and the box lives on.
      transitoryUs: Math.min(idleUs, TRANSITORY_US),
      udpUs: idleUs,
      onForgotten:
        resets || onForgotten !== undefined
          ? (flow, idleMs) => {
              onForgotten?.(flow.ends, idleMs);
              if (resets) this.#reset(flow);
            }
          : undefined,
    });
  }

  /** Number of connections in the table, including those that have expired and were not looked up since. */
  get size(): number {
    return this.#flows.size;
  }

  /**
   * Puts the table on a cable. A table can be on one cable only. `known` are TCP connections that the table has seen
   * before, as the host inside sends them; their time counts from now. Returns a function that takes the table off the
   * cable.
   */
  install(cable: Cable, known: readonly PacketEnds[] = []): () => void {
    this.#adoptsUntilUs = this.#timeline.nowUs + this.#adoptionUs;
    this.#cable = cable;
    for (const ends of known) {
      const flow = new Flow(ends, TCP, true);
      flow.adopt();
      this.#flows.add(flow);
      this.#flows.use(flow, 0, true);
    }
    const undoTx = cable.install('tx', { kind: 'packet', newJudge: () => this.#judge(true) });
    const undoRx = cable.install('rx', { kind: 'packet', newJudge: () => this.#judge(false) });
    return () => {
      undoTx();
      undoRx();
      this.#flows.close();
    };
  }

  /** Forgets all connections, those too that it has not seen yet; `onForgotten` is told. */
  forgetAll(): void {
    this.#adoptsUntilUs = this.#timeline.nowUs;
    this.#flows.clear();
  }

  get #adopts(): boolean {
    return this.#timeline.nowUs < this.#adoptsUntilUs;
  }

  #reset(flow: Flow): void {
    this.#cable?.insert('tx', (packet) => flow.fillReset(packet, false));
    this.#cable?.insert('rx', (packet) => flow.fillReset(packet, true));
  }

  #judge(isFromInside: boolean): PacketJudge {
    return (packet) => {
      // The box is beyond the local network.
      if (packet.protocol === ARP) return 'pass';
      if (packet.protocol === ICMP) return this.#judgeError(packet, isFromInside);
      return this.#judgePacket(packet, packet.protocol, isFromInside);
    };
  }

  #judgePacket(packet: Packet, protocol: Flow['protocol'], isFromInside: boolean): PacketVerdict {
    const { flags } = packet;
    let flow = this.#find(packet, isFromInside);
    if (flow === undefined) {
      // The box's own RST has no flow, for example.
      if (this.#resets && protocol === TCP && (flags & RST) !== 0) return 'pass';
      const isFirst = protocol === TCP ? isFirstSyn(flags) : isFromInside || this.#udpFrom === 'both';
      if (!isFirst && !this.#adopts) return 'no-mapping';
      this.#flows.forgetExpired();
      flow = new Flow(packet, protocol, isFromInside);
      if (!isFirst) flow.adopt();
      this.#flows.add(flow);
    }
    if (this.#resets) flow.note(packet, isFromInside);
    this.#flows.use(flow, flags, isFromInside);
    return 'pass';
  }

  /** RFC 5508 4.2: an error passes where what it quotes has passed the other way; it does not keep the connection. */
  #judgeError({ quoted }: Packet, isFromInside: boolean): PacketVerdict {
    // A ping is of no connection.
    if (quoted === undefined) return 'pass';
    return this.#adopts || this.#find(quoted, !isFromInside) !== undefined ? 'pass' : 'no-mapping';
  }

  #find(
    { protocol, source, sourcePort, destination, destinationPort }: Packet,
    isFromInside: boolean,
  ): Flow | undefined {
    return isFromInside
      ? this.#flows.find(protocol, source, sourcePort, destination, destinationPort)
      : this.#flows.find(protocol, destination, destinationPort, source, sourcePort);
  }
}
