/** The frame of every page: one file, that fetches nothing, whatever a name in it may look like. */

import { escapeHtml } from './html.ts';
import { STYLE } from './style.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** `main` and `rest`, which follows it, are HTML. */
export function htmlDocument(title: string, main: string, rest = ''): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${main}
</main>
${rest}</body>
</html>
`;
}
