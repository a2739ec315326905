/**
 * `cablepull run`: devices, a server and faults, on the simulated network, on a gateway or over real sockets; reports
 * who noticed.
 */

import { FAULT_KINDS } from '../faults/kinds/index.ts';
import { CI_OPTIONS } from './ci-files.ts';
import { conductBlocks } from './conduct-blocks.ts';
import { conductRun } from './conduct-run.ts';
import { DEVICE_OPTIONS } from './device-options.ts';
import type { PlanFile } from './plan-file.ts';
import { PROGRAM_OPTIONS } from './program-options.ts';
import { defineProtocolCommand, type GivenWithProtocol, readProtocolOptions } from './protocol-command.ts';
import { EXPECT_HELP } from './plan-options.ts';
import { type RunSettings, runSettings } from './run-settings.ts';
import { waitForServer } from './wait-for-server.ts';
import type { Terminal } from './terminal.ts';

export const RUN_OPTIONS = {
  server: {
    type: 'string',
    multiple: true,
    value: 'HOST:PORT',
    help:
      'connect to your server over real sockets; give it again for more servers, which each device tries in turn. With ' +
      '-- COMMAND give only :PORT, if the command listens on several ports. Default: our own server on a simulated ' +
      'network, in virtual time, 20 ms away, with 1% loss in each direction',
  },
  wait: {
    type: 'string',
    value: '10s',
    help: 'with --server: wait this long for the server to listen (0)',
  },
  network: {
    type: 'string',
    value: 'tun',
    help:
      'join the simulated devices to the network of this host, for a server that runs already; --server is its address. ' +
      'Needs root, or an interface that you made before',
  },
  subnet: { type: 'string', value: '10.77.0.0/16', help: 'with --network tun: the addresses of the devices (10.77.0.0/16)' },
  interface: { type: 'string', value: 'cablepull0', help: 'with --network tun: the name of the interface (cablepull0)' },
  devices: {
    type: 'string',
    value: 'N',
    help: 'number of devices: dev-1, dev-2, ... (20 against your server, 5 against our own)',
  },
  ramp: {
    type: 'string',
    value: '10s',
    help: 'switch the devices on one after the other within this time (1 ms for each, at most 10 s)',
  },
  fault: {
    type: 'string',
    multiple: true,
    value: '"cable-pull on dev-1 at 10s for 30s"',
    help:
      `a fault; give it again for more. Kinds: ${FAULT_KINDS.join(', ')}. 'cablepull faults' explains each kind, and ` +
      "ranges, patterns and 'every'",
  },
  plan: {
    type: 'string',
    value: 'FILE',
    help:
      "read faults from a file, one in each line; - is standard input. Lines can also be options of devices and protocols " +
      "without their dashes: 'devices 40 meter', 'profile w5500 on meter-*', 'beat 10s on meter-1..9', 'expect no false alarms'",
  },
  for: {
    type: 'string',
    value: '2m',
    help:
      'length of the run (until 1 min after the last fault; against your server until 20 s after the last fault, or ' +
      'until Ctrl-C if there are no faults)',
  },
  expect: {
    type: 'string',
    multiple: true,
    value: '"server notices within 15s"',
    help: EXPECT_HELP,
  },
  report: { type: 'string', value: 'out.html', help: 'write the run as an HTML page, with a time line for each device' },
  ...CI_OPTIONS,
  live: {
    type: 'boolean',
    default: false,
    help:
      'serve a page on this machine that shows the fleet, with a button for each fault; its address is printed. The run ' +
      'ends with the button End run, Ctrl-C or --for',
  },
  speed: { type: 'string', value: '1', help: 'with --live in virtual time: seconds of the run in each real second (1)' },
  json: { type: 'boolean', default: false, help: 'print each event as a JSON object in a line, and the report in the last line' },
  seed: {
    type: 'string',
    value: '7',
    default: '1',
    help: 'seed of all random numbers (1); a simulated run with the same seed gives the same output',
  },
  ...PROGRAM_OPTIONS,

  ...DEVICE_OPTIONS,
  arp: {
    type: 'boolean',
    default: false,
    help:
      'put the server and the simulated devices on one local network, where they find one another by ARP; devices ' +
      'behind NAT always do',
  },

  jobs: {
    type: 'string',
    value: 'N',
    opensGroup: true,
    help:
      'simulate the fleet in blocks of 250 devices, each with a server of its own, N blocks at a time; the output ' +
      'is the same for every N (up to 5,000 devices, or if something needs a whole fleet: one server for all; above: ' +
      'one block for each processor)',
  },
  shard: { type: 'string', value: '3/16', help: 'simulate only part 3 of 16 of the blocks, so that several machines can share a run' },
  out: { type: 'string', value: 'part.json', help: "write this part to a file for 'cablepull merge'" },

  pcap: {
    type: 'string',
    value: 'out.pcapng',
    opensGroup: true,
    help: 'write what every host sends to a capture file for Wireshark and tshark, with the faults as comments; not over real sockets',
  },
  'offline-log': {
    type: 'string',
    value: 'REGEX',
    help:
      'with -- COMMAND or --program: regular expression for the log lines in which the server reports a device as ' +
      'gone, by name or address. The server has then noticed when its TCP connection and this line both show it',
  },
  netstat: {
    type: 'boolean',
    default: false,
    help: 'print every connection of every host at the end, with its running timer; not over real sockets',
  },
} as const;

const definition = {
  name: 'run',
  about: 'connects devices to a server, causes faults, and reports who noticed',
  example:
    'cablepull run --fault "hang on dev-3 at 5s" --expect "server notices within 20s" -- node server.js',
  takesCommand: true,
  options: RUN_OPTIONS,
  async run(given: GivenWithProtocol<typeof RUN_OPTIONS>, terminal: Terminal): Promise<number> {
    const settings = await runSettings(given);
    // Waits before the run starts, because the times of the plan count from its start.
    if (settings.waitMs !== undefined) await waitForServer(settings.servers, settings.waitMs, terminal);
    return settings.split === undefined
      ? conductRun(settings, terminal)
      : conductBlocks(settings, settings.split, terminal);
  },
} as const;

export const runCommand = defineProtocolCommand(definition);

/**
 * Returns the settings of a run from the words behind `run` on a command line. `readBefore` replaces the plan that
 * these words name. Rejects with a Problem.
 */
export async function readRun(args: readonly string[], readBefore?: PlanFile): Promise<RunSettings> {
  return runSettings(await readProtocolOptions(definition, args), readBefore);
}
