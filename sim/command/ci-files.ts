/** Files for a CI job, of a run or of a stored trace: the expectations as JUnit tests, and a summary in Markdown. */

import { junitXml } from '../verdict/junit.ts';
import { markdown } from '../verdict/markdown.ts';
import type { Outcome } from './outcome.ts';
import { OutputFile } from './output-file.ts';
import type { Terminal } from './terminal.ts';
import { fileName } from './values.ts';

export const CI_OPTIONS = {
  junit: { type: 'string', value: 'out.xml', help: "write the expectations as JUnit test cases" },
  markdown: {
    type: 'string',
    value: 'out.md',
    help: 'add a summary in Markdown to the end of a file, as in --markdown "$GITHUB_STEP_SUMMARY"',
  },
} as const;

type CiValues = { readonly [Name in keyof typeof CI_OPTIONS]?: string | undefined };

/** Returns the names of the files; undefined for a file that is not wanted. Throws a Problem. */
export function ciFileNames({ junit, markdown: summary }: CiValues): CiFileNames {
  return { junit: fileName('--junit', junit), markdown: fileName('--markdown', summary) };
}

export interface CiFileNames {
  readonly junit: string | undefined;
  readonly markdown: string | undefined;
}

export class CiFiles {
  readonly #title: string;
  readonly #junit: OutputFile | undefined;
  readonly #markdown: OutputFile | undefined;

  /** `title` is the command that was run. Throws a Problem if a file cannot be written. */
  constructor({ junit, markdown: summary }: CiFileNames, title: string, terminal: Terminal) {
    const warn = (sentence: string): void => terminal.log(`cablepull: ${sentence}`);
    this.#title = title;
    this.#junit = junit === undefined ? undefined : new OutputFile('--junit', junit, warn);
    this.#markdown = summary === undefined ? undefined : new OutputFile('--markdown', summary, warn, true);
  }

  /**
   * Writes the files. `problem` is the reason why the run has no result. Returns whether all could be written; if not,
   * the user has been told.
   */
  close({ findings, expectations, repeat }: Outcome, problem: string | undefined): boolean {
    const text = new TextEncoder();
    const lengthMs = findings.endMs;
    this.#junit?.write(text.encode(junitXml({ title: this.#title, lengthMs, expectations, problem })));
    this.#markdown?.write(text.encode(markdown({ findings, expectations, repeat, problem })));
    return [this.#junit, this.#markdown].map((file) => file?.close() ?? true).every((isKept) => isKept);
  }
}
