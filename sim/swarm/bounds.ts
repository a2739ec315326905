/**
 * What a scenario promises: how long each thing can take at most, derived from its policy, its cables and its faults.
 * In ms.
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

/** What bounds follow from: the times of a plan's faults do not matter. */
export type Promised = Pick<Scenario, 'policy' | 'arp' | 'server' | 'nats' | 'devices'> & {
  readonly plan: readonly Pick<Fault, 'kind' | 'argument'>[];
};

/** What can wait for a narrow cable: little, so that what was sent before a heal is not minutes behind it. */
export const QUEUE_BYTES = 8192;

/** By so much a stack's timer may be late: lwIP's slow timer, two ticks of 250 ms (lwip.ts). */
const LATENESS_MS = 500;

/** By so much a clock may be wrong. */
const DRIFT_MAX = 200e-6;

/**
 * ARP at both ends: Linux asks each second (arp/linux.ts), at most a slot of its timer wheel later; lwIP each second;
 * FreeRTOS+TCP looks for the answer each 500 ms.
 */
const RESOLVE_MS = 2 * 1032 + 500;

/**
 * How long a packet is on its way at most, from a device to the server or back. On either cable: its delay, its jitter,
 * and what waits before it. What faults add adds up (faults/kind.ts, Slowdown); of narrow cables the narrowest counts,
 * which is done with a full queue in QUEUE_BYTES x 8 / bandwidth. What was sent under a fault comes so late after its
 * heal, too, and holds up what is sent behind it (link.ts: packets do not overtake each other).
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
 * How long the server, while it runs, holds on to a client of whom it hears nothing, counted from the last sign of life
 * that it has read: as its protocol has it (fleet.ts), or, before the first frame, firstFrameMs (limits.ts). The
 * server's clock drifts.
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
 * How long after the last heal a device is served at the latest. At that moment it is in a session, or on its way to
 * one:
 *
 *   session   a connection that is dead is given up as its protocol has it (fleet.ts); what was on its way may begin
 *             that time anew;
 *   attempt   a look-up and a connect, each up to connectTimeout (connection.ts), and the login, where there is one;
 *
 * whichever takes longer; then one wait, at most the cap of the retries (backoff.ts); then a connect that succeeds,
 * since nothing is lost any more. Its SYN may have to be sent again once, where the server still has a connection
 * between the same two ports: it answers by a challenge ACK, and that is answered by RST (RFC 5961 4.2). The first beat
 * goes out at once, and is answered: with the handshake four round trips at most, one of them for the RST. A board that
 * resets itself at the last moment takes RESET_MS more. With ARP either end may have to ask for the other first, and
 * again where the last question was lost: RESOLVE_MS and two round trips.
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
 * How long after all is calm the server has one client for each device, and no other: every device is back, and what it
 * left behind when it came back has been silent since.
 */
export function settledMs(promised: Promised): number {
  return backMs(promised) + ghostMs(promised) + STALL_MS;
}

/** How long a run goes on after all is calm: until it is settled, and then as long as a beat and its answer take. */
export function settleMs(promised: Promised): number {
  const beatMs = promised.policy.beatIntervalMs + 2 * inFlightMs(promised);
  return Math.ceil((settledMs(promised) + beatMs) / 1000) * 1000 + 1000;
}
