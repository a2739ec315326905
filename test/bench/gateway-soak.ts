/**
 * `node dist/bench/gateway-soak.js [MINUTES] [DEVICES]` (60 and 500): a soak of the gateway. Devices under a random plan
 * beat to a server in Python, whose kernel gives up by keepalive 3/3/3; each end that goes is held against the line of
 * the server's own log. It prints a line a minute, and at the end what became of it all: exit status 1 where verdicts
 * and log differ, or something was left.
 */

import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { heartbeatFirmware, type TraceEvent } from 'cablepull/sim';
import { ServerBench } from 'cablepull/server-bench';

const SERVER = fileURLToPath(new URL('../../test/sim/server-bench/server.py', import.meta.url));

/** Every device draws its own times, and new ones for each repetition. */
const PLAN = `
  power-loss on dev-* at 20s..4m for 2s..40s every 4m
  cable-pull on dev-* at 20s..5m for 2s..40s every 5m
  hang on dev-* at 20s..6m for 2s..40s every 6m
  crash on dev-* at 20s..7m for 2s..20s every 7m
  reset on dev-* at 20s..8m every 8m
  loss 10% on dev-* at 20s..9m for 30s every 9m
  reorder 20% on dev-* at 20s..9m for 30s every 9m
  latency 300ms on dev-* at 20s..9m for 30s every 9m
  one-way tx on dev-* at 20s..9m for 20s every 9m
`;

/** Greatest difference between verdicts and log, besides the time that device time lagged behind. */
const AGREE_MS = 50;

/** Time after the run in which the last lines of the log arrive. */
const SETTLE = '15s';

const [minutes = 60, devices = 500] = process.argv.slice(2).map(Number);
const gone = new Map<string, { readonly atMs: number; readonly by: string }>();
const logged = new Map<string, { readonly atMs: number; readonly by: string }>();
let faults = 0;

const bench = await ServerBench.start({
  command: ['python3', SERVER, '39002', 'keepalive'],
  onTrace: (event: TraceEvent) => {
    if (event.kind === 'fault') faults++;
    if (event.kind !== 'hung-up' || event.local === undefined) return;
    const { local, atMs, by } = event;
    gone.set(`${local.address}:${local.port} ${countOf(gone, local)}`, { atMs, by });
  },
  onOutput: (line) => {
    const [word, end = '', by = ''] = line.split(' ');
    if (word !== 'offline') return;
    const [address = '', port = ''] = end.split(':');
    logged.set(`${end} ${countOf(logged, { address, port: Number(port) })}`, { atMs: bench.nowMs, by });
  },
});

/** Returns how many connections from that end are over. A port can be used again. */
function countOf(map: ReadonlyMap<string, unknown>, { address, port }: { address: string; port: number }): number {
  let count = 0;
  while (map.has(`${address}:${port} ${count}`)) count++;
  return count;
}

const firmware = heartbeatFirmware({ servers: bench.servers });
for (let i = 0; i < devices; i++) {
  const device = bench.addDevice({ firmware, link: { delay: '20ms' }, power: false });
  bench.at(i * 5, () => device.power.restore());
}
bench.schedule(PLAN);
for (let minute = 1; minute <= minutes; minute++) {
  await bench.runFor('1m');
  report(minute);
}
await bench.runFor(SETTLE);

const differences: number[] = [];
const unlike: string[] = [];
for (const [end, { atMs, by }] of gone) {
  const line = logged.get(end);
  if (line === undefined) unlike.push(`${end} is gone by ${by} at ${atMs.toFixed(0)} ms, and the log has nothing`);
  else if (line.by !== by) unlike.push(`${end} is gone by ${by}, and the log says ${line.by}`);
  else differences.push(Math.abs(line.atMs - atMs));
}
for (const end of logged.keys()) if (!gone.has(end)) unlike.push(`${end} is offline by the log alone`);
differences.sort((a, b) => a - b);
const worstMs = differences.at(-1) ?? 0;
const lagMs = bench.realTime?.lagMsMax ?? 0;
const alive = bench.hosts.length;
const sockets = await bench.netstatOfAll();
const open = sockets.filter(({ host, state }) => host === 'server' && state === 'ESTABLISHED').length;
console.log(
  `${faults} faults; ${gone.size} ends gone, ${differences.length} as the log has them, by the same and within ` +
    `${worstMs.toFixed(1)} ms (median ${(differences[differences.length >> 1] ?? 0).toFixed(1)} ms); device time ` +
    `lagged by at most ${lagMs.toFixed(1)} ms; the server has ${open} connections of ${alive} devices`,
);
for (const sentence of unlike.slice(0, 20)) console.log(`NOT ALIKE: ${sentence}`);
const late = differences.filter((ms) => ms > AGREE_MS).length;
if (late > 0) console.log(`${late} were more than ${AGREE_MS} ms apart`);
await bench.stop();
process.exit(unlike.length === 0 && worstMs <= AGREE_MS + lagMs ? 0 : 1);

function report(minute: number): void {
  const { rss, heapUsed } = process.memoryUsage();
  const cpu = process.cpuUsage();
  const { lateness, stoodStillMs = 0 } = bench.realTime ?? {};
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  console.log(
    `${minute} min: ${faults} faults, ${gone.size} ends gone, ${logged.size} logged; ${mb(rss)} resident, ` +
      `${mb(heapUsed)} heap, ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s of CPU; ` +
      `timers late by ${lateness?.quantileMs(0.5).toFixed(2)} ms (median), ${lateness?.quantileMs(0.99).toFixed(1)} ms at p99; stood still for ${stoodStillMs.toFixed(0)} ms`,
  );
}
