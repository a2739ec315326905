/**
 * The gate: where the simulated network goes over into a real one. Packets become bytes, and bytes packets; how the
 * bytes travel is somebody else's. It is a host's port on the simulated switch: to the devices, what is beyond it is
 * one host, with a cable that rules can be put on and that can be pulled; but whose addresses are all that nobody here
 * has.
 */

import { Cable } from '../link/cable.ts';
import type { Port } from '../link/port.ts';
import type { Switch } from '../link/switch.ts';
import type { Fabric } from '../link/fabric.ts';
import { decodePacket } from '../packet/decode.ts';
import { encodePacket } from '../packet/encode.ts';
import { ipBytes, type Packet } from '../packet/packet.ts';
import { PacketSplitter } from './packet-splitter.ts';

/** Largest piece that is sent at once, beyond one packet. */
const BATCH_BYTES = 1 << 16;

export interface GateWitness {
  fromServer(packet: Packet): void;
  fromDevice(packet: Packet): void;
}

export class Gate implements Port {
  /** The cable between the switch and what is beyond: `tx` is towards the devices. */
  readonly link: Cable;
  /** Packets from beyond that none here could read, by what was wrong with them. */
  readonly unreadable = new Map<string, number>();
  /** Sees each packet that goes out, or has come in. */
  witness: GateWitness | undefined = undefined;
  readonly #fabric: Fabric;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #splitter = new PacketSplitter((bytes) => this.#arrived(bytes));
  readonly #batch = new Uint8Array(2 * BATCH_BYTES);
  #batchBytes = 0;

  /**
   * The uplink of `inside` from now on; `write` gets whole packets, one after the other, in pieces that it may keep.
   */
  constructor(fabric: Fabric, name: string, inside: Switch, write: (bytes: Uint8Array) => void) {
    this.#fabric = fabric;
    this.#write = write;
    const far = {
      // A packet for an unknown address would go out again, and circle between the gate and a router.
      receive: (packet: Packet) => {
        if (inside.has(packet.destination)) inside.receive(packet);
        else fabric.drop(packet, 'no-route', inside, undefined);
      },
    };
    this.link = new Cable(fabric, name, this, far);
    inside.uplink = this.link;
  }

  /** Bytes have come from beyond: packets, one after the other, however they were cut. */
  arrive(bytes: Uint8Array): void {
    this.#splitter.add(bytes);
  }

  /** Hands over what is to go out. */
  flush(): void {
    if (this.#batchBytes === 0) return;
    this.#write(this.#batch.slice(0, this.#batchBytes));
    this.#batchBytes = 0;
  }

  // ---- the port ----

  receive(packet: Packet): void {
    this.witness?.fromDevice(packet);
    if (this.#batchBytes + ipBytes(packet) > this.#batch.length) this.flush();
    this.#batchBytes += encodePacket(packet, this.#batch.subarray(this.#batchBytes));
    this.#fabric.pool.release(packet);
    if (this.#batchBytes >= BATCH_BYTES) this.flush();
  }

  carrierChanged(): void {}

  #arrived(bytes: Uint8Array): void {
    const packet = this.#fabric.pool.take();
    const problem = decodePacket(bytes, packet);
    if (problem === undefined) {
      // A cable that is out keeps it from the devices, and us from knowing.
      if (this.link.isUp) this.witness?.fromServer(packet);
      this.link.send(packet);
      return;
    }
    this.unreadable.set(problem, (this.unreadable.get(problem) ?? 0) + 1);
    this.#fabric.pool.release(packet);
  }
}
