/** `cablepull run`: devices and a server, on the simulated network or over real sockets, faults, and who noticed. */

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
      'your server, over real sockets; more than one: tried in turn. Behind -- COMMAND no more than :PORT, where it cannot ' +
      'be found out. Without either: one of our own, simulated, in virtual time, 20 ms away, with 1% loss each way',
  },
  wait: {
    type: 'string',
    value: '10s',
    help: 'with --server over real sockets: how long to wait until it listens (not at all)',
  },
  network: {
    type: 'string',
    value: 'tun',
    help:
      'the devices are joined to the network of this host, so that a server that runs already meets packets that really ' +
      'stop: --server says where; as root, or with an interface made beforehand',
  },
  subnet: { type: 'string', value: '10.77.0.0/16', help: 'with --network tun: whose addresses the devices have (10.77.0.0/16)' },
  interface: { type: 'string', value: 'cablepull0', help: 'with --network tun: the name of the interface (cablepull0)' },
  devices: {
    type: 'string',
    value: 'N',
    help: 'how many (20; 5 simulated): dev-1, dev-2, ...',
  },
  ramp: {
    type: 'string',
    value: '10s',
    help: 'how long it takes to switch them on, one after the other (1 ms for each, and at most 10 s)',
  },
  fault: {
    type: 'string',
    multiple: true,
    value: '"cable-pull on dev-1 at 10s for 30s"',
    help:
      `again and again; kinds: ${FAULT_KINDS.join(', ')}; 'cablepull faults' tells of each, and of ranges, patterns ` +
      "and 'every'",
  },
  plan: {
    type: 'string',
    value: 'FILE',
    help:
      "faults, one a line; also 'devices 40 meter', 'profile w5500 on meter-*', 'beat 10s on meter-1..9', 'expect no " +
      "false alarms': all options of devices and protocols without their dashes; - for standard input",
  },
  for: {
    type: 'string',
    value: '2m',
    help:
      'how long (until 1 min after the last fault; with a server of yours until 20 s after it, and without faults until ' +
      'Ctrl-C)',
  },
  expect: {
    type: 'string',
    multiple: true,
    value: '"server notices within 15s"',
    help: EXPECT_HELP,
  },
  report: { type: 'string', value: 'out.html', help: 'the run as a page: a time line for each device' },
  ...CI_OPTIONS,
  live: {
    type: 'boolean',
    default: false,
    help:
      'a page on this machine, whose address is printed: the fleet as it is, and a button for each fault. The run lasts ' +
      'until its button End run, Ctrl-C or --for',
  },
  speed: { type: 'string', value: '1', help: 'with --live, simulated: seconds of the run in a second (1)' },
  json: { type: 'boolean', default: false, help: 'every event, and at the end the report, as a JSON object a line' },
  seed: {
    type: 'string',
    value: '7',
    default: '1',
    help: 'of all that is left to chance (1): simulated, the same seed gives the same output',
  },
  ...PROGRAM_OPTIONS,

  ...DEVICE_OPTIONS,
  arp: {
    type: 'boolean',
    default: false,
    help: 'simulated: the server and the devices are on one local network, and find one another by ARP; behind NAT they do anyway',
  },

  jobs: {
    type: 'string',
    value: 'N',
    opensGroup: true,
    help:
      'simulated, the fleet in blocks of a thousand, each with a server of its own, so many at a time; the output is the ' +
      'same for every N (one a processor, above 100,000 devices; below, one server for all)',
  },
  shard: { type: 'string', value: '3/16', help: 'the third of sixteen parts of these blocks' },
  out: { type: 'string', value: 'part.json', help: "the part, for 'cablepull merge'" },

  pcap: {
    type: 'string',
    value: 'out.pcapng',
    opensGroup: true,
    help: 'but over real sockets: what every host sends, for Wireshark and tshark, with the faults as comments',
  },
  'offline-log': {
    type: 'string',
    value: 'REGEX',
    help:
      'with -- COMMAND or --program: the lines of its output that say that a device is gone, by its name or its address: then the ' +
      'server has noticed when its kernel has, and its program',
  },
  netstat: {
    type: 'boolean',
    default: false,
    help: 'but over real sockets: at the end every connection of every host, with the timer that runs',
  },
} as const;

const definition = {
  name: 'run',
  about: 'devices, a server, faults, and who noticed',
  example:
    'cablepull run --devices 9 --fault "hang on dev-3 at 10s" --expect "server notices within 20s" -- node my-server.js',
  takesCommand: true,
  options: RUN_OPTIONS,
  async run(given: GivenWithProtocol<typeof RUN_OPTIONS>, terminal: Terminal): Promise<number> {
    const settings = await runSettings(given);
    // Before the run begins: the time of its plan counts from there.
    if (settings.waitMs !== undefined) await waitForServer(settings.servers, settings.waitMs, terminal);
    return settings.split === undefined
      ? conductRun(settings, terminal)
      : conductBlocks(settings, settings.split, terminal);
  },
} as const;

export const runCommand = defineProtocolCommand(definition);

/** The settings of a run, from what stands behind `run` on a command line and the lines of its plan. */
export async function readRun(args: readonly string[], plan: PlanFile): Promise<RunSettings> {
  return runSettings(await readProtocolOptions(definition, args), plan);
}
