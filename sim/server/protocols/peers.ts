/**
 * The monitor of peers: it tells each whom to ping, and marks one down that enough others, on different hosts, do not
 * hear. Who is heard again is up again, under another number. It watches the peers' own reports as well: one that
 * reports nothing for long is down, even if others hear it.
 */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../firmware/index.ts';
import {
  decodePeersMessage, encodePeersMessage, type Peer, PEERS_MAX,
} from '../../../firmware/protocols/peers/message.ts';
import { atLeast, within } from '../checks.ts';
import type { Client, ClientHandler, ListedProtocol, Service } from './protocol.ts';

export interface MonitorSettings {
  /** Number of reporters on different hosts that mark a peer down. Default 2; Ceph: mon_osd_min_down_reporters. */
  readonly minReporters: number;
  /** Number of others that each peer pings. Default 10; Ceph: osd_heartbeat_min_peers. */
  readonly pingedPeers: number;
}

/** Ceph: mon_osd_report_timeout. */
const REPORT_TIMEOUT_MS = 900_000;

export const PEERS: ListedProtocol<ProtocolSettingsOf<'peers'>, MonitorSettings> = {
  device: DEVICE_PROTOCOLS.peers,
  server: {
    transport: 'datagram',
    liveness: { policy: 'idle', checkIntervalMs: 1000, idleMs: REPORT_TIMEOUT_MS },
    defaults: { minReporters: 2, pingedPeers: 10 },
    problem: ({ minReporters, pingedPeers }) =>
      atLeast('minReporters', minReporters, 1) ?? within('pingedPeers', pingedPeers, 1, PEERS_MAX),
    serve: (settings) => new Monitor(settings),
  },
  words: {
    summary: 'devices ping each other, and report silent devices to the server, their monitor',
    options: {
      grace: { type: 'string', value: '20s', only: 'run', help: 'time without an answer to a ping after which a device is reported' },
      reporters: { type: 'string', value: '2', help: 'number of reporters on different hosts that mark a device down' },
    },
    settings(said) {
      const { beatIntervalMs, missedLimit } = said;
      return {
        device: { pingIntervalMs: beatIntervalMs, missedLimit, graceMs: said.durationMs('grace') },
        service: { minReporters: said.whole('reporters', 1, 1000) },
      };
    },
  },
};

class Monitor implements Service {
  readonly settings: MonitorSettings;
  /** Peers that are up, sorted by number: a ring, on which each peer pings those that follow it. */
  readonly #up: Reporter[] = [];
  readonly #byName = new Map<string, Reporter>();

  constructor(settings: MonitorSettings) {
    this.settings = settings;
  }

  open(client: Client): ClientHandler {
    return new Reporter(client, this);
  }

  /** Adds a peer. A peer with the name of another is that other, restarted: the old one is marked down at once. */
  comes(reporter: Reporter, name: string): void {
    this.#byName.get(name)?.takenOver(reporter.id);
    this.#byName.set(name, reporter);
    this.#up.push(reporter);
  }

  goes(reporter: Reporter): void {
    const at = this.#indexOf(reporter.id);
    if (this.#up[at] !== reporter) return;
    this.#up.splice(at, 1);
    const { name } = reporter.peer;
    if (this.#byName.get(name) === reporter) this.#byName.delete(name);
  }

  /** Returns the peer with this number if it is up. */
  get(id: number): Reporter | undefined {
    const found = this.#up[this.#indexOf(id)];
    return found?.id === id ? found : undefined;
  }

  /** Returns the peers that this reporter must ping. */
  pingedBy(reporter: Reporter): readonly Peer[] {
    const { length } = this.#up;
    const at = this.#indexOf(reporter.id);
    return Array.from({ length: Math.min(this.settings.pingedPeers, length - 1) }, (_, i) => {
      return this.#up[(at + 1 + i) % length];
    }).flatMap((next) => next?.peer ?? []);
  }

  /** Returns the index at which the peer stands, or would stand. */
  #indexOf(id: number): number {
    let [from, to] = [0, this.#up.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#up[middle]?.id ?? Infinity) < id) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

class Reporter implements ClientHandler {
  readonly #client: Client;
  readonly #monitor: Monitor;
  #name: string | undefined;
  /** Numbers of the peers that this reporter does not hear. */
  #failed: readonly number[] = [];
  /** Reporters that do not hear it, by number. */
  readonly #reportedBy = new Map<number, Reporter>();

  constructor(client: Client, monitor: Monitor) {
    this.#client = client;
    this.#monitor = monitor;
  }

  get id(): number {
    return this.#client.id;
  }

  get peer(): Peer {
    const { id, peer: { address, port } } = this.#client;
    return { id, name: this.#name ?? '?', address, port };
  }

  /** Ignores what is no report: anybody can send in anybody's name. */
  received(bytes: Uint8Array, count: number): undefined {
    const message = decodePeersMessage(bytes, count);
    if (message?.type !== 'report') return;
    this.#client.frame(true);
    if (this.#name === undefined) {
      this.#name = message.name;
      this.#monitor.comes(this, message.name);
    } else {
      // The numbers in a first report may be those of a monitor that has restarted since.
      this.#takeBack(message.failed);
      this.#failed = message.failed;
      for (const id of message.failed) this.#monitor.get(id)?.reported(this);
    }
    this.#client.send(encodePeersMessage({ type: 'peers', peers: this.#monitor.pingedBy(this) }));
  }

  /** Drops the client, because the peer now reports from another address. */
  takenOver(by: number): void {
    this.#client.dropTakenOver(by);
  }

  ended(): void {
    this.#monitor.goes(this);
    this.#takeBack([]);
  }

  /** Another one does not hear it. */
  reported(by: Reporter): void {
    if (by === this) return;
    this.#reportedBy.set(by.id, by);
    const reporters = [...this.#reportedBy.values()];
    const hosts = new Set(reporters.map(({ peer }) => peer.address));
    if (hosts.size < this.#monitor.settings.minReporters) return;
    this.#client.dropReported(reporters.map(({ peer }) => peer.name));
  }

  heardBy(other: Reporter): void {
    this.#reportedBy.delete(other.id);
  }

  /** Withdraws the reports about peers that are missing from the new list. */
  #takeBack(failed: readonly number[]): void {
    for (const id of this.#failed) if (!failed.includes(id)) this.#monitor.get(id)?.heardBy(this);
  }
}
