/** How the time lines are drawn: a canvas over the rows that can be seen, and the time above them. A part of script.ts. */

export const DRAW = String.raw`
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 216e5, 432e5, 864e5];
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
let hatch = null;

function ticks() {
  const most = Math.max((width - gutter - PAD) / (isNarrow ? 62 : 92), 1);
  const step = STEPS.find((ms) => (toMs - fromMs) / ms <= most) || 864e5 * Math.ceil((toMs - fromMs) / 864e5 / most);
  const times = [];
  for (let ms = Math.ceil(fromMs / step) * step; ms <= toMs; ms += step) times.push(ms);
  return { step, times };
}

// What is over at once is as wide as can be seen.
function bar(from, to, y, high, colour, least) {
  if (to < fromMs || from > toMs) return;
  const left = Math.max(xOf(from), gutter - 1), right = Math.min(xOf(to), width - PAD + 1);
  context.fillStyle = colour;
  context.fillRect(left, y, Math.max(right - left, least || 1), high);
}

function write(text, x, y, colour, size, weight, most) {
  context.font = (weight || 400) + ' ' + size + 'px ' + FONT;
  context.fillStyle = colour;
  if (most !== undefined && context.measureText(text).width > most) {
    while (text.length > 1 && context.measureText(text + '…').width > most) text = text.slice(0, -1);
    text += '…';
  }
  context.fillText(text, x, y);
}

// Ghosts are hatched, for those who do not tell their colour from others.
function hatchOf() {
  if (hatch !== null) return hatch;
  const tile = document.createElement('canvas');
  tile.width = tile.height = 6;
  const on = tile.getContext('2d');
  on.fillStyle = colours.ghost;
  on.fillRect(0, 0, 6, 6);
  on.strokeStyle = colours.card;
  on.globalAlpha = 0.42;
  on.lineWidth = 1.4;
  on.beginPath();
  for (const x of [-6, 0, 6]) { on.moveTo(x - 1, 7); on.lineTo(x + 7, -1); }
  on.stroke();
  hatch = context.createPattern(tile, 'repeat') || colours.ghost;
  return hatch;
}

function draw() {
  const box = field.getBoundingClientRect();
  const most = Math.max(headHeight + rows.length * rowHeight + 6 - height, 0);
  scrolled = Math.min(Math.max(-box.top, 0), most);
  context.clearRect(0, 0, width, height);
  context.textBaseline = 'alphabetic';
  const { step, times } = ticks();
  context.save();
  context.beginPath();
  context.rect(0, headHeight, width, height - headHeight);
  context.clip();
  const first = Math.max(Math.floor(scrolled / rowHeight), 0);
  for (let row = first; row < rows.length; row++) {
    const y = headHeight + row * rowHeight - scrolled;
    if (y > height) break;
    drawRow(deviceAt(rows[row]), row, y, times);
  }
  if (rows.length === 0) write('No device has that in its name.', gutter, headHeight + 26, colours.muted, 14);
  context.restore();
  drawHead(step, times);
  drawPointer();
}

function drawHead(step, times) {
  context.fillStyle = colours.card;
  context.fillRect(0, 0, width, headHeight);
  context.textAlign = 'center';
  for (const ms of times) {
    const x = xOf(ms);
    context.fillStyle = colours['harm-edge'];
    context.fillRect(Math.round(x), AXIS - 6, 1, 6);
    write(clock(ms, step), Math.min(Math.max(x, 22), width - 24), AXIS - 11, colours.muted, 11.5);
  }
  context.textAlign = 'left';
  if (serverFaults.length > 0) {
    const y = isNarrow ? AXIS + 14 : AXIS + 3;
    write('server', isNarrow ? PAD : 14, isNarrow ? AXIS + 10 : AXIS + 18, colours.text, isNarrow ? 11.5 : 13, 600);
    for (const fault of serverFaults) drawFault(fault, y, 20);
  }
  context.fillStyle = colours.edge;
  context.fillRect(0, headHeight - 1, width, 1);
}

function drawFault(fault, y, high) {
  if (fault.to < fromMs || fault.from > toMs) return;
  bar(fault.from, fault.to, y, high, fault.cuts ? colours.fault : colours.harm, 2);
  context.fillStyle = fault.cuts ? colours['fault-edge'] : colours['harm-edge'];
  for (const ms of fault.from === fault.to ? [fault.from] : [fault.from, fault.to]) {
    const x = Math.round(xOf(ms));
    if (ms >= fromMs && ms <= toMs && ms < endMs) context.fillRect(x - 0.5, y, 1.5, high);
  }
}

// Each beat is a notch, where there is room for them.
function drawRuns(runs, y, high, colour, thick, least) {
  context.fillStyle = colour;
  for (const run of runs) {
    if (run.to < fromMs || run.from > toMs) continue;
    const each = run.count > 1 ? (run.to - run.from) / (run.count - 1) : 1;
    const apart = xOf(fromMs + each) - xOf(fromMs);
    if (run.count > 1 && apart < least) {
      if (thick > 1) bar(run.from, run.to, y, high, colour, thick);
      continue;
    }
    const last = Math.min(run.count - 1, Math.floor((toMs - run.from) / each));
    for (let i = Math.max(Math.ceil((fromMs - run.from) / each), 0); i <= last; i++) context.fillRect(xOf(run.from + i * each) - thick / 2, y, thick, high);
  }
}

function drawRow(device, row, y, times) {
  const laneA = y + (isNarrow ? 23 : 9), laneB = laneA + 15, high = 10;
  const isPointed = pointed !== null && pointed.row === row;
  if (isPointed) {
    context.fillStyle = colours.grid;
    context.globalAlpha = 0.7;
    context.fillRect(0, y, width, rowHeight);
    context.globalAlpha = 1;
  }
  context.fillStyle = colours.grid;
  for (const ms of times) context.fillRect(Math.round(xOf(ms)), y, 1, rowHeight);
  context.globalAlpha = 0.55;
  for (const fault of serverFaults) bar(fault.from, fault.to, y, rowHeight, fault.cuts ? colours.fault : colours.harm, 2);
  context.globalAlpha = 1;
  const faultTop = isNarrow ? y + 18 : y + 3, faultHigh = isNarrow ? 35 : rowHeight - 6;
  for (const fault of device.faults) if (!fault.cuts) drawFault(fault, faultTop, faultHigh);
  for (const fault of device.faults) if (fault.cuts) drawFault(fault, faultTop, faultHigh);

  for (const span of device.connected) bar(span.from, span.to, laneA, high, colours.device);
  context.globalAlpha = 0.85;
  drawRuns(device.beats, laneA, 4.5, colours.beat, 1, 4);
  context.globalAlpha = 1;
  for (const piece of device.pieces.alive) drawPiece(piece, laneB, high, colours.server, 1);
  for (const piece of device.pieces.haunted) drawPiece(piece, laneB - 2, high + 4, hatchOf(), 2);
  drawRuns(device.missed, laneA + high, 5, colours.text, 1.5, 0);
  for (const mark of device.marks) if (mark.kind === 0) drawMark(mark, laneA);
  for (const mark of device.marks) if (mark.kind !== 0) drawMark(mark, laneA);

  const ghost = device.ghostMs > 0 ? 'ghost ' + lasting(device.ghostMs) : '';
  if (isNarrow) {
    write(device.name, PAD, y + 14, colours.text, 12.5, 600, width * 0.55);
    context.textAlign = 'right';
    write(ghost, width - PAD, y + 14, colours['ghost-text'], 11.5, 500);
    context.textAlign = 'left';
  } else {
    write(device.name, 14, ghost === '' ? y + 25 : y + 19, colours.text, 13, 600, gutter - 26);
    write(ghost, 14, y + 34, colours['ghost-text'], 11.5, 500, gutter - 26);
  }
  context.fillStyle = colours.edge;
  context.fillRect(0, y + rowHeight - 1, width, 1);
}

function drawPiece({ from, to, slot, slots }, y, high, colour, least) {
  const each = high / slots;
  bar(from, to, y + slot * each, slots === 1 ? high : Math.max(each - 1, 2), colour, least);
}

function drawMark(mark, laneTop) {
  if (mark.to < fromMs || mark.from > toMs) return;
  const x = xOf(Math.min(Math.max(mark.from, fromMs), toMs));
  context.fillStyle = mark.kind === 2 ? colours.alarm : mark.kind === 1 ? colours.text : colours.muted;
  context.beginPath();
  if (mark.kind === 2) {
    context.moveTo(x, laneTop - 8); context.lineTo(x + 5, laneTop - 3); context.lineTo(x, laneTop + 2); context.lineTo(x - 5, laneTop - 3);
  } else if (mark.kind === 1) {
    context.moveTo(x - 4, laneTop - 7); context.lineTo(x + 4, laneTop - 7); context.lineTo(x, laneTop);
  } else {
    context.rect(x - 1, laneTop - 4, 2, 4);
  }
  context.fill();
  if (mark.to > mark.from) bar(mark.from, mark.to, laneTop - 7, 2, context.fillStyle);
}

function drawPointer() {
  if (brush !== null) {
    context.globalAlpha = 0.22;
    bar(Math.min(brush.fromMs, brush.toMs), Math.max(brush.fromMs, brush.toMs), 0, height, colours.device);
    context.globalAlpha = 1;
  }
  if (pointed === null || pointed.ms < fromMs || pointed.ms > toMs) return;
  const x = xOf(pointed.ms);
  context.fillStyle = colours.text;
  context.globalAlpha = 0.6;
  context.fillRect(Math.round(x), AXIS - 8, 1, height);
  context.globalAlpha = 1;
  const text = clock(pointed.ms, (toMs - fromMs) / (width - gutter));
  context.font = '600 11.5px ' + FONT;
  const half = context.measureText(text).width / 2 + 6, middle = Math.min(Math.max(x, half + 2), width - half - 2);
  context.fillStyle = colours.text;
  context.fillRect(middle - half, 3, half * 2, 18);
  context.textAlign = 'center';
  write(text, middle, 16, colours.card, 11.5, 600);
  context.textAlign = 'left';
}
`;
