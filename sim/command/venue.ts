/** Where a run takes place: what is different over real sockets and on the simulated network. */

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
  /** How virtual time goes, with --live; undefined: as fast as it can, or in real time. */
  readonly pace: Pace | undefined;
  /** What the devices will meet, for the line that a run begins with. */
  readonly description: string;
  /** The server's program, where it is ours, runs; gives where the devices of a group connect to. Rejects with a Problem. */
  open(): Promise<(group: DeviceGroup) => readonly Server[]>;
  /** A board of this make with this firmware; its power is off. */
  addDevice(name: string, firmware: Firmware, make: DeviceMake): Device;
  /** Lets time pass, to the end of the run or to `stop`, and shows how far it is. Rejects with a Problem. */
  pass(): Promise<void>;
  /** Ends the run soon; at any time. */
  stop(): void;
  /** Undefined where nobody can look inside. */
  netstat(): Promise<NetstatRow[] | undefined>;
  /** It is over, and nothing is left. Gives whether all that was to be kept is; what is not has been told. */
  close(): Promise<boolean>;
}
