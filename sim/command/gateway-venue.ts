/** A run of simulated devices against the user's own server, in a network namespace of its own, in real time. */

import type { Server } from '../../firmware/index.ts';
import type { Firmware } from '../board/board.ts';
import type { Device } from '../device.ts';
import type { Capture } from '../link/capture.ts';
import type { LinkOptions } from '../link/options.ts';
import type { NetstatRow } from '../netstat.ts';
import { ServerBench, ServerBenchError, type ServerBenchOptions } from '../server-bench/index.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { DeviceMake } from './device-options.ts';
import { DeviceHosts, linkText } from './device-hosts.ts';
import type { Fleet } from './fleet.ts';
import { Live } from './live.ts';
import { OutputFile } from './output-file.ts';
import { Problem } from './problem.ts';
import type { OwnServer, RunSettings } from './run-settings.ts';
import type { Terminal } from './terminal.ts';
import type { Venue } from './venue.ts';

/**
 * Cable between each device and the switch. It loses nothing unless the plan says so: a real-time run cannot be
 * repeated anyway.
 */
const DEVICE_LINK = { delay: '20ms' } satisfies LinkOptions;

export class GatewayVenue implements Venue {
  readonly pace = undefined;
  readonly description: string;
  readonly #settings: RunSettings;
  readonly #terminal: Terminal;
  readonly #fleet: Fleet;
  readonly #bench: ServerBench;
  readonly #file: OutputFile | undefined;
  readonly #capture: Capture | undefined;
  readonly #hosts: DeviceHosts;
  #live: Live | undefined = undefined;
  #isStopped = false;

  /** Throws a Problem if the capture cannot be written. */
  constructor(
    settings: RunSettings,
    { command, port, tun }: OwnServer,
    terminal: Terminal,
    fleet: Fleet,
    onTrace: (event: TraceEvent) => void,
  ) {
    this.#settings = settings;
    this.#terminal = terminal;
    this.#fleet = fleet;
    const away = linkText(settings.devices, `${DEVICE_LINK.delay} away from`, 'over their own links from');
    this.description =
      tun === undefined
        ? `${away} ${command.join(' ')}, in a network namespace of its own`
        : `${away} this host's network, against ${tun.server.address}:${tun.server.port}`;
    this.#file =
      settings.pcap === undefined
        ? undefined
        : new OutputFile('--pcap', settings.pcap, (sentence) => {
            // The run goes on without its capture.
            terminal.log(`cablepull: ${sentence}`);
            this.#capture?.end();
          });
    this.#bench = benchOf({
      command,
      transport: settings.transport,
      ...(port !== undefined && { port }),
      ...(settings.offlineLog !== undefined && { offlineLog: settings.offlineLog }),
      ...(tun !== undefined && { tun }),
      seed: settings.seed,
      repeat: settings.repeatWithoutFiles,
      onOutput: (line) => terminal.log([{ style: 'dim', text: 'server |' }, ` ${line}`]),
      onTrace: (event) => {
        if (event.source === 'fault') {
          this.#capture?.comment(`${event.host}: ${event.kind === 'fault' ? 'FAULT' : 'healed'} ${event.text}`);
        }
        onTrace(event);
      },
    });
    this.#hosts = new DeviceHosts(this.#bench, DEVICE_LINK);
    const file = this.#file;
    this.#capture = file && this.#bench.capture((bytes) => file.write(bytes), [settings.repeatWithoutFiles]);
  }

  get testbed(): ServerBench['testbed'] {
    return this.#bench.testbed;
  }

  async open(): Promise<() => readonly Server[]> {
    try {
      await this.#bench.open();
    } catch (error) {
      // If the run is stopped meanwhile, it needs no server.
      if (this.#isStopped) return () => this.#settings.servers;
      if (error instanceof ServerBenchError) throw new Problem(1, error.message);
      throw error;
    }
    return () => this.#bench.servers;
  }

  addDevice(name: string, firmware: Firmware, make: DeviceMake): Device {
    return this.#bench.addDevice({ name, firmware, ...this.#hosts.optionsOf(make), power: false });
  }

  async pass(): Promise<void> {
    if (this.#isStopped) return;
    this.#live = new Live(this.#terminal, this.#fleet, this.testbed.agenda, this.#settings.json);
    await this.#bench.runFor(this.#settings.forMs ?? Number.MAX_SAFE_INTEGER / 1e6);
  }

  stop(): void {
    this.#isStopped = true;
    this.#bench.interrupt();
  }

  netstat(): Promise<NetstatRow[]> {
    return this.#bench.netstatOfAll();
  }

  async close(): Promise<boolean> {
    this.#live?.end();
    this.#reportPace();
    await this.#bench.stop();
    this.#capture?.end();
    return this.#file?.close() ?? true;
  }

  /** Logs how closely device time followed real time, which the server's kernel uses. */
  #reportPace(): void {
    const { realTime } = this.#bench;
    if (realTime === undefined || this.#live === undefined) return;
    const { lateness, lagMsMax, stoodStillMs } = realTime;
    const timesMs = [lateness.quantileMs(0.5), lateness.quantileMs(0.99), lagMsMax];
    const [median, p99, lag] = timesMs.map((ms) => ms.toFixed(1));
    const still = stoodStillMs === 0 ? '' : `, and stood still for ${stoodStillMs.toFixed(0)} ms`;
    this.#terminal.log(
      `timers were late by ${median} ms (median), ${p99} ms (p99); device time lagged by at most ${lag} ms${still}`,
    );
  }
}

/** Throws a Problem if there is no network to attach the devices to. */
function benchOf(options: ServerBenchOptions): ServerBench {
  try {
    return new ServerBench(options);
  } catch (error) {
    if (error instanceof ServerBenchError) throw new Problem(1, error.message);
    throw error;
  }
}
