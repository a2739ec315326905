/** A Linux kernel's sockets in the words of `netstat -to`, beside those of the simulated hosts. */

import type { NetstatRow, NetstatTimer } from '../netstat.ts';
import type { KernelSocket } from './proc-net-tcp.ts';

/** Returns the server's connections, in the order of the kernel's table; `nameOf` returns the owner of an address. */
export function kernelNetstat(
  host: string,
  sockets: readonly KernelSocket[],
  nameOf: (address: string) => string | undefined,
): NetstatRow[] {
  return sockets.flatMap((socket) => {
    const { local, remote, state, receiveQueueBytes, sendQueueBytes } = socket;
    if (state === 'LISTEN' || state === 'NEW-SYN-RECV') return [];
    return [
      {
        host,
        local,
        peer: nameOf(remote.address),
        remote,
        state,
        receiveQueueBytes,
        sendQueueBytes,
        timer: timerOf(socket),
      },
    ];
  });
}

/** tcp4_seq_show: 1 retransmission or the probe of the tail, 2 keepalive, 3 TIME-WAIT, 4 a closed window. */
const KINDS = { 1: 'on', 2: 'keepalive', 3: 'timewait', 4: 'probe' } as const;

function timerOf({ timer, timerMs, retransmissions, probes }: KernelSocket): NetstatTimer {
  if (timer !== 1 && timer !== 2 && timer !== 3 && timer !== 4) return { kind: 'off' };
  return { kind: KINDS[timer], remainingMs: timerMs, retransmissions, probes };
}
