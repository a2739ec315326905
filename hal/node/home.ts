/**
 * State that the sockets of one network share: the open sockets, and the place to report options that had no effect.
 */

export interface Droppable {
  /** Closes it as a reset of the device does, and calls nothing back. */
  drop(): void;
}

export interface Home {
  readonly open: Set<Droppable>;
  /** Is told, in one sentence, what the platform could not apply. */
  readonly warn: ((sentence: string) => void) | undefined;
}

/** The kinds of thing that were already said, in the whole process: a thousand devices say it once. */
const said = new Set<string>();

/** Says it, unless something of this kind was said before. */
export function warnOnce(home: Home, kind: string, sentence: string): void {
  if (home.warn === undefined || said.has(kind)) return;
  said.add(kind);
  home.warn(sentence);
}
