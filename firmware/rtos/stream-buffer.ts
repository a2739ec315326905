/**
 * Stream buffers: bytes from one writer to one reader, in any portions. Message buffers: the same, in whole
 * messages. As in FreeRTOS there is one task at most at each end.
 */

import { BLOCKED, type Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import type { TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';
import { WaitList } from './wait-list.ts';

/** sbBYTES_TO_STORE_MESSAGE_LENGTH, with a size_t of 32 bits. */
const MESSAGE_LENGTH_BYTES = 4;

/** What both kinds share: a ring of bytes and who waits at its ends. */
class ByteBuffer {
  readonly capacityBytes: number;
  readonly #os: Kernel;
  readonly #ring: Uint8Array;
  /** The bytes that each portion costs beside its own. */
  readonly #headerBytes: number;
  #head = 0;
  #count = 0;
  #triggerLevelBytes: number;
  readonly #writer = new WaitList();
  readonly #reader = new WaitList();

  constructor(os: Kernel, capacityBytes: number, headerBytes: number, triggerLevelBytes: number) {
    if (!Number.isInteger(capacityBytes) || capacityBytes <= headerBytes) {
      throw new RangeError(`a buffer's capacityBytes must be a whole number above ${headerBytes}, not ${capacityBytes}`);
    }
    this.#os = os;
    this.capacityBytes = capacityBytes;
    this.#ring = new Uint8Array(capacityBytes);
    this.#headerBytes = headerBytes;
    this.#triggerLevelBytes = triggerLevelBytes;
  }

  /** xStreamBufferBytesAvailable; in a message buffer, with the length fields. */
  get bytesAvailable(): number {
    return this.#count;
  }

  /** xStreamBufferSpacesAvailable, xMessageBufferSpaceAvailable: a message takes 4 bytes of it beside its own. */
  get spacesAvailable(): number {
    return this.capacityBytes - this.#count;
  }

  /** xStreamBufferIsEmpty, xMessageBufferIsEmpty. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** xStreamBufferIsFull, xMessageBufferIsFull. */
  get isFull(): boolean {
    return this.spacesAvailable <= this.#headerBytes;
  }

  /** xStreamBufferReset, xMessageBufferReset: empties it. False when a task waits at either end. */
  reset(): boolean {
    if (this.#writer.first !== undefined || this.#reader.first !== undefined) return false;
    this.#head = 0;
    this.#count = 0;
    return true;
  }

  /**
   * xStreamBufferSend, xMessageBufferSend: waits, `timeout` ticks at most, until all of `bytes` fits, and gives how
   * many went in. After a timeout a stream takes what fits; a message goes in whole or not at all (0).
   */
  send(bytes: Uint8Array, timeout = MAX_DELAY): Blocking<number> {
    return this.#os.call(this, 'send', timeout, bytes);
  }

  /**
   * xStreamBufferReceive, xMessageBufferReceive: waits, `timeout` ticks at most, and gives how many bytes went to
   * `into`. A stream that has any byte gives what it has at once; an empty one waits for the trigger level, and after
   * a timeout gives what came. A message that is longer than `into` stays, and 0 is given.
   */
  receive(into: Uint8Array, timeout = MAX_DELAY): Blocking<number> {
    return this.#os.call(this, 'receive', timeout, into);
  }

  /** xStreamBufferSendFromISR, xMessageBufferSendFromISR. */
  sendFromIsr(bytes: Uint8Array): number {
    this.#os.enterIsr();
    const sent = this.#write(bytes);
    this.#os.exitIsr();
    return sent;
  }

  /** xStreamBufferReceiveFromISR, xMessageBufferReceiveFromISR. */
  receiveFromIsr(into: Uint8Array): number {
    this.#os.enterIsr();
    const received = this.#read(into);
    this.#os.exitIsr();
    return received;
  }

  /** xMessageBufferNextLengthBytes: 0 when there is none. */
  protected nextLengthBytes(): number {
    if (this.#count <= this.#headerBytes) return 0;
    let length = 0;
    for (let shift = 0; shift < this.#headerBytes; shift++) length |= this.#at(shift) << (8 * shift);
    return length;
  }

  /** xStreamBufferSetTriggerLevel: false when it is above the capacity. */
  protected changeTriggerLevel(bytes: number): boolean {
    if (!Number.isInteger(bytes) || bytes < 0 || bytes > this.capacityBytes) return false;
    // A level of 0 is taken as 1 (xStreamBufferSetTriggerLevel).
    this.#triggerLevelBytes = Math.max(bytes, 1);
    return true;
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): number | typeof BLOCKED {
    const bytes = task.item;
    if (!(bytes instanceof Uint8Array)) throw new TypeError('a buffer sends and receives a Uint8Array');
    const done = task.operation === 'send' ? this.#attemptSend(task, bytes, first) : this.#attemptReceive(task, bytes, first);
    if (done !== BLOCKED) task.item = undefined;
    return done;
  }

  #attemptSend(task: TaskHandle, bytes: Uint8Array, first: boolean): number | typeof BLOCKED {
    const wanted = bytes.length + this.#headerBytes;
    // A stream may be offered more than it can ever hold: then a full buffer's worth is waited for.
    const needed = this.#headerBytes === 0 ? Math.min(wanted, this.capacityBytes) : wanted;
    const canEverFit = needed <= this.capacityBytes;
    if (this.spacesAvailable >= needed || !canEverFit || this.#os.timedOut(task, first)) return this.#write(bytes);
    this.#waitAlone(this.#writer, task, 'send to', first);
    return BLOCKED;
  }

  #attemptReceive(task: TaskHandle, into: Uint8Array, first: boolean): number | typeof BLOCKED {
    // It waits once: what is there after that, be it less than the trigger level, is what it gets.
    if (first && this.#count <= this.#headerBytes && task.timeout !== 0) {
      this.#waitAlone(this.#reader, task, 'receive from', first);
      return BLOCKED;
    }
    return this.#read(into);
  }

  #waitAlone(end: WaitList, task: TaskHandle, what: string, first: boolean): void {
    if (end.first !== undefined) {
      throw new Error(`task ${task.name} cannot ${what} a buffer at which task ${end.first.name} waits: one task at each end`);
    }
    this.#os.block(task, end, first);
  }

  #write(bytes: Uint8Array): number {
    const isMessage = this.#headerBytes > 0;
    const length = isMessage ? bytes.length : Math.min(bytes.length, this.spacesAvailable);
    if (length === 0 || length + this.#headerBytes > this.spacesAvailable) return 0;
    for (let shift = 0; shift < this.#headerBytes; shift++) this.#append((length >>> (8 * shift)) & 0xff);
    for (const byte of bytes.subarray(0, length)) this.#append(byte);
    if (this.#count >= this.#triggerLevelBytes) this.#os.wake(this.#reader);
    return length;
  }

  #read(into: Uint8Array): number {
    const isMessage = this.#headerBytes > 0;
    const length = isMessage ? this.nextLengthBytes() : Math.min(this.#count, into.length);
    if (length === 0 || length > into.length) return 0;
    this.#drop(this.#headerBytes);
    for (let i = 0; i < length; i++) into[i] = this.#at(i);
    this.#drop(length);
    this.#os.wake(this.#writer);
    return length;
  }

  #at(offset: number): number {
    return this.#ring[(this.#head + offset) % this.capacityBytes] ?? 0;
  }

  #append(byte: number): void {
    this.#ring[(this.#head + this.#count++) % this.capacityBytes] = byte;
  }

  #drop(bytes: number): void {
    this.#head = (this.#head + bytes) % this.capacityBytes;
    this.#count -= bytes;
  }
}

/** StreamBufferHandle_t. */
export class StreamBuffer extends ByteBuffer {
  /** xStreamBufferCreate. A waiting reader is woken when `triggerLevelBytes` are there; 0 is taken as 1. */
  constructor(os: Kernel, capacityBytes: number, triggerLevelBytes = 1) {
    super(os, capacityBytes, 0, 1);
    if (!this.setTriggerLevel(triggerLevelBytes)) {
      throw new RangeError(`triggerLevelBytes must be from 0 to the capacity ${capacityBytes}, not ${triggerLevelBytes}`);
    }
  }

  /** xStreamBufferSetTriggerLevel: false when it is above the capacity. */
  setTriggerLevel(bytes: number): boolean {
    return this.changeTriggerLevel(bytes);
  }
}

/** MessageBufferHandle_t. */
export class MessageBuffer extends ByteBuffer {
  /** xMessageBufferCreate. Each message takes 4 bytes of the capacity beside its own. */
  constructor(os: Kernel, capacityBytes: number) {
    super(os, capacityBytes, MESSAGE_LENGTH_BYTES, 1);
  }

  /** xMessageBufferNextLengthBytes: the length of the next message, 0 when there is none. */
  get nextMessageLengthBytes(): number {
    return this.nextLengthBytes();
  }
}
