/** Frames that wait for room on a connection, and the sent part of the first. */

import { errnoOf, failure } from '../../hal/errno.ts';
import type { Socket } from '../net/socket.ts';
import type { SessionEnd } from './connection.ts';

/** Most frames that may wait for room: a peer that keeps asking and reads no answers gets no more. */
const QUEUED_FRAMES_MAX = 64;

const EAGAIN = failure('EAGAIN');

export class FrameQueue<Frame extends { readonly bytes: Uint8Array }> {
  #frames: Frame[] = [];
  /** The sent part of the first. */
  #takenBytes = 0;

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
  }

  /** Forgets all frames. */
  clear(): void {
    this.#frames = [];
    this.#takenBytes = 0;
  }

  /** A new connection sends the first frame from its beginning. */
  rewind(): void {
    this.#takenBytes = 0;
  }

  /** Forgets the frames that are meant, except one that was sent in part. */
  withdraw(isMeant: (frame: Frame) => boolean): void {
    this.#frames = this.#frames.filter((frame, i) => !isMeant(frame) || (i === 0 && this.#takenBytes > 0));
  }

  /** Returns the end of the session if the peer reads too little. */
  overflow(): SessionEnd | undefined {
    return this.#frames.length > QUEUED_FRAMES_MAX
      ? { by: 'not-reading', detail: `${this.#frames.length} frames wait to be taken` }
      : undefined;
  }

  /** Sends what the socket takes, and calls `onSent` for each frame that is out. Returns the end of a failed session. */
  send(socket: Socket, onSent: (frame: Frame) => void): SessionEnd | undefined {
    for (let first = this.#frames[0]; first !== undefined; first = this.#frames[0]) {
      const count = socket.tryWrite(first.bytes.subarray(this.#takenBytes));
      if (count < 0) return count === EAGAIN ? undefined : { by: errnoOf(count) };
      this.#takenBytes += count;
      if (this.#takenBytes < first.bytes.length) return undefined;
      this.#frames.shift();
      this.#takenBytes = 0;
      onSent(first);
    }
    return undefined;
  }
}
