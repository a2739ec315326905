/** `cablepull/server-bench`: simulated devices against your own server. */

export type { TunOptions } from './attachment.ts';
export { ServerBench, ServerBenchError, type ServerBenchOptions } from './server-bench.ts';
