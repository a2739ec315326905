/** `cablepull/hal`: the contract between firmware and what it runs on. */

export type * from './clock.ts';
export type * from './console.ts';
export * from './errno.ts';
export type * from './hal.ts';
export type * from './network.ts';
export type * from './random.ts';
export * from './storage.ts';
export type * from './system.ts';
