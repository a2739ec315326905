/**
 * The simulated stacks against the real kernel's TCP, in a namespace of its own and in real time: every profile, in
 * both directions, over good cables and bad ones.
 */

import { createHash } from 'node:crypto';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Hal } from '../../../hal/hal.ts';
import type { StreamSocket } from '../../../hal/network.ts';
import { corrupt, type Device, type Duration, duplicate, loss, reorder, type Rule } from '../../../sim/index.ts';
import { ServerBench } from '../../../sim/server-bench/index.ts';
import { PROFILE_NAMES, type Profile, type ProfileName } from '../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../sim/tcpip/profiles/index.ts';
import { HAS_NAMESPACES } from '../../support/namespaces.ts';
import { MiddleLink } from './middle-link.ts';

const PEER = [process.execPath, fileURLToPath(new URL('peer.mjs', import.meta.url))];

const MB = 1_000_000;
/** 100 MB in all. Linux has ten times the window of the others, which take longer for less. */
const CLEAN_BYTES: Readonly<Record<ProfileName, number>> = {
  linux: 36 * MB, lwip: 3 * MB, w5500: MB, 'freertos-tcp': 3 * MB,
};
const BAD_BYTES: Readonly<Record<ProfileName, number>> = {
  linux: 3 * MB, lwip: 60_000, w5500: 60_000, 'freertos-tcp': 100_000,
};

/** Byte i of every transfer, as peer.mjs has it. */
function pattern(count: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, i) => (i * 131 + (i >> 8) * 7) & 0xff);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** One connection of a device: what it sends, and all that it sees. */
class Conversation {
  readonly heard: Uint8Array[] = [];
  /** The last event, or the failure of a read or write after it. */
  end: string | undefined = undefined;
  hasFin = false;
  isReading = true;
  socket: StreamSocket | undefined = undefined;
  readonly #bytes: Uint8Array;
  readonly #isHalfClosed: boolean;
  #sent = 0;

  /** Sends `line` and `bytes`, and then FIN where `isHalfClosed`. */
  constructor(line: string, bytes: Uint8Array = new Uint8Array(0), isHalfClosed = true) {
    this.#bytes = concatenate(new TextEncoder().encode(`${line}\n`), bytes);
    this.#isHalfClosed = isHalfClosed;
  }

  get text(): string {
    return this.heard.map((bytes) => new TextDecoder().decode(bytes)).join('');
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.heard);
  }

  get isOver(): boolean {
    return this.end !== undefined;
  }

  open(hal: Hal, address: string, port: number, localPort = 0): void {
    const socket = hal.network.openStream({
      writable: () => this.#write(),
      readable: () => this.read(),
      ended: (reason) => {
        this.read();
        this.end = reason;
      },
    });
    this.socket = socket;
    if (localPort !== 0) socket.bind({ address: '0.0.0.0', port: localPort });
    socket.connect({ address, port });
  }

  read(): void {
    if (!this.isReading) return;
    for (;;) {
      const into = new Uint8Array(4096);
      const count = this.socket?.read(into) ?? 0;
      if (count === 0) this.hasFin = true;
      if (count <= 0) return;
      this.heard.push(into.slice(0, count));
    }
  }

  #write(): void {
    while (this.#sent < this.#bytes.length) {
      const count = this.socket?.write(this.#bytes.subarray(this.#sent)) ?? 0;
      if (count <= 0) return;
      this.#sent += count;
    }
    if (this.#isHalfClosed) this.socket?.shutdown();
  }
}

function concatenate(one: Uint8Array, other: Uint8Array): Uint8Array {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}

/** Conversations close one direction first, which FreeRTOS+TCP cannot. */
function asHalfCloser(name: ProfileName): Profile {
  return { ...PROFILES[name], fin: 'linux' };
}

const worlds: World[] = [];

afterEach(async () => {
  await Promise.all(worlds.splice(0).map(({ bench }) => bench.stop()));
});

/** The peer under a kernel of its own, and devices that talk to it. */
class World {
  readonly lines: string[] = [];
  readonly bench = new ServerBench({ command: PEER, onOutput: (line) => this.lines.push(line) });

  static async start(): Promise<World> {
    const world = new World();
    worlds.push(world);
    await world.bench.open();
    return world;
  }

  /** A device whose firmware begins that conversation at each boot. */
  device(
    profile: ProfileName,
    newConversation: () => Conversation,
    ports = { local: 0, remote: 39_002 },
    rules: Rule[] = [],
  ): { readonly device: Device; readonly conversations: readonly Conversation[] } {
    const conversations: Conversation[] = [];
    const device = this.bench.addDevice({
      profile: asHalfCloser(profile),
      power: false,
      firmware: (hal) => {
        const conversation = newConversation();
        conversations.push(conversation);
        hal.network.lookup('server', (found) => {
          if (typeof found !== 'string') conversation.open(hal, found[0] ?? '', ports.remote, ports.local);
        });
      },
    });
    for (const rule of rules) this.bench.cable(device.name).install('both', rule);
    device.power.restore();
    return { device, conversations };
  }

  /** One conversation for each profile at once. */
  begin(newConversation: (profile: ProfileName) => Conversation, rules: Rule[] = []): Conversations {
    return new Map(
      PROFILE_NAMES.map((profile) => {
        const conversation = newConversation(profile);
        this.device(profile, () => conversation, undefined, rules);
        return [profile, conversation];
      }),
    );
  }

  async untilOver(all: readonly Conversations[], within: Duration): Promise<void> {
    await this.bench.until(() => all.every((some) => [...some.values()].every(({ isOver }) => isOver)), within);
  }

  async ofAll(newConversation: (profile: ProfileName) => Conversation): Promise<Conversations> {
    const all = this.begin(newConversation);
    await this.untilOver([all], '20s');
    return all;
  }

  /** Bulk of each profile both ways at once: the hashes are the same at both ends. */
  async bulk(bytes: (profile: ProfileName) => number, rules: Rule[], within: Duration): Promise<void> {
    const up = this.begin((profile) => new Conversation('sink', pattern(bytes(profile))), rules);
    const down = this.begin((profile) => new Conversation(`source ${bytes(profile)}`), rules);
    await this.untilOver([up, down], within);
    for (const profile of PROFILE_NAMES) {
      const hash = sha256(pattern(bytes(profile)));
      expect([profile, up.get(profile)?.text, up.get(profile)?.end]).toEqual([profile, hash, 'closed']);
      expect([profile, sha256(down.get(profile)?.bytes ?? new Uint8Array(0))]).toEqual([profile, hash]);
    }
  }
}

type Conversations = ReadonlyMap<ProfileName, Conversation>;

describe.skipIf(!HAS_NAMESPACES)('against the real kernel', () => {
  it('echoes, and closes in both orders', async () => {
    const world = await World.start();
    const word = pattern(5000);
    for (const [profile, echo] of await world.ofAll(() => new Conversation('echo', word))) {
      expect([profile, sha256(echo.bytes), echo.end]).toEqual([profile, sha256(word), 'closed']);
    }
    // The peer's FIN first: the device can still send after it.
    for (const [profile, fin] of await world.ofAll(() => new Conversation('fin', new Uint8Array(0), false))) {
      expect([profile, fin.text, fin.hasFin, fin.end]).toEqual([profile, 'bye', true, 'closed']);
      fin.socket?.close();
    }
    await world.bench.until(() => world.lines.length === 8, '5s');
    expect(world.lines.map((line) => line.replace(/^\S+ /, '')).toSorted()).toEqual([
      ...Array(4).fill('echo closed'), ...Array(4).fill('fin closed'),
    ]);
  });

  it.each([
    ['over a clean cable', CLEAN_BYTES, []],
    ['with a loss of 5%', BAD_BYTES, [loss('5%')]],
    ['reordered, duplicated and corrupted', BAD_BYTES, [reorder('5%', '15ms'), duplicate('3%'), corrupt('1%')]],
  ] as const)('moves bulk both ways %s', async (_, bytes, rules) => {
    const world = await World.start();
    await world.bulk((profile) => bytes[profile], [...rules], '100s');
  }, 120_000);

  it('waits for a window that is closed, on either side', async () => {
    const world = await World.start();
    // More than the kernel's receive buffer and the device's send buffer hold.
    const up = PROFILE_NAMES.map((profile) => {
      const conversation = new Conversation('stall', pattern(600_000));
      world.device(profile, () => conversation);
      return conversation;
    });
    const down = PROFILE_NAMES.map((profile) => {
      const conversation = new Conversation('source 300000');
      conversation.isReading = false;
      world.device(profile, () => conversation);
      return conversation;
    });
    await world.bench.runFor('3s');
    expect(down.every(({ end }) => end === undefined)).toBe(true);
    for (const conversation of down) {
      conversation.isReading = true;
      conversation.read();
    }
    await world.bench.until(() => [...up, ...down].every(({ isOver }) => isOver), '60s');
    for (const { text } of up) expect(text).toBe(sha256(pattern(600_000)));
    for (const { bytes } of down) expect(sha256(bytes)).toBe(sha256(pattern(300_000)));
  }, 90_000);

  it('learns of a reset, of a peer that leaves without reading, and of a port that nobody listens on', async () => {
    const world = await World.start();
    for (const [profile, { end }] of await world.ofAll(() => new Conversation('rst', undefined, false))) {
      expect([profile, end]).toEqual([profile, PROFILES[profile].resetErrno]);
    }
    for (const [profile, { end }] of await world.ofAll(() => new Conversation('unread', pattern(400_000), false))) {
      expect([profile, end]).toEqual([profile, PROFILES[profile].resetErrno]);
    }
    const refused = PROFILE_NAMES.map((profile) => {
      const conversation = new Conversation('echo');
      world.device(profile, () => conversation, { local: 0, remote: 39_003 });
      return conversation;
    });
    // FreeRTOS+TCP tells nobody for 20 s.
    await world.bench.until(() => refused.every(({ isOver }) => isOver), '25s');
    expect(refused.map(({ end }) => end)).toEqual(PROFILE_NAMES.map((profile) => PROFILES[profile].refusedErrno));
  }, 50_000);

  it('connects from the same port again after a reboot, though the kernel believes in the old connection', async () => {
    const world = await World.start();
    // FreeRTOS+TCP's connect gives up where it meets an old connection.
    const profiles = PROFILE_NAMES.filter((profile) => PROFILES[profile].handshake.strayAck !== 'gives-up');
    const all = profiles.map((profile) =>
      world.device(profile, () => new Conversation('echo', pattern(10), false), { local: 40_000, remote: 39_002 }));
    const hasEcho = (boot: number): boolean =>
      all.every(({ conversations }) => conversations[boot]?.bytes.length === 10);
    await world.bench.until(() => hasEcho(0), '5s');
    for (const { device } of all) device.power.cut();
    await world.bench.runFor('500ms');
    for (const { device } of all) device.power.restore();
    await world.bench.until(() => hasEcho(1), '15s');
    // The old ones ended by the devices' resets.
    await world.bench.until(() => world.lines.length === profiles.length, '5s');
    expect(world.lines.every((line) => line.endsWith('echo ECONNRESET'))).toBe(true);
  }, 40_000);

  it('gets through a link of MTU 1300, both ways', async () => {
    const world = await World.start();
    const link = new MiddleLink(1300);
    const undo = link.install();
    try {
      await world.bulk(() => 100_000, [], '60s');
      expect(link.complaintsToDevices).toBeGreaterThan(0);
      expect(link.complaintsToKernel).toBeGreaterThan(0);
      expect(link.fragmented).toBeGreaterThan(0);
    } finally {
      undo();
    }
  }, 90_000);
});
