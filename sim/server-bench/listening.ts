/** Listening ports of a server, read from outside in its namespace's table of sockets. */

import { readFile } from 'node:fs/promises';
import { nodeClock } from '../../hal/node/index.ts';
import { isReachable, type KernelSocket, parseProcNetTcp } from '../gateway/proc-net-tcp.ts';

const POLL_MS = 20;

/**
 * Each pause is longer than the one before by this factor while the server opens no port, up to the maximum: a server
 * that takes long to start, or never listens, is not slowed down by polls.
 */
const PAUSE_FACTOR = 1.2;
const PAUSE_MS_MAX = 500;

/** Time after the first open port in which a server that listens on several ports opens the others. */
const SETTLE_MS = 200;

/** Time after which a server that listens on loopback alone is not expected to listen elsewhere. */
const LOOPBACK_ONLY_MS = 1000;

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
  let pauseMs = POLL_MS;
  let reachableMs = 0;
  let loopbackMs = 0;
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += pauseMs) {
    await sleep(pauseMs);
    const of = pid();
    const all = of === undefined ? [] : await listenersOf(of, transport);
    const listeners = all.filter(({ local }) => (port ?? local.port) === local.port);
    pauseMs = listeners.length > 0 ? POLL_MS : Math.min(pauseMs * PAUSE_FACTOR, PAUSE_MS_MAX);
    const ports = new Set(
      listeners
        .map(({ local }) => local)
        .filter(isReachable)
        .map((local) => local.port),
    );
    if (ports.size > 0 && (port !== undefined || (reachableMs += pauseMs) > SETTLE_MS)) {
      return { ports: [...ports].toSorted((a, b) => a - b) };
    }
    const [loopback] = listeners;
    if (ports.size === 0 && loopback !== undefined && (loopbackMs += pauseMs) > LOOPBACK_ONLY_MS) {
      const { address, port: at } = loopback.local;
      return `the server listens on ${address}:${at} alone, where devices cannot reach it: let it listen on 0.0.0.0`;
    }
  }
  return `the server has not listened on ${port === undefined ? 'any port' : `port ${port}`} within ${withinMs / 1000} s`;
}
