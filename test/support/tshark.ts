/**
 * Packets of a capture as tshark sees them. tshark is a program of its own (Debian's package of that name), and not
 * installed everywhere.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

const installed = spawnSync('tshark', ['--version']).status === 0;

/** Skips a test that needs tshark where it is not installed. Call it first in the test, or in its `beforeEach`. */
export function needsTshark(context: TestContext): void {
  context.skip(!installed, 'tshark is not installed: apt-get install tshark');
}

/**
 * Returns one row for each packet that `filter` shows (all, if it is empty). A row has the text of each field, '' if
 * the packet has none.
 */
export function tsharkFields(file: string, filter: string, fields: readonly string[]): string[][] {
  const chosen = filter === '' ? [] : ['-Y', filter];
  const args = [
    '-r',
    file,
    '-n',
    ...PAYLOAD_AS_DATA,
    ...CHECK_CHECKSUMS,
    ...chosen,
    '-T',
    'fields',
    ...fields.flatMap((field) => ['-e', field]),
  ];
  const text = execFileSync('tshark', args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The settings of the user who runs the tests must not change the result.
    env: { ...process.env, WIRESHARK_CONFIG_DIR: '/nonexistent' },
  });
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

/** Returns the numbers of the packets, counted from 1, that `filter` shows. */
export function tsharkFrames(file: string, filter: string): number[] {
  return tsharkFields(file, filter, ['frame.number']).map(([number]) => Number(number));
}

/**
 * Returns the packets of a capture that are malformed, cut short, or have a wrong checksum, each with tshark's message.
 * Our captures must have none.
 */
export function tsharkFaults(file: string): string[][] {
  return tsharkFields(file, FAULTS, ['frame.number', '_ws.col.Info', '_ws.expert.message']);
}

/**
 * Payload stays payload. Otherwise tshark would take it for some protocol, by its port or its looks, and find it
 * malformed.
 */
const PAYLOAD_AS_DATA = ['tcp', 'udp'].flatMap((protocol) => ['-d', `${protocol}.port==0-65535,data`]);

const CHECK_CHECKSUMS = [
  ...['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]),
  '-o', 'eth.check_fcs:TRUE',
];

const FAULTS = [
  '_ws.malformed',
  '_ws.short',
  '_ws.expert.severity == error',
  ...['ip', 'tcp', 'udp', 'icmp'].map((protocol) => `${protocol}.checksum.status == 0`),
  'eth.fcs.status == 0',
].join(' || ');
