/** The frame of every page: one file that fetches nothing, with any names in it. */

import { escapeHtml } from './html.ts';
import { STYLE } from './style.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

export interface DocumentOptions {
  /** Beside the looks of every page. */
  readonly style?: string;
  /** True if the script may speak with the server that the page is from. Default: the page fetches nothing. */
  readonly mayConnect?: boolean;
}

/** `main` and `rest`, which follows it, are HTML. */
export function htmlDocument(title: string, main: string, rest = '', options: DocumentOptions = {}): string {
  const { style = '', mayConnect = false } = options;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}${mayConnect ? "; connect-src 'self'" : ''}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
${main}
</main>
${rest}</body>
</html>
`;
}
