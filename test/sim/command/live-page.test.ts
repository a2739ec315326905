/** `cablepull run --live`, over HTTP and in a browser. */

import { request } from 'node:http';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Chromium, CHROMIUM, type Page } from '../../support/chromium.ts';
import { Program } from '../../support/process.ts';

const CLI = join(import.meta.dirname, '../../../dist/sim/cli.js');

let program: Program | undefined;

afterEach(async () => {
  await program?.kill();
  program = undefined;
});

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error('the command line is not compiled: npm run build');
});

interface LiveRun {
  readonly url: string;
  readonly program: Program;
}

async function live(...args: string[]): Promise<LiveRun> {
  const started = new Program(process.execPath, [CLI, 'run', '--live', ...args]);
  program = started;
  const url = await new Promise<string>((resolve, reject) => {
    let log = '';
    started.child.stderr.on('data', (chunk: Uint8Array) => {
      log += String(chunk);
      const [, found] = /the live page: (\S+)/.exec(log) ?? [];
      if (found !== undefined) resolve(found);
    });
    started.child.once('exit', () => reject(new Error(`it ended: ${log}`)));
  });
  return { url, program: started };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function act(url: string, body: object, headers: Record<string, string> = JSON_TYPE): Promise<Response> {
  return fetch(`${url}act`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** Sends a request with headers that fetch does not let a program set. */
function statusWith(url: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Reads the events of the stream until `isLast` returns true. */
async function events(url: string, isLast: (event: string, data: unknown) => boolean): Promise<void> {
  const { body } = await fetch(`${url}events`);
  let unread = '';
  for await (const chunk of body ?? []) {
    unread += Buffer.from(chunk).toString();
    for (let end = unread.indexOf('\n\n'); end >= 0; end = unread.indexOf('\n\n')) {
      const [, event = '', data = 'null'] = /^event: (\w+)\ndata: (.*)$/.exec(unread.slice(0, end)) ?? [];
      unread = unread.slice(end + 2);
      if (isLast(event, JSON.parse(data))) return;
    }
  }
  throw new Error('the stream ended before that');
}

describe('the live page of a simulated run', () => {
  it('carries out actions, streams their results, and gives the plan that repeats the run', async () => {
    const { url, program } = await live('--devices', '3', '--speed', '100');
    await events(url, (event) => event === 'hello');
    expect((await act(url, { act: 'begin', kind: 'power-loss', hosts: ['dev-2'] })).status).toBe(204);
    // The ghost of dev-2 ends when the server drops its session, 15 to 18 s of virtual time later.
    await events(url, (_, data) => JSON.stringify(data).includes('"off","offline",["power-loss"]'));
    expect((await act(url, { act: 'pace', speed: 0.01, isPaused: true })).status).toBe(204);
    expect((await act(url, { act: 'begin', kind: 'hang', hosts: ['dev-1'] })).status).toBe(204);
    // The page shows actions in a pause, too.
    await events(url, (_, data) => JSON.stringify(data).includes('"hung"'));
    const plan = await (await fetch(`${url}plan`)).text();
    const head = /^# 2 faults of a run with --live\n# cablepull run --devices 3 --seed 1 --plan THIS-FILE --for (\d+s)\n/;
    expect(plan).toMatch(head);
    expect(plan).toMatch(/\npower-loss on dev-2 at [\d.]+m?s\nhang on dev-1 at [\d.]+m?s\n$/);
    const over = events(url, (event) => event === 'over');
    expect((await act(url, { act: 'end' })).status).toBe(204);
    await over;
    const { status, stdout } = await program.ended();
    expect(status).toBe(0);
    expect(stdout).toMatch(/\npower-loss on dev-2 at \S+ +was off +1[2-8]\.\d s by silent/);

    const folder = mkdtempSync(join(tmpdir(), 'cablepull-live-'));
    writeFileSync(join(folder, 'live.plan'), plan);
    const forS = head.exec(plan)?.[1] ?? '';
    const again = new Program(process.execPath, [
      CLI, 'run', '--devices', '3', '--seed', '1', '--plan', join(folder, 'live.plan'), '--for', forS,
    ]);
    const repeated = await again.ended();
    rmSync(folder, { recursive: true });
    const verdict = (text: string): string | undefined => {
      return /^power-loss on dev-2 .*$/m.exec(text)?.[0].replace(/ +/g, ' ');
    };
    expect(verdict(repeated.stdout)).toBe(verdict(stdout));
  });

  it('refuses an impossible action in a sentence', async () => {
    const { url } = await live('--devices', '1');
    const answers: readonly [object, RegExp][] = [
      [{ act: 'begin', kind: 'loss', argument: '200%', hosts: ['dev-1'] }, /^loss 200%: expected a share of packets/],
      [{ act: 'begin', kind: 'hang', hosts: ['dev-7'] }, /no device is called 'dev-7'/],
      [{ act: 'nothing' }, /there is no act "nothing"/],
    ];
    for (const [body, sentence] of answers) {
      const response = await act(url, body);
      expect(response.status).toBe(400);
      expect(await response.text()).toMatch(sentence);
    }
    expect((await fetch(`${url}act`, { method: 'POST', headers: JSON_TYPE, body: '{' })).status).toBe(400);
    expect((await fetch(`${url}nothing`)).status).toBe(404);
  });

  it('refuses other hosts, other origins, and forms of other sites', async () => {
    const { url } = await live('--devices', '1');
    const own = new URL(url).host;
    expect(await statusWith(url, '/', { host: own })).toBe(200);
    expect(await statusWith(url, '/', { host: `localhost:${new URL(url).port}` })).toBe(200);
    expect(await statusWith(url, '/', { host: 'rebound.example' })).toBe(403);
    expect(await statusWith(url, '/events', { host: own, origin: 'http://other.example' })).toBe(403);
    expect(await statusWith(url, '/lines', { host: own, 'sec-fetch-site': 'cross-site' })).toBe(403);
    const itself = { host: own, origin: `http://${own}`, 'sec-fetch-site': 'same-origin' };
    expect(await statusWith(url, '/lines', itself)).toBe(200);
    expect((await act(url, { act: 'end' }, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await fetch(url)).headers.get('x-frame-options')).toBe('DENY');
  });

  it.each([
    [['--speed', '0'], /--speed must be a number from 0\.01/],
    [['--speed', 'fast'], /--speed must be a number from 0\.01/],
    [['--speed', '2', '--server', '127.0.0.1:1'], /--speed needs virtual time/],
  ])('refuses %j', async (args, sentence) => {
    const { status, stderr } = await new Program(process.execPath, [CLI, 'run', '--live', ...args]).ended();
    expect(stderr).toMatch(sentence);
    expect(status).toBe(2);
  });
});

describe.skipIf(CHROMIUM === undefined)('the live page in Chromium (skipped where there is none)', () => {
  let browser: Chromium | undefined;

  afterEach(async () => {
    await browser?.close();
    browser = undefined;
  });

  async function opened(url: string, width: number): Promise<Page> {
    browser = new Chromium();
    const page = await browser.page(url, { width, height: 900 });
    await page.until("document.querySelectorAll('.host[data-own]').length > 1");
    return page;
  }

  /** Label of a device's tile for screen readers. */
  const label = (name: string): string => `[...document.querySelectorAll('.host')].find((one) =>
    one.textContent.startsWith('${name}')).getAttribute('aria-label')`;

  it('pulls a cable by click, shows the ghost, and heals it', async () => {
    const { url } = await live('--devices', '5', '--speed', '10');
    const page = await opened(url, 1280);
    await page.until(`${label('dev-2')} === 'dev-2: connected, online'`);
    await page.evaluate("document.querySelectorAll('.host')[1].click()");
    expect(await page.evaluate("document.querySelector('#chosen').textContent")).toBe('dev-2 is selected');
    await page.evaluate("document.querySelector('[data-kind=cable-pull]').click()");
    await page.until(`${label('dev-2')} === 'dev-2: connected, ghost, cable-pull'`);
    await page.until("document.querySelector('#counts').textContent.includes('1 ghost')");
    await page.until("document.querySelector('[data-kind=cable-pull]').textContent === 'heal cable-pull'");
    await page.until(`${label('dev-2')} === 'dev-2: connecting, cable-pull'`);
    await page.evaluate("document.querySelector('[data-kind=cable-pull]').click()");
    await page.until(`${label('dev-2')} === 'dev-2: connected, online'`);
    expect(browser?.problems).toEqual([]);
  });

  it('can be used with the keyboard alone: arrows, space, enter', async () => {
    const { url } = await live('--devices', '5', '--speed', '10');
    const page = await opened(url, 1280);
    await page.evaluate("document.querySelector('.host').focus()");
    await page.key('ArrowRight');
    await page.key('ArrowRight');
    await page.key(' ');
    expect(await page.evaluate("document.querySelector('#chosen').textContent")).toBe('dev-3 is selected');
    await page.evaluate("document.querySelector('[data-kind=power-loss]').focus()");
    await page.key(' ');
    await page.until(`${label('dev-3')} === 'dev-3: off, ghost, power-loss'`);
  });

  it('fits a window of 400 pixels', async () => {
    const { url } = await live('--devices', '5');
    const page = await opened(url, 400);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    expect(browser?.problems).toEqual([]);
  });

  it('shows 1,000 devices', async () => {
    const { url } = await live('--devices', '1000', '--speed', '10');
    const page = await opened(url, 1280);
    await page.until("document.querySelector('#counts').textContent.startsWith('1000 of 1000 devices connected')");
    await page.evaluate("document.querySelector('#select-all').click()");
    await page.evaluate("document.querySelector('[data-kind=power-loss]').click()");
    await page.until("document.querySelectorAll('.host[data-view=ghost]').length === 1000");
    expect(browser?.problems).toEqual([]);
  });

  it('shows the result and the plan after the run is over', async () => {
    const { url, program } = await live('--devices', '2', '--speed', '10');
    const page = await opened(url, 1280);
    await page.evaluate("document.querySelector('.host').click()");
    await page.evaluate("document.querySelector('[data-kind=hang]').click()");
    await page.until(`${label('dev-1')}.startsWith('dev-1: hung')`);
    await page.evaluate("document.querySelector('#end').click()");
    await program.ended();
    await page.until("document.querySelector('#message').textContent.startsWith('The run is over')");
    const link = await page.evaluate("decodeURIComponent(document.querySelector('#plan').href)");
    expect(link).toContain('hang on dev-1 at');
    expect(browser?.problems).toEqual([]);
  });
});
