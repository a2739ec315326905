/** The clocks that a program can look at: `Date`, `performance.now`, `process.hrtime`, `process.uptime`. */

import { owner } from './owner.ts';
import type { Patches } from './patch.ts';

const RealDate = Date;

/** Returns ms since 1970, on the clock of the host whose program asks. */
function nowMs(): number {
  const process = owner();
  if (process === undefined) throw new Error('the time of a host was asked for by nobody');
  process.readClock();
  return Math.floor(process.surroundings.timeOfDayMs());
}

export function patchClocks(patches: Patches): void {
  const VirtualDate: DateConstructor = new Proxy(RealDate, {
    apply: (target, self, args) =>
      owner() === undefined ? Reflect.apply(target, self, args) : new RealDate(nowMs()).toString(),
    construct: (target, args, newTarget): object =>
      Reflect.construct(
        target,
        args.length === 0 && owner() !== undefined ? [nowMs()] : args,
        newTarget === VirtualDate ? target : newTarget,
      ),
  });
  const { now } = RealDate;
  const realNow = now.bind(RealDate);
  RealDate.now = () => (owner() === undefined ? realNow() : nowMs());
  globalThis.Date = VirtualDate;
  // `date.constructor === Date` holds, as it does without.
  RealDate.prototype.constructor = VirtualDate;
  patches.add(() => {
    RealDate.now = now;
    globalThis.Date = RealDate;
    RealDate.prototype.constructor = RealDate;
  });
  const virtualNow = (): number | undefined => {
    const process = owner();
    process?.readClock();
    return process?.nowMs();
  };
  patches.replace(performance, 'now', (original) => () => virtualNow() ?? original.call(performance));
  patches.replace(process, 'uptime', (original) => () => {
    const ms = virtualNow();
    return ms === undefined ? original.call(process) : ms / 1000;
  });
  patches.replace(process, 'hrtime', (original) => {
    const hrtime = (since?: [number, number]): unknown => {
      const ms = virtualNow();
      if (ms === undefined) return original.call(process, since);
      const ns = Math.round(ms * 1e6) - (since === undefined ? 0 : since[0] * 1e9 + since[1]);
      return [Math.floor(ns / 1e9), ns - Math.floor(ns / 1e9) * 1e9];
    };
    const { bigint } = process.hrtime;
    return Object.assign(hrtime, {
      bigint: () => {
        const ms = virtualNow();
        return ms === undefined ? bigint.call(process.hrtime) : BigInt(Math.round(ms * 1e6));
      },
    });
  });
}
