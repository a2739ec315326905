/** Commands with a protocol: the protocol that `--protocol` chooses, its options, and their settings. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { isProtocolName } from '../../firmware/index.ts';
import type { KeepAlive } from '../../hal/network.ts';
import { PROTOCOL_NAMES, PROTOCOLS } from '../server/protocols/index.ts';
import type { Protocol, ProtocolOption, Said, SaidSettings } from '../server/protocols/protocol.ts';
import { type Command, type CommandDefinition, defineCommand } from './command.ts';
import { type Given, type Option, type Options, readOptionsWith, splitAtTerminator } from './options.ts';
import { reasonOf } from './problem.ts';
import type { Terminal } from './terminal.ts';
import { durationOf, usage, wholeNumber } from './values.ts';
import { whyNotLoaded } from './why-not-loaded.ts';

/** Protocol of devices and server, with its settings from the command line or a plan file. */
export interface Speech {
  readonly protocol: Protocol;
  readonly settings: SaidSettings<object, object>;
  readonly beatIntervalMs: number | undefined;
  readonly missedLimit: number | undefined;
  readonly keepAlive: KeepAlive | 'off' | undefined;
}

/** Arguments of a command with a protocol, read. */
export interface GivenWithProtocol<O extends Options> extends Given<O>, Speech {
  /**
   * Resolves to the protocol and settings of some devices that have further options, given as words of the command
   * line. They are added to the command line's own, or replace these if they name a protocol. Rejects with a Problem.
   */
  speak(more: readonly string[]): Promise<Speech>;
  /** Words behind `--`: the command of the user's own server. */
  readonly serverCommand: readonly string[] | undefined;
}

type Definition<O extends Options> = Omit<CommandDefinition<O>, 'run'> & {
  readonly name: 'run' | 'serve';
  /** Whether the command line may have a command behind `--`. */
  readonly takesCommand?: boolean;
  run(given: GivenWithProtocol<O>, terminal: Terminal): Promise<number>;
};

/**
 * Defines a command with the options `--protocol`, `--beat`, `--missed-limit`, `--keepalive`, and those of every
 * protocol.
 */
export function defineProtocolCommand<const O extends Options>(definition: Definition<O>): Command {
  const { name, options } = definition;
  const known = optionsOf(name, Object.values(PROTOCOLS));
  const { help } = defineCommand({ ...definition, options: { ...options, ...known }, run: () => 0 });
  return {
    help,
    run: async (args, terminal) => definition.run(await readProtocolOptions(definition, args), terminal),
  };
}

/** Reads the arguments of a command with a protocol. Rejects with a Problem. */
export async function readProtocolOptions<const O extends Options>(
  definition: Omit<Definition<O>, 'run'>, args: readonly string[],
): Promise<GivenWithProtocol<O>> {
  const { name, options } = definition;
  const known = optionsOf(name, Object.values(PROTOCOLS));
  const { own, behind } = definition.takesCommand === true ? splitAtTerminator(args) : { own: args, behind: undefined };
  const read = async (words: readonly string[]): Promise<{ given: Given<O>; speech: Speech }> => {
    const protocol = await chosenProtocol(words);
    const more = { ...known, ...optionsOf(name, [protocol]) };
    const { given, moreValues } = readOptionsWith(name, words, options, more, definition.needs);
    const { beatIntervalMs, missedLimit, keepAlive } = new SaidWords(more, moreValues);
    const settings = settingsOf(protocol, new SaidWords(more, moreValues));
    return { given, speech: { protocol, settings, beatIntervalMs, missedLimit, keepAlive } };
  };
  const { given, speech } = await read(own);
  const speak = async (more: readonly string[]): Promise<Speech> => {
    const namesProtocol = more.some((word) => word.startsWith('--protocol='));
    return (await read(namesProtocol ? more : [...own, ...more])).speech;
  };
  return { ...given, args, ...speech, speak, serverCommand: behind };
}

// ---- choice of the protocol ----

const PROTOCOL_OPTION: Option = {
  type: 'string',
  value: PROTOCOL_NAMES.join('|'),
  default: 'heartbeat',
  opensGroup: true,
  help:
    'protocol of the devices (heartbeat), or a file with a protocol of your own, such as ./my-protocol.ts\n' +
    PROTOCOL_NAMES.map((name) => `${name}: ${PROTOCOLS[name].words.summary}`).join('\n'),
};

async function chosenProtocol(args: readonly string[]): Promise<Protocol> {
  const { values } = parseArgs({ args: [...args], options: { protocol: { type: 'string' } }, strict: false });
  const { protocol = 'heartbeat' } = values;
  if (isProtocolName(protocol)) return PROTOCOLS[protocol];
  // A missing value is reported with the other options.
  if (typeof protocol !== 'string') return PROTOCOLS.heartbeat;
  if (/[./\\]/.test(protocol)) return ownProtocol(protocol);
  throw usage(`--protocol must be ${PROTOCOL_NAMES.join(' or ')}, or a file as in ./my-protocol.ts, not '${protocol}'`);
}

async function ownProtocol(file: string): Promise<Protocol> {
  let module: unknown;
  if (!existsSync(file)) throw usage(`--protocol: there is no file ${file}`);
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw usage(`--protocol ${file}: ${whyNotLoaded(error) ?? reasonOf(error)}`);
  }
  const protocol: unknown = isObject(module) ? module['default'] : undefined;
  if (isProtocol(protocol)) return protocol;
  throw usage(`--protocol ${file}: its default export must be a protocol, { device, server } (see sim/README.md)`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isProtocol(value: unknown): value is Protocol {
  if (!isObject(value) || !isObject(value['device']) || !isObject(value['server'])) return false;
  const { device, server } = value;
  const ofDevice = typeof device['name'] === 'string' && isObject(device['defaults'])
    && typeof device['rules'] === 'function' && typeof device['start'] === 'function';
  const isServed = server['transport'] === 'stream' || server['transport'] === 'datagram';
  return (
    ofDevice &&
    isServed &&
    isObject(server['liveness']) &&
    isObject(server['defaults']) &&
    typeof server['serve'] === 'function'
  );
}

// ---- options of protocols ----

const SHARED_OPTIONS: Options = {
  beat: { type: 'string', value: '3s', help: 'interval of the heartbeats, or of the protocol\'s own beat' },
  'missed-limit': { type: 'string', value: '5', help: 'number of missed beats after which an end gives up' },
  keepalive: {
    type: 'string', value: '3/3/3 | off',
    help: 'TCP keepalive of the devices and of our own server: idle and interval in seconds, count (off; with '
      + '--protocol echo 3/3/3 on the devices)',
  },
};

/**
 * Whether a plan file can set this option for some devices: an option of a built-in protocol, or one that all protocols
 * share.
 */
export function isSpeechOption(option: string): boolean {
  return Object.hasOwn(optionsOf('run', Object.values(PROTOCOLS)), option.replace(/^no-/, ''));
}

/** Returns the options of protocols. Options of the same name are one option. */
function optionsOf(command: 'run' | 'serve', protocols: readonly Protocol[]): Options {
  const own = new Map<string, { readonly option: ProtocolOption; readonly names: string[] }>();
  for (const { device: { name }, words } of protocols) {
    for (const [word, option] of Object.entries(words?.options ?? {})) {
      if (option.only !== undefined && option.only !== command) continue;
      const there = own.get(word);
      if (there === undefined) own.set(word, { option, names: [name] });
      else there.names.push(name);
    }
  }
  const options = Array.from(own, ([word, { option: { only: _, ...option }, names }]): [string, Option] => {
    return [word, { ...option, help: `${names.join(', ')}: ${option.help}` }];
  });
  return { protocol: PROTOCOL_OPTION, ...SHARED_OPTIONS, ...Object.fromEntries(options) };
}

/** Values of options. It records which options the protocol has asked for. */
class SaidWords implements Said {
  readonly #options: Options;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #read = new Set(['protocol']);

  constructor(options: Options, values: Readonly<Record<string, unknown>>) {
    this.#options = options;
    this.#values = values;
  }

  get beatIntervalMs(): number | undefined {
    return this.durationMs('beat');
  }

  get missedLimit(): number | undefined {
    return this.whole('missed-limit', 1, 1000);
  }

  get keepAlive(): KeepAlive | 'off' | undefined {
    const text = this.text('keepalive');
    return text === undefined ? undefined : parseKeepAlive(text);
  }

  flag(option: string): boolean {
    return this.#valueOf(option) === true;
  }

  durationMs(option: string): number | undefined {
    return durationOf(`--${option}`, this.text(option));
  }

  whole(option: string, min: number, max: number): number | undefined {
    const text = this.text(option);
    return text === undefined ? undefined : wholeNumber(`--${option}`, text, min, max);
  }

  text(option: string): string | undefined {
    const value = this.#valueOf(option);
    return typeof value === 'string' ? value : undefined;
  }

  choice<Word extends string>(option: string, words: readonly Word[]): Word | undefined {
    const text = this.text(option);
    const word = words.find((one) => one === text);
    if (text === undefined || word !== undefined) return word;
    throw usage(`--${option} must be ${words.join(', ').replace(/, ([^,]*)$/, ' or $1')}, not '${text}'`);
  }

  seconds(option: string, min: number, max: number): number | undefined {
    const text = this.text(option);
    const ms = durationOf(`--${option}`, text, { maxMs: Infinity });
    if (ms === undefined) return undefined;
    const seconds = ms / 1000;
    if (Number.isInteger(seconds) && seconds >= min && seconds <= max) return seconds;
    throw usage(`--${option} must be ${min} to ${max} whole seconds with this protocol, not '${text}'`);
  }

  /** Returns an option that was given, but that the protocol has not asked for. */
  get unusedOption(): string | undefined {
    const unused = Object.entries(this.#values).find(([name, value]) => {
      return value !== undefined && value !== this.#options[name]?.default && !this.#read.has(name);
    });
    return unused && `--${unused[1] === false ? 'no-' : ''}${unused[0]}`;
  }

  #valueOf(option: string): unknown {
    this.#read.add(option);
    return this.#values[option] ?? this.#options[option]?.default;
  }
}

function settingsOf(protocol: Protocol, said: SaidWords): SaidSettings<object, object> {
  const settings = protocol.words?.settings(said) ?? plainSettings(protocol, said);
  const { unusedOption } = said;
  if (unusedOption !== undefined) throw usage(`${unusedOption} has no effect with --protocol ${protocol.device.name}`);
  return settings;
}

/** Returns the settings for a protocol that defines no options of its own. */
function plainSettings({ device: { defaults } }: Protocol, said: Said): SaidSettings<object, object> {
  return 'keepAlive' in defaults ? { device: { keepAlive: said.keepAlive } } : {};
}

/** Reads `idle/interval/count`, or `off`. Throws a Problem. */
export function parseKeepAlive(text: string): KeepAlive | 'off' {
  if (text === 'off') return 'off';
  const [, idle, interval, count] = /^(\d+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  if (idle === undefined || interval === undefined || count === undefined) {
    throw usage(`--keepalive must be idle/interval/count in seconds, as in 3/3/3, or off, not '${text}'`);
  }
  // Limits of Linux (tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
  return {
    idle: wholeNumber('the idle time of --keepalive', idle, 1, 32_767),
    interval: wholeNumber('the interval of --keepalive', interval, 1, 32_767),
    count: wholeNumber('the count of --keepalive', count, 1, 127),
  };
}
