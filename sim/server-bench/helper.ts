/**
 * The helper's process, and what is said with it: a small script in a network namespace of its own, which makes the TUN
 * interface, starts the user's server there, and relays packets over pipes. When this process ends, however it ends,
 * all of that is gone.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { EndPair, Look } from '../gateway/server-ends.ts';
import { formatAddress } from '../packet/address.ts';

/** Events that the helper reports. */
export type HelperEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'cannot-start'; readonly why: string }
  /** The server has ended: with a status, or by a signal's number, which is 0 otherwise. */
  | { readonly kind: 'exit'; readonly status: number; readonly signal: number }
  /** The helper has ended; `why` is the last line that it printed. */
  | { readonly kind: 'ended'; readonly why: string };

export interface HelperOptions {
  readonly interfaceName: string;
  /** Default: Perl, or Python where there is none. */
  readonly interpreter?: Interpreter | undefined;
  readonly address: string;
  readonly netmask: string;
  readonly mtuBytes: number;
  /**
   * Command of the server, which has a namespace of its own; empty: the host's network is used, and no server is
   * started.
   */
  readonly command: readonly string[];
  readonly onEvent: (event: HelperEvent) => void;
  readonly onLook: (deviceAddress: string, devicePort: number, look: Look) => void;
  readonly onPackets: (bytes: Uint8Array) => void;
  /** A line that the server prints, wherever it prints it. */
  readonly onOutput: (line: string) => void;
}

/** Interpreters that systems have: Debian's and Ubuntu's smallest images have Perl. */
export type Interpreter = 'perl' | 'python3';

const SCRIPTS: Readonly<Record<Interpreter, string>> = { perl: 'helper.pl', python3: 'helper.py' };

export class Helper {
  readonly #process: ChildProcess;
  readonly #toInterface: Socket;
  readonly #words: Socket;
  readonly #complaints: string[] = [];
  #fatal: string | undefined = undefined;
  #hasEnded = false;

  constructor(options: HelperOptions) {
    const { interfaceName, address, netmask, mtuBytes, command, onEvent, onLook, onPackets, onOutput } = options;
    const isRoot = process.geteuid?.() === 0;
    const unshare = [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--pid', '--fork', '--kill-child'];
    const settings = [interfaceName, address, netmask, String(mtuBytes)];
    const helper = [...interpreted(options.interpreter), ...settings, ...asUser(command)];
    const [program = '', ...args] = command.length === 0 ? helper : ['unshare', ...unshare, ...helper];
    // A process group of its own: Ctrl-C is for us, and the server is told when it is its turn.
    this.#process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'], detached: true });
    const [toInterface, fromInterface, complaints, words, output] = this.#process.stdio.map(asPipe);
    if (!toInterface || !fromInterface || !complaints || !words || !output) {
      throw new Error('a pipe to the helper is missing');
    }
    this.#toInterface = toInterface;
    this.#words = words;
    fromInterface.on('data', (bytes: Uint8Array) => onPackets(bytes));
    onLine(complaints, (line) => this.#complaints.push(line));
    onLine(words, (line) => this.#heard(line, onEvent, onLook));
    onLine(output, onOutput);
    // The helper may end while we write to it. Its end is reported anyway.
    for (const pipe of [this.#toInterface, this.#words]) pipe.on('error', () => {});
    this.#process.on('error', (error) => this.#end(error.message, onEvent));
    this.#process.on('close', () => this.#end(this.#fatal ?? this.#complaints.join('; '), onEvent));
  }

  /** Process whose /proc shows the namespace. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  write(packets: Uint8Array): void {
    if (!this.#hasEnded) this.#toInterface.write(packets);
  }

  startServer(): void {
    this.#words.write('start\n');
  }

  signalServer(signal: 'TERM' | 'KILL' | 'STOP' | 'CONT'): void {
    this.#words.write(`kill ${signal}\n`);
  }

  /** Ends it now, and all that it has started. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Asks after a socket of the server's; the answer comes to `onLook`. */
  look({ deviceAddress, devicePort, serverAddress, serverPort }: EndPair): void {
    this.#words.write(
      `look ${formatAddress(deviceAddress)} ${devicePort} ${formatAddress(serverAddress)} ${serverPort}\n`,
    );
  }

  /** Asks for the connections that the server's programs have closed; the answers come to `onLook`, each once. */
  lookForClosed(): void {
    this.#words.write('closed\n');
  }

  #heard(line: string, onEvent: (event: HelperEvent) => void, onLook: HelperOptions['onLook']): void {
    const [word = '', ...rest] = line.split(' ');
    switch (word) {
      case 'ready':
        return onEvent({ kind: 'ready' });
      case 'started':
        return onEvent({ kind: 'started', pid: Number(rest[0]) });
      case 'cannot-start':
        return onEvent({ kind: 'cannot-start', why: rest.join(' ') });
      case 'exit':
        return onEvent({ kind: 'exit', status: Number(rest[0]), signal: Number(rest[1]) });
      case 'look':
        return onLook(rest[0] ?? '', Number(rest[1]), lookOf(rest[2]));
      case 'fatal':
        this.#fatal = rest.join(' ');
    }
  }

  #end(why: string, onEvent: (event: HelperEvent) => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    onEvent({ kind: 'ended', why });
  }
}

function lookOf(word: string | undefined): Look {
  const isState = word === 'gone' || word === 'closed' || word === 'idle' || word === 'unknown';
  return isState ? word : { timerMs: Number(word) };
}

/** Node makes its pipes to a child of sockets. */
function asPipe(stream: unknown): Socket | undefined {
  return stream instanceof Socket ? stream : undefined;
}

function onLine(stream: Socket, heard: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) heard(line);
  });
  stream.on('end', () => {
    if (rest !== '') heard(rest);
  });
}

/** An ordinary user is root in the namespace; the server is that user again, as many refuse to be root. */
function asUser(command: readonly string[]): readonly string[] {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  if (uid === 0 || command.length === 0) return command;
  return ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--', ...command];
}

/** The interpreter and its script. */
function interpreted(wanted: Interpreter | undefined): readonly string[] {
  const interpreter = wanted ?? (isInPath('perl') ? 'perl' : 'python3');
  return [interpreter, scriptPath(SCRIPTS[interpreter])];
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`));
}

/**
 * The scripts are no TypeScript, and stay where they are: beside this file, or in the package that it was built from.
 */
function scriptPath(name: string): string {
  const places = [new URL(name, import.meta.url), new URL(`../../../sim/server-bench/${name}`, import.meta.url)];
  const place = places.find((url) => existsSync(url));
  if (place === undefined) throw new Error(`${name} is missing from the package`);
  return fileURLToPath(place);
}
