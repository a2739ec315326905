/** The matrix of the UDP heartbeat: nobody answers, so that the server alone can notice, and only by silence. */

import { firmware, referenceServer, SIMULATED_SERVERS } from '../programs.ts';
import type { MatrixFault } from './matrix.ts';
import type { ProtocolPolicy } from './policy.ts';
import { usualFaultsAt } from './usual-faults.ts';

export const UDP_HEARTBEAT_POLICIES: readonly ProtocolPolicy[] = [
  policy('1 s x 3', 1000, 3), policy('5 s x 3', 5000, 3), policy('30 s x 3', 30_000, 3), policy('5 s x 12', 5000, 12),
];

function policy(name: string, beatIntervalMs: number, missedLimit: number): ProtocolPolicy {
  return {
    name,
    device: firmware({ protocol: 'udp-heartbeat', servers: SIMULATED_SERVERS, beatIntervalMs }),
    server: referenceServer({
      protocol: { kind: 'udp-heartbeat' },
      liveness: { policy: 'idle', checkIntervalMs: 1000, idleMs: beatIntervalMs * missedLimit },
      beatEvents: true,
    }),
  };
}

const AT = '10m';
const usual = usualFaultsAt(AT);

export const UDP_HEARTBEAT_FAULTS: readonly MatrixFault[] = [
  usual(
    'cable',
    'The server counts the time since the last beat. Nothing answers the device, so it learns nothing.',
  ),
  {
    name: 'cable, for 10 s',
    plan: `cable-pull on dev-1 at ${AT} for 10s`,
    why: 'Lost beats are not sent again. A server that allows a longer silence never notices.',
  },
  usual('power', 'The same as a pulled cable.'),
  usual('power and reboot', 'The device beats from another port: to the server it is a second sender, beside a ghost.'),
  usual('hang', 'A hung firmware sends no beats.'),
  usual('server power', 'The device goes on sending beats: nothing tells it that nobody is there.'),
];
