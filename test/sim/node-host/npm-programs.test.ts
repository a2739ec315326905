/**
 * Servers and clients of Node and of npm, as their READMEs have them, on simulated hosts: who notices which fault, and
 * after how long. The programs stand in `programs/`: files that know nothing of the simulation.
 */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readText } from '../../support/files.ts';
import { needsPeers } from '../../support/npm-peers.ts';
import { FAULTS, firstNotice, PAIRS, runPair } from './support/npm-pairs.ts';

/**
 * The first thing that the server says after the fault, then the first thing that the client says, each with the
 * seconds since the fault. A program without power, or one that hangs, says nothing. Nor does a program that a new peer
 * makes forget the old one.
 */
const EXPECTED: Readonly<Record<string, string>> = {
  // The last word came at 10.01 s. The server waits 4 s for the next, the client 3 s for an echo, and looks each 0.1 s.
  // A word, or a keepalive probe, to one who has been off meets a reset.
  net: `
cable         3.51 client silent                2.60 server silent
client power  3.51 client silent                nothing
client reboot 2.56 client gone: ECONNRESET      nothing
client hang   3.51 client silent                nothing
server power  nothing                           2.60 server silent
server reboot nothing                           2.31 server gone: ECONNRESET
server hang   nothing                           2.60 server silent`,
  // The server closes a connection that has been idle for its keepAliveTimeout of 4 s and Node's buffer of 1 s. The
  // client asks at 12 s, and waits 1.5 s.
  http: `
cable         4.51 client closed                3.00 server gone: no answer in 1.5 s
client power  4.51 client closed                nothing
client reboot 4.51 client closed                nothing
client hang   4.51 client closed                nothing
server power  nothing                           3.00 server gone: no answer in 1.5 s
server reboot nothing                           2.41 server gone: ECONNRESET
server hang   nothing                           3.00 server gone: no answer in 1.5 s`,
  // As for http.
  https: `
cable         4.51 client closed                3.00 server gone: no answer in 1.5 s
client power  4.51 client closed                nothing
client reboot 4.51 client closed                nothing
client hang   4.51 client closed                nothing
server power  nothing                           3.00 server gone: no answer in 1.5 s
server reboot nothing                           2.41 server gone: ECONNRESET
server hang   nothing                           3.00 server gone: no answer in 1.5 s`,
  // The server's PING of 12.05 s is not answered by the next, at 14.05 s; the client's request of 12.04 s not in 1.5 s.
  http2: `
cable         3.55 client silent                3.04 server silent
client power  3.55 client silent                nothing
client reboot 2.02 client gone: ECONNRESET      nothing
client hang   3.55 client silent                nothing
server power  nothing                           3.04 server silent
server reboot nothing                           2.05 server gone: ECONNRESET
server hang   nothing                           3.04 server silent`,
  // The server's ping of 12 s is not answered by the next, at 15 s; the client's last came at 9.01 s, and it waits 4 s.
  ws: `
cable         4.50 client silent                2.51 server silent
client power  4.50 client silent                nothing
client reboot 2.41 client closed: 1006          nothing
client hang   4.50 client silent                nothing
server power  nothing                           2.51 server silent
server reboot nothing                           2.51 server silent
server hang   nothing                           2.51 server silent`,
  // The server's ping of 12.07 s is not answered in 2 s; the client had its last at 8.06 s, and waits 4 s and 2 s.
  'socket.io': `
cable         3.57 client gone: ping timeout    3.56 server gone: ping timeout
client power  3.57 client gone: ping timeout    nothing
client reboot 2.06 client gone: transport close nothing
client hang   3.57 client gone: ping timeout    nothing
server power  nothing                           3.56 server gone: ping timeout
server reboot nothing                           2.37 server gone: transport close
server hang   nothing                           3.56 server gone: ping timeout`,
  // The last beat came at 10.01 s, and the application waits 5 s; the client's of 12 s has no answer in 1.5 s.
  express: `
cable         4.51 dev-1 silent                 3.00 server gone: TimeoutError
client power  4.51 dev-1 silent                 nothing
client reboot nothing                           nothing
client hang   4.51 dev-1 silent                 nothing
server power  nothing                           3.00 server gone: TimeoutError
server reboot nothing                           2.41 server gone: ECONNRESET
server hang   nothing                           3.00 server gone: TimeoutError`,
  // MQTT 3.1.1, 3.1.2.10: 1.5 times the keep alive of 3 s after the last packet, of 10.01 s. mqtt.js has the same rule.
  aedes: `
cable         4.01 mqtt-js silent               4.02 server gone
client power  4.01 mqtt-js silent               nothing
client reboot 2.03 mqtt-js gone                 nothing
client hang   4.01 mqtt-js silent               nothing
server power  nothing                           4.02 server gone
server reboot nothing                           2.31 error: ECONNRESET
server hang   nothing                           4.02 server gone`,
  // The server waits 6 s for the next command; the client's of 11 s has no answer in 2 s.
  ioredis: `
cable         5.51 client silent                2.50 server silent: Command timed out
client power  5.51 client silent                nothing
client reboot 5.51 client silent                nothing
client hang   5.51 client silent                nothing
server power  nothing                           2.50 server silent: Command timed out
server reboot 3.51 client closed                2.31 error: ECONNRESET
server hang   nothing                           2.50 server silent: Command timed out`,
  // The server's ping of 12.09 s has no answer in 2 s, and the client's of 12.08 s has none.
  grpc: `
cable         3.59 client gone                  3.58 server gone: 14 Connection dropped
client power  3.59 client gone                  nothing
client reboot 2.08 client gone                  nothing
client hang   3.59 client gone                  nothing
server power  nothing                           3.58 server gone: 14 Connection dropped
server reboot nothing                           2.08 server gone: 14 read ECONNRESET
server hang   nothing                           3.58 server gone: 14 Connection dropped`,
};

for (const pair of PAIRS) {
  it(`${pair.name}: who notices, and after how many seconds`, async (context) => {
    needsPeers(context, ...pair.packages);
    const rows: string[] = [];
    for (const fault of Object.keys(FAULTS)) {
      const run = await runPair(pair, fault);
      rows.push(`${fault.padEnd(14)}${firstNotice(run, 'server').padEnd(34)}${firstNotice(run, 'client')}`);
    }
    expect(`\n${rows.join('\n')}`).toBe(EXPECTED[pair.name]);
  });
}

/** Returns the seconds after which an end notices: by the faults of the other, of which silence has one figure. */
function seconds(name: string, end: 'server' | 'client'): string[] {
  const other = end === 'server' ? 'client' : 'server';
  const noticed = new Map(
    EXPECTED[name]
      ?.trim()
      .split('\n')
      .map((row): [string, string | undefined] => {
        const text = end === 'server' ? row.slice(14, 48) : row.slice(48);
        return [row.slice(0, 14).trim(), /^[\d.]+/.exec(text)?.[0]];
      }),
  );
  const silent = new Set(['cable', `${other} power`, `${other} hang`].map((fault) => noticed.get(fault)));
  expect([...silent]).toHaveLength(1);
  return [[...silent][0] ?? 'never', noticed.get(`${other} reboot`) ?? 'never'];
}

it('are in README, each with these figures', () => {
  const readme = readText(fileURLToPath(new URL('../../../sim/node-host/README.md', import.meta.url)));
  const [, table = ''] = /^\| programs \|.*\n\|-.*\n((?:\|.*\n)+)/m.exec(readme) ?? [];
  const rows = table.trim().split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  expect(rows.map(([, name, , ...cells]) => [name, cells[0], cells[1], cells[3], cells[4]])).toEqual(
    PAIRS.map(({ name }) => [name, ...seconds(name, 'server'), ...seconds(name, 'client')]),
  );
});
