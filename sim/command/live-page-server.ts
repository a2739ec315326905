/**
 * HTTP server of a run's live page, on loopback: the page, a stream of events, and the requests of its buttons.
 *
 * A page of another site that is open in a browser must neither act on the run nor read it. So a request must name this
 * server as its host, because a foreign name can be bound to 127.0.0.1 (DNS rebinding). And it must come from the page
 * itself or from no page at all, which browsers state in `Origin` and `Sec-Fetch-Site` (Fetch Metadata).
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { nodeClock } from '../../hal/node/index.ts';
import type { LiveEnd, LiveHello, LiveRequest, LiveUpdate } from '../live-page/wire.ts';
import { readRequest } from '../live-page/wire.ts';
import type { PackedData } from '../verdict/page/data.ts';
import { Problem } from './problem.ts';

/** The run, as far as the server needs it. */
export interface LiveRun {
  readonly page: string;
  /** Returns the reader for a page that has just been opened. */
  reader(): LiveRunReader;
  timeLines(): PackedData;
  plan(): string;
  /** Does what a button requests. Throws RangeError, with a sentence, if that is not possible. */
  act(request: LiveRequest): void;
}

export interface LiveRunReader {
  hello(): LiveHello;
  update(): LiveUpdate;
}

const UPDATE_MS = 200;

/** Time that a page has to read how the run ended. */
const LAST_WORDS_MS = 1000;

/** Largest body of a request, which names at most every host of a fleet. */
const REQUEST_BYTES_MAX = 1 << 22;

/** Unread bytes beyond which a page gets no more updates until it has read them. */
const UNREAD_BYTES_MAX = 1 << 20;

/** Largest number of pages that are open at once; each costs the run some time. */
const PAGES_MAX = 16;

interface OpenPage {
  readonly response: ServerResponse;
  readonly reader: LiveRunReader;
}

export class LivePageServer {
  readonly #run: LiveRun;
  readonly #server: Server;
  readonly #pages = new Set<OpenPage>();
  readonly #clock = nodeClock();
  #port = 0;

  constructor(run: LiveRun) {
    this.#run = run;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Listens, and resolves to the page's address. Rejects with a Problem. */
  async open(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ message }) => reject(new Problem(1, `--live: cannot serve the page: ${message}`)));
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#keepTelling();
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Ends the stream of each open page with the end of the run, which the page keeps showing. */
  async close(end: Pick<LiveEnd, 'lines' | 'plan'>): Promise<void> {
    this.#clock.clearAlarm();
    for (const { response, reader } of this.#pages) {
      const over: LiveEnd = { ...end, update: reader.update() };
      response.end(eventText('over', over));
    }
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // A page that does not read the end of its stream does not delay the end of the process.
    this.#clock.setAlarm(this.#clock.now() + LAST_WORDS_MS, () => this.#server.closeAllConnections());
    this.#server.closeIdleConnections();
    await closed;
    this.#clock.clearAlarm();
  }

  #keepTelling(): void {
    this.#sendToAll();
    this.#clock.setAlarm(this.#clock.now() + UPDATE_MS, () => this.#keepTelling());
  }

  #sendToAll(): void {
    for (const { response, reader } of this.#pages) {
      if (response.writableLength <= UNREAD_BYTES_MAX) response.write(eventText('update', reader.update()));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return reply(response, 403, refusal);
    switch (`${request.method} ${request.url}`) {
      case 'GET /':
        return reply(response, 200, this.#run.page, 'text/html; charset=utf-8');
      case 'GET /events':
        return this.#addPage(request, response);
      case 'GET /lines':
        return reply(response, 200, JSON.stringify(this.#run.timeLines()), 'application/json');
      case 'GET /plan':
        return reply(response, 200, this.#run.plan());
      case 'POST /act':
        return this.#act(request, response);
      default:
        return reply(response, 404, 'the page is at /');
    }
  }

  /** Returns why the request is refused; undefined if it comes from the page itself or from a person. */
  #refusal({ headers }: IncomingMessage): string | undefined {
    const hosts = ['127.0.0.1', 'localhost'].map((name) => `${name}:${this.#port}`);
    const { host = '', origin } = headers;
    if (!hosts.includes(host)) return `this page is at http://${hosts[0]}/ and nowhere else`;
    if (origin !== undefined && origin !== `http://${host}`) return 'only the page itself may ask for this';
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'only the page itself may ask for this';
    return undefined;
  }

  #addPage(request: IncomingMessage, response: ServerResponse): void {
    if (this.#pages.size >= PAGES_MAX) return reply(response, 503, `${PAGES_MAX} pages are open, which is the most: close one`);
    const page = { response, reader: this.#run.reader() };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(eventText('hello', page.reader.hello()));
    this.#pages.add(page);
    request.once('close', () => this.#pages.delete(page));
    response.once('error', () => this.#pages.delete(page));
  }

  async #act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A form of another site cannot send this type without asking first (Fetch, CORS-safelisted request-header).
    if (request.headers['content-type'] !== 'application/json') return reply(response, 415, 'a request must be JSON');
    if (!(Number(request.headers['content-length']) <= REQUEST_BYTES_MAX)) {
      return reply(response, 413, 'the request is too long');
    }
    const body = await text(request);
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      return reply(response, 400, 'the request is not valid JSON');
    }
    const wanted = readRequest(value);
    if (typeof wanted === 'string') return reply(response, 400, wanted);
    try {
      this.#run.act(wanted);
    } catch (error) {
      if (error instanceof RangeError) return reply(response, 400, error.message);
      throw error;
    }
    this.#sendToAll();
    return reply(response, 204, '');
  }
}

function reply(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  // No answer may be shown in a frame of another page, or have its type guessed by the browser.
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-resource-policy': 'same-origin',
  });
  response.end(body);
}

/** Returns an event of the stream. JSON has no line breaks of its own, so one `data` line holds it. */
function eventText(event: 'hello' | 'update' | 'over', data: LiveHello | LiveUpdate | LiveEnd): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
