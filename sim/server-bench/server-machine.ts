/**
 * The machine that the user's server runs on: a network namespace with a kernel's TCP/IP of its own state, the server's
 * process, and the gate between it and the devices. What faults do to it is done to real processes.
 */

import type { InterfaceLoss, Machine, MachineState } from '../board/machine.ts';
import type { Gate } from '../gateway/gate.ts';
import type { EndPair } from '../gateway/server-ends.ts';
import { Helper, type HelperEvent, type HelperOptions } from './helper.ts';

export interface ServerMachineOptions extends Pick<
  HelperOptions,
  'interfaceName' | 'interpreter' | 'address' | 'netmask' | 'mtuBytes' | 'command' | 'onOutput' | 'onLook'
> {
  readonly name: string;
  /** Listener of the present helper's events; a helper that was ended reports nothing more. */
  readonly onEvent: (event: HelperEvent) => void;
  /** Called when the machine has lost its power, and its kernel all sockets. */
  readonly onOff: () => void;
  readonly onPackets: (bytes: Uint8Array) => void;
}

export class ServerMachine implements Machine {
  readonly name: string;
  boots = 0;
  readonly #options: ServerMachineOptions;
  readonly #gate: Gate;
  readonly #resetAll: () => void;
  #state: MachineState = 'off';
  #helper: Helper | undefined = undefined;

  /** A machine without power. `resetAll` resets every connection, as a box on the way does. */
  constructor(gate: Gate, options: ServerMachineOptions, resetAll: () => void) {
    this.name = options.name;
    this.#options = options;
    this.#gate = gate;
    this.#resetAll = resetAll;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Process whose /proc shows the namespace; undefined without power. */
  get pid(): number | undefined {
    return this.#helper?.pid;
  }

  get hasCarrier(): boolean {
    return this.#gate.link.isUp;
  }

  readonly cable = {
    pull: (): void => this.#gate.link.pull(),
    plug: (): void => this.#gate.link.plug(),
  };

  readonly power = {
    cut: (): void => this.kill(),
    restore: (): void => {
      if (this.#state === 'off') this.#boot();
    },
  };

  hang(): void {
    if (this.#state !== 'running') return;
    this.#state = 'hung';
    this.#helper?.signalServer('STOP');
  }

  unhang(): void {
    if (this.#state !== 'hung') return;
    this.#state = 'running';
    this.#helper?.signalServer('CONT');
  }

  crash(): void {
    if (this.#state !== 'running' && this.#state !== 'hung') return;
    this.#state = 'crashed';
    this.#helper?.signalServer('KILL');
  }

  restartCrashed(): void {
    if (this.#state !== 'crashed') return;
    this.#startServer();
  }

  resetConnections(): void {
    this.#resetAll();
  }

  setLost(loss: InterfaceLoss): never {
    throw new Error(`there is no ${loss} on ${this.name}: its kernel is a real one; the devices have it`);
  }

  hasLost(loss: InterfaceLoss): boolean {
    return this.setLost(loss);
  }

  changeAddress(): never {
    throw new Error(`there is no roam on ${this.name}: its kernel is a real one; the devices have it`);
  }

  /** Packets from the devices. Without power they come to nothing. */
  write(packets: Uint8Array): void {
    this.#helper?.write(packets);
  }

  look(pair: EndPair): void {
    this.#helper?.look(pair);
  }

  lookForClosed(): void {
    this.#helper?.lookForClosed();
  }

  /** Asks the server to end. */
  terminate(): void {
    this.#helper?.signalServer('TERM');
    // A process that is stopped hears of it when it goes on.
    if (this.#state === 'hung') this.#helper?.signalServer('CONT');
  }

  /**
   * The namespace is gone, with all its processes and sockets: nothing is sent, and the kernel that comes next knows
   * nothing of the connections of now.
   */
  kill(): void {
    this.#helper?.kill();
    this.#helper = undefined;
    this.#state = 'off';
    this.#options.onOff();
  }

  #boot(): void {
    const { onEvent, onPackets } = this.#options;
    const isCurrent = (): boolean => this.#helper === helper;
    const helper: Helper = new Helper({
      ...this.#options,
      onEvent: (event) => {
        if (!isCurrent()) return;
        if (event.kind === 'ready' && this.#options.command.length > 0) this.#startServer();
        onEvent(event);
      },
      onPackets: (bytes) => {
        if (isCurrent()) onPackets(bytes);
      },
    });
    this.#helper = helper;
    this.#state = 'running';
  }

  #startServer(): void {
    this.boots++;
    this.#state = 'running';
    this.#helper?.startServer();
  }
}
