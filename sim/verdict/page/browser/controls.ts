/** Pointer and keys on the time lines: tooltips, zoom, filter. It starts when everything is in place. */

/** A line of what is told, with the colour of what it is about. */
type Line = readonly [colour: Colour, text: string];

/** Most lines of a tooltip. */
const LINES_MAX = 14;

function isNear(thing: Span, ms: number, aboutMs: number): boolean {
  return thing.from <= ms + aboutMs && thing.to >= ms - aboutMs;
}

function spell({ from, to }: Span): string {
  return `${clock(from, 10)} to ${clock(to, 10)} (${lasting(to - from)})`;
}

function spellEnd(span: EndedSpan): string {
  return `${spell(span)}${span.text === '' ? ', still so at the end' : `: ${span.text}`}`;
}

function tellFault(fault: PlanFault, on: string): Line {
  const when = fault.to > fault.from ? spell(fault) : `at ${clock(fault.from, 10)}`;
  return [fault.cuts ? 'fault-edge' : 'harm-edge', `${on}${fault.text}, ${when}`];
}

function tellMark({ count, from, to, kind, text }: Mark): Line {
  const when = count === 1 ? clock(from, 10) : `${count} times, ${clock(from, 10)} to ${clock(to, 10)}`;
  return [kind === 2 ? 'alarm' : kind === 1 ? 'edge' : 'muted', `${when}: ${text}`];
}

function tellMissed({ count, from, to }: BeatRun): Line {
  if (count === 1) return ['edge', `a beat unanswered at ${clock(from, 10)}`];
  return ['edge', `${count} beats unanswered, ${clock(from, 10)} to ${clock(to, 10)}`];
}

/** Returns the tooltip of a place: a title, and lines. */
function tellOf(row: number, ms: number): { title: string; lines: readonly Line[] } {
  const aboutMs = ((toMs - fromMs) / (width - gutter)) * 5;
  const near = <T extends Span>(things: readonly T[]): T[] => things.filter((thing) => isNear(thing, ms, aboutMs));
  const serverLines = near(serverFaults).map((fault) => tellFault(fault, 'fault on the server: '));
  if (row < 0) {
    const calm: readonly Line[] = [['muted', 'no fault on the server at this time']];
    return { title: `server, at ${clock(ms, aboutMs)}`, lines: serverLines.length === 0 ? calm : serverLines };
  }
  const device = deviceAt(rows[row]);
  const connected = near(device.connected);
  const online = near(device.online);
  const lines: Line[] = [
    ...serverLines,
    ...near(device.faults).map((fault) => tellFault(fault, 'fault: ')),
    ...near(device.marks).map(tellMark),
    ...near(device.ghosts).map((ghost): Line => {
      return ['ghost', `ghost, the server believes in it: ${spell(ghost)}; ${ghost.text}`];
    }),
    ...connected.map((span): Line => ['device', `device: connected ${spellEnd(span)}`]),
    ...(connected.length === 0 ? [['muted', 'device: not connected'] satisfies Line] : []),
    ...online.map((span): Line => ['server', `server: online ${spellEnd(span)}`]),
    ...(online.length === 0 ? [['muted', 'server: not online'] satisfies Line] : []),
    ...near(device.missed).map(tellMissed),
  ];
  if (device.leftOut > 0) lines.push(['muted', `${device.leftOut} later spans and marks of this device are left out`]);
  const title = `${device.name}, at ${clock(ms, aboutMs)}`;
  if (lines.length <= LINES_MAX) return { title, lines };
  const shown = lines.slice(0, LINES_MAX - 1);
  return { title, lines: [...shown, ['muted', `and ${lines.length - shown.length} more: zoom in`]] };
}

/** `x` and `y` are where the pointer is in the window. */
function point(row: number, ms: number, x: number, y: number): void {
  pointed = { row, ms };
  const { title, lines } = tellOf(row, ms);
  const head = document.createElement('b');
  head.textContent = title;
  tip.replaceChildren(head, ...lines.map(([name, text]) => {
    const line = document.createElement('p');
    line.textContent = text;
    line.style.setProperty('--c', colour(name));
    return line;
  }));
  tip.hidden = false;
  const { width: wide, height: high } = tip.getBoundingClientRect();
  const left = x + 16 + wide > window.innerWidth - 8 ? x - 16 - wide : x + 16;
  const top = y + 18 + high > window.innerHeight - 8 ? y - 14 - high : y + 18;
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${Math.max(top, 8)}px`;
  redraw();
}

function unpoint(): void {
  if (pointed === null) return;
  pointed = null;
  tip.hidden = true;
  redraw();
}

/** Row undefined: neither the server nor a device is there. */
function placeOf(event: MouseEvent): { row: number | undefined; ms: number } {
  const box = canvas.getBoundingClientRect();
  const y = event.clientY - box.top;
  const ms = clamp(msOf(event.clientX - box.left), fromMs, toMs);
  if (y < headHeight) return { row: serverFaults.length > 0 && y >= AXIS ? -1 : undefined, ms };
  const row = Math.floor((y - headHeight + scrolled) / rowHeight);
  return { row: row < rows.length ? row : undefined, ms };
}

function pointAt(event: MouseEvent): void {
  const { row, ms } = placeOf(event);
  if (row === undefined) unpoint();
  else point(row, ms, event.clientX, event.clientY);
}

// A mouse marks what to zoom into; fingers move the time, or pinch it.
/** Horizontal position of each finger. */
const fingers = new Map<number, number>();
let pressed: { readonly x: number; hasMoved: boolean } | null = null;

canvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  if (event.pointerType === 'touch') {
    fingers.set(event.pointerId, event.clientX);
    pressed = { x: event.clientX, hasMoved: fingers.size > 1 };
    return;
  }
  const { ms } = placeOf(event);
  brush = { fromMs: ms, toMs: ms };
});

canvas.addEventListener('pointermove', (event) => {
  if (event.pointerType === 'touch') return moveFinger(event);
  if (brush !== null) brush.toMs = placeOf(event).ms;
  pointAt(event);
});

function moveFinger({ pointerId, clientX }: PointerEvent): void {
  const before = fingers.get(pointerId);
  if (before === undefined || pressed === null) return;
  const [other] = [...fingers].filter(([id]) => id !== pointerId).map(([, x]) => x);
  fingers.set(pointerId, clientX);
  if (Math.abs(clientX - pressed.x) > 8) pressed.hasMoved = true;
  if (!pressed.hasMoved) return;
  unpoint();
  if (other === undefined) return pan((before - clientX) / (width - gutter - PAD));
  const factor = Math.max(Math.abs(before - other), 10) / Math.max(Math.abs(clientX - other), 10);
  zoom(factor, msOf((clientX + other) / 2 - canvas.getBoundingClientRect().left));
}

function release(event: PointerEvent): void {
  if (event.pointerType === 'touch') {
    fingers.delete(event.pointerId);
    if (event.type === 'pointerup' && pressed !== null && !pressed.hasMoved) pointAt(event);
    return;
  }
  const marked = brush;
  brush = null;
  if (marked !== null && event.type === 'pointerup' && Math.abs(xOf(marked.fromMs) - xOf(marked.toMs)) > 6) {
    unpoint();
    show(Math.min(marked.fromMs, marked.toMs), Math.max(marked.fromMs, marked.toMs));
  }
  redraw();
}

canvas.addEventListener('pointerup', release);
canvas.addEventListener('pointercancel', release);
canvas.addEventListener('pointerleave', (event) => {
  if (event.pointerType !== 'touch' && brush === null) unpoint();
});
canvas.addEventListener('dblclick', () => show(0, endMs));
// Ctrl and the wheel, which is also what a trackpad's pinch is; the wheel alone is the page's.
canvas.addEventListener('wheel', (event) => {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    zoom(Math.exp(clamp(event.deltaY / 200, -1, 1)), placeOf(event).ms);
  } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
    event.preventDefault();
    pan((event.deltaX || event.deltaY) / width);
  }
}, { passive: false });

/** Returns the times at which something begins or ends on a row. */
function momentsOf(row: number): number[] {
  const lanes = row < 0 ? [serverFaults] : lanesOf(deviceAt(rows[row]));
  return [...new Set(lanes.flat().flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
}

function lanesOf({ connected, online, ghosts, faults, marks }: DeviceLane): readonly (readonly Span[])[] {
  return [connected, online, ghosts, faults, marks];
}

/** Points at a row and a moment, and brings both into sight. */
function goTo(row: number, ms: number): void {
  if (rows.length === 0) return;
  const place = clamp(row, serverFaults.length > 0 ? -1 : 0, rows.length - 1);
  if (ms < fromMs || ms > toMs) show(ms - (toMs - fromMs) / 2, ms + (toMs - fromMs) / 2);
  const canvasTop = (): number => canvas.getBoundingClientRect().top;
  const rowTop = (): number => {
    const scroll = clamp(-field.getBoundingClientRect().top, 0, scrollMax());
    return canvasTop() + headHeight + place * rowHeight - scroll;
  };
  if (place >= 0) {
    const above = canvasTop() + headHeight - rowTop();
    const below = rowTop() + rowHeight - window.innerHeight;
    if (above > 0) window.scrollBy(0, -above);
    else if (below > 0) window.scrollBy(0, below);
  }
  const y = place < 0 ? canvasTop() + AXIS : rowTop() + rowHeight / 2;
  point(place, ms, xOf(ms) + canvas.getBoundingClientRect().left, y);
}

canvas.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { row, ms } = pointed ?? { row: 0, ms: fromMs };
  const middleMs = pointed === null ? (fromMs + toMs) / 2 : ms;
  const keys = new Map<string, () => void>([
    ['ArrowDown', () => goTo(pointed === null ? 0 : row + 1, ms)],
    ['ArrowUp', () => goTo(row - 1, ms)],
    ['ArrowRight', () => goTo(row, momentsOf(row).find((at) => at > ms) ?? ms)],
    ['ArrowLeft', () => goTo(row, momentsOf(row).filter((at) => at < ms).pop() ?? ms)],
    ['+', () => zoom(0.5, middleMs)],
    ['-', () => zoom(2, middleMs)],
    ['0', () => show(0, endMs)],
    ['Escape', unpoint],
  ]);
  const act = keys.get(event.key);
  if (act === undefined) return;
  event.preventDefault();
  act();
});
canvas.addEventListener('blur', unpoint);

function findRows(): void {
  const words = filter.value.trim().toLowerCase();
  rows = data.devices.flatMap(([name], index) => (name.toLowerCase().includes(words) ? [index] : []));
  if (sort.value === 'name') rows.sort((a, b) => byName.compare(deviceName(a), deviceName(b)));
  find('count').textContent = words === '' ? '' : `${rows.length} of ${data.devices.length}`;
}

/** dev-2 comes before dev-10. */
const byName = new Intl.Collator('en', { numeric: true });

function deviceName(index: number): string {
  return data.devices[index]?.[0] ?? '';
}

function chooseRows(): void {
  findRows();
  unpoint();
  layOut();
}

filter.addEventListener('input', chooseRows);
sort.addEventListener('change', chooseRows);

// From what was not as expected to where it happened.
for (const button of document.querySelectorAll<HTMLButtonElement>('button.lane')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    filter.value = '';
    chooseRows();
    const row = rows.findIndex((index) => deviceName(index) === button.dataset['device']);
    canvas.scrollIntoView({ block: 'nearest' });
    canvas.focus();
    if (row >= 0) goTo(row, Number(button.dataset['at']));
  });
}

/** Takes what a run has come to since, on a page that is live. A reader who saw all of it still sees all of it. */
function receive(later: PackedData): void {
  const sawAll = fromMs <= 0 && toMs >= endMs;
  const before = [rows.length, serverFaults.length === 0].join();
  data = later;
  endMs = Math.max(data.endMs, 1);
  leastMs = Math.min(endMs, 20);
  serverFaults = unpackFaults(data.server);
  unpacked.clear();
  findRows();
  if ([rows.length, serverFaults.length === 0].join() !== before) layOut();
  if (sawAll) show(0, endMs);
  else show(fromMs, toMs);
}

function onClick(id: string, act: () => void): void {
  find(id).addEventListener('click', act);
}

onClick('in', () => zoom(0.5, (fromMs + toMs) / 2));
onClick('out', () => zoom(2, (fromMs + toMs) / 2));
onClick('earlier', () => pan(-0.5));
onClick('later', () => pan(0.5));
onClick('all', () => show(0, endMs));
window.addEventListener('scroll', redraw, { passive: true });
window.addEventListener('resize', layOut);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', layOut);
layOut();
show(0, endMs);
