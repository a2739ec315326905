/** MQTT programs that are not ours, and not everywhere: mosquitto with its clients (Debian), and mqtt.js (npm). */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { freePort } from '../bench/free-port.ts';
import { peerFolder } from './npm-peers.ts';
import { Program } from './process.ts';

/** Debian installs mosquitto in a folder that is only in root's PATH. */
const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(existsSync);
const hasClients = spawnSync('mosquitto_pub', ['--help']).error === undefined;

/** Skips a test that needs mosquitto or its clients where they are missing. Call it first in the test. */
export function needsMosquitto(context: TestContext): void {
  const isThere = MOSQUITTO !== undefined && hasClients;
  context.skip(!isThere, 'mosquitto is not installed: apt-get install mosquitto mosquitto-clients');
}

/** A mosquitto that listens on a free port of this machine, and the programs that a test starts beside it. */
export class Peers {
  readonly #programs: Program[] = [];
  /** The mosquitto, once it runs. */
  broker: Program | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cablepull-'));

  /** Starts mosquitto. Resolves to its port. */
  async mosquitto(): Promise<number> {
    const port = await freePort();
    const file = join(this.#folder, 'mosquitto.conf');
    // mosquitto keeps the user, because an ordinary user could not write where Debian's package would have it.
    writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stdout\nuser ${userName()}\n`);
    this.broker = this.start('stdbuf', '-oL', MOSQUITTO ?? 'mosquitto', '-c', file, '-v');
    await this.broker.line(/mosquitto version .* running/);
    return port;
  }

  /** Returns the command that starts a mosquitto in a network of its own, with the usual port. */
  ownMosquitto(): string[] {
    const file = join(this.#folder, 'own-mosquitto.conf');
    writeFileSync(file, `listener 1883\nallow_anonymous true\nuser ${userName()}\n`);
    return [MOSQUITTO ?? 'mosquitto', '-c', file];
  }

  /** Returns the same command with a mosquitto_sub beside it, whose lines are the messages. */
  ownMosquittoWithSubscriber(topic: string, qos: '0' | '1' | '2'): string[] {
    const subscribe = `mosquitto_sub -h 127.0.0.1 -t '${topic}' -q ${qos} -F %p`;
    return ['sh', '-c', `until ${subscribe}; do sleep 0.1; done & exec ${this.ownMosquitto().join(' ')}`];
  }

  /** Starts mosquitto_sub, which prints a line `TOPIC TEXT` for each message. */
  async subscriber(port: number, topic: string, ...more: readonly string[]): Promise<Program> {
    const to = ['-h', '127.0.0.1', '-p', String(port), '-t', topic];
    const program = this.start('stdbuf', '-oL', 'mosquitto_sub', '-d', ...to, '-F', '%t %p', ...more);
    await program.line(/^Subscribed/);
    return program;
  }

  /** Runs mosquitto_pub to its end. */
  async publish(port: number, topic: string, text: string, ...more: readonly string[]): Promise<void> {
    const args = ['-h', '127.0.0.1', '-p', String(port), '-t', topic, '-m', text, ...more];
    const { status, stderr } = await this.start('mosquitto_pub', ...args).ended();
    if (status !== 0) throw new Error(`mosquitto_pub ${args.join(' ')}: ${stderr}`);
  }

  /** Starts mqtt.js, in test/interop/mqtt-js.mjs. */
  mqttJs(port: number, task: string, ...args: readonly string[]): Program {
    const script = fileURLToPath(new URL('../interop/mqtt-js.mjs', import.meta.url));
    return this.start(process.execPath, script, peerFolder('mqtt'), `mqtt://127.0.0.1:${port}`, task, ...args);
  }

  start(command: string, ...args: readonly string[]): Program {
    const program = new Program(command, args);
    this.#programs.push(program);
    return program;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()));
    rmSync(this.#folder, { recursive: true });
  }
}

function userName(): string {
  return spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim();
}
