/** Checks of datagram sockets. A datagram that is sent between the two subjects is expected to arrive. */

import { failure } from '../errno.ts';
import { expect, expectEqual, expectResult, worded } from './check.ts';
import type { Definition, Stage, Steps } from './check.ts';
import { addresses6, bound, fillPattern, openDatagram, patternByte } from './probes.ts';
import type { DatagramProbe } from './probes.ts';

/** Sends one datagram there and sees it arrive; gives what `receive` gave. */
function* deliver(
  stage: Stage,
  from: DatagramProbe,
  to: DatagramProbe,
  bytes: Uint8Array,
  into: Uint8Array,
): Steps<number> {
  expectResult(from.sendTo(bytes, to.local), bytes.length, `sendTo of ${bytes.length} bytes`);
  bytes.fill(0xee);
  let result = failure('EAGAIN');
  yield* stage.until(`a datagram of ${bytes.length} bytes`, () => {
    result = to.receive(into);
    return result !== failure('EAGAIN');
  });
  expectEqual(to.socket.sender?.address, from.local.address, 'sender.address');
  expectEqual(to.socket.sender?.port, from.local.port, 'sender.port');
  return result;
}

export const datagramChecks: readonly Definition[] = [
  {
    name: 'datagram: each arrives whole, with its sender; an empty one is 0',
    *steps(stage) {
      const socket = yield* bound(stage, stage.tested);
      const peer = yield* bound(stage, stage.peer);
      expectEqual(socket.socket.sender, undefined, 'sender before anything was received');
      expectResult(socket.receive(new Uint8Array(1)), failure('EAGAIN'), 'receive when nothing is there');
      const into = new Uint8Array(2000);
      for (const lengthBytes of [1, 0, 1400, 9]) {
        for (const [from, to] of [[socket, peer], [peer, socket]] as const) {
          const bytes = new Uint8Array(lengthBytes);
          fillPattern(bytes, 5);
          expectResult(yield* deliver(stage, from, to, bytes, into), lengthBytes, 'receive');
          for (let i = 0; i < lengthBytes; i += 1) {
            expect(into[i] === patternByte(5 + i), `byte ${i} of a datagram is not what was sent`);
          }
        }
      }
      expect(socket.readableCount > 0, 'datagrams arrived, and no readable came');
    },
  },
  {
    name: 'datagram: one that is longer than the buffer is cut, and its rest is gone',
    *steps(stage) {
      const socket = yield* bound(stage, stage.tested);
      const peer = yield* bound(stage, stage.peer);
      const into = new Uint8Array(10).fill(0xaa);
      const result = yield* deliver(stage, peer, socket, new Uint8Array(100), into.subarray(0, 8));
      expectResult(result, 8, 'receive into 8 bytes');
      expectEqual(into[8], 0xaa, 'the byte behind the buffer');
      expectResult(socket.receive(into), failure('EAGAIN'), 'receive of the rest');
      expectResult(yield* deliver(stage, peer, socket, Uint8Array.of(5), into), 1, 'receive of the next');
    },
  },
  {
    name: 'datagram: too long is EMSGSIZE, and to no address is refused',
    *steps(stage) {
      const socket = yield* bound(stage, stage.tested);
      const peer = yield* bound(stage, stage.peer);
      expectResult(socket.sendTo(new Uint8Array(70_000), peer.local), failure('EMSGSIZE'), 'sendTo of 70000 bytes');
      const nobody = { address: 'localhost', port: 9 };
      for (const remote of [nobody, { ...peer.local, port: 0 }, { ...peer.local, port: 70_000 }]) {
        const result = socket.sendTo(Uint8Array.of(1), remote);
        const what = `sendTo "${remote.address}" port ${remote.port}`;
        expect(result < 0, `${what} gave ${worded(result)}, but must give a failure`);
      }
      // A datagram that nobody takes is lost, and nothing else.
      const gone = yield* bound(stage, stage.peer);
      const { local } = gone;
      gone.close();
      expectResult(socket.sendTo(Uint8Array.of(1), local), 1, 'sendTo a closed port');
      yield* stage.pause(20);
      expectEqual(socket.end, undefined, 'the end of a socket whose datagram nobody took');
      expectResult(yield* deliver(stage, socket, peer, Uint8Array.of(5), new Uint8Array(9)), 1, 'receive');
    },
  },
  {
    name: 'datagram: a port that is taken, or an address of another machine, is refused',
    *steps(stage) {
      const first = yield* bound(stage, stage.tested);
      for (const [local, errno] of [
        [first.local, 'EADDRINUSE'],
        [{ address: '192.0.2.1', port: 0 }, 'EADDRNOTAVAIL'],
      ] as const) {
        const socket = openDatagram(stage, stage.tested, local);
        yield* stage.until('the outcome', () => socket.isBound || socket.end !== undefined);
        expectEqual(socket.end, errno, `the outcome of opening ${local.address} port ${local.port}`);
      }
    },
  },
  {
    name: 'datagram: nothing is called back after close(), not even the outcome',
    *steps(stage) {
      openDatagram(stage, stage.tested, { address: stage.tested.address, port: 0 }).close();
      const socket = yield* bound(stage, stage.tested);
      const peer = yield* bound(stage, stage.peer);
      expectResult(peer.sendTo(Uint8Array.of(1, 2), socket.local), 2, 'sendTo');
      socket.close();
      socket.close();
      expect(socket.receive(new Uint8Array(9)) < 0, 'receive after close must give a failure');
      yield* stage.pause(50);
    },
  },
  {
    name: 'datagram: over IPv6',
    *steps(stage) {
      const { tested, peer } = stage;
      const address6 = addresses6(stage);
      const socket = yield* bound(stage, tested, address6.tested);
      const other = yield* bound(stage, peer, address6.peer);
      expectResult(yield* deliver(stage, socket, other, Uint8Array.of(1, 2, 3), new Uint8Array(9)), 3, 'receive');
      const result = socket.sendTo(Uint8Array.of(1), { address: peer.address, port: other.local.port });
      expect(result < 0, `sending from IPv6 to IPv4 gave ${worded(result)}, but must give a failure`);
    },
  },
];
