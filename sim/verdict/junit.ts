/** Expectations as JUnit's XML, which CI servers show as tests: each expectation is a test case. */

import type { Unmet } from './expectation.ts';

export interface JunitData {
  /** The line that was typed, or what stands for it. */
  readonly title: string;
  readonly lengthMs: number;
  readonly expectations: readonly { readonly text: string; readonly failures: readonly Unmet[] }[];
  /** Why the run itself came to nothing; undefined: it did not. */
  readonly problem: string | undefined;
}

const SUITE = 'cablepull';

/** The run itself is the first test case: so a file without expectations has one, too. */
export function junitXml({ title, lengthMs, expectations, problem }: JunitData): string {
  const failed = expectations.filter(({ failures }) => failures.length > 0).length;
  const counts =
    `tests="${expectations.length + 1}" failures="${failed}" errors="${problem === undefined ? 0 : 1}" ` +
    `skipped="0" time="${(lengthMs / 1000).toFixed(3)}"`;
  const run = testCase('devices were served', problem === undefined ? '' : element('error', problem, problem));
  const cases = expectations.map(({ text, failures }) => {
    const sentences = failures.map(({ sentence }) => sentence);
    return testCase(text, failures.length === 0 ? '' : element('failure', sentences[0] ?? '', sentences.join('\n')));
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${SUITE}" ${counts}>`,
    `<testsuite name="${escapeXml(title)}" ${counts}>`,
    run,
    ...cases,
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(name: string, content: string): string {
  const start = `<testcase classname="${SUITE}" name="${escapeXml(name)}"`;
  return content === '' ? `${start}/>` : `${start}>${content}</testcase>`;
}

function element(name: 'failure' | 'error', message: string, text: string): string {
  return `<${name} message="${escapeXml(message)}">${escapeXml(text)}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes a text for XML. Characters that XML 1.0 cannot hold, mostly control characters, become U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
