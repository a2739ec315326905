/** Checks of raw frames. No check can tell whether a frame arrives. */

import { failure } from '../errno.ts';
import { expect, expectResult, worded } from './check.ts';
import type { Definition } from './check.ts';

/** The shortest Ethernet frame, from preamble to frame check sequence, to nobody: of a type for experiments. */
const SHORTEST_BYTES = 72;
/** No Ethernet frame is longer, jumbo frames among them. */
const TOO_LONG_BYTES = 20_000;

export const frameChecks: readonly Definition[] = [
  {
    name: 'frame: one is taken whole, or not at all; one that is too long is EMSGSIZE',
    *steps(stage) {
      const { network } = stage.tested.hal;
      const frame = new Uint8Array(SHORTEST_BYTES);
      frame.fill(0x55, 0, 7);
      frame[7] = 0xd5;
      frame.set([0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xb5], 8);
      const sent = stage.call('sendFrame', () => network.sendFrame?.(frame) ?? 0);
      const isTaken = sent === frame.length || sent === failure('EAGAIN') || sent === failure('ENETDOWN');
      expect(isTaken, `sendFrame of ${frame.length} bytes gave ${worded(sent)}`);
      const tooLong = stage.call('sendFrame', () => network.sendFrame?.(new Uint8Array(TOO_LONG_BYTES)) ?? 0);
      expectResult(tooLong, failure('EMSGSIZE'), `sendFrame of ${TOO_LONG_BYTES} bytes`);
    },
  },
];
