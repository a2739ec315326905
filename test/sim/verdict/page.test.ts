/**
 * The report page: one file that needs nothing, in which nothing of a user's is markup, and whose script runs and tells
 * what is pointed at.
 */

import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { pageScript } from '../../../sim/command/page-script.ts';
import { heartbeatFirmware, referenceServer, Simulation } from '../../../sim/index.ts';
import { Sessions } from '../../../sim/sessions/sessions.ts';
import { Judge } from '../../../sim/verdict/judge.ts';
import { packData } from '../../../sim/verdict/page/data.ts';
import { distribution } from '../../../sim/verdict/page/distribution.ts';
import { groupedCount, escapeHtml, humanTime } from '../../../sim/verdict/page/html.ts';
import { type PageData, reportPage as pageOf } from '../../../sim/verdict/page/page.ts';
import { STYLE } from '../../../sim/verdict/page/style.ts';
import { TimeLines } from '../../../sim/verdict/time-line.ts';

const SCRIPT = pageScript();

const reportPage = (data: PageData): string => pageOf(data, SCRIPT);

const NASTY = '</Script><b>"\'&<!--';

const PLAN = `cable-pull on dev-1 at 10s for 30s
power-loss on dev-2 at 15s for 5s
cable-pull on server at 50s for 2s`;

/** The page is made once, as it does not change. */
let real: PageData;

beforeAll(async () => {
  const sessions = new Sessions();
  const judge = new Judge(sessions);
  const lines = new TimeLines(sessions);
  const sim = new Simulation({ seed: 1, witness: false, onTrace: (event) => sessions.add(event) });
  sim.addServer(referenceServer());
  for (const name of ['dev-1', 'dev-2', NASTY]) sim.addDevice({ name, firmware: heartbeatFirmware() });
  sim.schedule(PLAN);
  await sim.runFor('1m');
  sim.testbed.traceEnd();
  real = {
    title: 'Cablepull',
    repeat: 'cablepull run --devices 3',
    seed: 1,
    network: 'simulated',
    endMs: 60_000,
    notes: [],
    findings: judge.findings(60_000),
    expectations: [],
    lines: lines.lines(60_000),
    serverFaults: lines.serverFaults(60_000),
  };
});

function partOf(page: string, pattern: RegExp): string {
  const [, part] = pattern.exec(page) ?? [];
  if (part === undefined) throw new Error(`nothing in the page is ${pattern.source}`);
  return part;
}

const dataOf = (page: string): unknown =>
  JSON.parse(partOf(page, /<script type="application\/json" id="data">(.*?)<\/script>/s));
const scriptOf = (page: string): string => partOf(page, /<script>(.*?)<\/script>/s);
const headlineOf = (data: PageData): string => partOf(reportPage(data), /<h1>(.*?)<\/h1>/s).replaceAll('\u00a0', ' ');

describe('the page', () => {
  it('needs nothing beside itself, and may fetch nothing', () => {
    const page = reportPage(real);
    expect(page).not.toMatch(/https?:\/\//);
    expect(page).not.toMatch(/\bsrc\s*=|\bhref\s*=|@import|url\(/);
    expect(page).toContain("default-src 'none'");
  });

  it('is the same, to the byte, for the same data', () => {
    expect(reportPage(structuredClone(real))).toBe(reportPage(real));
  });

  it('has nothing of a user as markup', () => {
    const page = reportPage({
      ...real,
      title: NASTY,
      repeat: NASTY,
      notes: [NASTY],
      expectations: [{ text: NASTY, failures: [{ sentence: NASTY }], tooLate: 0, isTested: true }],
      findings: {
        ...real.findings,
        verdicts: real.findings.verdicts.map((verdict) => ({ ...verdict, text: NASTY, device: NASTY })),
      },
    });
    expect(page).not.toContain('<b>"');
    expect(page.match(/<\/script>/gi)).toHaveLength(2);
    expect(page).not.toContain('<!--');
    expect(page.split(escapeHtml(NASTY)).length).toBeGreaterThan(6);
  });

  it('holds its data as JSON, which reads as what was packed', () => {
    expect(dataOf(reportPage(real))).toEqual(packData(real));
  });

  it('says in one sentence what happened', () => {
    expect(headlineOf(real)).toMatch(
      /^3 devices, 60\.0 s, 5 cuts: the server noticed \d, median [\d.]+ s, worst [\d.]+ s(; it was itself down in \d)?; \d survived$/,
    );
    expect(headlineOf({ ...real, findings: { ...real.findings, verdicts: [] } })).toBe(
      '3 devices, 60.0 s: no connection was cut',
    );
    const [cut] = real.findings.verdicts;
    if (cut === undefined) throw new Error('there were faults');
    const never = { ...cut, serverNoticed: undefined, survived: false };
    expect(headlineOf({ ...real, findings: { ...real.findings, devices: 1, verdicts: [never] } }))
      .toBe('1 device, 60.0 s, 1 cut: the server noticed none; <span class="bad">1 not by the end</span>');
  });

  it('has numbers in its headline that add up to all cuts', () => {
    const numbers = /(\d+) cuts: the server noticed (\d+).*?(?:down in (\d+))?; (\d+) survived/.exec(headlineOf(real));
    const [cuts = 0, noticed = 0, down = 0, survived = 0] = (numbers ?? []).slice(1).map((text) => Number(text ?? 0));
    expect(noticed + down + survived).toBe(cuts);
  });

  it('explains the words in its table, and no others', () => {
    const page = reportPage(real);
    expect(page).toContain('<dt>survived</dt><dd>the fault was over before anybody gave up');
    expect(page).not.toContain('<dt>kept alive</dt>');
  });

  it('says how its time lines are sorted, and lets the reader choose', () => {
    expect(reportPage(real)).toContain('<select id="sort">\n<option value="trouble">longest ghost first</option>');
  });

  it('leads from what is not as expected to the time line where it happened', () => {
    const failures = [{ sentence: 'too late', device: 'dev-2', atMs: 61_000 }, { sentence: 'in all' }];
    const text = 'server notices within 1s';
    const page = reportPage({ ...real, expectations: [{ text, failures, tooLate: 0, isTested: true }] });
    expect(page).toContain('<li>too late <button type="button" class="lane" data-device="dev-2" data-at="61000" hidden>');
    expect(page).toContain('<li>in all</li>');
  });

  it('says of each expectation whether it is met, in words, with the worst cases; the rest is folded', () => {
    const failures = Array.from({ length: 5 }, (_, i) => ({ sentence: `case ${i}` }));
    const page = reportPage({
      ...real,
      expectations: [
        { text: 'server notices within 15s', failures: [], tooLate: 2, isTested: true },
        { text: 'service back within 1s', failures, tooLate: 0, isTested: true },
      ],
    });
    expect(page).toContain(
      '<li class="met"><span class="verdict">✓ met</span>server notices within 15s <span class="late">(2 came too late in the run to judge)</span></li>',
    );
    expect(page).toContain('<span class="verdict">✗ not met</span>service back within 1s<ul><li>case 0</li>');
    expect(page).toContain('<summary>2 more</summary><ul><li>case 3</li><li>case 4</li></ul>');
  });

  it('has a row for each fault, whose cells are one thing each, as narrow pages need it', () => {
    const page = reportPage(real);
    expect(page).toContain('<td data-label="fault"><div>cable-pull on dev-1 at 10s for 30s</div></td>');
    const [cut] = real.findings.verdicts;
    if (cut === undefined) throw new Error('there were faults');
    const never = { ...cut, serverNoticed: undefined, survived: false };
    expect(
      reportPage({ ...real, findings: { ...real.findings, verdicts: [never] } }).replaceAll('\u00a0', ' '),
    ).toContain('<td data-label="server noticed"><div><span class="bad">not by the end (50.0 s)</span></div></td>');
  });

  it('has notes, and the line that repeats the run', () => {
    const page = reportPage({ ...real, notes: ['the trace is cut off at line 17'] });
    expect(page).toContain('<p class="note">the trace is cut off at line 17</p>');
    expect(page).toContain('<code>cablepull run --devices 3</code>');
    expect(reportPage({ ...real, repeat: undefined })).not.toContain('To repeat');
  });

  it('of a run in which no device said anything has neither lines nor script', () => {
    const page = reportPage({ ...real, lines: [], findings: { ...real.findings, verdicts: [], devices: 0 } });
    expect(page).not.toContain('<script');
    expect(page).toContain('0 devices');
  });

  it('has room for a thousand devices in less than 2 MB', () => {
    const lines = Array.from({ length: 1000 }, (_, i) =>
      real.lines.map((line) => ({ ...line, name: `dev-${i}` })),
    ).flat();
    expect(reportPage({ ...real, lines }).length).toBeLessThan(2_000_000);
  });
});

describe('the data', () => {
  it('has the longest ghost first', () => {
    expect(packData(real).devices.map(([name]) => name)).toEqual(['dev-1', 'dev-2', NASTY]);
    expect(packData({ ...real, lines: real.lines.toReversed() }).devices.map(([name]) => name)).toEqual([
      'dev-1',
      'dev-2',
      NASTY,
    ]);
  });

  it('has each text once, and marks false alarms', () => {
    const alarms = [{ atMs: 5000.4, device: 'dev-2', side: 'device', by: 'missed-beats' }] as const;
    const { texts, devices } = packData({ ...real, findings: { ...real.findings, falseAlarms: alarms } });
    expect(new Set(texts).size).toBe(texts.length);
    const marks = devices.find(([name]) => name === 'dev-2')?.[7].slice(-5) ?? [];
    expect(marks).toEqual([
      5000,
      5000,
      1,
      texts.indexOf('false alarm: the device gave up a connection that was alive, by missed-beats'),
      2,
    ]);
  });
});

describe('the distribution', () => {
  const detection = (timesMs: readonly number[], never = 0) => ({
    timesMs,
    medianMs: timesMs[0],
    p99Ms: timesMs.at(-1),
    worstMs: timesMs.at(-1),
    never,
  });

  it('is a step for each time, of all that could notice', () => {
    const svg = distribution(detection([5000, 10_000], 2), detection([]), 600);
    expect(svg).toContain('<title>server: 1 of 4 within 5.0\u00a0s</title>');
    expect(svg).toContain('<title>server: 2 of 4 within 10.0\u00a0s</title>');
    expect(svg).not.toContain('curve device');
    expect(svg).not.toContain('logarithmic');
  });

  it('is logarithmic where the worst would hide the rest', () => {
    expect(distribution(detection([1000, 2000, 7_200_000]), detection([]), 600)).toContain('(logarithmic)');
  });

  it('is drawn for no time at all, and for times of 0', () => {
    expect(distribution(detection([]), detection([], 3), 600)).toBe('');
    for (const times of [[0], [0, 0, 5], [0, 1, 90_000_000]]) {
      expect(distribution(detection(times), detection([]), 340)).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it('has a dot for each time, where they are few; on any width', () => {
    const times = (count: number) => detection(Array.from({ length: count }, (_, i) => 1000 + i * 100));
    for (const width of [340, 1130]) {
      expect(distribution(times(40), detection([]), width).match(/<circle/g)).toHaveLength(40);
      expect(distribution(times(41), detection([]), width)).not.toContain('<circle');
    }
  });

  it('of thousands of times stays small', () => {
    const times = Array.from({ length: 50_000 }, (_, i) => i);
    expect(distribution(detection(times), detection(times), 1130).length).toBeLessThan(100_000);
  });
});

describe('words', () => {
  it('are as people say them', () => {
    const texts = [0, 320, 15_250, 750_000].map((ms) => humanTime(ms).replaceAll('\u00a0', ' '));
    expect(texts).toEqual(['0.0 s', '0.3 s', '15.3 s', '750.0 s']);
    expect([groupedCount(1, 'device'), groupedCount(1_234_567, 'device')]).toEqual(['1 device', '1,234,567 devices']);
  });
});

describe('the colours', () => {
  /** WCAG 2.1, relative luminance and contrast ratio. */
  function contrast(one: string, other: string): number {
    const [a = 0, b = 0] = [one, other].map((colour) => {
      const [r = 0, g = 0, blue = 0] = [1, 3, 5].map((at) => {
        const c = parseInt(colour.slice(at, at + 2), 16) / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
    }).toSorted((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }

  it('of what is drawn have 3:1 against their background, those of words 4.5:1, in light and in dark', () => {
    const schemes = [...STYLE.matchAll(/:root \{([^}]*--back[^}]*)\}/g)].map(
      ([, block = '']) =>
        new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', colour = '']) => [name, colour])),
    );
    expect(schemes).toHaveLength(2);
    for (const scheme of schemes) {
      for (const back of ['back', 'card']) {
        const against = (name: string): number => contrast(scheme.get(name) ?? '', scheme.get(back) ?? '');
        for (const name of ['device', 'server', 'ghost', 'fault-edge', 'harm-edge', 'alarm']) {
          expect(against(name), `${name} on ${back}`).toBeGreaterThanOrEqual(3);
        }
        for (const name of ['text', 'muted', 'ghost-text', 'good', 'bad']) {
          expect(against(name), `${name} on ${back}`).toBeGreaterThanOrEqual(4.5);
        }
      }
      // A ghost often overlaps a fault.
      expect(contrast(scheme.get('ghost') ?? '', scheme.get('fault') ?? '')).toBeGreaterThanOrEqual(3);
    }
  });
});

// ---- the script, in a browser of cardboard ----

type Listener = (event: object) => void;

class Thing {
  readonly listeners = new Map<string, Listener>();
  readonly style = { setProperty: () => {} };
  textContent = '';
  value = '';
  hidden = true;
  disabled = false;
  clientWidth = 1000;
  offsetHeight = 50;
  children: Thing[] = [];

  addEventListener(kind: string, listener: Listener): void {
    this.listeners.set(kind, listener);
  }

  replaceChildren(...children: Thing[]): void {
    this.children = children;
  }

  getBoundingClientRect(): object {
    return { left: 0, top: 0, width: 300, height: 100 };
  }

  setPointerCapture(): void {}

  scrollIntoView(): void {}

  focus(): void {}

  fire(kind: string, event: object = {}): void {
    this.listeners.get(kind)?.({
      type: kind,
      button: 0,
      pointerId: 1,
      pointerType: 'mouse',
      preventDefault: () => {},
      ...event,
    });
  }
}

class Browser {
  readonly words: string[] = [];
  /** A button for an expectation that was not met, about dev-2 at 12 s. */
  readonly laneButton = Object.assign(new Thing(), { dataset: { device: 'dev-2', at: '12000' } });
  readonly things = new Map<string, Thing>();
  readonly #frames: (() => void)[] = [];

  constructor(script: string, data: unknown) {
    this.thing('data').textContent = JSON.stringify(data);
    const context = new Proxy({}, {
      get: (_, name) => {
        if (name === 'measureText') return (text: string) => ({ width: text.length * 6 });
        return name === 'fillText' ? (text: string) => this.words.push(text) : () => null;
      },
      set: () => true,
    });
    const canvas = Object.assign(this.thing('canvas'), { getContext: () => context });
    const window = Object.assign(new Thing(), {
      innerHeight: 700,
      innerWidth: 1000,
      devicePixelRatio: 2,
      scrollBy: () => {},
    });
    runInNewContext(script, {
      document: {
        querySelectorAll: (selector: string) => (selector === 'button.lane' ? [this.laneButton] : []),
        querySelector: (selector: string) => this.thing(selector.slice(1)),
        createElement: (kind: string) => (kind === 'canvas' ? canvas : new Thing()),
        documentElement: {},
      },
      window,
      getComputedStyle: () => ({ getPropertyValue: () => '#123456' }),
      matchMedia: () => new Thing(),
      requestAnimationFrame: (frame: () => void) => this.#frames.push(frame),
    });
    this.draw();
  }

  thing(id: string): Thing {
    let thing = this.things.get(id);
    if (thing === undefined) this.things.set(id, (thing = new Thing()));
    return thing;
  }

  /** Draws the next frame, and returns the words in it. */
  draw(): readonly string[] {
    this.words.length = 0;
    for (const frame of this.#frames.splice(0)) frame();
    return this.words;
  }

  get told(): readonly string[] {
    return this.thing('tip').children.map(({ textContent }) => textContent);
  }
}

describe('the script', () => {
  let browser: Browser;
  beforeAll(() => {
    const page = reportPage(real);
    expect(scriptOf(page)).toBe(SCRIPT);
    browser = new Browser(scriptOf(page), dataOf(page));
  });

  // Positions as browser/state.ts computes them at this width: 148 px of names, 10 px at the right; 28 px of time, 28
  // px for the server; rows of 42 px.
  const at = (s: number, row: number): object => ({ clientX: 148 + (s / 60) * 842, clientY: 56 + row * 42 + 20 });

  it('draws the time, the server, and each device with its ghost', () => {
    browser.thing('all').fire('click');
    const words = browser.draw();
    expect(words).toEqual(expect.arrayContaining(['0 s', '30 s', '1:00', 'server', 'dev-1', 'dev-2', NASTY]));
    expect(words.filter((word) => /^ghost \d+\.\d s$/.test(word)).length).toBeGreaterThanOrEqual(2);
  });

  it('leads from what is not as expected to the time line, and the moment', () => {
    expect(browser.laneButton.hidden).toBe(false);
    browser.laneButton.fire('click');
    expect(browser.told[0]).toBe('dev-2, at 12.0 s');
  });

  it('sorts by name when it is told to', () => {
    const names = (): readonly string[] => browser.draw().filter((word) => /^dev-\d$/.test(word));
    browser.thing('sort').value = 'name';
    browser.thing('sort').fire('change');
    expect(names()).toEqual(['dev-1', 'dev-2']);
    browser.thing('sort').value = 'trouble';
    browser.thing('sort').fire('change');
  });

  it('tells what is pointed at, and when', () => {
    browser.thing('canvas').fire('pointermove', at(12, 0));
    expect(browser.thing('tip').hidden).toBe(false);
    expect(browser.told).toEqual(
      expect.arrayContaining([
        'dev-1, at 12.0 s',
        'fault: cable-pull on dev-1 at 10s for 30s, 10.00 s to 40.00 s (30.0 s)',
        expect.stringMatching(
          /^ghost, the server believes in it: 10\.00 s to 2\d\.\d\d s \(1\d\.\d s\); cable-pull on dev-1 at 10s for 30s$/,
        ),
        expect.stringMatching(/^device: connected .* missed-beats$/),
        expect.stringMatching(/^server: online .*: silent for/),
      ]),
    );
    browser.thing('canvas').fire('pointermove', { clientX: 148 + (51 / 60) * 842, clientY: 40 });
    expect(browser.told).toEqual([
      'server, at 51.0 s',
      'fault on the server: cable-pull on server at 50s for 2s, 50.00 s to 52.00 s (2.0 s)',
    ]);
    browser.thing('canvas').fire('pointerleave');
    expect(browser.thing('tip').hidden).toBe(true);
  });

  it('tells it to a finger that taps', () => {
    const touch = { pointerType: 'touch', ...at(16, 1) };
    browser.thing('canvas').fire('pointerdown', touch);
    browser.thing('canvas').fire('pointerup', touch);
    expect(browser.told[0]).toBe('dev-2, at 16.0 s');
    browser.thing('canvas').fire('blur');
  });

  it('goes by keys from device to device, and from moment to moment', () => {
    const key = (name: string): void => browser.thing('canvas').fire('keydown', { key: name });
    key('ArrowDown');
    for (let i = 0; i < 3; i++) key('ArrowRight');
    expect(browser.told).toContainEqual(expect.stringContaining('cable-pull on dev-1'));
    key('ArrowDown');
    expect(browser.told[0]).toMatch(/^dev-2, /);
    key('Escape');
    expect(browser.thing('tip').hidden).toBe(true);
  });

  it('zooms into what a mouse marks, and back', () => {
    const clientY = 70;
    const canvas = browser.thing('canvas');
    canvas.fire('pointerdown', { clientX: 148 + 421, clientY });
    canvas.fire('pointermove', { clientX: 990, clientY });
    canvas.fire('pointerup', { clientX: 990, clientY });
    const words = browser.draw();
    expect(words).toContain('45 s');
    expect(words).not.toContain('15 s');
    expect(browser.thing('all').disabled).toBe(false);
    canvas.fire('dblclick');
    expect(browser.thing('all').disabled).toBe(true);
  });

  it('zooms by Ctrl and the wheel, and what is under the pointer stays there; the wheel alone is the page\'s', () => {
    const canvas = browser.thing('canvas');
    canvas.fire('wheel', { clientX: 148 + 842 / 4, clientY: 70, deltaX: 0, deltaY: -100 });
    expect(browser.thing('all').disabled).toBe(true);
    for (let i = 0; i < 3; i++) {
      canvas.fire('wheel', { clientX: 148 + 842 / 4, clientY: 70, deltaX: 0, deltaY: -200, ctrlKey: true });
    }
    canvas.fire('pointermove', { clientX: 148 + 842 / 4, clientY: 76 });
    expect(browser.told[0]).toMatch(/^dev-1, at 15\.0\d* s$/);
    canvas.fire('dblclick');
  });

  it('shows the devices whose names have what is asked for, and says where none has', () => {
    const filter = browser.thing('filter');
    const names = (): readonly string[] => browser.draw().filter((word) => word.startsWith('dev-'));
    filter.value = 'DEV-2';
    filter.fire('input');
    expect(names()).toEqual(['dev-2']);
    expect(browser.thing('count').textContent).toBe('1 of 3');
    filter.value = 'SCRIPT';
    filter.fire('input');
    expect(browser.draw()).toContain(NASTY);
    filter.value = 'nobody';
    filter.fire('input');
    expect(browser.draw()).toContain('No device has that in its name.');
    filter.value = '';
    filter.fire('input');
    expect(names()).toEqual(['dev-1', 'dev-2']);
  });

  it('draws only the rows that can be seen', () => {
    const lines = Array.from({ length: 5000 }, (_, i) =>
      real.lines.slice(0, 1).map((line) => ({ ...line, name: `row-${i}` })),
    ).flat();
    const many = new Browser(SCRIPT, packData({ ...real, lines }));
    many.thing('all').fire('click');
    expect(many.draw().filter((word) => word.startsWith('row-')).length).toBeLessThan(20);
  });

  it('runs on a run of no time at all', () => {
    const [line] = real.lines;
    if (line === undefined) throw new Error('there are devices');
    const empty = { ...line, connected: [], online: [], faults: [], beats: [], missed: [], marks: [] };
    expect(() => new Browser(SCRIPT, packData({ ...real, endMs: 0, lines: [empty], serverFaults: [] }))).not.toThrow();
  });
});
