/** The matrix as a page of HTML: one file, that needs no network. */

import { htmlDocument } from '../verdict/page/document.ts';
import { escapeHtml } from '../verdict/page/html.ts';
import type { End, Matrix, MatrixCell, MatrixRow } from './matrix.ts';
import { stackRules } from './stacks.ts';
import { endText, meanings, setting } from './text.ts';

export function matrixPage(matrix: Matrix): string {
  const { horizonMs, policies, rows } = matrix;
  const head = ['fault', ...policies].map((word) => `<th scope="col">${escapeHtml(word)}</th>`).join('');
  return htmlDocument(
    'Cablepull: the matrix',
    `<p class="over"><b>Cablepull</b> · ${escapeHtml(setting(matrix))}</p>
<h1>Which fault is noticed by which policy, and after how long</h1>
<table><thead><tr>${head}</tr></thead>
<tbody>
${rows.map((row) => rowHtml(row)).join('\n')}
</tbody></table>
<p class="tiers">${escapeHtml(meanings(horizonMs))}</p>
<h2>Why</h2>
<div class="why">
${rows.map(whyHtml).join('')}</div>${stackRules(matrix).map((line) => `\n<p>${escapeHtml(line)}</p>`).join('')}`,
  );
}

function whyHtml({ fault, why }: MatrixRow): string {
  if (why === undefined) return '';
  return `<div><h3>${escapeHtml(fault)}</h3><p>${escapeHtml(why)}</p></div>\n`;
}

function rowHtml({ fault, plan, cells }: MatrixRow): string {
  return `<tr><td><b>${escapeHtml(fault)}</b><br>${escapeHtml(plan)}</td>${cells.map(cellHtml).join('')}</tr>`;
}

/** The label is for narrow screens, where the table's head is not to be seen. */
function cellHtml({ policy, server, device }: MatrixCell): string {
  return `<td data-label="${escapeHtml(policy)}"><span>server: ${endHtml(server)}<br>device: ${endHtml(device)}</span></td>`;
}

/** Good, bad, or neither: what could not be noticed, or was not tested. */
function colourOf({ kind }: End): 'good' | 'bad' | undefined {
  switch (kind) {
    case 'noticed':
    case 'survived':
    case 'spared':
    case 'held': return 'good';
    case 'never': return 'bad';
    case 'stopped':
    case 'untested': return undefined;
  }
}

function endHtml(end: End): string {
  const text = escapeHtml(endText(end));
  const kind = colourOf(end);
  const unbroken = text.replace(/(\d) s\b/, '$1\u00a0s');
  return kind === undefined ? unbroken : `<span class="${kind}">${unbroken}</span>`;
}
