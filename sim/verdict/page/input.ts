/** What pointers and keys do on the time lines: telling what and when, zooming, filtering. A part of script.ts. */

export const INPUT = String.raw`
const near = (thing, ms, about) => thing.from <= ms + about && thing.to >= ms - about;
const spell = (thing) => clock(thing.from, 10) + ' to ' + clock(thing.to, 10) + ' (' + lasting(thing.to - thing.from) + ')';
const ended = (span) => spell(span) + (span.text === '' ? ', still so at the end' : ': ' + span.text);

// What there is to tell of a place: a title, and lines with the colour of what they are about.
function tellOf(row, ms) {
  const about = (toMs - fromMs) / (width - gutter) * 5;
  const lines = [];
  const tellFault = (fault, on) => {
    lines.push([fault.cuts ? 'fault-edge' : 'harm-edge', on + fault.text + (fault.to > fault.from ? ', ' + spell(fault) : ', at ' + clock(fault.from, 10))]);
  };
  for (const fault of serverFaults) if (near(fault, ms, about)) tellFault(fault, 'fault on the server: ');
  if (row < 0) {
    if (lines.length === 0) lines.push(['muted', 'no fault on the server at this time']);
    return { title: 'server, at ' + clock(ms, about), lines };
  }
  const device = deviceAt(rows[row]);
  for (const fault of device.faults) if (near(fault, ms, about)) tellFault(fault, 'fault: ');
  for (const mark of device.marks) {
    if (!near(mark, ms, about)) continue;
    const when = mark.count === 1 ? clock(mark.from, 10) : mark.count + ' times, ' + clock(mark.from, 10) + ' to ' + clock(mark.to, 10);
    lines.push([mark.kind === 2 ? 'alarm' : mark.kind === 1 ? 'edge' : 'muted', when + ': ' + mark.text]);
  }
  for (const ghost of device.ghosts) if (near(ghost, ms, about)) lines.push(['ghost', 'ghost, the server believes in it: ' + spell(ghost) + '; ' + ghost.text]);
  const connected = device.connected.filter((span) => near(span, ms, about)), online = device.online.filter((span) => near(span, ms, about));
  for (const span of connected) lines.push(['device', 'device: connected ' + ended(span)]);
  if (connected.length === 0) lines.push(['muted', 'device: not connected']);
  for (const span of online) lines.push(['server', 'server: on line ' + ended(span)]);
  if (online.length === 0) lines.push(['muted', 'server: not on line']);
  for (const run of device.missed) if (near(run, ms, about)) lines.push(['edge', run.count === 1 ? 'a beat unanswered at ' + clock(run.from, 10) : run.count + ' beats unanswered, ' + clock(run.from, 10) + ' to ' + clock(run.to, 10)]);
  if (device.leftOut > 0) lines.push(['muted', device.leftOut + ' later spans and marks of this device are left out']);
  return { title: device.name + ', at ' + clock(ms, about), lines: lines.length > 14 ? lines.slice(0, 13).concat([['muted', 'and ' + (lines.length - 13) + ' more: zoom in']]) : lines };
}

// x and y are where the pointer is in the window.
function point(row, ms, x, y) {
  pointed = { row, ms };
  const { title, lines } = tellOf(row, ms);
  const head = document.createElement('b');
  head.textContent = title;
  tip.replaceChildren(head, ...lines.map(([colour, text]) => {
    const line = document.createElement('p');
    line.textContent = text;
    line.style.setProperty('--c', colours[colour]);
    return line;
  }));
  tip.hidden = false;
  const { width: wide, height: high } = tip.getBoundingClientRect();
  const left = x + 16 + wide > window.innerWidth - 8 ? x - 16 - wide : x + 16;
  const top = y + 18 + high > window.innerHeight - 8 ? y - 14 - high : y + 18;
  tip.style.left = Math.max(left, 8) + 'px';
  tip.style.top = Math.max(top, 8) + 'px';
  redraw();
}

function unpoint() {
  if (pointed === null) return;
  pointed = null;
  tip.hidden = true;
  redraw();
}

function placeOf(event) {
  const box = canvas.getBoundingClientRect();
  const x = event.clientX - box.left, y = event.clientY - box.top;
  const ms = Math.min(Math.max(msOf(x), fromMs), toMs);
  if (y < headHeight) return { row: serverFaults.length > 0 && y >= AXIS ? -1 : -2, ms };
  const row = Math.floor((y - headHeight + scrolled) / rowHeight);
  return { row: row < rows.length ? row : -2, ms };
}

function pointAt(event) {
  const { row, ms } = placeOf(event);
  if (row === -2) unpoint();
  else point(row, ms, event.clientX, event.clientY);
}

// A mouse marks what to zoom into; fingers move the time, or pinch it.
const fingers = new Map();
let pressed = null;

canvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  if (event.pointerType === 'touch') {
    fingers.set(event.pointerId, event.clientX);
    pressed = { x: event.clientX, hasMoved: fingers.size > 1 };
    return;
  }
  brush = { fromMs: placeOf(event).ms, toMs: placeOf(event).ms };
});

canvas.addEventListener('pointermove', (event) => {
  if (event.pointerType === 'touch') {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
    fingers.set(event.pointerId, event.clientX);
    if (Math.abs(event.clientX - pressed.x) > 8) pressed.hasMoved = true;
    if (!pressed.hasMoved) return;
    unpoint();
    if (other === undefined) pan((before - event.clientX) / (width - gutter - PAD));
    else zoom(Math.max(Math.abs(before - other), 10) / Math.max(Math.abs(event.clientX - other), 10), msOf((event.clientX + other) / 2 - canvas.getBoundingClientRect().left));
    return;
  }
  if (brush !== null) brush.toMs = placeOf(event).ms;
  pointAt(event);
});

function release(event) {
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
    zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 200))), placeOf(event).ms);
  } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
    event.preventDefault();
    pan((event.deltaX || event.deltaY) / width);
  }
}, { passive: false });

// Where something begins or ends on a row.
function moments(row) {
  if (row < 0) return serverFaults.flatMap((fault) => [fault.from, fault.to]).sort((a, b) => a - b);
  const { connected, online, ghosts, faults, marks } = deviceAt(rows[row]);
  const all = [...connected, ...online, ...ghosts, ...faults, ...marks].flatMap((thing) => [thing.from, thing.to]);
  return [...new Set(all)].sort((a, b) => a - b);
}

function step(row, ms) {
  const place = Math.min(Math.max(row, serverFaults.length > 0 ? -1 : 0), rows.length - 1);
  if (rows.length === 0) return;
  if (ms < fromMs || ms > toMs) show(ms - (toMs - fromMs) / 2, ms + (toMs - fromMs) / 2);
  const topOf = () => canvas.getBoundingClientRect().top + headHeight + place * rowHeight - Math.min(Math.max(-field.getBoundingClientRect().top, 0), Math.max(headHeight + rows.length * rowHeight + 6 - height, 0));
  if (place >= 0) {
    const above = canvas.getBoundingClientRect().top + headHeight - topOf(), below = topOf() + rowHeight - window.innerHeight;
    if (above > 0) window.scrollBy(0, -above);
    else if (below > 0) window.scrollBy(0, below);
  }
  point(place, ms, xOf(ms) + canvas.getBoundingClientRect().left, place < 0 ? canvas.getBoundingClientRect().top + AXIS : topOf() + rowHeight / 2);
}

canvas.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const row = pointed === null ? 0 : pointed.row, ms = pointed === null ? fromMs : pointed.ms;
  const keys = {
    ArrowDown: () => step(pointed === null ? 0 : row + 1, ms),
    ArrowUp: () => step(row - 1, ms),
    ArrowRight: () => step(row, moments(row).find((at) => at > ms) ?? ms),
    ArrowLeft: () => step(row, moments(row).filter((at) => at < ms).pop() ?? ms),
    '+': () => zoom(0.5, pointed === null ? (fromMs + toMs) / 2 : ms),
    '-': () => zoom(2, pointed === null ? (fromMs + toMs) / 2 : ms),
    '0': () => show(0, endMs),
    Escape: unpoint,
  };
  const act = keys[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});
canvas.addEventListener('blur', unpoint);

filter.addEventListener('input', () => {
  const words = filter.value.trim().toLowerCase();
  rows = packed.flatMap(([name], index) => (name.toLowerCase().includes(words) ? [index] : []));
  find('count').textContent = words === '' ? '' : rows.length + ' of ' + packed.length;
  unpoint();
  layOut();
});
find('in').addEventListener('click', () => zoom(0.5, (fromMs + toMs) / 2));
find('out').addEventListener('click', () => zoom(2, (fromMs + toMs) / 2));
find('earlier').addEventListener('click', () => pan(-0.5));
find('later').addEventListener('click', () => pan(0.5));
find('all').addEventListener('click', () => show(0, endMs));
window.addEventListener('scroll', redraw, { passive: true });
window.addEventListener('resize', layOut);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', layOut);
layOut();
show(0, endMs);
`;
