/**
 * `cablepull tcpping`: connects to a port again and again, and prints how long the handshake took, or why it failed. A
 * server that is off, a port on which nobody listens, and a path that drops packets give three different answers.
 */

import { type Errno, errnoOf } from '../../hal/errno.ts';
import type { Network, SocketAddress } from '../../hal/network.ts';
import { nodeClock, nodeNetwork } from '../../hal/node/index.ts';
import { addressText } from '../server/events.ts';
import { counted } from '../text.ts';
import { formatDuration } from '../time/duration.ts';
import { defineCommand } from './command.ts';
import { firstAddressOf, lookUpProblem } from './look-up.ts';
import { Problem } from './problem.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';
import { durationOf, hostAndPort, usage, wholeNumber } from './values.ts';

export const tcppingCommand = defineCommand({
  name: 'tcpping',
  about: 'connects to a port repeatedly, and prints the round trip of each TCP handshake',
  needs: 'HOST:PORT, the port to connect to',
  example: 'cablepull tcpping 192.0.2.1:39002 -c 5',
  options: {
    count: { type: 'string', short: 'c', value: 'N', help: 'number of attempts (until Ctrl-C)' },
    interval: { type: 'string', short: 'i', value: '1s', default: '1s', help: 'interval between attempts (1s)' },
    timeout: { type: 'string', short: 'W', value: '5s', default: '5s', help: 'timeout of an attempt (5s)' },
    json: { type: 'boolean', default: false, help: 'print a JSON object for each attempt, and the statistics in the last line' },
  },
  notes: 'Exit status: 0 if a connection was made; 1 if none was; 2 for wrong usage or an unknown host.',
  run({ values, operands }, terminal) {
    const [operand = '', ...more] = operands;
    if (more.length > 0) throw usage(`tcpping takes one HOST:PORT, not '${operands.join(' ')}'`);
    const { host, port } = hostAndPort('tcpping', operand);
    const count = values.count === undefined ? Infinity : wholeNumber('--count', values.count, 1, 1_000_000_000);
    const intervalMs = durationOf('--interval', values.interval) ?? 1000;
    const timeoutMs = durationOf('--timeout', values.timeout) ?? 5000;
    return tcpping({ host, port, count, intervalMs, timeoutMs, json: values.json }, terminal);
  },
});

interface TcppingSettings {
  readonly host: string;
  readonly port: number;
  /** Infinity: until Ctrl-C. */
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** Result of one attempt, and its duration. */
interface Attempt {
  readonly outcome: 'connected' | Errno;
  readonly ms: number;
}

async function tcpping(settings: TcppingSettings, terminal: Terminal): Promise<number> {
  const { host, port, count, intervalMs, timeoutMs, json } = settings;
  const network = nodeNetwork({ warn: (sentence) => terminal.log(sentence) });
  const address = await firstAddressOf(host, network);
  if (address.errno !== undefined) {
    throw new Problem(2, `tcpping: ${lookUpProblem(host, address.errno) ?? `${host} gives ${address.errno}`}`);
  }
  const remote = { address: address.text, port };
  const target = addressText(remote);
  const statistics = new TcppingStatistics();
  await warmUp(network);
  const clock = nodeClock();
  const interval = nodeClock();
  let interruptedBy: InterruptSignal | undefined;
  let wake = (): void => {};
  const stopListening = terminal.onInterrupt((signal) => {
    interruptedBy = signal;
    wake();
  });
  if (!json) terminal.print(`TCPPING ${host === remote.address ? target : `${host} (${target})`}`);
  const isOver = (): boolean => interruptedBy !== undefined || statistics.attempts >= count;
  while (!isOver()) {
    const startMs = clock.now();
    const attempt = await Promise.race([connectOnce(network, remote, timeoutMs), until((resolve) => (wake = resolve))]);
    if (attempt === undefined) break;
    statistics.add(attempt);
    if (json) terminal.printJson({ kind: 'attempt', number: statistics.attempts, ...attempt });
    else terminal.print(attemptText(target, statistics.attempts, attempt, timeoutMs));
    terminal.flush();
    if (isOver()) break;
    await until((resolve) => {
      wake = resolve;
      interval.setAlarm(interval.now() + Math.max(startMs + intervalMs - clock.now(), 0), resolve);
    });
    interval.clearAlarm();
  }
  stopListening();
  if (json) terminal.printJson({ kind: 'statistics', target, ...statistics.toJSON() });
  else for (const line of statistics.lines(target, clock.now())) terminal.print(line);
  return statistics.connected > 0 ? 0 : 1;
}

function until(start: (resolve: () => void) => void): Promise<undefined> {
  return new Promise((resolve) => start(() => resolve(undefined)));
}

/**
 * Connects to this process once, because the first connection of a process takes Node some 15 ms longer than any other.
 */
async function warmUp(network: Network): Promise<void> {
  const local = { address: '127.0.0.1', port: 0 };
  await new Promise<void>((resolve) => {
    const listener = network.listen(local, 1, {
      listening() {
        if (listener.local === undefined) return resolve();
        void connectOnce(network, listener.local, 1000).then(() => {
          listener.close();
          resolve();
        });
      },
      incoming() {},
      ended: () => resolve(),
    });
  });
}

function connectOnce(network: Network, remote: SocketAddress, timeoutMs: number): Promise<Attempt> {
  return new Promise((resolve) => {
    const clock = nodeClock();
    const end = (outcome: Attempt['outcome']): void => {
      // Microseconds are enough.
      const ms = Math.round(clock.now() * 1000) / 1000;
      clock.clearAlarm();
      socket.close();
      resolve({ outcome, ms });
    };
    const socket = network.openStream({
      readable() {},
      writable: () => end('connected'),
      // If the server closes at once, `writable` has come before: the handshake was complete.
      ended: (reason) => end(reason === 'closed' ? 'connected' : reason),
    });
    clock.setAlarm(timeoutMs, () => end('ETIMEDOUT'));
    const started = socket.connect(remote);
    if (started < 0) end(errnoOf(started));
  });
}

function attemptText(target: string, number: number, { outcome, ms }: Attempt, timeoutMs: number): string {
  switch (outcome) {
    case 'connected':
      return `connected to ${target}: seq=${number} time=${msText(ms)}`;
    case 'ECONNREFUSED':
      return `refused by ${target}: seq=${number} time=${msText(ms)} (nothing listens on that port)`;
    case 'ECONNRESET':
      return `reset by ${target}: seq=${number} time=${msText(ms)}`;
    case 'ETIMEDOUT':
      return `no answer from ${target}: seq=${number} within ${formatDuration(timeoutMs)}`;
    default:
      return `no connection to ${target}: seq=${number} ${outcome}`;
  }
}

/** Statistics of all attempts. They keep sums only, because the number of attempts has no bound. */
class TcppingStatistics {
  attempts = 0;
  readonly #outcomes = new Map<Attempt['outcome'], number>();
  #minMs = Infinity;
  #maxMs = 0;
  #sumMs = 0;
  #sumOfSquares = 0;

  add({ outcome, ms }: Attempt): void {
    this.attempts++;
    this.#outcomes.set(outcome, this.#count(outcome) + 1);
    if (outcome !== 'connected') return;
    this.#minMs = Math.min(this.#minMs, ms);
    this.#maxMs = Math.max(this.#maxMs, ms);
    this.#sumMs += ms;
    this.#sumOfSquares += ms * ms;
  }

  get connected(): number {
    return this.#count('connected');
  }

  toJSON(): object {
    const { attempts, connected } = this;
    const failures = Object.fromEntries([...this.#outcomes].filter(([outcome]) => outcome !== 'connected'));
    return { attempts, connected, failures, ...(connected > 0 && { rtt: this.#rtt() }) };
  }

  lines(target: string, elapsedMs: number): string[] {
    const { attempts, connected } = this;
    const failures = [...this.#outcomes].filter(([outcome]) => outcome !== 'connected');
    const percent = attempts === 0 ? 0 : Math.round(((attempts - connected) / attempts) * 100);
    const ends = [
      counted(attempts, 'attempt'), `${connected} connected`,
      ...failures.map(([outcome, count]) => `${count} ${WORDS[outcome] ?? `by ${outcome}`}`),
      `${percent}% failed`, `time ${Math.round(elapsedMs)} ms`,
    ];
    const lines = ['', `--- ${target} tcpping statistics ---`, ends.join(', ')];
    if (connected === 0) return lines;
    const times = Object.values(this.#rtt()).map((ms) => ms.toFixed(3));
    return [...lines, `rtt min/avg/max/mdev = ${times.join('/')} ms`];
  }

  /**
   * Returns the round-trip times as ping computes them: `mdev` is the root of the mean square minus the square of the
   * mean.
   */
  #rtt(): { readonly min: number; readonly avg: number; readonly max: number; readonly mdev: number } {
    const { connected } = this;
    const avg = this.#sumMs / connected;
    const mdev = Math.sqrt(Math.max(this.#sumOfSquares / connected - avg * avg, 0));
    const toMicroseconds = (ms: number): number => Math.round(ms * 1000) / 1000;
    return { min: this.#minMs, avg: toMicroseconds(avg), max: this.#maxMs, mdev: toMicroseconds(mdev) };
  }

  #count(outcome: Attempt['outcome']): number {
    return this.#outcomes.get(outcome) ?? 0;
  }
}

const WORDS: Partial<Record<Attempt['outcome'], string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ETIMEDOUT: 'without an answer',
};

function msText(ms: number): string {
  return `${ms.toFixed(3)} ms`;
}
