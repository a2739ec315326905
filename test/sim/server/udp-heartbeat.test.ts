/** The receiver of UDP heartbeats tells what is missing, late or double, and passes over what is no beat. */

import { expect, it } from 'vitest';
import { type ServerEvent } from '../../../sim/server/events.ts';
import { startServer } from '../../../sim/server/server.ts';
import { Loopback } from '../../support/loopback.ts';

const LOCAL = { address: '10.0.0.2', port: 5000 };

/** Sends these texts, one a millisecond; gives what the server told of numbers, and how many beats it counted. */
function countsOf(...texts: string[]): { readonly sequence: [what: string, count: number][]; readonly beats: number } {
  const world = new Loopback();
  const events: ServerEvent[] = [];
  const options = { local: LOCAL, protocol: { kind: 'udp-heartbeat' } } as const;
  const server = startServer(world.host(LOCAL.address).hal, options, (event) => events.push(event));
  const { network } = world.host('10.0.0.1').hal;
  const socket = network.openDatagram({ address: '10.0.0.1', port: 0 }, { bound() {}, readable() {}, ended() {} });
  world.advance(1);
  for (const text of texts) {
    socket.sendTo(new TextEncoder().encode(text), LOCAL);
    world.advance(1);
  }
  world.advance(5);
  expect(server.statistics.accepted).toBe(1);
  return {
    sequence: events.flatMap((event) => (event.kind === 'sequence' ? [[event.what, event.count]] : [])),
    beats: server.statistics.beats,
  };
}

function numbered(...numbers: number[]): [string, number][] {
  return countsOf(...numbers.map((number) => `heartbeat ${number}`)).sequence;
}

it('beats in order have no findings, from any first number, and over the wrap', () => {
  expect(numbered(0, 1, 2, 3)).toEqual([]);
  expect(numbered(7, 8)).toEqual([]);
  expect(numbered(0xffff_fffe, 0xffff_ffff, 0, 1)).toEqual([]);
});

it('a gap is so many missing; what fills it is late, once', () => {
  expect(numbered(0, 4)).toEqual([['missing', 3]]);
  expect(numbered(0, 3, 2, 1)).toEqual([['missing', 2], ['late', 1], ['late', 1]]);
  expect(numbered(0, 3, 2, 2)).toEqual([['missing', 2], ['late', 1], ['double', 1]]);
});

it('a repeated beat is double, as far back as the window reaches', () => {
  expect(numbered(0, 0)).toEqual([['double', 1]]);
  const to40 = Array.from({ length: 41 }, (_, i) => i);
  expect(numbered(...to40, 9)).toEqual([['double', 1]]);
  // Beyond the window it is not known any more whether it had come.
  expect(numbered(...to40, 8)).toEqual([['late', 1]]);
  expect(numbered(10, 60, 29, 28)).toEqual([['missing', 49], ['late', 1], ['late', 1]]);
});

it('a sender that starts again is not reported as late', () => {
  const to40 = Array.from({ length: 41 }, (_, i) => i);
  expect(numbered(...to40, 0, 1, 2)).toEqual([]);
});

it('beats without numbers are beats; what is no beat counts for nothing', () => {
  expect(countsOf('heartbeat', 'heartbeat', 'heartbeat')).toEqual({ sequence: [], beats: 3 });
  expect(countsOf('heartbeat', 'nonsense', '', 'heartbeat x')).toEqual({ sequence: [], beats: 1 });
});
