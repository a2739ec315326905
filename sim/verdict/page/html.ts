/** Words for the page: what comes from users is escaped, times and numbers are as people say them. */

import { formatSeconds } from '../../time/duration.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for an element, or for the value of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Returns JSON for a `script` element, which nothing in it can end: `<` stands in JSON only within strings. */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** Returns a duration as all reports show it, `15.2 s`. A no-break space keeps the number and its unit on one line. */
export function humanTime(ms: number): string {
  return formatSeconds(ms).replace(' ', '\u00a0');
}

/** `1,000 devices`, `1 device`. */
export function groupedCount(count: number, what: string, many = `${what}s`): string {
  return `${grouped(count)} ${count === 1 ? what : many}`;
}

/** `12,345`, in every language of the machine. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
