/** `cablepull`, `cablepull matrix`: faults against policies; and other tables that are found by experiment. */

import { formatFault } from '../faults/fault.ts';
import { problemOf } from '../faults/hosts.ts';
import { matrix, type MatrixFault, type MatrixOptions } from '../matrix/matrix.ts';
import { matrixPage } from '../matrix/page.ts';
import { peersMatrix, peersText } from '../matrix/peers.ts';
import { DEFAULT_PARTS, policiesOf } from '../matrix/policy.ts';
import { COMPARISONS } from '../matrix/protocols.ts';
import { periodTable, periodText } from '../matrix/period.ts';
import type { Stacks } from '../matrix/stacks.ts';
import { matrixText } from '../matrix/text.ts';
import { SERVER_NAME } from '../programs.ts';
import { PROFILE_NAMES } from '../tcpip/profile.ts';
import { defineCommand } from './command.ts';
import { profileOf } from './device-options.ts';
import { OutputFile } from './output-file.ts';
import { readFaults } from './plan-options.ts';
import { parseKeepAlive } from './protocol-command.ts';
import type { Terminal } from './terminal.ts';
import { durationOf, fileName, seedOf, usage, wholeNumber } from './values.ts';

export const matrixCommand = defineCommand({
  name: 'matrix',
  about: 'shows which detection policy notices which fault, and when; each cell is an experiment in virtual time',
  options: {
    protocol: {
      type: 'string', value: 'heartbeat|mqtt|framed|dubbo|udp-heartbeat|peers', default: 'heartbeat',
      help: 'what is compared (heartbeat)\nheartbeat: TCP keepalive and beats\nmqtt: rules of MQTT clients and brokers\n'
        + 'framed: idle timers\ndubbo: beats and calls\nudp-heartbeat: intervals of beats\n'
        + 'peers: intervals of pings and grace times, instead of faults',
    },
    adaptive: {
      type: 'boolean',
      default: false,
      help:
        'instead of faults: show what a client gains that finds its beat period behind a NAT box by itself, and what '
        + 'it costs',
    },
    keepalive: {
      type: 'string',
      multiple: true,
      value: '60/10/6',
      help: 'heartbeat: a TCP keepalive to compare; give it again for more (3/3/3)',
    },
    beat: {
      type: 'string',
      multiple: true,
      value: '30s',
      help: 'heartbeat: an interval of beats to compare; give it again for more (3s)',
    },
    'missed-limit': { type: 'string', value: '5', help: 'heartbeat: number of missed beats after which an end gives up (5)' },
    fault: {
      type: 'string',
      multiple: true,
      value: '"cable-pull on dev-1 at 1m"',
      help: 'a fault for a row, instead of the usual rows; give it again for more. The hosts are dev-1 and server',
    },
    profile: { type: 'string', value: PROFILE_NAMES.join('|'), help: 'TCP/IP stack of the device (lwip)' },
    'server-profile': { type: 'string', value: PROFILE_NAMES.join('|'), help: 'TCP/IP stack of the server (linux)' },
    html: { type: 'string', value: 'out.html', help: 'write the matrix as a page' },
    json: { type: 'boolean', default: false, help: 'print the matrix as a JSON object' },
    seed: { type: 'string', value: '7', default: '1', help: 'seed of all random numbers (1)' },
  },
  run: ({ values: { adaptive, protocol, json, ...values } }, terminal) => {
    const [seed, html] = [seedOf(values.seed), fileName('--html', values.html)];
    const own = ownMatrixOf(values);
    const stacks = stacksOf(values);
    const other = adaptive ? '--adaptive' : protocol === 'peers' ? '--protocol peers' : undefined;
    if (other !== undefined && Object.keys(stacks).length > 0) {
      throw usage(`${other} always uses lwIP and Linux: it cannot be used with --profile or --server-profile`);
    }
    if (own !== undefined && (adaptive || protocol !== 'heartbeat')) {
      throw usage(
        '--keepalive, --beat, --missed-limit and --fault change the heartbeat matrix: they cannot be used with '
          + '--protocol or --adaptive',
      );
    }
    if (!adaptive && protocol === 'peers') {
      if (html !== undefined) throw usage('--protocol peers has no page: it cannot be used with --html');
      return showPeers(seed, json, terminal);
    }
    if (!adaptive) return showMatrix({ seed, ...stacks, ...matrixOf(protocol), ...own }, json, html, terminal);
    if (html !== undefined) throw usage('--adaptive has no page: it cannot be used with --html');
    if (protocol !== 'heartbeat') throw usage(`--adaptive is only for heartbeats, not for --protocol ${protocol}`);
    return showPeriods(seed, json, terminal);
  },
});

/** Returns the stacks that were asked for. Throws a Problem. */
function stacksOf(values: { profile?: string; 'server-profile'?: string }): Stacks {
  const { profile, 'server-profile': serverProfile } = values;
  return {
    ...(profile !== undefined && { profile: profileOf(profile, '--profile') }),
    ...(serverProfile !== undefined && { serverProfile: profileOf(serverProfile, '--server-profile') }),
  };
}

/** Returns the comparison of a protocol. Throws a Problem. */
function matrixOf(protocol: string): MatrixOptions {
  if (Object.hasOwn(COMPARISONS, protocol)) return { ...COMPARISONS[protocol] };
  throw usage(`--protocol must be ${Object.keys(COMPARISONS).join(', ')} or peers, not '${protocol}'`);
}

/** Returns the user's own policies and faults; undefined if none are given. Throws a Problem. */
function ownMatrixOf(values: {
  keepalive?: string[]; beat?: string[]; 'missed-limit'?: string; fault?: string[];
}): MatrixOptions | undefined {
  const { keepalive, beat, 'missed-limit': limit, fault } = values;
  if ([keepalive, beat, limit, fault].every((value) => value === undefined)) return undefined;
  const missedLimit = limit === undefined ? DEFAULT_MISSED_LIMIT : wholeNumber('--missed-limit', limit, 1, 1000);
  const keepAlives = keepalive?.map((text) => {
    const keepAlive = parseKeepAlive(text);
    if (keepAlive === 'off') throw usage("--keepalive off is always compared: it is the column 'nothing'");
    return keepAlive;
  });
  const periods = beat?.map((text) => durationOf('--beat', text) ?? 0);
  const beats = (periods ?? DEFAULT_PARTS.beats.map(({ intervalMs }) => intervalMs)).map((intervalMs) => {
    return { intervalMs, missedLimit };
  });
  const faults = fault?.map((text): MatrixFault => {
    const plan = readFaults([text]);
    const problem = problemOf(plan, { network: 'simulated', devices: ['dev-1'], servers: [SERVER_NAME] });
    if (problem !== undefined) throw usage(`--fault: ${problem}`);
    const line = plan.map(formatFault).join('\n');
    return { name: line, plan: line };
  });
  return {
    policies: policiesOf({ keepAlives: keepAlives ?? DEFAULT_PARTS.keepAlives, beats }),
    ...(faults !== undefined && { faults }),
  };
}

const DEFAULT_MISSED_LIMIT = 5;

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
