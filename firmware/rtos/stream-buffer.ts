/**
 * Stream buffers: bytes from one writer to one reader, in any portions. Message buffers: the same, in whole
 * messages. As in FreeRTOS there is one task at most at each end.
 */

import { BLOCKED, type Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import { checkNotificationIndex, type TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';

/** sbBYTES_TO_STORE_MESSAGE_LENGTH, with a size_t of 32 bits. */
const MESSAGE_LENGTH_BYTES = 4;

/** The common part of both kinds: a ring of bytes, and the tasks that wait at its ends. */
class ByteBuffer {
  readonly capacityBytes: number;
  readonly #os: Kernel;
  readonly #ring: Uint8Array;
  /** The bytes that each portion costs beside its own. */
  readonly #headerBytes: number;
  #head = 0;
  #count = 0;
  #triggerLevelBytes: number;
  /** xTaskWaitingToSend: until it has run again, or was notified. */
  #waitingToSend: TaskHandle | undefined = undefined;
  /** xTaskWaitingToReceive. */
  #waitingToReceive: TaskHandle | undefined = undefined;
  #notificationIndex: number | undefined = undefined;

  constructor(os: Kernel, capacityBytes: number, headerBytes: number, triggerLevelBytes: number) {
    if (!Number.isInteger(capacityBytes) || capacityBytes <= headerBytes) {
      throw new RangeError(
        `a buffer's capacityBytes must be a whole number above ${headerBytes}, not ${capacityBytes}`,
      );
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

  /**
   * vStreamBufferSetStreamBufferNotificationIndex: a task that waits at this buffer waits for its notification of this
   * index. Anybody's notification ends that wait then, as in FreeRTOS, where the index is 0 unless it was set. Without
   * this call buffers have a notification of their own. Throws when a task waits at the buffer. A reset leaves the
   * index (there FreeRTOS sets it back to 0).
   */
  setNotificationIndex(index: number): void {
    checkNotificationIndex(index);
    if (isAlive(this.#waitingToSend) || isAlive(this.#waitingToReceive)) {
      throw new Error('the notification index of a buffer cannot be changed while a task waits at it');
    }
    this.#notificationIndex = index;
  }

  /**
   * xStreamBufferReset, xMessageBufferReset: empties it. False when a task waits at either end, also when its wait is
   * over, but it has not run since.
   */
  reset(): boolean {
    if (isAlive(this.#waitingToSend) || isAlive(this.#waitingToReceive)) return false;
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
    const sent = this.#write(bytes, this.spacesAvailable, true);
    this.#os.exitIsr();
    return sent;
  }

  /** xStreamBufferReceiveFromISR, xMessageBufferReceiveFromISR. */
  receiveFromIsr(into: Uint8Array): number {
    this.#os.enterIsr();
    const received = this.#read(into, true);
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
    const done =
      task.operation === 'send' ? this.#attemptSend(task, bytes, first) : this.#attemptReceive(task, bytes, first);
    if (done !== BLOCKED) task.item = undefined;
    return done;
  }

  #attemptSend(task: TaskHandle, bytes: Uint8Array, first: boolean): number | typeof BLOCKED {
    const wanted = bytes.length + this.#headerBytes;
    // A stream may be offered more than it can ever hold: then a full buffer's worth is waited for.
    const needed = this.#headerBytes === 0 ? Math.min(wanted, this.capacityBytes) : wanted;
    if (task.timeout === 0 || needed > this.capacityBytes) return this.#write(bytes, this.spacesAvailable, false);
    if (!first) {
      task.leaveBuffer(this.#notificationIndex);
      if (this.#waitingToSend === task) this.#waitingToSend = undefined;
      // After a timeout it is the space from before the wait that counts, unless there was none (xSpace in
      // xStreamBufferSend).
      if (this.#os.timedOut(task, false)) {
        return this.#write(bytes, task.argument > 0 ? task.argument : this.spacesAvailable, false);
      }
    }
    // The wait has ended, perhaps by an abort or a resume. The task sends if there is room now, or waits again.
    task.argument = this.spacesAvailable;
    if (task.argument >= needed) return this.#write(bytes, task.argument, false);
    mustBeAlone(task, 'send to', this.#waitingToSend);
    this.#waitingToSend = task;
    task.waitForBuffer(this.#notificationIndex, first);
    return BLOCKED;
  }

  #attemptReceive(task: TaskHandle, into: Uint8Array, first: boolean): number | typeof BLOCKED {
    // The task waits once. Afterwards it gets the bytes that are there, even if they are fewer than the trigger level.
    if (first && this.#count <= this.#headerBytes && task.timeout !== 0) {
      mustBeAlone(task, 'receive from', this.#waitingToReceive);
      this.#waitingToReceive = task;
      task.waitForBuffer(this.#notificationIndex, first);
      return BLOCKED;
    }
    if (!first) {
      task.leaveBuffer(this.#notificationIndex);
      if (this.#waitingToReceive === task) this.#waitingToReceive = undefined;
    }
    return this.#read(into, false);
  }

  #write(bytes: Uint8Array, spaceBytes: number, fromIsr: boolean): number {
    const isMessage = this.#headerBytes > 0;
    const length = isMessage ? bytes.length : Math.min(bytes.length, spaceBytes);
    if (length === 0 || length + this.#headerBytes > spaceBytes) return 0;
    for (let shift = 0; shift < this.#headerBytes; shift++) this.#append((length >>> (8 * shift)) & 0xff);
    for (const byte of bytes.subarray(0, length)) this.#append(byte);
    if (this.#count >= this.#triggerLevelBytes) {
      // sbSEND_COMPLETED.
      const reader = this.#waitingToReceive;
      this.#waitingToReceive = undefined;
      reader?.notifyOfBuffer(this.#notificationIndex, fromIsr);
    }
    return length;
  }

  #read(into: Uint8Array, fromIsr: boolean): number {
    const isMessage = this.#headerBytes > 0;
    const length = isMessage ? this.nextLengthBytes() : Math.min(this.#count, into.length);
    if (length === 0 || length > into.length) return 0;
    this.#drop(this.#headerBytes);
    for (let i = 0; i < length; i++) into[i] = this.#at(i);
    this.#drop(length);
    // sbRECEIVE_COMPLETED.
    const writer = this.#waitingToSend;
    this.#waitingToSend = undefined;
    writer?.notifyOfBuffer(this.#notificationIndex, fromIsr);
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

/** FreeRTOS keeps the pointer of a task that was deleted as it waited; a deleted task waits for nothing here. */
function isAlive(task: TaskHandle | undefined): boolean {
  return task !== undefined && task.restingState !== 'Deleted';
}

/** configASSERT( pxStreamBuffer->xTaskWaitingToSend == NULL ). */
function mustBeAlone(task: TaskHandle, what: string, other: TaskHandle | undefined): void {
  if (other === undefined || !isAlive(other)) return;
  throw new Error(`task ${task.name} cannot ${what} a buffer at which task ${other.name} waits: one task at each end`);
}

/** StreamBufferHandle_t. */
export class StreamBuffer extends ByteBuffer {
  /** xStreamBufferCreate. A waiting reader is woken when `triggerLevelBytes` are there; 0 is taken as 1. */
  constructor(os: Kernel, capacityBytes: number, triggerLevelBytes = 1) {
    super(os, capacityBytes, 0, 1);
    if (!this.setTriggerLevel(triggerLevelBytes)) {
      throw new RangeError(
        `triggerLevelBytes must be from 0 to the capacity ${capacityBytes}, not ${triggerLevelBytes}`,
      );
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
