/** What `--help` prints. */

import { FAULT_KINDS } from '../faults/fault.ts';

export const HELP = `cablepull: pull the cable on a thousand devices and see who notices

  cablepull                    a demonstration: devices, a server, faults, and who noticed
  cablepull run [options]      devices against a server, over real sockets
  cablepull serve [options]    the reference server
  cablepull --help, --version

run
  --server HOST:PORT           your server; more than one: tried in turn. Without: one of our own
  --devices N                  how many (20; 5 without --server)
  --protocol heartbeat|echo    beats in 8-byte frames, or text given back in upper case (heartbeat)
  --beat 3s                    a beat so often
  --missed-limit 5             so many beats missed mean that the other side is gone
  --no-answers                 the server does not answer beats
  --keepalive 3/3/3 | off      TCP keepalive: idle and interval in seconds, count
  --watchdog 5s                a hardware watchdog: resets a device that hangs (none)
  --fault "cable-pull on dev-1 at 10s for 30s"
                               again and again; kinds: ${FAULT_KINDS.join(', ')};
                               a name may have a *; without 'for' it stays
  --plan FILE                  faults, one a line
  --for 2m                     how long (until 20 s after the last fault; without faults until Ctrl-C)
  --expect "server notices within 15s"
                               also 'device notices' and 'service back'; exit status 1 if it is not so
  --seed 7                     of the devices' random numbers (1)
  --json                       every event, and at the end the report, as a JSON object a line

serve
  --port 39002, --host 127.0.0.1
  --protocol, --keepalive, --json    as above
  --beat 3s                    how often clients beat: the default of --scan; echo: a line so often
  --scan 3s, --missed-limit 5  at each scan a client's count goes up by 1; a beat sets it to 0; closed when it has
                               reached the limit
  --idle 10s                   instead: closed at a scan (every 5 s) when nothing came for so long
  --no-answers                 beats are not answered
  --push 5s                    sends data so often
  --max-connections 20000

Examples
  cablepull run --server 192.0.2.1:39002 --devices 20 --fault "power-loss on dev-* at 10s for 1m"
  cablepull run --fault "hang on dev-1 at 5s" --expect "server notices within 20s"
  cablepull serve --port 39002 --no-answers

Exit status: 0; 1 when something could not be done, or was not as expected; 2 for wrong usage; 130 when a run is
ended by Ctrl-C (serve: 0).
`;
