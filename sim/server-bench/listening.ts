/** Listening ports of a server, read from outside in its namespace's table of sockets. */

import { readFile } from 'node:fs/promises';
import { nodeClock } from '../../hal/node/index.ts';
import { isReachable, type KernelSocket, parseProcNetTcp } from '../gateway/proc-net-tcp.ts';

const POLL_MS = 20;

/** A server that listens on several ports opens them one after another. */
const SETTLE_POLLS = 10;

/** Number of polls after which a server that listens on loopback alone is not expected to listen elsewhere. */
const LOOPBACK_ONLY_POLLS = 50;

export interface Listening {
  /** Ports that devices can reach, in ascending order. */
  readonly ports: readonly number[];
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => nodeClock().setAlarm(ms, resolve));
}

/** Returns the sockets of the namespace that a process is in; none if the process is gone. */
export async function socketsOf(pid: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<KernelSocket[]> {
  const texts = await Promise.all(
    [protocol, `${protocol}6`].map((file) => readFile(`/proc/${pid}/net/${file}`, 'utf8').catch(() => '')),
  );
  return texts.flatMap(parseProcNetTcp);
}

async function listenersOf(pid: number, transport: Transport): Promise<KernelSocket[]> {
  // A UDP socket that is bound and not connected receives datagrams from anybody.
  if (transport === 'datagram') return (await socketsOf(pid, 'udp')).filter(({ remote }) => remote.port === 0);
  return (await socketsOf(pid)).filter(({ state }) => state === 'LISTEN');
}

export type Transport = 'stream' | 'datagram';

/** Waits until the server listens, on `port` if it is given. Resolves to a sentence if the server does not. */
export async function waitUntilListening(
  pid: () => number | undefined,
  transport: Transport,
  port: number | undefined,
  withinMs: number,
): Promise<Listening | string> {
  let reachablePolls = 0;
  let loopbackPolls = 0;
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += POLL_MS) {
    await sleep(POLL_MS);
    const of = pid();
    const all = of === undefined ? [] : await listenersOf(of, transport);
    const listeners = all.filter(({ local }) => (port ?? local.port) === local.port);
    const ports = new Set(
      listeners
        .map(({ local }) => local)
        .filter(isReachable)
        .map((local) => local.port),
    );
    if (ports.size > 0 && (port !== undefined || ++reachablePolls > SETTLE_POLLS)) {
      return { ports: [...ports].toSorted((a, b) => a - b) };
    }
    const [loopback] = listeners;
    if (ports.size === 0 && loopback !== undefined && ++loopbackPolls > LOOPBACK_ONLY_POLLS) {
      const { address, port: at } = loopback.local;
      return `the server listens on ${address}:${at} alone, where devices cannot reach it: let it listen on 0.0.0.0`;
    }
  }
  return `the server has not listened on ${port === undefined ? 'any port' : `port ${port}`} within ${withinMs / 1000} s`;
}
