/** The device's log line: a serial port, a terminal, a trace. */

export interface Console {
  /** Prints one line; `line` has no line end. */
  print(line: string): void;
}
