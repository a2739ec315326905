/**
 * A host on the simulated network: its address, its cable, its stack while it has power. It is the network interface of
 * a board, and the port that packets arrive at.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { Capabilities, Lookup, Network } from '../../hal/network.ts';
import type { Random } from '../../hal/random.ts';
import type { Interrupts } from '../board/interrupts.ts';
import type { InterfaceLoss } from '../board/machine.ts';
import type { Nic } from '../board/nic.ts';
import type { Cable } from '../link/cable.ts';
import type { LocalNetwork } from '../link/local-network.ts';
import type { Port } from '../link/port.ts';
import { parseAddress } from '../packet/address.ts';
import { decodePacket } from '../packet/decode.ts';
import { ETHERNET_FRAME_BYTES_MAX, ipv4Of } from '../packet/ethernet.ts';
import type { Packet, PacketPool } from '../packet/packet.ts';
import type { Timeline } from '../time/event.ts';
import type { ByteQueuePool } from './byte-queue.ts';
import { isLoopback, Loopback } from './loopback.ts';
import type { Profile } from './profile.ts';
import { StackNetwork } from './stack-network.ts';

/** The parts that all hosts of a world share. */
export interface HostContext {
  readonly timeline: Timeline;
  readonly packets: PacketPool;
  readonly queues: ByteQueuePool;
  /**
   * Random salt of a world that is joined to a real network, so that two runs of one seed have different ports and
   * sequence numbers; else 0.
   */
  readonly salt: number;
  /** Another address for a host, on the network that its cable leads to, where its packets are sent from now on. */
  move(host: Host): number;
  /** Returns the addresses of a name, the same for every host; undefined if the name is unknown. */
  addressesOf(name: string): readonly string[] | undefined;
}

const LOSS_BITS: Readonly<Record<InterfaceLoss, number>> = { 'interface-down': 1, 'address-removed': 2 };
const ANY_LOSS = 3;
const DEAF_TO_PROBES = 4;

/** Timeout of a look-up: resolv.conf(5), `timeout:5`. */
const LOOKUP_TIMEOUT_US = 5_000_000;

export class Host implements Nic, Port {
  address: number;
  readonly world: HostContext;
  readonly profile: Profile;
  stack: StackNetwork | undefined = undefined;
  #link: Cable | undefined = undefined;
  /** Troubles of the interface: what it has lost, and DEAF_TO_PROBES, as bits. */
  #troubles = 0;
  /** Local network at the far end of the host's cable, if its hosts find one another by ARP. */
  #arpNetwork: LocalNetwork | undefined = undefined;
  /** Made with the first packet to itself. */
  #loopback: Loopback | undefined = undefined;

  /** A host that has no power yet. `attach` gives it a cable. */
  constructor(address: number, world: HostContext, profile: Profile) {
    this.address = address;
    this.world = world;
    this.profile = profile;
  }

  /** `network` undefined: whom it sends to is found without ARP. */
  attach(link: Cable, network?: LocalNetwork): void {
    this.#link = link;
    this.#arpNetwork = network?.arp === true ? network : undefined;
  }

  get hasArp(): boolean {
    return this.#arpNetwork !== undefined;
  }

  /** To whom on its local network a packet goes first. */
  nextHop(destination: number): number {
    return this.#arpNetwork?.nextHop(destination) ?? destination;
  }

  /** True if the stack ignores probes without data, by itself or as a fault. */
  get isDeafToProbes(): boolean {
    return (this.#troubles & DEAF_TO_PROBES) !== 0 || !this.profile.answersEmptyProbes;
  }

  setDeafToProbes(isDeaf: boolean): void {
    this.#troubles = isDeaf ? this.#troubles | DEAF_TO_PROBES : this.#troubles & ~DEAF_TO_PROBES;
  }

  get link(): Cable {
    if (this.#link === undefined) throw new Error('the host has no cable');
    return this.#link;
  }

  /** Name of the host, which is its cable's. */
  get name(): string {
    return this.link.name;
  }

  /** The host has no stream of random numbers beside its cable's. */
  get random(): Random {
    return this.link;
  }

  get carrier(): boolean {
    return this.#link?.isUp === true && !this.hasLost('interface-down');
  }

  get capabilities(): Capabilities {
    return capabilitiesOf(this.profile);
  }

  // ---- the port ----

  receive(packet: Packet): void {
    const isForUs = packet.destination === this.address && this.hasRoute;
    if (this.stack === undefined || !isForUs) this.world.packets.release(packet);
    else this.stack.receive(packet);
  }

  send(packet: Packet): void {
    if (packet.destination === this.address || isLoopback(packet.destination)) this.sendToSelf(packet);
    // Packets of a connection from an earlier address of the host are dropped (Linux's ip_route_output_key finds no
    // device).
    else if (!this.hasRoute || packet.source !== this.address) this.world.packets.release(packet);
    else if (this.stack?.neighbours === undefined) this.link.send(packet);
    else this.stack.neighbours.send(packet);
  }

  /**
   * The packet in a frame goes over the cable; what is no frame, or has none of ours in it, would be taken by nobody.
   */
  sendFrame(frame: Uint8Array): number {
    if (frame.length > ETHERNET_FRAME_BYTES_MAX) return failure('EMSGSIZE');
    if (!this.carrier) return failure('ENETDOWN');
    const bytes = ipv4Of(frame);
    if (bytes === undefined) return frame.length;
    const { packets } = this.world;
    const packet = packets.take();
    if (decodePacket(bytes, packet) !== undefined) {
      packets.release(packet);
      return frame.length;
    }
    packet.frame = frame.slice();
    this.link.send(packet);
    return frame.length;
  }

  private sendToSelf(packet: Packet): void {
    this.#loopback ??= new Loopback(this.world.timeline, this.name, (own) => {
      if (this.stack === undefined) this.world.packets.release(own);
      else this.stack.receive(own);
    });
    this.#loopback.send(packet);
  }

  carrierChanged(): void {
    if (!this.carrier) this.stack?.neighbours?.carrierLost();
    this.stack?.carrierChanged();
  }

  // ---- the board's interface ----

  powerOn(interrupts: Interrupts): Network {
    this.stack?.drop();
    this.stack = new StackNetwork(this, interrupts);
    return this.stack;
  }

  powerOff(): void {
    this.stack?.drop();
    this.stack = undefined;
  }

  setCarrier(up: boolean): void {
    if (up) this.link.plug();
    else this.link.pull();
  }

  /** True if there is a route to any other host. */
  get hasRoute(): boolean {
    return (this.#troubles & ANY_LOSS) === 0;
  }

  /**
   * Without its interface or its address a host is mute and deaf: connections live on, if nobody gives them up; but
   * lwIP ends those of an address that it has lost.
   */
  setLost(loss: InterfaceLoss, isLost: boolean): void {
    if (this.hasLost(loss) === isLost) return;
    if (isLost && loss === 'address-removed' && this.profile.endsOnAddressLoss) this.stack?.abortAll();
    const hadCarrier = this.carrier;
    this.#troubles ^= LOSS_BITS[loss];
    if (isLost) this.stack?.neighbours?.clear();
    if (this.carrier !== hadCarrier) this.stack?.carrierChanged();
  }

  /**
   * The host is given another address, as by another network's DHCP server. Nothing is sent from the old one any more:
   * connections from it are mute, or the stack ends them, or has them go on from the new one.
   */
  changeAddress(): void {
    const { stack, profile, address } = this;
    if (profile.endsOnAddressLoss) {
      // lwIP's netif_do_set_ipaddr ends them while it still has the address; but here the old network is out of reach.
      this.#troubles |= LOSS_BITS['address-removed'];
      stack?.abortAll();
      this.#troubles &= ~LOSS_BITS['address-removed'];
    } else if (profile.keepsAddress) {
      stack?.keepAddress(address);
    }
    this.address = this.world.move(this);
    stack?.neighbours?.clear();
  }

  hasLost(loss: InterfaceLoss): boolean {
    return (this.#troubles & LOSS_BITS[loss]) !== 0;
  }

  closeAll(): void {
    this.stack?.closeAll();
  }

  resetAll(): void {
    this.stack?.resetAll();
  }

  /** The world's names are known at once; only who has no cable has to wait, and then in vain. */
  lookup(interrupts: Interrupts, name: string, done: (result: readonly string[] | Errno) => void): Lookup {
    const isAddress = parseAddress(name) !== undefined;
    const known = isAddress
      ? [name]
      : name === 'localhost'
        ? ['127.0.0.1']
        : this.carrier
          ? (this.world.addressesOf(name) ?? 'EAI_NONAME')
          : 'EAI_FAIL';
    return new LookupUnderWay(this.world.timeline, interrupts, known === 'EAI_FAIL' ? LOOKUP_TIMEOUT_US : 0, () =>
      done(known),
    );
  }
}

class LookupUnderWay implements Lookup {
  readonly #timeline: Timeline;
  readonly #interrupts: Interrupts;
  #answer: (() => void) | undefined;
  #handle: number;

  constructor(timeline: Timeline, interrupts: Interrupts, delayUs: number, answer: () => void) {
    this.#timeline = timeline;
    this.#interrupts = interrupts;
    this.#answer = answer;
    this.#handle = timeline.open(this);
    timeline.set(this.#handle, timeline.nowUs + delayUs);
  }

  fire(): void {
    this.#timeline.close(this.#handle);
    this.#handle = -1;
    this.#interrupts.raise(() => {
      this.#answer?.();
      this.#answer = undefined;
    });
  }

  describe(): string {
    return 'a look-up';
  }

  cancel(): void {
    this.#answer = undefined;
    if (this.#handle >= 0) this.#timeline.close(this.#handle);
    this.#handle = -1;
  }
}

const CAPABILITIES = new WeakMap<Profile, Capabilities>();

function capabilitiesOf(profile: Profile): Capabilities {
  let capabilities = CAPABILITIES.get(profile);
  if (capabilities === undefined) {
    const { keepAlive, userTimeout, fin } = profile;
    capabilities = {
      keepAlive: keepAlive.support,
      userTimeout,
      reset: profile.canReset,
      errorReason: true,
      // FreeRTOS+TCP answers the peer's FIN by its own, and acknowledges no data that comes after its own.
      halfClose: fin === 'linux',
      ipv6: false,
      listen: true,
      datagram: true,
      carrier: true,
    };
    CAPABILITIES.set(profile, capabilities);
  }
  return capabilities;
}
