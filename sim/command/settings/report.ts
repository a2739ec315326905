/** What `cablepull report` is told. */

import { parseArgs } from 'node:util';
import type { Expectation } from '../../verdict/expectation.ts';
import { readExpectations } from './plan.ts';
import { checkDifferent, checkedWords, fileName, usage } from './words.ts';

export interface ReportSettings {
  /** The file that the trace is in. */
  readonly trace: string;
  readonly expectations: readonly Expectation[];
  /** The file that the page goes to. */
  readonly html: string | undefined;
  readonly json: boolean;
}

const REPORT_OPTIONS = {
  expect: { type: 'string', multiple: true },
  html: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export function reportSettings(args: readonly string[]): ReportSettings {
  const words = checkedWords('report', args, REPORT_OPTIONS, 'the file of a trace, as in: cablepull report trace.ndjson');
  const { values, positionals } = parseArgs({ args: words, options: REPORT_OPTIONS, allowPositionals: true });
  const [trace = '', ...more] = positionals;
  if (more.length > 0) throw usage(`report takes one trace, not ${positionals.length}`);
  checkDifferent({ 'the trace': trace, '--html': values.html });
  return {
    trace: fileName('the trace', trace),
    expectations: readExpectations(values.expect ?? []),
    html: fileName('--html', values.html),
    json: values.json,
  };
}
