/** What `--help` prints. */

import { FAULT_KINDS } from '../faults/fault.ts';

export const COMMANDS = ['matrix', 'run', 'report', 'faults', 'swarm', 'merge', 'serve'] as const;

export type Command = (typeof COMMANDS)[number];

export const OVERVIEW = `cablepull: pull the cable on a thousand devices and see who notices

  cablepull                    the matrix: which fault is noticed by which policy, when, and why
  cablepull run                devices and a server on a simulated network, in virtual time; with --server, devices
                               against your server, over real sockets; faults, and who noticed
  cablepull report             what a stored trace comes to, as text or as a page
  cablepull faults             every kind of fault, and how a plan of them is written
  cablepull swarm              random fleets and plans over all processors: what must hold of each, and the least that fails
  cablepull merge              the parts of a swarm that several processes have done, as one report
  cablepull serve              the reference server, on real sockets
  cablepull COMMAND --help     the options of a command
  cablepull --version

Examples
  cablepull run --devices 1000 --for 1h --fault "cable-pull on dev-7 at 10m for 30s"
  cablepull run --server 192.0.2.1:39002 --devices 20 --fault "power-loss on dev-* at 10s for 1m"
  cablepull run --fault "hang on dev-1 at 5s" --expect "server notices within 20s" --pcap out.pcapng
  cablepull serve --port 39002 --no-answers

Exit status: 0; 1 when something could not be done, or was not as expected; 2 for wrong usage; 130 when it is
ended by Ctrl-C, 143 by SIGTERM, 129 when the terminal goes (a run still has its report; serve: 0).
`;

export const HELP: Readonly<Record<Command, string>> = {
  matrix: `cablepull matrix: faults against detection policies, each cell an experiment in virtual time

  --html out.html              the same as a page
  --json                       the same for machines
  --seed 7                     of what is left to chance (1)
`,

  run: `cablepull run: devices, a server, faults, and who noticed

  --server HOST:PORT           your server, over real sockets; more than one: tried in turn. Without: one of our own,
                               simulated, in virtual time, 20 ms away, with 1% loss each way
  --devices N                  how many (20; 5 without --server): dev-1, dev-2, ...; switched on 1 ms apart
  --fault "cable-pull on dev-1 at 10s for 30s"
                               again and again; kinds: ${FAULT_KINDS.slice(0, 7).join(', ')},
                               ${FAULT_KINDS.slice(7).join(', ')};
                               'cablepull faults' tells of each, and of ranges, patterns and 'every'
  --plan FILE                  faults, one a line
  --for 2m                     how long (until 1 min after the last fault; with --server until 20 s after it, and
                               without faults until Ctrl-C)
  --expect "server notices within 15s"
                               also 'device notices' and 'service back'; exit status 1 if it is not so
  --report out.html            the run as a page: a time line for each device
  --json                       every event, and at the end the report, as a JSON object a line
  --seed 7                     of all that is left to chance (1): simulated, the same seed gives the same output

  --protocol heartbeat|echo    beats in 8-byte frames, or text given back in upper case (heartbeat)
  --beat 3s                    a beat so often
  --missed-limit 5             so many beats missed mean that the other side is gone
  --no-answers                 the server does not answer beats
  --keepalive 3/3/3 | off      TCP keepalive of the devices and of our own server: idle and interval in seconds, count
                               (off; with --protocol echo 3/3/3 on the devices)
  --watchdog 5s                a hardware watchdog: resets a device that hangs (none)

  --pcap out.pcapng            simulated: what every host sends, for Wireshark and tshark, with the faults as comments
  --netstat                    simulated: at the end every connection of every host, with the timer that runs
`,

  report: `cablepull report: what a trace comes to that 'cablepull run --json > trace.ndjson' has stored

  cablepull report trace.ndjson

  --html out.html              as a page: a time line for each device
  --expect "server notices within 15s"
                               also 'device notices' and 'service back'; exit status 1 if it is not so
  --json                       as a JSON object
`,

  faults: `cablepull faults: every kind of fault, what each network can do of it, and how a plan is written

  --json                       a JSON object a kind
`,

  swarm: `cablepull swarm: random fleets, cables and plans of faults from seeds, simulated, over all processors; whether the
invariants hold of each run, and the least that makes one fail

  --runs 1000                  how many
  --for 10m                    how long each is, at least 6m: at its end there are no faults, so that all can settle
  --seed 7                     of all that is left to chance (1): the same seed gives the same report
  --fault "power-loss on dev-* at 1m for 30s"
                               a plan of your own in place of random ones; again and again
  --jobs N                     so many at a time (one a processor)
  --json                       the report as a JSON object

  --shard 3/16                 the third of sixteen parts of it
  --out part.json              the part, for 'cablepull merge'

  --run 417                    one run alone, with what it is made of
  --devices dev-1,dev-4        of its fleet only these

The invariants: nobody is kept on line in silence longer than the policy allows; every device is back within its bound
after the last heal; no byte is lost, doubled or changed on a connection; the server is left with one client a device;
what is held does not grow; verdicts make sense. Exit status 1 where one does not hold.
`,

  merge: `cablepull merge: the parts that 'cablepull swarm --shard 3/16 --out part-3.json' and the like have written, put
together to the report that one process would have printed, to the byte

  cablepull merge part-*.json
  --json                       the report as a JSON object
`,

  serve: `cablepull serve: the reference server, on real sockets, until Ctrl-C

  --port 39002, --host 127.0.0.1
  --protocol heartbeat|echo    (heartbeat)
  --keepalive 3/3/3 | off      TCP keepalive of its connections (off)
  --beat 3s                    how often clients beat: the default of --scan; echo: a line so often
  --scan 3s, --missed-limit 5  at each scan a client's count goes up by 1; a beat sets it to 0; closed when it has
                               reached the limit
  --idle 10s                   instead: closed at a scan (every 5 s) when nothing came for so long
  --no-answers                 beats are not answered
  --push 5s                    sends data so often
  --max-connections 20000
  --json                       an event a line
`,
};
