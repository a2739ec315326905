/**
 * The account against its definition: ghosts worked out from whole traces of the swarm, looking back and forth, as the
 * account cannot, which takes events one by one.
 */

import { expect, it } from 'vitest';
import { FAULTS } from '../../../sim/faults/kinds/index.ts';
import { EndNames } from '../../../sim/sessions/end-names.ts';
import { observe } from '../../../sim/swarm/run.ts';
import { drawScenario } from '../../../sim/swarm/scenario.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

/** An event and its place in the trace: of two at one time, who comes first matters. */
type Placed<E extends TraceEvent = TraceEvent> = E & { readonly i: number };
type OfKind<K extends TraceEvent['kind']> = Placed<TraceEvent & { readonly kind: K }>;

interface Interval {
  readonly from: Placed;
  /** Undefined if the span lasts to the end. */
  readonly to: Placed | undefined;
}

interface Sign {
  readonly i: number;
  isSince(came: Placed): boolean;
}

/** Returns how long all ghosts last in sum. */
function ghostMs(trace: readonly TraceEvent[], endMs: number): number {
  const all: readonly Placed[] = trace.map((event, i) => ({ ...event, i }));
  const of = <K extends TraceEvent['kind']>(kind: K): OfKind<K>[] => {
    return all.filter((event): event is OfKind<K> => event.kind === kind);
  };
  const [faults, heals, boots] = [of('fault'), of('healed'), of('boot')];
  const next = (from: Placed, ...lists: readonly (readonly Placed[])[]): Placed | undefined => {
    return lists.flatMap((list) => list.filter(({ i }) => i > from.i)).toSorted((a, b) => a.i - b.i)[0];
  };
  const stops = (host: string): OfKind<'fault'>[] => {
    return faults.filter((one) => one.host === host && ['off', 'dead'].includes(FAULTS[one.fault].firmware));
  };

  /** Faults that keep who is at that host from being reached: until healed, or the program that they stopped starts. */
  const cuts = (host: string, isDevice: boolean): Interval[] => faults.flatMap((from) => {
    const { effect, firmware, lasts } = FAULTS[from.fault];
    if (from.host !== host || effect(from.argument) !== 'cuts') return [];
    if (!isDevice && firmware !== 'running') return [];
    const started = firmware === 'running' ? [] : boots.filter(({ device }) => device === host);
    const healed = heals.filter(({ id }) => id === from.id);
    return [{ from, to: lasts(from.argument) ? next(from, healed, started) : from }];
  });

  /** Signs of service, and whether what each is the answer to was sent after something. */
  const signs = (taken: OfKind<'online'>, begun: Placed, device: string): Sign[] => {
    const served = of('served').filter((event) => event.device === device);
    if (served.some(({ afterMs }) => afterMs !== undefined)) {
      return served.map(({ i, atMs, afterMs = Infinity }) => ({ i, isSince: (came) => atMs - afterMs >= came.atMs }));
    }
    // Nobody answers: one by one, the beats that were sent, and those that the server tells of.
    const sent = of('beat-sent').filter((event) => event.device === device && event.i > begun.i);
    const sentBy = ({ i }: Placed): number => {
      return sent.filter((event) => event.i < i).length + (begun === taken ? 1 : 0);
    };
    let passed = 0;
    return all.flatMap((event) => {
      if (event.kind !== 'beat' && event.kind !== 'sequence') return [];
      if (event.client !== taken.client || event.server !== taken.server || event.i < taken.i) return [];
      const more = event.kind === 'beat' ? 1 : event.what === 'missing' ? event.count : -event.count;
      passed = Math.min(passed + more, sentBy(event));
      const passedNow = passed;
      return event.kind === 'beat' ? [{ i: event.i, isSince: (came) => passedNow > sentBy(came) }] : [];
    });
  };

  return of('online').reduce((sum, taken) => {
    const ends = new EndNames();
    for (const event of of('mapped')) if (event.i < taken.i) ends.add(event);
    const end = ends.nameOf(taken.peer);
    const own = of('connected').filter(({ local }) => local !== undefined && ends.nameOf(local) === end);
    const lastConnected = own.filter(({ i }) => i < taken.i).at(-1) ?? own[0];
    if (lastConnected === undefined) return sum;
    const { device } = lastConnected;
    // Over datagrams a device goes on from the same end, with one session after the other.
    for (const event of of('mapped')) ends.add(event);
    const sameEnd = of('online').filter(({ i, peer }) => i > lastConnected.i && ends.nameOf(peer) === end);
    const isFirst = sameEnd[0] === undefined || sameEnd[0].i >= taken.i;
    const connected: Placed = isFirst ? lastConnected : taken;
    const offline = of('offline').filter(({ client, server }) => client === taken.client && server === taken.server);
    const dropped = next(taken, offline, stops(taken.server), of('listening'));
    const isOf = (event: Placed): boolean => 'device' in event && event.device === device;
    const leaves = [...of('lost'), ...of('panic'), ...boots, ...of('connected')].filter(isOf);
    const moves = sameEnd.filter(({ i }) => i > taken.i);
    const left = next(connected, leaves, moves, stops(device));
    const forgotten = of('forgotten').filter((event) => event.ends.some((one) => ends.nameOf(one) === end));
    const isMeant = ({ from, to }: Interval): boolean => {
      return (to === undefined || to.i > connected.i) && from.i < (left?.i ?? Infinity);
    };
    const outages: readonly Interval[] = [
      ...cuts(device, true), ...cuts(taken.server, false), ...forgotten.map((from) => ({ from, to: from })),
    ].filter(isMeant).toSorted((a, b) => a.from.i - b.from.i);

    let coveredMs = taken.atMs;
    const lastMs = dropped?.atMs ?? endMs;
    const cover = (fromMs: number, toMs: number): number => {
      const ms = Math.max(Math.min(toMs, lastMs) - Math.max(fromMs, coveredMs), 0);
      coveredMs = Math.max(coveredMs, toMs);
      return ms;
    };
    let ghost = 0;
    for (const { from } of outages) {
      const begun = Math.max(from.i, connected.i);
      // The first sign of service by which the session has survived this outage, and all that came before the sign.
      const sign = signs(taken, connected, device).find(({ i, isSince }) => {
        const before = outages.filter((one) => one.from.i < i);
        const isOver = before.every(({ from: came, to }) => {
          return to !== undefined && (to === came ? isSince(came) : to.i < i);
        });
        return isOver && i > begun && i < Math.min(left?.i ?? Infinity, dropped?.i ?? Infinity);
      });
      const over = outages.filter((one) => one.from.i < (sign?.i ?? -1)).map(({ to }) => to?.atMs ?? Infinity);
      ghost += cover(Math.max(from.atMs, connected.atMs), sign === undefined ? Infinity : Math.max(...over));
    }
    return sum + ghost + (left === undefined ? 0 : cover(left.atMs, Infinity));
  }, 0);
}

it('agrees with the definition over 60 worlds of the swarm', async () => {
  const trace: TraceEvent[] = [];
  const differing: string[] = [];
  let sumMs = 0;
  for (let index = 0; index < 60; index++) {
    trace.length = 0;
    const { findings, endMs } = await observe(drawScenario(1, index, 600_000), (event) => void trace.push(event));
    const expectedMs = ghostMs(trace, endMs);
    sumMs += expectedMs;
    if (Math.abs(findings.ghostMs - expectedMs) <= 0.01) continue;
    differing.push(`run ${index}: ${findings.ghostMs} ms, by the definition ${expectedMs} ms`);
  }
  expect(differing).toEqual([]);
  expect(sumMs).toBeGreaterThan(0);
}, 120_000);
