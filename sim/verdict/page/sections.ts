/**
 * The parts of the page that stand without a script: what happened in one sentence, expectations, figures, verdicts,
 * and what the drawing means.
 */

import { formatBytes } from '../../text.ts';
import { NOT_BY_THE_END, outOf, SEPARATOR, tierNotes, verdictRows } from '../findings-text.ts';
import type { Unmet } from '../expectation.ts';
import type { Detection, Summary } from '../summary.ts';
import type { PageData } from './data.ts';
import { distribution } from './distribution.ts';
import { escapeHtml, grouped, groupedCount, humanTime } from './html.ts';
import { wordList } from './words.ts';

/** Returns what happened, in one sentence. */
export function headline({ findings, endMs }: PageData, { faults, survived, server }: Summary): string {
  const who = `${groupedCount(findings.devices, 'device')}, ${humanTime(endMs)}`;
  if (faults === 0) return `${who}: no connection was cut`;
  const cut = groupedCount(faults, 'cut');
  const noticed = server.timesMs.length;
  // So that the numbers add up to those of all cuts.
  const down = faults - survived - outOf(server);
  const absent = down === 0 ? '' : `; it was itself down in ${grouped(down)}`;
  const lived = survived === 0 ? '' : `; ${grouped(survived)} survived`;
  const never = server.never === 0 ? '' : `; <span class="bad">${grouped(server.never)} not by the end</span>`;
  if (noticed === 0) return `${who}, ${cut}: the server noticed none${never}${absent}${lived}`;
  const times =
    noticed === 1 ? `after ${time(server.worstMs)}` : `median ${time(server.medianMs)}, worst ${time(server.worstMs)}`;
  return `${who}, ${cut}: the server noticed ${grouped(noticed)}, ${times}${never}${absent}${lived}`;
}

/** More failures than these are folded. */
const FAILURES_SHOWN = 3;

export function expectationList(expectations: PageData['expectations']): string {
  if (expectations.length === 0) return '';
  const items = expectations.map(({ text, failures, tooLate }) => {
    const shown = failures.slice(0, FAILURES_SHOWN);
    const rest = failures.slice(FAILURES_SHOWN);
    const folded =
      rest.length === 0 ? '' : `<details><summary>${grouped(rest.length)} more</summary>${list(rest)}</details>`;
    const late =
      tooLate === 0 ? '' : ` <span class="late">(${grouped(tooLate)} came too late in the run to judge)</span>`;
    const word = failures.length === 0 ? '✓ met' : '✗ not met';
    return `<li class="${failures.length === 0 ? 'met' : 'missed'}"><span class="verdict">${word}</span>${escapeHtml(text)}${late}${shown.length === 0 ? '' : list(shown)}${folded}</li>`;
  });
  return `<ul class="expectations">${items.join('')}</ul>`;
}

function list(failures: readonly Unmet[]): string {
  return `<ul>${failures.map((one) => `<li>${escapeHtml(one.sentence)}${laneButton(one)}</li>`).join('')}</ul>`;
}

/** Leads to the device's time line, at the time of the fault; shown where the script runs. */
function laneButton({ device, atMs }: Unmet): string {
  if (device === undefined || atMs === undefined) return '';
  const where = `data-device="${escapeHtml(device)}" data-at="${Math.round(atMs)}"`;
  return ` <button type="button" class="lane" ${where} hidden>show on its time line</button>`;
}

/** `never` says that somebody who could notice has not, at the end of a run or while it goes on. */
export function tiles(
  { server, device, back, ghostMs, falseAlarms, overlappingSessions, peakReconnects, trafficADay }: Summary,
  never: typeof NOT_BY_THE_END | 'not yet' = NOT_BY_THE_END,
): string {
  const ghostKind = ghostMs === 0 ? '' : 'ghost';
  const reconnects = peakReconnects === undefined ? 'none' : grouped(peakReconnects.count);
  const when =
    peakReconnects === undefined ? 'in any second' : `at most, in one second, from ${humanTime(peakReconnects.atMs)} on`;
  const traffic = trafficADay === undefined ? '–' : formatBytes(trafficADay.bytes);
  return (
    '<div class="tiles">' +
    detectionTile('server wide-tile', 'The server noticed', server, never) +
    detectionTile('device', 'The device noticed', device, never) +
    detectionTile('', 'Service was back', back, never) +
    '</div><div class="tiles">' +
    tile(ghostKind, 'Ghosts', ghostMs === 0 ? 'none' : humanTime(ghostMs), 'of all devices together') +
    tile('', 'False alarms', grouped(falseAlarms), 'a live connection given up') +
    tile('', 'Overlapping sessions', grouped(overlappingSessions), 'one device online twice') +
    tile('', 'Reconnects', reconnects, when) +
    tile(
      '',
      'Traffic',
      traffic,
      trafficADay === undefined ? 'a device a day' : `of ${trafficADay.counted}, a device a day`,
    ) +
    '</div>'
  );
}

function detectionTile(
  kind: string, title: string, { timesMs, medianMs, p99Ms, worstMs, never }: Detection, neverWords: string,
): string {
  const nevers = never === 0 ? '' : ` · <b class="bad">${grouped(never)} ${neverWords}</b>`;
  const rest = timesMs.length === 0
    ? `no times${nevers}`
    : `p99 <b>${time(p99Ms)}</b> · worst <b>${time(worstMs)}</b> · ${groupedCount(timesMs.length, 'time')}${nevers}`;
  return tile(kind, title, medianMs === undefined ? '–' : `${time(medianMs)} <small>median</small>`, rest);
}

/** All but the kind is HTML. */
function tile(kind: string, title: string, big: string, rest: string): string {
  return `<div class="tile ${kind}"><h3>${title}</h3><div class="big">${big}</div><div class="rest">${rest}</div></div>`;
}

const WIDE = 1130;
const NARROW = 340;

export function distributionFigure({ faults, survived, server, device }: Summary): string {
  const wide = distribution(server, device, WIDE);
  if (wide === '') return '';
  const apart = [
    ...(server.never === 0 ? [] : [`the server had not noticed ${grouped(server.never)} by the end`]),
    ...(device.never === 0 ? [] : [`devices had not noticed ${grouped(device.never)} by the end`]),
    ...(survived === 0
      ? []
      : [
          `${grouped(survived)} of ${grouped(faults)} survived: there nobody had to notice, and they are not in the curves`,
        ]),
  ];
  const text = apart.length === 0 ? '' : ` ${capital(apart.join('; '))}.`;
  return (
    '<h2>How long it took to notice</h2><figure><figcaption>The share of cut connections that the <b style="color:var(--server)">server</b> (solid) and ' +
    `the <b style="color:var(--device)">device</b> (dashed) had noticed, of those that they could notice.${text}</figcaption>` +
    `<div class="wide">${wide}</div><div class="narrow">${distribution(server, device, NARROW)}</div></figure>`
  );
}

/** More rows than these are folded. */
const ROWS_SHOWN = 24;

export function verdictSection({ findings: { verdicts, spared, endMs } }: PageData): string {
  const [head = [], ...rows] = verdictRows(verdicts, endMs, spared);
  if (rows.length === 0) return '';
  const thead = `<thead><tr>${head.map((word) => `<th scope="col">${word}</th>`).join('')}</tr></thead>`;
  const asTable = (some: typeof rows): string =>
    `<table>${thead}<tbody>${some.map((row) => tableRow(head, row)).join('')}</tbody></table>`;
  const rest = rows.slice(ROWS_SHOWN);
  const folded =
    rest.length === 0 ? '' : `<details><summary>${grouped(rest.length)} more</summary>${asTable(rest)}</details>`;
  const tiers = tierNotes(verdicts).map((line) => line.trim()).join(' ');
  const tables = `${asTable(rows.slice(0, ROWS_SHOWN))}${folded}`;
  const words = wordList(rows.flatMap((cells) => cells.slice(1)));
  return `<h2>Who noticed, fault by fault</h2>${tables}${words}<p class="tiers">${escapeHtml(tiers)}</p>`;
}

function tableRow(head: readonly string[], cells: readonly string[]): string {
  const columns = cells.map((cell, i) => {
    return `<td data-label="${head[i] ?? ''}"><div>${marked(escapeHtml(cell), i)}</div></td>`;
  });
  return `<tr>${columns.join('')}</tr>`;
}

/**
 * Marks a cell: `not by the end` stands out; a number and its unit stay on one line. The first cell is the fault's
 * text.
 */
function marked(html: string, column: number): string {
  if (column === 0) return html;
  return html
    .replace(/(\d) s\b/g, '$1\u00a0s')
    .replace(/not by the end \(.*?\)/, '<span class="bad">$&</span>')
    .replaceAll(SEPARATOR, '<br>');
}

export const LEGEND = `<ul class="legend">
<li><span class="swatch s-device"></span><span><b>Connected</b>, as the device sees it (upper lane)</span></li>
<li><span class="swatch s-server"></span><span><b>Online</b>, as the server sees it (lower lane)</span></li>
<li><span class="swatch s-ghost"></span><span><b>Ghost</b>,
half-open: the server believes in a device that cannot be reached</span></li>
<li><span class="swatch s-fault"></span><span><b>Fault</b>:
somebody is cut off; grey where the way is only worse</span></li>
<li><span class="swatch s-beat"></span><span><b>Beats</b>,
as notches where there is room; below the lane those unanswered</span></li>
<li><span class="swatch s-mark">▼<i>◆</i></span><span><b>Trouble</b>: lost, failed, reset, crashed; a diamond is a <b>false alarm</b></span></li>
</ul>`;

function time(ms: number | undefined): string {
  return ms === undefined ? '–' : humanTime(ms);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
