/** TypeScript of the user's own, which not every Node loads. */

import process from 'node:process';

/** A sentence, where the error is that this Node does not load TypeScript: by itself it does from 22.18 on. */
export function whyNotLoaded(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_UNKNOWN_FILE_EXTENSION') return undefined;
  return (
    `this Node, ${process.version}, does not load TypeScript: use Node 22.18 or later, or say ` +
    "NODE_OPTIONS='--import tsx' where tsx is installed, or compile the file to JavaScript"
  );
}
