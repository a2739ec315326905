/** The conformance suite catches ports that are wrong: each of these is hal/node with one fault put in. */

import { afterAll, describe, expect, test } from 'vitest';
import { checks } from '../../hal/conformance/index.ts';
import { failure } from '../../hal/index.ts';
import type { Hal } from '../../hal/index.ts';
import { nodeClock } from '../../hal/node/index.ts';
import { nodeSubject, temporaryFolder } from './subject.ts';
import { withClock, withDatagrams, withNetwork, withStorage, withStreams } from './wrap.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

interface WrongPort {
  readonly fault: string;
  /** The check that must catch the fault, by the start of its name, and the message it must give. */
  readonly check: string;
  readonly says: RegExp;
  readonly make: (hal: Hal) => Hal;
  /** Whether the check waits in vain for something. Then its clock runs FASTER. */
  readonly inVain?: true;
}

const FASTER = 8;

const wrongPorts: readonly WrongPort[] = [
  {
    fault: 'alarms come up to a millisecond early',
    check: 'clock: an alarm comes once',
    says: /ms early/,
    make: withClock((clock) => ({ setAlarm: (atMs, isr) => clock.setAlarm(atMs - 1, isr) })),
  },
  {
    fault: 'alarms come twice',
    check: 'clock: an alarm comes once',
    says: /more than once/,
    make: withClock((clock) => ({
      setAlarm(atMs, isr) {
        const other = nodeClock();
        other.setAlarm(other.now() + atMs - clock.now() + 2, isr);
        clock.setAlarm(atMs, isr);
      },
    })),
  },
  {
    fault: 'an alarm in the past is called at once',
    check: 'clock: an alarm in the past',
    says: /the alarm was called back from within setAlarm/,
    make: withClock((clock) => ({
      setAlarm: (atMs, isr) => (atMs <= clock.now() ? isr() : clock.setAlarm(atMs, isr)),
    })),
  },
  {
    fault: 'alarms add up',
    check: 'clock: arming again replaces',
    says: /replaced/,
    make: withClock((clock) => ({
      setAlarm(atMs, isr) {
        const other = nodeClock();
        other.setAlarm(other.now() + atMs - clock.now(), isr);
      },
    })),
  },
  {
    fault: 'clearAlarm does nothing',
    check: 'clock: a cleared alarm',
    says: /had been cleared/,
    make: withClock(() => ({ clearAlarm: () => {} })),
  },
  {
    fault: 'the clock goes back',
    check: 'clock: now never goes back',
    says: /went back/,
    make: withClock((clock) => {
      let calls = 0;
      return { now: () => clock.now() - ((calls += 1) % 10 === 0 ? 2 : 0) };
    }),
  },
  {
    fault: 'connected is told twice',
    check: 'stream: the first writable',
    says: /number of writable events of an idle client is 2/,
    make: withStreams((handler) => ({
      handler: {
        writable() {
          handler.writable();
          handler.writable();
        },
      },
    })),
  },
  {
    fault: 'a refusal is a plain close',
    check: 'stream: a closed port refuses',
    says: /ended as closed, but must as ECONNREFUSED/,
    make: withStreams((handler) => ({ handler: { ended: () => handler.ended('closed') } })),
  },
  {
    fault: 'an error is told once and then forgotten',
    check: 'stream: a closed port refuses',
    says: /read after the refusal gave EAGAIN/,
    make: withStreams(() => ({ socket: () => ({ read: () => failure('EAGAIN') }) })),
  },
  {
    fault: 'the local port cannot be chosen',
    check: 'stream: the local port can be chosen',
    says: /local.port of the client/,
    make: withStreams(() => ({ socket: () => ({ bind: () => 0 }) })),
  },
  {
    fault: 'a local port that is taken is passed over',
    check: 'stream: a local port that is taken',
    says: /ended as undefined|s in vain for the refusal/,
    inVain: true,
    make: withStreams(() => ({ socket: () => ({ bind: () => 0 }) })),
  },
  {
    fault: 'keepalive claims more than it does',
    check: 'stream: options answer',
    says: /setKeepAlive/,
    make: withStreams(() => ({ socket: () => ({ setKeepAlive: () => 'none' }) })),
  },
  {
    fault: 'write calls back at once',
    check: 'stream: bytes arrive as they were written',
    says: /readable of the client was called back from within write/,
    make: withStreams((handler) => ({
      socket: (socket) => ({
        write(from) {
          const result = socket.write(from);
          handler.readable();
          return result;
        },
      }),
    })),
  },
  {
    fault: 'write keeps the buffer',
    check: 'stream: bytes arrive as they were written',
    says: /the buffer around and with what arrived is 170 170 238/,
    make: withStreams(() => ({
      socket: (socket) => ({
        write(from) {
          setImmediate(() => socket.write(from));
          return from.length;
        },
      }),
    })),
  },
  {
    fault: 'read throws away what does not fit',
    check: 'stream: bytes that nobody reads',
    says: /not what was sent|in vain/,
    inVain: true,
    make: withStreams(() => ({
      socket: (socket) => ({
        read(into) {
          const large = new Uint8Array(65_536);
          const result = socket.read(large);
          if (result <= 0) return result;
          into.set(large.subarray(0, Math.min(result, into.length)));
          return Math.min(result, into.length);
        },
      }),
    })),
  },
  {
    fault: 'an endless writer is never held back',
    check: 'stream: an endless writer',
    says: /write took \d+ bytes that nobody reads/,
    make: withStreams(() => ({ socket: () => ({ write: (from) => from.length }) })),
  },
  {
    fault: 'writable comes only once',
    check: 'stream: an endless writer',
    says: /in vain for writable/,
    inVain: true,
    make: withStreams((handler) => {
      let isConnected = false;
      return {
        handler: {
          writable() {
            if (!isConnected) handler.writable();
            isConnected = true;
          },
        },
      };
    }),
  },
  {
    fault: "the peer's FIN is an error",
    check: "stream: the peer's FIN",
    says: /is ECONNRESET, but must be closed/,
    make: withStreams((handler) => ({
      handler: { ended: (reason) => handler.ended(reason === 'closed' ? 'ECONNRESET' : reason) },
    })),
  },
  {
    fault: 'the end is told twice',
    check: "stream: the peer's FIN",
    says: /came twice: closed, then EIO/,
    make: withStreams((handler) => ({
      handler: {
        ended(reason) {
          handler.ended(reason);
          handler.ended('EIO');
        },
      },
    })),
  },
  {
    fault: 'bytes before the FIN are lost',
    check: "stream: the peer's FIN",
    says: /number of bytes that were read after the FIN is 0/,
    make: withStreams(() => ({
      socket: (socket) => ({ read: (into) => (socket.read(into) < 0 ? failure('EAGAIN') : 0) }),
    })),
  },
  {
    fault: 'close drops what was not sent yet',
    check: 'stream: what was taken is still sent',
    says: /read at the end gave ECONNRESET/,
    make: withStreams(() => ({ socket: (socket) => ({ close: () => socket.abort() }) })),
  },
  {
    fault: 'a reset is a plain close',
    check: "stream: the peer's reset",
    says: /ended as closed, but must as ECONNRESET/,
    make: withStreams((handler) => ({ handler: { ended: () => handler.ended('closed') } })),
  },
  {
    fault: 'abort is a plain close',
    check: 'stream: abort resets',
    says: /ended as closed, but must as ECONNRESET/,
    make: withStreams(() => ({ socket: (socket) => ({ abort: () => socket.close() }) })),
  },
  {
    fault: 'shutdown closes both directions',
    check: 'stream: after shutdown',
    says: /write after shutdown gave ENOTCONN/,
    make: withStreams(() => ({
      socket: (socket) => ({
        shutdown() {
          socket.close();
          return 0;
        },
      }),
    })),
  },
  {
    fault: 'what is on its way is called back after close',
    check: 'stream: nothing is called back after close()',
    says: /of the client that left.* was called back after close/,
    make: withStreams((handler) => ({
      socket: (socket) => ({
        close() {
          socket.close();
          setImmediate(() => handler.ended('closed'));
        },
      }),
    })),
  },
  {
    fault: 'a look-up of an address calls back at once',
    check: 'lookup: an address',
    says: /called back from within lookup/,
    make: withNetwork(() => ({
      lookup(name, done) {
        done([name]);
        return { cancel() {} };
      },
    })),
  },
  {
    fault: 'a look-up cannot be cancelled',
    check: 'lookup: nothing is called back after cancel',
    says: /called back after close|called back after cancel/,
    make: withNetwork((network) => ({
      lookup(name, done) {
        network.lookup(name, done);
        return { cancel() {} };
      },
    })),
  },
  {
    fault: 'a port that is taken is replaced by another',
    check: 'listen: a port that is taken',
    says: /is undefined, but must be EADDRINUSE/,
    make: withNetwork((network) => ({
      listen: (local, backlog, handler) => network.listen({ ...local, port: 0 }, backlog, handler),
    })),
  },
  {
    fault: 'connections come out of accept in the wrong order',
    check: 'listen: any free port',
    says: /in vain for 1000 bytes/,
    inVain: true,
    make: withNetwork((network) => ({
      listen(local, backlog, handler) {
        const listener = network.listen(local, backlog, handler);
        return {
          get local() {
            return listener.local;
          },
          accept(streamHandler) {
            // The first waiter goes to the end of the queue, so it gets the second one's result.
            const first = listener.accept({ readable() {}, writable() {}, ended() {} });
            return first && listener.accept(streamHandler);
          },
          close: () => listener.close(),
        };
      },
    })),
  },
  {
    fault: 'the backlog is not kept',
    check: 'listen: no more connections wait',
    says: /6 connections waited, but the backlog was 2/,
    make: withNetwork((network) => ({
      listen: (local, _backlog, handler) => network.listen(local, 100, handler),
    })),
  },
  {
    fault: 'empty datagrams are thrown away',
    check: 'datagram: each arrives whole',
    says: /in vain for a datagram of 0 bytes/,
    inVain: true,
    make: withDatagrams((socket) => ({
      receive(into) {
        const result = socket.receive(into);
        return result === 0 ? failure('EAGAIN') : result;
      },
    })),
  },
  {
    fault: 'a datagram that is too long is cut',
    check: 'datagram: too long',
    says: /must give EMSGSIZE/,
    make: withDatagrams((socket) => ({ sendTo: (from, remote) => socket.sendTo(from.subarray(0, 1000), remote) })),
  },
  {
    fault: 'a raw frame of any length is taken',
    check: 'frame: one is taken whole',
    says: /sendFrame of 20000 bytes gave 20000, but must give EMSGSIZE/,
    make: withNetwork(() => ({ sendFrame: (frame) => frame.length })),
  },
  {
    fault: 'a raw frame loses its check sequence',
    check: 'frame: one is taken whole',
    says: /sendFrame of 72 bytes gave 68/,
    make: withNetwork(() => ({ sendFrame: (frame) => frame.length - 4 })),
  },
  {
    fault: 'storage keeps the buffer it is given',
    check: 'storage: values are copied',
    says: /the value after the buffer given to set was changed is 9 9 9/,
    make: withStorage((storage) => {
      const kept = new Map<string, Uint8Array>();
      return {
        get: (key) => kept.get(key)?.slice() ?? storage.get(key),
        set: (key, value) => void kept.set(key, value),
      };
    }),
  },
  {
    fault: 'storage is durable before commit',
    check: 'storage: only what was committed',
    says: /when the new one was not committed, is 2/,
    make: withStorage((storage) => ({
      set(key, value) {
        storage.set(key, value);
        storage.commit();
      },
    })),
  },
  {
    fault: 'storage takes any key',
    check: 'storage: the longest value fits',
    says: /set of the key "" must throw/,
    make: withStorage((storage) => ({
      set(key, value) {
        if (key !== '') storage.set(key, value);
      },
    })),
  },
  {
    fault: 'random numbers have 16 bits',
    check: 'random: whole numbers',
    says: /highest bit/,
    make: (hal) => ({ ...hal, random: { uint32: () => hal.random.uint32() >>> 16 } }),
  },
];

describe('the suite catches a port of which', () => {
  for (const { fault, check: name, says, make, inVain = false } of wrongPorts) {
    // Checks on the fast clock run alone, because the others would take too much of their time.
    test(`${fault} ("${name} ...")`, { concurrent: !inVain }, async () => {
      const sound = nodeSubject(folder);
      const faster = withClock((clock) => ({
        now: () => clock.now() * FASTER,
        setAlarm: (atMs, isr) => clock.setAlarm(atMs / FASTER, isr),
      }));
      const tested = { ...sound, hal: make(inVain ? faster(sound.hal) : sound.hal) };
      const check = checks(tested, nodeSubject(folder)).find((candidate) => candidate.name.startsWith(name));
      if (check === undefined) throw new Error(`there is no check "${name}"`);
      const result = await new Promise(check.run);
      expect(result).toEqual({ kind: 'fail', why: expect.stringMatching(says) });
    });
  }
});
