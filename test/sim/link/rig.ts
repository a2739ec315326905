/** A world of cables with the plainest of hosts, in virtual time. */

import type { Port } from '../../../sim/link/port.ts';
import { type DropReason, Fabric } from '../../../sim/link/fabric.ts';
import { ACK, Packet, PacketPool, TCP } from '../../../sim/packet/packet.ts';
import { Engine } from '../../../sim/time/engine.ts';

/** Arrival of a packet: its time and its number, which travels as `seq`. */
export type Arrival = readonly [atUs: number, number: number];

/** A host that notes the packets that arrive. */
export class Host implements Port {
  readonly arrivals: Arrival[] = [];
  readonly packets: Packet[] = [];
  readonly carrier: [atUs: number, up: boolean][] = [];
  /** Called for each packet that arrives. */
  onPacket: (packet: Packet) => void = () => {};
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get numbers(): number[] {
    return this.arrivals.map(([, number]) => number);
  }

  receive(packet: Packet): void {
    this.arrivals.push([this.#engine.nowUs, packet.seq]);
    this.packets.push(packet);
    this.onPacket(packet);
  }

  carrierChanged(up: boolean): void {
    this.carrier.push([this.#engine.nowUs, up]);
  }
}

export interface World {
  readonly engine: Engine;
  readonly fabric: Fabric;
  /** The packets that were dropped: time, number, reason, place. */
  readonly dropped: (readonly [atUs: number, number: number, reason: DropReason, at: string])[];
  /** All events of packets, as lines. */
  readonly told: string[];
  /** Runs for this time. */
  run(us: number): void;
}

export function world(seed = 1): World {
  const engine = new Engine();
  const fabric = new Fabric(engine, new PacketPool(), seed);
  const dropped: [number, number, DropReason, string][] = [];
  const told: string[] = [];
  fabric.observer = {
    sent: (packet, link, direction) => told.push(`${engine.nowUs} sent ${packet.seq} ${link.name} ${direction}`),
    delivered: (packet, link, direction) =>
      told.push(`${engine.nowUs} delivered ${packet.seq} ${link.name} ${direction}`),
    dropped: (packet, reason, at, direction) => {
      told.push(`${engine.nowUs} dropped ${packet.seq} ${reason} ${at.name} ${direction ?? ''}`);
      dropped.push([engine.nowUs, packet.seq, reason, at.name]);
    },
  };
  return { engine, fabric, dropped, told, run: (us) => void engine.runUntil(engine.nowUs + us) };
}

/** Returns a segment with this number, so much data, and these other fields. */
export function packet(number: number, payloadBytes = 0, fields: Partial<Packet> = {}): Packet {
  const made = new Packet();
  made.protocol = TCP;
  made.flags = ACK;
  made.seq = number;
  made.reserve(payloadBytes);
  return Object.assign(made, fields);
}
