/** One device on this machine: everything that `boot` wants, on real sockets and a real file. */

import { stdout } from 'node:process';
import type { Hal } from '../hal.ts';
import type { ResetReason } from '../system.ts';
import { nodeClock } from './clock.ts';
import { nodeNetwork } from './network.ts';
import { nodeRandom } from './random.ts';
import { fileStorage } from './storage.ts';

export interface NodeHalOptions {
  readonly deviceId: string;
  /** File of the device's storage. It is created if it does not exist. */
  readonly storageFile: string;
  /** Why the firmware is started. By default `power-on`. */
  readonly resetReason?: ResetReason;
  /** Prints one line. By default to standard output. */
  readonly print?: (line: string) => void;
  /**
   * The firmware is to start again. The alarm, the sockets and the watchdog of this device are gone: a new
   * `nodeHal` with this reason, and `boot`, is the restart; so is the end of the process, under a supervisor.
   */
  readonly onRestart: (reason: ResetReason) => void;
}

/**
 * A device with a clock that starts now. Its watchdog finds a task that hangs while others run, but not one that
 * never yields: that holds up the one thread of the process, and the watchdog with it.
 */
export function nodeHal(options: NodeHalOptions): Hal {
  const print = options.print ?? ((line: string) => void stdout.write(`${line}\n`));
  const clock = nodeClock();
  const network = nodeNetwork({ warn: print });
  const watchdog = nodeClock();
  let restarting = false;

  function drop(): void {
    clock.clearAlarm();
    watchdog.clearAlarm();
    network.dropAll();
  }

  function restart(reason: ResetReason): void {
    drop();
    if (restarting) return;
    restarting = true;
    // The call returns into the firmware, which may still arm its alarm or open a socket before it stands still.
    process.nextTick(() => {
      drop();
      options.onRestart(reason);
    });
  }

  return {
    clock,
    network,
    storage: fileStorage(options.storageFile),
    random: nodeRandom,
    console: { print },
    system: {
      deviceId: options.deviceId,
      resetReason: options.resetReason ?? 'power-on',
      restart,
      panic({ task, reason, stack }) {
        print(`panic in task ${task}: ${reason}`);
        if (stack !== '') print(stack);
        restart('panic');
      },
      armWatchdog(timeoutMs) {
        watchdog.setAlarm(watchdog.now() + timeoutMs, () => restart('watchdog'));
        return true;
      },
    },
  };
}
