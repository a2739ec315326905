/** What a protocol is as a whole: what devices run, what the server runs, and what the command line has to know. */

import type { DeviceProtocol, ProtocolSettings } from '../../../firmware/index.ts';
import type { SocketAddress } from '../../../hal/network.ts';
import type { Liveness } from '../client-table.ts';
import type { ServerEvent } from '../events.ts';
import type { Limits } from '../limits.ts';

/** A protocol, as it stands in the table in index.ts, or comes from a file of the user's own. */
export interface Protocol<
  DeviceSettings extends ProtocolSettings = ProtocolSettings, ServiceSettings extends object = object,
> {
  readonly device: DeviceProtocol<DeviceSettings>;
  readonly server: ServerProtocol<ServiceSettings>;
}

/** The server's side of a protocol with these settings. */
export interface ServerProtocol<Settings extends object = object> {
  /** Over connections, or over datagrams: then a client is an address that a datagram came from. */
  readonly transport: 'stream' | 'datagram';
  /** When its clients count as gone, unless the server is told otherwise. */
  readonly liveness: Liveness;
  readonly defaults: Settings;
  /** What is wrong with the settings, as a sentence that begins with the setting's name; undefined: nothing. */
  problem?(settings: Settings): string | undefined;
  /** The service that a server offers at one port. */
  serve(settings: Settings, host: ServiceHost): Service;
}

/** What a service may ask of the server that it runs in. */
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
  /** How often each client has a turn; not there: never. */
  readonly turnIntervalMs?: number;
  /** A client comes. */
  open(client: Client): ClientHandler;
  /** `data` as one message, for any client. Not there: the protocol has no such thing. */
  message?(data: Uint8Array): Uint8Array;
  /** The time has come that it set. */
  due?(): void;
}

/** What a service may do with a client; what it does after the client has gone off line, does nothing. */
export interface Client {
  /** Counts from 1 in its server, and is never used again. */
  readonly id: number;
  readonly peer: SocketAddress;
  /** A valid frame came, a beat or not. A client that sends too many goes off line. */
  frame(isBeat: boolean): void;
  /** So much data came. */
  data(bytes: number): void;
  /** Sends `bytes`, which are not to be changed any more: on a connection they follow the others, else they are one datagram. */
  send(bytes: Uint8Array): void;
  /** Calls the handler's `due` at this time, in place of the one that was set before; Infinity: never. */
  setDeadline(atMs: number): void;
  /** Takes it off line: what was sent still goes out, then the connection is closed. `reason` is a sentence without a full stop. */
  drop(reason: string): void;
}

/** One client's side of the service. */
export interface ClientHandler {
  /** The client is on line: the server may speak. */
  begin?(): void;
  /** Takes the first `count` of `bytes`, or one datagram. When that is not what was agreed: why. */
  received(bytes: Uint8Array, count: number): string | undefined;
  /** It is the server's turn to speak. `pushed`: it sent data; `unanswered`: the first time that it waits in vain. */
  turn?(): 'pushed' | 'unanswered' | undefined;
  /** The time has come that was set for this client. */
  due?(): void;
  /** The client has gone off line, for whatever reason. */
  ended?(): void;
  /** A frame has begun and not ended. */
  readonly partial?: boolean;
}
