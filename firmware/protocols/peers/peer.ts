/**
 * A peer in a group that watches itself, as Ceph's OSDs do: it pings the peers that its monitor names, answers every
 * peer that pings it, and reports to the monitor, with each sign of its own life, whom it does not hear.
 */

import { errnoOf, failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { EventListener } from '../../events.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { retryDelayMs, type Retry } from '../../tasks/backoff.ts';
import { serverName, type Server, type SessionEnd } from '../../tasks/connection.ts';
import { type DatagramPath, openDatagramPath, ownEnd } from '../../tasks/datagram-path.ts';
import type { ProtocolSettings } from '../protocol.ts';
import { decodePeersMessage, encodePeersMessage, MESSAGE_BYTES_MAX, type Peer } from './message.ts';

export interface PeersConfig extends ProtocolSettings {
  /** Monitors of the peer, tried in turn. */
  readonly servers: readonly Server[];
  /** The longest time between two rounds of pings; see `pingDelayMs`. Ceph: osd_heartbeat_interval. */
  readonly pingIntervalMs: number;
  /** A peer that leaves a ping unanswered for this time is reported. Ceph: osd_heartbeat_grace. */
  readonly graceMs: number;
  /** A report to the monitor so often, and at once when somebody else is not heard. Ceph: osd_mon_report_interval. */
  readonly reportIntervalMs: number;
  /** Number of reports in a row without an answer that mean that the monitor is gone. */
  readonly missedLimit: number;
  /** Timeout of the look-up of the monitor's name, and of opening the socket. */
  readonly connectTimeoutMs: number;
  readonly retry: Retry;
}

const EAGAIN = failure('EAGAIN');
/** Stamps are of 32 bits. */
const STAMPS = 2 ** 32;

/** Receive buffer of all peers: its content is decoded before the task blocks. */
const RECEIVED = new Uint8Array(MESSAGE_BYTES_MAX);

/**
 * Half a second, and from none to nine tenths of the interval: pings do not bunch. Ceph (src/osd/OSD.cc,
 * OSD::heartbeat_entry) waits for `500ms + (rand() % 10) * osd_heartbeat_interval / 10`. `random` is from 0 to 1.
 */
export function pingDelayMs(intervalMs: number, random: number): number {
  return 500 + (Math.floor(random * 10) * intervalMs) / 10;
}

export function* peerTask(os: Kernel, hal: Hal, config: PeersConfig, onEvent: EventListener | undefined): Task {
  const { servers, retry } = config;
  let failures = 0;
  for (let turn = 0; ; turn = (turn + 1) % servers.length) {
    const server = servers[turn];
    if (server === undefined) throw new Error('there is no monitor to report to');
    onEvent?.({ kind: 'connecting', server: serverName(server) });
    const timeout = os.msToTicks(config.connectTimeoutMs);
    const path = yield* openDatagramPath(os, hal.network, server, timeout);
    if (typeof path === 'string') {
      onEvent?.({ kind: 'connect-failed', server: serverName(server), errno: path });
      failures++;
    } else {
      const sinceMs = hal.clock.now();
      onEvent?.({ kind: 'connected', server: serverName(server), local: ownEnd(path.endpoint) });
      const peering = new Peering(hal, config, path, onEvent);
      let end = peering.turn();
      while (end === undefined) {
        const ms = peering.nextMs - hal.clock.now();
        yield* path.endpoint.poll(os.msToTicks(Math.max(ms, 0)) + 1);
        end = peering.turn();
      }
      path.endpoint.close();
      onEvent?.({ kind: 'lost', server: serverName(server), afterMs: hal.clock.now() - sinceMs, ...end });
      failures = peering.wasServed ? 0 : failures + 1;
    }
    const delayMs = retryDelayMs(retry, failures, hal.random);
    if (delayMs > 0) onEvent?.({ kind: 'backing-off', delayMs });
    yield* os.delay(os.msToTicks(delayMs));
  }
}

/** One that is pinged. */
interface Watched {
  readonly peer: Peer;
  /** Time of the last ping, and its stamp. */
  pingedMs: number;
  stamp: number;
  /** Time of the first ping without an answer; Infinity: none is open. */
  unansweredMs: number;
  isFailed: boolean;
}

/** A peer's talk with one monitor, and with the peers that it names. */
class Peering {
  readonly #hal: Hal;
  readonly #config: PeersConfig;
  readonly #path: DatagramPath;
  readonly #tell: EventListener | undefined;
  /** Watched peers by id. */
  #watched = new Map<number, Watched>();
  #nextPingMs = 0;
  #nextReportMs = 0;
  #stamp = 0;
  /** Reports since the last answer, and when the first of them was sent. */
  #unanswered = 0;
  #unansweredSinceMs = 0;
  wasServed = false;

  constructor(hal: Hal, config: PeersConfig, path: DatagramPath, tell: EventListener | undefined) {
    this.#hal = hal;
    this.#config = config;
    this.#path = path;
    this.#tell = tell;
    this.#nextPingMs = this.#nextReportMs = hal.clock.now();
  }

  /** Time of the next action that does not depend on messages. */
  get nextMs(): number {
    let nextMs = Math.min(this.#nextPingMs, this.#nextReportMs);
    for (const { unansweredMs, isFailed } of this.#watched.values()) {
      if (!isFailed) nextMs = Math.min(nextMs, unansweredMs + this.#config.graceMs);
    }
    return nextMs;
  }

  /** Hears all that has come, and does all that is due. Why it is over, when it is. */
  turn(): SessionEnd | undefined {
    // The peer reads waiting messages before it misses anybody. After a hang there may be many.
    const end = this.#receive();
    if (end !== undefined) return end;
    const nowMs = this.#hal.clock.now();
    if (this.#missSomebody(nowMs)) this.#nextReportMs = nowMs;
    if (nowMs >= this.#nextPingMs) {
      this.#nextPingMs = nowMs + pingDelayMs(this.#config.pingIntervalMs, this.#hal.random.uint32() / 2 ** 32);
      for (const watched of this.#watched.values()) this.#ping(watched, nowMs);
    }
    return nowMs >= this.#nextReportMs ? this.#report(nowMs) : undefined;
  }

  #receive(): SessionEnd | undefined {
    const { endpoint, remote: monitor } = this.#path;
    for (;;) {
      const count = endpoint.tryRecvFrom(RECEIVED);
      if (count === EAGAIN) return undefined;
      if (count < 0) return { by: errnoOf(count) };
      const message = decodePeersMessage(RECEIVED, count);
      const { sender } = endpoint;
      if (message === undefined || sender === undefined) continue;
      switch (message.type) {
        case 'ping':
          // Without room in the socket it is lost, as a datagram may be anyway.
          endpoint.sendTo(encodePeersMessage({ type: 'pong', stamp: message.stamp }), sender);
          break;
        case 'pong':
          this.#answered(message.stamp, sender);
          break;
        case 'peers':
          if (sender.address === monitor.address && sender.port === monitor.port) this.#served(message.peers);
          break;
        case 'report':
      }
    }
  }

  #ping(watched: Watched, nowMs: number): void {
    this.#stamp = (this.#stamp + 1) % STAMPS;
    watched.stamp = this.#stamp;
    watched.pingedMs = nowMs;
    watched.unansweredMs = Math.min(watched.unansweredMs, nowMs);
    this.#path.endpoint.sendTo(encodePeersMessage({ type: 'ping', stamp: this.#stamp }), watched.peer);
  }

  /** An answer to whichever ping shows life; only that to the last one leaves none open. */
  #answered(stamp: number, { address, port }: SocketAddress): void {
    for (const watched of this.#watched.values()) {
      if (watched.peer.address !== address || watched.peer.port !== port) continue;
      // A peer that was down has another number, and may still answer a ping to the last one: then none is open.
      if (watched.unansweredMs !== Infinity) {
        watched.unansweredMs = stamp === watched.stamp ? Infinity : watched.pingedMs;
      }
      watched.isFailed = false;
    }
  }

  /** Returns whether a peer that was heard before is not heard now. */
  #missSomebody(nowMs: number): boolean {
    let isNew = false;
    for (const watched of this.#watched.values()) {
      const silentMs = nowMs - watched.unansweredMs;
      if (watched.isFailed || silentMs < this.#config.graceMs) continue;
      watched.isFailed = true;
      isNew = true;
      this.#tell?.({ kind: 'peer-silent', peer: watched.peer.name, silentMs });
    }
    return isNew;
  }

  #report(nowMs: number): SessionEnd | undefined {
    const { reportIntervalMs, missedLimit } = this.#config;
    if (this.#unanswered > 0) {
      this.#tell?.({ kind: 'beat-missed', missed: this.#unanswered });
      if (this.#unanswered >= missedLimit) return { by: 'missed-beats' };
    }
    const failed = Array.from(this.#watched.values()).filter(({ isFailed }) => isFailed);
    const name = this.#hal.system.deviceId;
    const bytes = encodePeersMessage({ type: 'report', name, failed: failed.map(({ peer }) => peer.id) });
    const sent = this.#path.endpoint.sendTo(bytes, this.#path.remote);
    if (sent < 0 && sent !== EAGAIN) return { by: errnoOf(sent) };
    if (this.#unanswered === 0) this.#unansweredSinceMs = nowMs;
    this.#unanswered++;
    this.#nextReportMs = nowMs + reportIntervalMs;
    this.#tell?.({ kind: 'beat-sent' });
    return undefined;
  }

  /** The monitor has answered: these are to be pinged. What is known of those that were before stays known. */
  #served(peers: readonly Peer[]): void {
    if (this.#unanswered > 0) {
      this.#tell?.({ kind: 'served', afterMs: this.#hal.clock.now() - this.#unansweredSinceMs });
    }
    this.#unanswered = 0;
    this.wasServed = true;
    this.#watched = new Map(peers.map((peer) => [peer.id, this.#watchedAs(peer)]));
  }

  /** A monitor that has restarted counts from 1 again: then the number was somebody else's. */
  #watchedAs(peer: Peer): Watched {
    const known = this.#watched.get(peer.id);
    const isSame = known?.peer.address === peer.address && known.peer.port === peer.port;
    return isSame ? known : { peer, pingedMs: 0, stamp: 0, unansweredMs: Infinity, isFailed: false };
  }
}
