/** A bench over this machine's sockets, for tests: its trace, and waiting for events in it. */

import type { FirmwareConfig } from '../../firmware/index.ts';
import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { firmware } from '../../sim/programs.ts';
import { Bench } from '../../sim/bench/bench.ts';
import type { Device } from '../../sim/device.ts';
import { describeTraceEvent, type TraceEvent } from '../../sim/trace/trace.ts';

export class RealBench {
  readonly trace: TraceEvent[] = [];
  readonly bench: Bench;
  #waiting: (() => void) | undefined;

  constructor() {
    this.bench = new Bench({
      network: nodeNetwork(),
      newClock: nodeClock,
      seed: 1,
      onTrace: (event) => {
        this.trace.push(event);
        this.#waiting?.();
      },
    });
  }

  /** Adds a device with this firmware, switched on. */
  device(name: string, config: FirmwareConfig): Device {
    const board = this.bench.addDevice(name, firmware(config));
    board.power.restore();
    return board;
  }

  now(): number {
    return this.bench.agenda.now();
  }

  /** Resolves to the first event, from now on, for which `holds` returns true. Fails if none comes within `limitMs`. */
  until(holds: (event: TraceEvent) => boolean, limitMs = 20_000): Promise<TraceEvent> {
    let next = this.trace.length;
    return new Promise((resolve, reject) => {
      const cancel = this.bench.agenda.after(limitMs, () => {
        this.#waiting = undefined;
        reject(
          new Error(
            `did not come within ${limitMs} ms: ${holds.toString()}\n${this.trace.map(describeTraceEvent).join('\n')}`,
          ),
        );
      });
      this.#waiting = () => {
        for (; next < this.trace.length; next++) {
          const event = this.trace[next];
          if (event === undefined || !holds(event)) continue;
          this.#waiting = undefined;
          cancel();
          return resolve(event);
        }
      };
    });
  }

  stop(): void {
    this.bench.stop();
  }
}
