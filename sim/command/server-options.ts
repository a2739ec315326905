/** Settings of our own server, from options that may be missing. */

import { serverSettings, type ServerOptions } from '../server/settings.ts';
import { usage } from './values.ts';

/** Returns the options if they are valid. Throws a Problem if not. */
export function checkServer(options: ServerOptions): ServerOptions {
  const settings = serverSettings(options);
  if (typeof settings === 'string') throw usage(settings);
  return options;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Returns the fields that are not undefined, so that the others do not hide a default. */
export function defined<T extends object>(fields: T): Defined<T> {
  const result: Defined<T> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) Reflect.set(result, name, value);
  return result;
}
