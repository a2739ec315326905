/**
 * Power, hangs, crashes and resets on the bench: what the far end sees, and when. In virtual time; one way takes 1 ms.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import { RESET_MS } from '../../../sim/board/board.ts';
import { Probe, Rig, SERVER, pattern, type FarEnd } from './rig.ts';

let rig: Rig;
let probe: Probe;
let far: FarEnd;

/** The connection is made at 2 ms. */
beforeEach(() => {
  rig = new Rig();
  [probe, far] = rig.connect();
});

afterEach(() => {
  expect(rig.leaks).toEqual([]);
  expect(probe.violations).toEqual([]);
  expect(rig.stop()).toBe(0);
});

const advance = (ms: number) => rig.world.advance(ms);
const now = () => rig.world.now;
const cut = () => rig.board.power.cut();
const restore = () => rig.board.power.restore();

/** The far end lives on, and the bench has not seen it go. */
function expectGhost(): void {
  expect(far.over).toBeUndefined();
  expect(rig.hungUps()).toEqual([]);
}

describe('power', () => {
  it('cut: nothing is sent, nothing is heard, however long', () => {
    const told = probe.events.length;
    cut();
    far.push(1, 2, 3);
    advance(3_600_000);
    expect(probe.events).toHaveLength(told);
    expect(far.received).toEqual([]);
    expectGhost();
  });

  it('back: the next bytes on the old connection are answered with a reset, and not before', () => {
    cut();
    advance(1000);
    restore();
    advance(3_600_000);
    expectGhost();
    far.push(1);
    advance(2);
    expect(far.over).toEqual({ atMs: now(), reason: 'ECONNRESET' });
    expect(rig.hungUps()).toEqual([[now() - 1, 'ECONNRESET']]);
  });

  it('back: what was said to the dead device is said again, and answered with a reset', () => {
    cut();
    far.push(1);
    advance(1000);
    expectGhost();
    restore();
    advance(1);
    expect(far.over).toEqual({ atMs: 1003, reason: 'ECONNRESET' });
  });

  it('back: what the stack had acknowledged before the cut is not said again', () => {
    far.push(1);
    advance(10);
    cut();
    advance(1000);
    restore();
    advance(3_600_000);
    expectGhost();
  });

  it('back with the cable out: still silent, until that is back, too', () => {
    cut();
    far.push(1);
    advance(1000);
    rig.board.cable.pull();
    restore();
    far.push(2);
    advance(1000);
    expectGhost();
    rig.board.cable.plug();
    advance(1);
    expect(far.over?.reason).toBe('ECONNRESET');
  });

  it('cut with the cable out, cable back first: still silent, until the device is back', () => {
    rig.board.cable.pull();
    far.push(1);
    cut();
    advance(1000);
    rig.board.cable.plug();
    advance(1000);
    expectGhost();
    restore();
    advance(1);
    expect(far.over?.reason).toBe('ECONNRESET');
  });

  it('cut and back again and again: the far end believes until it is told', () => {
    for (let i = 0; i < 5; i++) {
      cut();
      advance(1000);
      restore();
      advance(1000);
    }
    expectGhost();
    far.push(1);
    advance(2);
    expect(far.over?.reason).toBe('ECONNRESET');
  });

  it('cut: a FIN of the far end is seen, and not answered until the device is back', () => {
    cut();
    far.socket.shutdown();
    advance(1000);
    expect(rig.hungUps()).toEqual([[3, 'closed']]);
    expect(far.over).toBeUndefined();
    restore();
    advance(1);
    expect(far.over).toEqual({ atMs: 1003, reason: 'ECONNRESET' });
    expect(rig.hungUps()).toHaveLength(1);
  });

  it('cut: a FIN that came while the cable was out is answered when both are back', () => {
    rig.board.cable.pull();
    far.socket.shutdown();
    advance(10);
    cut();
    rig.board.cable.plug();
    advance(1000);
    expect(far.over).toBeUndefined();
    restore();
    advance(1);
    expect(far.over?.reason).toBe('ECONNRESET');
  });

  it('cut: a far end that dies, too, has not hung up', () => {
    probe.socket.setKeepAlive({ idle: 1, interval: 1, count: 1 });
    cut();
    rig.serverHost.vanish();
    advance(3_600_000);
    expect(rig.hungUps()).toEqual([]);
  });

  it('cut: a reset of the far end is seen, and the host lets go', () => {
    cut();
    far.socket.abort();
    advance(1000);
    expect(rig.hungUps()).toEqual([[3, 'ECONNRESET']]);
    expect(rig.openSockets).toBe(0);
  });

  it('cut: a FIN behind much data is seen', () => {
    cut();
    for (let i = 0; i < 1000; i++) {
      far.socket.write(pattern(1000));
      advance(1);
    }
    far.socket.close();
    advance(1);
    expect(rig.hungUps()).toEqual([[now(), 'closed']]);
  });

  it('cut while it connects: no word to the far end, which is reset when the device is back', () => {
    for (const msAfterSyn of [0, 1, 1.5]) {
      const before = rig.accepted.length;
      const late = rig.stream();
      late.socket.connect(SERVER);
      advance(msAfterSyn);
      cut();
      advance(1000);
      expect(rig.accepted).toHaveLength(before + 1);
      expect(rig.far.over).toBeUndefined();
      expect(late.events).toEqual([]);
      restore();
      advance(1);
      expect(rig.far.over?.reason).toBe('ECONNRESET');
    }
  });

  it('cut while it connects to a closed port leaves nothing', () => {
    rig.stream().socket.connect({ address: SERVER.address, port: 1 });
    cut();
    advance(1000);
    restore();
    expect(rig.hungUps()).toEqual([]);
    probe = rig.stream();
    expect(rig.openSockets).toBe(2);
  });

  it('cut, with the far end lost before: nothing is left', () => {
    rig.board.cable.pull();
    far.socket.abort();
    advance(10);
    cut();
    expect(rig.openSockets).toBe(0);
  });

  it('cut, with a failed socket that the firmware had not closed: nothing is left', () => {
    far.socket.abort();
    advance(10);
    expect(probe.saw('ECONNRESET')).toBe(true);
    expect(rig.openSockets).toBe(1);
    cut();
    expect(rig.openSockets).toBe(0);
  });

  it('cut while the stack still sends what the firmware had closed: the rest is lost', () => {
    rig.board.cable.pull();
    probe.socket.write(pattern(100));
    probe.close();
    cut();
    rig.board.cable.plug();
    restore();
    advance(1000);
    expect(far.received).toEqual([]);
    expectGhost();
  });

  it('a device that loses many connections: the host keeps a hundred, and resets the oldest', () => {
    const fars = [far];
    for (let i = 0; i < 100; i++) {
      cut();
      restore();
      fars.push(rig.connect()[1]);
    }
    cut();
    advance(2);
    expect(rig.openSockets).toBe(100);
    expect(fars.map(({ over }) => over?.reason)).toEqual([
      'ECONNRESET',
      ...Array.from({ length: 100 }, () => undefined),
    ]);
    expect(rig.leaks.splice(0)).toHaveLength(1);
  });
});

describe('an old boot', () => {
  it('has no effect: its sockets, look-ups, alarms and its watchdog are dead', () => {
    const old: Hal = rig.hal;
    const calls: string[] = [];
    old.clock.setAlarm(5000, () => calls.push('alarm'));
    old.network.lookup('10.0.0.2', () => calls.push('look-up'));
    old.network.link.watch(() => calls.push('link'));
    old.system.armWatchdog(5000);
    cut();
    restore();
    expect(probe.socket.write(pattern(1))).toBe(failure('ENETDOWN'));
    expect(probe.socket.read(new Uint8Array(1))).toBe(failure('ENETDOWN'));
    expect(probe.socket.shutdown()).toBe(failure('ENETDOWN'));
    probe.socket.close();
    probe.socket.abort();
    const late = new Probe(rig.world, old);
    expect(late.socket.connect(SERVER)).toBe(failure('ENETDOWN'));
    old.clock.setAlarm(6000, () => calls.push('late alarm'));
    old.network.lookup('10.0.0.2', () => calls.push('late look-up'));
    old.network.link.watch(() => calls.push('late link'));
    old.system.armWatchdog(1000);
    old.system.restart('software');
    old.system.panic({ task: 't', reason: 'r', stack: '' });
    rig.board.cable.pull();
    rig.board.cable.plug();
    advance(60_000);
    expect(calls).toEqual([]);
    expect(late.events).toEqual([]);
    expect(rig.boots).toHaveLength(2);
    expectGhost();
  });

  it('is not called for what was waiting for it to run again', () => {
    rig.board.hang();
    far.push(1);
    far.socket.close();
    advance(10);
    const told = probe.events.length;
    cut();
    restore();
    rig.board.unhang();
    advance(1000);
    expect(probe.events).toHaveLength(told);
  });

  it('looks up no names any more, after any kind of end', () => {
    const asked: string[] = [];
    rig.world.names.get = (name) => {
      asked.push(name);
      return undefined;
    };
    for (const end of [() => cut(), () => rig.board.crash(), () => rig.hal.system.restart('software')]) {
      rig.board.cable.pull();
      rig.hal.network.lookup('server.test', () => {});
      const old = rig.hal;
      end();
      old.network.lookup('server.test', () => {});
      rig.board.cable.plug();
      advance(RESET_MS);
      restore();
      rig.board.restartCrashed();
    }
    expect(rig.boots).toHaveLength(4);
    expect(asked).toEqual([]);
  });
});

describe('a hang', () => {
  it('keeps everything from the firmware until it runs again; its stack lives', () => {
    const told = probe.events.length;
    rig.board.hang();
    far.push(1, 2);
    advance(1000);
    far.push(3);
    far.socket.close();
    advance(1000);
    expect(probe.events).toHaveLength(told);
    expect(rig.hungUps()).toEqual([[1003, 'closed']]);
    rig.board.unhang();
    expect(probe.events.slice(told)).toEqual([[2002, 'readable'], [2002, 'closed']]);
    expect(probe.readAll()).toEqual([[1, 2, 3], 0]);
  });

  it('holds a far end that pushes endlessly back', () => {
    rig.board.hang();
    let pushed = 0;
    for (let i = 0; i < 1000; i++) {
      pushed += Math.max(far.socket.write(pattern(1000)), 0);
      advance(1);
    }
    expect(pushed).toBe(rig.world.options.bufferBytes);
  });

  it('keeps the alarm, which rings once, when it runs again', () => {
    const rung: number[] = [];
    const { clock } = rig.hal;
    clock.setAlarm(500, () => rung.push(now()));
    rig.board.hang();
    advance(998);
    rig.board.unhang();
    advance(1000);
    expect(rung).toEqual([1000]);
  });

  it('drops an alarm that is armed again or disarmed before it could ring', () => {
    for (const action of ['arm', 'disarm'] as const) {
      const rung: number[] = [];
      const { clock } = rig.hal;
      const startMs = clock.now();
      rig.board.hang();
      far.push(1);
      advance(10);
      clock.setAlarm(startMs + 20, () => rung.push(clock.now() - startMs));
      advance(90);
      // The socket's interrupt came first, and what it wakes sets the alarm as it wants it.
      probe.onReadable = () => {
        if (action === 'arm') clock.setAlarm(startMs + 500, () => rung.push(clock.now() - startMs));
        else clock.clearAlarm();
      };
      rig.board.unhang();
      advance(1000);
      expect(rung).toEqual(action === 'arm' ? [500] : []);
    }
  });

  it('hears of a cable that was out meanwhile', () => {
    const told: boolean[] = [];
    rig.hal.network.link.watch((carrier) => told.push(carrier));
    rig.board.hang();
    rig.board.cable.pull();
    advance(1000);
    expect(told).toEqual([]);
    rig.board.unhang();
    expect(told).toEqual([false]);
  });

  it('sends what the stack still had when the cable is back', () => {
    rig.board.cable.pull();
    probe.socket.write(pattern(100));
    rig.board.hang();
    advance(1000);
    rig.board.cable.plug();
    advance(1);
    expect(far.received).toEqual([...pattern(100)]);
  });

  it('is ended by the watchdog at its time, with the connections left as ghosts', () => {
    rig.hal.system.armWatchdog(5000);
    advance(1000);
    rig.board.hang();
    advance(3999);
    expect(rig.board.state).toBe('hung');
    advance(1);
    expect(rig.board.state).toBe('resetting');
    expect(rig.boots).toHaveLength(1);
    advance(RESET_MS);
    expect(rig.boots).toHaveLength(2);
    expect(rig.hal.system.resetReason).toBe('watchdog');
    expectGhost();
    far.push(1);
    advance(2);
    expect(far.over?.reason).toBe('ECONNRESET');
  });

  it('that ends before the watchdog bites goes on, if the firmware then arms it again', () => {
    rig.hal.system.armWatchdog(5000);
    rig.board.hang();
    advance(4990);
    rig.board.unhang();
    rig.hal.system.armWatchdog(5000);
    advance(4999);
    expect(rig.boots).toHaveLength(1);
    advance(1 + RESET_MS);
    expect(rig.boots).toHaveLength(2);
  });

  it('with a FIN from the far end, and then no power: the host lets go at the end of the run only, and says nothing', () => {
    rig.board.hang();
    far.socket.shutdown();
    advance(1000);
    cut();
    restore();
    advance(3_600_000);
    expect(far.over).toBeUndefined();
    expect(rig.openSockets).toBe(1);
  });
});

describe('a crash', () => {
  it('closes the connections as an operating system does', () => {
    const told = probe.events.length;
    rig.board.crash();
    advance(1);
    expect(far.over).toEqual({ atMs: 3, reason: 'closed' });
    far.socket.close();
    advance(1);
    expect(rig.hungUps()).toEqual([[4, 'closed']]);
    expect(rig.openSockets).toBe(0);
    expect(probe.events).toHaveLength(told);
  });

  it('shows by the far end\'s FIN when that has noticed', () => {
    rig.board.crash();
    advance(700);
    expect(rig.hungUps()).toEqual([]);
    far.socket.close();
    advance(1);
    expect(rig.hungUps()).toEqual([[703, 'closed']]);
  });

  it('answers what still comes with a reset', () => {
    rig.board.crash();
    advance(1);
    far.push(1);
    advance(2);
    expect(far.over?.reason).toBe('closed');
    expect(far.socket.write(pattern(1))).toBe(failure('ECONNRESET'));
    expect(rig.hungUps()).toEqual([[4, 'ECONNRESET']]);
  });

  it('closes with FIN though the firmware had not read everything', () => {
    far.push(1, 2, 3);
    advance(1);
    rig.board.crash();
    advance(1);
    expect(far.over?.reason).toBe('closed');
  });

  it('waits 60 s for the far end\'s FIN, and then forgets', () => {
    rig.board.crash();
    advance(59_999);
    expect(rig.openSockets).toBe(1);
    advance(1);
    expect(rig.openSockets).toBe(0);
  });

  it('with the cable out sends its resets when the cable is back', () => {
    rig.board.cable.pull();
    probe.socket.write(pattern(10));
    rig.board.crash();
    advance(1000);
    expectGhost();
    rig.board.restartCrashed();
    advance(1000);
    expectGhost();
    rig.board.cable.plug();
    advance(1);
    expect(far.received).toEqual([...pattern(10)]);
    expect(far.over?.reason).toBe('closed');
  });

  it('followed by a power cut, with the cable out, sends nothing', () => {
    rig.board.cable.pull();
    rig.board.crash();
    cut();
    rig.board.cable.plug();
    advance(1000);
    restore();
    advance(1000);
    expectGhost();
  });

  it('while it hangs is a crash', () => {
    rig.board.hang();
    rig.board.crash();
    advance(1);
    expect(far.over?.reason).toBe('closed');
    rig.board.restartCrashed();
    expect(rig.hal.system.resetReason).toBe('panic');
  });
});

describe('a reset by the way', () => {
  it('is seen by both ends', () => {
    rig.resetConnections();
    expect(probe.events.at(-1)).toEqual([2, 'ECONNRESET']);
    expect(probe.socket.write(pattern(1))).toBe(failure('ECONNRESET'));
    expect(rig.hungUps()).toEqual([[2, 'ECONNRESET']]);
    advance(1);
    expect(far.over).toEqual({ atMs: 3, reason: 'ECONNRESET' });
  });

  it('is seen by the far end alone while the cable is out; the device finds out later', () => {
    rig.board.cable.pull();
    rig.resetConnections();
    advance(1);
    expect(far.over?.reason).toBe('ECONNRESET');
    rig.board.cable.plug();
    advance(1000);
    expect(probe.saw('ECONNRESET')).toBe(false);
    probe.socket.write(pattern(1));
    advance(0);
    expect(probe.saw('ECONNRESET')).toBe(true);
  });

  it('ends what the far end believed of a dead device', () => {
    cut();
    rig.resetConnections();
    advance(1);
    expect(far.over?.reason).toBe('ECONNRESET');
    expect(rig.openSockets).toBe(0);
  });

  it('does nothing to what is not connected', () => {
    rig.board.cable.pull();
    const waiting = rig.stream();
    waiting.socket.connect(SERVER);
    rig.resetConnections();
    rig.board.cable.plug();
    advance(2);
    expect(waiting.events).toEqual([[4, 'writable']]);
  });
});

it('a firmware\'s own abort is a reset to the far end, and seen as its end', () => {
  probe.abort();
  advance(1);
  expect(far.over).toEqual({ atMs: 3, reason: 'ECONNRESET' });
  expect(rig.hungUps()).toEqual([[2, 'ECONNRESET']]);
});

it('an interrupt never comes within another, from any cause', () => {
  const told: string[] = [];
  rig.hal.network.link.watch((carrier) => told.push(`carrier ${carrier}`));
  probe.onReadable = () => {
    rig.board.cable.pull();
    rig.board.cable.plug();
    told.push('readable is over');
    probe.onReadable = () => {};
  };
  far.push(1);
  advance(1);
  expect(told).toEqual(['readable is over', 'carrier true']);
});
