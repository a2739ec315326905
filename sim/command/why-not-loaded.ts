/** Files of the user that Node does not load: TypeScript on an older Node, and files that are not JavaScript. */

import process from 'node:process';

/** Returns a sentence if Node does not load a file of this kind. Node loads TypeScript by itself from 22.18 on. */
export function whyNotLoaded(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_UNKNOWN_FILE_EXTENSION') return undefined;
  // Node's message ends with the file: `Unknown file extension ".ts" for /server.ts`.
  if (!/Unknown file extension "\.[cm]?tsx?"/.test(error.message)) {
    return `it is not JavaScript: ${error.message.replace(/ for .*/s, '')}`;
  }
  return (
    `this Node, ${process.version}, does not load TypeScript: use Node 22.18 or later, or set ` +
    "NODE_OPTIONS='--import tsx' if tsx is installed, or compile the file to JavaScript"
  );
}
