/** `cablepull/hal/node`: the HAL on this machine's own sockets, clock and files. */

export * from './clock.ts';
export * from './hal.ts';
export * from './network.ts';
export * from './random.ts';
export * from './storage.ts';
