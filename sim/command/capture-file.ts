/** The file that a capture is written to as it goes. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { Problem } from './problem.ts';

/** So much is written at a time. */
const CHUNK_BYTES = 1 << 20;

export class CaptureFile {
  readonly #path: string;
  readonly #file: number;
  readonly #onFailure: () => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #problem: Problem | undefined = undefined;

  /** `onFailure` is called once when it cannot be written any more; `close` says why. Throws a Problem where there can be no such file. */
  constructor(path: string, onFailure: () => void) {
    this.#path = path;
    this.#onFailure = onFailure;
    try {
      this.#file = openSync(path, 'w');
    } catch (error) {
      throw this.#problemOf(2, error);
    }
  }

  /** Does not throw: it is called from the midst of a network. */
  write(bytes: Uint8Array): void {
    if (this.#problem !== undefined) return;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) this.#flush();
  }

  /** Throws a Problem when not all could be written. */
  close(): void {
    this.#flush();
    try {
      closeSync(this.#file);
    } catch (error) {
      this.#problem ??= this.#problemOf(1, error);
    }
    if (this.#problem !== undefined) throw this.#problem;
  }

  #flush(): void {
    const chunk = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#problem !== undefined) return;
    try {
      // A pipe, or a disk that is nearly full, takes a part.
      for (let done = 0; done < chunk.length; ) done += writeSync(this.#file, chunk, done);
    } catch (error) {
      this.#problem = this.#problemOf(1, error);
      this.#onFailure();
    }
  }

  #problemOf(exitStatus: 1 | 2, error: unknown): Problem {
    return new Problem(exitStatus, `--pcap: cannot write ${this.#path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
