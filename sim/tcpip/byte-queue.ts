/**
 * Bytes that wait: to be sent or acknowledged, or to be read. A connection that has none has no queue, and queues are
 * used again, so that thousands of quiet connections hold no buffers.
 */

const BYTES_MIN = 64;
/** A queue that has grown beyond is not kept for others. */
const KEPT_BYTES_MAX = 4096;

export class ByteQueue {
  /** Number of bytes in the queue. */
  length = 0;
  /** A ring; its size is a power of two. */
  #ring = new Uint8Array(BYTES_MIN);
  #start = 0;
  /** @internal */
  next: ByteQueue | undefined = undefined;

  /** Copies `bytes` to the end, or those from `start` to `end` of them. */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const count = end - start;
    if (this.length + count > this.#ring.length) this.#grow(this.length + count);
    const ring = this.#ring;
    const mask = ring.length - 1;
    const at = (this.#start + this.length) & mask;
    this.length += count;
    // For the few bytes of a beat a loop is quicker than a view for `set`.
    if (count <= BYTES_MIN) {
      for (let i = 0; i < count; i++) ring[(at + i) & mask] = bytes[start + i] ?? 0;
      return;
    }
    const head = Math.min(count, ring.length - at);
    ring.set(bytes.subarray(start, start + head), at);
    if (head < count) ring.set(bytes.subarray(start + head, end), 0);
  }

  /** Copies `count` bytes that stand `offset` from the front to the beginning of `into`; they stay. */
  peek(offset: number, count: number, into: Uint8Array): void {
    if (offset + count > this.length) {
      throw new Error(`there are ${this.length} bytes in the queue, not ${offset + count}`);
    }
    const ring = this.#ring;
    const mask = ring.length - 1;
    const at = this.#start + offset;
    if (count <= BYTES_MIN) {
      for (let i = 0; i < count; i++) into[i] = ring[(at + i) & mask] ?? 0;
      return;
    }
    const from = at & mask;
    const head = Math.min(count, ring.length - from);
    into.set(ring.subarray(from, from + head), 0);
    if (head < count) into.set(ring.subarray(0, count - head), head);
  }

  /** Drops `count` bytes from the front. */
  drop(count: number): void {
    this.#start = (this.#start + count) & (this.#ring.length - 1);
    this.length -= count;
  }

  /** @internal Whether it may be kept for others. */
  get isSmall(): boolean {
    return this.#ring.length <= KEPT_BYTES_MAX;
  }

  #grow(bytes: number): void {
    const ring = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
    const mask = this.#ring.length - 1;
    for (let i = 0; i < this.length; i++) ring[i] = this.#ring[(this.#start + i) & mask] ?? 0;
    this.#ring = ring;
    this.#start = 0;
  }
}

/** Queues that nobody needs at the moment. */
export class ByteQueuePool {
  #first: ByteQueue | undefined = undefined;

  /** An empty queue. */
  take(): ByteQueue {
    const queue = this.#first;
    if (queue === undefined) return new ByteQueue();
    this.#first = queue.next;
    queue.next = undefined;
    return queue;
  }

  /** Returns a queue to the pool, with any bytes in it. */
  release(queue: ByteQueue): void {
    queue.drop(queue.length);
    if (!queue.isSmall) return;
    queue.next = this.#first;
    this.#first = queue;
  }
}
