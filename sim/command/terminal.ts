/** Output of a command: results go to standard output, progress and logs to standard error. Also Ctrl-C. */

import process from 'node:process';
import { styleText } from 'node:util';

export type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** A coloured text of the log. It is coloured only on a terminal, and not if NO_COLOR is set (no-color.org). */
export interface Painted {
  readonly style: Style;
  readonly text: string;
}

/** A line of the log. It can have several pieces, some in colour. */
export type LogLine = string | readonly (string | Painted)[];

/**
 * Output and signals of a command. No text can steer the terminal: control characters are made visible, and only this
 * file sends colours.
 */
export interface Terminal {
  /** Prints a line of the result. */
  print(line: string): void;
  /** Prints an object of the result as a line of JSON. */
  printJson(value: object): void;
  /** Writes the printed lines now. Without it they may wait for the next ones. */
  flush(): void;
  /**
   * Calls `then` when all but a little of the printed text has been read, at once if that is so already. A command that
   * can pause uses it to wait for a slow reader.
   */
  whenRead(then: () => void): void;
  log(line: LogLine): void;
  /** Whether the log goes to a terminal, on which lines can be redrawn. */
  readonly isInteractive: boolean;
  readonly rows: number;
  readonly columns: number;
  /**
   * Replaces the lines drawn last; an empty list removes them. After a stop (Ctrl-Z) the next call draws them again.
   */
  draw(lines: readonly string[]): void;
  /**
   * Calls `handler` at Ctrl-C (SIGINT), at SIGTERM, or when the terminal is closed (SIGHUP, of which the process dies
   * in the end, with any exit status). Returns a function that stops this.
   */
  onInterrupt(handler: (signal: InterruptSignal) => void): () => void;
  /**
   * Calls `handler` when nobody reads the results any more, as in `cablepull run | head`. Later results are lost, but
   * files and the exit status still count.
   */
  onReaderGone(handler: () => void): void;
}

const INTERRUPT_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type InterruptSignal = (typeof INTERRUPT_SIGNALS)[number];

/** Number of characters that are collected before they are written. */
const TOGETHER_CHARACTERS = 1 << 16;

/** Unread bytes in this process, besides those in a pipe, up to which `whenRead` does not wait. */
const UNREAD_BYTES_MAX = 1 << 20;

const CLEAR_TO_END = '\u001b[0J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/**
 * Returns the number of rows that lines without colours take on a screen of `columns` columns, on which a long line
 * takes several rows.
 */
export function rowsTaken(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(Math.ceil(line.length / columns), 1), 0);
}

/**
 * Makes control characters visible (U+2400 and on), except tabs and line feeds, so that text from files and networks
 * cannot steer the terminal.
 */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (found) => {
    const code = found.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421';
  });
}

/** Returns JSON on one line. Unlike JSON.stringify it also escapes DEL and the control characters from U+0080 on. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f]/g, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const isInteractive = stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  const hasColour = isInteractive && (process.env['NO_COLOR'] ?? '') === '';
  let drawn: readonly string[] = [];
  let isHungUp = false;
  let unwritten = '';

  let isUnread = false;
  let isLogLost = false;
  /** Handlers to call when nobody reads the results any more. */
  const readerGone: (() => void)[] = [];

  // The functions as they are now, because sim/node-host redirects what simulated programs write.
  const writeOut = stdout.write.bind(stdout);
  const writeErr = stderr.write.bind(stderr);
  // Errors are handled in write().
  for (const stream of [stdout, stderr]) stream.on('error', () => {});
  process.on('exit', () => {
    flush();
    draw([]);
    if (!isHungUp) return;
    // At its end Node restores the settings of the terminal, and aborts if the terminal is gone (node.cc, ResetStdio).
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
  });
  if (isInteractive) {
    process.on('SIGTSTP', giveWay).on('SIGQUIT', giveWay);
    process.on('SIGCONT', () => process.off('SIGTSTP', giveWay).on('SIGTSTP', giveWay));
  }

  function write(stream: NodeJS.WriteStream, text: string): void {
    if (stream === stderr ? isLogLost : isUnread) return;
    // Not in the 'error' event, because the callbacks of later writes come before it, and one of them ends the process.
    (stream === stderr ? writeErr : writeOut)(text, (error?: NodeJS.ErrnoException | null) => {
      if (!error) return;
      // The run goes on if its log cannot be written.
      if (stream === stderr) isLogLost = true;
      // The reader has gone, as in `cablepull run | head`; or the terminal was closed (POSIX: EIO).
      else if (error.code === 'EPIPE' || (error.code === 'EIO' && stream.isTTY === true)) loseReader();
      else giveUp(error);
    });
  }

  function loseReader(): void {
    if (isUnread) return;
    isUnread = true;
    for (const handler of [...readerGone]) handler();
  }

  function giveUp(error: Error): void {
    draw([]);
    stderr.write(`cablepull: cannot write: ${error.message}\n`);
    process.exit(1);
  }

  /**
   * Writes a line of the result if standard output is not a terminal: soon, and together with the lines printed in the
   * same turn.
   */
  function collect(line: string): void {
    if (unwritten === '') process.nextTick(flush);
    unwritten += `${line}\n`;
    if (unwritten.length >= TOGETHER_CHARACTERS) flush();
  }

  function flush(): void {
    const text = unwritten;
    unwritten = '';
    if (text !== '') write(stdout, text);
  }

  function draw(lines: readonly string[]): void {
    if (!isInteractive || (lines.length === 0 && drawn.length === 0)) return;
    const text = lines.length === 0 ? SHOW_CURSOR : `${lines.join('\n')}\n`;
    write(stderr, `${drawn.length === 0 ? HIDE_CURSOR : erase()}${text}`);
    drawn = lines;
  }

  function erase(): string {
    // The cursor stands behind characters that the terminal has echoed, such as ^C. Lines drawn on a wider screen may
    // be folded now. The cursor cannot go above the screen.
    return `\r\u001b[${Math.min(rowsTaken(drawn, columns()), Math.max(rows() - 1, 1))}A${CLEAR_TO_END}`;
  }

  function printLine(line: string): void {
    if (stdout.isTTY === true) above(stdout, line);
    else collect(line);
  }

  function shown(piece: string | Painted): string {
    if (typeof piece === 'string') return visible(piece);
    // By default styleText checks standard output (validateStream), but the log goes to standard error.
    return hasColour ? styleText(piece.style, visible(piece.text), { validateStream: false }) : visible(piece.text);
  }

  /** Writes a line where the drawn lines begin, and draws those again below it. */
  function above(stream: NodeJS.WriteStream, line: string): void {
    const lines = stream.isTTY === true ? drawn : [];
    if (lines.length > 0) write(stderr, erase());
    write(stream, `${line}\n`);
    if (lines.length > 0) write(stderr, `${lines.join('\n')}\n`);
  }

  function rows(): number {
    return stderr.rows || 24;
  }

  function columns(): number {
    // 0 if the terminal does not know its width, as on a serial line.
    return stderr.columns || 80;
  }

  /** Removes the drawn lines, then does what the signal does by default: stop (Ctrl-Z), or end the process. */
  function giveWay(signal: NodeJS.Signals): void {
    draw([]);
    process.off(signal, giveWay);
    process.kill(process.pid, signal);
  }

  return {
    isInteractive,
    get rows() {
      return rows();
    },
    get columns() {
      return columns();
    },
    print(line) {
      printLine(visible(line));
    },
    printJson(value) {
      printLine(jsonLine(value));
    },
    flush,
    whenRead(then) {
      flush();
      // The stream emits 'drain' after every write beyond its own high-water mark, which is far below this limit.
      if (isUnread || stdout.writableLength <= UNREAD_BYTES_MAX) return then();
      // 'drain' or the loss of the reader, whichever comes first.
      const once = (): void => {
        stdout.off('drain', once);
        readerGone.splice(readerGone.indexOf(once), 1);
        then();
      };
      stdout.once('drain', once);
      readerGone.push(once);
    },
    log(line) {
      // Keeps the order if standard output and standard error go to one file.
      flush();
      above(stderr, typeof line === 'string' ? visible(line) : line.map(shown).join(''));
    },
    draw: (lines) => draw(lines.map(visible)),
    onReaderGone(handler) {
      readerGone.push(handler);
    },
    onInterrupt(handler) {
      function interrupted(signal: InterruptSignal): void {
        isHungUp = signal === 'SIGHUP';
        // Erases the ^C that the terminal has echoed.
        if (isInteractive && signal === 'SIGINT') write(stderr, `\r${CLEAR_TO_END}`);
        handler(signal);
      }
      for (const signal of INTERRUPT_SIGNALS) process.on(signal, interrupted);
      return () => {
        for (const signal of INTERRUPT_SIGNALS) process.off(signal, interrupted);
      };
    },
  };
}
