/** The result of a tuning for people: a table, and a plot of detection time against traffic. */

import { formatBytes, table } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import { candidateName } from './candidates.ts';
import { type AlarmRate, alarmRate, type Point, type Tried } from './tune.ts';

const HEAD = [
  '', 'policy', 'server p99', 'device p99', 'hang, server p99', 'a device a day', 'false alarms, a device a year',
];

export function frontTable(front: readonly Point[]): string {
  return table([HEAD, ...front.map((point, i) => [
    letter(i),
    candidateName(point.candidate),
    formatSeconds(point.serverP99Ms),
    point.deviceP99Ms === undefined ? 'not all' : formatSeconds(point.deviceP99Ms),
    point.hangP99Ms === undefined ? 'never' : formatSeconds(point.hangP99Ms),
    formatBytes(point.bytesADay),
    alarmText(point.alarms),
  ])]);
}

/** a, b, ... z, aa, ab, ... */
export function letter(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letter(Math.floor(index / 26) - 1) + last;
}

function alarmText({ seen, deviceHours, aYear, mostAYear }: AlarmRate): string {
  const hours = `${Math.round(deviceHours)} h`;
  const most = Number(mostAYear.toPrecision(2));
  if (seen === 0) return `none in ${hours}: at most ${most}`;
  return `${Number(aYear.toPrecision(2))} (${seen} in ${hours}): at most ${most}`;
}

const WIDTH = 60;
const HEIGHT = 14;

/** Letters are those of the table; where several meet, the first. Traffic is logarithmic. */
export function frontPlot(front: readonly Point[], detectMs: number): string {
  const traffic = front.map(({ bytesADay }) => Math.log10(bytesADay));
  const [left, right] = [Math.min(...traffic), Math.max(...traffic)];
  const rows = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => ' '));
  for (const [i, { bytesADay, serverP99Ms }] of [...front.entries()].reverse()) {
    const share = right === left ? 0 : (Math.log10(bytesADay) - left) / (right - left);
    const column = Math.min(Math.round(share * (WIDTH - 1)), WIDTH - letter(i).length);
    const height = Math.min(Math.round((serverP99Ms / detectMs) * (HEIGHT - 1)), HEIGHT - 1);
    const row = rows[HEIGHT - 1 - height];
    for (const [k, sign] of [...letter(i)].entries()) if (row !== undefined) row[column + k] = sign;
  }
  const label = (i: number): string => {
    const text = i === 0 ? formatSeconds(detectMs) : i === HEIGHT - 1 ? formatSeconds(0) : '';
    return text.padStart(9);
  };
  const quiet = formatBytes(10 ** left);
  const loud = formatBytes(10 ** right);
  return [
    'server p99',
    ...rows.map((row, i) => `${label(i)} |${row.join('').trimEnd()}`),
    `${' '.repeat(9)} +${'-'.repeat(WIDTH)}`,
    `${' '.repeat(11)}${quiet}${loud.padStart(WIDTH - quiet.length)}  a device a day`,
  ].join('\n');
}

/** Returns the policies that came nearest, for a budget that none meets. */
export function nearestLines(tried: readonly Tried[], shown = 3): string[] {
  const measured = tried.filter(({ further }) => further !== undefined);
  const among = measured.length > 0 ? measured : tried.filter(({ detection }) => detection.serverP99Ms !== undefined);
  const cost = ({ further, detection }: Tried): number => further?.quiet.bytesADay ?? detection.serverP99Ms ?? Infinity;
  return among.toSorted((a, b) => cost(a) - cost(b)).slice(0, shown).map(({ candidate, detection, further }) => {
    const quiet = further?.quiet;
    const parts = [
      ...(detection.serverP99Ms === undefined ? [] : [`server p99 ${formatSeconds(detection.serverP99Ms)}`]),
      ...(quiet === undefined ? [] : [`${formatBytes(quiet.bytesADay)} a device a day`, alarmText(alarmRate(quiet))]),
    ];
    return `${candidateName(candidate)}: ${parts.join(', ')}`;
  });
}
