/**
 * The report as one page of HTML: it needs no network, nor anything beside itself, and works from a file. The same
 * input gives the same bytes.
 */

import { summarize } from '../summary.ts';
import { packData, type PageData, type RowOrder } from './data.ts';
import { htmlDocument } from './document.ts';
import { groupedCount, embedJson, escapeHtml, humanTime } from './html.ts';
import { distributionFigure, expectationList, headline, LEGEND, tiles, verdictSection } from './sections.ts';

export type { PageData } from './data.ts';

/** `script` draws the time lines (browser/), compiled. */
export function reportPage(data: PageData, script: string): string {
  const { title, repeat, seed, network, endMs, notes, findings, expectations, lines } = data;
  const summary = summarize(findings);
  const main = [
    `<p class="over"><b>${escapeHtml(title)}</b> · ${network === 'simulated' ? 'simulated network, virtual time' : 'real sockets'} · seed ${seed}</p>`,
    `<h1>${headline(data, summary)}</h1>`,
    ...notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
    expectationList(expectations),
    tiles(summary),
    distributionFigure(summary),
    verdictSection(data),
    lines.length === 0 ? '' : timeLines(lines.length, endMs),
    repeat === undefined ? '' : `<footer>To repeat this run: <code>${escapeHtml(repeat)}</code></footer>`,
  ]
    .filter((part) => part !== '')
    .join('\n');
  const scripts = [
    `<script type="application/json" id="data">${embedJson(packData(data))}</script>`,
    `<script>${script}</script>`,
    '',
  ];
  return htmlDocument(title, main, lines.length === 0 ? '' : scripts.join('\n'));
}

function timeLines(devices: number, endMs: number): string {
  return timeLinesOf(`${groupedCount(devices, 'device')} over ${humanTime(endMs)}, the longest ghost first`);
}

const ORDER_WORDS: Readonly<Record<RowOrder, string>> = { trouble: 'longest ghost first', fleet: 'as in the fleet' };

/**
 * Returns the frame that the script draws the time lines in, whose data are packed in that order; `whose` describes
 * them for those who cannot see them.
 */
export function timeLinesOf(whose: string, order: RowOrder = 'trouble'): string {
  const what = `Time lines of ${whose}. Arrow keys go from device to device and from moment to moment; plus, minus and 0 zoom.`;
  return `<h2>Time lines</h2>
${LEGEND}
<div id="field"><div id="pane">
<div id="tools">
<input id="filter" type="search" placeholder="Find a device" aria-label="Show the devices with this in their names" autocomplete="off">
<label>Sort <select id="sort">
<option value="${order}">${ORDER_WORDS[order]}</option><option value="name">by name</option>
</select></label>
<span class="count" id="count" role="status"></span>
<button id="earlier" type="button" aria-label="Earlier" title="Earlier">←</button>
<button id="later" type="button" aria-label="Later" title="Later">→</button>
<button id="in" type="button" aria-label="Zoom in" title="Zoom in: or drag over a stretch of time, or Ctrl and the wheel">+</button>
<button id="out" type="button" aria-label="Zoom out" title="Zoom out">−</button>
<button id="all" type="button" title="The whole run: or double-click">All</button>
</div>
<canvas id="canvas" tabindex="0" role="application" aria-label="${what}"></canvas>
</div></div>
<div id="tip" role="status" hidden></div>
<noscript><p class="note">The time lines are drawn by a script, which this browser does not run.</p></noscript>`;
}
