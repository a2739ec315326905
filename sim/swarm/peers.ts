/** The invariant of peers that ping each other: who is marked down by their monitor, and who is not. */

import { FAULTS } from '../faults/kinds/index.ts';
import { SERVER_NAME } from '../programs.ts';
import { formatSeconds } from '../time/duration.ts';
import { DRIFT_MAX, inFlightMs, silenceMs } from './bounds.ts';
import type { PeersFleet } from './fleet.ts';
import type { Observation } from './observation.ts';
import type { Scenario } from './scenario.ts';

/**
 * A peer that no fault has touched is not marked down by reporters that no fault has touched. And a peer of which
 * nothing comes is marked down in time where enough others, whom no fault touches either, ping it.
 */
export function wrongMarks(observation: Observation): string[] {
  const { speaks } = observation.scenario.policy;
  return speaks.kind === 'peers' ? [...wronglyDown(observation, speaks), ...lateDown(observation, speaks)] : [];
}

/** The monitor knows of a report until the reporter takes it back, or is itself gone. */
function wronglyDown(observation: Observation, { minReporters }: PeersFleet): string[] {
  const { scenario, gone } = observation;
  return gone.flatMap(({ device, atMs, how }) => {
    if (how.kind !== 'reported') return [];
    const marked = `${device} was marked down at ${formatSeconds(atMs)} by ${how.by.join(', ')}`;
    if (new Set(how.by).size < minReporters) return [`${marked}: it takes ${minReporters}`];
    const fromMs = atMs - silenceMs(scenario) - inFlightMs(scenario);
    const isWell = (host: string): boolean => !isTouched(observation, host, fromMs, atMs);
    const wrong = how.by.find(isWell);
    if (wrong === undefined || !isWell(device) || !isWell(SERVER_NAME)) return [];
    return [`${marked}: it was well, and so was ${wrong}`];
  });
}

/**
 * Returns the longest time from the moment at which nothing comes of a peer until it is marked down. Those who ping it
 * may learn of it with the answer to their next report. A round of pings comes within half a second and nine tenths of
 * the interval (peer.ts, pingDelayMs). A ping that nobody answers for the grace is reported at once.
 */
export function markedDownMs(scenario: Scenario, { pingIntervalMs, graceMs }: PeersFleet): number {
  const { beatIntervalMs: reportIntervalMs } = scenario.policy;
  const waitsMs = reportIntervalMs + 500 + 0.9 * pingIntervalMs + graceMs;
  return waitsMs * (1 + DRIFT_MAX) + 4 * inFlightMs(scenario) + 10;
}

function lateDown(observation: Observation, fleet: PeersFleet): string[] {
  const { scenario, faults, sessions, devices, endMs } = observation;
  const boundMs = markedDownMs(scenario, fleet);
  const reportMs = scenario.policy.beatIntervalMs * (1 + DRIFT_MAX) + 2 * inFlightMs(scenario);
  return faults.flatMap(({ kind, argument, host, text, fromMs, toMs = endMs }) => {
    const downMs = fromMs + boundMs;
    // While it lasts, nothing new of the peer comes to anybody.
    if (host === SERVER_NAME || !FAULTS[kind].mutes(argument, 'tx') || downMs >= Math.min(toMs, endMs)) return [];
    const isWell = (name: string): boolean => !isTouched(observation, name, fromMs - reportMs, downMs);
    // Reporters whose last report was answered, and that are still in the same session.
    const reporters = devices.filter(({ name, servedMs, losses }) => {
      return name !== host && isWell(name) && servedMs.some((ms) => ms >= fromMs - reportMs && ms <= fromMs)
        && !losses.some(({ atMs }) => atMs >= fromMs - reportMs && atMs <= downMs);
    });
    if (reporters.length < fleet.minReporters || !isWell(SERVER_NAME)) return [];
    const late = sessions.find(({ device, heardMs: [sinceMs = Infinity], overMs = endMs }) => {
      return device === host && sinceMs < fromMs && overMs > downMs;
    });
    if (late === undefined) return [];
    const names = reporters.map(({ name }) => name).join(', ');
    return [`${text}: ${host} was not marked down within ${formatSeconds(boundMs)}, though ${names} pinged it`];
  });
}

/** A fault was on the host at that time, or what a fault held up was still on its way. */
function isTouched({ scenario, faults }: Observation, host: string, fromMs: number, toMs: number): boolean {
  const flightMs = inFlightMs(scenario);
  return faults.some((fault) => {
    return fault.host === host && fault.fromMs <= toMs && (fault.toMs ?? Infinity) + flightMs >= fromMs;
  });
}
