/** The two TCP/IP stacks of a matrix, in words. tcpip/STACKS.md has all of their rules. */

import type { ProfileName } from '../tcpip/profile.ts';

/** The stack at either end of a matrix. */
export interface Stacks {
  /** The device's. Absent: lwIP. */
  readonly profile?: ProfileName;
  /** The server's. Absent: Linux. */
  readonly serverProfile?: ProfileName;
}

export const DEFAULT_STACKS: Required<Stacks> = { profile: 'lwip', serverProfile: 'linux' };

interface StackText {
  readonly title: string;
  /** Rules of this stack that a cell of a matrix can show. */
  readonly rules: string;
}

const STACK_TEXTS: Readonly<Record<ProfileName, StackText>> = {
  linux: {
    title: 'Linux',
    rules: 'keepalive waits while sent data is unacknowledged: an end that has a beat on its way leaves a dead peer to '
      + 'the count of beats. Data that nobody acknowledges ends with ETIMEDOUT after about 16 min.',
  },
  lwip: {
    title: 'lwIP',
    rules: 'keepalive goes on while sent data is unacknowledged, and its timer has ticks of 500 ms. What lwIP gives up '
      + 'ends with ECONNABORTED, data after 12 retransmissions.',
  },
  w5500: {
    title: 'W5500',
    rules: 'keepalive has one time, in units of 5 s, and a probe without an answer is sent again like data: either ends '
      + 'with ETIMEDOUT after 31.8 s. Each boot begins at local port 49152: the first SYN after a reboot meets the old '
      + 'connection, and a server that answers it learns at once.',
  },
  'freertos-tcp': {
    title: 'FreeRTOS+TCP',
    rules: 'an idle connection is looked at every 20 s, and keepalive gives it up after four probes without an answer, '
      + 'whatever interval and count say. Without keepalive, data that nobody acknowledges is never given up. It '
      + 'answers neither a keepalive probe for a connection that it does not have, as after a reboot, nor a SYN for one '
      + 'that it has.',
  },
};

/** Returns the two stacks as a part of a sentence: `a lwIP device and a Linux server`. */
export function stacksText(stacks: Stacks): string {
  const { profile, serverProfile } = { ...DEFAULT_STACKS, ...stacks };
  return `a ${STACK_TEXTS[profile].title} device and a ${STACK_TEXTS[serverProfile].title} server`;
}

/** Returns a line about each stack that a matrix does not have by default. */
export function stackRules({ profile, serverProfile }: Stacks): string[] {
  const other = [profile, serverProfile].filter((name) => name !== undefined);
  return [...new Set(other)].map((name) => `${STACK_TEXTS[name].title}: ${STACK_TEXTS[name].rules}`);
}
