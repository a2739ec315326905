/**
 * Watches the server's door: which devices ask for a connection that the server's stack cannot give, since its table or
 * its listener is full, or since an old connection between the same two ends is in the way. The rules are those of
 * tcpip/STACKS.md, read from the profile; what the stack itself does with the SYN is not asked.
 */

import type { SocketAddress } from '../../hal/network.ts';
import type { Cable } from '../link/cable.ts';
import type { Direction, WireObserver } from '../link/fabric.ts';
import { formatAddress } from '../packet/address.ts';
import { ACK, type Packet, RST, SYN, TCP } from '../packet/packet.ts';
import type { Host } from '../tcpip/host.ts';
import type { Stack } from '../tcpip/stack.ts';
import type { Tcb } from '../tcpip/tcp/tcb.ts';
import type { TurnedAway } from './observation.ts';

export class Door implements WireObserver {
  readonly #host: Host;
  readonly #backlog: number;
  readonly #nowMs: () => number;
  readonly #nameOf: (end: SocketAddress) => string;
  readonly #turnedAway = new Map<string, TurnedAway[]>();

  /** `backlog`: of the server's only listener. `nameOf` knows the device that an end belongs to. */
  constructor(host: Host, backlog: number, nowMs: () => number, nameOf: (end: SocketAddress) => string) {
    this.#host = host;
    this.#backlog = backlog;
    this.#nowMs = nowMs;
    this.#nameOf = nameOf;
  }

  /** Returns what the device was refused, in the order of time. */
  turnedAway(device: string): readonly TurnedAway[] {
    return this.#turnedAway.get(device) ?? [];
  }

  sent(): void {}

  dropped(): void {}

  delivered(packet: Packet, cable: Cable, direction: Direction): void {
    if (direction !== 'rx' || packet.protocol !== TCP || (packet.flags & (SYN | ACK | RST)) !== SYN) return;
    const { stack } = this.#host;
    if (cable !== this.#host.link || stack === undefined) return;
    const by = this.#whyNot(stack, packet);
    if (by === undefined) return;
    const device = this.#nameOf({ address: formatAddress(packet.source), port: packet.sourcePort });
    const list = this.#turnedAway.get(device) ?? [];
    list.push({ atMs: this.#nowMs(), by });
    this.#turnedAway.set(device, list);
  }

  #whyNot(stack: Stack, syn: Packet): TurnedAway['by'] | undefined {
    const { profile, connections } = stack;
    const old = connections.find(syn);
    if (old !== undefined) return isInTheWay(old) ? 'old-connection' : undefined;
    const all = connections.all();
    if (all.length >= profile.socketsMax && !all.some((tcb) => goesForAnother(stack, tcb))) return 'full-table';
    // The server connects to nobody: all connections of its port are the listener's children.
    const isListenerFull = profile.backlogCounts === 'all'
      && all.filter(({ localPort }) => localPort === syn.destinationPort).length >= this.#backlog;
    return isListenerFull ? 'full-listener' : undefined;
  }
}

/** A SYN does not end the connection, nor does the RST that an ACK in answer to the SYN is answered with. */
function isInTheWay({ state, stack: { profile } }: Tcb): boolean {
  if (state === 'SYN-RECEIVED') return false;
  return profile.synInConnection === 'ignored' || (state === 'TIME-WAIT' && profile.timeWaitSyn === 'lwip');
}

/** lwIP's tcp_alloc: tcp_kill_timewait, tcp_kill_state. */
function goesForAnother({ profile: { fullTable } }: Stack, { state }: Tcb): boolean {
  return fullTable === 'lwip' && (state === 'TIME-WAIT' || state === 'LAST-ACK' || state === 'CLOSING');
}
