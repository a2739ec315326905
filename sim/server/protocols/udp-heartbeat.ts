/**
 * The receiver of UDP heartbeats. A sender is an address; it is offline when it is silent. If beats are numbered,
 * missing, late and repeated ones are reported. A datagram that is no beat is ignored: anybody can send in anybody's
 * name.
 */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../firmware/index.ts';
import { decodeUdpBeat } from '../../../firmware/protocols/udp-heartbeat/text.ts';
import type { Client, ClientHandler, ListedProtocol, ServiceHost } from './protocol.ts';

export const UDP_HEARTBEAT: ListedProtocol<ProtocolSettingsOf<'udp-heartbeat'>, object> = {
  device: DEVICE_PROTOCOLS['udp-heartbeat'],
  server: {
    transport: 'datagram',
    liveness: { policy: 'idle', checkIntervalMs: 1000, idleMs: 15_000 },
    defaults: {},
    clientsNeverMeet: true,
    serve: (_, host) => ({ open: (client) => new Sender(client, host) }),
  },
  words: {
    summary: 'a text in a datagram, without answers',
    options: {
      numbered: {
        type: 'boolean', default: false, only: 'run',
        help: 'number the beats; the server reports missing, late and repeated ones',
      },
    },
    settings(said) {
      const { beatIntervalMs = 5000, missedLimit = 3 } = said;
      return {
        device: { beatIntervalMs, numbered: said.flag('numbered') },
        liveness: { policy: 'idle', checkIntervalMs: 1000, idleMs: beatIntervalMs * missedLimit },
        beatEvents: true,
      };
    },
  },
};

/** Size of the window behind the highest number in which it is known which numbers have arrived. */
const WINDOW = 32;

class Sender implements ClientHandler {
  readonly #client: Client;
  readonly #host: ServiceHost;
  /** The highest number that has come. */
  #highest: number | undefined;
  /** Bit set of the last 32 numbers up to the highest: bit i stands for the number that is i below it. */
  #come = 0;

  constructor(client: Client, host: ServiceHost) {
    this.#client = client;
    this.#host = host;
  }

  received(bytes: Uint8Array, count: number): undefined {
    const number = decodeUdpBeat(bytes, count);
    if (number === 'none') return;
    this.#client.frame(true);
    if (number !== undefined) this.#count(number);
  }

  /** Counts a number with the window of RFC 4303, section 3.4.3, which knows what has arrived before. */
  #count(number: number): void {
    const highest = this.#highest;
    // The first; or a sender that has started again.
    if (highest === undefined || (number === 0 && highest >= WINDOW)) {
      this.#highest = number;
      this.#come = 1;
      return;
    }
    // Of two numbers the one ahead is less than 2^31 away (RFC 1982).
    const ahead = (number - highest) | 0;
    if (ahead > 0) {
      this.#highest = number;
      this.#come = ahead < WINDOW ? (this.#come << ahead) | 1 : 1;
      if (ahead > 1) this.#tell('missing', ahead - 1);
      return;
    }
    const isDouble = -ahead < WINDOW && (this.#come & (1 << -ahead)) !== 0;
    if (-ahead < WINDOW) this.#come |= 1 << -ahead;
    this.#tell(isDouble ? 'double' : 'late', 1);
  }

  #tell(what: 'missing' | 'late' | 'double', count: number): void {
    this.#host.tell({ kind: 'sequence', atMs: this.#host.now(), client: this.#client.id, what, count });
  }
}
