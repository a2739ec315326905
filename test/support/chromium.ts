/**
 * A page in Debian's Chromium, driven over its debugging protocol. The protocol goes through a pair of pipes
 * (--remote-debugging-pipe: JSON, each message ended by a zero byte), which need no port and no WebSocket.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of Chromium, or undefined if this machine has none. */
export const CHROMIUM = BINARIES.find((path) => existsSync(path));

export interface PageOptions {
  readonly width: number;
  readonly height: number;
  readonly isDark?: boolean;
}

interface Answer {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export class Chromium {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #input: Writable;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #sent = 0;
  #unread = '';
  /** Errors of pages: exceptions, and errors on their consoles. */
  readonly problems: string[] = [];

  constructor() {
    if (CHROMIUM === undefined) throw new Error('there is no Chromium here');
    this.#folder = mkdtempSync(join(tmpdir(), 'cablepull-chromium-'));
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe'];
    this.#process = spawn(CHROMIUM, [...flags, `--user-data-dir=${this.#folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // A process group of its own, so that its helpers end with it and write no more into the folder.
      detached: true,
    });
    const [, , , input, output] = this.#process.stdio as unknown as readonly [null, null, null, Writable, Readable];
    this.#input = input;
    output.setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  async page(url: string, { width, height, isDark = false }: PageOptions): Promise<Page> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    if (typeof sessionId !== 'string') throw new Error('Chromium gives no session');
    const page = new Page(this, sessionId);
    await page.send('Runtime.enable');
    await page.send('Log.enable');
    await page.send('Page.enable');
    const features = [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }];
    await page.send('Emulation.setEmulatedMedia', { features });
    await page.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await page.send('Page.navigate', { url });
    return page;
  }

  async send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#sent;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#input.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`);
    const { error, result = {} } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    const { pid } = this.#process;
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20 });
  }

  #read(text: string): void {
    this.#unread += text;
    for (let end = this.#unread.indexOf('\0'); end >= 0; end = this.#unread.indexOf('\0')) {
      const answer: Answer = JSON.parse(this.#unread.slice(0, end));
      this.#unread = this.#unread.slice(end + 1);
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
      else if (answer.method === 'Runtime.exceptionThrown') this.problems.push(JSON.stringify(answer.params));
      else if (answer.method === 'Log.entryAdded' && JSON.stringify(answer.params).includes('"level":"error"')) {
        this.problems.push(JSON.stringify(answer.params));
      }
    }
  }
}

export class Page {
  readonly #browser: Chromium;
  readonly #sessionId: string;

  constructor(browser: Chromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#sessionId);
  }

  /** The value of an expression in the page; of a promise, what it resolves to. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression, returnByValue: true, awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return typeof result === 'object' && result !== null && 'value' in result ? result.value : undefined;
  }

  /** Resolves when the expression is true in the page; rejects when it is not within `withinMs`. */
  async until(expression: string, withinMs = 20_000): Promise<void> {
    const wait = `new Promise((resolve) => {
      const end = performance.now() + ${withinMs};
      const look = () => {
        let is = false;
        try { is = Boolean(${expression}); } catch {}
        if (is || performance.now() > end) resolve(is);
        else setTimeout(look, 20);
      };
      look();
    })`;
    if (await this.evaluate(wait) !== true) throw new Error(`not within ${withinMs} ms: ${expression}`);
  }

  async key(key: string): Promise<void> {
    const text = key === ' ' ? { text: ' ' } : {};
    const code = new Map([[' ', 32], ['ArrowRight', 39], ['ArrowDown', 40], ['Tab', 9], ['Enter', 13]]).get(key) ?? 0;
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, windowsVirtualKeyCode: code, ...text });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode: code });
  }

  /** Returns a picture of the window. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send('Page.captureScreenshot');
    if (typeof data !== 'string') throw new Error('Chromium gives no picture');
    return Buffer.from(data, 'base64');
  }
}
