/** Programs run by tests: their lines as they come, and their end. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Longest wait for a line. It is far longer than needed, so that only a line that never comes fails. */
const LINE_LIMIT_MS = 20_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export class Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: string[] = [];
  #stdout = '';
  #stderr = '';
  readonly #ended: Promise<Ended>;
  #wake: () => void = () => {};

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, args, { env: { ...process.env, ...env } });
    this.child.stdout.on('data', (chunk: Uint8Array) => (this.#stdout += String(chunk)));
    this.child.stderr.on('data', (chunk: Uint8Array) => (this.#stderr += String(chunk)));
    createInterface(this.child.stdout).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
    this.#ended = once(this.child, 'close').then(([status]) => {
      this.#wake();
      return { status: typeof status === 'number' ? status : null, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** Waits for a line that matches. Resolves to the first one from `from` on. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    const limit = AbortSignal.timeout(LINE_LIMIT_MS);
    limit.addEventListener('abort', () => this.#wake());
    for (;;) {
      const found = this.lines.slice(from).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (limit.aborted || this.child.exitCode !== null) {
        throw new Error(`no line ${String(pattern)} came; there were:\n${this.lines.join('\n')}\n${this.#stderr}`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Resolves to the port, which the program prints first. */
  async port(): Promise<number> {
    const line = await this.line(/^port \d+$/);
    return Number(line.slice('port '.length));
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
    this.child.kill(signal);
    return this.#ended;
  }
}
