/** A time at which somebody is to be called, and which moves all the time, as a keep alive's does with every packet. */

import type { Agenda } from '../time/agenda.ts';
import { STALL_MS } from './client-table.ts';

export class Deadline {
  readonly #agenda: Agenda;
  readonly #passed: () => void;
  #atMs = Infinity;
  /** Time at which the agenda calls: not later than the deadline. */
  #callsAtMs = Infinity;
  #cancel: () => void = NOTHING;

  /** `passed` is called when the deadline has come, which is none from then on. */
  constructor(agenda: Agenda, passed: () => void) {
    this.#agenda = agenda;
    this.#passed = passed;
  }

  /** Moves it; Infinity: there is none. To move it later costs nothing until its old time has come. */
  set(atMs: number): void {
    this.#atMs = atMs;
    if (atMs >= this.#callsAtMs) return;
    this.#cancel();
    this.#callsAtMs = atMs;
    this.#cancel = this.#agenda.at(atMs, () => this.#called());
  }

  /** There is none any more, and nothing is called. */
  clear(): void {
    this.#cancel();
    this.#cancel = NOTHING;
    this.#atMs = Infinity;
    this.#callsAtMs = Infinity;
  }

  #called(): void {
    const [nowMs, lateMs] = [this.#agenda.now(), this.#agenda.now() - this.#callsAtMs];
    this.#callsAtMs = Infinity;
    if (nowMs < this.#atMs) {
      this.set(this.#atMs);
    } else if (lateMs > STALL_MS) {
      this.set(nowMs + STALL_MS);
    } else {
      this.#atMs = Infinity;
      this.#passed();
    }
  }
}

const NOTHING = (): void => {};
