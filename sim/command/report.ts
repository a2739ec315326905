/** `cablepull report`: what a stored trace comes to; the same as the run that printed it said. */

import { createReadStream } from 'node:fs';
import { formatSeconds } from '../time/duration.ts';
import { Judge } from '../verdict/judge.ts';
import { counted } from '../text.ts';
import { TraceReader } from '../verdict/trace-file.ts';
import type { TraceEvent } from '../verdict/trace.ts';
import { isAsExpected, outcomeJson, outcomeOf, printExpectations, printFindings } from './outcome.ts';
import { PageFile } from './page-file.ts';
import { Problem, reasonOf } from './problem.ts';
import type { ReportSettings } from './settings/report.ts';
import type { Terminal } from './terminal.ts';

type Start = Extract<TraceEvent, { kind: 'start' }>;

/** Gives the exit status. Rejects with a Problem for what is no trace. */
export async function report({ trace, expectations, html, json }: ReportSettings, terminal: Terminal): Promise<number> {
  const judge = new Judge();
  const page = html === undefined ? undefined : new PageFile('--html', html, terminal);
  let start: Start | undefined;
  const reader = new TraceReader((event) => {
    if (event.kind === 'start') start = event;
    judge.add(event);
    page?.add(event);
  });
  const { error, notes } = await read(trace, reader);
  if (error !== undefined) throw new Problem(1, `${trace}, ${error}`);
  for (const note of notes) terminal.log(`${trace}: ${note}`);
  const findings = judge.findings();
  const outcome = outcomeOf(findings, expectations, start?.network === 'simulated' ? start.repeat : undefined);
  if (json) {
    terminal.print(JSON.stringify({ kind: 'report', notes, ...outcomeJson(outcome) }));
  } else {
    terminal.print(`${counted(findings.devices, 'device')}, ${formatSeconds(findings.endMs)}, seed ${start?.seed}, ${start?.network} network`);
    printFindings(outcome, terminal);
    printExpectations(outcome, terminal);
  }
  const isKept = page?.close(outcome, notes) ?? true;
  return isAsExpected(outcome) && isKept ? 0 : 1;
}

async function read(file: string, reader: TraceReader): Promise<ReturnType<TraceReader['end']>> {
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
      reader.add(String(chunk));
      if (reader.error !== undefined) break;
    }
  } catch (error) {
    throw new Problem(2, `cannot read ${file}: ${reasonOf(error)}`);
  }
  return reader.end();
}
