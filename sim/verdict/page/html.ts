/** Words for the page: what comes from users is escaped, times and numbers are as people say them. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** As text of an element, or as the value of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** For a `script` element of JSON, which nothing in it can end: `<` stands in JSON only within strings. */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** `320 ms`, `15.2 s`, `12 min 30 s`, `3 h 20 min`; a number and its unit stay on one line. */
export function humanTime(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}\u00a0ms`;
  const s = ms / 1000;
  if (s < 119.95) return `${trimmed(s)}\u00a0s`;
  const wholeS = Math.round(s);
  if (wholeS < 7200) return joined(Math.floor(wholeS / 60), 'min', wholeS % 60, 's');
  const minutes = Math.round(s / 60);
  return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function trimmed(s: number): string {
  return s.toFixed(1).replace(/\.0$/, '');
}

function joined(most: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${most}\u00a0${unit}` : `${most}\u00a0${unit} ${rest}\u00a0${restUnit}`;
}

/** `1,000 devices`, `1 device`. */
export function groupedCount(count: number, what: string, many = `${what}s`): string {
  return `${grouped(count)} ${count === 1 ? what : many}`;
}

/** `12,345`, whatever the machine's language. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
