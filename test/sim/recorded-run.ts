/**
 * A run with everything in it, recorded: its capture, its trace, and what each host has sent. Run as a program it
 * prints their hashes.
 */

import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { PcapngWriter } from '../../sim/link/pcapng.ts';
import { burstLoss } from '../../sim/link/rules/burst-loss.ts';
import { corrupt } from '../../sim/link/rules/corrupt.ts';
import { duplicate } from '../../sim/link/rules/duplicate.ts';
import { reorder } from '../../sim/link/rules/reorder.ts';
import { heartbeatFirmware, referenceServer } from '../../sim/programs.ts';
import { Simulation } from '../../sim/simulation.ts';
import { PROFILE_NAMES, type ProfileName } from '../../sim/tcpip/profile.ts';

export interface Recording {
  /** pcapng, byte for byte. */
  readonly capture: string;
  readonly trace: string;
  readonly frames: number;
  /** Text for each device: its events, and the packets that it sent, without the numbers that its peer has chosen. */
  readonly devices: ReadonlyMap<string, string>;
  /** Port of the first packet of each host. */
  readonly firstPorts: ReadonlyMap<string, number>;
}

/** A minute of devices of every kind, on bad cables, under faults. */
export async function record(seed: number, devices: number, serverProfile: ProfileName = 'linux'): Promise<Recording> {
  const lines: string[] = [];
  const ofDevice = new Map<string, string[]>();
  const note = (name: string, line: string): void => {
    const known = ofDevice.get(name);
    if (known === undefined) ofDevice.set(name, [line]);
    else known.push(line);
  };
  const sim = new Simulation({
    seed,
    onTrace: (event) => {
      lines.push(JSON.stringify(event));
      if (event.source === 'device') note(event.device, JSON.stringify(event));
    },
  });
  const bytes = createHash('sha256');
  const capture = new PcapngWriter((piece) => bytes.update(piece), [`seed ${seed}`]);
  let frames = 0;
  const firstPorts = new Map<string, number>();
  sim.fabric.observer = {
    sent: (packet, link, direction) => {
      // Each packet is recorded once, at the near end of its sender's cable.
      if (direction !== 'tx') return;
      frames++;
      if (!firstPorts.has(link.name)) firstPorts.set(link.name, packet.sourcePort);
      capture.packet(sim.engine.nowUs, link.name, packet);
      note(
        link.name,
        `${sim.nowMs} ${packet.sourcePort} ${packet.seq} ${packet.flags} ${packet.window} ${packet.payloadBytes}`,
      );
    },
    delivered: () => {},
    dropped: () => {},
  };
  sim.addServer(referenceServer(), { profile: serverProfile, link: { delay: '5ms' } });
  for (let i = 0; i < devices; i++) {
    const board = sim.addDevice({
      firmware: heartbeatFirmware({
        beatIntervalMs: 1000,
        dataIntervalMs: 700,
        dataBytes: 300,
        retry: { baseMs: 100, capMs: 1000 },
      }),
      profile: PROFILE_NAMES[i % PROFILE_NAMES.length] ?? 'lwip',
      link: { delay: '20ms', jitter: '10ms', loss: '3%', bandwidth: '1Mbit/s' },
      driftPpm: 10 * i,
    });
    const link = sim.host(board.name)?.link;
    link?.install('both', burstLoss({ goodToBad: 0.01, badToGood: 0.2, lossInGood: 0, lossInBad: 0.8 }));
    link?.install('rx', duplicate(0.05));
    link?.install('tx', reorder(0.05, 30));
    link?.install('both', corrupt(0.02));
    sim.at(10_000 + 100 * i, () => board.power.cut());
    sim.at(12_000 + 100 * i, () => board.power.restore());
    sim.at(30_000 + 100 * i, () => board.resetConnections());
  }
  await sim.runFor('1m');
  capture.end();
  return {
    capture: bytes.digest('hex'),
    trace: hash(lines),
    frames,
    devices: new Map([...ofDevice].map(([name, its]) => [name, hash(its)])),
    firstPorts,
  };
}

function hash(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { capture, trace, frames } = await record(Number(process.argv[2]), Number(process.argv[3]));
  console.log(`${capture} ${trace} ${frames}`);
}
