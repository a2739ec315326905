/** A run on the simulated network, in virtual time, against a server of our own. */

import type { Server } from '../../firmware/index.ts';
import { nodeClock } from '../../hal/node/index.ts';
import type { Firmware } from '../board/board.ts';
import type { Device } from '../device.ts';
import type { Capture } from '../link/capture.ts';
import type { LinkOptions } from '../link/options.ts';
import type { NetstatRow } from '../netstat.ts';
import { referenceServer } from '../programs.ts';
import { Simulation } from '../simulation.ts';
import type { Testbed } from '../testbed.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { Fleet } from './fleet.ts';
import { OutputFile } from './output-file.ts';
import { Progress } from './progress.ts';
import type { RunSettings } from './run-settings.ts';
import type { Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

/** Between each device and the switch; the server's cable takes no time and loses nothing. */
const DEVICE_LINK = { delay: '20ms', loss: '1%' } satisfies LinkOptions;

export class SimulatedVenue implements Venue {
  readonly #settings: RunSettings;
  readonly #sim: Simulation;
  readonly #signal = { aborted: false };
  readonly #progress: Progress;
  /** Ends the pause between two slices of work. */
  #goOn: () => void = () => {};
  readonly #file: OutputFile | undefined;
  readonly #capture: Capture | undefined;

  /** Throws a Problem where a capture cannot be written. */
  constructor(settings: RunSettings, terminal: Terminal, fleet: Fleet, onTrace: (event: TraceEvent) => void) {
    const clock = nodeClock();
    this.#settings = settings;
    this.#file = settings.pcap === undefined ? undefined : new OutputFile('--pcap', settings.pcap, (sentence) => {
      // The run has more to tell than what is captured of it.
      terminal.log(`cablepull: ${sentence}`);
      this.#capture?.end();
    });
    this.#sim = new Simulation({
      seed: settings.seed,
      repeat: settings.repeatWithoutFiles,
      onTrace: (event) => {
        if (event.source === 'fault') {
          this.#capture?.comment(`${event.host}: ${event.kind === 'fault' ? 'FAULT' : 'healed'} ${event.text}`);
        }
        onTrace(event);
      },
      pacing: {
        speed: Infinity,
        now: () => clock.now(),
        // Virtual time can wait for a slow reader; what it has not read would fill the memory. A run that is to end
        // waits for nobody.
        sleep: (ms) => new Promise((resolve) => {
          this.#goOn = resolve;
          terminal.whenRead(() => clock.setAlarm(clock.now() + ms, resolve));
        }),
        signal: this.#signal,
        onProgress: () => this.#progress.turn(this.#sim.nowMs),
      },
    });
    this.#progress = new Progress(terminal, fleet, nodeClock(), settings);
    const file = this.#file;
    this.#capture = file && this.#sim.capture((bytes) => file.write(bytes), [settings.repeatWithoutFiles]);
  }

  get testbed(): Testbed {
    return this.#sim.testbed;
  }

  get description(): string {
    return `against our own server on a simulated network (${DEVICE_LINK.delay} and ${DEVICE_LINK.loss} loss each way)`;
  }

  async open(): Promise<readonly Server[]> {
    this.#sim.addServer(referenceServer(this.#settings.embeddedServer));
    return this.#settings.firmware.servers;
  }

  addDevice(name: string, firmware: Firmware): Device {
    return this.#sim.addDevice({ name, firmware, link: DEVICE_LINK, power: false });
  }

  async pass(): Promise<void> {
    const { forMs } = this.#settings;
    if (forMs === undefined) throw new Error('a simulated run must have an end');
    await this.#sim.runFor(forMs);
  }

  stop(): void {
    this.#signal.aborted = true;
    // Where it is called by what happens in the simulation, that is to be the last thing that happens.
    this.#sim.engine.stop();
    this.#goOn();
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
