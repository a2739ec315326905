/** The target of faults: a board, or the machine of a server that is not ours. */

/** Each call does nothing where it is so already. */
export interface Machine {
  readonly name: string;
  readonly state: MachineState;
  /** True while the cable is plugged in. */
  readonly hasCarrier: boolean;
  /** Number of times that its program has been started. */
  readonly boots: number;
  readonly cable: { pull(): void; plug(): void };
  readonly power: { cut(): void; restore(): void };
  /** The program stops, the TCP stack lives. */
  hang(): void;
  unhang(): void;
  /** The program dies as a process does, under an operating system that lives on. */
  crash(): void;
  restartCrashed(): void;
  /** A box on the way resets the connections: both ends get a RST. */
  resetConnections(): void;
  /** Takes something from the network interface, or gives it back. Throws if the network is that of a real machine. */
  setLost(loss: InterfaceLoss, isLost: boolean): void;
  hasLost(loss: InterfaceLoss): boolean;
  /** Gives the machine another address. Throws if the network is that of a real machine. */
  changeAddress(): void;
}

/** Loss of a network interface whose cable is in: `ip link set down`, or `ip addr del`. */
export type InterfaceLoss = 'interface-down' | 'address-removed';

export type MachineState = 'off' | 'running' | 'hung' | 'crashed' | 'resetting';
