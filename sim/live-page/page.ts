/** The live page before its first message: a frame that its script fills. */

import { timeLinesOf } from '../verdict/page/page.ts';
import { htmlDocument } from '../verdict/page/document.ts';
import { escapeHtml, embedJson, groupedCount } from '../verdict/page/html.ts';
import type { PackedData } from '../verdict/page/data.ts';
import { LIVE_STYLE } from './style.ts';

const NOTHING_YET: PackedData = { endMs: 0, texts: [], server: [], devices: [] };

/** `about` says what runs; `script` is browser/, with the time lines' script before it, compiled. */
export function livePage(title: string, about: string, deviceCount: number, script: string): string {
  const main = `<div class="live">
<p class="over"><b>${escapeHtml(title)}</b> live · ${escapeHtml(about)}</p>
<div id="bar">
<output id="clock" aria-label="Time of the run">0.0 s</output>
<button id="pause" type="button" aria-pressed="false" hidden>Pause</button>
<select id="speed" aria-label="Speed of virtual time" hidden></select>
<span id="counts" role="status"></span>
<a id="plan" href="/plan" download="live.plan" hidden>Save plan</a>
<button id="end" type="button">End run</button>
</div>
<p id="message" role="status"></p>
<h2>Fleet</h2>
<div class="row">
<button id="select-all" type="button">Select all devices</button>
<button id="select-ghosts" type="button">Select ghosts</button>
<button id="select-none" type="button">Select none</button>
<span class="grow" id="chosen" role="status"></span>
</div>
<div id="fleet" role="group" aria-label="Devices and servers: arrow keys move, space selects"></div>
<p class="key">
<span><i class="k-connected"></i>left: the device is connected</span>
<span><i class="k-connecting"></i>it connects</span><span><i class="k-hung"></i>it hangs</span>
<span><i class="k-off"></i>off, or not there</span>
<span><i class="k-online"></i>right: the server has it online</span>
<span><i class="k-ghost"></i>a ghost: the server believes in it</span>
</p>
<h2>Faults on what is selected</h2>
<div id="faults"></div>
<div id="sliders"></div>
<h2>So far</h2>
<div id="summary"></div>
${timeLinesOf(`${groupedCount(deviceCount, 'device')}, up to now`, 'fleet')}
<h2>Log</h2>
<div id="log" role="log" tabindex="0" aria-label="What happened, the latest last"></div>
</div>`;
  const data = `<script type="application/json" id="data">${embedJson(NOTHING_YET)}</script>`;
  const rest = `${data}\n<script>${script}</script>\n`;
  return htmlDocument(`${title} live`, main, rest, { style: LIVE_STYLE, mayConnect: true });
}
