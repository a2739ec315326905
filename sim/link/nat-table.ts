/** The table of a NAT box: its connections, each with a port of the box's one outside address. */

import { type Packet, TCP, type UDP } from '../packet/packet.ts';
import type { Timeline } from '../time/event.ts';
import { Flow, Flows, type FlowsOptions } from './flows.ts';

export class NatTable {
  readonly #firstPort: number;
  readonly #lastPort: number;
  readonly #flows: Flows;
  readonly #tcpByOutsidePort = new Map<number, Flow>();
  readonly #udpByOutsidePort = new Map<number, Flow>();
  #nextPort: number;

  constructor(timeline: Timeline, options: Omit<FlowsOptions, 'onRemoved'>, firstPort: number, lastPort: number) {
    this.#firstPort = this.#nextPort = firstPort;
    this.#lastPort = lastPort;
    const onRemoved = ({ protocol, outsidePort }: Flow): void => void this.#byOutsidePort(protocol).delete(outsidePort);
    this.#flows = new Flows(timeline, { ...options, onRemoved });
  }

  /** Number of connections, including those that have expired and were not looked up since. */
  get size(): number {
    return this.#flows.size;
  }

  findFromInside(
    protocol: number,
    address: number,
    port: number,
    peerAddress: number,
    peerPort: number,
  ): Flow | undefined {
    return this.#flows.find(protocol, address, port, peerAddress, peerPort);
  }

  /**
   * Returns the connection with this peer only. RFC 5382 REQ-1 and REQ-3 want the mapping to serve other peers, too;
   * Linux's conntrack and the clouds know whole connections only.
   */
  findFromOutside(protocol: number, port: number, peerAddress: number, peerPort: number): Flow | undefined {
    const flow = this.#byOutsidePort(protocol).get(port);
    return flow?.isWith(protocol, peerAddress, peerPort) === true ? this.#flows.unlessExpired(flow) : undefined;
  }

  /**
   * Maps the connection of `packet`, which is from inside; undefined: there is no port left. `use` comes next.
   * `keepsPort`: to the port that it has inside, if that is free.
   */
  add(packet: Packet, protocol: typeof TCP | typeof UDP, keepsPort = false): Flow | undefined {
    this.#flows.forgetExpired();
    const taken = this.#byOutsidePort(protocol);
    if (taken.size > this.#lastPort - this.#firstPort) return undefined;
    const { sourcePort } = packet;
    const isKept = keepsPort && sourcePort >= this.#firstPort && sourcePort <= this.#lastPort && !taken.has(sourcePort);
    const flow = new Flow(packet, protocol, true, isKept ? sourcePort : this.#takeNext(taken));
    taken.set(flow.outsidePort, flow);
    this.#flows.add(flow);
    return flow;
  }

  /** A packet of the connection passes. */
  use(flow: Flow, { flags }: Packet, isFromInside: boolean): void {
    this.#flows.use(flow, flags, isFromInside);
  }

  clear(): void {
    this.#flows.clear();
  }

  #byOutsidePort(protocol: number): Map<number, Flow> {
    return protocol === TCP ? this.#tcpByOutsidePort : this.#udpByOutsidePort;
  }

  /** One after another, so that a port is not soon another's: its old peer may send yet. */
  #takeNext(taken: ReadonlyMap<number, Flow>): number {
    while (taken.has(this.#nextPort)) this.#advance();
    const port = this.#nextPort;
    this.#advance();
    return port;
  }

  #advance(): void {
    this.#nextPort = this.#nextPort < this.#lastPort ? this.#nextPort + 1 : this.#firstPort;
  }
}
