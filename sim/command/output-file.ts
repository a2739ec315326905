/**
 * A file that is written whole or not at all: beside the place it is to have, and put there in one step when all of it
 * is written. It is begun before the work, so that what cannot be written does not fail at the end.
 */

import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import process from 'node:process';
import { Problem, reasonOf } from './problem.ts';

/** So much is written at a time. */
const CHUNK_BYTES = 1 << 20;

export class OutputFile {
  /** By which option the user has named it. */
  readonly #option: string;
  readonly #path: string;
  readonly #file: number;
  /** What is written until all is; undefined for a pipe or a device, which is written to itself. */
  readonly #draft: { readonly path: string; readonly target: string } | undefined;
  readonly #onFailure: (sentence: string) => void;
  readonly #onExit = (): void => this.#discard();
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #hasFailed = false;

  /**
   * `onFailure` is called once, with the reason, when it cannot be written any more. Throws a Problem where there can
   * be no such file.
   */
  constructor(option: string, path: string, onFailure: (sentence: string) => void) {
    this.#option = option;
    this.#path = path;
    this.#onFailure = onFailure;
    try {
      const there = statSync(path, { throwIfNoEntry: false });
      if (there === undefined || there.isFile()) {
        this.#draft = draftOf(path, there);
        this.#file = openSync(this.#draft.path, 'wx', there?.mode);
        if (there !== undefined) chmodSync(this.#draft.path, there.mode);
      } else {
        this.#file = openSync(path, constants.O_WRONLY);
      }
    } catch (error) {
      throw new Problem(2, this.#sentence(error));
    }
    process.on('exit', this.#onExit);
  }

  /** Does not throw: it is called from the midst of a network. */
  write(bytes: Uint8Array): void {
    if (this.#hasFailed) return;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) this.#flush();
  }

  /** Puts the file where it is to be. Returns whether all could be written. */
  close(): boolean {
    this.#flush();
    try {
      closeSync(this.#file);
      if (this.#draft !== undefined && !this.#hasFailed) renameSync(this.#draft.path, this.#draft.target);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#hasFailed) this.#discard();
    process.off('exit', this.#onExit);
    return !this.#hasFailed;
  }

  #flush(): void {
    const chunk = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#hasFailed) return;
    try {
      // A pipe, or a disk that is nearly full, takes a part.
      for (let done = 0; done < chunk.length; ) done += writeSync(this.#file, chunk, done);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What is there stays as it was. */
  #discard(): void {
    if (this.#draft !== undefined) rmSync(this.#draft.path, { force: true });
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

/** In the folder of what it replaces, since a file can only be renamed within its file system. */
function draftOf(path: string, there: Stats | undefined): { path: string; target: string } {
  // A rename would not ask whether the file may be written, and would put a file in the place of a link.
  if (there !== undefined) accessSync(path, constants.W_OK);
  const target = there === undefined ? path : realpathSync(path);
  return { path: `${target}.${process.pid}.part`, target };
}
