"""A client of the framed protocol that knows nothing of Cablepull: logs in, asks three times in two glued and one torn piece,
then falls silent, and prints the type of each frame that comes. Usage: framed-client.py PORT NAME"""

import socket
import struct
import sys
import time


def frame(kind, body=b""):
    return struct.pack(">IIB", 0xABEF0101, len(body) + 1, kind) + body


client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
client.sendall(frame(3, sys.argv[2].encode()))
client.sendall(frame(5) + frame(5))
torn = frame(5)
client.sendall(torn[:4])
time.sleep(0.2)
client.sendall(torn[4:])
stream = client.makefile("rb")
while True:
    head = stream.read(9)
    if len(head) < 9:
        print("closed", flush=True)
        break
    mark, length, kind = struct.unpack(">IIB", head)
    body = stream.read(length - 1)
    print("frame", kind, body.hex(), flush=True)
