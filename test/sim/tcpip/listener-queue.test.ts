/** A listener on Linux with more connections than its backlog: net/ipv4/tcp_input.c, tcp_conn_request. */

import { expect, it } from 'vitest';
import type { Hal } from '../../../hal/hal.ts';
import type { ListeningSocket } from '../../../hal/network.ts';
import { Simulation } from '../../../sim/simulation.ts';
import type { Profile } from '../../../sim/tcpip/profile.ts';
import { LINUX } from '../../../sim/tcpip/profiles/linux.ts';
import { makeCookie, readCookie } from '../../../sim/tcpip/syn-cookie.ts';

const PORT = 5000;
const BACKLOG = 2;
const CLIENTS = 10;
const DEAF = { readable: () => {}, writable: () => {}, ended: () => {} };

/** Ten clients whose SYNs come at one time; after how many ms each connected. */
class Burst {
  readonly sim = new Simulation({ seed: 1 });
  readonly connectedMs: number[] = [];
  readonly lines: string[] = [];
  accepted = 0;
  accepts = true;
  #listener: ListeningSocket | undefined = undefined;

  constructor(profile: Profile = LINUX) {
    this.sim.trace((line) => this.lines.push(line));
    this.sim.addDevice({ name: 'server', address: '10.0.0.200', profile, firmware: (hal) => this.#listen(hal) });
  }

  #listen({ network }: Hal): void {
    this.#listener = network.listen({ address: '0.0.0.0', port: PORT }, BACKLOG, {
      listening: () => {},
      ended: () => {},
      incoming: () => this.acceptAll(),
    });
  }

  acceptAll(): void {
    while (this.accepts && this.#listener?.accept(DEAF) !== undefined) this.accepted++;
  }

  connect(count: number): void {
    for (let i = 0; i < count; i++) {
      this.sim.addDevice({
        profile: 'linux',
        link: { delay: 50 },
        firmware: ({ network }) => {
          const startMs = this.sim.nowMs;
          const writable = (): number => this.connectedMs.push(this.sim.nowMs - startMs);
          network.openStream({ ...DEAF, writable }).connect({ address: '10.0.0.200', port: PORT });
        },
      });
    }
  }

  answers(): number {
    return this.lines.filter((line) => / server > .*\[S\.\]/.test(line)).length;
  }
}

it('answers a burst beyond the backlog at once, by cookies, and takes all of it', async () => {
  const burst = new Burst();
  burst.connect(CLIENTS);
  await burst.sim.runFor('500ms');
  expect(burst.connectedMs).toEqual(Array(CLIENTS).fill(100));
  expect(burst.accepted).toBe(CLIENTS);
  expect(burst.sim.netstat().filter(({ host }) => host === 'server').map(({ state }) => state))
    .toEqual(Array(CLIENTS).fill('ESTABLISHED'));
});

it('without cookies drops the SYNs beyond the backlog and one more, which come again after a second', async () => {
  const burst = new Burst({ ...LINUX, synCookies: false });
  burst.connect(CLIENTS);
  await burst.sim.runFor('500ms');
  expect(burst.connectedMs).toEqual(Array(BACKLOG + 1).fill(100));
  await burst.sim.runFor('10s');
  expect(burst.accepted).toBe(CLIENTS);
});

it('answers no SYN while the program accepts nothing, by no cookie either', async () => {
  const burst = new Burst();
  burst.accepts = false;
  burst.connect(BACKLOG + 1);
  await burst.sim.runFor('500ms');
  burst.connect(1);
  await burst.sim.runFor('500ms');
  expect(burst.connectedMs).toEqual(Array(BACKLOG + 1).fill(100));
  expect(burst.answers()).toBe(BACKLOG + 1);
  burst.accepts = true;
  burst.acceptAll();
  await burst.sim.runFor('10s');
  expect(burst.accepted).toBe(BACKLOG + 2);
});

it('a client whose handshake ends while too many wait believes itself connected; the server does not', async () => {
  const burst = new Burst();
  burst.accepts = false;
  burst.connect(CLIENTS);
  await burst.sim.runFor('500ms');
  expect(burst.connectedMs).toHaveLength(CLIENTS);
  const held = burst.sim.netstat().filter(({ host }) => host === 'server');
  expect(held.filter(({ state }) => state === 'ESTABLISHED')).toHaveLength(BACKLOG + 1);
  expect(held.length).toBeLessThanOrEqual(2 * (BACKLOG + 1));
});

it('of three handshakes that end while one more can wait, one does; the others stay open and are not told', async () => {
  const burst = new Burst();
  burst.accepts = false;
  burst.connect(BACKLOG);
  await burst.sim.runFor('500ms');
  burst.connect(3);
  await burst.sim.runFor('500ms');
  const held = burst.sim.netstat().filter(({ host }) => host === 'server').map(({ state }) => state);
  expect(held.filter((state) => state === 'ESTABLISHED')).toHaveLength(BACKLOG + 1);
  expect(held.filter((state) => state === 'SYN-RECEIVED')).toHaveLength(2);
  burst.accepts = true;
  burst.acceptAll();
  await burst.sim.runFor('10s');
  expect(burst.accepted).toBe(BACKLOG + 3);
});

it('a cookie is known for a minute or two, by who has sent it, with what it says', () => {
  const ends = { localPort: PORT, remoteAddress: 0x0a000002, remotePort: 40_000, seq: -5 };
  const seen = { mssBytes: 1459, windowScale: 7 };
  const cookie = makeCookie(7, ends, 30e6, seen);
  for (const nowUs of [30e6, 119e6]) {
    expect(readCookie(7, ends, nowUs, cookie)).toEqual({ mssBytes: 1440, windowScale: 7 });
  }
  expect(readCookie(7, ends, 120e6, cookie)).toBeUndefined();
  expect(readCookie(8, ends, 30e6, cookie)).toBeUndefined();
  expect(readCookie(7, { ...ends, seq: -4 }, 30e6, cookie)).toBeUndefined();
  expect(readCookie(7, ends, 30e6, cookie ^ 0x40)).toBeUndefined();
  const plain = makeCookie(7, ends, 0, { mssBytes: 0, windowScale: -1 });
  expect(readCookie(7, ends, 0, plain)).toEqual({ mssBytes: 536, windowScale: -1 });
});
