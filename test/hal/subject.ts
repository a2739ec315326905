/**
 * The port that the specs of this folder run on: hal/node over the loopback, with its storage in a folder of its own.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subject } from '../../hal/conformance/index.ts';
import { fileStorage, nodeHal } from '../../hal/node/index.ts';

/** A folder for one test file, and what removes it. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

export function nodeSubject(folder: string): Subject {
  const storageFile = join(folder, `flash-${Math.random()}`);
  return {
    hal: nodeHal({
      deviceId: 'test',
      storageFile,
      print: () => {},
      onRestart: (reason) => {
        throw new Error(`the device restarted: ${reason}`);
      },
    }),
    address: '127.0.0.1',
    address6: '::1',
    reopenStorage: () => fileStorage(storageFile),
  };
}
