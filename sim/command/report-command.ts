/** `cablepull report`: what a stored trace comes to; the same as the run that printed it said. */

import { createReadStream } from 'node:fs';
import process from 'node:process';
import { Sessions } from '../sessions/sessions.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Expectation } from '../verdict/expectation.ts';
import { Judge } from '../verdict/judge.ts';
import { counted } from '../text.ts';
import { TraceReader } from '../trace/trace-file.ts';
import { defineCommand } from './command.ts';
import { isAsExpected, outcomeJson, outcomeOf, printExpectations, printFindings } from './outcome.ts';
import { PageFile } from './page-file.ts';
import { readExpectations } from './plan-options.ts';
import { Problem, reasonOf } from './problem.ts';
import type { Terminal } from './terminal.ts';
import { checkDifferent, fileName, inputName, nameOfInput, STDIN, usage } from './values.ts';

export const reportCommand = defineCommand({
  name: 'report',
  about: "what a trace comes to that 'cablepull run --json > trace.ndjson' has stored",
  needs: 'the file of a trace, as in: cablepull report trace.ndjson',
  example: 'cablepull report trace.ndjson',
  options: {
    html: { type: 'string', value: 'out.html', help: 'as a page: a time line for each device' },
    expect: {
      type: 'string', multiple: true, value: '"server notices within 15s"',
      help: "also 'device notices' and 'service back'; exit status 1 if it is not so",
    },
    json: { type: 'boolean', default: false, help: 'as a JSON object' },
  },
  run({ values, operands }, terminal) {
    const [trace = '', ...more] = operands;
    if (more.length > 0) throw usage(`report takes one trace, not ${operands.length}`);
    checkDifferent({ 'the trace': trace, '--html': values.html });
    return report({
      trace: inputName('the trace', trace),
      expectations: readExpectations(values.expect ?? []),
      html: fileName('--html', values.html),
      json: values.json,
    }, terminal);
  },
});

interface ReportSettings {
  /** The file that the trace is in. */
  readonly trace: string;
  readonly expectations: readonly Expectation[];
  /** The file that the page goes to. */
  readonly html: string | undefined;
  readonly json: boolean;
}

/** Returns the exit status. Rejects with a Problem for what is no trace. */
async function report({ trace, expectations, html, json }: ReportSettings, terminal: Terminal): Promise<number> {
  const sessions = new Sessions();
  const judge = new Judge(sessions);
  const page = html === undefined ? undefined : new PageFile('--html', html, terminal);
  const reader = new TraceReader((event) => {
    sessions.add(event);
    page?.add(event);
  });
  const { error, notes } = await read(trace, reader);
  const name = nameOfInput(trace);
  if (error !== undefined) throw new Problem(1, `${name}, ${error}`);
  for (const note of notes) terminal.log(`${name}: ${note}`);
  const findings = judge.findings();
  const { start } = sessions;
  const outcome = outcomeOf(findings, expectations, start?.network === 'simulated' ? start.repeat : undefined);
  if (json) {
    terminal.printJson({ kind: 'report', notes, ...outcomeJson(outcome) });
  } else {
    const length = `${counted(findings.devices, 'device')}, ${formatSeconds(findings.endMs)}`;
    terminal.print(`${length}, seed ${start?.seed}, ${start?.network} network`);
    printFindings(outcome, terminal);
    printExpectations(outcome, terminal);
  }
  const isKept = page?.close(outcome, notes) ?? true;
  return isAsExpected(outcome) && isKept ? 0 : 1;
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
