/** What Node's http takes from native clocks. */

import { builtin } from './internals.ts';
import { prototypeOf } from './net.ts';
import { owner } from './owner.ts';
import type { Patches } from './patch.ts';

interface Outgoing {
  _header: string | null;
  sendDate: boolean;
}

export function patchHttp(patches: Patches): void {
  const { OutgoingMessage } = builtin('http');
  // lib/internal/http.js keeps the text of a second, of whatever world it was asked in.
  patches.replace(
    prototypeOf(OutgoingMessage),
    '_storeHeader',
    (original) =>
      function (this: Outgoing, ...args: unknown[]) {
        const process = owner();
        const result = original.apply(this, args);
        if (process !== undefined && this.sendDate && this._header !== null) {
          const date = new Date(process.surroundings.timeOfDayMs()).toUTCString();
          this._header = this._header.replace(/(\r\nDate: )[^\r]*GMT\r\n/, `$1${date}\r\n`);
        }
        return result;
      },
  );
}
