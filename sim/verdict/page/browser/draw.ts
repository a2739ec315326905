/** Drawing of the time lines: a canvas over the visible rows, with the time axis above them. */

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5,
  216e5, 432e5, 864e5,
];
const DAY_MS = 864e5;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
let hatch: CanvasPattern | string | null = null;

function ticks(): { step: number; times: number[] } {
  const most = Math.max((width - gutter - PAD) / (isNarrow ? 62 : 92), 1);
  const days = DAY_MS * Math.ceil((toMs - fromMs) / DAY_MS / most);
  const step = STEPS_MS.find((ms) => (toMs - fromMs) / ms <= most) ?? days;
  const times: number[] = [];
  for (let ms = Math.ceil(fromMs / step) * step; ms <= toMs; ms += step) times.push(ms);
  return { step, times };
}

type Fill = CanvasRenderingContext2D['fillStyle'];

/** Draws a bar. A momentary event is `least` wide, so that it can be seen. */
function bar({ from, to }: Span, y: number, high: number, fill: Fill, least = 1): void {
  if (to < fromMs || from > toMs) return;
  const left = Math.max(xOf(from), gutter - 1);
  const right = Math.min(xOf(to), width - PAD + 1);
  context.fillStyle = fill;
  context.fillRect(left, y, Math.max(right - left, least), high);
}

/** `most`: what is wider ends in dots. */
function write(text: string, x: number, y: number, fill: Fill, size: number, weight = 400, most = Infinity): void {
  context.font = `${weight} ${size}px ${FONT}`;
  context.fillStyle = fill;
  let shown = text;
  if (context.measureText(shown).width > most) {
    while (shown.length > 1 && context.measureText(`${shown}…`).width > most) shown = shown.slice(0, -1);
    shown += '…';
  }
  context.fillText(shown, x, y);
}

/** Ghosts are hatched, for those who do not tell their colour from others. */
function hatchOf(): CanvasPattern | string {
  if (hatch !== null) return hatch;
  const tile = document.createElement('canvas');
  tile.width = 6;
  tile.height = 6;
  const on = contextOf(tile);
  on.fillStyle = colour('ghost');
  on.fillRect(0, 0, 6, 6);
  on.strokeStyle = colour('card');
  on.globalAlpha = 0.42;
  on.lineWidth = 1.4;
  on.beginPath();
  for (const x of [-6, 0, 6]) {
    on.moveTo(x - 1, 7);
    on.lineTo(x + 7, -1);
  }
  on.stroke();
  hatch = context.createPattern(tile, 'repeat') ?? colour('ghost');
  return hatch;
}

function draw(): void {
  scrolled = clamp(-field.getBoundingClientRect().top, 0, scrollMax());
  context.clearRect(0, 0, width, height);
  context.textBaseline = 'alphabetic';
  const { step, times } = ticks();
  context.save();
  context.beginPath();
  context.rect(0, headHeight, width, height - headHeight);
  context.clip();
  for (let row = Math.floor(scrolled / rowHeight); row < rows.length; row++) {
    const y = headHeight + row * rowHeight - scrolled;
    if (y > height) break;
    drawRow(deviceAt(rows[row]), row, y, times);
  }
  if (rows.length === 0) write('No device has that in its name.', gutter, headHeight + 26, colour('muted'), 14);
  context.restore();
  drawHead(step, times);
  drawPointer();
}

function drawHead(step: number, times: readonly number[]): void {
  context.fillStyle = colour('card');
  context.fillRect(0, 0, width, headHeight);
  context.textAlign = 'center';
  for (const ms of times) {
    const x = xOf(ms);
    context.fillStyle = colour('harm-edge');
    context.fillRect(Math.round(x), AXIS - 6, 1, 6);
    write(clock(ms, step), clamp(x, 22, width - 24), AXIS - 11, colour('muted'), 11.5);
  }
  context.textAlign = 'left';
  if (serverFaults.length > 0) {
    const y = isNarrow ? AXIS + 21 : AXIS + 3;
    if (isNarrow) write('server', PAD, AXIS + 16, colour('text'), 11.5, 600);
    else write('server', 14, AXIS + 18, colour('text'), 13, 600);
    for (const fault of serverFaults) drawFault(fault, y, 20);
  }
  context.fillStyle = colour('edge');
  context.fillRect(0, headHeight - 1, width, 1);
}

function drawFault(fault: PlanFault, y: number, high: number): void {
  if (fault.to < fromMs || fault.from > toMs) return;
  bar(fault, y, high, colour(fault.cuts ? 'fault' : 'harm'), 2);
  context.fillStyle = colour(fault.cuts ? 'fault-edge' : 'harm-edge');
  for (const ms of new Set([fault.from, fault.to])) {
    if (ms >= fromMs && ms <= toMs && ms < endMs) context.fillRect(Math.round(xOf(ms)) - 0.5, y, 1.5, high);
  }
}

/** Each beat is a notch, where there is room for them: `least` pixels. */
function drawRuns(runs: readonly BeatRun[], y: number, high: number, fill: Fill, thick: number, least: number): void {
  context.fillStyle = fill;
  for (const run of runs) {
    if (run.to < fromMs || run.from > toMs) continue;
    const each = run.count > 1 ? (run.to - run.from) / (run.count - 1) : 1;
    const apart = xOf(fromMs + each) - xOf(fromMs);
    if (run.count > 1 && apart < least) {
      if (thick > 1) bar(run, y, high, fill, thick);
      continue;
    }
    const last = Math.min(run.count - 1, Math.floor((toMs - run.from) / each));
    for (let i = Math.max(Math.ceil((fromMs - run.from) / each), 0); i <= last; i++) {
      context.fillRect(xOf(run.from + i * each) - thick / 2, y, thick, high);
    }
  }
}

function drawRow(device: DeviceLane, row: number, y: number, times: readonly number[]): void {
  const deviceTop = y + (isNarrow ? 23 : 9);
  const serverTop = deviceTop + 15;
  const high = 10;
  if (pointed !== null && pointed.row === row) {
    context.fillStyle = colour('grid');
    context.globalAlpha = 0.7;
    context.fillRect(0, y, width, rowHeight);
    context.globalAlpha = 1;
  }
  context.fillStyle = colour('grid');
  for (const ms of times) context.fillRect(Math.round(xOf(ms)), y, 1, rowHeight);
  context.globalAlpha = 0.55;
  for (const fault of serverFaults) bar(fault, y, rowHeight, colour(fault.cuts ? 'fault' : 'harm'), 2);
  context.globalAlpha = 1;
  const faultTop = isNarrow ? y + 18 : y + 3;
  const faultHigh = isNarrow ? 35 : rowHeight - 6;
  for (const fault of device.faults) if (!fault.cuts) drawFault(fault, faultTop, faultHigh);
  for (const fault of device.faults) if (fault.cuts) drawFault(fault, faultTop, faultHigh);

  for (const span of device.connected) bar(span, deviceTop, high, colour('device'));
  context.globalAlpha = 0.85;
  drawRuns(device.beats, deviceTop, 4.5, colour('beat'), 1, 4);
  context.globalAlpha = 1;
  for (const piece of device.alive) drawPiece(piece, serverTop, high, colour('server'), 1);
  for (const piece of device.haunted) drawPiece(piece, serverTop - 2, high + 4, hatchOf(), 2);
  drawRuns(device.missed, deviceTop + high, 5, colour('text'), 1.5, 0);
  for (const mark of device.marks) if (mark.kind === 0) drawMark(mark, deviceTop);
  for (const mark of device.marks) if (mark.kind !== 0) drawMark(mark, deviceTop);
  drawName(device, y);
  context.fillStyle = colour('edge');
  context.fillRect(0, y + rowHeight - 1, width, 1);
}

function drawName({ name, ghostMs }: DeviceLane, y: number): void {
  const ghost = ghostMs > 0 ? `ghost ${lasting(ghostMs)}` : '';
  if (isNarrow) {
    write(name, PAD, y + 14, colour('text'), 12.5, 600, width * 0.55);
    context.textAlign = 'right';
    write(ghost, width - PAD, y + 14, colour('ghost-text'), 11.5, 500);
    context.textAlign = 'left';
  } else {
    write(name, 14, ghost === '' ? y + 25 : y + 19, colour('text'), 13, 600, gutter - 26);
    write(ghost, 14, y + 34, colour('ghost-text'), 11.5, 500, gutter - 26);
  }
}

function drawPiece(piece: Piece, y: number, high: number, fill: Fill, least: number): void {
  const each = high / piece.slots;
  bar(piece, y + piece.slot * each, piece.slots === 1 ? high : Math.max(each - 1, 2), fill, least);
}

function drawMark(mark: Mark, laneTop: number): void {
  if (mark.to < fromMs || mark.from > toMs) return;
  const x = xOf(clamp(mark.from, fromMs, toMs));
  const fill = colour(mark.kind === 2 ? 'alarm' : mark.kind === 1 ? 'text' : 'muted');
  context.fillStyle = fill;
  context.beginPath();
  if (mark.kind === 2) {
    context.moveTo(x, laneTop - 8);
    context.lineTo(x + 5, laneTop - 3);
    context.lineTo(x, laneTop + 2);
    context.lineTo(x - 5, laneTop - 3);
  } else if (mark.kind === 1) {
    context.moveTo(x - 4, laneTop - 7);
    context.lineTo(x + 4, laneTop - 7);
    context.lineTo(x, laneTop);
  } else {
    context.rect(x - 1, laneTop - 4, 2, 4);
  }
  context.fill();
  if (mark.to > mark.from) bar(mark, laneTop - 7, 2, fill);
}

function drawPointer(): void {
  if (brush !== null) {
    const marked = { from: Math.min(brush.fromMs, brush.toMs), to: Math.max(brush.fromMs, brush.toMs) };
    context.globalAlpha = 0.22;
    bar(marked, 0, height, colour('device'));
    context.globalAlpha = 1;
  }
  if (pointed === null || pointed.ms < fromMs || pointed.ms > toMs) return;
  const x = xOf(pointed.ms);
  context.fillStyle = colour('text');
  context.globalAlpha = 0.6;
  context.fillRect(Math.round(x), AXIS - 8, 1, height);
  context.globalAlpha = 1;
  const text = clock(pointed.ms, (toMs - fromMs) / (width - gutter));
  context.font = `600 11.5px ${FONT}`;
  const half = context.measureText(text).width / 2 + 6;
  const middle = clamp(x, half + 2, width - half - 2);
  context.fillStyle = colour('text');
  context.fillRect(middle - half, 3, half * 2, 18);
  context.textAlign = 'center';
  write(text, middle, 16, colour('card'), 11.5, 600);
  context.textAlign = 'left';
}
