/**
 * What runs in the browser: plain JavaScript as a text, since there is no build step. It is one function in three parts: what is shown (here), how
 * it is drawn (draw.ts), and what pointers and keys do (input.ts). Only the rows that can be seen are drawn, so that it stays fluid with any number.
 */

import { DRAW } from './draw.ts';
import { INPUT } from './input.ts';

const STATE = String.raw`
const find = (id) => document.getElementById(id);
const data = JSON.parse(find('data').textContent);
const field = find('field'), pane = find('pane'), tools = find('tools'), canvas = find('canvas'), tip = find('tip'), filter = find('filter');
const context = canvas.getContext('2d');
const endMs = Math.max(data.endMs, 1);
const leastMs = Math.min(endMs, 20);

// Numbers in a row, as data.ts packs them.
function unpack(flat, fields) {
  const things = [];
  for (let i = 0; i < flat.length; i += fields.length) {
    const thing = {};
    fields.forEach((name, j) => { thing[name] = flat[i + j]; });
    if (thing.text !== undefined) thing.text = thing.text < 0 ? '' : data.texts[thing.text];
    things.push(thing);
  }
  return things;
}

const FAULT = ['from', 'to', 'text', 'cuts'];
const serverFaults = unpack(data.server, FAULT);
const packed = data.devices;
const unpacked = new Map();

// Where sessions overlap they share the lane: pieces of them, each in a slot of so many.
function piecesOf({ online, ghosts }) {
  const times = [...new Set(online.flatMap((span) => [span.from, span.to]))].sort((a, b) => a - b);
  const pieces = [];
  let next = 0, open = [];
  times.forEach((from, i) => {
    while (next < online.length && online[next].from <= from) open.push(next++);
    open = open.filter((span) => online[span].to > from);
    open.forEach((span, slot) => pieces.push({ from, to: times[i + 1], slot, slots: open.length, span }));
  });
  const haunted = ghosts.flatMap((ghost) => pieces.flatMap(({ from, to, slot, slots, span }) => {
    if (span !== ghost.span || from >= ghost.to || to <= ghost.from) return [];
    return [{ from: Math.max(from, ghost.from), to: Math.min(to, ghost.to), slot, slots }];
  }));
  return { alive: pieces, haunted };
}

// A device is unpacked when it is first seen.
function deviceAt(index) {
  let device = unpacked.get(index);
  if (device === undefined) {
    const [name, connected, online, ghosts, faults, beats, missed, marks, leftOut] = packed[index];
    device = {
      name, leftOut,
      connected: unpack(connected, ['from', 'to', 'text']),
      online: unpack(online, ['from', 'to', 'text']),
      ghosts: unpack(ghosts, ['from', 'to', 'text', 'span']),
      faults: unpack(faults, FAULT),
      beats: unpack(beats, ['from', 'to', 'count']),
      missed: unpack(missed, ['from', 'to', 'count']),
      marks: unpack(marks, ['from', 'to', 'count', 'text', 'kind']),
    };
    device.ghostMs = device.ghosts.reduce((sum, ghost) => sum + ghost.to - ghost.from, 0);
    device.pieces = piecesOf(device);
    unpacked.set(index, device);
  }
  return device;
}

// The time that is shown, which devices, and what is pointed at: { row, ms } with row -1 for the server.
let fromMs = 0, toMs = endMs;
let rows = packed.map((_, index) => index);
let pointed = null, brush = null;
let colours = {};

// Where things are, in CSS pixels.
let width = 0, height = 0, isNarrow = false, gutter = 0, rowHeight = 0, headHeight = 0, scrolled = 0;
const AXIS = 28, PAD = 10;

function layOut() {
  width = Math.max(pane.clientWidth, 1);
  isNarrow = width < 600;
  gutter = isNarrow ? PAD : 148;
  rowHeight = isNarrow ? 56 : 42;
  headHeight = AXIS + (serverFaults.length === 0 ? 0 : isNarrow ? 36 : 28);
  const all = headHeight + Math.max(rows.length, 1) * rowHeight + 6;
  height = Math.min(all, Math.max(window.innerHeight - tools.offsetHeight - 2, headHeight + rowHeight * 3));
  field.style.height = (all + tools.offsetHeight + 2) + 'px';
  canvas.style.height = height + 'px';
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(document.documentElement);
  for (const name of ['card', 'edge', 'text', 'muted', 'device', 'server', 'ghost', 'ghost-text', 'fault', 'fault-edge', 'harm', 'harm-edge', 'alarm', 'beat', 'grid']) {
    colours[name] = style.getPropertyValue('--' + name).trim() || '#888';
  }
  hatch = null;
  redraw();
}

let isDue = false;
function redraw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; draw(); });
}

const xOf = (ms) => gutter + (ms - fromMs) / (toMs - fromMs) * (width - gutter - PAD);
const msOf = (x) => fromMs + (x - gutter) / (width - gutter - PAD) * (toMs - fromMs);

function show(from, to) {
  const length = Math.min(Math.max(to - from, leastMs), endMs);
  const middle = (from + to) / 2;
  fromMs = Math.min(Math.max(middle - length / 2, 0), endMs - length);
  toMs = fromMs + length;
  find('out').disabled = find('all').disabled = length >= endMs;
  find('earlier').disabled = fromMs <= 0;
  find('later').disabled = toMs >= endMs;
  find('in').disabled = length <= leastMs;
  redraw();
}

// Shows factor times as long, and leaves in place what is at ms.
function zoom(factor, ms) {
  const length = Math.min(Math.max((toMs - fromMs) * factor, leastMs), endMs);
  const share = (ms - fromMs) / (toMs - fromMs);
  show(ms - share * length, ms + (1 - share) * length);
}

function pan(share) {
  const step = (toMs - fromMs) * share;
  show(fromMs + step, toMs + step);
}

function two(number) {
  return (number < 10 ? '0' : '') + number;
}

// 7.25 s, 2:05, 1:02:05: no more digits than tell stepMs apart.
function clock(ms, stepMs) {
  const digits = stepMs >= 1000 ? 0 : stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3;
  const unit = Math.pow(10, 3 - digits);
  const whole = Math.round(ms / unit) * unit;
  if (whole < 60000) return (whole / 1000).toFixed(digits) + ' s';
  const s = (whole % 60000) / 1000, minutes = Math.floor(whole / 60000);
  const seconds = (s < 10 ? '0' : '') + s.toFixed(digits);
  return minutes < 60 ? minutes + ':' + seconds : Math.floor(minutes / 60) + ':' + two(minutes % 60) + ':' + seconds;
}

function lasting(ms) {
  if (ms < 1000) return ms + ' ms';
  if (ms < 120000) return (ms / 1000).toFixed(1) + ' s';
  const s = Math.round(ms / 1000), minutes = Math.round(ms / 60000);
  const [most, rest] = s < 7200 ? [Math.floor(s / 60) + ' min', s % 60 + ' s'] : [Math.floor(minutes / 60) + ' h', minutes % 60 + ' min'];
  return rest.startsWith('0 ') ? most : most + ' ' + rest;
}
`;

export const SCRIPT = `(function () {\n'use strict';\n${STATE}${DRAW}${INPUT}}());\n`;
