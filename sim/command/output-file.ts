/** A file that is opened before the work begins, so that it does not fail at the end, and written to as it goes. */

import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Problem, reasonOf } from './problem.ts';

/** So much is written at a time. */
const CHUNK_BYTES = 1 << 20;

export class OutputFile {
  /** By which option the user has named it. */
  readonly #option: string;
  readonly #path: string;
  readonly #file: number;
  readonly #onFailure: (sentence: string) => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isEmptied = false;
  #hasFailed = false;

  /** `onFailure` is called once, with the reason, when it cannot be written any more. Throws a Problem where there can be no such file. */
  constructor(option: string, path: string, onFailure: (sentence: string) => void) {
    this.#option = option;
    this.#path = path;
    this.#onFailure = onFailure;
    try {
      // What is there stays until there is something to put in its place.
      this.#file = openSync(path, constants.O_WRONLY | constants.O_CREAT);
    } catch (error) {
      throw new Problem(2, this.#sentence(error));
    }
  }

  /** Does not throw: it is called from the midst of a network. */
  write(bytes: Uint8Array): void {
    if (this.#hasFailed) return;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) this.#flush();
  }

  /** Gives whether all could be written. */
  close(): boolean {
    this.#flush();
    try {
      closeSync(this.#file);
    } catch (error) {
      this.#fail(error);
    }
    return !this.#hasFailed;
  }

  #flush(): void {
    const chunk = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#hasFailed) return;
    try {
      if (!this.#isEmptied && fstatSync(this.#file).isFile()) ftruncateSync(this.#file);
      this.#isEmptied = true;
      // A pipe, or a disk that is nearly full, takes a part.
      for (let done = 0; done < chunk.length; ) done += writeSync(this.#file, chunk, done);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#onFailure(this.#sentence(error));
  }

  #sentence(error: unknown): string {
    return `${this.#option}: cannot write ${this.#path}: ${reasonOf(error)}`;
  }
}
