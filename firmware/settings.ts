/** Checks of the settings of a firmware image: rules by field, and the sentence for a value that is not allowed. */

/** A setting that cannot be: `message` names the field and says what it must be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Passes a value, or throws a ConfigError about it. `field` is its path. */
export type SettingRule = (value: unknown, field: string) => void;

/** A rule for each setting there is. */
export type SettingRules = Readonly<Record<string, SettingRule>>;

/** The rules for settings of this type: the compiler names the ones that are missing. */
export type SettingRulesFor<Settings> = SettingRules & { readonly [Name in keyof Settings]-?: SettingRule };

const INT32_MAX = 2 ** 31 - 1;

/** Checks every field, in the order of the rules. Throws a ConfigError, also for a field that has no rule. */
export function checkSettings(settings: object, rules: SettingRules, path = ''): void {
  for (const name of Object.keys(settings)) {
    if (Object.hasOwn(rules, name)) continue;
    throw new ConfigError(`config.${path}${name} is not a setting; there are: ${Object.keys(rules).join(', ')}`);
  }
  for (const [name, rule] of Object.entries(rules)) rule(Reflect.get(settings, name), path + name);
}

/** A whole number; without `max`, of 31 bits. */
export function whole(unit: string, min: number, max = INT32_MAX): SettingRule {
  return (value, field) => {
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    if (!fits) refuse(field, `a whole number from ${min} to ${max} (${unit})`, value);
  };
}

/**
 * A time that the kernel counts. It must not round to no tick at all, which would be no wait; and of two tick counts
 * only those less than half of 2^32 apart can be put in order.
 */
export function duration(tickRateHz: number, minTicks = 1, unit = 'milliseconds'): SettingRule {
  const minMs = Math.ceil((minTicks * 1000) / tickRateHz);
  const maxMs = Math.min(Math.floor((INT32_MAX * 1000) / tickRateHz), INT32_MAX);
  return whole(`${unit}, at ${tickRateHz} ticks a second`, minMs, maxMs);
}

/** Rule as `duration`; or 0, which means none. */
export function durationOrNone(tickRateHz: number, minTicks = 1): SettingRule {
  const rule = duration(tickRateHz, minTicks, '0 for none; milliseconds');
  return (value, field) => {
    if (value !== 0) rule(value, field);
  };
}

/** True or false. */
export function checkBoolean(value: unknown, field: string): void {
  if (typeof value !== 'boolean') refuse(field, 'true or false', value);
}

/** One of these words. */
export function oneOf(words: readonly string[]): SettingRule {
  const must = words.map((word) => `'${word}'`).join(' or ');
  return (value, field) => {
    if (typeof value !== 'string' || !words.includes(value)) refuse(field, must, value);
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws the ConfigError about a field, whose path is '' for the settings as a whole. */
export function refuse(field: string, must: string, value: unknown): never {
  throw new ConfigError(`config${field === '' ? '' : `.${field}`} must be ${must}, not ${shown(value)}`);
}

const SHOWN_MAX = 40;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}...` : value);
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
      return 'a function';
    default:
      return String(value);
  }
}
