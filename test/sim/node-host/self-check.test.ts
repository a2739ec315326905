/** A Node that is not as this room needs it is refused in one sentence, before any program is started. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Program } from '../../support/process.ts';
import { NODES } from './support/nodes.ts';

function script(name: string): string {
  return fileURLToPath(new URL(`support/${name}.mjs`, import.meta.url));
}

/** Changes to the inside of Node, each with the message about it. */
const MESSAGES: Readonly<Record<string, string>> = {
  'no js_stream': 'process.binding: No such module: js_stream',
  'no _listen2': 'it has no _listen2 where it was looked for',
  'reads go nowhere':
    'on a connection in memory it was not so that a request comes; ' +
    'that ticks run between two pieces of its body; that its end comes; that an answer comes; that its body comes; ' +
    'that its end comes, that of the connection; that the connection closes',
  'ends go nowhere': 'on a connection in memory it was not so that its end comes, that of the connection; that the connection closes',
  'timers without _idleStart': 'on a connection in memory it was not so that a timer rings when it is due',
};

for (const { version, node } of NODES) {
  it(`Node ${version} with its inside changed`, async () => {
    const changes = Object.keys(MESSAGES);
    const printed = await Promise.all(
      changes.map(async (change) => {
        const { stdout, stderr } = await new Program(node, ['--no-warnings', script('changed-node'), change]).ended();
        return `${stderr}${stdout}`.trim();
      }),
    );
    const sentence = new RegExp(`^a Node program cannot be simulated on Node v${version}[\\d.]*: (.*)$`);
    expect(printed.map((line) => sentence.exec(line)?.[1] ?? line)).toEqual(Object.values(MESSAGES));
  });

  it(`Node ${version} with one thread for real work does not wait for itself`, async () => {
    const program = new Program(node, ['--no-warnings', script('one-thread')], { UV_THREADPOOL_SIZE: '1' });
    const { stdout, stderr } = await program.ended();
    const rounds = [0, 1, 2].map((round) => `round ${round} at 0 ms: true`);
    expect(`${stderr}${stdout}`.trim().split('\n')).toEqual(rounds);
  });
}
