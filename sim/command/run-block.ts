/** Simulates a block of a run from start to end. */

import { formatFault } from '../faults/fault.ts';
import { targetsOf } from '../faults/hosts.ts';
import { SERVER_NAME } from '../programs.ts';
import { Simulation } from '../simulation.ts';
import type { Findings } from '../verdict/verdict.ts';
import type { DeviceBlock } from './blocks.ts';
import { firmwareByGroup } from './device-groups.ts';
import { addOwnServer, DeviceHosts } from './device-hosts.ts';
import { mergeMoments, type FaultMoment } from './fault-moments.ts';
import { Fleet, type FleetTally } from './fleet.ts';
import { powerOnMs, type RunSettings } from './run-settings.ts';
import { DEVICE_LINK } from './simulated-venue.ts';

/** Result of a block. */
export interface BlockResult {
  readonly fleet: FleetTally;
  readonly findings: Findings;
  readonly moments: readonly FaultMoment[];
  /** Times at which devices were connected again, in order. */
  readonly reconnectsMs: readonly number[];
}

/** Number of moments at which those that will not be shown are dropped; no plan has this many lines. */
const MOMENTS_KEPT_MAX = 100_000;

export async function runBlock(settings: RunSettings, { before, deviceCount }: DeviceBlock): Promise<BlockResult> {
  const { seed, arp, plan, devices, servers, forMs } = settings;
  if (forMs === undefined) throw new Error('a simulated run must have an end');
  const lines = plan.map(formatFault);
  const fleet = new Fleet(deviceCount, servers.length);
  let moments: FaultMoment[] = [];
  const everConnected = new Set<string>();
  const reconnectsMs: number[] = [];
  const sim = new Simulation({
    seed,
    arp,
    countsBeats: true,
    onTrace(event) {
      fleet.add(event);
      if (event.kind === 'connected') {
        if (everConnected.has(event.device)) reconnectsMs.push(event.atMs);
        everConnected.add(event.device);
      }
      if (event.source !== 'fault') return;
      moments.push({ event, hosts: 1 });
      if (moments.length === MOMENTS_KEPT_MAX) moments = mergeMoments(moments, lines);
    },
  });
  const names = devices.names.slice(before, before + deviceCount);
  const firmwareOf = firmwareByGroup(addOwnServer(sim, devices));
  const hostsOf = new DeviceHosts(sim, DEVICE_LINK);
  for (const [i, name] of names.entries()) {
    const group = devices.groupAt(before + i);
    const options = { name, firmware: firmwareOf(group), ...hostsOf.optionsOf(group.make) };
    sim.testbed.switchOn(sim.addDevice({ ...options, power: false }), powerOnMs(before + i, settings));
  }
  const hosts = { network: 'simulated', devices: names, servers: [SERVER_NAME] } as const;
  sim.schedule(plan.filter((fault) => targetsOf(fault, hosts).length > 0));
  await sim.runFor(forMs);
  sim.testbed.traceEnd();
  fleet.addBeats(sim.testbed.beats);
  return {
    fleet: fleet.tally(),
    findings: sim.testbed.witness.judge.findings(sim.nowMs),
    moments: mergeMoments(moments, lines),
    reconnectsMs,
  };
}
