/**
 * State of a page's time lines: the data, the devices, the time, the layout. The files of this folder run in the
 * browser: plain scripts, no modules, that share one scope (command/page-script.ts). Only the visible rows are drawn,
 * so that the page stays fluid with any number of devices.
 */

type PackedData = import('../data.ts').PackedData;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** A span that says how it ended; '': it had not. */
interface EndedSpan extends Span {
  readonly text: string;
}

interface PlanFault extends EndedSpan {
  readonly cuts: boolean;
}

interface GhostSpan extends EndedSpan {
  /** Index of the online span that contains the ghost. */
  readonly span: number;
}

interface BeatRun extends Span {
  readonly count: number;
}

interface Mark extends BeatRun {
  readonly text: string;
  /** 0 a note, 1 an error, 2 a false alarm. */
  readonly kind: number;
}

/** A piece of the server's lane: where sessions overlap they share it, each in a slot of so many. */
interface Piece extends Span {
  readonly slot: number;
  readonly slots: number;
}

interface DeviceLane {
  readonly name: string;
  readonly leftOut: number;
  readonly connected: readonly EndedSpan[];
  readonly online: readonly EndedSpan[];
  readonly ghosts: readonly GhostSpan[];
  readonly faults: readonly PlanFault[];
  readonly beats: readonly BeatRun[];
  readonly missed: readonly BeatRun[];
  readonly marks: readonly Mark[];
  readonly ghostMs: number;
  readonly alive: readonly Piece[];
  readonly haunted: readonly Piece[];
}

/** The place under the pointer; row -1 is the server. */
interface Pointed {
  readonly row: number;
  readonly ms: number;
}

function find<T extends HTMLElement>(id: string): T {
  const element = document.querySelector<T>(`#${id}`);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

let data: PackedData = JSON.parse(find('data').textContent ?? '');
const field = find('field');
const pane = find('pane');
const tools = find('tools');
const tip = find('tip');
const filter = find<HTMLInputElement>('filter');
const sort = find<HTMLSelectElement>('sort');
const canvas = find<HTMLCanvasElement>('canvas');
const context = contextOf(canvas);
let endMs = Math.max(data.endMs, 1);
/** The shortest time that can be shown. */
let leastMs = Math.min(endMs, 20);

function contextOf(surface: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = surface.getContext('2d');
  if (found === null) throw new Error('this browser cannot draw on a canvas');
  return found;
}

/** Numbers in rows of so many, as data.ts packs them. */
function unpack<T>(flat: readonly number[], width: number, read: (row: readonly number[]) => T): T[] {
  const things: T[] = [];
  for (let i = 0; i < flat.length; i += width) things.push(read(flat.slice(i, i + width)));
  return things;
}

function textAt(number: number): string {
  return data.texts[number] ?? '';
}

function unpackEndedSpans(flat: readonly number[]): EndedSpan[] {
  return unpack(flat, 3, ([from = 0, to = 0, text = -1]) => ({ from, to, text: textAt(text) }));
}

function unpackFaults(flat: readonly number[]): PlanFault[] {
  return unpack(flat, 4, ([from = 0, to = 0, text = -1, cuts]) => ({ from, to, text: textAt(text), cuts: cuts === 1 }));
}

function unpackRuns(flat: readonly number[]): BeatRun[] {
  return unpack(flat, 3, ([from = 0, to = 0, count = 0]) => ({ from, to, count }));
}

let serverFaults = unpackFaults(data.server);
const unpacked = new Map<number, DeviceLane>();

/** Cuts overlapping sessions into pieces. */
function piecesOf(online: readonly EndedSpan[], ghosts: readonly GhostSpan[]): { alive: Piece[]; haunted: Piece[] } {
  const times = [...new Set(online.flatMap((span) => [span.from, span.to]))].sort((a, b) => a - b);
  const pieces: (Piece & { readonly span: number })[] = [];
  let next = 0;
  let open: number[] = [];
  for (const [i, from] of times.entries()) {
    while ((online[next]?.from ?? Infinity) <= from) open.push(next++);
    open = open.filter((span) => (online[span]?.to ?? 0) > from);
    const to = times[i + 1] ?? from;
    for (const [slot, span] of open.entries()) pieces.push({ from, to, slot, slots: open.length, span });
  }
  const haunted = ghosts.flatMap((ghost) => pieces.flatMap(({ from, to, slot, slots, span }) => {
    if (span !== ghost.span || from >= ghost.to || to <= ghost.from) return [];
    return [{ from: Math.max(from, ghost.from), to: Math.min(to, ghost.to), slot, slots }];
  }));
  return { alive: pieces, haunted };
}

/** A device is unpacked when it is first seen. Throws where there is none. */
function deviceAt(index: number | undefined): DeviceLane {
  const packed = index === undefined ? undefined : data.devices[index];
  if (index === undefined || packed === undefined) throw new Error(`there is no device ${index}`);
  const known = unpacked.get(index);
  if (known !== undefined) return known;
  const [name, connected, flatOnline, flatGhosts, faults, beats, missed, marks, leftOut] = packed;
  const online = unpackEndedSpans(flatOnline);
  const ghosts = unpack(flatGhosts, 4, ([from = 0, to = 0, text = -1, span = 0]) => ({
    from,
    to,
    text: textAt(text),
    span,
  }));
  const device: DeviceLane = {
    name,
    leftOut,
    connected: unpackEndedSpans(connected),
    online,
    ghosts,
    faults: unpackFaults(faults),
    beats: unpackRuns(beats),
    missed: unpackRuns(missed),
    marks: unpack(marks, 5, ([from = 0, to = 0, count = 0, text = -1, kind = 0]) => {
      return { from, to, count, text: textAt(text), kind };
    }),
    ghostMs: ghosts.reduce((sum, ghost) => sum + ghost.to - ghost.from, 0),
    ...piecesOf(online, ghosts),
  };
  unpacked.set(index, device);
  return device;
}

// The time that is shown, the devices, and what the pointer does.
let fromMs = 0;
let toMs = endMs;
let rows = data.devices.map((_, index) => index);
let pointed: Pointed | null = null;
/** A stretch of time that a mouse is marking. */
let brush: { readonly fromMs: number; toMs: number } | null = null;

const COLOURS = [
  'card',
  'edge',
  'text',
  'muted',
  'device',
  'server',
  'ghost',
  'ghost-text',
  'fault',
  'fault-edge',
  'harm',
  'harm-edge',
  'alarm',
  'beat',
  'grid',
] as const;

type Colour = (typeof COLOURS)[number];

const colours = new Map<Colour, string>();

function colour(name: Colour): string {
  return colours.get(name) ?? '#888';
}

// Sizes and positions, in CSS pixels.
let width = 0;
let height = 0;
let isNarrow = false;
let gutter = 0;
let rowHeight = 0;
let headHeight = 0;
let scrolled = 0;
const AXIS = 28;
const PAD = 10;

function layOut(): void {
  width = Math.max(pane.clientWidth, 1);
  isNarrow = width < 600;
  gutter = isNarrow ? PAD : 148;
  rowHeight = isNarrow ? 56 : 42;
  headHeight = AXIS + (serverFaults.length === 0 ? 0 : isNarrow ? 44 : 28);
  const all = headHeight + Math.max(rows.length, 1) * rowHeight + 6;
  height = Math.min(all, Math.max(window.innerHeight - tools.offsetHeight - 2, headHeight + rowHeight * 3));
  field.style.height = `${all + tools.offsetHeight + 2}px`;
  canvas.style.height = `${height}px`;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(document.documentElement);
  for (const name of COLOURS) colours.set(name, style.getPropertyValue(`--${name}`).trim() || '#888');
  hatch = null;
  redraw();
}

let isDue = false;

function redraw(): void {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function xOf(ms: number): number {
  return gutter + ((ms - fromMs) / (toMs - fromMs)) * (width - gutter - PAD);
}

function msOf(x: number): number {
  return fromMs + ((x - gutter) / (width - gutter - PAD)) * (toMs - fromMs);
}

/** Returns how far the rows can be scrolled. */
function scrollMax(): number {
  return Math.max(headHeight + rows.length * rowHeight + 6 - height, 0);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function show(from: number, to: number): void {
  const length = clamp(to - from, leastMs, endMs);
  fromMs = clamp((from + to) / 2 - length / 2, 0, endMs - length);
  toMs = fromMs + length;
  find<HTMLButtonElement>('out').disabled = length >= endMs;
  find<HTMLButtonElement>('all').disabled = length >= endMs;
  find<HTMLButtonElement>('earlier').disabled = fromMs <= 0;
  find<HTMLButtonElement>('later').disabled = toMs >= endMs;
  find<HTMLButtonElement>('in').disabled = length <= leastMs;
  redraw();
}

/** Shows `factor` times as long, and leaves in place what is at `ms`. */
function zoom(factor: number, ms: number): void {
  const length = clamp((toMs - fromMs) * factor, leastMs, endMs);
  const share = (ms - fromMs) / (toMs - fromMs);
  show(ms - share * length, ms + (1 - share) * length);
}

function pan(share: number): void {
  const step = (toMs - fromMs) * share;
  show(fromMs + step, toMs + step);
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

/** `7.25 s`, `2:05`, `1:02:05`: no more digits than tell `stepMs` apart. */
function clock(ms: number, stepMs: number): string {
  const digits = stepMs >= 1000 ? 0 : stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3;
  const unit = 10 ** (3 - digits);
  const whole = Math.round(ms / unit) * unit;
  if (whole < 60_000) return `${(whole / 1000).toFixed(digits)} s`;
  const s = (whole % 60_000) / 1000;
  const minutes = Math.floor(whole / 60_000);
  const seconds = (s < 10 ? '0' : '') + s.toFixed(digits);
  if (minutes < 60) return `${minutes}:${seconds}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${seconds}`;
}

function lasting(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 7200) return joined(Math.floor(s / 60), 'min', s % 60, 's');
  const minutes = Math.round(ms / 60_000);
  return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function joined(most: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${most} ${unit}` : `${most} ${unit} ${rest} ${restUnit}`;
}
