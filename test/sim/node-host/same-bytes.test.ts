/** The same seed gives the same bytes on the wire, and the same output: over ten runs, and over versions of Node. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { needsPeers } from '../../support/npm-peers.ts';
import { NODES } from './support/nodes.ts';
import { PAIRS } from './support/npm-pairs.ts';

const SCRIPT = fileURLToPath(new URL('support/pair-hashes.ts', import.meta.url));
/** TLS takes its random numbers from OpenSSL. */
const NAMES = PAIRS.map(({ name }) => name).filter((name) => !/^http(s|2)$/.test(name));

/** A line for each pair, with any number of runs. */
function hashes(node: string, fault: string, runs: number): string[] {
  const args = ['--no-warnings', '--import', 'tsx', SCRIPT, fault, String(runs), ...NAMES];
  const { stdout, stderr } = spawnSync(node, args, { encoding: 'utf8' });
  return [...new Set(`${stderr}${stdout}`.trim().split('\n'))];
}

it.for([
  ['client reboot', 10],
  // A client that asks again over the connection that it has, and waits in vain.
  ['cable', 1],
] as const)('is so, with the fault %s', { timeout: 120_000 }, ([fault, runs], context) => {
  needsPeers(context, ...PAIRS.flatMap(({ packages }) => packages));
  const first = hashes(process.execPath, fault, runs);
  expect(first.map((line) => line.replace(/ .*/, ''))).toEqual(NAMES);
  for (const { version, node } of NODES.slice(1)) {
    // The fetch of Node 26 sends other headers, and its HTTP/2 reads at other moments, which moves an acknowledgement.
    const isSame = (line: string): boolean => version !== '26' || !/^(express|grpc) /.test(line);
    expect([version, hashes(node, fault, 1).filter(isSame)]).toEqual([version, first.filter(isSame)]);
  }
});
