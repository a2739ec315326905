"""A heartbeat server in Python that knows nothing of Cablepull. It prints who comes and who goes, and why.

Usage: server.py PORT [WORD ...]
  keepalive     SO_KEEPALIVE with 3/3/3
  usertimeout   TCP_USER_TIMEOUT of 5 s
  mute          beats are not answered
  push          each client is sent 8 bytes a second
  scan          who has not been heard for 5 s is put off line, and the connection left open
"""

import errno
import selectors
import socket
import sys
import time

port, words = int(sys.argv[1]), sys.argv[2:]
selector = selectors.DefaultSelector()
listener = socket.create_server(("0.0.0.0", port), backlog=4096)
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)
clients = {}
print("listening", flush=True)


def accept():
    client, (address, peer_port) = listener.accept()
    client.setblocking(False)
    if "keepalive" in words:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 3)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    if "usertimeout" in words:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000)
    name = f"{address}:{peer_port}"
    selector.register(client, selectors.EVENT_READ, name)
    clients[name] = [client, time.monotonic()]
    print("online", name, flush=True)


def send(client, data):
    try:
        client.send(data)
    except OSError:
        pass  # the selector tells


def read(client, name):
    why = "closed"
    try:
        data = client.recv(65536)
        if data:
            clients[name][1] = time.monotonic()
            if "mute" not in words:
                send(client, data)
            return
    except OSError as error:
        why = errno.errorcode[error.errno]
    selector.unregister(client)
    client.close()
    del clients[name]
    print("offline", name, why, flush=True)


def every_second():
    now = time.monotonic()
    for name, entry in clients.items():
        if "push" in words:
            send(entry[0], bytes(8))
        if "scan" in words and now - entry[1] > 5:
            entry[1] = float("inf")
            print("silent", name, flush=True)


due = time.monotonic() + 1
while True:
    for key, _ in selector.select(timeout=max(0, due - time.monotonic())):
        if key.fileobj is listener:
            accept()
        else:
            read(key.fileobj, key.data)
    if time.monotonic() >= due:
        due += 1
        every_second()
