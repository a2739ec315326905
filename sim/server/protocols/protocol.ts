/** A protocol as a whole: the device's side, the server's side, and the words that the command line needs. */

import type { DeviceProtocol, ProtocolSettings } from '../../../firmware/index.ts';
import type { KeepAlive, SocketAddress } from '../../../hal/network.ts';
import type { Liveness } from '../client-table.ts';
import type { OfflineReason, ServerEvent } from '../events.ts';
import type { Limits } from '../limits.ts';

/** A protocol, as it stands in the table in index.ts, or comes from a file of the user's own. */
export interface Protocol<
  DeviceSettings extends ProtocolSettings = ProtocolSettings, ServiceSettings extends object = object,
> {
  readonly device: DeviceProtocol<DeviceSettings>;
  readonly server: ServerProtocol<ServiceSettings>;
  /** Not there: the command line has no options for it. */
  readonly words?: ProtocolWords<DeviceSettings, ServiceSettings>;
}

/** A protocol of this project: the command line knows its words. */
export type ListedProtocol<
  DeviceSettings extends ProtocolSettings = ProtocolSettings, ServiceSettings extends object = object,
> = Required<Protocol<DeviceSettings, ServiceSettings>>;

/** Words that the command line needs of a protocol. */
export interface ProtocolWords<DeviceSettings extends ProtocolSettings, ServiceSettings extends object> {
  /** Summary for `--help`: a few words, without a full stop. */
  readonly summary: string;
  /** The options that `cablepull run` and `cablepull serve` have for it, by name. */
  readonly options?: Readonly<Record<string, ProtocolOption>>;
  /** Returns the settings of both ends that follow from the options. */
  settings(said: Said): SaidSettings<Omit<DeviceSettings, 'servers'>, ServiceSettings>;
}

/** An option of the command line. */
export interface ProtocolOption {
  readonly type: 'string' | 'boolean';
  /** A flag that is on by default is given as `--no-NAME`. */
  readonly default?: string | boolean;
  /** Placeholder of the value in the help, as in `--devices N`. */
  readonly value?: string;
  readonly help: string;
  /** The only command that has it. */
  readonly only?: 'run' | 'serve';
}

/**
 * Options that were given on the command line. An option that was given and that the protocol does not ask for is
 * refused.
 */
export interface Said {
  /** `--beat`. */
  readonly beatIntervalMs: number | undefined;
  /** `--missed-limit`. */
  readonly missedLimit: number | undefined;
  /** `--keepalive`, of the devices; for the server's connections it holds anyway. */
  readonly keepAlive: KeepAlive | 'off' | undefined;
  /**
   * Values of the protocol's own options; undefined if an option was not given. A value that is not valid is refused.
   */
  flag(option: string): boolean;
  durationMs(option: string): number | undefined;
  whole(option: string, min: number, max: number): number | undefined;
  text(option: string): string | undefined;
  /** One of these words. */
  choice<Word extends string>(option: string, words: readonly Word[]): Word | undefined;
  /** A duration of whole seconds, given as how many. */
  seconds(option: string, min: number, max: number): number | undefined;
}

/** Settings that follow from what was said. Undefined, or not there: the default holds. */
export interface SaidSettings<DeviceSettings, ServiceSettings> {
  readonly device?: { readonly [Name in keyof DeviceSettings]?: DeviceSettings[Name] | undefined };
  readonly service?: { readonly [Name in keyof ServiceSettings]?: ServiceSettings[Name] | undefined };
  readonly liveness?: Liveness;
  /** The server is to tell of each beat, as nobody answers them. */
  readonly beatEvents?: boolean;
}

/** The server's side of a protocol with these settings. */
export interface ServerProtocol<Settings extends object = object> {
  /** Over connections, or over datagrams: then a client is an address that a datagram came from. */
  readonly transport: 'stream' | 'datagram';
  /** Rule by which its clients count as gone, unless the server's settings say otherwise. */
  readonly liveness: Liveness;
  readonly defaults: Settings;
  /** Limits of its clients, where they differ from those of other servers. */
  readonly limits?: Partial<Limits>;
  /**
   * Nothing that one client does is ever seen by another, so that a large fleet may be split over several servers
   * (`cablepull run --jobs`). Not there: they meet.
   */
  readonly clientsNeverMeet?: true;
  /** Returns what is wrong with the settings, as a sentence that begins with the setting's name; undefined: nothing. */
  problem?(settings: Settings): string | undefined;
  /** The service that a server offers at one port. */
  serve(settings: Settings, host: ServiceHost): Service;
}

/** The part of its server that a service uses. */
export interface ServiceHost {
  readonly limits: Limits;
  /** The clock's time. While bytes are read: when their reading began. */
  now(): number;
  /** Calls the service's `due` at this time, in place of the one that was set before; Infinity: never. */
  setDeadline(atMs: number): void;
  /** Adds to what the server tells. */
  tell(event: ServerEvent): void;
}

/** One protocol at one port: what its clients have in common. To reach the others, it keeps whom it has opened. */
export interface Service {
  /** Interval of each client's turns; undefined: never. */
  readonly turnIntervalMs?: number;
  /** A client comes. */
  open(client: Client): ClientHandler;
  /** `data` as one message, for any client. Not there: the protocol has no such thing. */
  message?(data: Uint8Array): Uint8Array;
  /** The time has come that it set. */
  due?(): void;
}

/** A client, as a service sees it. Calls after the client has gone offline have no effect. */
export interface Client {
  /** Counts from 1 in its server, and is never used again. */
  readonly id: number;
  readonly peer: SocketAddress;
  /** A valid frame arrived, a beat or not. A client that sends too many goes offline. */
  frame(isBeat: boolean): void;
  /** Data of this length arrived. */
  data(bytes: number): void;
  /**
   * Sends `bytes`, which are not to be changed any more: on a connection they follow the others, else they are one
   * datagram.
   */
  send(bytes: Uint8Array): void;
  /** Calls the handler's `due` at this time, in place of the one that was set before; Infinity: never. */
  setDeadline(atMs: number): void;
  /**
   * Takes the client offline: bytes that the connection has accepted still go out, then it is closed. `reason` is a
   * sentence without a full stop.
   */
  drop(reason: string): void;
  /** Takes the client offline, because it was silent for longer than its protocol allows. */
  dropSilent(): void;
  /** Takes the client offline, because the same device has connected again, as the client of that number. */
  dropTakenOver(by: number): void;
  /** Takes the client offline, because the peers of these names do not hear it. */
  dropReported(by: readonly string[]): void;
}

/** One client's side of the service. */
export interface ClientHandler {
  /** The client is online: the server may speak. */
  begin?(): void;
  /** Takes the first `count` of `bytes`, or one datagram. When that is not what was agreed: why. */
  received(bytes: Uint8Array, count: number): string | undefined;
  /** The server's turn to speak. `pushed`: it sent data; `unanswered`: the first time that it waits in vain. */
  turn?(): 'pushed' | 'unanswered' | undefined;
  /** The time has come that was set for this client. */
  due?(): void;
  /** The client has gone offline. */
  ended?(reason: OfflineReason): void;
  /** A frame has begun and not ended. */
  readonly partial?: boolean;
}
