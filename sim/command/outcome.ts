/** Outcome of a run, or of a stored trace: findings, expectations, and the exit status that follows. */

import { type Expectation, formatExpectation, judgeExpectation, type Judgement } from '../verdict/expectation.ts';
import { summaryLines, tierNotes, verdictTable } from '../verdict/findings-text.ts';
import { summarize, type Summary } from '../verdict/summary.ts';
import type { Findings } from '../verdict/verdict.ts';
import type { Terminal } from './terminal.ts';

export interface Outcome {
  readonly findings: Findings;
  readonly summary: Summary;
  readonly expectations: readonly ExpectationOutcome[];
  /** Command line that repeats the run; undefined if all expectations were met or the run cannot be repeated. */
  readonly repeat: string | undefined;
}

export interface ExpectationOutcome extends Judgement {
  readonly text: string;
}

/** Number of cases that are printed for an expectation that was not met. */
const WORST_SHOWN = 5;

/** Returns the outcome. `repeat` is undefined if the run cannot be repeated. */
export function outcomeOf(
  findings: Findings,
  expectations: readonly Expectation[],
  repeat: string | undefined,
): Outcome {
  const judged = expectations.map((expectation) => ({
    text: formatExpectation(expectation),
    ...judgeExpectation(expectation, findings),
  }));
  return {
    findings,
    summary: summarize(findings),
    expectations: judged,
    repeat: judged.some(({ failures }) => failures.length > 0) ? repeat : undefined,
  };
}

export function isAsExpected({ expectations }: Outcome): boolean {
  return expectations.every((one) => one.failures.length === 0);
}

/** Returns the fields of the last line that `--json` prints. */
export function outcomeJson({ findings, summary, expectations, repeat }: Outcome): object {
  const { endMs, verdicts, spared, falseAlarms, unexplainedLosses } = findings;
  return {
    endMs,
    verdicts,
    spared,
    summary,
    falseAlarms,
    unexplainedLosses: Object.fromEntries(unexplainedLosses),
    expectations,
    repeat,
  };
}

export function printFindings({ findings: { verdicts, spared, endMs }, summary }: Outcome, terminal: Terminal): void {
  if (verdicts.length === 0 && spared.length === 0) return;
  const paragraphs = [[verdictTable(verdicts, endMs, spared)], summaryLines(summary), tierNotes(verdicts)];
  for (const lines of paragraphs.filter(({ length }) => length > 0)) for (const line of ['', ...lines]) {
    terminal.print(line);
  }
}

export function printExpectations({ expectations, repeat }: Outcome, terminal: Terminal): void {
  for (const { text, failures, tooLate } of expectations) {
    const late = tooLate === 0 ? '' : ` (${tooLate} came too late in the run to judge)`;
    if (failures.length === 0) terminal.print(`as expected: ${text}${late}`);
    for (const { sentence } of failures.slice(0, WORST_SHOWN)) terminal.print(`NOT AS EXPECTED: ${sentence}`);
    if (failures.length > WORST_SHOWN) {
      terminal.print(`  and ${failures.length - WORST_SHOWN} more that are not as expected: ${text}`);
    }
  }
  if (repeat !== undefined) terminal.print(`to repeat: ${repeat}`);
}
