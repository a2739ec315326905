/**
 * The rules of the audit (sim/tcpip/STACKS.md), one test a rule: what each stack's source or data sheet says, where it
 * is not what Linux does. Each test names the place in the source.
 */

import { describe, expect, it } from 'vitest';
import type { Errno } from '../../../hal/errno.ts';
import { PROFILE_NAMES, type ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { PORT, Rig, User } from './rig.ts';

/** Period of lwIP's slow timer. It counts from power-on. */
const SLOW_MS = 500;

/** Returns the segments that were sent, without the arbitrary number of a RST that answers a SYN. */
function resets(rig: Rig): string {
  return rig.sent().map((text) => text.replace(/^R\. -?\d+/, 'R.')).join();
}

describe('events of a user', () => {
  const refused: Record<ProfileName, Errno> = {
    linux: 'ECONNREFUSED',
    // tcp_in.c, tcp_input: TCP_EVENT_ERR(ERR_RST); api/err.c: ECONNRESET.
    lwip: 'ECONNRESET',
    // socket.c, connect: SOCKERR_SOCKCLOSED.
    w5500: 'ECONNREFUSED',
    // FreeRTOS_Sockets.c, FreeRTOS_connect: its block time ends.
    'freertos-tcp': 'ETIMEDOUT',
  };
  it.each(PROFILE_NAMES)('%s: of a connect that is refused', (name) => {
    const rig = new Rig(name);
    const user = rig.connect();
    rig.peer('R. 0 ack 1');
    rig.run(19_990);
    if (name === 'freertos-tcp') expect(user.told).toEqual([]);
    rig.run(20);
    expect(user.told).toEqual([`ended ${refused[name]}`]);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  const unanswered: Record<ProfileName, Errno> = {
    linux: 'ETIMEDOUT',
    // tcp.c, tcp_slowtmr: TCP_EVENT_ERR(ERR_ABRT).
    lwip: 'ECONNABORTED',
    w5500: 'ETIMEDOUT',
    // FreeRTOS_Sockets.c, FreeRTOS_connect: eSOCKET_CLOSED is pdFREERTOS_ERRNO_ENOTCONN.
    'freertos-tcp': 'ENOTCONN',
  };
  it.each(PROFILE_NAMES)('%s: of a connect that nobody answers', (name) => {
    const rig = new Rig(name);
    const user = rig.connect();
    rig.run(140_000);
    expect(user.told).toEqual([`ended ${unanswered[name]}`]);
  });

  const reset: Record<ProfileName, Errno> = {
    linux: 'ECONNRESET',
    lwip: 'ECONNRESET',
    w5500: 'ECONNRESET',
    // FreeRTOS_Sockets.c, FreeRTOS_recv in eCLOSED.
    'freertos-tcp': 'ENOTCONN',
  };
  it.each(PROFILE_NAMES)('%s: of RST', (name) => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('R. 1 ack 1');
    expect(user.told).toEqual([`ended ${reset[name]}`]);
    expect(user.write(1)).toBe(reset[name]);
  });

  it.each([
    ['linux', 'EPIPE'],
    ['lwip', 'ECONNRESET'],
  ] as const)('%s: of RST after the peer has closed: %s', (name, errno) => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('F. 1 ack 1');
    rig.peer('R. 2 ack 1');
    expect(user.write(1)).toBe(errno);
  });
});

describe('local ports', () => {
  const firstPorts = (name: ProfileName): number[] =>
    [1, 2, 3].map((seed) => new Rig(name, seed).connect().socket?.local?.port ?? 0);

  it('w5500: 49152 after each boot, and one more each time (ioLibrary_Driver, socket.c: sock_any_port)', () => {
    expect(firstPorts('w5500')).toEqual([0xc000, 0xc000, 0xc000]);
    const rig = new Rig('w5500');
    expect([1, 2, 3].map(() => rig.connect().socket?.local?.port)).toEqual([0xc000, 0xc001, 0xc002]);
  });

  it('w5500: the driver begins again where it comes to 0xFFF0', () => {
    const rig = new Rig({ ...PROFILES.w5500, ephemeralPorts: { ...PROFILES.w5500.ephemeralPorts, first: 0xffee } });
    expect([1, 2].map(() => rig.connect().socket?.local?.port)).toEqual([0xffee, 0xffef]);
    rig.peer('R. 0 ack 1', { destinationPort: 0xffef });
    expect(rig.connect().socket?.local?.port).toBe(0xffef);
  });

  it('w5500: so the SYN after a reboot meets the old connection, and a server on Linux learns at once', () => {
    const server = new Rig('linux');
    server.listen();
    server.peer('S 0 mss 1460', { sourcePort: 0xc000 });
    server.peer('. 1 ack 1', { sourcePort: 0xc000 });
    server.sent();
    server.run(10_000);
    server.peer('S 500000 mss 1460', { sourcePort: 0xc000 });
    // RFC 5961 4.2: the ACK that the device, which knows nothing of it, answers by RST.
    expect(server.sent()).toEqual(['. 1 ack 1']);
    const device = new Rig('w5500');
    device.connect();
    device.sent();
    device.peer('. 5 ack 77');
    expect(device.sent()).toEqual(['R 77']);
    server.peer('R 1', { sourcePort: 0xc000 });
    expect(server.accepted[0]?.told).toEqual(['ended ECONNRESET']);
  });

  it('lwip: from a random one on (tcp.c, tcp_init with LWIP_RAND), up to 0xfffe (tcp_new_port)', () => {
    expect(new Set(firstPorts('lwip')).size).toBe(3);
    const rig = new Rig('lwip');
    const [first = 0, second] = [1, 2].map(() => rig.connect().socket?.local?.port);
    expect(second).toBe(first + 1);
    expect(PROFILES.lwip.ephemeralPorts.last).toBe(0xfffe);
  });

  it('freertos-tcp: drawn each time, from 1024 on (FreeRTOS_Sockets.c, prvGetPrivatePortNumber)', () => {
    const rig = new Rig('freertos-tcp');
    const ports = Array.from({ length: 200 }, () => rig.connect().socket?.local?.port ?? 0);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(0x0400);
    expect(Math.min(...ports)).toBeLessThan(0x0400 + 3000);
    expect(Math.max(...ports)).toBeGreaterThan(0xffff - 3000);
    expect(ports.filter((port, i) => port === (ports[i - 1] ?? 0) + 1).length).toBeLessThan(3);
  });
});

describe('a connect that meets an old connection of its peer', () => {
  it('lwip: RST, and SYN again at once, as one of its 6 (tcp_in.c, tcp_process, SYN_SENT: tcp_rexmit_rto)', () => {
    const rig = new Rig('lwip');
    const user = rig.connect();
    rig.sent();
    for (let i = 0; i < 6; i++) {
      rig.peer('. 5 ack 77');
      expect(rig.sent()).toEqual(['R 77', 'S 0 mss 1460']);
    }
    rig.peer('. 5 ack 77');
    expect(rig.sent()).toEqual(['R 77']);
    expect(user.told).toEqual([]);
    rig.run(2 * SLOW_MS);
    expect(user.told).toEqual(['ended ECONNABORTED']);
  });

  it('lwip: an unfit RST is nothing', () => {
    const rig = new Rig('lwip');
    rig.connect();
    rig.sent();
    rig.peer('R. 5 ack 77');
    expect(rig.sent()).toEqual([]);
  });

  it('freertos-tcp: RST, and gives up (FreeRTOS_TCP_State_Handling.c, prvHandleSynReceived)', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connect();
    rig.sent();
    rig.peer('. 5 ack 77');
    expect(rig.sent()).toEqual(['R 77']);
    expect(user.told).toEqual(['ended ENOTCONN']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('w5500: RST, and SYN when its time has come (not said: RFC 9293)', () => {
    const rig = new Rig('w5500');
    rig.connect();
    rig.sent();
    rig.run(50);
    rig.peer('. 5 ack 77');
    expect(rig.sent()).toEqual(['R 77']);
    rig.run(160);
    expect(rig.sentAt()).toEqual(['200.1 S 0 mss 1460']);
  });

  it('freertos-tcp, refused: is dead, though it has told nobody: RST to what has more than ACK', () => {
    const rig = new Rig('freertos-tcp');
    rig.connect();
    rig.sent();
    rig.peer('R. 0 ack 1');
    rig.peer('S. 0 ack 1 mss 1460');
    expect(rig.sent()).toEqual(['R 1']);
    rig.run(15_000);
    expect(rig.sent()).toEqual([]);
  });

  it.each([
    ['lwip', 'SYN-SENT', ''],
    ['freertos-tcp', 'CLOSED', 'R. ack 1'],
  ] as const)('%s: a SYN that crosses its own leaves it in %s', (name, state, answer) => {
    const rig = new Rig(name);
    rig.connect();
    rig.sent();
    rig.peer('S 0 mss 1460');
    expect(rig.state).toBe(state);
    expect(resets(rig)).toBe(answer);
  });
});

describe('a SYN for a connection that exists', () => {
  it.each(['linux', 'lwip'] as const)('%s: an ACK, with any number (RFC 5961 4.2; tcp_process)', (name) => {
    const rig = new Rig(name);
    rig.acceptedFrom();
    rig.peer('S 70000 mss 1460');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    expect(rig.state).toBe('ESTABLISHED');
  });

  it.each(['linux', 'lwip', 'freertos-tcp'] as const)('%s: is no sign of life', (name) => {
    const rig = new Rig(name);
    const user = rig.acceptedFrom();
    user.socket?.setKeepAlive({ idle: 20, interval: 20, count: 3 });
    for (let s = 0; s < 150; s += 5) {
      rig.run(5000);
      rig.peer('S 70000 mss 1460');
    }
    expect(user.told.at(-1)).toMatch(/^ended/);
  });

  it('freertos-tcp: nothing at all (FreeRTOS_TCP_IP.c, xProcessReceivedTCPPacket: "SYN unexpected")', () => {
    const rig = new Rig('freertos-tcp');
    rig.acceptedFrom();
    rig.peer('S 70000 mss 1460');
    rig.peer('S 2 mss 1460');
    expect(rig.sent()).toEqual([]);
    expect(rig.state).toBe('ESTABLISHED');
  });

  it('w5500: RST in the window, and the end (not said: RFC 793)', () => {
    const rig = new Rig('w5500');
    const user = rig.acceptedFrom();
    rig.peer('S 2 mss 1460');
    expect(resets(rig)).toBe('R. ack 3');
    expect(user.told).toEqual(['ended ECONNRESET']);
  });
});

describe('a handshake that the peer began', () => {
  function opening(name: ProfileName): Rig {
    const rig = new Rig(name);
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.sent();
    return rig;
  }

  it('lwip: is forgotten after 20.5 s, RST or no RST; SYN and ACK goes out 3 times (TCP_SYN_RCVD_TIMEOUT)', () => {
    const rig = new Rig('lwip');
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.run(20_000 - SLOW_MS);
    expect(rig.times()).toHaveLength(3);
    expect(rig.state).toBe('SYN-RECEIVED');
    rig.run(2 * SLOW_MS);
    expect(rig.sent()).toEqual([]);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('freertos-tcp: SYN and ACK to each SYN; forgotten 40 s after the last (prvTCPStatusAgeCheck)', () => {
    const rig = opening('freertos-tcp');
    rig.run(30_000);
    expect(rig.sent()).toEqual([]);
    rig.peer('S 0 mss 1460');
    expect(rig.sent()).toHaveLength(1);
    rig.run(39_000);
    expect(rig.state).toBe('SYN-RECEIVED');
    rig.run(2000);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('lwip: a SYN with another number is nothing (tcp_in.c, tcp_process, SYN_RCVD)', () => {
    const rig = opening('lwip');
    rig.peer('S 70000 mss 1460');
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1');
    expect(rig.accepted).toHaveLength(1);
  });

  it('freertos-tcp: a SYN with another number starts it again (prvTCPHandleState: eSYN_FIRST)', () => {
    const rig = opening('freertos-tcp');
    rig.peer('S 70000 mss 1460');
    expect(rig.sent()[0]).toMatch(/^S\. 0 ack 70001/);
    rig.peer('. 70001 ack 1');
    expect(rig.accepted).toHaveLength(1);
  });
});

describe('a full table', () => {
  /** Connections that the peer has begun, each as far as it is told. */
  type Closed = 'CLOSING' | 'LAST-ACK' | 'TIME-WAIT' | 'FIN-WAIT-2';
  function filled(name: ProfileName, closes: readonly Closed[]): Rig {
    const rig = new Rig(name);
    const count = rig.host.profile.socketsMax;
    rig.listen(count);
    for (let i = 0; i < count; i++) {
      const ports = { sourcePort: 1000 + i, destinationPort: PORT };
      rig.peer('S 0 mss 1460', ports);
      rig.peer('. 1 ack 1', ports);
      const user = rig.accepted.at(-1);
      const state = closes[i];
      if (state === 'LAST-ACK') rig.peer('F. 1 ack 1', ports);
      if (state !== undefined) user?.socket?.close();
      if (state === 'CLOSING') rig.peer('F. 1 ack 1', ports);
      if (state === 'FIN-WAIT-2' || state === 'TIME-WAIT') rig.peer('. 1 ack 2', ports);
      if (state === 'TIME-WAIT') rig.peer('F. 1 ack 2', ports);
      if (state !== undefined) expect(rig.stack.connections.all().map((tcb) => tcb.state)).toContain(state);
      rig.run(1000);
    }
    rig.sent();
    return rig;
  }

  const states = (rig: Rig): string[] => rig.stack.connections.all().map((tcb) => tcb.state).sort();

  it('lwip: of 5 connections that live, none goes: the SYN of a sixth is dropped, and connect gives ENOBUFS', () => {
    const rig = filled('lwip', []);
    rig.peer('S 0 mss 1460', { sourcePort: 9, destinationPort: PORT });
    expect(rig.sent()).toEqual([]);
    const user = rig.connect();
    rig.run(1);
    expect(user.told).toEqual(['ended ENOBUFS']);
    expect(states(rig)).toEqual(Array.from({ length: 5 }, () => 'ESTABLISHED'));
  });

  it.each([
    [['FIN-WAIT-2', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'], 'TIME-WAIT'],
    [['FIN-WAIT-2', 'CLOSING', 'LAST-ACK'], 'LAST-ACK'],
    [['FIN-WAIT-2', 'CLOSING'], 'CLOSING'],
  ] as const)('lwip: of %j, %s goes, and nothing is sent (tcp.c, tcp_alloc)', (closes, gone) => {
    const rig = filled('lwip', closes);
    rig.connect();
    expect(rig.sent()).toEqual(['S 0 mss 1460']);
    expect(states(rig)).not.toContain(gone);
    expect(rig.stack.connections.size).toBe(5);
  });

  it('lwip: FIN-WAIT-2 does not go', () => {
    const rig = filled('lwip', ['FIN-WAIT-2']);
    const user = rig.connect();
    rig.run(1);
    expect(user.told).toEqual(['ended ENOBUFS']);
  });

  it('lwip: of several, the one that was silent longest goes (tcp_kill_timewait)', () => {
    const rig = filled('lwip', ['TIME-WAIT', 'TIME-WAIT']);
    rig.connect();
    expect(rig.stack.connections.get((10 << 24) | 2, 1000, PORT)).toBeUndefined();
    expect(rig.stack.connections.get((10 << 24) | 2, 1001, PORT)?.state).toBe('TIME-WAIT');
  });

  it('w5500: 8 sockets, and none makes room; a SYN is answered as where nobody listens', () => {
    const rig = filled('w5500', ['FIN-WAIT-2', 'LAST-ACK', 'CLOSING']);
    rig.peer('S 0 mss 1460', { sourcePort: 9, destinationPort: PORT });
    expect(resets(rig)).toBe('R. ack 1');
    const user = rig.connect();
    rig.run(1);
    expect(user.told).toEqual(['ended ENOBUFS']);
  });
});

describe('a full listener', () => {
  function full(name: ProfileName): Rig {
    const rig = new Rig(name);
    rig.listen(2);
    for (const sourcePort of [1, 2, 3]) {
      rig.peer('S 0 mss 1460', { sourcePort, destinationPort: PORT });
      rig.peer('. 1 ack 1', { sourcePort, destinationPort: PORT });
    }
    return rig;
  }

  it('freertos-tcp: counts who was accepted, and resets (prvHandleListen_IPV4: usChildCount)', () => {
    const rig = full('freertos-tcp');
    expect(rig.accepted).toHaveLength(2);
    rig.sent();
    rig.peer('S 0 mss 1460', { sourcePort: 4, destinationPort: PORT });
    expect(resets(rig)).toBe('R. ack 1');
    rig.peer('R. 1 ack 1', { sourcePort: 1, destinationPort: PORT });
    rig.peer('S 0 mss 1460', { sourcePort: 4, destinationPort: PORT });
    expect(rig.sent()).toHaveLength(1);
  });

  it.each(['linux', 'lwip', 'w5500'] as const)('%s: does not count who was accepted', (name) => {
    expect(full(name).accepted).toHaveLength(3);
  });

  it('freertos-tcp: a listener answers an ACK of an old connection by RST, a port without one does not', () => {
    const rig = new Rig('freertos-tcp');
    rig.peer('. 5 ack 77', { destinationPort: PORT });
    expect(rig.sent()).toEqual([]);
    rig.listen();
    rig.peer('. 5 ack 77', { destinationPort: PORT });
    expect(rig.sent()).toEqual(['R 77']);
  });
});

describe('the end of connections', () => {
  it('freertos-tcp: answers FIN by FIN at once, and the user only hears of it (prvTCPHandleFin: eLAST_ACK)', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connected();
    rig.peer('F. 1 ack 1');
    expect(rig.sent()).toEqual(['F. 1 ack 2']);
    expect(rig.state).toBe('LAST-ACK');
    expect(user.told).toEqual(['readable', 'ended closed']);
    expect(user.write(1)).toBe('EPIPE');
    rig.peer('. 2 ack 2');
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('freertos-tcp: FIN waits until all data is acknowledged (prvTCPPrepareSend: xTCPWindowTxDone)', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connected();
    user.write(5);
    rig.sent();
    rig.peer('F. 1 ack 1');
    expect(rig.sent()).not.toContain('F. 6 ack 2');
    rig.peer('. 2 ack 6');
    expect(rig.sent()).toEqual(['F. 6 ack 2']);
  });

  it('freertos-tcp: FIN is sent again only to FIN, and lost ones are forgotten (prvTCPStatusAgeCheck: 40 s)', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connected();
    user.socket?.close();
    expect(rig.sent()).toEqual(['F. 1 ack 1']);
    rig.run(39_000);
    expect(rig.sent()).toEqual([]);
    rig.run(2000);
    expect(rig.leftovers).toBe('0 0 0 ');

    const second = new Rig('freertos-tcp');
    second.connected();
    second.peer('F. 1 ack 1');
    second.sent();
    second.run(1000);
    second.peer('F. 1 ack 1');
    expect(second.sent()).toEqual(['F. 1 ack 2']);
  });

  it('lwip: FIN-WAIT-2 ends 20 s after what came last before close, not after FIN (tcp_in.c: TF_RXCLOSED)', () => {
    const rig = new Rig('lwip');
    const user = rig.connected();
    rig.run(60_000);
    user.socket?.close();
    rig.peer('. 1 ack 2');
    expect(rig.state).toBe('FIN-WAIT-2');
    rig.run(2 * SLOW_MS);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('lwip: TIME-WAIT and LAST-ACK count from there, too: 120 s', () => {
    for (const begin of ['F. 1 ack 1', '. 1 ack 1']) {
      const rig = new Rig('lwip');
      const user = rig.connected();
      rig.run(1000);
      rig.peer(begin);
      rig.run(60_000);
      user.socket?.close();
      if (begin.startsWith('.')) rig.peer('F. 1 ack 2');
      rig.run(60_500 - 2 * SLOW_MS);
      expect(rig.state).toBe(begin.startsWith('.') ? 'TIME-WAIT' : 'LAST-ACK');
      rig.run(3 * SLOW_MS);
      expect(rig.leftovers).toBe('0 0 0 ');
    }
  });

  it('lwip: a socket that has only shut down waits for FIN without end (tcp_slowtmr: TF_RXCLOSED)', () => {
    const rig = new Rig('lwip');
    const user = rig.connected();
    user.socket?.shutdown();
    rig.peer('. 1 ack 2');
    rig.run(3_600_000);
    expect(rig.state).toBe('FIN-WAIT-2');
  });

  it('lwip: TIME-WAIT resets a SYN in its window, acknowledges others, ignores RST (tcp_timewait_input)', () => {
    const rig = new Rig('lwip');
    const user = rig.acceptedFrom();
    user.socket?.close();
    rig.peer('. 1 ack 2');
    rig.peer('F. 1 ack 2');
    rig.sent();
    rig.peer('S 500 mss 1460');
    expect(resets(rig)).toBe('R. ack 501');
    rig.peer('S 500000 mss 1460');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
    rig.peer('R 2');
    expect(rig.state).toBe('TIME-WAIT');
  });
});

describe('a user that has never connected', () => {
  it.each(PROFILE_NAMES)('%s: is told so', (name) => {
    const rig = new Rig(name);
    const user = new User();
    user.socket = rig.network.openStream(user);
    expect(user.write(1)).toBe('ENOTCONN');
  });
});

describe('freertos-tcp: data that nobody acknowledges', () => {
  function established(hasKeepAlive = false): { rig: Rig; user: User } {
    const rig = new Rig('freertos-tcp');
    const user = rig.connected('win 60000 mss 1460', (socket) => {
      if (hasKeepAlive) socket.setKeepAlive({ idle: 20, interval: 20, count: 3 });
    });
    // These round trips of 0 ms bring SRTT from 500 ms to its least, 50 ms (prvTCPWindowTxCheckAck_CalcSRTT).
    for (let i = 1; i < 40; i++) {
      user.write(1);
      rig.peer(`. 1 ack ${i + 1}`);
    }
    rig.sent();
    return { rig, user };
  }

  it('the RTO is twice the smoothed round trip, which begins at 500 ms and falls by an eighth', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connected();
    for (const [i, ms] of [[1, 1000], [2, 874], [3, 764]] as const) {
      user.write(1);
      rig.sent();
      rig.run(ms - 1);
      expect(rig.sent()).toEqual([]);
      rig.run(2);
      expect(rig.sent()).toHaveLength(1);
      // A segment that was sent twice measures nothing, so the test sends another one.
      rig.peer(`. 1 ack ${2 * i}`);
      user.write(1);
      rig.peer(`. 1 ack ${2 * i + 1}`);
      rig.sent();
    }
  });

  it('goes out again after 0.1 to 102.3 s, and then no more: usTimeout has 16 bits (prvTCPNextTimeout)', () => {
    const { rig, user } = established();
    const atMs = rig.nowMs;
    user.write(10);
    rig.run(3_600_000);
    const seconds = rig.times().map((ms) => Math.round((ms - atMs) / 100) / 10);
    expect(seconds).toEqual([0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7, 25.5, 51.1, 102.3]);
    expect(rig.state).toBe('ESTABLISHED');
    // The user sends, which makes the stack look at the connection.
    user.write(1);
    expect(rig.sent()[0]).toMatch(/^\.|^P/);
    rig.run(1000);
    expect(user.told).toEqual([]);
  });

  it('an idle connection is asked after 20, 42.5, 65, 87.5 s, and given up after 90 s (prvTCPPrepareSend)', () => {
    const { rig, user } = established(true);
    rig.run(30_000);
    rig.peer('. 1 ack 40');
    rig.sent();
    // FreeRTOS+TCP looks every 20 s, and whenever a segment arrives.
    const fromMs = rig.nowMs;
    rig.runTo(fromMs + 400_000);
    const [first = 0, ...times] = rig.times();
    expect(first - fromMs).toBeGreaterThanOrEqual(20_000);
    expect(first - fromMs).toBeLessThanOrEqual(42_000);
    expect(times.map((ms) => Math.round((ms - first) / 100) * 100)).toEqual([22_500, 45_000, 67_500]);
    expect(user.told).toEqual(['ended ENOTCONN']);
  });

  it('keepalive counts while data is unacknowledged, and ends it', () => {
    const { rig, user } = established(true);
    const fromMs = rig.nowMs;
    user.write(10);
    let endMs = 0;
    for (; user.told.length === 0; endMs = rig.nowMs) rig.run(100);
    expect(user.told).toEqual(['ended ENOTCONN']);
    // Looked at when something is sent again: probes after 25.5 s, 51.1 s, 102.3 s and 139 s, and 2.5 s.
    expect(endMs - fromMs).toBeGreaterThan(100_000);
    expect(endMs - fromMs).toBeLessThan(220_000);
  });

  it('has no more than two segments in flight (FreeRTOS_Sockets.c: uxTxWinSize)', () => {
    const { rig, user } = established();
    user.write(5000);
    expect(rig.sent()).toEqual(['. 40:1500 ack 1', '. 1500:2960 ack 1']);
  });
});

describe('windows', () => {
  it('freertos-tcp: a closed window is not asked for, and part of a segment is not sent (xTCPWindowTxHasData)', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connected('win 0 mss 1460');
    user.write(100);
    rig.run(3_600_000);
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1 win 99');
    expect(rig.sent()).toEqual([]);
    rig.peer('. 1 ack 1 win 100');
    expect(rig.sent()).toEqual(['P. 1:101 ack 1']);
  });

  it('freertos-tcp: offers two segments, none when a quarter is left, and all when all was read (xPercTable)', () => {
    const rig = new Rig('freertos-tcp');
    const seen: number[] = [];
    rig.onSent = ({ window }) => seen.push(window);
    const user = rig.connected();
    expect(seen).toEqual([2920, 2920]);
    for (let seq = 1; seq < 4380; seq += 1460) rig.peer(`. ${seq}:${seq + 1460} ack 1`);
    expect(seen.at(-1)).toBe(0);
    seen.length = 0;
    expect(user.read(4379)).toBe(4379);
    expect(seen).toEqual([]);
    user.read(1);
    expect(seen).toEqual([2920]);
  });

  it('lwip: the edge moves by a segment (tcp_update_rcv_ann_wnd), and is told by itself then (tcp_recved)', () => {
    const rig = new Rig('lwip');
    const seen: number[] = [];
    rig.onSent = ({ window }) => seen.push(window);
    const user = rig.connected();
    rig.peer('P. 1:9 ack 1');
    expect(user.read(8)).toBe(8);
    rig.run(300);
    expect(seen.at(-1)).toBe(4 * 1460 - 8);
    seen.length = 0;
    rig.peer('. 9:1461 ack 1');
    user.read(1451);
    expect(seen).toEqual([]);
    user.read(1);
    expect(seen).toEqual([4 * 1460]);
  });

  it('lwip: FIN asks for a closed window where it is all that waits (tcp_zero_window_probe)', () => {
    const rig = new Rig('lwip');
    const user = rig.connected('win 0 mss 1460');
    user.socket?.close();
    rig.run(1999);
    expect(rig.sent()).toEqual(['F. 1 ack 1']);
    rig.peer('. 1 ack 2 win 0');
    expect(rig.state).toBe('FIN-WAIT-2');
  });

  it('lwip: a small segment waits for all that is in flight (tcp_do_output_nagle)', () => {
    const rig = new Rig('lwip');
    const user = rig.connected();
    user.write(1460);
    user.write(1);
    expect(rig.sent()).toEqual(['P. 1:1461 ack 1']);
  });
});

describe('keepalive', () => {
  it('lwip: works while data can be sent (tcp_slowtmr: ESTABLISHED, CLOSE_WAIT)', () => {
    const rig = new Rig('lwip');
    const user = rig.connected('win 60000 mss 1460', (socket) => {
      socket.setKeepAlive({ idle: 3, interval: 3, count: 3 });
    });
    user.socket?.shutdown();
    rig.peer('. 1 ack 2');
    rig.sent();
    rig.run(60_000);
    expect(rig.sent()).toEqual([]);
    expect(rig.state).toBe('FIN-WAIT-2');
  });
});
