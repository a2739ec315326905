/** `cablepull/server-bench`: simulated devices against your own server. */

export { ServerBench, ServerBenchError, type ServerBenchOptions } from './server-bench.ts';
