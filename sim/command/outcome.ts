/**
 * What a run came to, as it happened or as a stored trace tells it: findings, expectations, and the exit status that
 * follows.
 */

import { type Expectation, formatExpectation, judgeExpectation, type Judgement } from '../verdict/expectation.ts';
import { summaryLines, tierNotes, verdictTable } from '../verdict/findings-text.ts';
import { summarize, type Summary } from '../verdict/summary.ts';
import type { Findings } from '../verdict/verdict.ts';
import type { Terminal } from './terminal.ts';

export interface Outcome {
  readonly findings: Findings;
  readonly summary: Summary;
  readonly expectations: readonly ExpectationOutcome[];
  /** Where an expectation was not met and the run can be repeated: the line that does. */
  readonly repeat: string | undefined;
}

export interface ExpectationOutcome extends Judgement {
  readonly text: string;
}

/** So many of the cases in which an expectation was not met are printed. */
const WORST_SHOWN = 5;

/** `repeat` undefined: nothing happens twice in the same way. */
export function outcomeOf(
  findings: Findings,
  expectations: readonly Expectation[],
  repeat: string | undefined,
): Outcome {
  const told = expectations.map((expectation) => ({
    text: formatExpectation(expectation),
    ...judgeExpectation(expectation, findings),
  }));
  return {
    findings,
    summary: summarize(findings),
    expectations: told,
    repeat: told.some(({ failures }) => failures.length > 0) ? repeat : undefined,
  };
}

export function isAsExpected({ expectations }: Outcome): boolean {
  return expectations.every((one) => one.failures.length === 0);
}

/** For `--json`: the last line. */
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
    const late = tooLate === 0 ? '' : ` (${tooLate} came too late in the run to tell)`;
    if (failures.length === 0) terminal.print(`as expected: ${text}${late}`);
    for (const { sentence } of failures.slice(0, WORST_SHOWN)) terminal.print(`NOT AS EXPECTED: ${sentence}`);
    if (failures.length > WORST_SHOWN) {
      terminal.print(`  and ${failures.length - WORST_SHOWN} more that are not as expected: ${text}`);
    }
  }
  if (repeat !== undefined) terminal.print(`to repeat: ${repeat}`);
}
