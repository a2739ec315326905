/**
 * The simulated world: hosts on a star of cables, in virtual time.
 *
 *     const sim = new Simulation({ seed: 1 });
 *     const server = sim.addServer(referenceServer({ keepAlive: { idle: 3, interval: 3, count: 3 } }));
 *     const device = sim.addDevice({ firmware: heartbeatFirmware(), link: { delay: '20ms', loss: '1%' } });
 *     await sim.runFor('10s');
 *     device.cable.pull();
 *
 * The same seed and the same calls give the same events, to the byte.
 */

import type { Hal } from '../hal/hal.ts';
import type { Board, Firmware } from './board/board.ts';
import type { Device } from './device.ts';
import type { Fault } from './faults/fault.ts';
import type { SpoiltNetwork } from './faults/kind.ts';
import { Gate } from './gateway/gate.ts';
import type { GatewayOptions } from './gateway/options.ts';
import { interfaceOf } from './host-interface.ts';
import { INSIDE, Lan, OUTSIDE } from './lan.ts';
import { Capture } from './link/capture.ts';
import { FlowTable } from './link/flow-table.ts';
import type { PacketEnds } from './link/flows.ts';
import { LineTracer } from './link/line-tracer.ts';
import { Cable } from './link/cable.ts';
import { Nat, type NatEvent } from './link/nat.ts';
import { natTimeouts, type SimulatedNatOptions } from './link/nat-options.ts';
import { addObserver } from './link/observers.ts';
import { LineMaker, type LinkOptions } from './link/options.ts';
import { type Direction, Fabric } from './link/fabric.ts';
import { NodeProgram } from './node-host/program.ts';
import { type BootableHost, type HandleCounts, type OpenPort, NodeWorld } from './node-host/world.ts';
import { netstat, type NetstatRow } from './netstat.ts';
import { formatAddress, parseAddress } from './packet/address.ts';
import { frameOf } from './packet/ethernet.ts';
import { type Packet, PacketPool } from './packet/packet.ts';
import { SERVER_NAME, type ServerProgram } from './programs.ts';
import type { ServerEvent } from './server/events.ts';
import type { ReferenceServer } from './server/server.ts';
import { ByteQueuePool } from './tcpip/byte-queue.ts';
import { Host, type HostContext } from './tcpip/host.ts';
import { type Profile, PROFILE_NAMES, type ProfileName } from './tcpip/profile.ts';
import { PROFILES } from './tcpip/profiles/index.ts';
import { Testbed } from './testbed.ts';
import { type Duration, durationMs, durationUs, formatDuration } from './time/duration.ts';
import { Engine } from './time/engine.ts';
import { type PacingOptions, runPaced } from './time/pacing.ts';
import { RealTime } from './time/real-time.ts';
import { VirtualBoot } from './time/virtual-boot.ts';
import { VirtualClock } from './time/virtual-clock.ts';
import type { TraceEvent } from './trace/trace.ts';

export interface SimulationOptions {
  /** All chance follows from it. Default 1. */
  readonly seed?: number;
  /** Everything that happens, as it happens. */
  readonly onTrace?: (event: TraceEvent) => void;
  /**
   * Pace of virtual time in relation to real time, which also lets the host live. Without it a run takes no longer than
   * it has to, and does nothing else.
   */
  readonly pacing?: PacingOptions;
  /** A real network that the devices are joined to, in real time, in place of `pacing`. Without it all is simulated. */
  readonly gateway?: GatewayOptions;
  /**
   * True: events are kept as far as verdicts and `cablepull/vitest` need them. Worlds of 100,000 devices save time and
   * memory without. Default true.
   */
  readonly witness?: boolean;
  /**
   * Beats and answers are counted (`testbed.beats`), and `onTrace` is not told of each: the account of a large fleet
   * costs little without. Default false.
   */
  readonly countsBeats?: boolean;
  /** The line that repeats the run, for the trace and for messages. */
  readonly repeat?: string;
  /**
   * Pattern of the lines of a Node program, or of the user's own server, that report a device as gone, by its name or
   * its address. With it, the server has noticed when both its TCP and its program have.
   */
  readonly offlineLog?: RegExp | undefined;
  /**
   * True: all hosts that are behind no NAT box are on one local network, and find one another by ARP. Default false: a
   * cable stands for a whole path through the Internet.
   */
  readonly arp?: boolean;
}

export interface HostOptions {
  /** Also its name for look-ups. */
  readonly name?: string;
  /** Default: the next free one of 10.0.0.0/8. */
  readonly address?: string;
  /** TCP/IP stack of the host: by name, or one of your own. */
  readonly profile?: ProfileName | Profile;
  /** Cable from the host to the switch. */
  readonly link?: LinkOptions;
  /** The box that it is behind. Default: none. */
  readonly nat?: SimulatedNat;
  /**
   * Drift of the firmware's clock in millionths, positive if it is fast; the timers of its TCP/IP do not drift. Default
   * 0.
   */
  readonly driftPpm?: number;
}

export interface DeviceOptions extends HostOptions {
  readonly firmware: Firmware | NodeProgram;
  /** True if it has power from the start. Default true. */
  readonly power?: boolean;
}

/** A NAT box, between the devices behind it and everybody else. */
export interface SimulatedNat {
  readonly name: string;
  readonly lan: Lan;
  /** Forgets all connections now, without telling anybody. */
  forgetAll(): void;
}

/** A server, on a host of its own. */
export interface SimulatedServer {
  /** Machine of the server: its power, its cable, its program's life. */
  readonly board: Device;
  /** The program that runs there, as long as it does; each boot has a new one. */
  readonly program: ReferenceServer | undefined;
  /**
   * Calls something in the server's Node program, and gives what it gives: `server.run(() => sessions.size)`. Throws
   * where no such program runs.
   */
  run<T>(call: () => T): T;
  /**
   * Returns the ports on which its Node program listens now, in the order in which it began to. Throws if it is no Node
   * program.
   */
  openPorts(): readonly OpenPort[];
  /** Returns the counts of what its Node program has open now. Throws if it is no Node program. */
  handles(): HandleCounts;
}

/** The number of a NAT box among the first 256 addresses behind it. */
const ROUTER_NUMBER = 254;

/** A cable that takes no time. */
const PLAIN: LinkOptions = {};

/** Largest seed of a random number generator. */
const SEED_MAX = 2 ** 32 - 1;

export class Simulation {
  readonly seed: number;
  readonly engine = new Engine();
  /** The devices and their scheduled faults. */
  readonly testbed: Testbed;
  /** State that all cables share; its observer sees every packet. */
  readonly fabric: Fabric;
  /** Addresses of names beside those of hosts, or in place of them. */
  readonly names = new Map<string, readonly string[]>();
  readonly #world: HostContext;
  readonly #pacing: PacingOptions | undefined;
  readonly #offlineLog: RegExp | undefined;
  /** The way out to a real network, and the time that goes with it. */
  readonly gate: Gate | undefined;
  readonly realTime: RealTime | undefined;
  /** The servers' hosts; a device's is its board's network interface. */
  readonly #servers = new Map<string, Host>();
  readonly #lines = new LineMaker();
  /** Made with the first Node program. */
  #nodes: NodeWorld | undefined = undefined;
  readonly #driftPpm = new Map<string, number>();
  readonly #outside: Lan;
  /** Names of NAT boxes by their outside addresses. */
  readonly #natNames = new Map<number, string>();
  readonly #namesByAddress = new Map<number, string>();
  /** Boxes on hosts' cables that were told to forget. */
  readonly #boxes = new Map<string, FlowTable>();
  /** The NAT box that a host is behind. */
  readonly #natOf = new Map<string, SimulatedNat>();

  constructor({ seed = 1, onTrace, pacing, gateway, ...options }: SimulationOptions = {}) {
    const { witness = true, countsBeats, repeat, offlineLog, arp = false } = options;
    if (!Number.isInteger(seed) || seed < 0 || seed > SEED_MAX) {
      throw new RangeError(`the seed must be a whole number from 0 to ${SEED_MAX}, not ${seed}`);
    }
    const packets = new PacketPool();
    this.seed = seed;
    this.#pacing = pacing;
    this.#offlineLog = offlineLog;
    this.testbed = new Testbed({
      network: gateway === undefined ? 'simulated' : 'gateway',
      seed,
      newBoot: (board, reason) => new VirtualBoot(board, reason, this.engine, this.#driftPpm.get(board.name)),
      newClock: (board) => (board === undefined ? new VirtualClock(this.engine, 'the testbed') : this.#newClock(board)),
      networkOf: (name) => this.#networkOf(name),
      bytesSent: () => this.fabric.sentBytes,
      onTrace,
      witness,
      countsBeats,
      repeat,
      offlineLog: offlineLog?.source,
    });
    this.#world = {
      timeline: this.engine,
      packets,
      queues: new ByteQueuePool(),
      salt: gateway?.salt ?? 0,
      move: (host) => this.#move(host),
      addressesOf: (name) => this.#addressesOf(name),
    };
    this.fabric = new Fabric(this.engine, packets, seed);
    this.#outside = new Lan(this.fabric, 'switch', gateway?.block ?? OUTSIDE, { uplinkAddress: gateway?.address, arp });
    if (gateway === undefined) return;
    const gate = new Gate(this.fabric, SERVER_NAME, this.#outside.switch, gateway.write);
    this.gate = gate;
    this.names.set(SERVER_NAME, [formatAddress(gateway.address)]);
    this.realTime = new RealTime(this.engine, gateway.clock, () => gate.flush());
  }

  /** Virtual time since the world began. */
  get nowMs(): number {
    return this.engine.nowUs / 1000;
  }

  get hosts(): readonly Host[] {
    return [
      ...this.#servers.values(),
      ...this.testbed.boards.map(({ nic }) => nic).filter((nic) => nic instanceof Host),
    ];
  }

  /** The host of that name: a board's network interface. */
  host(name: string): Host | undefined {
    const nic = this.testbed.board(name)?.nic;
    return nic instanceof Host ? nic : this.#servers.get(name);
  }

  /**
   * The cable of the host of that name, to put rules on it: `sim.cable('dev-1').install('tx', loss('10%'))`. Throws
   * where there is none.
   */
  cable(name: string): Cable {
    const cable = this.host(name)?.link ?? (name === SERVER_NAME ? this.gate?.link : undefined);
    if (cable === undefined) throw new RangeError(`there is no host ${name}`);
    return cable;
  }

  /** A device, `dev-1` and so on unless named otherwise, with lwIP unless said otherwise; it boots now. */
  addDevice({ firmware, power = true, ...options }: DeviceOptions): Device {
    const isNode = firmware instanceof NodeProgram;
    if (typeof firmware !== 'function' && !isNode) {
      throw new TypeError('a device needs a firmware, such as heartbeatFirmware()');
    }
    const name = options.name ?? `dev-${this.testbed.size + 1}`;
    const nodeHost = isNode ? this.#addNodeHost(name, firmware, (): Device => device) : undefined;
    const image: Firmware = isNode ? (hal, onEvent) => nodeHost?.boot(hal, onEvent) : firmware;
    const device = this.testbed.addBoard(name, this.#addHost(name, isNode ? 'linux' : 'lwip', options), image);
    if (power) device.power.restore();
    return device;
  }

  /** A server, with Linux's stack unless said otherwise; it boots now. */
  addServer(program: ServerProgram | NodeProgram, options: HostOptions = {}): SimulatedServer {
    const name = options.name ?? SERVER_NAME;
    const host = this.#addHost(name, 'linux', options);
    this.#servers.set(name, host);
    if (!(program instanceof NodeProgram)) return new ServerHost(this.testbed, name, host, program);
    const nodeHost = this.#addNodeHost(name, program, (): Device => board);
    const board = this.testbed.addServerBoard(name, host, (hal) => nodeHost.boot(hal, undefined));
    board.power.restore();
    return {
      board,
      program: undefined,
      openPorts: () => this.#nodeWorld.openPorts(nodeHost),
      handles: () => this.#nodeWorld.handles(nodeHost),
      run: (call) => this.#nodeWorld.run(nodeHost, call),
    };
  }

  #addNodeHost(name: string, program: NodeProgram, device: () => Device): BootableHost {
    if (this.realTime !== undefined) {
      throw new Error('a Node program is simulated in virtual time alone, not over a gateway');
    }
    const tell = (event: ServerEvent): void => this.testbed.addServerEvent(event, name);
    const nameOf = (address: string): string => this.#nameOf(parseAddress(address) ?? 0);
    const isRead = this.#offlineLog !== undefined && this.#servers.has(name);
    const printed = isRead ? (line: string): readonly string[] => this.#printedBy(name, line) : undefined;
    return this.#nodeWorld.add(name, program, tell, nameOf, () => interfaceOf(this.host(name)), printed, device);
  }

  /**
   * Returns what a server's line reports as gone: names, addresses with a port or without, and the address of the
   * device so named.
   */
  #printedBy(server: string, line: string): readonly string[] {
    const device = this.deviceIn(line);
    const words = this.#goneIn(line).match(/[\w.:-]+/g) ?? [];
    const host = device === undefined ? undefined : this.host(device);
    if (host === undefined) return words;
    this.testbed.trace({ source: 'process', server, kind: 'put-offline', device: host.name, line });
    return [...words, formatAddress(host.address)];
  }

  /** The part of a line of a server's that names who is gone; empty: it says nothing of the kind. */
  #goneIn(line: string): string {
    const [whole, group] = this.#offlineLog?.exec(line) ?? [];
    return whole === undefined ? '' : (group ?? line);
  }

  /**
   * The device that a line of a server's says is gone: by its name, or its address; in the first group of the pattern,
   * where that has one.
   */
  protected deviceIn(line: string): string | undefined {
    for (const word of this.#goneIn(line).match(/[\w.-]+/g) ?? []) {
      const address = parseAddress(word);
      const board = this.testbed.board(address === undefined ? word : this.#nameOf(address));
      if (board !== undefined) return board.name;
    }
    return undefined;
  }

  get #nodeWorld(): NodeWorld {
    return (this.#nodes ??= new NodeWorld(this.engine));
  }

  /**
   * Puts the faults of a plan on the agenda, for the hosts there are. Throws a RangeError for what is no plan, or
   * cannot be done here.
   */
  schedule(plan: readonly Fault[] | string): void {
    this.testbed.schedule(plan);
  }

  /** A NAT box; devices are put behind it by their option `nat`. */
  addNat({
    name = `nat-${this.#natNames.size + 1}`,
    onExpired = 'silent',
    arp = true,
    ...timeouts
  }: SimulatedNatOptions = {}): SimulatedNat {
    // So a trace can tell hosts behind different boxes by their addresses, as long as a box has no more than 254.
    const first = 256 * (this.#natNames.size % 256);
    const uplinkAddress = INSIDE.base | (first + ROUTER_NUMBER);
    const lan = new Lan(this.fabric, `switch of ${name}`, INSIDE, { first: first + 1, uplinkAddress, arp });
    const address = this.#outside.claim(undefined);
    const onEvent = (event: NatEvent): void => {
      this.testbed.trace(
        event.kind === 'mapped' ? { source: 'link', nat: name, ...event } : { source: 'link', at: name, ...event },
      );
    };
    const options = { ...natTimeouts(timeouts), onExpired, onEvent: this.testbed.isHeard ? onEvent : undefined };
    const nat = new Nat(this.fabric, name, address, lan.switch, this.#outside.switch, options);
    lan.switch.uplink = nat.inside;
    this.#outside.connect(address, nat.outside);
    this.#natNames.set(address, name);
    return { name, lan, forgetAll: () => nat.forgetAll() };
  }

  /** Puts a host on the network, and a cable between it and the switch. */
  #addHost(
    name: string,
    defaultProfile: ProfileName,
    { address, profile = defaultProfile, link = PLAIN, nat, driftPpm = 0 }: HostOptions,
  ): Host {
    if (this.host(name) !== undefined) throw new Error(`there is a host ${name} already: give this one another name`);
    const lan = nat?.lan ?? this.#outside;
    const number = lan.claim(address);
    const host = new Host(number, this.#world, profileOf(profile));
    const cable = new Cable(this.fabric, name, host, lan.switch, this.#lines.linesOf(link));
    host.attach(cable, lan);
    lan.connect(number, cable);
    if (nat !== undefined) this.#natOf.set(name, nat);
    if (driftPpm !== 0) this.#driftPpm.set(name, driftPpm);
    return host;
  }

  /** The host gets another address on its network. Its datagram sockets send from there, as everybody is told. */
  #move({ name, address, stack }: Host): number {
    const lan = this.#natOf.get(name)?.lan ?? this.#outside;
    const other = lan.claim(undefined);
    lan.disconnect(address);
    lan.connect(other, this.cable(name));
    this.#namesByAddress.set(address, name);
    for (const { local } of stack?.ports.datagrams ?? []) {
      if (local === undefined || this.#servers.has(name)) continue;
      const outside = { address: formatAddress(other), port: local.port };
      this.testbed.trace({ source: 'link', kind: 'mapped', nat: name, inside: local, outside });
    }
    return other;
  }

  #addressesOf(name: string): readonly string[] | undefined {
    const host = this.host(name);
    return this.names.get(name) ?? (host && [formatAddress(host.address)]);
  }

  #newClock(board: Board): VirtualClock {
    return new VirtualClock(this.engine, board.name, this.#driftPpm.get(board.name));
  }

  /** Lets so much virtual time pass. Rejects with what the run throws. True: it was stopped before. */
  async runFor(duration: Duration): Promise<boolean> {
    return this.#run(this.engine.nowUs + durationUs(duration));
  }

  /**
   * Lets time pass until `condition` is true. Resolves to the virtual time then, in ms. Rejects if the condition does
   * not become true `within` this time.
   */
  async until(condition: () => boolean, within: Duration): Promise<number> {
    const endUs = this.engine.nowUs + durationUs(within);
    if (await this.reach(condition, endUs / 1000)) return this.nowMs;
    const howFar =
      this.engine.nowUs < endUs
        ? `when the run was stopped at ${this.nowMs} ms`
        : `after ${formatDuration(durationMs(within))}`;
    throw new Error(`${howFar} it was still not so: ${condition.toString()}`);
  }

  /**
   * Lets time pass until the device is connected. Rejects if it is not connected `within` this time, or if the run is
   * stopped.
   */
  async connected(device: Device, within: Duration = '1m'): Promise<void> {
    const endMs = (this.engine.nowUs + durationUs(within)) / 1000;
    const isConnected = await this.reach(() => this.testbed.isConnected(device), endMs);
    if (!isConnected) throw new Error(this.testbed.whyNotConnected(device));
  }

  /** Lets time pass until `condition` is true, or `endMs` has come. Resolves to whether it is true. */
  async reach(condition: () => boolean, endMs: number): Promise<boolean> {
    if (this.#nodes !== undefined) {
      await this.#nodes.advance(durationUs(endMs), Infinity, condition);
      return condition();
    }
    if (this.realTime === undefined) return this.engine.until(condition, durationUs(endMs));
    if (!condition()) await this.realTime.run(durationUs(endMs), condition);
    return condition();
  }

  /** Every connection of every host that has power, as it is now. */
  netstat(): NetstatRow[] {
    return netstat(this.hosts, this.#natNames);
  }

  /**
   * Captures from now on what the hosts send, as pcapng, which Wireshark and tshark read; `write` gets it in pieces
   * that it may keep. `comments` are about the whole capture. Call its `end` at the end; nothing is captured after it.
   */
  capture(write: (bytes: Uint8Array) => void, comments: readonly string[] = []): Capture {
    const capture = new Capture(
      this.engine,
      (packet, cable) => this.#boxOf(packet, cable),
      (packet, cable, direction) => this.#frameOf(packet, cable, direction),
      write,
      comments,
    );
    addObserver(this.fabric, capture);
    return capture;
  }

  /** Prints from now on a line for each packet that a host sends, and another where it is dropped. */
  trace(print: (line: string) => void): void {
    addObserver(this.fabric, new LineTracer(this.engine, (address) => this.#nameOf(address), print));
  }

  #networkOf(name: string): SpoiltNetwork {
    return {
      cable: this.cable(name),
      timeline: this.engine,
      udpFrom: this.#udpFrom(name),
      connections: () => established(this.host(name)),
      setDeafToProbes: (isDeaf) => this.host(name)?.setDeafToProbes(isDeaf),
      forgetFlows: () => this.#forgetFlows(name),
      onForgotten: (ends, idleMs) => this.testbed.trace({ source: 'link', kind: 'forgotten', at: name, ends, idleMs }),
    };
  }

  /** A server's datagrams come unasked. */
  #udpFrom(name: string): 'inside' | 'both' {
    return this.#servers.has(name) ? 'both' : 'inside';
  }

  /** One box on a cable, however often it forgets. */
  #forgetFlows(name: string): void {
    const there = this.#boxes.get(name);
    if (there !== undefined) return there.forgetAll();
    const box = new FlowTable(this.engine, { unknown: 'dropped', udpFrom: this.#udpFrom(name) });
    box.install(this.cable(name));
    this.#boxes.set(name, box);
  }

  /** Returns the owner of an address; answers are remembered, as there may be 100,000 hosts. */
  #nameOf(address: number): string {
    let name = this.#natNames.get(address) ?? this.#namesByAddress.get(address);
    if (name !== undefined) return name;
    name = this.hosts.find((host) => host.address === address)?.name;
    if (name !== undefined) this.#namesByAddress.set(address, name);
    return name ?? formatAddress(address);
  }

  #boxOf({ source }: Packet, { name }: Cable): string | undefined {
    const nat = this.#natOf.get(name);
    if (nat !== undefined) return nat.lan.switch.has(source) ? undefined : nat.name;
    return this.#natNames.get(source);
  }

  #frameOf(packet: Packet, { name }: Cable, direction: Direction): Uint8Array | undefined {
    const host = this.host(name);
    if (host?.hasArp !== true) return undefined;
    const { address } = host;
    if (direction === 'tx') return frameOf(packet, address, host.nextHop(packet.destination));
    return frameOf(packet, host.nextHop(packet.source), address);
  }

  /** Calls `run` at a time since the world began. Returns a function that cancels the call. */
  at(time: Duration, run: () => void): () => void {
    return this.engine.at(durationUs(time), run, 'the test');
  }

  async #run(endUs: number): Promise<boolean> {
    if (this.realTime !== undefined) return this.realTime.run(endUs);
    const nodes = this.#nodes;
    if (this.#pacing === undefined) {
      return nodes === undefined ? this.engine.runUntil(endUs) : (await nodes.advance(endUs)) === 'stopped';
    }
    return runPaced(this.engine, endUs, this.#pacing, nodes);
  }
}

function established(host: Host | undefined): readonly PacketEnds[] {
  const connections = host?.stack?.connections.all().filter(({ state }) => state === 'ESTABLISHED') ?? [];
  return connections.map(({ localAddress, localPort, remoteAddress, remotePort, sndNxt, rcvNxt }) => ({
    source: localAddress,
    sourcePort: localPort,
    destination: remoteAddress,
    destinationPort: remotePort,
    seq: sndNxt,
    ack: rcvNxt,
  }));
}

function profileOf(profile: ProfileName | Profile): Profile {
  if (typeof profile !== 'string') return profile;
  if (!Object.hasOwn(PROFILES, profile)) {
    throw new RangeError(`there is no profile ${profile}; there are ${PROFILE_NAMES.join(', ')}`);
  }
  return PROFILES[profile];
}

class ServerHost implements SimulatedServer {
  readonly board: Device;
  program: ReferenceServer | undefined = undefined;

  constructor(testbed: Testbed, name: string, host: Host, program: ServerProgram) {
    const run = (hal: Hal): void => {
      this.program = program(hal, (event) => testbed.addServerEvent(event, name));
    };
    this.board = testbed.addServerBoard(name, host, run);
    this.board.power.restore();
  }

  run<T>(): T {
    return this.#isNoProgram('run');
  }

  openPorts(): readonly OpenPort[] {
    return this.#isNoProgram('openPorts');
  }

  handles(): HandleCounts {
    return this.#isNoProgram('handles');
  }

  #isNoProgram(call: string): never {
    throw new Error(`the program of ${this.board.name} is no Node program: ${call} is for nodeProgram`);
  }
}
