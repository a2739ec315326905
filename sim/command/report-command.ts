/** `cablepull report`: prints the report of a stored trace, the same as the run itself printed. */

import { formatSeconds } from '../time/duration.ts';
import type { Expectation } from '../verdict/expectation.ts';
import { counted } from '../text.ts';
import { CI_OPTIONS, type CiFileNames, ciFileNames, CiFiles } from './ci-files.ts';
import { defineCommand } from './command.ts';
import { isAsExpected, outcomeJson, outcomeOf, printExpectations, printFindings } from './outcome.ts';
import { PageFile } from './page-file.ts';
import { EXPECT_HELP, readExpectations } from './plan-options.ts';
import { readStoredTrace } from './stored-trace.ts';
import type { Terminal } from './terminal.ts';
import { checkDifferent, fileName, inputName, nameOfInput, usage } from './values.ts';

export const reportCommand = defineCommand({
  name: 'report',
  about: "prints the report of a trace that 'cablepull run --json > trace.ndjson' has stored",
  needs: 'the file of a trace, as in: cablepull report trace.ndjson',
  example: 'cablepull report trace.ndjson',
  options: {
    html: { type: 'string', value: 'out.html', help: 'write the report as an HTML page, with a time line for each device' },
    expect: {
      type: 'string', multiple: true, value: '"server notices within 15s"',
      help: EXPECT_HELP,
    },
    ...CI_OPTIONS,
    json: { type: 'boolean', default: false, help: 'print the report as a JSON object' },
  },
  run({ values, operands }, terminal) {
    const [trace = '', ...more] = operands;
    if (more.length > 0) throw usage(`report takes one trace, not ${operands.length}`);
    checkDifferent({
      'the trace': trace, '--html': values.html, '--junit': values.junit, '--markdown': values.markdown,
    });
    return report({
      trace: inputName('the trace', trace),
      expectations: readExpectations(values.expect ?? []),
      html: fileName('--html', values.html),
      ciFiles: ciFileNames(values),
      json: values.json,
    }, terminal);
  },
});

interface ReportSettings {
  /** File of the trace. */
  readonly trace: string;
  readonly expectations: readonly Expectation[];
  /** File of the page. */
  readonly html: string | undefined;
  readonly ciFiles: CiFileNames;
  readonly json: boolean;
}

/** Returns the exit status. Rejects with a Problem if the file is not a trace. */
async function report(
  { trace, expectations, html, ciFiles, json }: ReportSettings, terminal: Terminal,
): Promise<number> {
  const files = new CiFiles(ciFiles, `report ${nameOfInput(trace)}`, terminal);
  const page = html === undefined ? undefined : new PageFile('--html', html, terminal);
  const { findings, start, notes } = await readStoredTrace(trace, terminal, (event) => page?.add(event));
  const outcome = outcomeOf(findings, expectations, start?.network === 'simulated' ? start.repeat : undefined);
  if (json) {
    terminal.printJson({ kind: 'report', notes, ...outcomeJson(outcome) });
  } else {
    const length = `${counted(findings.devices, 'device')}, ${formatSeconds(findings.endMs)}`;
    terminal.print(`${length}, seed ${start?.seed}, ${start?.network} network`);
    printFindings(outcome, terminal);
    printExpectations(outcome, terminal);
  }
  const isKept = [page?.close(outcome, notes) ?? true, files.close(outcome, undefined)].every((isWritten) => isWritten);
  return isAsExpected(outcome) && isKept ? 0 : 1;
}
