/** Everything that can be put on a cable. */

export { bandwidth } from './bandwidth.ts';
export { blackhole } from './blackhole.ts';
export { type Bursts, burstLoss } from './burst-loss.ts';
export { corrupt } from './corrupt.ts';
export { duplicate } from './duplicate.ts';
export { jitter } from './jitter.ts';
export { latency } from './latency.ts';
export { loss } from './loss.ts';
export { mtuBlackhole } from './mtu-blackhole.ts';
export { reorder } from './reorder.ts';
