/** The heartbeat client: what it sends and when, and how it reacts to what it receives. */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../../firmware/config.ts';
import { connected, type Device, Peer, rig, type Served, servers } from '../../rig.ts';

const HEART = [0, 0, 0, 0, 0, 0, 0, 0];

function heartbeat(settings: Partial<Extract<FirmwareConfig, { protocol: 'heartbeat' }>> = {}): FirmwareConfig {
  return { protocol: 'heartbeat', servers, ...settings };
}

/** int32 type 1, int32 length, both little-endian, and the data. */
function other(data: readonly number[]): number[] {
  const head = new DataView(new ArrayBuffer(8));
  head.setInt32(0, 1, true);
  head.setInt32(4, data.length, true);
  return [...new Uint8Array(head.buffer), ...data];
}

/** A server that answers each beat with the same empty packet. */
function answering(peer: Peer): void {
  const pending = new Map<Served, number>();
  peer.onBytes = (bytes, served) => {
    let count = (pending.get(served) ?? 0) + bytes.length;
    for (; count >= 8; count -= 8) served.send(HEART);
    pending.set(served, count);
  };
}

function frames(bytes: readonly number[]): number[][] {
  const view = new DataView(Uint8Array.from(bytes).buffer);
  const found: number[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 + view.getInt32(at + 4, true);
    found.push(bytes.slice(at, end));
    at = end;
  }
  return found;
}

describe('the wire', () => {
  it('beats at once and then every 3 s, 8 bytes of zeros each', () => {
    const { world, peer } = connected(heartbeat({ expectAnswers: false }));
    // Connected at 2 ms; each beat needs 1 ms.
    world.advance(9_001);
    expect(peer.last.arrivals).toEqual([
      { atMs: 3, bytes: HEART },
      { atMs: 3_003, bytes: HEART },
      { atMs: 6_003, bytes: HEART },
      { atMs: 9_003, bytes: HEART },
    ]);
  });

  it('shows service by answers; without answers by each beat, and says that it is assumed', () => {
    const { world, device } = connected(heartbeat({ expectAnswers: false }));
    world.advance(6_001);
    expect(device.times('served')).toEqual(device.times('beat-sent'));
    expect(device.last('served')).not.toHaveProperty('afterMs');
    const other = connected(heartbeat());
    other.world.advance(6_001);
    expect(other.device.all('served')).toEqual([]);
  });

  it('does not drift: after an hour the 1201st beat is on time', () => {
    const { world, peer, device } = connected(heartbeat());
    answering(peer);
    world.advance(3_600_001);
    expect(peer.last.arrivals.length).toBe(1201);
    expect(peer.last.arrivals.at(-1)).toEqual({ atMs: 3_600_003, bytes: HEART });
    expect(device.all('served').length).toBe(1200);
    expect(device.all('lost')).toEqual([]);
    expect(device.all('beat-missed')).toEqual([]);
  });

  it('does not drift at a tick rate that no beat falls on', () => {
    const { world, peer } = connected(heartbeat({ expectAnswers: false, tickRateHz: 1024 }));
    world.advance(3_600_001);
    expect(peer.last.arrivals.length).toBe(1201);
    expect(peer.last.arrivals.at(-1)?.atMs).toBeCloseTo(3_600_003, 0);
  });

  it('has the next beat on time when other work made one late', () => {
    const { world, device } = connected(heartbeat({ expectAnswers: false }));
    device.os?.createTask(function* busy(os) {
      yield* os.delay(2990);
      world.advance(30);
    }, 'busy', 5);
    world.advance(9_100);
    // Busy from 2.992 s to 3.022 s.
    expect(device.times('beat-sent')).toEqual([2, 3_022, 6_002, 9_002]);
  });

  it('sends data frames beside the beats, each whole', () => {
    const { world, peer, device } = connected(heartbeat({ expectAnswers: false, dataIntervalMs: 2000, dataBytes: 5 }));
    world.advance(6_001);
    expect(peer.last.arrivals).toEqual([
      { atMs: 3, bytes: HEART },
      { atMs: 2_003, bytes: other([0, 0, 0, 0, 0]) },
      { atMs: 3_003, bytes: HEART },
      { atMs: 4_003, bytes: other([0, 0, 0, 0, 0]) },
      { atMs: 6_003, bytes: HEART },
      { atMs: 6_003, bytes: other([0, 0, 0, 0, 0]) },
    ]);
    expect(device.last('data-sent').bytes).toBe(5);
  });

  it('never mixes two frames, however slowly the server reads', () => {
    const { world, peer, device } = connected(
      heartbeat({ expectAnswers: false, dataIntervalMs: 1000, dataBytes: 100, missedLimit: 100 }),
      { bufferBytes: 48 },
    );
    peer.reads = false;
    const read = () => { peer.last.read(7); world.at(world.now + 90, read); };
    read();
    world.advance(120_000);
    const received = frames(peer.last.received);
    expect(received.length).toBeGreaterThan(60);
    const whole = received.slice(0, -1);
    expect(new Set(whole.map((frame) => frame.join(' ')))).toEqual(
      new Set([HEART.join(' '), other(Array<number>(100).fill(0)).join(' ')]),
    );
    expect(device.all('lost')).toEqual([]);
  });
});

describe('a server that answers', () => {
  it('is timed from the beat to its answer', () => {
    const { world, peer, device } = connected(heartbeat(), { latencyMs: 20 });
    answering(peer);
    world.advance(10_000);
    expect(device.all('served').map(({ afterMs }) => afterMs)).toEqual([40, 40, 40, 40]);
  });

  it('may be slower than the beats', () => {
    const { world, peer, device } = connected(heartbeat(), { latencyMs: 2000 - 1 });
    answering(peer);
    world.advance(60_000);
    expect(device.all('lost')).toEqual([]);
    expect(device.all('beat-missed').every(({ missed }) => missed === 1)).toBe(true);
    expect(device.all('served')[0]).toMatchObject({ afterMs: 3998 });
  });

  it('is given up when the limit of missed beats is full, and not before', () => {
    const { world, device } = connected(heartbeat());
    world.advance(14_999);
    expect(device.times('beat-sent')).toEqual([2, 3_002, 6_002, 9_002, 12_002]);
    expect(device.all('beat-missed').map(({ missed, atMs }) => [missed, atMs])).toEqual([
      [1, 3_002],
      [2, 6_002],
      [3, 9_002],
      [4, 12_002],
    ]);
    expect(device.all('lost')).toEqual([]);
    world.advance(1);
    expect(device.last('beat-missed')).toMatchObject({ missed: 5, atMs: 15_002 });
    expect(device.last('lost')).toMatchObject({ by: 'missed-beats', afterMs: 15_000, atMs: 15_002 });
  });

  it('closes its socket then, and the server hears it', () => {
    const { world, peer, device } = connected(heartbeat());
    world.advance(15_001);
    expect(peer.connections[0]?.over).toEqual({ atMs: 15_003, reason: 'closed' });
    world.until(() => peer.connections.length === 2, 5000);
    world.advance(5);
    expect(device.open.size).toBe(1);
  });

  it.each([1, 2, 5])('is given up after %i beats if that is the limit', (missedLimit) => {
    const { world, device } = connected(heartbeat({ missedLimit }));
    world.until(() => device.all('lost').length === 1, 20_000);
    expect(device.last('lost')).toMatchObject({ by: 'missed-beats', afterMs: 3000 * missedLimit });
  });

  it('starts its count again when its answers resume', () => {
    const { world, peer, device } = connected(heartbeat());
    world.at(14_000, () => peer.last.send(HEART));
    world.advance(14_000);
    expect(device.last('served')).toMatchObject({ afterMs: 13_999, atMs: 14_001 });
    world.advance(30_001 - world.now);
    expect(device.all('lost')).toEqual([]);
    world.advance(1);
    // The first beat after the answer is the one at 15.002 s.
    expect(device.last('lost').atMs).toBe(30_002);
  });

  it('needs only to answer one beat of five', () => {
    const { world, peer, device } = connected(heartbeat());
    let beats = 0;
    peer.onBytes = (_, served) => { if (++beats % 5 === 0) served.send(HEART); };
    world.advance(300_000);
    expect(device.all('lost')).toEqual([]);
    expect(Math.max(...device.all('beat-missed').map(({ missed }) => missed))).toBe(4);
  });

  it('need not answer if no answers are expected', () => {
    const { world, device } = connected(heartbeat({ expectAnswers: false }));
    world.advance(600_000);
    expect(device.all('beat-missed')).toEqual([]);
    expect(device.all('lost')).toEqual([]);
  });
});

describe('a server that sends', () => {
  const pushed = (device: Device) => device.all('data-received').map(({ bytes }) => bytes);

  it('is understood in halves, glued together and byte by byte', () => {
    const { world, peer, device } = connected(heartbeat());
    world.advance(100);
    const stream = [...other([1, 2, 3]), ...HEART, ...other([]), ...other(Array<number>(2000).fill(7)), ...HEART];
    peer.last.send(stream);
    world.advance(10);
    for (const byte of stream) {
      peer.last.send([byte]);
      world.advance(1);
    }
    expect(pushed(device)).toEqual([3, 0, 2000, 3, 0, 2000]);
    world.advance(2_800);
    expect(device.all('lost')).toEqual([]);
    expect(device.all('served').length).toBe(1);
  });

  it('ends the connection with bytes that are no frame, with the reason in words', () => {
    const { world, peer, device } = connected(heartbeat());
    world.advance(100);
    peer.last.send([...HEART, 2, 0, 0, 0]);
    world.advance(1);
    expect(device.last('lost')).toMatchObject({
      by: 'bad-frame',
      detail: 'frame 2: type is 2, must be 0 (HEART) or 1 (OTHER)',
    });
  });

  it('ends the connection with a frame one byte above the limit of length, and not at it', () => {
    const { world, peer, device } = connected(heartbeat({ maxDataBytes: 10 }));
    world.advance(100);
    peer.last.send(other(Array<number>(10).fill(1)));
    world.advance(10);
    expect(pushed(device)).toEqual([10]);
    peer.last.send(other(Array<number>(11).fill(1)));
    world.advance(10);
    expect(device.last('lost')).toMatchObject({ by: 'bad-frame', detail: 'frame 2: length is 11, must be 0 to 10' });
  });

  it('may stop within a frame: the next connection starts with a clean slate', () => {
    const { world, peer, device } = connected(heartbeat());
    peer.onAccept = (served) => served.send(other([1, 2]));
    world.advance(100);
    peer.last.send(other([1, 2, 3]).slice(0, 10));
    world.advance(10);
    peer.last.socket.close();
    world.until(() => device.all('connected').length === 2, 5000);
    world.advance(10);
    expect(pushed(device)).toEqual([2]);
  });

  it('shows life by a beat of its own, unasked', () => {
    const { world, peer, device } = connected(heartbeat());
    for (let atMs = 1000; atMs < 100_000; atMs += 5000) world.at(atMs, () => peer.last.send(HEART));
    world.advance(100_000);
    expect(device.all('lost')).toEqual([]);
  });

  it('does not show life by data: a peer that pushes and never answers is alive, not valid', () => {
    const { world, peer, device } = connected(heartbeat());
    for (let atMs = 1000; atMs < 20_000; atMs += 500) world.at(atMs, () => { if (peer.connections.length === 1) {
      peer.last.send(other([1]));
    } });
    world.advance(15_000);
    expect(device.last('lost')).toMatchObject({ by: 'missed-beats', atMs: 15_002 });
  });

  it('can hang up or reset, which the device tells apart', () => {
    const { world, peer, device } = connected(heartbeat());
    world.advance(100);
    peer.last.socket.close();
    world.advance(1);
    expect(device.last('lost').by).toBe('closed');
    world.until(() => device.all('connected').length === 2, 5000);
    world.advance(100);
    peer.last.socket.abort();
    world.advance(1);
    expect(device.last('lost').by).toBe('ECONNRESET');
  });
});

describe('a server that reads nothing', () => {
  /** The server reads nothing from the start, and 30 bytes fit on the way: three beats and most of a fourth. */
  function stuck(settings: Partial<Extract<FirmwareConfig, { protocol: 'heartbeat' }>> = {}) {
    const made = connected(heartbeat({ expectAnswers: false, ...settings }), { bufferBytes: 30 });
    made.peer.reads = false;
    made.world.advance(9_000);
    expect(made.device.times('beat-sent')).toEqual([2, 3_002, 6_002]);
    return made;
  }

  it('is given up when a frame has waited as long as the limit of missed beats allows, and not before', () => {
    const { world, device } = stuck();
    world.advance(9_002 + 14_999 - world.now);
    expect(device.all('lost')).toEqual([]);
    world.advance(1);
    expect(device.last('lost')).toMatchObject({
      by: 'not-reading',
      atMs: 24_002,
      detail: '6 of 8 bytes of a frame were taken',
    });
    expect(device.times('beat-sent')).toEqual([2, 3_002, 6_002]);
  });

  it('gets the rest of the frame when it reads again in time, then one beat, then the next on time', () => {
    const { world, peer, device } = stuck();
    world.at(22_500, () => { peer.reads = true; peer.last.read(); });
    world.advance(19_000);
    expect(device.all('lost')).toEqual([]);
    // The fourth beat at last, and the fifth, which was due meanwhile; then the period goes on from there.
    expect(device.times('beat-sent').slice(3)).toEqual([22_501, 22_501, 25_501]);
    expect(frames(peer.last.received).every((frame) => frame.join() === HEART.join())).toBe(true);
  });

  it('is heard all the same: pushes arrive while a frame waits', () => {
    const { world, peer, device } = stuck();
    peer.last.send(other([1, 2, 3]));
    world.advance(10);
    expect(device.last('data-received').bytes).toBe(3);
  });

  it('is found gone at once when it hangs up or resets while a frame waits', () => {
    for (const [end, by] of [['shutdown', 'closed'], ['abort', 'ECONNRESET']] as const) {
      const { world, peer, device } = stuck();
      world.at(10_000, () => { peer.last.socket[end](); });
      world.advance(2000);
      expect(device.last('lost')).toMatchObject({ by, atMs: 10_001 });
    }
  });

  it('cannot lock both ends: each sends more than fits, each goes on reading', () => {
    const { world, peer, device } = connected(heartbeat({ dataIntervalMs: 1000, dataBytes: 200 }), { bufferBytes: 64 });
    let told = 0;
    peer.onBytes = (bytes, served) => {
      told += bytes.length;
      served.send(bytes);
    };
    // Everything comes back, so a beat is its own answer.
    world.advance(60_000);
    expect(told).toBeGreaterThan(10_000);
    expect(device.all('lost')).toEqual([]);
    expect(device.all('data-received').every(({ bytes }) => bytes === 200)).toBe(true);
  });
});

describe('time as ticks', () => {
  it('survives the wrap of the 32-bit tick count with a connection in progress', () => {
    // 4294967.296 s at 1 kHz are too long for a test: at 1 MHz the count wraps after 4294.967296 s.
    const { world, peer, device } = connected(heartbeat({ tickRateHz: 1_000_000 }));
    answering(peer);
    world.advance(4_500_001);
    expect(device.all('lost')).toEqual([]);
    const { arrivals } = peer.last;
    expect(arrivals.length).toBe(1501);
    expect(arrivals.every(({ atMs }, i) => Math.abs(atMs - (3 + 3000 * i)) < 0.01)).toBe(true);
  });

  it('works at 100 ticks a second, where waits are whole hundredths', () => {
    const { world, start } = rig(heartbeat({ tickRateHz: 100, retry: { fixedMs: 10 } }));
    const device = start();
    world.advance(1000);
    const connecting = device.times('connecting');
    // 2 ms until the refusal, then to the end of the tick.
    expect(connecting.slice(0, 4)).toEqual([0, 10, 20, 30]);
    expect(connecting.length).toBe(101);
  });

  it('counts a stall once: beats that could not be sent are not made up for', () => {
    const { world, server, start } = rig(heartbeat({ expectAnswers: false }));
    const peer = new Peer(server);
    const device = start();
    world.advance(4000);
    // The whole firmware stands still for 20 s, as when the machine below it sleeps.
    device.os?.createTask(function* stall() { world.advance(20_000); }, 'stall', 1);
    world.advance(30_000);
    expect(device.times('beat-sent')).toEqual([2, 3002, 24_000, 27_000, 30_000, 33_000]);
    expect(peer.last.received.length).toBe(6 * 8);
  });
});
