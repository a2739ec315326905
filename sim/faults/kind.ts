/**
 * A kind of fault: all that plans, the testbed, verdicts, the swarm and `cablepull faults` must know of it. Each kind
 * is a small file in kinds/.
 */

import type { SocketAddress } from '../../hal/network.ts';
import type { Machine } from '../board/machine.ts';
import type { PacketEnds } from '../link/flows.ts';
import type { Dice } from '../dice.ts';
import type { Cable } from '../link/cable.ts';
import type { Direction } from '../link/fabric.ts';
import type { Timeline } from '../time/event.ts';

/**
 * Networks under the boards. `real`: the host's sockets. `simulated`: the simulated network. `gateway`: the simulated
 * network, joined to a real one on which the server is.
 */
export const NETWORKS = ['real', 'simulated', 'gateway'] as const;

export type NetworkKind = (typeof NETWORKS)[number];

/** Host on which a fault is. */
export type Side = 'device' | 'server';

/**
 * Fidelity of a fault. T0: a connection on real sockets that is held mute, while the host's kernel goes on
 * acknowledging. T1: a connection that is closed by a real FIN or RST. T2: a real server, and packets that really stop:
 * its kernel's TCP is tested. T3: the simulated network, on which packets are lost and stacks lose their power, at both
 * ends.
 */
export const TIERS = ['T0', 'T1', 'T2', 'T3'] as const;

export type Tier = (typeof TIERS)[number];

/**
 * The firmware under a fault, or the server's program. What is not `running` cannot notice anything, and the next boot
 * puts an end to it.
 */
export const FIRMWARE_STATES = ['running', 'hung', 'dead', 'off'] as const;

export type FirmwareState = (typeof FIRMWARE_STATES)[number];

/**
 * - `cuts`: nobody is reached any more: it is to be noticed.
 * - `harms`: the way is worse, and yet a way: an end that gives up raises a false alarm.
 * - `latent`: nothing has happened yet; when it does, the trace tells (`forgotten`).
 */
export type Effect = 'cuts' | 'harms' | 'latent';

/** The most that a fault can add to the time for which a packet is in flight. */
export interface Slowdown {
  /** Largest delay that the fault adds. */
  readonly delayMs: number;
  /** The bandwidth that the fault leaves; Infinity: all that there is. */
  readonly bandwidthBps: number;
}

export const NO_SLOWDOWN: Slowdown = { delayMs: 0, bandwidthBps: Infinity };

/** The network at a host's end, where it is ours to spoil. */
export interface SpoiltNetwork {
  readonly cable: Cable;
  readonly timeline: Timeline;
  /** The side whose datagrams begin a connection through a box at this end (flow-table.ts). */
  readonly udpFrom: 'inside' | 'both';
  /** The host's TCP connections that are established, as it sends in them. */
  readonly connections: () => readonly PacketEnds[];
  /** The host's stack ignores probes without data from now on, or answers them again. */
  readonly setDeafToProbes: (isDeaf: boolean) => void;
  /** A box on the way forgets all connections now, and lets pass what begins from now on. */
  readonly forgetFlows: () => void;
  /**
   * To be told when a box on the way has forgotten a connection of the host: its end and the peer's, and how long it
   * was idle.
   */
  readonly onForgotten: (ends: readonly [SocketAddress, SocketAddress], idleMs: number) => void;
}

/** The host or network on which a fault acts. */
export interface Victim {
  readonly machine: Machine;
  /** Undefined over real sockets. */
  readonly network: SpoiltNetwork | undefined;
}

/** The word between the kind and `on`. */
export interface Argument {
  /** Description of the argument, with examples, for messages. */
  readonly what: string;
  /** Placeholder of the argument in the output of `cablepull faults`. */
  readonly example: string;
  readonly isOptional: boolean;
  readonly isRight: (text: string) => boolean;
}

export interface KindOfFault {
  /** A sentence for `cablepull faults`. */
  readonly summary: string;
  readonly argument: Argument | undefined;
  /** Returns whether the fault lasts with this argument. Otherwise the fault is over at once and takes no `for`. */
  readonly lasts: (argument: string | undefined) => boolean;
  readonly effect: (argument: string | undefined) => Effect;
  /** State of the firmware on the host that has the fault. */
  readonly firmware: FirmwareState;
  /**
   * Over real sockets, and on a device; undefined: it cannot be done there. On the simulated network it is T3, over a
   * gateway T2, on devices and servers.
   */
  readonly realTier: Tier | undefined;
  /** True if the fault is made inside a host's own stack. It is then impossible on a server outside the simulation. */
  readonly needsOurStack?: boolean;
  /**
   * True if a host that has the fault twice has it only once: it heals with the last heal. False: each occurrence
   * counts by itself, and their effects add up.
   */
  readonly isShared: boolean;
  /**
   * Whether, while it lasts, nothing new passes in this direction (tx: from the host), not of a stack that lives on
   * either.
   */
  readonly mutes: (argument: string | undefined, way: Direction) => boolean;
  readonly slowdown: (argument: string | undefined) => Slowdown;
  /** True if random plans have it on devices alone. Default false. */
  readonly isForDevices?: boolean;
  /** An argument for a random plan: one such as users would think of. */
  readonly drawArgument: (dice: Dice) => string | undefined;
  /** Begins it, and gives what heals it, where it can be healed. */
  readonly begin: (victim: Victim, argument: string | undefined) => (() => void) | undefined;
}

/** The victim's network. A plan was held against what the network can do before: so it is there. */
export function networkOf({ machine, network }: Victim): SpoiltNetwork {
  if (network === undefined) {
    throw new Error(`${machine.name} is not on a network of ours: this fault cannot be done there`);
  }
  return network;
}
