/** `cablepull`, `cablepull matrix`: faults against policies; and other tables that are found by experiment. */

import { matrix, type MatrixOptions } from '../matrix/matrix.ts';
import { matrixPage } from '../matrix/page.ts';
import { peersMatrix, peersText } from '../matrix/peers.ts';
import { COMPARISONS } from '../matrix/protocols.ts';
import { periodTable, periodText } from '../matrix/period.ts';
import { matrixText } from '../matrix/text.ts';
import { defineCommand } from './command.ts';
import { OutputFile } from './output-file.ts';
import type { Terminal } from './terminal.ts';
import { fileName, seedOf, usage } from './values.ts';

export const matrixCommand = defineCommand({
  name: 'matrix',
  about: 'faults against detection policies, each cell an experiment in virtual time',
  options: {
    protocol: {
      type: 'string', value: 'heartbeat|mqtt|framed|dubbo|udp-heartbeat|peers', default: 'heartbeat',
      help: 'heartbeat: TCP keepalive and beats; mqtt: clients and brokers as they are; framed: idle timers; '
        + 'dubbo: beats and calls; udp-heartbeat: intervals of beats; peers: intervals of pings against grace, in place of faults (heartbeat)',
    },
    adaptive: {
      type: 'boolean',
      default: false,
      help:
        'in place of faults: what a client gains behind a NAT box that finds its beat period by itself, and what that '
        + 'costs',
    },
    html: { type: 'string', value: 'out.html', help: 'the same as a page' },
    json: { type: 'boolean', default: false, help: 'the same for machines' },
    seed: { type: 'string', value: '7', default: '1', help: 'of what is left to chance (1)' },
  },
  run: ({ values: { adaptive, protocol, json, ...values } }, terminal) => {
    const [seed, html] = [seedOf(values.seed), fileName('--html', values.html)];
    if (!adaptive && protocol === 'peers') {
      if (html !== undefined) throw usage('--protocol peers has no page: --html does not go with it');
      return showPeers(seed, json, terminal);
    }
    if (!adaptive) return showMatrix({ seed, ...matrixOf(protocol) }, json, html, terminal);
    if (html !== undefined) throw usage('--adaptive has no page: --html does not go with it');
    if (protocol !== 'heartbeat') throw usage(`--adaptive is about heartbeats, not --protocol ${protocol}`);
    return showPeriods(seed, json, terminal);
  },
});

/** What there is to be compared in a protocol. */
function matrixOf(protocol: string): MatrixOptions {
  if (Object.hasOwn(COMPARISONS, protocol)) return { ...COMPARISONS[protocol] };
  throw usage(`--protocol must be ${Object.keys(COMPARISONS).join(', ')} or peers, not '${protocol}'`);
}

async function showPeers(seed: number, json: boolean, terminal: Terminal): Promise<number> {
  const found = await peersMatrix({ seed });
  if (json) terminal.printJson(found);
  else terminal.print(peersText(found));
  return 0;
}

async function showPeriods(seed: number, json: boolean, terminal: Terminal): Promise<number> {
  const rows = await periodTable({ seed });
  if (json) terminal.printJson(rows);
  else terminal.print(periodText(rows, seed));
  return 0;
}

async function showMatrix(
  options: MatrixOptions, json: boolean, html: string | undefined, terminal: Terminal,
): Promise<number> {
  const warn = (sentence: string): void => terminal.log(`cablepull: ${sentence}`);
  const file = html === undefined ? undefined : new OutputFile('--html', html, warn);
  const found = await matrix(options);
  if (json) terminal.printJson(found);
  else terminal.print(matrixText(found));
  file?.write(new TextEncoder().encode(matrixPage(found)));
  return (file?.close() ?? true) ? 0 : 1;
}
