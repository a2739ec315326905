/** Where a command prints: results to standard output, progress and logs to standard error; and Ctrl-C. */

import process from 'node:process';
import { styleText } from 'node:util';

export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line of the log. */
  log(line: string): void;
  /** Whether the log goes to a terminal, on which lines can be drawn anew. */
  readonly isInteractive: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Replaces the lines drawn last; none removes them. */
  draw(lines: readonly string[]): void;
  /** Colours a text of the log, on a terminal only, and not where NO_COLOR says so (no-color.org). */
  paint(style: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string): string;
  /** Calls `handler` at Ctrl-C or SIGTERM. Gives what ends that. */
  onInterrupt(handler: () => void): () => void;
}

const CLEAR_TO_END = '\u001b[0J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const isInteractive = stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  const hasColour = isInteractive && (process.env['NO_COLOR'] ?? '') === '';
  let drawn: readonly string[] = [];

  // Who reads has gone away, as in `cablepull run | head`: there is nobody left to tell.
  for (const stream of [stdout, stderr]) stream.on('error', () => process.exit(0));

  process.on('exit', () => {
    if (drawn.length > 0) stderr.write(SHOW_CURSOR);
  });

  function erase(): string {
    return drawn.length === 0 ? '' : `\u001b[${drawn.length}A${CLEAR_TO_END}`;
  }

  function above(line: string): string {
    const below = drawn.length === 0 ? '' : `${drawn.join('\n')}\n`;
    return `${erase()}${line}\n${below}`;
  }

  return {
    isInteractive,
    get rows() {
      return stderr.rows ?? 24;
    },
    get columns() {
      return stderr.columns ?? 80;
    },
    print(line) {
      stdout.write(`${line}\n`);
    },
    log(line) {
      stderr.write(above(line));
    },
    draw(lines) {
      if (!isInteractive) return;
      const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
      stderr.write(`${drawn.length === 0 ? HIDE_CURSOR : ''}${erase()}${text}${lines.length === 0 ? SHOW_CURSOR : ''}`);
      drawn = lines;
    },
    paint(style, text) {
      return hasColour ? styleText(style, text) : text;
    },
    onInterrupt(handler) {
      process.on('SIGINT', handler).on('SIGTERM', handler);
      return () => void process.off('SIGINT', handler).off('SIGTERM', handler);
    },
  };
}
