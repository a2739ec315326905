/** A stored trace, read from its file. */

import { createReadStream } from 'node:fs';
import process from 'node:process';
import { Sessions } from '../sessions/sessions.ts';
import { TraceReader } from '../trace/trace-file.ts';
import type { RunEvent, TraceEvent } from '../trace/trace.ts';
import { Judge } from '../verdict/judge.ts';
import type { Findings } from '../verdict/verdict.ts';
import { Problem, reasonOf } from './problem.ts';
import type { Terminal } from './terminal.ts';
import { nameOfInput, STDIN } from './values.ts';

export interface StoredTrace {
  readonly findings: Findings;
  /** Undefined if the trace has no start event. */
  readonly start: Extract<RunEvent, { kind: 'start' }> | undefined;
  /** Sentences that the reader must know, such as that the trace is cut off. The user has been told. */
  readonly notes: readonly string[];
}

/**
 * Reads a trace from a file, or from standard input if `file` is `-`. Calls `onEvent` with each event. Rejects with a
 * Problem if the file is not a trace.
 */
export async function readStoredTrace(
  file: string, terminal: Terminal, onEvent?: (event: TraceEvent) => void,
): Promise<StoredTrace> {
  const sessions = new Sessions();
  const judge = new Judge(sessions);
  const reader = new TraceReader((event) => {
    sessions.add(event);
    onEvent?.(event);
  });
  const { error, notes } = await read(file, reader);
  const name = nameOfInput(file);
  if (error !== undefined) throw new Problem(2, `${name}, ${error}`);
  for (const note of notes) terminal.log(`${name}: ${note}`);
  return { findings: judge.findings(), start: sessions.start, notes };
}

async function read(file: string, reader: TraceReader): Promise<ReturnType<TraceReader['end']>> {
  try {
    const input = file === STDIN ? process.stdin.setEncoding('utf8') : createReadStream(file, { encoding: 'utf8' });
    for await (const chunk of input) {
      reader.add(String(chunk));
      if (reader.error !== undefined) break;
    }
  } catch (error) {
    throw new Problem(2, `cannot read ${nameOfInput(file)}: ${reasonOf(error)}`);
  }
  return reader.end();
}
