/** A board: power, resets, hangs and crashes, and that nothing of an old boot is ever heard again. In virtual time. */

import { beforeEach, describe, expect, it } from 'vitest';
import { boot, firmwareImage } from '../../../firmware/index.ts';
import { Kernel } from '../../../firmware/rtos/index.ts';
import type { Clock } from '../../../hal/clock.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { BoardClock } from '../../../sim/board/board-clock.ts';
import { serve, type Interrupts } from '../../../sim/board/interrupts.ts';
import { Board, RESET_MS, type BoardContext, type BoardEvent, type Firmware } from '../../../sim/board/board.ts';
import { ClockedBoot } from '../../../sim/board/boot.ts';
import type { Nic } from '../../../sim/board/nic.ts';
import { forkRandom } from '../../../sim/random.ts';
import { Loopback } from '../../support/loopback.ts';
import { clocksOf } from '../bench/rig.ts';

let world: Loopback;
let calls: string[];
let events: [atMs: number, event: BoardEvent][];
/** The clocks whose alarm is armed: each would keep the process of a real bench alive. */
const armed = new Set<Clock>();
/** Clocks that were made and not given back. */
const held = new Set<Clock>();
let boots: { readonly atMs: number; readonly hal: Hal }[];
let interrupts: Interrupts | undefined;

beforeEach(() => {
  world = new Loopback();
  calls = [];
  events = [];
  boots = [];
  armed.clear();
  held.clear();
});

const newBoot: BoardContext['newBoot'] = (board, reason) => new ClockedBoot(board, reason);

function newClock(): BoardClock {
  const clock = clocksOf(world)();
  held.add(clock);
  return {
    release: () => void held.delete(clock),
    now: () => clock.now(),
    setAlarm(atMs, isr) {
      armed.add(clock);
      clock.setAlarm(atMs, () => {
        armed.delete(clock);
        serve(isr);
      });
    },
    clearAlarm() {
      armed.delete(clock);
      clock.clearAlarm();
    },
  };
}

/** A board, switched on, whose network interface notes what is asked of it. */
function board(firmware: Firmware = () => {}): Board {
  const { network } = world.host('10.0.0.1').hal;
  const nic: Nic = {
    powerOn: (way) => {
      calls.push('power on');
      interrupts = way;
      return network;
    },
    powerOff: () => calls.push('power off'),
    setCarrier: (up) => calls.push(up ? 'carrier up' : 'carrier down'),
    closeAll: () => calls.push('close all'),
    resetAll: () => calls.push('reset all'),
    setLost: () => {},
    hasLost: () => false,
    changeAddress: () => {},
  };
  const onEvent = (event: BoardEvent) => events.push([world.now, event]);
  const made = new Board({ seed: 1, newBoot, newClock, onEvent }, 'dev-1', nic, (hal, onEvent) => {
    boots.push({ atMs: world.now, hal });
    firmware(hal, onEvent);
  });
  expect(made.state).toBe('off');
  made.power.restore();
  return made;
}

const reasons = () => boots.map(({ atMs, hal }) => [atMs, hal.system.resetReason]);

describe('power', () => {
  it('boots with a reason, a clock that starts at 0, and the device\'s name; twice is once', () => {
    const { power } = board();
    power.restore();
    world.advance(1000);
    power.cut();
    power.cut();
    world.advance(1000);
    power.restore('brown-out');
    world.advance(10);
    expect(reasons()).toEqual([[0, 'power-on'], [2000, 'brown-out']]);
    expect(boots.map(({ hal }) => hal.clock.now())).toEqual([2010, 10]);
    expect(boots[1]?.hal.system.deviceId).toBe('dev-1');
    expect(calls.filter((call) => call === 'power on')).toHaveLength(2);
  });

  it('cut: generators are dropped, not ended, and no task runs any more', () => {
    const ran: string[] = [];
    const { power } = board((hal) => {
      const os = new Kernel(hal.clock);
      os.createTask(function* () {
        try {
          for (;;) {
            ran.push(`tick at ${world.now}`);
            yield* os.delay(100);
          }
        } finally {
          ran.push('finally');
        }
      }, 'ticker', 1);
      os.start();
    });
    world.advance(250);
    power.cut();
    world.advance(10_000);
    expect(ran).toEqual(['tick at 0', 'tick at 100', 'tick at 200']);
  });

  it('cut: no alarm stays armed, in any state of the board', () => {
    const made = board((hal) => {
      hal.clock.setAlarm(1000, () => hal.system.restart('software'));
      hal.system.armWatchdog(5000);
    });
    for (const atMs of [500, 1050]) {
      world.advance(atMs);
      expect(armed.size).toBeGreaterThan(0);
      made.power.cut();
      expect(armed.size).toBe(0);
      made.power.restore();
    }
  });

  it('cut in the middle of a task: what it does until it yields has no effect', () => {
    const lines: string[] = [];
    const made: Board = board((hal, onEvent) => {
      const os = new Kernel(hal.clock, { onCrash: (report) => hal.system.panic(report) });
      os.createTask(function* () {
        yield* os.delay(100);
        hal.storage.set('a', Uint8Array.of(1));
        hal.storage.commit();
        made.power.cut();
        hal.storage.set('a', Uint8Array.of(2));
        lines.push(hal.storage.commit() < 0 ? 'not committed' : 'committed');
        hal.console.print('still here');
        onEvent?.({ kind: 'beat-sent' });
        hal.system.restart('software');
        yield* os.delay(100);
        lines.push('went on');
      }, 'cutter', 1);
      os.start();
    });
    world.advance(10_000);
    expect(made.state).toBe('off');
    expect(lines).toEqual(['not committed']);
    expect(events).toEqual([]);
    made.power.restore();
    expect(boots.at(-1)?.hal.storage.get('a')).toEqual(Uint8Array.of(1));
  });
});

describe('a reset by the device itself', () => {
  it('from inside a task: nothing of the old boot runs on, and the new one comes 100 ms later', () => {
    const lines: string[] = [];
    board((hal) => {
      if (boots.length > 1) return;
      const os = new Kernel(hal.clock);
      os.createTask(function* () {
        yield* os.delay(50);
        hal.system.restart('software');
        lines.push('the call returns');
        hal.clock.setAlarm(0, () => lines.push('alarm'));
        yield* os.delay(1);
        lines.push('went on');
      }, 'restarter', 1);
      os.start();
    });
    world.advance(50 + RESET_MS - 1);
    expect(boots).toHaveLength(1);
    world.advance(1);
    expect(reasons()).toEqual([[0, 'power-on'], [150, 'software']]);
    world.advance(10_000);
    expect(lines).toEqual(['the call returns']);
    expect(calls).toEqual(['power on', 'power off', 'power on']);
  });

  it('of a firmware that crashes at every start does not spin: ten boots a second', () => {
    board((hal, onEvent) => {
      boot(hal, firmwareImage({ protocol: 'heartbeat', servers: [{ host: '10.0.0.2', port: 1 }] }), onEvent);
      hal.system.panic({ task: 'main', reason: 'a bug', stack: '' });
    });
    world.advance(10_000);
    expect(boots).toHaveLength(101);
    expect(reasons().at(-1)).toEqual([10_000, 'panic']);
    expect(events.filter(([, { kind }]) => kind === 'panic')).toHaveLength(101);
    expect(events.filter(([, { kind }]) => kind === 'connected' || kind === 'connect-failed')).toEqual([]);
  });

  it('tells of a panic once, and asks twice for nothing', () => {
    board((hal) => {
      if (boots.length > 1) return;
      hal.system.panic({ task: 'main', reason: 'a bug', stack: 'here' });
      hal.system.panic({ task: 'main', reason: 'another', stack: '' });
      hal.system.restart('software');
    });
    world.advance(1000);
    expect(events).toEqual([[0, { kind: 'panic', task: 'main', reason: 'a bug', stack: 'here' }]]);
    expect(reasons()).toEqual([[0, 'power-on'], [100, 'panic']]);
  });

  it('is over when the power goes meanwhile', () => {
    const { power } = board((hal) => {
      if (boots.length === 1) hal.system.restart('software');
    });
    world.advance(50);
    power.cut();
    world.advance(1000);
    expect(boots).toHaveLength(1);
    power.restore();
    world.advance(1000);
    expect(reasons()).toEqual([[0, 'power-on'], [1050, 'power-on']]);
  });

  it('is not disturbed by a hang, a crash, or their ends', () => {
    const made = board((hal) => {
      if (boots.length === 1) hal.system.restart('watchdog');
    });
    made.hang();
    made.unhang();
    made.crash();
    made.restartCrashed();
    expect(made.state).toBe('resetting');
    world.advance(RESET_MS);
    expect(reasons().at(-1)).toEqual([100, 'watchdog']);
  });
});

describe('a hang', () => {
  it('without a watchdog lasts until it is ended, and the alarm waits until then', () => {
    const rung: number[] = [];
    const made = board((hal) => hal.clock.setAlarm(10, () => rung.push(world.now)));
    made.hang();
    expect(made.state).toBe('hung');
    world.advance(3_600_000);
    expect(rung).toEqual([]);
    made.unhang();
    expect(rung).toEqual([3_600_000]);
    expect(made.state).toBe('running');
    expect(calls).toEqual(['power on']);
  });

  it('an alarm that has waited for its end does not ring if what waited before it has disarmed it, or armed it for later', () => {
    const rung: [string, number][] = [];
    const alarm = (): number => rung.push(['alarm', world.now]);
    const made = board((hal) => hal.clock.setAlarm(10, alarm));
    for (const change of ['clear', 'later'] as const) {
      const [hal] = boots.slice(-1).map((boot) => boot.hal);
      made.hang();
      interrupts?.raise(() => {
        if (change === 'clear') hal?.clock.clearAlarm();
        else hal?.clock.setAlarm(50, alarm);
      });
      world.advance(20);
      made.unhang();
      world.advance(20);
      expect(rung).toEqual([]);
      if (change === 'clear') {
        made.power.cut();
        made.power.restore();
      }
    }
    world.advance(10);
    expect(rung).toEqual([['alarm', 90]]);
  });

  it('is a matter of the firmware: a power cycle ends it', () => {
    const made = board();
    made.hang();
    made.power.cut();
    made.power.restore();
    expect(made.state).toBe('running');
    made.unhang();
    expect(boots).toHaveLength(2);
  });

  it('does nothing to a board that is off or crashed', () => {
    const made = board();
    made.crash();
    made.hang();
    expect(made.state).toBe('crashed');
    made.power.cut();
    made.hang();
    expect(made.state).toBe('off');
  });
});

describe('a crash', () => {
  it('closes the connections and leaves the stack alive; the restart is a boot after a panic', () => {
    const made = board();
    made.crash();
    made.crash();
    expect(calls).toEqual(['power on', 'close all']);
    world.advance(1000);
    made.restartCrashed();
    made.restartCrashed();
    expect(reasons()).toEqual([[0, 'power-on'], [1000, 'panic']]);
  });

  it('silences clock and watchdog', () => {
    const rung: string[] = [];
    const made = board((hal) => {
      hal.clock.setAlarm(10, () => rung.push('alarm'));
      hal.system.armWatchdog(20);
    });
    made.crash();
    world.advance(1000);
    expect(rung).toEqual([]);
    expect(boots).toHaveLength(1);
  });

  it('does nothing to a board that is off', () => {
    const made = board();
    made.power.cut();
    calls.length = 0;
    made.crash();
    made.restartCrashed();
    expect(made.state).toBe('off');
    expect(calls).toEqual([]);
  });
});

it('gives back every clock of a boot, of its watchdog and of a reset that is over', () => {
  const { power } = board((hal) => {
    hal.system.armWatchdog(1000);
    if (boots.length < 3) hal.system.restart('software');
  });
  world.advance(10 * RESET_MS);
  expect(boots).toHaveLength(3);
  expect(held.size).toBe(2);
  power.cut();
  expect(held.size).toBe(0);
});

it('random numbers follow from seed and name, and go on from one boot to the next', () => {
  const drawn: number[] = [];
  const { power } = board((hal) => drawn.push(hal.random.uint32()));
  power.cut();
  power.restore();
  const same = forkRandom(1, 'dev-1');
  expect(drawn).toEqual([same.uint32(), same.uint32()]);
});

it('the cable can be pulled and plugged in any state of the board; twice is once', () => {
  const made = board();
  made.cable.plug();
  made.cable.pull();
  made.power.cut();
  made.cable.pull();
  made.cable.plug();
  made.power.restore();
  expect(calls).toEqual(['power on', 'carrier down', 'power off', 'carrier up', 'power on']);
});

it('the watchdog bites unless it is armed again in time, and then the reason is known', () => {
  board((hal) => {
    if (boots.length > 1) return;
    hal.system.armWatchdog(100);
    hal.clock.setAlarm(99, () => hal.system.armWatchdog(100));
  });
  world.advance(198);
  expect(calls).toEqual(['power on']);
  world.advance(1);
  expect(calls).toEqual(['power on', 'power off']);
  world.advance(RESET_MS);
  expect(reasons()).toEqual([[0, 'power-on'], [299, 'watchdog']]);
});

it('the flash keeps what was committed, and nothing else', () => {
  const made = board();
  const [first] = boots;
  first?.hal.storage.set('kept', Uint8Array.of(1));
  first?.hal.storage.set('gone', Uint8Array.of(1));
  expect(first?.hal.storage.commit()).toBe(0);
  first?.hal.storage.set('kept', Uint8Array.of(2));
  first?.hal.storage.delete('gone');
  first?.hal.storage.set('new', Uint8Array.of(3));
  expect(first?.hal.storage.get('kept')).toEqual(Uint8Array.of(2));
  made.power.cut();
  made.power.restore();
  const storage = boots.at(-1)?.hal.storage;
  expect(['kept', 'gone', 'new'].map((key) => storage?.get(key)?.[0])).toEqual([1, 1, undefined]);
  storage?.delete('gone');
  storage?.commit();
  // A commit by an old boot has no effect.
  expect(first?.hal.storage.commit()).toBeLessThan(0);
  made.crash();
  made.restartCrashed();
  expect(boots.at(-1)?.hal.storage.get('gone')).toBeUndefined();
});
