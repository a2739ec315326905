/** The venue of a run: the part that differs between real sockets, a gateway and the simulated network. */

import type { Server } from '../../firmware/index.ts';
import type { Firmware } from '../board/board.ts';
import type { Device } from '../device.ts';
import type { NetstatRow } from '../netstat.ts';
import type { DeviceGroup } from './device-groups.ts';
import type { DeviceMake } from './device-options.ts';
import type { Testbed } from '../testbed.ts';
import type { Pace } from './pace.ts';

export interface Venue {
  readonly testbed: Testbed;
  /** Pace of virtual time, with --live; undefined in real time, and when virtual time passes as fast as it can. */
  readonly pace: Pace | undefined;
  /** Server and network that the devices meet, for the first line of a run. */
  readonly description: string;
  /**
   * Starts the server's program, if it is ours. Resolves to a function that gives the servers of a group's devices.
   * Rejects with a Problem.
   */
  open(): Promise<(group: DeviceGroup) => readonly Server[]>;
  /** Adds a device with this firmware. It is switched off. */
  addDevice(name: string, firmware: Firmware, make: DeviceMake): Device;
  /** Lets time pass up to the end of the run or `stop`, and shows the progress. Rejects with a Problem. */
  pass(): Promise<void>;
  /** Ends the run soon. It can be called at any time. */
  stop(): void;
  /** Resolves to undefined if the connections cannot be seen. */
  netstat(): Promise<NetstatRow[] | undefined>;
  /** Ends everything. Resolves to whether all files were written; if not, the user has been told. */
  close(): Promise<boolean>;
}
