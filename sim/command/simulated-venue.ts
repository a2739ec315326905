/** A run on the simulated network, in virtual time, against our own server or the user's own Node program. */

import type { Server } from '../../firmware/index.ts';
import { nodeClock } from '../../hal/node/index.ts';
import type { Firmware } from '../board/board.ts';
import type { Device } from '../device.ts';
import type { Capture } from '../link/capture.ts';
import type { LinkOptions } from '../link/options.ts';
import type { NetstatRow } from '../netstat.ts';
import { nodeProgram, ProgramError, type NodeProgram } from '../node-host/program.ts';
import { portOf } from '../program-port.ts';
import { SERVER_NAME } from '../programs.ts';
import { Simulation } from '../simulation.ts';
import type { Testbed } from '../testbed.ts';
import type { TraceEvent } from '../trace/trace.ts';
import { formatSeconds } from '../time/duration.ts';
import type { DeviceGroup } from './device-groups.ts';
import { addOwnServer, DeviceHosts, linkText } from './device-hosts.ts';
import type { DeviceMake } from './device-options.ts';
import { type Fleet, READABLE_DEVICES } from './fleet.ts';
import { OutputFile } from './output-file.ts';
import { Problem } from './problem.ts';
import type { ProgramFile, Programs } from './program-options.ts';
import { earlyEnd, programProblem } from './program-problem.ts';
import { Pace, PIECE_MS } from './pace.ts';
import { Progress } from './progress.ts';
import type { RunSettings } from './run-settings.ts';
import type { Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

/** Cable between each device and the switch. The server's own cable has no delay and no loss. */
export const DEVICE_LINK = { delay: '20ms', loss: '1%' } satisfies LinkOptions;

/** Virtual time in which an action on the live page takes effect (live-page/hands.ts, nextMoment). */
const HAND_MS = 0.2;

export class SimulatedVenue implements Venue {
  readonly pace: Pace | undefined;
  readonly #settings: RunSettings;
  readonly #terminal: Terminal;
  #isStopped = false;
  /** Reason why the server's program ended; undefined while it runs. */
  #whyEnded: string | undefined = undefined;
  readonly #sim: Simulation;
  readonly #hosts: DeviceHosts;
  readonly #signal = { aborted: false };
  readonly #progress: Progress;
  /** Ends the pause between two slices of work. */
  #goOn: () => void = () => {};
  readonly #file: OutputFile | undefined;
  readonly #capture: Capture | undefined;

  /** Throws a Problem if the capture cannot be written. */
  constructor(settings: RunSettings, terminal: Terminal, fleet: Fleet, onTrace: (event: TraceEvent) => void) {
    const clock = nodeClock();
    this.#settings = settings;
    this.#terminal = terminal;
    const { liveSpeed } = settings;
    const pace = liveSpeed === undefined ? undefined : new Pace(liveSpeed);
    this.pace = pace;
    this.#file = settings.pcap === undefined ? undefined : new OutputFile('--pcap', settings.pcap, (sentence) => {
      // The run goes on without its capture.
      terminal.log(`cablepull: ${sentence}`);
      this.#capture?.end();
    });
    this.#sim = new Simulation({
      seed: settings.seed,
      arp: settings.arp,
      repeat: settings.repeatWithoutFiles,
      offlineLog: settings.offlineLog,
      // Each beat is an event only if something prints or draws it.
      countsBeats: !settings.json && !settings.live && settings.report === undefined,
      onTrace: (event) => {
        if (event.source === 'fault') {
          this.#capture?.comment(`${event.host}: ${event.kind === 'fault' ? 'FAULT' : 'healed'} ${event.text}`);
        }
        onTrace(event);
      },
      pacing: {
        get speed() {
          return pace?.speed ?? Infinity;
        },
        now: () => clock.now(),
        // Virtual time waits for a slow reader, because unread output would fill the memory. A run that is stopped does
        // not wait.
        sleep: (ms) => new Promise((resolve) => {
          this.#goOn = resolve;
          terminal.whenRead(() => clock.setAlarm(clock.now() + ms, resolve));
        }),
        signal: this.#signal,
        onProgress: () => this.#progress.turn(this.#sim.nowMs),
      },
    });
    this.#hosts = new DeviceHosts(this.#sim, DEVICE_LINK);
    this.#progress = new Progress(terminal, fleet, nodeClock(), settings);
    const file = this.#file;
    this.#capture = file && this.#sim.capture((bytes) => file.write(bytes), [settings.repeatWithoutFiles]);
  }

  get testbed(): Testbed {
    return this.#sim.testbed;
  }

  get description(): string {
    const server = this.#settings.programs?.server?.file ?? 'our own server';
    const usual = `${DEVICE_LINK.delay} and ${DEVICE_LINK.loss} loss each way`;
    const link = linkText(this.#settings.devices, usual, 'links as given');
    return `against ${server} on a simulated network (${link})`;
  }

  async open(): Promise<(group: DeviceGroup) => readonly Server[]> {
    const { programs, devices, servers } = this.#settings;
    if (programs?.server === undefined) return addOwnServer(this.#sim, devices);
    const { port } = programs.server;
    const server = this.#sim.addServer(this.#programOf(programs.server, programs));
    try {
      const found = await portOf(this.#sim, server, { transport: this.#settings.transport, port });
      // If the run is stopped meanwhile, it needs no server.
      if (this.#isStopped) return () => servers;
      if (typeof found === 'number') return () => [{ host: SERVER_NAME, port: found }];
      throw this.#whyEnded === undefined ? new Problem(1, found) : earlyEnd(programs.server, this.#whyEnded);
    } catch (error) {
      throw error instanceof ProgramError ? programProblem(programs.server, error) : error;
    }
  }

  addDevice(name: string, firmware: Firmware, make: DeviceMake): Device {
    const { programs } = this.#settings;
    return this.#sim.addDevice({
      name,
      firmware: programs?.device === undefined ? firmware : this.#programOf(programs.device, programs),
      ...this.#hosts.optionsOf(make),
      power: false,
    });
  }

  #programOf({ file, args }: ProgramFile, { restart }: Programs): NodeProgram {
    const { deviceCount } = this.#settings;
    return nodeProgram(file, {
      args,
      restart,
      onOutput: (line, host) => {
        if (host === SERVER_NAME || deviceCount <= READABLE_DEVICES) this.#printOf(host, line);
      },
      onEnd: ({ host, stack, why }) => {
        if (host === SERVER_NAME) this.#whyEnded = stack ?? why;
        for (const line of stack?.split('\n') ?? []) this.#printOf(host, line);
      },
    });
  }

  #printOf(host: string, line: string): void {
    this.#terminal.log([{ style: 'dim', text: `${formatSeconds(this.#sim.nowMs).padStart(9)}  ${host} |` }, ` ${line}`]);
  }

  async pass(): Promise<void> {
    const { forMs } = this.#settings;
    if (forMs === undefined && this.pace === undefined) throw new Error('a simulated run must have an end');
    const endMs = forMs ?? Infinity;
    const restMs = endMs - this.#sim.nowMs;
    try {
      if (this.pace !== undefined) await this.#passAt(this.pace, endMs);
      else if (restMs > 0 && !this.#isStopped) await this.#sim.runFor(restMs);
    } catch (error) {
      const { device } = this.#settings.programs ?? {};
      throw error instanceof ProgramError && device !== undefined ? programProblem(device, error) : error;
    }
  }

  /** Lets time pass up to the end or `stop`, at the speed of the live page. */
  async #passAt(pace: Pace, forMs: number): Promise<void> {
    const sim = this.#sim;
    while (!this.#signal.aborted && sim.nowMs < forMs) {
      if (pace.isPaused) {
        await pace.change();
        // An action on the live page takes effect even in a pause.
        if (pace.isPaused) await sim.runFor(HAND_MS);
      } else {
        await sim.runFor(Math.min(PIECE_MS * pace.speed, forMs - sim.nowMs));
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#signal.aborted = true;
    // If an event of the simulation calls `stop`, it is the last event.
    this.#sim.engine.stop();
    this.#goOn();
    this.pace?.wake();
  }

  async netstat(): Promise<NetstatRow[]> {
    return this.#sim.netstat();
  }

  async close(): Promise<boolean> {
    this.#progress.end();
    this.#capture?.end();
    return this.#file?.close() ?? true;
  }
}
