/**
 * MQTT with programs that are not ours: our devices against mosquitto, and its clients and mqtt.js against our broker.
 */

import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeTraceEvent } from '../../sim/trace/trace.ts';
import { eventsIn } from '../support/events.ts';
import { needsMosquitto, Peers } from '../support/mqtt-peers.ts';
import { HAS_NAMESPACES } from '../support/namespaces.ts';
import { needsPeers } from '../support/npm-peers.ts';
import type { Program } from '../support/process.ts';
import { RealBench } from '../support/real-bench.ts';

const CLI = fileURLToPath(new URL('../../dist/sim/cli.js', import.meta.url));
const VERSIONS = ['3.1.1', '5.0'] as const;

let peers: Peers;
beforeEach(() => {
  peers = new Peers();
});
afterEach(() => peers.stop());

/** Our broker, as a program of its own. */
async function ourBroker(...options: readonly string[]): Promise<{ broker: Program; port: number }> {
  const broker = peers.start(process.execPath, CLI, 'serve', '--protocol', 'mqtt', '--port', '0', ...options);
  return { broker, port: Number((await broker.line(/listening/)).replace(/.*:/, '')) };
}

describe('our devices against mosquitto', () => {
  let bench: RealBench;
  beforeEach((context) => {
    needsMosquitto(context);
    bench = new RealBench();
  });
  afterEach(() => bench?.stop());

  for (const version of VERSIONS) {
    for (const publishQos of [0, 1, 2] as const) {
      it(`${version}, QoS ${publishQos}: what they publish arrives, and what is sent to them is answered`, async () => {
        const port = await peers.mosquitto();
        const subscriber = await peers.subscriber(port, 'cablepull/#', '-q', '2');
        bench.device('dev-1', {
          protocol: 'mqtt', servers: [{ host: '127.0.0.1', port }], version, publishQos, publishIntervalMs: 100,
        });
        await subscriber.line(/^cablepull\/dev-1\/data dev-1 1-3$/);
        if (publishQos > 0) await bench.until((event) => event.kind === 'acknowledged');
        await peers.publish(port, 'cablepull/dev-1/command', 'who are you?', '-q', String(publishQos));
        await subscriber.line(/^cablepull\/dev-1\/answer WHO ARE YOU\?$/);
        expect(bench.trace.filter(({ kind }) => kind === 'lost').map(describeTraceEvent)).toEqual([]);
      }, 30_000);
    }

    it(`${version}: resets: nothing acknowledged is lost, and of QoS 2 nothing comes twice`, async () => {
      const port = await peers.mosquitto();
      const subscriber = await peers.subscriber(port, 'cablepull/+/data', '-q', '2');
      const devices = ([1, 2] as const).map((publishQos) => bench.device(`qos-${publishQos}`, {
        protocol: 'mqtt', servers: [{ host: '127.0.0.1', port }], version, publishQos, publishIntervalMs: 10,
        retry: { fixedMs: 20 },
      }));
      const acknowledged: string[] = [];
      let served = 0;
      for (let cut = 0; cut < 20; cut++) {
        await bench.until((event) => {
          if (event.kind === 'acknowledged') acknowledged.push(event.message);
          return event.kind === 'acknowledged' && ++served % 40 === 0;
        });
        for (const device of devices) device.resetConnections();
      }
      expect(acknowledged.length).toBeGreaterThan(500);
      // The subscriber hears of a message after its publisher: for QoS 2 it has a handshake of its own with the broker.
      for (const device of ['qos-1', 'qos-2']) {
        const last = acknowledged.findLast((message) => message.startsWith(`${device} `)) ?? '';
        await subscriber.line(new RegExp(`data ${last}$`));
      }
      const got = new Map<string, number>();
      for (const line of subscriber.lines) {
        const message = /^cablepull\/[^/]+\/data (.*)$/.exec(line)?.[1];
        if (message !== undefined) got.set(message, (got.get(message) ?? 0) + 1);
      }
      expect(acknowledged.filter((message) => !got.has(message))).toEqual([]);
      expect([...got].filter(([message, times]) => message.startsWith('qos-2') && times > 1)).toEqual([]);
    }, 60_000);

    it(`${version}: a second client with its name takes its place, and it learns of it`, async () => {
      const port = await peers.mosquitto();
      bench.device('dev-1', { protocol: 'mqtt', servers: [{ host: '127.0.0.1', port }], version });
      await bench.until((event) => event.kind === 'served');
      // The device may take its name back before this one has published, which then fails.
      const taker = ['-i', 'dev-1', '-V', version === '5.0' ? 'mqttv5' : 'mqttv311'];
      peers.start('mosquitto_pub', '-h', '127.0.0.1', '-p', String(port), '-t', 'x', '-m', 'y', ...taker);
      const lost = await bench.until((event) => event.kind === 'lost');
      // mosquitto 2.0.11 closes without a word; later ones say DISCONNECT to a client of 5.0.
      if (version === '5.0' && lost.kind === 'lost' && lost.by === 'disconnected') {
        expect(lost.detail).toBe('session taken over (0x8E)');
      } else {
        expect(lost).toMatchObject({ by: 'closed' });
      }
    }, 30_000);
  }

  it('a device that hangs: mosquitto sends its will 1.5 x keep alive after its last packet, or 6 s later', async () => {
    const port = await peers.mosquitto();
    const subscriber = await peers.subscriber(port, 'cablepull/+/status');
    const servers = [{ host: '127.0.0.1', port }];
    const device = bench.device('dev-1', { protocol: 'mqtt', servers, keepAliveS: 3 });
    await bench.until((event) => event.kind === 'served');
    const lastMs = bench.now();
    device.hang();
    await subscriber.line(/^cablepull\/dev-1\/status gone$/);
    const afterMs = bench.now() - lastMs;
    expect(afterMs).toBeGreaterThan(3900);
    expect(afterMs).toBeLessThan(10_600);
  }, 30_000);

  it('a broker that hangs is noticed after PINGREQ has no answer, as each policy has it', async () => {
    const port = await peers.mosquitto();
    const policies = [['spec', 1500], ['mqtt.js', 1500], ['paho-c', 3300], ['esp-mqtt', 1000]] as const;
    for (const [pings] of policies) {
      bench.device(pings, { protocol: 'mqtt', servers: [{ host: '127.0.0.1', port }], keepAliveS: 1, pings });
    }
    let served = 0;
    await bench.until((event) => event.kind === 'served' && ++served === 2 * policies.length);
    peers.broker?.child.kill('SIGSTOP');
    const stoppedMs = bench.now();
    const lost = new Map<string, number>();
    await bench.until((event) => {
      if (event.source === 'device' && event.kind === 'lost') lost.set(event.device, event.atMs - stoppedMs);
      return lost.size === policies.length;
    });
    // The last answer came up to a second before.
    for (const [pings, latestMs] of policies) {
      expect(lost.get(pings), pings).toBeGreaterThan(latestMs - 1100);
      expect(lost.get(pings), pings).toBeLessThan(latestMs + 1500);
    }
  }, 30_000);
});

describe.skipIf(!HAS_NAMESPACES)('our devices against mosquitto, over cables that are cut (tier T2)', () => {
  it('mosquitto takes who lost its power offline 4 to 10 s after the last packet, with keep alive 3 s', async (context) => {
    needsMosquitto(context);
    const args = ['run', '--protocol', 'mqtt', '--beat', '3s', '--devices', '7', '--for', '22s', '--json'];
    const watching = ['--subscribe', 'cablepull/+/status'];
    const faults = Array.from({ length: 6 }, (_, i) => ['--fault', `power-loss on dev-${i + 1} at ${5000 + 700 * i}ms`]);
    const server = ['--', ...peers.ownMosquitto()];
    const run = peers.start(process.execPath, CLI, ...args, ...watching, ...faults.flat(), ...server);
    const { stdout, stderr, status } = await run.ended();
    expect(status, stderr).toBe(0);
    const lastMs = new Map<string, number>();
    const afterMs: number[] = [];
    const willsAfterMs: number[] = [];
    for (const event of eventsIn(stdout)) {
      // The device sends CONNECT when it is connected and SUBSCRIBE after the answer. Each PINGREQ has an event.
      const isPacket = event.kind === 'connected' || event.kind === 'served' || event.kind === 'beat-sent';
      if (isPacket) lastMs.set(event.device, event.atMs);
      if (event.kind === 'message' && event.source === 'device' && event.device === 'dev-7') {
        const name = event.topic.split('/')[1] ?? '';
        willsAfterMs.push(event.atMs - (lastMs.get(name) ?? 0));
      }
      if (event.kind === 'hung-up') afterMs.push(event.atMs - (lastMs.get(event.device) ?? 0));
    }
    expect(afterMs.length).toBe(6);
    // dev-7, which has no fault, receives the six wills.
    expect(willsAfterMs.length).toBe(6);
    // Up to 100 ms later: mosquitto's loop waits that long in epoll_wait.
    for (const ms of [...afterMs, ...willsAfterMs]) {
      expect(ms).toBeGreaterThan(3900);
      expect(ms).toBeLessThan(10_300);
    }
  }, 60_000);

  it('loses no message of QoS 1 that it acknowledged, over a pull that TCP survives and one that it does not', async (context) => {
    needsMosquitto(context);
    const publishing = ['--publish', '50ms', '--qos', '1', '--beat', '2s', '--json', '--for', '16s'];
    const pulls = ['--fault', 'cable-pull on dev-1 at 2s for 500ms', '--fault', 'cable-pull on dev-1 at 4s for 7s'];
    const run = peers.start(
      process.execPath, CLI, 'run', '--protocol', 'mqtt', '--devices', '1', ...publishing, ...pulls,
      '--', ...peers.ownMosquittoWithSubscriber('cablepull/+/data', '1'),
    );
    const { stdout, stderr, status } = await run.ended();
    expect(status, stderr).toBe(0);
    const events = eventsIn(stdout);
    const acknowledged = events.flatMap((event) => (event.kind === 'acknowledged' ? [event.message] : []));
    expect(acknowledged.length).toBeGreaterThan(50);
    // Only the second pull ends the connection, by the answer to a PINGREQ that never came.
    expect(events.filter(({ kind }) => kind === 'lost')).toMatchObject([{ by: 'missed-beats' }]);
    const got = new Set(stderr.split('\n').map((line) => line.replace('server | ', '')));
    expect(acknowledged.filter((message) => !got.has(message))).toEqual([]);
  }, 60_000);
});

describe("mosquitto's clients against our broker", () => {
  beforeEach(needsMosquitto);

  it.each(['mqttv311', 'mqttv5'])('%s: messages of each QoS, retained ones, and many at once', async (version) => {
    const { port } = await ourBroker();
    const subscriber = await peers.subscriber(port, 'a/#', '-q', '2', '-V', version);
    for (const qos of ['0', '1', '2']) {
      await peers.publish(port, `a/${qos}`, `hello ${qos}`, '-q', qos, '-V', version);
      await subscriber.line(new RegExp(`^a/${qos} hello ${qos}$`));
    }
    await peers.publish(port, 'a/kept', 'still here', '-r', '-q', '1', '-V', version);
    const late = await peers.subscriber(port, 'a/kept', '-V', version);
    await late.line(/^a\/kept still here$/);
    const many = Array.from({ length: 20 }, (_, i) => `n${i}`);
    await Promise.all(many.map((text) => peers.publish(port, 'a/many', text, '-q', '2', '-V', version)));
    for (const text of many) await subscriber.line(new RegExp(`^a/many ${text}$`));
    expect(subscriber.lines.filter((line) => line.startsWith('a/many')).length).toBe(20);
  }, 30_000);

  it('wills: who is killed, who stands still for 1.5 x keep alive, and not who says DISCONNECT', async () => {
    const { broker, port } = await ourBroker();
    const watcher = await peers.subscriber(port, 'wills/#');
    const withWill = (name: string): Promise<Program> => peers.subscriber(
      port, 'nothing', '-i', name, '-k', '5', '--will-topic', `wills/${name}`, '--will-payload', 'gone',
    );
    const [killed, stopped, polite] = [await withWill('killed'), await withWill('stopped'), await withWill('polite')];
    await polite.kill('SIGTERM');
    await killed.kill('SIGKILL');
    await watcher.line(/^wills\/killed gone$/);
    const from = broker.lines.length;
    stopped.child.kill('SIGSTOP');
    await watcher.line(/^wills\/stopped gone$/);
    const offline = await broker.line(/silent for/, from);
    expect(Number(/silent for ([\d.]+) s/.exec(offline)?.[1])).toBeCloseTo(7.5, 0);
    expect(watcher.lines.filter((line) => line.startsWith('wills/')))
      .toEqual(['wills/killed gone', 'wills/stopped gone']);
  }, 40_000);

  it('a session waits for its client, and its messages with it', async () => {
    const { port } = await ourBroker();
    const options = ['-i', 'sleeper', '-c', '-q', '1'];
    await (await peers.subscriber(port, 's/#', ...options)).kill('SIGKILL');
    await peers.publish(port, 's/1', 'while you slept', '-q', '1');
    const again = await peers.subscriber(port, 's/#', ...options);
    await again.line(/^s\/1 while you slept$/);
  }, 30_000);
});

describe('mqtt.js against our broker', () => {
  beforeEach((context) => needsPeers(context, 'mqtt'));

  it.each(['4', '5'])('protocol version %s: messages, pings, a session, take-over and the will', async (version) => {
    const { broker, port } = await ourBroker();
    const talker = peers.mqttJs(port, 'talk', 'a', version);
    await talker.line(/^talked$/);
    for (const line of ['js/x m0 qos0', 'js/x m1 qos1', 'js/x m2 qos2', 'js/kept kept qos1']) {
      await talker.line(new RegExp(`^${line}$`));
    }
    await talker.line(/^pingresp$/);
    const from = broker.lines.length;
    const second = peers.mqttJs(port, 'listen', 'a', version);
    await second.line(/^connect true$/);
    await talker.line(version === '5' ? /^disconnect 142$/ : /^close$/);
    await broker.line(/taken over/, from);
    // The session is the same: the will of the first connection comes over the second.
    await second.line(/^js\/will a is gone qos1$/);
  }, 30_000);
});
