/**
 * `cablepull/server-bench`: simulated devices and cables against a real server, in real time. The server is started in
 * a network namespace of its own, on a machine whose cable can be pulled and whose power can be cut; its TCP is the
 * real kernel's.
 *
 *     const bench = await ServerBench.start({ command: ['node', 'server.js'] });
 *     const device = bench.addDevice({ firmware: heartbeatFirmware({ servers: bench.servers }) });
 *     await bench.runFor('5s');
 *     device.power.cut();
 *     await expect(bench).toNotice(device, { by: 'server', within: '20s' });
 *     await bench.stop();
 */

import process from 'node:process';
import { nodeClock, nodeRandom } from '../../hal/node/index.ts';
import type { Device, HeldMachine } from '../device.ts';
import type { Server } from '../../firmware/index.ts';
import { formatAddress, parseAddress } from '../packet/address.ts';
import { SERVER_NAME } from '../programs.ts';
import { type DeviceOptions, Simulation, type SimulationOptions } from '../simulation.ts';
import { type Duration, durationMs } from '../time/duration.ts';
import { ServerEnds } from '../gateway/server-ends.ts';
import type { HelperEvent, Interpreter } from './helper.ts';
import { whyNoNamespace, whyNotHere } from './why-no-namespace.ts';
import { attachByTun, IN_NAMESPACE, type TunOptions } from './attachment.ts';
import { type Listening, sleep, socketsOf, type Transport, waitUntilListening } from './listening.ts';
import { kernelNetstat } from '../gateway/kernel-netstat.ts';
import type { NetstatRow } from '../netstat.ts';
import { ServerMachine } from './server-machine.ts';

type SharedOptions = Pick<SimulationOptions, 'seed' | 'onTrace' | 'repeat' | 'witness' | 'offlineLog'>;

export interface ServerBenchOptions extends SharedOptions {
  /** The server: a program and its arguments, in the working directory of this process. Empty with `tun`. */
  readonly command: readonly string[];
  /** A server that runs already, reached over the host's own network, in place of a command. */
  readonly tun?: TunOptions;
  /** Port of the server; default: found out. */
  readonly port?: number;
  /** Whether devices send the server datagrams. Default: they connect to it (`stream`). */
  readonly transport?: Transport;
  /** Longest wait until the server listens. Default 30 s. */
  readonly listenWithin?: Duration;
  /** Interpreter of the helper that keeps the server's network: default Perl, or Python if there is no Perl. */
  readonly interpreter?: Interpreter;
  /** Each line that it prints. */
  readonly onOutput?: (line: string) => void;
}

const MTU_BYTES = 1500;

const LISTEN_WITHIN_MS = 30_000;

/** Lines of the server's that are kept, for a message about how it ended. */
const LAST_LINES = 10;

/** Time within which the last output of an ended server is heard. */
const LAST_WORDS_MS = 100;

/** Time that the server has to end by itself after SIGTERM. */
const TERMINATE_MS = 2000;

/** A sentence about the server for the user who started it. */
export class ServerBenchError extends Error {
  override readonly name = 'ServerBenchError';
}

export class ServerBench extends Simulation {
  /** The machine that the server runs on, to pull its cable or cut its power by hand. */
  readonly server: HeldMachine;
  readonly #options: ServerBenchOptions;
  readonly #machine: ServerMachine;
  readonly #lastLines: string[] = [];
  readonly #listeners = new Set<(event: HelperEvent) => void>();
  readonly #deviceAt = new Map<string, string>();
  #port = 0;

  /**
   * Starts the server, and waits until it listens. Rejects with a ServerBenchError when it does not, or there is
   * nowhere to start it.
   */
  static async start(options: ServerBenchOptions): Promise<ServerBench> {
    const bench = new ServerBench(options);
    await bench.open();
    return bench;
  }

  /** A bench whose server is not started yet. */
  constructor(benchOptions: ServerBenchOptions) {
    const { command, tun, interpreter, onOutput, ...options } = benchOptions;
    const attachment = tun === undefined ? IN_NAMESPACE : attachByTun(tun);
    if (typeof attachment === 'string') throw new ServerBenchError(attachment);
    const { interfaceName, block, address, setAddress, netmask, serverAddress, canLook } = attachment;
    let machine: ServerMachine | undefined = undefined;
    const write = (bytes: Uint8Array): void => machine?.write(bytes);
    const clock = nodeClock();
    const salt = nodeRandom.uint32();
    super({ ...options, gateway: { block, address, salt, write, clock } });
    this.names.set(SERVER_NAME, [formatAddress(serverAddress)]);
    const { gate, realTime, testbed } = this;
    if (gate === undefined || realTime === undefined) throw new Error('a gateway has a gate and a time of its own');
    machine = new ServerMachine(gate, {
      name: SERVER_NAME,
      interfaceName,
      interpreter,
      address: setAddress,
      netmask,
      mtuBytes: MTU_BYTES,
      command,
      onEvent: (event) => {
        realTime.arrived(() => this.#traceProcess(event));
        for (const listener of this.#listeners) listener(event);
      },
      onOff: () => ends.forgetAll(),
      onLook: (address, devicePort, look) => {
        const deviceAddress = parseAddress(address) ?? 0;
        realTime.arrived(() => ends.looked({ deviceAddress, devicePort }, look));
      },
      onPackets: (bytes) => realTime.arrived(() => gate.arrive(bytes)),
      onOutput: (line) => {
        this.#lastLines.push(line);
        if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
        onOutput?.(line);
        const device = this.deviceIn(line);
        if (device === undefined) return;
        const event = { source: 'process', server: SERVER_NAME, kind: 'put-offline', device, line } as const;
        realTime.arrived(() => testbed.trace(event));
      },
    }, () => {
      for (const { stack } of this.hosts) stack?.resetAll();
    });
    const ends = new ServerEnds({
      timeline: this.engine,
      canLook: () => canLook,
      look: (pair) => machine.look(pair),
      lookForClosed: () => machine.lookForClosed(),
      onGone: (local, by) => {
        const device = this.#deviceAt.get(local.address);
        if (device !== undefined) testbed.trace({ source: 'bench', device, kind: 'hung-up', local, by });
      },
    });
    gate.witness = ends;
    this.#options = benchOptions;
    this.#machine = machine;
    this.server = testbed.addServerMachine(machine);
  }

  override addDevice(options: DeviceOptions): Device {
    const device = super.addDevice(options);
    const host = this.host(device.name);
    if (host !== undefined) this.#deviceAt.set(formatAddress(host.address), device.name);
    return device;
  }

  #traceProcess(event: HelperEvent): void {
    const ofServer = { source: 'process', server: SERVER_NAME } as const;
    if (event.kind === 'started') this.testbed.trace({ ...ofServer, kind: 'process-started' });
    if (event.kind !== 'exit') return;
    const { status, signal } = event;
    this.testbed.trace({ ...ofServer, kind: 'process-ended', status, signal });
  }

  /** Address that devices connect to, for a firmware's settings. */
  get servers(): readonly [Server] {
    return [{ host: SERVER_NAME, port: this.#port }];
  }

  /** Ends the run that is going on, or the wait for the server to listen. */
  interrupt(): void {
    this.realTime?.stop();
    for (const listener of this.#listeners) listener({ kind: 'ended', why: 'interrupted' });
  }

  /** Every connection of every device, and of the server, as it is now. */
  async netstatOfAll(): Promise<NetstatRow[]> {
    const { pid } = this.#machine;
    const sockets = pid === undefined ? [] : await socketsOf(pid);
    const names = (address: string): string | undefined => this.#deviceAt.get(address);
    return [...this.netstat(), ...kernelNetstat(SERVER_NAME, sockets, names)];
  }

  /** Ends the server: it is asked to, and has two seconds. Then nothing is left. */
  async stop(): Promise<void> {
    this.realTime?.stop();
    this.testbed.stop();
    if (this.#machine.state !== 'off' && this.#options.command.length > 0) {
      this.#machine.terminate();
      await this.#hears((event) => event.kind === 'exit' || event.kind === 'ended', TERMINATE_MS);
    }
    this.#machine.kill();
  }

  /**
   * Starts the server, and waits until it listens. Rejects with a ServerBenchError when it does not, or there is
   * nowhere to start it.
   */
  async open(): Promise<void> {
    try {
      await this.#open(this.#options);
    } catch (error) {
      this.#machine.kill();
      throw error;
    }
  }

  async #open(options: ServerBenchOptions): Promise<void> {
    const { command, tun, port, transport = 'stream', listenWithin = LISTEN_WITHIN_MS } = options;
    const notHere = whyNotHere(process.platform);
    if (notHere !== undefined) throw new ServerBenchError(notHere);
    if (tun !== undefined) return this.#attach(tun);
    if (command.length === 0) throw new ServerBenchError('there is no command to start the server with');
    this.#machine.power.restore();
    const gone = this.#hears(
      (event) => event.kind === 'exit' || event.kind === 'ended' || event.kind === 'cannot-start',
    );
    const listening = await Promise.race([
      waitUntilListening(() => this.#machine.pid, transport, port, durationMs(listenWithin)),
      gone.then((event) => this.#describeEnd(command, event)),
    ]);
    if (typeof listening === 'string') {
      // The program's last output arrives by another pipe than the news of its end.
      await sleep(LAST_WORDS_MS);
      throw new ServerBenchError(listening + this.#lastWords());
    }
    this.#port = portOf(listening, command);
  }

  async #attach({ server }: TunOptions): Promise<void> {
    this.#port = server.port;
    const answer = this.#hears((event) => event.kind === 'ready' || event.kind === 'ended');
    this.#machine.power.restore();
    const event = await answer;
    if (event?.kind === 'ended') throw new ServerBenchError(whyNoNamespace(event.why));
  }

  /** The first event that is so; undefined when none was in time. */
  #hears(isIt: (event: HelperEvent) => boolean, withinMs = Infinity): Promise<HelperEvent | undefined> {
    return new Promise((resolve) => {
      const clock = nodeClock();
      const settle = (event?: HelperEvent): void => {
        this.#listeners.delete(listener);
        clock.clearAlarm();
        resolve(event);
      };
      const listener = (event: HelperEvent): void => {
        if (isIt(event)) settle(event);
      };
      this.#listeners.add(listener);
      if (withinMs !== Infinity) clock.setAlarm(withinMs, () => settle());
    });
  }

  #describeEnd(command: readonly string[], event: HelperEvent | undefined): string {
    const [program = ''] = command;
    switch (event?.kind) {
      case 'cannot-start':
        return `${program} could not be started: ${event.why}`;
      case 'exit':
        return `${program} ended before it listened, ${event.signal === 0 ? `with status ${event.status}` : `by signal ${event.signal}`}`;
      case 'ended':
        return whyNoNamespace(event.why);
      default:
        throw new Error('the helper has told of something else');
    }
  }

  #lastWords(): string {
    return this.#lastLines.length === 0
      ? ''
      : `; it printed last:\n${this.#lastLines.map((line) => `  ${line}`).join('\n')}`;
  }
}

function portOf(listening: Listening, [program = '']: readonly string[]): number {
  const [port, ...others] = listening.ports;
  if (port === undefined) throw new ServerBenchError(`${program} has not listened on any port yet`);
  if (others.length > 0) {
    throw new ServerBenchError(
      `${program} listens on ports ${listening.ports.join(', ')}: say which is meant, as in --server :${port}`,
    );
  }
  return port;
}
