/**
 * The sender's half of a session: messages of QoS 1 and 2 from their PUBLISH to the end of their handshake, in the
 * order in which they were sent (section 4.3). It outlives a connection, not the memory it is in.
 */

import type { QoS } from './packet.ts';

/** A message on its way. */
export interface InFlight {
  readonly packetId: number;
  /** Name of the message for its sender. */
  readonly message: string;
  readonly qos: Exclude<QoS, 0>;
  /** Time at which its PUBLISH was first handed over, in ms. */
  readonly sinceMs: number;
  /** Packet that is sent again after a reconnect: its PUBLISH; after PUBREC, its PUBREL. */
  bytes: Uint8Array;
  /** QoS 2: PUBREC has come. */
  released: boolean;
}

const DUP = 0x08;
const PACKET_ID_MAX = 65_535;

/**
 * Map of the many devices that have sent nothing that is acknowledged: one of their own would be a fortieth of a
 * device.
 */
const NONE: ReadonlyMap<number, InFlight> = new Map();

export class InFlightMessages {
  #own: Map<number, InFlight> | undefined = undefined;
  #lastId = 0;

  get #byId(): ReadonlyMap<number, InFlight> {
    return this.#own ?? NONE;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** A packet identifier that nothing has. Throws when all are taken; the caller keeps far below that. */
  newId(): number {
    for (let i = 0; i < PACKET_ID_MAX; i++) {
      this.#lastId = (this.#lastId % PACKET_ID_MAX) + 1;
      if (!this.#byId.has(this.#lastId)) return this.#lastId;
    }
    throw new Error('all packet identifiers are in use');
  }

  add(message: InFlight): void {
    this.#own ??= new Map();
    this.#own.set(message.packetId, message);
  }

  get(packetId: number): InFlight | undefined {
    return this.#byId.get(packetId);
  }

  remove(packetId: number): void {
    this.#own?.delete(packetId);
  }

  /** [MQTT-4.4.0-1] [MQTT-4.6.0-1]: what is sent again in a session that goes on, in order; PUBLISH with DUP. */
  again(): Uint8Array[] {
    return Array.from(this.#byId.values(), ({ bytes, released }) => (released ? bytes : withDup(bytes)));
  }

  /**
   * The server has no session any more. QoS 1 promises "at least once": these messages are published once more. Of QoS
   * 2 nobody knows any more whether they came: they are dropped, since they must not come twice ([MQTT-3.2.2-5]).
   */
  loseSession(): void {
    for (const { packetId, qos } of [...this.#byId.values()]) if (qos === 2) this.remove(packetId);
  }

  /** Returns the messages that are left, as new messages. */
  forNewSession(): Uint8Array[] {
    return Array.from(this.#byId.values(), ({ bytes }) => bytes);
  }
}

function withDup(publish: Uint8Array): Uint8Array {
  const again = publish.slice();
  again[0] = (again[0] ?? 0) | DUP;
  return again;
}
