/**
 * Machines of a simulation whose sockets the test controls, as the author of a report controlled them in a few lines of
 * C or Python.
 */

import { expect } from 'vitest';
import { errnoOf, failure, type Errno } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { ListenHandler, ListeningSocket, StreamHandler, StreamSocket } from '../../../hal/network.ts';
import type { Device } from '../../../sim/device.ts';
import { addObserver } from '../../../sim/link/observers.ts';
import { ACK, FIN, PSH, RST, SYN, TCP, type Packet } from '../../../sim/packet/packet.ts';
import { type DeviceOptions, Simulation, type SimulationOptions } from '../../../sim/simulation.ts';
import type { Profile, ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';

const LETTERS = [['F', FIN], ['S', SYN], ['R', RST], ['P', PSH], ['.', ACK]] as const;

/** A TCP segment that a machine has sent or received. */
export interface Seen {
  readonly atS: number;
  /** Flags as tcpdump prints them: `S`, `S.`, `P.`, `R`. */
  readonly flags: string;
  readonly bytes: number;
}

/** The TCP segments at the end of a host's cable, from now on. */
export function watch(sim: Simulation, host: string): { readonly sent: Seen[]; readonly received: Seen[] } {
  const seen = { sent: new Array<Seen>(), received: new Array<Seen>() };
  const cable = sim.cable(host);
  const see = (packet: Packet, isSeen: boolean, into: Seen[]): void => {
    if (!isSeen || packet.protocol !== TCP) return;
    const flags = LETTERS.map(([letter, flag]) => ((packet.flags & flag) !== 0 ? letter : '')).join('');
    into.push({ atS: sim.nowMs / 1000, flags, bytes: packet.payloadBytes });
  };
  addObserver(sim.fabric, {
    sent: (packet, at, direction) => see(packet, at === cable && direction === 'tx', seen.sent),
    delivered: (packet, at, direction) => see(packet, at === cable && direction === 'rx', seen.received),
    dropped: () => {},
  });
  return seen;
}

type MachineOptions = Omit<DeviceOptions, 'firmware' | 'name' | 'profile'>;

export class World {
  readonly sim: Simulation;

  constructor(options: SimulationOptions = {}) {
    this.sim = new Simulation({ witness: false, ...options });
  }

  get nowS(): number {
    return this.sim.nowMs / 1000;
  }

  async run(seconds: number): Promise<void> {
    await this.sim.runFor(`${Math.round(seconds * 1000)}ms`);
  }

  machine(name: string, profile: ProfileName | Profile = 'linux', options: MachineOptions = {}): Machine {
    return new Machine(this, name, profile, options);
  }
}

export class Machine {
  readonly world: World;
  readonly device: Device;
  readonly sent: Seen[];
  readonly received: Seen[];
  #hal: Hal | undefined = undefined;

  constructor(world: World, name: string, profile: ProfileName | Profile, options: MachineOptions) {
    this.world = world;
    const firmware = (hal: Hal): void => {
      this.#hal = hal;
    };
    this.device = world.sim.addDevice({ name, profile, link: { delay: '1ms' }, ...options, firmware });
    const { sent, received } = watch(world.sim, name);
    this.sent = sent;
    this.received = received;
  }

  get hal(): Hal {
    if (this.#hal === undefined) throw new Error('the machine has not booted');
    return this.#hal;
  }

  get address(): string {
    return addressOf(this);
  }

  /** The states of its connections, as `ss` shows them. */
  get states(): readonly string[] {
    const rows = this.world.sim.netstat().filter(({ host }) => host === this.device.name);
    return rows.map(({ state }) => state);
  }

  listen(port = 5000, backlog = 8): Listening {
    return new Listening(this, port, backlog);
  }

  /** Begins to connect; `to` is a machine, or an address at which nobody is. */
  connect(to: Machine | string, { port = 5000, localPort = 0 } = {}): Connection {
    const connection = new Connection(this.world);
    const socket = this.hal.network.openStream(connection);
    connection.socket = socket;
    if (localPort !== 0) socket.bind({ address: '0.0.0.0', port: localPort });
    socket.connect({ address: typeof to === 'string' ? to : to.address, port });
    return connection;
  }
}

function addressOf({ world, device }: Machine): string {
  const address = world.sim.host(device.name)?.address ?? 0;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

export class Listening implements ListenHandler {
  readonly accepted: Connection[] = [];
  /** 'listening', or the reason why the port cannot listen. Undefined while this is not known. */
  outcome: Errno | 'listening' | undefined = undefined;
  readonly #world: World;
  readonly #socket: ListeningSocket;

  constructor(machine: Machine, port: number, backlog: number) {
    this.#world = machine.world;
    this.#socket = machine.hal.network.listen({ address: '0.0.0.0', port }, backlog, this);
  }

  /** The connection that was accepted last. */
  get last(): Connection {
    const connection = this.accepted.at(-1);
    if (connection === undefined) throw new Error('nobody was accepted');
    return connection;
  }

  close(): void {
    this.#socket.close();
  }

  listening(): void {
    this.outcome = 'listening';
  }

  ended(reason: Errno): void {
    this.outcome = reason;
  }

  incoming(): void {
    const connection = new Connection(this.#world);
    connection.socket = this.#socket.accept(connection);
    connection.connectedS = this.#world.nowS;
    this.accepted.push(connection);
  }
}

/** A connection, whose user reads all bytes at once. */
export class Connection implements StreamHandler {
  socket: StreamSocket | undefined = undefined;
  reads = true;
  connectedS: number | undefined = undefined;
  endedS: number | undefined = undefined;
  /** Reason of the end. Undefined while the user has not been told of an end. */
  reason: Errno | 'closed' | undefined = undefined;
  bytes = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  write(bytes: number): number | Errno {
    const count = this.socket?.write(new Uint8Array(bytes)) ?? failure('EAGAIN');
    return count < 0 ? errnoOf(count) : count;
  }

  readable(): void {
    if (!this.reads) return;
    const into = new Uint8Array(4096);
    for (;;) {
      const count = this.socket?.read(into) ?? 0;
      if (count <= 0) return;
      this.bytes += count;
    }
  }

  writable(): void {
    this.connectedS ??= this.#world.nowS;
  }

  ended(reason: Errno | 'closed'): void {
    this.reason = reason;
    this.endedS = this.#world.nowS;
  }
}

/** A client and a server that are connected. */
export async function connected(client: Machine, server: Machine): Promise<[client: Connection, server: Connection]> {
  const listening = server.listen();
  const connection = client.connect(server);
  await client.world.run(0.5);
  expect(connection.connectedS).toBeDefined();
  return [connection, listening.last];
}

/** Linux with some of its sysctls. */
export function linux({ retries2 = 15, synRetries = 6, synLinearTimeouts = 4 }): Profile {
  const { retransmission, handshake } = PROFILES.linux;
  return {
    ...PROFILES.linux,
    retransmission: { ...retransmission, giveUp: { ...retransmission.giveUp, retries: retries2 } },
    handshake: { ...handshake, synRetries, synLinearTimeouts },
  };
}
