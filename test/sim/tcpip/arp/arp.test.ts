/**
 * Each stack's ARP, by its source: who asks when, how often, and what becomes of a connect to somebody who is not
 * there. Linux's is held against a real kernel in test/sim/truth.
 */

import { describe, expect, it } from 'vitest';
import type { Errno } from '../../../../hal/errno.ts';
import type { Hal } from '../../../../hal/hal.ts';
import type { StreamSocket } from '../../../../hal/network.ts';
import type { Device } from '../../../../sim/device.ts';
import { Simulation } from '../../../../sim/simulation.ts';
import type { Profile, ProfileName } from '../../../../sim/tcpip/profile.ts';
import { LINUX } from '../../../../sim/tcpip/profiles/linux.ts';

const NOBODY = '10.0.0.99';
const PORT = 5000;

interface Attempt {
  readonly atMs: number;
  readonly to: string;
  outcome: Errno | 'closed' | 'connected' | undefined;
  afterMs: number;
  socket: StreamSocket;
}

/** A device on a local network with ARP, that connects where the test wants it; and a peer that listens. */
class Room {
  readonly sim: Simulation;
  readonly device: Device;
  readonly peer: Device;
  /** Packets that were sent: `1.000 dev arp who has 10.0.0.2, tell 10.0.0.1`. */
  readonly lines: string[] = [];
  #hal: Hal | undefined = undefined;

  constructor(profile: ProfileName | Profile, { delay = 0, peerProfile = 'linux' as ProfileName } = {}) {
    this.sim = new Simulation({ seed: 1, arp: true });
    this.sim.trace((line) => this.lines.push(line));
    this.device = this.sim.addDevice({
      name: 'dev', profile, address: '10.0.0.1', link: { delay }, firmware: (hal) => (this.#hal = hal),
    });
    this.peer = this.sim.addDevice({
      name: 'peer', profile: peerProfile, address: '10.0.0.2', firmware: (hal) => this.#listen(hal),
    });
  }

  #listen({ network }: Hal): void {
    const deaf = { readable: () => {}, writable: () => {}, ended: () => {} };
    const listener = network.listen({ address: '0.0.0.0', port: PORT }, 5, {
      listening: () => {},
      ended: () => {},
      incoming: () => void listener.accept(deaf),
    });
  }

  get hal(): Hal {
    if (this.#hal === undefined) throw new Error('the device has not booted');
    return this.#hal;
  }

  connect(to = '10.0.0.2', localPort = 0): Attempt {
    const startMs = this.sim.nowMs;
    const over = (outcome: Attempt['outcome']): void => {
      attempt.outcome ??= outcome;
      if (attempt.afterMs < 0) attempt.afterMs = this.sim.nowMs - startMs;
    };
    const socket = this.hal.network.openStream({
      readable: () => {},
      writable: () => over('connected'),
      ended: (reason) => over(reason),
    });
    const attempt: Attempt = { atMs: startMs, to, outcome: undefined, afterMs: -1, socket };
    if (localPort !== 0) socket.bind({ address: '0.0.0.0', port: localPort });
    socket.connect({ address: to, port: PORT });
    return attempt;
  }

  /** Returns the times of the ARP requests of `who` for `whom`, in ms. */
  asked(who: 'dev' | 'peer', whom: string): number[] {
    return this.#times(new RegExp(` ${who} > .*arp who has ${whom.replaceAll('.', '\\.')},`));
  }

  sentSyn(): number[] {
    return this.#times(/ dev > .*\[S\]/);
  }

  #times(pattern: RegExp): number[] {
    // Without a carrier or an owner of the address, there is a second line about what became of it.
    const sent = this.lines.filter((line) => pattern.test(line) && !/ (no-route|no-carrier) at /.test(line));
    return sent.map((line) => Math.round(Number(line.trim().split('s ')[0]) * 1000));
  }
}

describe('to somebody who is not there', () => {
  it('Linux asks three times, and the connect is over by EHOSTUNREACH', async () => {
    const room = new Room('linux');
    const attempt = room.connect(NOBODY);
    await room.sim.runFor('1m');
    expect(attempt.outcome).toBe('EHOSTUNREACH');
    expect(attempt.afterMs).toBeGreaterThan(3000);
    expect(attempt.afterMs).toBeLessThan(3100);
    expect(room.asked('dev', NOBODY)).toHaveLength(3);
    expect(room.sentSyn()).toEqual([]);
  });

  it('lwIP asks each second, and after 5 s forgets SYN, which counts again only when it is sent again', async () => {
    const room = new Room('lwip');
    await room.sim.runFor('300ms');
    const attempt = room.connect(NOBODY);
    await room.sim.runFor('4600ms');
    // At once, then with each call of the timer; the fifth forgets the entry, with SYN.
    expect(room.asked('dev', NOBODY)).toEqual([300, 1000, 2000, 3000, 4000]);
    await room.sim.runFor('3m');
    // ERR_ABRT.
    expect(attempt.outcome).toBe('ECONNABORTED');
    expect(room.sentSyn()).toEqual([]);
  });

  it('FreeRTOS+TCP asks three times, half a second apart, in place of SYN', async () => {
    const room = new Room('freertos-tcp');
    const attempt = room.connect(NOBODY);
    await room.sim.runFor('1m');
    expect(room.asked('dev', NOBODY)).toEqual([0, 501, 1002]);
    expect(attempt.afterMs).toBeCloseTo(1503, 0);
    expect(room.sentSyn()).toEqual([]);
  });

  it('the W5500 asks RCR + 1 times, RTR apart, and the connect is over by a timeout', async () => {
    const room = new Room('w5500');
    const attempt = room.connect(NOBODY);
    await room.sim.runFor('1m');
    expect(room.asked('dev', NOBODY)).toEqual([0, 200, 400, 600, 800, 1000, 1200, 1400, 1600]);
    expect(attempt).toMatchObject({ outcome: 'ETIMEDOUT', afterMs: 1800 });
    expect(room.sentSyn()).toEqual([]);
  });
});

describe('to somebody who is there', () => {
  it.each(['linux', 'lwip', 'w5500'] as const)('%s sends SYN when it has the answer', async (profile) => {
    const room = new Room(profile, { delay: 10 });
    const attempt = room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0]);
    expect(room.sentSyn()).toEqual([20]);
    expect(attempt).toMatchObject({ outcome: 'connected', afterMs: 40 });
  });

  it('FreeRTOS+TCP sends SYN when it looks next, after half a second; and at once when it knows', async () => {
    const room = new Room('freertos-tcp', { delay: 10 });
    const first = room.connect();
    await room.sim.runFor('1s');
    const second = room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0]);
    expect(room.sentSyn()).toEqual([501, 1000]);
    expect([first.outcome, second.outcome]).toEqual(['connected', 'connected']);
  });

  it('FreeRTOS+TCP asks back who sends and is not in its cache, and takes that packet when it knows (prvProcessIPPacket)', async () => {
    const room = new Room('linux', { delay: 10, peerProfile: 'freertos-tcp' });
    room.connect();
    await room.sim.runFor('1s');
    // Without a carrier its cache is cleared, and the other has not noticed.
    room.peer.cable.pull();
    room.peer.cable.plug();
    const attempt = room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0]);
    expect(room.asked('peer', '10.0.0.1')).toEqual([1010]);
    expect(room.sentSyn()).toHaveLength(2);
    // There, back to ask, there with the answer, and back with SYN and ACK.
    expect(attempt).toMatchObject({ outcome: 'connected', afterMs: 40 });
  });

  it('FreeRTOS+TCP keeps one such packet, and not for long: who does not answer has to send again', async () => {
    const room = new Room('linux', { delay: 10, peerProfile: 'freertos-tcp' });
    room.connect();
    await room.sim.runFor('1s');
    room.peer.cable.pull();
    room.peer.cable.plug();
    const attempts = [room.connect(), room.connect()];
    await room.sim.runFor('15ms');
    // The question does not arrive.
    room.device.cable.pull();
    await room.sim.runFor('500ms');
    room.device.cable.plug();
    await room.sim.runFor('5s');
    for (const { outcome, afterMs } of attempts) {
      expect(outcome).toBe('connected');
      expect(afterMs).toBeGreaterThanOrEqual(1000);
    }
  });

  it('FreeRTOS+TCP counts its three SYNs from when the neighbour has answered (ucRepCount)', async () => {
    const room = new Room('freertos-tcp', { delay: 10 });
    const attempt = room.connect();
    await room.sim.runFor('100ms');
    room.peer.cable.pull();
    await room.sim.runFor('1m');
    // Sent at the next look, 3 s and 6 s after; the end is 11 s after the third.
    expect(room.sentSyn()).toEqual([501, 3502, 9503]);
    expect(attempt).toMatchObject({ outcome: 'ENOTCONN', afterMs: 20_504 });
  });

  it('Linux does not send a SYN again that still waits for the answer (skb_still_in_host_queue)', async () => {
    const room = new Room('linux', { delay: 10 });
    room.peer.cable.pull();
    const attempt = room.connect();
    await room.sim.runFor('1500ms');
    room.peer.cable.plug();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2').length).toBeGreaterThanOrEqual(3);
    expect(room.sentSyn()).toHaveLength(1);
    expect(attempt.outcome).toBe('connected');
  });

  it('the W5500 asks for each connect, since it has no table: from the same port, too', async () => {
    const room = new Room('w5500');
    room.connect('10.0.0.2', 4000).socket.abort();
    await room.sim.runFor('1s');
    room.connect('10.0.0.2', 4000);
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0, 1000]);
  });

  it("a host that is asked learns the asker's address, and does not ask back", async () => {
    const room = new Room('lwip');
    room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('peer', '10.0.0.1')).toEqual([]);
  });
});

describe('an old entry', () => {
  it('Linux asks again, of whom TCP does not confirm, 5 s after the entry is used: by unicast, and is answered', async () => {
    const room = new Room('lwip');
    room.connect();
    await room.sim.runFor('20s');
    const asked = room.asked('peer', '10.0.0.1');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeGreaterThanOrEqual(5000);
    expect(asked[0]).toBeLessThan(5300);
    expect(room.lines.filter((line) => line.includes('unicast'))).toHaveLength(1);
  });

  it('lwIP asks by unicast 30 s before the end of an entry that is used, and forgets one that is not', async () => {
    const room = new Room('lwip', { peerProfile: 'w5500' });
    room.connect();
    await room.sim.runFor('269s');
    room.connect();
    await room.sim.runFor('100ms');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0]);
    await room.sim.runFor('2s');
    room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0, 271_100]);
    expect(room.lines.filter((line) => line.includes('unicast'))).toHaveLength(1);
    // Answered: it is young again. Then it is forgotten after 300 s.
    await room.sim.runFor('5m');
    room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toHaveLength(3);
    expect(room.lines.filter((line) => line.includes('unicast'))).toHaveLength(1);
  });

  it('lwIP asks again every two seconds at most, however much it sends', async () => {
    const room = new Room('lwip', { peerProfile: 'w5500' });
    const { socket } = room.connect();
    await room.sim.runFor('270s');
    // Nobody answers any more: the old answer is believed until its end.
    room.peer.cable.pull();
    for (let i = 0; i < 40; i++) {
      socket.write(new Uint8Array(1));
      room.connect().socket.abort();
      await room.sim.runFor('100ms');
    }
    const asked = room.asked('dev', '10.0.0.2').slice(1);
    expect(asked.length).toBeGreaterThan(1);
    asked.slice(1).forEach((ms, i) => expect(ms - (asked[i] ?? NaN)).toBeGreaterThan(1000));
  });

  it('FreeRTOS+TCP asks three times, 10 s apart, before an entry ends after 1500 s; then it is gone', async () => {
    const room = new Room('freertos-tcp');
    room.connect().socket.abort();
    await room.sim.runFor('1s');
    room.peer.power.cut();
    await room.sim.runFor('1550s');
    const asked = room.asked('dev', '10.0.0.2').slice(1);
    expect(asked.map((ms) => Math.round(ms / 10_000))).toEqual([147, 148, 149, 150]);
    room.connect();
    await room.sim.runFor('100ms');
    expect(room.asked('dev', '10.0.0.2')).toHaveLength(6);
  });

  it('FreeRTOS+TCP does not ask again for whom it hears of', async () => {
    // The W5500 sends no ARP request of its own here.
    const room = new Room('freertos-tcp', { peerProfile: 'w5500' });
    room.connect();
    await room.sim.runFor('1400s');
    room.connect();
    await room.sim.runFor('200s');
    expect(room.asked('dev', '10.0.0.2')).toEqual([0]);
  });

  it('Linux believes in a neighbour no less for being asked by it', async () => {
    const room = new Room('linux');
    room.connect();
    await room.sim.runFor('1s');
    const state = (): string | undefined => room.sim.host('dev')?.stack?.neighbours?.rows()[0]?.state;
    expect(state()).toBe('REACHABLE');
    // The peer asks after 5 s.
    await room.sim.runFor('6s');
    expect(room.asked('peer', '10.0.0.1')).toHaveLength(1);
    expect(state()).toBe('REACHABLE');
    await room.sim.runFor('45s');
    expect(state()).toBe('STALE');
  });

  it('Linux has room for so many, and drops what is for one more, until others have not changed for 5 s', async () => {
    if (LINUX.arp.kind !== 'linux') throw new Error('Linux has the rules of Linux');
    const room = new Room({ ...LINUX, arp: { ...LINUX.arp, tableMax: 3 } });
    for (let i = 1; i <= 4; i++) room.connect(`10.0.1.${i}`);
    await room.sim.runFor('500ms');
    expect([1, 2, 3, 4].map((i) => room.asked('dev', `10.0.1.${i}`).length)).toEqual([1, 1, 1, 0]);
    // All have failed: their places are free, and SYN comes again.
    await room.sim.runFor('5s');
    expect(room.asked('dev', '10.0.1.4').length).toBeGreaterThan(0);
  });

  it('Linux keeps 101 packets for one answer: the oldest go', async () => {
    const room = new Room('linux', { delay: 10 });
    const datagrams = room.hal.network.openDatagram({ address: '0.0.0.0', port: 7 }, {
      bound: () => {}, readable: () => {}, ended: () => {},
    });
    await room.sim.runFor('1ms');
    for (let i = 0; i < 110; i++) datagrams.sendTo(new Uint8Array(i + 1), { address: '10.0.0.2', port: 7 });
    await room.sim.runFor('1s');
    const sent = room.lines.flatMap((line) => / dev > .* udp len (\d+)$/.exec(line)?.[1] ?? []).map(Number);
    expect(sent).toEqual(Array.from({ length: 101 }, (_, i) => i + 10));
  });

  it('the W5500 sends datagrams in their order: what is for another waits as long as one is asked in vain', async () => {
    const room = new Room('w5500', { delay: 10 });
    const datagrams = room.hal.network.openDatagram({ address: '0.0.0.0', port: 7 }, {
      bound: () => {}, readable: () => {}, ended: () => {},
    });
    await room.sim.runFor('1ms');
    const send = (bytes: number, address: string): void => {
      datagrams.sendTo(new Uint8Array(bytes), { address, port: 7 });
    };
    for (const [i, address] of ['10.0.0.2', NOBODY, '10.0.0.2', '10.0.0.2'].entries()) send(i + 1, address);
    await room.sim.runFor('1s');
    const sent = (): number[] => {
      return room.lines.flatMap((line) => / dev > .* udp len (\d+)$/.exec(line)?.[1] ?? []).map(Number);
    };
    expect(sent()).toEqual([1]);
    await room.sim.runFor('1s');
    expect(sent()).toEqual([1, 3, 4]);
    expect(room.asked('dev', NOBODY)).toHaveLength(9);
    // The chip has asked again, because Sn_DHAR was for another host meanwhile.
    expect(room.asked('dev', '10.0.0.2')).toHaveLength(2);
    // Sn_TXBUF_SIZE holds what waits.
    for (let i = 0; i < 5; i++) send(500, NOBODY);
    await room.sim.runFor('1m');
    expect(room.asked('dev', NOBODY)).toHaveLength(9 + 4 * 9);
  });

  it('lwIP keeps ten: the oldest has to go', async () => {
    const room = new Room('lwip');
    room.connect();
    await room.sim.runFor('1s');
    for (let i = 0; i < 10; i++) {
      const attempt = room.connect(`10.0.1.${i + 1}`);
      await room.sim.runFor('100ms');
      attempt.socket.abort();
    }
    room.connect();
    await room.sim.runFor('1s');
    expect(room.asked('dev', '10.0.0.2')).toHaveLength(2);
  });
});

it('behind a NAT box, its own address on this side is who is asked for', async () => {
  const sim = new Simulation({ seed: 1 });
  const lines: string[] = [];
  sim.trace((line) => lines.push(line));
  let hal: Hal | undefined;
  sim.addDevice({ name: 'dev', nat: sim.addNat(), profile: 'linux', firmware: (own) => (hal = own) });
  const deaf = { readable: () => {}, writable: () => {}, ended: () => {} };
  hal?.network.openStream(deaf).connect({ address: '10.0.0.9', port: 1 });
  await sim.runFor('1s');
  expect(lines[0]).toContain('arp who has 192.168.0.254, tell 192.168.0.1');
  expect(lines[1]).toMatch(/192\.168\.0\.1:\d+ > 10\.0\.0\.9:1 \[S\]/);
});

describe('an interface', () => {
  it('that is down has no carrier and no route; what is connected goes on when it is up again', async () => {
    const room = new Room('linux');
    const before = room.connect();
    await room.sim.runFor('1s');
    room.device.interface.down();
    const meanwhile = room.connect();
    await room.sim.runFor('10ms');
    expect(meanwhile).toMatchObject({ outcome: 'ENETUNREACH', afterMs: 0 });
    expect(before.socket.write(new Uint8Array(8))).toBe(8);
    await room.sim.runFor('1s');
    room.device.interface.up();
    await room.sim.runFor('5s');
    // The ARP cache was cleared with the interface.
    expect(room.asked('dev', '10.0.0.2')).toHaveLength(2);
    expect(before.socket.write(new Uint8Array(8))).toBe(8);
    expect(room.sim.netstat().find(({ host }) => host === 'dev')?.state).toBe('ESTABLISHED');
  });

  it('without its address: lwIP resets its connections, Linux keeps them', async () => {
    for (const [profile, outcome] of [['lwip', 'ECONNABORTED'], ['linux', undefined]] as const) {
      const room = new Room(profile);
      let ended: unknown;
      let hal: Hal | undefined;
      const other = room.sim.addDevice({ name: 'other', profile, address: '10.0.0.3', firmware: (own) => (hal = own) });
      hal?.network
        .openStream({ readable: () => {}, writable: () => {}, ended: (reason) => (ended = reason) })
        .connect({ address: '10.0.0.2', port: PORT });
      await room.sim.runFor('1s');
      other.interface.removeAddress();
      await room.sim.runFor('1s');
      expect(ended).toBe(outcome);
      expect(room.lines.some((line) => / other > .*\[R/.test(line))).toBe(profile === 'lwip');
    }
  });
});
