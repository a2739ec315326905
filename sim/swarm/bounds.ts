/**
 * The promises of a scenario: the longest time that each thing can take, derived from its policy, its cables and its
 * faults. In ms.
 */

import { RESET_MS } from '../board/board.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import { PROFILE_NAMES } from '../tcpip/profile.ts';
import { PROFILES } from '../tcpip/profiles/index.ts';
import { STALL_MS } from '../server/client-table.ts';
import { DEFAULT_LIMITS } from '../server/limits.ts';
import type { Fault } from '../faults/fault.ts';
import { fleetOf } from './fleet.ts';
import type { CableScenario, Scenario } from './scenario.ts';

/** The parts of a scenario from which bounds follow. The times of a plan's faults do not matter. */
export type Promised = Pick<Scenario, 'policy' | 'arp' | 'server' | 'nats' | 'devices'> & {
  readonly plan: readonly Pick<Fault, 'kind' | 'argument'>[];
};

/** The queue of a narrow cable. The queue is short, so that packets sent before a heal are not delayed by minutes. */
export const QUEUE_BYTES = 8192;

/** The most by which a stack's timer may be late: lwIP's slow timer, two ticks of 250 ms (lwip.ts). */
const LATENESS_MS = 500;

/** The most by which a clock's rate may be wrong. */
export const DRIFT_MAX = 200e-6;

/**
 * ARP at both ends: Linux asks each second (arp/linux.ts), at most a slot of its timer wheel later; lwIP each second;
 * FreeRTOS+TCP looks for the answer each 500 ms.
 */
const RESOLVE_MS = 2 * 1032 + 500;

/**
 * Returns the longest time that a packet is in flight, from a device to the server or back. Each of the two cables adds
 * its delay, its jitter, and the time that the packet waits in the queue. Delays that faults add are added up
 * (faults/kind.ts, Slowdown). Of several narrow cables only the narrowest counts: it empties a full queue in
 * QUEUE_BYTES x 8 / bandwidth. A packet sent during a fault can arrive this late after the heal, too, and holds up the
 * packets sent behind it (link.ts: packets do not overtake each other).
 */
export function inFlightMs({ server, devices, plan }: Promised): number {
  const slowdowns = plan.map(({ kind, argument }) => FAULTS[kind].slowdown(argument));
  const addedMs = slowdowns.reduce((sum, { delayMs }) => sum + delayMs, 0);
  const narrowestBps = Math.min(...slowdowns.map(({ bandwidthBps }) => bandwidthBps));
  const slowest = Math.max(...devices.map(({ cable }) => cableMs(cable, narrowestBps)));
  return addedMs + slowest + cableMs(server.cable, narrowestBps);
}

function cableMs({ delayMs, jitterMs, bandwidthBps = Infinity }: CableScenario, narrowestBps: number): number {
  return delayMs + jitterMs + (QUEUE_BYTES * 8000) / Math.min(bandwidthBps, narrowestBps);
}

/**
 * Returns the longest time for which the running server keeps a client that it no longer hears, counted from the last
 * sign of life that it has read. The protocol decides this time (fleet.ts); before the first frame it is firstFrameMs
 * (limits.ts). The server's clock drifts.
 */
export function silenceMs({ policy }: Promised): number {
  return Math.max(fleetOf(policy).silentMs.most, DEFAULT_LIMITS.firstFrameMs) * (1 + DRIFT_MAX) + 1;
}

/** Sooner than that it drops nobody for silence. */
export function patienceMs({ policy }: Promised): number {
  return fleetOf(policy).silentMs.least * (1 - DRIFT_MAX) - 1;
}

/** A server believes in a device from which nothing comes: what was on its way is read, and then there is silence. */
export function ghostMs(promised: Promised): number {
  return inFlightMs(promised) + silenceMs(promised);
}

/**
 * Returns the longest time from the last heal until a device is served. At the heal the device is in a session, or is
 * starting one:
 *
 *   session   the device gives up a dead connection after the time that its protocol sets (fleet.ts); packets that were
 *             in flight may start that time again;
 *   attempt   a look-up and a connect, each up to connectTimeout (connection.ts), and the login, if there is one.
 *
 * The longer of these two counts. Then come one retry delay, at most the cap of the retries (backoff.ts), and a connect
 * that succeeds, since nothing is lost any more. Its SYN may have to be sent a second time if the server still has a
 * connection between the same two ports: the server answers with a challenge ACK, and the device answers that with RST
 * (RFC 5961 4.2). The first heartbeat is sent at once, and is answered. Together with the handshake these are at most
 * four round trips, one of them for the RST. A board that resets itself at the last moment takes RESET_MS more. With
 * ARP each end may first have to ask for the other's address, and to ask again if the last request was lost: RESOLVE_MS
 * and two round trips.
 */
export function backMs(promised: Promised): number {
  const { connectTimeoutMs, retry } = promised.policy;
  const { deadMs, admittedMs } = fleetOf(promised.policy);
  const flightMs = inFlightMs(promised);
  const sessionMs = deadMs + 2 * flightMs;
  const attemptMs = 2 * connectTimeoutMs + admittedMs;
  const arpMs = promised.arp || promised.nats.length > 0 ? RESOLVE_MS + 4 * flightMs : 0;
  const synAgainMs = Math.max(...PROFILE_NAMES.map((name) => PROFILES[name].handshake.rtoMs)) + LATENESS_MS;
  const waitMs = (Math.max(sessionMs, attemptMs) + retry.capMs) * (1 + DRIFT_MAX);
  return waitMs + synAgainMs + arpMs + 8 * flightMs + RESET_MS;
}

/**
 * Returns the longest time from the moment at which all is calm until the server has exactly one client for each
 * device. By then every device is back, and the connection that it had left behind has been silent since.
 */
export function settledMs(promised: Promised): number {
  return backMs(promised) + ghostMs(promised) + STALL_MS;
}

/**
 * Returns how long a run continues after all is calm: until it has settled, and then for the time of one heartbeat and
 * its answer.
 */
export function settleMs(promised: Promised): number {
  const beatMs = promised.policy.beatIntervalMs + 2 * inFlightMs(promised);
  return Math.ceil((settledMs(promised) + beatMs) / 1000) * 1000 + 1000;
}
