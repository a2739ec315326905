/** The receiver of Ethernet heartbeats, which its own stack gives it as datagrams of 64 zero bytes. */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../firmware/index.ts';
import { BEAT_DATA_BYTES } from '../../../firmware/protocols/ethernet-heartbeat/frame.ts';
import type { ListedProtocol } from './protocol.ts';

export const ETHERNET_HEARTBEAT: ListedProtocol<ProtocolSettingsOf<'ethernet-heartbeat'>, object> = {
  device: DEVICE_PROTOCOLS['ethernet-heartbeat'],
  server: {
    transport: 'datagram',
    liveness: { policy: 'idle', checkIntervalMs: 1000, idleMs: 3000 },
    defaults: {},
    serve: () => ({
      open: (client) => ({
        received(bytes, count) {
          // A frame that is no beat is ignored, because anybody can send under any name.
          if (count === BEAT_DATA_BYTES && bytes.subarray(0, count).every((byte) => byte === 0)) client.frame(true);
          return undefined;
        },
      }),
    }),
  },
  words: {
    summary: 'whole Ethernet frames that the firmware makes itself, without answers; not over real sockets',
    settings({ beatIntervalMs = 1000, missedLimit = 3 }) {
      return {
        device: { beatIntervalMs },
        liveness: { policy: 'idle', checkIntervalMs: 1000, idleMs: beatIntervalMs * missedLimit },
        beatEvents: true,
      };
    },
  },
};
