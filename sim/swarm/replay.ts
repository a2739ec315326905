/**
 * Compares a stored trace with what was observed during the run: each event is written and read again, and the verdict
 * is computed again from the events that were read.
 */

import { Sessions } from '../sessions/sessions.ts';
import { Judge } from '../verdict/judge.ts';
import { parseTraceLine } from '../trace/trace-file.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { Findings } from '../verdict/verdict.ts';

export class Replay {
  readonly #sessions = new Sessions();
  readonly #judge = new Judge(this.#sessions);
  readonly #problems: string[] = [];

  add(event: TraceEvent): void {
    const line = JSON.stringify(event);
    const read = parseTraceLine(line);
    if (typeof read === 'string') this.#problems.push(`a line of the trace cannot be read again, ${read}: ${line}`);
    else if (read.source === undefined) {
      this.#problems.push(`a line of the trace is passed over when it is read again: ${line}`);
    }
    else this.#sessions.add(read);
  }

  /** Returns the differences, as sentences. `findings` are the findings of the run itself. */
  problems(findings: Findings): string[] {
    if (this.#problems.length > 0) return this.#problems;
    return plain(this.#judge.findings(findings.endMs)) === plain(findings)
      ? []
      : ['the stored trace gives other findings than the run itself'];
  }
}

function plain(findings: Findings): string {
  return JSON.stringify({ ...findings, unexplainedLosses: [...findings.unexplainedLosses] });
}
