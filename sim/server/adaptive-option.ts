/** `--adaptive`, for the protocols whose devices can find their beat period by themselves. */

import { ADAPTIVE_PERIOD_DEFAULTS, type AdaptivePeriod } from '../../firmware/index.ts';
import type { ProtocolOption, Said } from './protocols/protocol.ts';

export const ADAPTIVE_OPTION: ProtocolOption = {
  type: 'boolean',
  default: false,
  only: 'run',
  help:
    'each device finds the longest beat period that a NAT box allows by itself, from 30 s (heartbeat: from --beat) to '
    + '30 min (mqtt: to --beat)',
};

/** With another period to begin with, if there is one. */
export function saidAdaptive(said: Said, minMs = ADAPTIVE_PERIOD_DEFAULTS.minMs): AdaptivePeriod | undefined {
  const { maxMs } = ADAPTIVE_PERIOD_DEFAULTS;
  return said.flag('adaptive') ? { ...ADAPTIVE_PERIOD_DEFAULTS, minMs, maxMs: Math.max(minMs, maxMs) } : undefined;
}
