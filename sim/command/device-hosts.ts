/** Hosts of devices on a simulated network: their cables, stacks, clocks and NAT boxes. */

import type { Server } from '../../firmware/index.ts';
import { referenceServer, SERVER_NAME, SERVER_PORT } from '../programs.ts';
import type { LinkOptions } from '../link/options.ts';
import type { HostOptions, SimulatedNat, Simulation } from '../simulation.ts';
import type { DeviceGroup, Devices } from './device-groups.ts';
import type { DeviceMake, NatMake } from './device-options.ts';

/**
 * Number of devices behind one NAT box. Each has an address of its own among the box's 256, so that a trace can tell
 * devices behind different boxes apart.
 */
const DEVICES_A_BOX = 250;

export class DeviceHosts {
  readonly #sim: Simulation;
  readonly #link: LinkOptions;
  /** The NAT box that is being filled, for each kind of box. */
  readonly #boxes = new Map<string, { readonly nat: SimulatedNat; devices: number }>();

  /** `link` is the cable of a device for which the options name none. */
  constructor(sim: Simulation, link: LinkOptions) {
    this.#sim = sim;
    this.#link = link;
  }

  optionsOf(make: DeviceMake): HostOptions {
    const { link = this.#link, profile, nat, driftPpm } = make;
    return {
      link,
      ...(profile !== undefined && { profile }),
      ...(driftPpm !== undefined && { driftPpm }),
      ...(nat !== undefined && { nat: this.#boxFor(nat) }),
    };
  }

  #boxFor(make: NatMake): SimulatedNat {
    const { idleTimeout, transitoryTimeout, onExpired } = make;
    const kind = [idleTimeout, transitoryTimeout, onExpired].join(' ');
    let box = this.#boxes.get(kind);
    if (box === undefined || box.devices === DEVICES_A_BOX) {
      box = { nat: this.#sim.addNat(make), devices: 0 };
      this.#boxes.set(kind, box);
    }
    box.devices++;
    return box.nat;
  }
}

/**
 * Adds our own server, with a port for each protocol. Returns a function that gives the servers of a group's devices.
 */
export function addOwnServer(sim: Simulation, { ports }: Devices): (group: DeviceGroup) => readonly Server[] {
  const portNumber = (port: number): number => SERVER_PORT + port;
  sim.addServer(referenceServer(ports.map(({ options }, i) => {
    return { ...options, local: { address: '0.0.0.0', port: portNumber(i) } };
  })));
  return ({ port }) => [{ host: SERVER_NAME, port: portNumber(port) }];
}

/**
 * Describes the cables of all devices: `usual` if no option names a cable, `own` if options name one for every device.
 */
export function linkText({ groups }: Devices, usual: string, own: string): string {
  const withLink = groups.filter(({ make: { link } }) => link !== undefined).length;
  if (withLink === 0) return usual;
  return withLink === groups.length ? own : `${usual}, or ${own}`;
}
