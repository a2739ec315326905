/** After FreeRTOS's StreamBufferInterrupt demo: an interrupt sends a text in pieces, a task puts the lines together. */

import { expect, test } from 'vitest';
import { MAX_DELAY, StreamBuffer } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const LINE = Uint8Array.from('_____Hello FreeRTOS_____', (letter) => letter.charCodeAt(0));

test('every line arrives, with any pieces and any trigger level', () => {
  for (const level of [1, 3, 14]) {
    const { clock, os } = device();
    const buffer = new StreamBuffer(os, 100, level);
    let lines = 0;
    let got = 0;
    os.createTask(function* () {
      const into = new Uint8Array(50);
      for (;;) {
        const count = yield* buffer.receive(into, MAX_DELAY);
        expect(count).toBeGreaterThanOrEqual(1);
        for (let n = 0; n < count; n++) {
          expect(into[n]).toBe(LINE[got++]);
          if (got === LINE.length) {
            got = 0;
            lines++;
          }
        }
      }
    }, 'receiver', 1);
    os.start();
    for (let sent = 0, n = 0; sent < 100 * LINE.length; n++) {
      const from = sent % LINE.length;
      const piece = LINE.subarray(from, Math.min(from + 1 + (n % 9), LINE.length));
      expect(buffer.sendFromIsr(piece)).toBe(piece.length);
      sent += piece.length;
      clock.advance(1);
    }
    // Up to the trigger level less one may still lie there.
    expect(lines).toBeGreaterThanOrEqual(100 - Math.ceil(level / LINE.length));
    expect(buffer.bytesAvailable).toBeLessThan(level);
  }
});
