/** The report page of a run or of a stored trace; both get the same page. */

import { Sessions } from '../sessions/sessions.ts';
import { reportPage } from '../verdict/page/page.ts';
import { TimeLines } from '../verdict/time-line.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { Outcome } from './outcome.ts';
import { OutputFile } from './output-file.ts';
import { pageScript } from './page-script.ts';
import type { Terminal } from './terminal.ts';

export class PageFile {
  readonly #file: OutputFile;
  readonly #sessions = new Sessions();
  readonly #timeLines = new TimeLines(this.#sessions);

  /** Throws a Problem if the file cannot be written. */
  constructor(option: string, path: string, terminal: Terminal) {
    this.#file = new OutputFile(option, path, (sentence) => terminal.log(`cablepull: ${sentence}`));
  }

  add(event: TraceEvent): void {
    this.#sessions.add(event);
  }

  /**
   * Writes the page. `notes` are sentences that the reader must know first. Returns whether the page could be written;
   * if not, the user has been told.
   */
  close({ findings, expectations }: Outcome, notes: readonly string[]): boolean {
    const { endMs } = findings;
    const { start } = this.#sessions;
    const page = reportPage({
      title: 'Cablepull',
      repeat: start?.network === 'simulated' ? start.repeat : undefined,
      seed: start?.seed ?? 0,
      network: start?.network ?? 'simulated',
      endMs,
      notes,
      findings,
      expectations,
      lines: this.#timeLines.lines(endMs),
      serverFaults: this.#timeLines.serverFaults(endMs),
    }, pageScript());
    this.#file.write(new TextEncoder().encode(page));
    return this.#file.close();
  }
}
