/** The end of connections: RFC 9293 3.6, 3.10.4, 3.10.7.4 (fifth and eighth), RFC 2525 2.17. */

import { describe, expect, it } from 'vitest';
import { PROFILE_NAMES } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig } from '../rig.ts';

describe.each(PROFILE_NAMES)('%s', (name) => {
  const { timeWaitMs, finWait2Ms, tickUs, fin } = PROFILES[name];
  /** A timer is late by its tick, lwIP's by two, Linux's by an eighth. */
  const latenessMs = Math.max((2 * tickUs) / 1000, name === 'linux' ? 8000 : 0);

  it('closes first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, and nothing is left', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.socket?.close();
    expect(rig.sent()).toEqual(['F. 1 ack 1']);
    expect(rig.state).toBe('FIN-WAIT-1');
    rig.peer('. 1 ack 2');
    expect(rig.state).toBe('FIN-WAIT-2');
    rig.peer('F. 1 ack 2');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
    expect(rig.state).toBe('TIME-WAIT');
    rig.run(Math.max(timeWaitMs - latenessMs, 0));
    if (timeWaitMs > 0) expect(rig.state).toBe('TIME-WAIT');
    rig.run(2 * latenessMs + 1);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it.runIf(fin === 'linux')('closes second: CLOSE-WAIT, LAST-ACK', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('F. 1 ack 1');
    rig.run(250);
    expect(rig.sent()).toEqual(['. 1 ack 2']);
    expect(rig.state).toBe('CLOSE-WAIT');
    expect(user.told).toEqual(['readable', 'ended closed']);
    expect(user.read(1)).toBe(0);
    user.socket?.close();
    expect(rig.sent()).toEqual(['F. 1 ack 2']);
    expect(rig.state).toBe('LAST-ACK');
    rig.peer('. 2 ack 2');
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('closes at once with the peer: CLOSING', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.socket?.close();
    rig.peer('F. 1 ack 1');
    expect(rig.state).toBe('CLOSING');
    expect(rig.sent()).toEqual(['F. 1 ack 1', '. 2 ack 2']);
    rig.peer('. 2 ack 2');
    if (timeWaitMs > 0) expect(rig.state).toBe('TIME-WAIT');
  });

  it.runIf(fin === 'linux')('half-closed, still receives; and sends no more', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.write(5);
    user.socket?.shutdown();
    expect(user.write(1)).toBe('EPIPE');
    rig.sent();
    rig.peer('. 1 ack 7');
    expect(rig.state).toBe('FIN-WAIT-2');
    rig.peer('P. 1:101 ack 7');
    expect(user.read(200)).toBe(100);
    // For as long as it takes.
    rig.run(600_000);
    expect(rig.state).toBe('FIN-WAIT-2');
    rig.peer('FP. 101:111 ack 7');
    expect(user.read(200)).toBe(10);
    expect(user.read(200)).toBe(0);
  });

  it.runIf(fin === 'linux')('half-closed by the peer, still sends', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('F. 1 ack 1');
    rig.run(250);
    rig.sent();
    expect(user.write(5)).toBe(5);
    expect(rig.sent()).toEqual(['P. 1:6 ack 2']);
    expect(rig.state).toBe('CLOSE-WAIT');
  });

  it('closed, answers data with RST (RFC 9293 3.6.1)', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.socket?.close();
    rig.peer('. 1 ack 2');
    rig.sent();
    rig.peer('P. 1:9 ack 2');
    expect(rig.sent()[0]).toMatch(/^R/);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it(
    PROFILES[name].resetsOnUnreadClose
      ? 'resets when it is closed with data unread'
      : 'sends FIN even when it is closed with data unread',
    () => {
      const rig = new Rig(name);
      const user = rig.connected();
      rig.peer('P. 1:9 ack 1');
      rig.run(500);
      rig.sent();
      user.socket?.close();
      expect(rig.sent()).toEqual([PROFILES[name].resetsOnUnreadClose ? 'R. 1 ack 9' : 'F. 1 ack 9']);
    },
  );

  it('aborts by RST, where it has such a call, and nothing is left', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.write(100);
    rig.sent();
    user.socket?.abort();
    expect(rig.sent()).toEqual(PROFILES[name].canReset ? ['R. 101 ack 1'] : []);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('sends what was taken before FIN', () => {
    const rig = new Rig(name);
    const user = rig.connected('win 1000 mss 500');
    user.write(1200);
    user.socket?.close();
    expect(rig.sent()).toEqual(['. 1:501 ack 1', '. 501:1001 ack 1']);
    rig.peer('. 1 ack 1001 win 1000');
    if (fin === 'linux') {
      expect(rig.sent()).toEqual(['FP. 1001:1201 ack 1']);
    } else {
      // FreeRTOS+TCP's prvTCPPrepareSend: FIN when xTCPWindowTxDone.
      expect(rig.sent()).toEqual(['P. 1001:1201 ack 1']);
      rig.peer('. 1 ack 1201 win 1000');
      expect(rig.sent()).toEqual(['F. 1201 ack 1']);
    }
  });

  it('does not wait for the FIN of a peer without end', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    user.socket?.close();
    rig.peer('. 1 ack 2');
    rig.run(finWait2Ms - latenessMs);
    expect(rig.state).toBe('FIN-WAIT-2');
    rig.run(2 * latenessMs + 1);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('without power says nothing, and holds nothing', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('P. 1:9 ack 1');
    rig.peer('P. 12:19 ack 1');
    user.write(9);
    rig.run(500);
    rig.sent();
    const { stack } = rig;
    rig.interrupts.switchOff();
    rig.host.powerOff();
    expect(`${stack.connections.size} ${rig.packetsOut.size} ${rig.queuesOut.size} ${rig.handles.size}`).toBe(
      '0 0 0 0',
    );
    rig.engine.runUntil(3600_000_000);
    expect(rig.sent()).toEqual([]);
  });

  it('FIN before the data it follows waits for it', () => {
    const rig = new Rig(name);
    const user = rig.connected();
    rig.peer('F. 11 ack 1');
    expect(rig.state).toBe('ESTABLISHED');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    rig.peer('. 1:11 ack 1');
    expect(rig.state).toBe(fin === 'linux' ? 'CLOSE-WAIT' : 'LAST-ACK');
    expect(user.read(20)).toBe(10);
    expect(user.read(20)).toBe(0);
  });
});

describe('in TIME-WAIT', () => {
  function timeWait(): Rig {
    const rig = new Rig('linux');
    rig.toTimeWait(rig.acceptedFrom());
    expect(rig.state).toBe('TIME-WAIT');
    return rig;
  }

  it('acknowledges FIN again, and waits from then', () => {
    const rig = timeWait();
    rig.run(50_000);
    rig.peer('F. 1 ack 2');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
    rig.run(50_000);
    expect(rig.state).toBe('TIME-WAIT');
    rig.run(20_000);
    expect(rig.state).toBe('CLOSED');
  });

  it('acknowledges old duplicates, and says nothing to an ACK', () => {
    const rig = timeWait();
    rig.peer('P. -50:-40 ack 2');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
    rig.peer('. 2 ack 2');
    expect(rig.sent()).toEqual([]);
  });

  it('a newer SYN opens a new connection (RFC 6191)', () => {
    const rig = timeWait();
    rig.peer('S 500 mss 1460');
    expect(rig.sent()).toEqual(['S. 0 ack 501 mss 1460']);
    expect(rig.state).toBe('SYN-RECEIVED');
    expect(rig.stack.connections.size).toBe(1);
  });

  it('an older SYN does not', () => {
    const rig = timeWait();
    rig.peer('S -500 mss 1460');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
    expect(rig.state).toBe('TIME-WAIT');
  });

  it('RST ends it (Linux, tcp_rfc1337 0)', () => {
    const rig = timeWait();
    rig.peer('R 2');
    expect(rig.leftovers).toBe('0 0 0 ');
  });
});

describe('linux', () => {
  it('sends FIN again to a peer that is gone, and gives up', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    user.socket?.close();
    rig.run(300_000);
    expect(rig.sent().length).toBeGreaterThan(8);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('tells a writer who waits for room after FIN that the connection is gone', () => {
    const rig = new Rig('linux');
    const user = rig.connected('win 100 mss 1460');
    rig.peer('F. 1 ack 1 win 100');
    user.write(200_000);
    expect(user.write(1)).toBe('EAGAIN');
    user.told.length = 0;
    rig.peer('R. 2 ack 1');
    expect(user.told).toEqual(['writable']);
    expect(user.write(1)).toBe('EPIPE');
  });

  it('reports an error once', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    rig.peer('P. 1:4 ack 1');
    rig.peer('R. 4 ack 1');
    expect(user.told).toEqual(['readable', 'ended ECONNRESET']);
    expect(user.read(10)).toBe(3);
    expect(user.read(10)).toBe('ECONNRESET');
  });
});
