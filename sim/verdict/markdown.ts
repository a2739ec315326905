/** The result of a run as Markdown, for CI jobs that show it beside their logs (GITHUB_STEP_SUMMARY and the like). */

import { counted } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Unmet } from './expectation.ts';
import { SEPARATOR, summaryRows, verdictRows } from './findings-text.ts';
import { summarize } from './summary.ts';
import type { Findings } from './verdict.ts';

export interface MarkdownData {
  readonly findings: Findings;
  readonly expectations: readonly { readonly text: string; readonly failures: readonly Unmet[] }[];
  /** The line that repeats the run; undefined: nothing happens twice in the same way. */
  readonly repeat: string | undefined;
  /** Why the run itself came to nothing; undefined: it did not. */
  readonly problem: string | undefined;
}

/** More than these are left out, and counted. */
const FAILURES_SHOWN = 5;
const ROWS_SHOWN = 100;

export function markdown({ findings, expectations, repeat, problem }: MarkdownData): string {
  const { verdicts, endMs, spared, devices } = findings;
  const [head = [], ...rows] = verdictRows(verdicts, endMs, spared);
  const summary = summaryRows(summarize(findings));
  const paragraphs = [
    `### Cablepull: ${counted(devices, 'device')}, ${formatSeconds(endMs)}`,
    ...(problem === undefined ? [] : [`❌ ${escapeMarkdown(problem)}`]),
    ...(expectations.length === 0 ? [] : [expectations.flatMap(expectationLines).join('\n')]),
    ...(rows.length === 0 ? [] : [markdownTable([head, ...rows.slice(0, ROWS_SHOWN)])]),
    ...(rows.length <= ROWS_SHOWN ? [] : [`and ${counted(rows.length - ROWS_SHOWN, 'more row')}`]),
    ...(rows.length === 0 ? [] : [markdownTable(summary.times), summary.lines.map(escapeMarkdown).join('<br>\n')]),
    ...(repeat === undefined ? [] : [`To repeat:\n\n    ${repeat.replaceAll(/\s/g, ' ')}`]),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

function expectationLines({ text, failures }: MarkdownData['expectations'][number]): string[] {
  const shown = failures.slice(0, FAILURES_SHOWN).map(({ sentence }) => `  - ${escapeMarkdown(sentence)}`);
  const rest = failures.length - shown.length;
  return [
    `- ${failures.length === 0 ? '✅' : '❌'} ${escapeMarkdown(text)}`,
    ...shown,
    ...(rest > 0 ? [`  - and ${rest} more`] : []),
  ];
}

/** The first row is the head. */
function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => {
    return `| ${cells.map((cell) => cell.split(SEPARATOR).map(escapeMarkdown).join('<br>')).join(' | ')} |`;
  };
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** Escapes a text as plain text, also inside a table: a user's text is neither markup nor the end of the line. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_{}[\]<>#|~&]/g, '\\$&');
}
