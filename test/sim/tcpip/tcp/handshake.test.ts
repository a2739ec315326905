/** The start of connections: RFC 9293 3.5, 3.10.7.1 to 3.10.7.4, and the rules of each stack. */

import { describe, expect, it } from 'vitest';
import { PROFILE_NAMES } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig, User, windows } from '../rig.ts';

describe.each(PROFILE_NAMES)('%s', (name) => {
  it('opens actively: SYN, SYN and ACK, ACK', () => {
    const rig = new Rig(name);
    const user = rig.connect();
    expect(rig.sent()[0]).toMatch(/^S 0 mss 1460/);
    rig.peer('S. 0 ack 1 mss 1460');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    expect(rig.state).toBe('ESTABLISHED');
    expect(user.told).toEqual(['writable']);
  });

  it('opens passively, and tells nobody before the third segment', () => {
    const rig = new Rig(name);
    rig.listen();
    rig.peer('S 0 mss 1460');
    expect(rig.sent()[0]).toMatch(/^S\. 0 ack 1 mss 1460/);
    expect(rig.accepted).toEqual([]);
    rig.peer('. 1 ack 1');
    expect(rig.state).toBe('ESTABLISHED');
    expect(rig.accepted).toHaveLength(1);
    expect(rig.sent()).toEqual([]);
  });

  it.runIf(PROFILES[name].handshake.crossedSyn === 'opens')('opens at once with the peer (RFC 9293 3.5, figure 7)', () => {
    const rig = new Rig(name);
    const user = rig.connect();
    rig.sent();
    rig.peer('S 0 mss 1460');
    expect(rig.state).toBe('SYN-RECEIVED');
    expect(rig.sent()[0]).toMatch(/^S\. 0 ack 1/);
    rig.peer('S. 0 ack 1 mss 1460');
    expect(rig.state).toBe('ESTABLISHED');
    expect(user.told).toEqual(['writable']);
  });

  it('is refused by RST with the right acknowledgement, and by no other', () => {
    const rig = new Rig(name);
    const user = rig.connect();
    rig.peer('R. 0 ack 2');
    rig.peer('R 0');
    expect(user.told).toEqual([]);
    rig.peer('R. 0 ack 1');
    const { refusedErrno, refusedAfterMs } = PROFILES[name];
    rig.run(refusedAfterMs + 1);
    expect(user.told).toEqual([`ended ${refusedErrno}`]);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('answers the acknowledgement of what it never sent with RST', () => {
    const rig = new Rig(name);
    rig.connect();
    rig.sent();
    rig.peer('S. 0 ack 77 mss 1460');
    expect(rig.sent()[0]).toBe('R 77');
  });

  it('does not reset a connection whose SYN and ACK comes again, as the ACK was lost', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('S. 0 ack 1 mss 1460');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    expect(rig.state).toBe('ESTABLISHED');
    expect(user.told).toEqual([]);
  });

  it('takes 536 for the MSS of a peer that names none (RFC 9293 3.7.1)', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 60000');
    user.write(1000);
    expect(rig.sent()[0]).toBe('. 1:537 ack 1');
  });

  it('sends no larger segments than the peer takes', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 60000 mss 100');
    user.write(200);
    expect(rig.sent()[0]).toBe('. 1:101 ack 1');
  });

  it('resets who asks for a port where nobody listens', () => {
    const rig = new Rig(name);
    rig.peer('S 0 mss 1460');
    expect(rig.sent()).toEqual(['R. 0 ack 1']);
    rig.peer('P. 5:9 ack 77');
    expect(rig.sent()).toEqual(['R 77']);
    rig.peer('R. 5 ack 77');
    expect(rig.sent()).toEqual([]);
  });

  it('a listener answers an ACK of nothing as any port does, and is silent at RST', () => {
    const rig = new Rig(name);
    rig.listen();
    rig.peer('P. 5:9 ack 77', { destinationPort: 80 });
    expect(rig.sent()).toEqual(['R 77']);
    rig.peer('S. 5 ack 77', { destinationPort: 80 });
    expect(rig.sent()).toEqual(['R 77']);
    rig.peer('R 5', { destinationPort: 80 });
    rig.peer('F 5', { destinationPort: 80 });
    expect(rig.sent()).toEqual([]);
    expect(rig.stack.connections.size).toBe(0);
  });

  it('takes as many that wait as the backlog says, on Linux one more, and what is beyond gets what the stack has', () => {
    const rig = new Rig(name);
    const count = name === 'linux' ? 3 : 2;
    const resets = PROFILES[name].fullListener === 'reset' ? 4 - count : 0;
    rig.network.listen({ address: '0.0.0.0', port: 80 }, 2, {
      listening: () => {},
      incoming: () => {},
      ended: () => {},
    });
    for (const sourcePort of [1, 2, 3, 4]) rig.peer('S 0 mss 1460', { sourcePort, destinationPort: 80 });
    const sent = rig.sent();
    expect(sent).toHaveLength(name === 'linux' ? 4 : count + resets);
    expect(sent.filter((text) => text.startsWith('R'))).toHaveLength(resets);
    expect(rig.stack.connections.size).toBe(count);
  });

  it('a RST frees a place in the backlog', () => {
    const rig = new Rig(name);
    rig.listen(1);
    rig.peer('S 0 mss 1460', { sourcePort: 1, destinationPort: 80 });
    rig.peer('R 1', { sourcePort: 1, destinationPort: 80 });
    rig.peer('S 0 mss 1460', { sourcePort: 2, destinationPort: 80 });
    expect(rig.sent()).toHaveLength(2);
    expect(rig.stack.connections.size).toBe(1);
  });

  it('takes another port for each connection, from its range', () => {
    const rig = new Rig(name);
    const { first, last } = PROFILES[name].ephemeralPorts;
    const ports = [rig.connect(), rig.connect(), rig.connect()].map((user) => user.socket?.local?.port ?? 0);
    expect(new Set(ports).size).toBe(3);
    for (const port of ports) expect(port >= first && port <= last).toBe(true);
  });
});

describe('linux', () => {
  it.each(['. 5 ack 77', 'R. 5 ack 77'])(
    'SYN-SENT: sends SYN again two jiffies after what is of an old connection: %s',
    (text) => {
      const rig = new Rig('linux');
      const user = rig.connect();
      rig.sent();
      rig.peer(text);
      rig.sent();
      rig.runTo(7);
      expect(rig.sent()).toEqual([]);
      rig.runTo(20);
      expect(rig.sent()).toEqual(['S 0 mss 1460 wscale 7']);
      expect(user.told).toEqual([]);
    },
  );

  it('sends SYN again after 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 s, and gives up at 131 s (tcp_syn_linear_timeouts)', () => {
    const rig = new Rig('linux');
    const user = rig.connect();
    rig.runTo(130_000);
    const seconds = rig.times().map((ms) => Math.round(ms / 100) / 10);
    expect(seconds.map(Math.floor)).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    expect(user.told).toEqual([]);
    rig.runTo(134_500);
    expect(user.told).toEqual(['ended ETIMEDOUT']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('sends SYN and ACK again 5 times, and then forgets', () => {
    const rig = new Rig('linux');
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.runTo(62_000);
    expect(rig.times().map((ms) => Math.floor(ms / 1000))).toEqual([0, 1, 3, 7, 15, 31]);
    expect(rig.state).toBe('SYN-RECEIVED');
    rig.runTo(66_000);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('sends SYN and ACK at once when the peer sends SYN again', () => {
    const rig = new Rig('linux');
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.sent();
    rig.run(500);
    rig.peer('S 0 mss 1460');
    expect(rig.sent()).toEqual(['S. 0 ack 1 mss 1460']);
  });

  it('scales windows where both ends say so, and never that of a SYN (RFC 7323 2.2)', () => {
    const rig = new Rig('linux');
    const seen = windows(rig);
    const user = rig.connected('win 1 mss 1460 wscale 7');
    expect(seen).toEqual([64_240, 502]);
    // The SYN and ACK has said 1 byte, not 128.
    expect(rig.tcb?.sndWnd).toBe(1);
    rig.peer('. 1 ack 1 win 10');
    user.write(2000);
    // A segment takes half of the window (tcp_bound_to_half_wnd).
    expect(rig.sent()).toEqual(['. 1:641 ack 1', '. 641:1281 ack 1']);
  });

  it('does not scale where the peer does not', () => {
    const rig = new Rig('linux');
    const seen = windows(rig);
    rig.connected('win 1000 mss 1460');
    expect(seen).toEqual([64_240, 64_240]);
    expect(rig.tcb?.sndWnd).toBe(1000);
  });

  it('takes a shift beyond 14 for 14 (RFC 7323 2.3)', () => {
    const rig = new Rig('linux');
    rig.connected('win 1000 mss 1460 wscale 15');
    expect(rig.tcb?.sndScale).toBe(14);
  });

  it('is not connected before it connects', () => {
    const rig = new Rig('linux');
    const user = new User();
    user.socket = rig.network.openStream(user);
    expect(user.read(1)).toBe('ENOTCONN');
    expect(user.write(1)).toBe('ENOTCONN');
  });

  it('a listener that closes resets those that wait', () => {
    const rig = new Rig('linux');
    const listener = rig.network.listen({ address: '0.0.0.0', port: 80 }, 2, {
      listening: () => {},
      incoming: () => {},
      ended: () => {},
    });
    rig.peer('S 0 mss 1460', { destinationPort: 80 });
    rig.peer('. 1 ack 1', { destinationPort: 80 });
    rig.sent();
    listener.close();
    expect(rig.sent()).toEqual(['R. 1 ack 1']);
    rig.run(1);
    expect(rig.leftovers).toBe('0 0 0 ');
  });
});

describe('after a SYN that was sent twice', () => {
  it('nothing is measured (Karn, RFC 6298 3): the RTO is the first one', () => {
    const rig = new Rig('freertos-tcp');
    const user = rig.connect();
    rig.run(3500);
    rig.sent();
    rig.peer('S. 0 ack 1 mss 1460');
    user.write(1);
    rig.sent();
    rig.run(PROFILES['freertos-tcp'].retransmission.rtoInitialMs - 2);
    expect(rig.sent()).toEqual([]);
    rig.run(5);
    expect(rig.sent()).toEqual(['P. 1:2 ack 1']);
  });

  it.each([100, 1100])('Linux measures by the timestamp that is echoed: %i ms', (echoMs) => {
    const rig = new Rig('linux');
    rig.connect();
    rig.run(1100);
    rig.peer('S. 0 ack 1 mss 1460', { echoMs });
    expect((rig.tcb?.srttUs8 ?? 0) / 8000).toBe(echoMs);
  });
});
