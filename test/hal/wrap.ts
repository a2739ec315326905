/** Ports made from another port, with something changed in them. */

import type {
  Clock,
  DatagramSocket,
  Hal,
  ListeningSocket,
  Network,
  Storage,
  StreamHandler,
  StreamSocket,
} from '../../hal/index.ts';

type Change = (hal: Hal) => Hal;

export const withClock = (change: (clock: Clock) => Partial<Clock>): Change => (hal) => {
  const { clock } = hal;
  const same: Clock = {
    now: () => clock.now(),
    setAlarm: (atMs, isr) => clock.setAlarm(atMs, isr),
    clearAlarm: () => clock.clearAlarm(),
  };
  return { ...hal, clock: { ...same, ...change(clock) } };
};

export const withNetwork = (change: (network: Network) => Partial<Network>): Change => (hal) => ({
  ...hal,
  network: { ...hal.network, ...change(hal.network) },
});

export const withStorage = (change: (storage: Storage) => Partial<Storage>): Change => (hal) => ({
  ...hal,
  storage: { ...hal.storage, ...change(hal.storage) },
});

interface StreamChange {
  readonly handler?: Partial<StreamHandler>;
  /** Called with each socket, unchanged. */
  readonly socket?: (socket: StreamSocket) => Partial<StreamSocket>;
}

/** Changes the events or the calls of streams: of those that connect (`connected` is false), and of accepted ones. */
export const withStreams = (change: (handler: StreamHandler, connected: boolean) => StreamChange): Change => {
  const wrap = (
    handler: StreamHandler,
    connected: boolean,
    open: (handler: StreamHandler) => StreamSocket | undefined,
  ) => {
    const changed = change(handler, connected);
    const socket = open({
      readable: () => handler.readable(),
      writable: () => handler.writable(),
      ended: (reason) => handler.ended(reason),
      ...changed.handler,
    });
    if (socket === undefined) return undefined;
    const plain: StreamSocket = {
      get local() {
        return socket.local;
      },
      get remote() {
        return socket.remote;
      },
      bind: (local) => socket.bind(local),
      connect: (remote) => socket.connect(remote),
      read: (into) => socket.read(into),
      write: (from) => socket.write(from),
      shutdown: () => socket.shutdown(),
      close: () => socket.close(),
      abort: () => socket.abort(),
      setNoDelay: (on) => socket.setNoDelay(on),
      setKeepAlive: (keepAlive) => socket.setKeepAlive(keepAlive),
      setUserTimeout: (timeoutMs) => socket.setUserTimeout(timeoutMs),
    };
    return Object.defineProperties(plain, Object.getOwnPropertyDescriptors(changed.socket?.(socket) ?? {}));
  };
  return withNetwork((network) => ({
    openStream(handler) {
      const stream = wrap(handler, false, network.openStream);
      if (stream === undefined) throw new Error('openStream gives a stream');
      return stream;
    },
    listen(local, backlog, listenHandler) {
      const listener = network.listen(local, backlog, listenHandler);
      return {
        get local() {
          return listener.local;
        },
        accept: (handler) => wrap(handler, true, (changed) => listener.accept(changed)),
        close: () => listener.close(),
      } satisfies ListeningSocket;
    },
  }));
};

export const withDatagrams = (change: (socket: DatagramSocket) => Partial<DatagramSocket>): Change =>
  withNetwork((network) => ({
    openDatagram(local, handler) {
      const socket = network.openDatagram(local, handler);
      const plain: DatagramSocket = {
        get local() {
          return socket.local;
        },
        get sender() {
          return socket.sender;
        },
        receive: (into) => socket.receive(into),
        sendTo: (from, remote) => socket.sendTo(from, remote),
        close: () => socket.close(),
      };
      return Object.assign(plain, change(socket));
    },
  }));
