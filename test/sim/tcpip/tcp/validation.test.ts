/**
 * Segments that do not fit are not believed: RFC 9293 3.10.7.4 (first to fifth), RFC 5961, and the limits on how often
 * they are answered.
 */

import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig } from '../rig.ts';

describe('linux', () => {
  it('RST resets at exactly the next number; elsewhere in the window it asks for proof (RFC 5961 3.2)', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    rig.peer('R 2');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    rig.peer('R 70000');
    expect(rig.sent()).toEqual([]);
    expect(user.told).toEqual([]);
    rig.peer('R 1');
    expect(user.told).toEqual(['ended ECONNRESET']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('SYN in the window asks for proof (RFC 5961 4.2): a rebooted peer answers with the right RST', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    rig.peer('S 900 mss 1460');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    rig.peer('R 1');
    expect(user.told).toEqual(['ended ECONNRESET']);
  });

  it('an ACK of what was never sent is not believed (RFC 5961 5.2)', () => {
    const rig = new Rig('linux');
    rig.connected();
    rig.peer('P. 1:9 ack 2');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    expect(rig.tcb?.receiving).toBeUndefined();
  });

  it('answers so twice a second at most (tcp_invalid_ratelimit)', () => {
    const rig = new Rig('linux');
    rig.connected();
    rig.run(1000);
    rig.peer('R 2');
    rig.run(496);
    rig.peer('R 2');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    rig.run(4);
    rig.peer('R 2');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
  });

  it('data out of the window is answered each time, as the peer waits for it', () => {
    const rig = new Rig('linux');
    rig.connected();
    for (let i = 0; i < 3; i++) rig.peer('P. 100000:100009 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 1', '. 1 ack 1', '. 1 ack 1']);
  });

  it('a rebooted device: the server\'s next segment brings RST, and ECONNRESET', () => {
    const server = new Rig('linux');
    const user = server.acceptedFrom();
    const device = new Rig('lwip');
    user.write(8);
    expect(server.sent()).toEqual(['P. 1:9 ack 1']);
    // The same segment goes to a device that knows no such connection.
    device.peer('P. 1:9 ack 1');
    expect(device.sent()).toEqual(['R 1']);
    server.peer('R 1');
    expect(user.told).toEqual(['ended ECONNRESET']);
    expect(user.write(1)).toBe('ECONNRESET');
  });
});

describe('without RFC 5961, as the W5500', () => {
  it('RST anywhere in the window resets', () => {
    const rig = new Rig('w5500');
    const user = rig.connected();
    rig.peer('R 5000');
    expect(user.told).toEqual([]);
    rig.peer('R 900');
    expect(user.told).toEqual(['ended ECONNRESET']);
  });

  it('SYN in the window resets both', () => {
    const rig = new Rig('w5500');
    const user = rig.connected();
    rig.peer('S 900');
    expect(rig.sent()).toEqual([expect.stringMatching(/^R\. \S+ ack 901$/)]);
    expect(user.told).toEqual(['ended ECONNRESET']);
  });
});

it('freertos-tcp does not reset who sends it but an ACK; lwip does', () => {
  for (const name of ['freertos-tcp', 'lwip'] as const) {
    const rig = new Rig(name);
    rig.peer('. 1 ack 1');
    expect(rig.sent()).toEqual(PROFILES[name].resetsStrayAcks ? ['R 1'] : []);
    rig.peer('P. 1:2 ack 1');
    expect(rig.sent()).toEqual(['R 1']);
  }
});
