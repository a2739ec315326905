/** Checks of random numbers, console, link and system. */

import type { ResetReason } from '../system.ts';
import { expect, inWords } from './check.ts';
import type { Definition } from './check.ts';

const RESET_REASONS: readonly ResetReason[] = ['power-on', 'brown-out', 'watchdog', 'panic', 'software'];

export const systemChecks: readonly Definition[] = [
  {
    name: 'random: whole numbers of 32 bits, not always the same',
    *steps(stage) {
      const { random } = stage.tested.hal;
      const draws = Array.from({ length: 64 }, () => random.uint32());
      const isUint32 = (draw: number) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32;
      const wrong = draws.find((draw) => !isUint32(draw));
      expect(wrong === undefined, `${wrong} is not a whole number from 0 to 2^32 - 1`);
      expect(new Set(draws).size > 60, 'of 64 random numbers many are the same');
      const high = draws.filter((draw) => draw >= 2 ** 31).length;
      expect(high > 0 && high < 64, 'the highest bit of random numbers does not change');
    },
  },
  {
    name: 'console: prints a line',
    *steps(stage) {
      stage.tested.hal.console.print('conformance: this line is to be seen once');
    },
  },
  {
    name: 'link: carrier is known, and watch does not call back by itself',
    *steps(stage) {
      const { capabilities, link } = stage.tested.hal.network;
      expect(capabilities.carrier || link.carrier, 'a port that does not follow the carrier must say that it is up');
      stage.call('watch()', () => link.watch(() => stage.event('the link watcher', false)));
    },
  },
  {
    name: 'system: the device has a name and a reset reason',
    *steps(stage) {
      const { deviceId, resetReason } = stage.tested.hal.system;
      expect(deviceId.length > 0, 'deviceId is empty');
      expect(RESET_REASONS.includes(resetReason), `resetReason is ${inWords(resetReason)}`);
    },
  },
  {
    name: 'system: a watchdog that is armed again in time does not bite',
    *steps(stage) {
      const { system } = stage.tested.hal;
      const hasWatchdog = system.armWatchdog(1_000);
      for (let round = 0; round < 4; round += 1) {
        yield* stage.pause(10);
        expect(system.armWatchdog(1_000) === hasWatchdog, 'armWatchdog does not always give the same answer');
      }
      // The watchdog cannot be disarmed. This is the last check, because a later one would have to arm the watchdog
      // again, or be reset.
      system.armWatchdog(60_000);
    },
  },
];
