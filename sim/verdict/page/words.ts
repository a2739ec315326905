/** Explanations of the words in the cells of verdicts. */

import { escapeHtml } from './html.ts';

/** Words and their meanings, in the order in which they are shown. */
const MEANINGS: readonly (readonly [word: string, meaning: string])[] = [
  ['missed-beats', 'so many beats in a row were not answered, or did not come'],
  ['silent', 'nothing was heard for longer than allowed'],
  ['dropped', 'the server closed the connection by its own rules'],
  ['taken-over', 'a newer connection of the same client took its place'],
  ['closed', 'the other end closed the connection (FIN)'],
  ['ETIMEDOUT', 'TCP gave up: keepalive probes or data were sent again and again, and never acknowledged'],
  ['ECONNABORTED', "the device's own TCP gave the connection up"],
  ['ECONNRESET', 'the other end does not know the connection any more, and said so (RST)'],
  ['EHOSTUNREACH', 'the network said that the other end cannot be reached'],
  ['watchdog', 'the hardware watchdog reset the device'],
  ['reported', 'others reported that they do not hear it'],
  ['log', "the server's own log says that the device is gone"],
  ['a false alarm', 'the connection was alive'],
  ['survived', 'the fault was over before anybody gave up: there was nothing to notice'],
  ['held on', 'the way was worse, and the connection was rightly kept'],
  ['kept alive', 'the box never forgot the connection, as something was sent in time'],
  ['was off', 'had no power, and could not notice'],
  ['was dead', 'its program had ended, and could not notice'],
  ['hung', 'its program stood still, and could not notice'],
  ['was not connected', 'there was no connection that could be lost'],
  ['not healed', 'the fault lasted to the end of the run'],
  ['not by the end', 'could have noticed, and had not when the run ended'],
];

/** HTML: a list of those words that occur in these cells; empty where none does. */
export function wordList(cells: readonly string[]): string {
  const items = MEANINGS.flatMap(([word, meaning]) => {
    const pattern = new RegExp(`(^|[\\s:(])${word}($|[\\s,;(])`);
    if (!cells.some((cell) => pattern.test(cell))) return [];
    return [`<div><dt>${escapeHtml(word)}</dt><dd>${escapeHtml(meaning)}</dd></div>`];
  });
  return items.length === 0 ? '' : `<dl class="words">${items.join('')}</dl>`;
}
