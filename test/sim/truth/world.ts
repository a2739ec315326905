/**
 * Two machines and the cables between them, as in the measurements: a server, a client, a switch, and maybe a firewall
 * on the way.
 */

import { bothWays, makeLine } from '../../../sim/link/line.ts';
import { Cable } from '../../../sim/link/cable.ts';
import { Nat } from '../../../sim/link/nat.ts';
import type { Receiver } from '../../../sim/link/port.ts';
import { blackhole } from '../../../sim/link/rules/blackhole.ts';
import { Switch } from '../../../sim/link/switch.ts';
import { Fabric } from '../../../sim/link/fabric.ts';
import { formatAddress } from '../../../sim/packet/address.ts';
import {
  ACK, ARP, ARP_REQUEST, FIN, type Packet, PacketPool, PSH, RST, SYN, TCP, UDP,
} from '../../../sim/packet/packet.ts';
import { LinuxNeighbours } from '../../../sim/tcpip/arp/linux.ts';
import { ByteQueuePool } from '../../../sim/tcpip/byte-queue.ts';
import { Host } from '../../../sim/tcpip/host.ts';
import type { Profile } from '../../../sim/tcpip/profile.ts';
import { LINUX } from '../../../sim/tcpip/profiles/linux.ts';
import { Engine } from '../../../sim/time/engine.ts';
import { Machine, type Socket } from './application.ts';
import type { Side, SocketOptions } from './data.ts';

export const CLIENT_ADDRESS = (10 << 24) | 1;
export const SERVER_ADDRESS = (10 << 24) | 2;
const FIREWALL_ADDRESS = (10 << 24) | 3;
export const SERVER_PORT = 5000;
export const CLIENT_PORT = 40_000;

/** Time at which the handshake ends. Until then the hosts have only been on. */
export const START_US = 10_000_000;

const ACQUAINTED_BEFORE_US = 1_000_000;

/** Two minutes: farther than any timer here, in slots of 512 ticks. */
const FAR_TICKS = 30_000;
export const WHEEL_US_MAX = 512 * LINUX.tickUs - 1;

export interface WorldOptions {
  readonly server?: Profile;
  readonly client?: Profile;
  readonly serverSocket?: SocketOptions;
  readonly clientSocket?: SocketOptions;
  /** Delay of one direction. Default: 1, because two namespaces of one machine take hardly more. */
  readonly delayUs?: number;
  readonly firewall?: { readonly timeoutS: number; readonly onExpired: 'silent' | 'rst' };
  /**
   * Time at which the machines were switched on. It decides the phase of jiffies and of the slots of the timer wheel.
   * From 0 to WHEEL_US_MAX. Default: jiffies begin with the world, and the stack chooses the wheel.
   */
  readonly wheelUs?: number;
  /** Whether the hosts find each other by ARP. */
  readonly arp?: boolean;
  readonly seed?: number;
  readonly serverReads?: Socket['reads'];
  readonly clientReads?: Socket['reads'];
}

/** A segment on a host's cable. `seq` and `ack` are as on the wire. */
export interface Seen {
  readonly atUs: number;
  readonly dir: 'tx' | 'rx';
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly len: number;
  readonly window: number;
  /** Port of the client, which tells connections apart. */
  readonly port: number;
  readonly dst?: string;
}

export class TruthWorld {
  readonly engine = new Engine();
  readonly server: Machine;
  readonly client: Machine;
  readonly seen: Record<Side, Seen[]> = { server: [], client: [] };
  readonly cables: Record<Side, Cable>;
  readonly options: WorldOptions;
  readonly #muted: (() => void)[] = [];
  /** Socket of the client, once it has connected. */
  clientSocket: Socket | undefined = undefined;

  constructor(options: WorldOptions = {}) {
    const { engine } = this;
    const { delayUs = 1 } = options;
    const packets = new PacketPool();
    const fabric = new Fabric(engine, packets, options.seed ?? 1);
    const between = new Switch(fabric, 'switch');
    const move = ({ address }: Host): number => address;
    const queues = new ByteQueuePool();
    const world = { timeline: engine, packets, queues, salt: 0, move, addressesOf: () => undefined };
    const serverHost = new Host(SERVER_ADDRESS, world, options.server ?? LINUX);
    const clientHost = new Host(CLIENT_ADDRESS, world, options.client ?? LINUX);
    const nearLine = bothWays(makeLine({ delayUs: Math.floor(delayUs / 2) }));
    const farLine = bothWays(makeLine({ delayUs: Math.ceil(delayUs / 2) }));
    const serverCable = new Cable(fabric, 'server', serverHost, between, nearLine);
    let beyond: Receiver = between;
    const clientCable: Cable = new Cable(
      fabric,
      'client',
      clientHost,
      { receive: (packet) => beyond.receive(packet) },
      farLine,
    );
    if (options.firewall !== undefined) {
      const { timeoutS, onExpired } = options.firewall;
      const nat = new Nat(fabric, 'firewall', FIREWALL_ADDRESS, clientCable, between, {
        establishedUs: timeoutS * 1e6,
        onExpired,
      });
      beyond = nat.inside;
      between.connect(FIREWALL_ADDRESS, nat.outside);
    }
    between.connect(SERVER_ADDRESS, serverCable);
    between.connect(CLIENT_ADDRESS, clientCable);
    const network = { arp: options.arp === true, nextHop: (destination: number) => destination };
    serverHost.attach(serverCable, network);
    clientHost.attach(clientCable, network);
    fabric.observer = {
      sent: (packet, link, direction) => this.#see(packet, link, direction, 'tx'),
      delivered: (packet, link, direction) => this.#see(packet, link, direction, 'rx'),
      dropped: () => {},
    };
    this.options = options;
    this.cables = { server: serverCable, client: clientCable };
    this.server = new Machine(engine, serverHost);
    this.client = new Machine(engine, clientHost);
    if (options.wheelUs !== undefined) this.#settleWheels(options.wheelUs);
  }

  /** A timer that is set far ahead now, and never asked for, is the first of its level: so it settles all slots. */
  #settleWheels(us: number): void {
    this.engine.runUntil(us % LINUX.tickUs);
    for (const machine of [this.server, this.client]) machine.boot();
    this.engine.runUntil(us);
    for (const { stack } of [this.server, this.client]) {
      stack.clock.read();
      for (const kind of ['send', 'other'] as const) stack.clock.expiry(FAR_TICKS, kind);
      if (stack.neighbours instanceof LinuxNeighbours) stack.neighbours.timers.expiry(stack.clock.nowTick, FAR_TICKS);
    }
  }

  #see(packet: Packet, link: Cable, direction: 'tx' | 'rx', wanted: 'tx' | 'rx'): void {
    if (direction !== wanted) return;
    const side = link === this.cables.server ? 'server' : 'client';
    if (packet.protocol === ARP) this.#seeArp(packet, side, direction);
    if (packet.protocol !== TCP) return;
    const { seq, ack, payloadBytes, window, sourcePort, destinationPort } = packet;
    const port = sourcePort === SERVER_PORT ? destinationPort : sourcePort;
    this.seen[side].push({
      atUs: this.engine.nowUs,
      dir: direction,
      flags: flagsText(packet.flags),
      seq,
      ack,
      len: payloadBytes,
      window,
      port,
    });
  }

  #seeArp({ code, destination }: Packet, side: Side, dir: 'tx' | 'rx'): void {
    const flags = code === ARP_REQUEST ? 'ARP who-has' : 'ARP reply';
    const dst = formatAddress(destination);
    this.seen[side].push({ atUs: this.engine.nowUs, dir, flags, seq: 0, ack: 0, len: 0, window: 0, port: 0, dst });
  }

  /** Lets the server ask for the client, too, a while before they have a connection. */
  acquaint(): void {
    this.engine.runUntil(START_US - ACQUAINTED_BEFORE_US);
    const { stack, host } = this.server;
    const packet = host.world.packets.take();
    packet.protocol = UDP;
    packet.source = SERVER_ADDRESS;
    packet.destination = CLIENT_ADDRESS;
    packet.sourcePort = SERVER_PORT;
    packet.destinationPort = SERVER_PORT;
    stack.transmit(packet);
  }

  near({ surviving_side: survivor }: { readonly surviving_side: Side }): Host {
    return this.machine(survivor).host;
  }

  /** Drops everything that this side sends, until `plugAll`. */
  mute(side: Side): void {
    this.#muted.push(this.cables[side].install('tx', blackhole()));
  }

  plugAll(): void {
    for (const undo of this.#muted.splice(0)) undo();
    for (const cable of [this.cables.server, this.cables.client]) cable.plug();
  }

  machine(side: Side): Machine {
    return side === 'server' ? this.server : this.client;
  }

  /** The server's end of the first connection. */
  get serverSocket(): Socket {
    const [socket] = this.server.accepted;
    if (socket === undefined) throw new Error('no connection was accepted');
    return socket;
  }

  socketIfAny(side: Side): Socket | undefined {
    return side === 'server' ? this.server.accepted[0] : this.clientSocket;
  }

  /** Returns the neighbour's state, as `ip neigh` shows it. */
  neighbourOf(side: Side): string {
    const other = side === 'server' ? CLIENT_ADDRESS : SERVER_ADDRESS;
    return this.machine(side).stack.neighbours?.rows().find(({ address }) => address === other)?.state ?? 'none';
  }

  /** Returns the state of the connection, as `ss` shows it. */
  stateOf(side: Side): string {
    const state = this.socketIfAny(side)?.tcb.state ?? 'CLOSED';
    return state === 'CLOSED' ? 'gone' : state;
  }

  socket(side: Side): Socket {
    const socket = this.socketIfAny(side);
    if (socket === undefined) throw new Error(`the ${side} has no connection`);
    return socket;
  }

  listen(): void {
    const { serverSocket = {}, serverReads = false } = this.options;
    this.server.listen(SERVER_PORT, (socket) => {
      socket.setOptions(this.server.accepted.length === 0 ? serverSocket : {});
      socket.reads = serverReads;
      return socket;
    });
  }

  connect(who = 'client', port = CLIENT_PORT): Socket | undefined {
    const socket = this.client.connect(who, port, SERVER_ADDRESS, SERVER_PORT, this.options.clientSocket);
    if (socket !== undefined) socket.reads = this.options.clientReads ?? false;
    this.clientSocket = socket ?? this.clientSocket;
    return socket;
  }

  /** Makes a connection whose handshake ends at START_US, as the server sees it. */
  establish(): void {
    this.listen();
    const { delayUs = 1, arp = false } = this.options;
    // With ARP, a request and its reply come first.
    const isAsked = arp && this.neighbourOf('client') === 'none';
    this.engine.runUntil(START_US - (isAsked ? 5 : 3) * delayUs);
    this.connect();
    this.engine.runUntil(START_US);
  }

  /** Runs an action `s` seconds after the start. */
  at(s: number, what: () => void): void {
    this.engine.at(START_US + Math.round(s * 1e6), what, 'the scenario');
  }

  run(untilS: number): void {
    this.engine.runUntil(START_US + Math.round(untilS * 1e6));
  }
}

const LETTERS: readonly (readonly [number, string])[] = [[FIN, 'F'], [SYN, 'S'], [RST, 'R'], [PSH, 'P'], [ACK, 'A']];

function flagsText(flags: number): string {
  return LETTERS.map(([bit, letter]) => ((flags & bit) !== 0 ? letter : '')).join('');
}

/** Returns the seconds since the start. */
export function seconds(atUs: number): number {
  return (atUs - START_US) / 1e6;
}
