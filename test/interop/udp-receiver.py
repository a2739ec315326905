"""A plain receiver of UDP heartbeats that knows nothing of Cablepull: prints whom each datagram came from, and who has been
silent for 1.5 s. Usage: udp-receiver.py PORT (0: any); prints its port first."""

import socket
import sys
import time

receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", int(sys.argv[1])))
receiver.settimeout(0.05)
print("port", receiver.getsockname()[1], flush=True)

heard = {}
while True:
    try:
        data, sender = receiver.recvfrom(2048)
        heard[sender] = time.monotonic()
        print("from", sender[1], data.decode(), flush=True)
    except socket.timeout:
        pass
    for sender, when in list(heard.items()):
        if time.monotonic() - when > 1.5:
            del heard[sender]
            print("silent", sender[1], flush=True)
