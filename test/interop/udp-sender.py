"""A plain sender of UDP heartbeats that knows nothing of Cablepull: sends each of its arguments as a datagram, 0.2 s apart.
Usage: udp-sender.py PORT TEXT ..."""

import socket
import sys
import time

sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for text in sys.argv[2:]:
    sender.sendto(text.encode(), ("127.0.0.1", int(sys.argv[1])))
    time.sleep(0.2)
