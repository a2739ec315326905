/** Plain `cablepull`: five devices, a server of our own, five faults, over real sockets, quick enough to watch. */

import type { RunSettings } from './arguments.ts';
import { runSettings } from './arguments.ts';

const FAULTS = [
  'cable-pull on dev-1 at 2s for 6s',
  'cable-pull on dev-2 at 2s for 1s',
  'power-loss on dev-3 at 2s for 5s',
  'hang on dev-4 at 2s for 6s',
  'crash on dev-5 at 2s for 2s',
];

/** What one would type to have the same in virtual time. */
export const DEMO_ARGUMENTS: readonly string[] = [
  '--devices', '5', '--beat', '500ms', '--missed-limit', '4', '--for', '11s', ...FAULTS.flatMap((fault) => ['--fault', fault]),
];

export function demoSettings(): RunSettings {
  return { ...runSettings(DEMO_ARGUMENTS), network: 'real' };
}
