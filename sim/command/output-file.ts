/**
 * A file that is written whole or not at all. It is written beside its place, and renamed into it when it is complete.
 * It is opened before the work starts, so that a file that cannot be written fails at the start and not at the end.
 * A file that collects the results of several commands, as a CI job's summary does, is appended to instead.
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

/** Number of bytes that are written at a time. */
const CHUNK_BYTES = 1 << 20;

export class OutputFile {
  /** Option with which the user has named the file. */
  readonly #option: string;
  readonly #path: string;
  readonly #file: number;
  /** File that is written until it is complete; undefined for what is written directly: a pipe, or what is appended to. */
  readonly #draft: { readonly path: string; readonly target: string } | undefined;
  readonly #onFailure: (sentence: string) => void;
  readonly #onExit = (): void => this.#discard();
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #hasFailed = false;

  /** Calls `onFailure` once, with the reason, when a write fails. Throws a Problem if the file cannot be written. */
  constructor(option: string, path: string, onFailure: (sentence: string) => void, isAppended = false) {
    this.#option = option;
    this.#path = path;
    this.#onFailure = onFailure;
    try {
      const there = statSync(path, { throwIfNoEntry: false });
      if (isAppended) {
        this.#file = openSync(path, 'a');
        // A blank line ends every kind of Markdown that is there already.
        if (there !== undefined && there.size > 0) this.write(Buffer.from('\n\n'));
      } else if (there === undefined || there.isFile()) {
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

  /** Does not throw, because it is called from inside a network. */
  write(bytes: Uint8Array): void {
    if (this.#hasFailed) return;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) this.#flush();
  }

  /** Ends the file, and renames a draft into its place. Returns whether all of it could be written. */
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
      // A pipe, or a disk that is nearly full, may accept only a part.
      for (let done = 0; done < chunk.length; ) done += writeSync(this.#file, chunk, done);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Deletes the draft, and leaves an older file of that name as it is. */
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

/**
 * Returns a draft in the folder of the file that it replaces, because a file can only be renamed within a file system.
 */
function draftOf(path: string, there: Stats | undefined): { path: string; target: string } {
  // A rename does not check whether the file is writable, and it would replace a link by a file.
  if (there !== undefined) accessSync(path, constants.W_OK);
  const target = there === undefined ? path : realpathSync(path);
  return { path: `${target}.${process.pid}.part`, target };
}
