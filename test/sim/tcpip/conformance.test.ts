/** The HAL on a simulated board keeps the contract, as every port must: in virtual time, with each of the stacks. */

import { describe, test } from 'vitest';
import { checks, type CheckResult } from '../../../hal/conformance/index.ts';
import type { Hal } from '../../../hal/hal.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { PROFILE_NAMES, type Profile, type ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { expectSound } from '../../support/conformance.ts';

/** The stacks as a port to them would have to use them, where they do not keep the contract by themselves. */
function asPorted(name: ProfileName): Profile {
  switch (name) {
    case 'w5500':
      // One check sends 5,000 bytes before it reads: the chip gives a socket as much of its 16 KB as it is told to
      // (Sn_RXBUF_SIZE).
      return { ...PROFILES.w5500, receiveBufferBytes: 8192 };
    case 'freertos-tcp':
      // Nobody is told of a refusal: a port has to ask FreeRTOS_connstatus. Its backlog counts connections that were
      // accepted: a port has to set a large one, and count those that wait. And the window is closed when a quarter of
      // the buffer is left: FREERTOS_SO_RCVBUF sets a larger one.
      return {
        ...PROFILES['freertos-tcp'], refusedErrno: 'ECONNREFUSED', refusedAfterMs: 0, backlogCounts: 'waiting',
        receiveBufferBytes: 8 * 1460,
      };
    case 'linux':
    case 'lwip':
      return PROFILES[name];
  }
}

function boards(profile: ProfileName): { sim: Simulation; tested: Hal; peer: Hal } {
  const sim = new Simulation({ seed: 1 });
  const hals = ['tested', 'peer'].map((name) => {
    let booted: Hal | undefined;
    sim.addDevice({
      name,
      profile: name === 'tested' ? asPorted(profile) : 'linux',
      link: { delay: '1ms' },
      firmware: (hal) => (booted = hal),
    });
    if (booted === undefined) throw new Error('did not boot');
    return booted;
  });
  const [tested, peer] = hals;
  if (tested === undefined || peer === undefined) throw new Error('two boards');
  return { sim, tested, peer };
}

/** Names of the checks of features that such a board lacks. */
const NOT_HERE = /IPv6|storage: only what was committed/;
/** FreeRTOS+TCP answers the peer's FIN by its own. */
const NOT_HALF_CLOSED = new RegExp(`${NOT_HERE.source}|after the peer's FIN, writing goes on`);

describe.each(PROFILE_NAMES)('with the stack of %s', (profile) => {
  const { sim, tested, peer } = boards(profile);
  for (const check of checks({ hal: tested, address: '10.0.0.1' }, { hal: peer, address: '10.0.0.2' })) {
    test(check.name, async () => {
      let result: CheckResult | undefined;
      check.run((ended) => {
        result = ended;
      });
      await sim.until(() => result !== undefined, '10m');
      expectSound(check, result, PROFILES[profile].fin === 'linux' ? NOT_HERE : NOT_HALF_CLOSED);
    });
  }
});
